//! Tests that found a need unmet: each appends its name to a file, and the number is printed.

use crate::terminal::line;
use crate::workspace::{self, Metadata};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Where tests write: below the directory that cargo builds in, or below the workspace.
fn files(target: &Path) -> [PathBuf; 2] {
    [target.join("skipped"), workspace::root().join("target/skipped")]
}

/// Removes what an earlier run left.
pub(super) fn forget(target: &Path) -> Result<()> {
    for file in files(target) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("failed to remove the list of skipped tests");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Prints how many tests declared a skip, and which.
pub(super) fn say() {
    let Ok(metadata) = Metadata::read() else { return };
    let mut files = files(&metadata.target_directory).to_vec();
    files.dedup();
    let text: String = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    let mut names: Vec<&str> = text.lines().collect();
    names.sort_unstable();
    names.dedup();
    line(&format!("{} tests declared an unmet need", names.len()));
    for name in names {
        line(&format!("  {name}"));
    }
}
