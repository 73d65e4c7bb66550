//! What people read: errors with their causes and hints, on stderr.

use crate::page::{Colour, Page};
use crate::status::Status;
use jailkeeper::model::profile::ProfileError;
use jailkeeper::{Error, ErrorKind};
use std::error::Error as _;
use std::io::Write;

/// Prints an error of the engine and returns the exit status that belongs to it.
pub(crate) fn failure(error: &Error) -> Status {
    let page = Page::stderr();
    if let Some(mistake) = error.source().and_then(|cause| cause.downcast_ref::<ProfileError>()) {
        say(&mistake.picture().coloured(page.is_coloured()).to_string());
        return status(error);
    }
    say(&sentences(page, error));
    status(error)
}

/// An error, what caused it, and what to do next.
fn sentences(page: Page, error: &Error) -> String {
    let after = format!(": failed to {error}");
    let mut text = page.headline("", "error", Colour::Bad, &after);
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&page.headline("", "caused by", Colour::Bad, &format!(": {source}")));
        cause = source.source();
    }
    if let Some(hint) = error.hint() {
        text.push('\n');
        text.push_str(&page.headline("", "hint", Colour::Hint, &format!(": {hint}")));
    }
    text
}

/// Returns the exit status that belongs to an error of the engine.
pub(crate) fn status(error: &Error) -> Status {
    match error.kind() {
        ErrorKind::NotFound => Status::NotFound,
        ErrorKind::NotExecutable => Status::NotExecutable,
        _ => Status::Failed,
    }
}

/// Prints what the command line parser says.
pub(crate) fn usage(error: &clap::Error) -> Status {
    // Help and version are no errors; they go to stdout.
    let _ = error.print();
    if error.use_stderr() { Status::Failed } else { Status::Code(0) }
}

/// Writes to stderr. A stderr that is closed is no reason to fail.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes data to stdout.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
