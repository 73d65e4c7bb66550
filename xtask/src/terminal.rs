//! The only writer: everything that these commands say goes to stderr.

use std::io::Write;

/// Writes text as it is. A stderr that is closed is no reason to fail.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes a line.
pub(crate) fn line(text: &str) {
    say(&format!("{text}\n"));
}
