//! What people read: errors with their causes and hints, on stderr.

use crate::status::Status;
use jailkeeper::model::profile::ProfileError;
use jailkeeper::{Error, ErrorKind};
use std::error::Error as _;
use std::io::{IsTerminal, Write};

/// Prints an error of the engine and returns the exit status that belongs to it.
pub(crate) fn failure(error: &Error) -> Status {
    if let Some(mistake) = error.source().and_then(|cause| cause.downcast_ref::<ProfileError>()) {
        say(&mistake.picture().coloured(has_colours()).to_string());
        return status(error);
    }
    let mut text = format!("error: failed to {error}\n");
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!("caused by: {source}\n"));
        cause = source.source();
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!("\nhint: {hint}\n"));
    }
    say(&text);
    status(error)
}

/// Returns the exit status that belongs to an error of the engine.
pub(crate) fn status(error: &Error) -> Status {
    match error.kind() {
        ErrorKind::NotFound => Status::NotFound,
        ErrorKind::NotExecutable => Status::NotExecutable,
        _ => Status::Failed,
    }
}

/// Says whether stderr shows colours: on a terminal, unless the user wants none.
fn has_colours() -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    wanted && std::io::stderr().is_terminal()
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
