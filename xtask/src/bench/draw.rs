//! The charts, drawn of the results.

use super::chart::{Bar, bars};
use super::readme::failed;
use super::results::{About, Results};
use super::tables::digits;
use anyhow::{Context, Result};
use std::path::Path;

/// Draws the charts into a directory.
pub(super) fn all(results: &Results, directory: &Path) -> Result<()> {
    let users = results.users();
    let Some(user) = users.first() else { return Ok(()) };
    let bar = |one: &About, value: Option<f64>, failed: String| {
        let number = value.map_or(failed, |value| format!("{value:.*}", digits(value)));
        let refuses = one.refuses || one.name == "native";
        let note = if refuses { number } else { format!("{number}, refuses nothing") };
        let ours = one.is_ours();
        Bar { name: one.name.clone(), value, ours, note }
    };
    let takes_part = |workload: &'static str| {
        let is_there = move |one: &&About| results.row(user, workload, &one.name).is_some();
        results.contestants.iter().filter(is_there)
    };
    let starts = takes_part("start").map(|one| {
        bar(
            one,
            results.median(user, "start", &one.name),
            failed(results, user, "start", &one.name),
        )
    });
    let starts = bars("Start to end of /bin/true", "milliseconds, median", starts.collect());
    let programs = takes_part("pdflatex").map(|one| {
        let mean = results.mean_ratio(user, "programs", &one.name, "native");
        bar(one, mean, failed(results, user, "programs", &one.name))
    });
    let title = "Whole programs, start included";
    let programs = bars(title, "ratio to native, geometric mean", programs.collect());
    std::fs::write(directory.join("start.svg"), starts)?;
    std::fs::write(directory.join("programs.svg"), programs).context("failed to draw")
}
