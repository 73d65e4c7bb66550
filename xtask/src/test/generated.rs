//! Files that the command itself prints and that are checked in must be what it prints today.
//!
//! With `JAILKEEPER_BLESS=1` they are written instead. The event schemas are checked by a test of
//! `jailkeeper-model` in the same way.

use crate::command;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// A file, and the arguments that print it. A file that does not exist is not checked.
const FILES: [(&str, &[&str]); 4] = [
    ("docs/man/jailkeeper.1", &["man"]),
    ("docs/completions/jailkeeper.bash", &["completions", "bash"]),
    ("docs/completions/_jailkeeper", &["completions", "zsh"]),
    ("docs/completions/jailkeeper.fish", &["completions", "fish"]),
];

/// Compares every file with what the command prints.
pub(super) fn check(binary: &Path) -> Result<()> {
    let bless = std::env::var_os("JAILKEEPER_BLESS").is_some_and(|value| value == "1");
    let mut stale = Vec::new();
    for (name, arguments) in FILES {
        let file = workspace::root().join(name);
        if !file.is_file() {
            continue;
        }
        let today = command::output(workspace::command(binary).args(arguments))?;
        let stored =
            std::fs::read_to_string(&file).with_context(|| format!("failed to read `{name}`"))?;
        if bless {
            std::fs::write(&file, today).with_context(|| format!("failed to write `{name}`"))?;
        } else if stored != today {
            stale.push(name);
        }
    }
    if !stale.is_empty() {
        bail!("out of date: {}; run again with JAILKEEPER_BLESS=1", stale.join(", "));
    }
    crate::bench::check()
}
