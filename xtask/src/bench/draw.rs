//! The charts, drawn of the results.

use super::chart::{Bar, bars};
use super::results::Results;
use super::tables::digits;
use anyhow::{Context, Result};
use std::path::Path;

/// Draws the charts into a directory.
pub(super) fn all(results: &Results, directory: &Path) -> Result<()> {
    let users = results.users();
    let Some(user) = users.first() else { return Ok(()) };
    let bar = |name: &str, value: f64, note: String| {
        let ours = name.starts_with("jailkeeper");
        Bar { name: name.to_owned(), value, ours, note }
    };
    let names = || results.contestants.iter().map(|one| one.name.as_str());
    let starts = names().filter_map(|name| {
        let median = results.row(user, "start", name)?.spread()?.median;
        Some(bar(name, median, format!("{median:.*}", digits(median))))
    });
    let starts = bars("Start to end of /bin/true", "milliseconds, median", starts.collect());
    let programs = names().filter_map(|name| {
        let mean = results.mean_ratio(user, "programs", name, "native")?;
        Some(bar(name, mean, format!("{mean:.2}")))
    });
    let title = "Whole programs, start included";
    let programs = bars(title, "ratio to native, geometric mean", programs.collect());
    std::fs::write(directory.join("start.svg"), starts)?;
    std::fs::write(directory.join("programs.svg"), programs).context("failed to draw")
}
