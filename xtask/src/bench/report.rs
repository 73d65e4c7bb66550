//! The results as JSON, with every sample, and as tables.

use super::contestants::Contestant;
use super::death::Death;
use super::machine::Machine;
use super::measure::Row;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Results {
    /// Of this format.
    version: u32,
    quick: bool,
    pub(super) machine: Machine,
    contestants: Vec<(&'static str, &'static str)>,
    pub(super) rows: Vec<Row>,
    pub(super) deaths: Vec<Death>,
}

impl Results {
    pub(super) fn new(machine: Machine, quick: bool) -> Self {
        let (contestants, rows, deaths) = Default::default();
        Self { version: 1, quick, machine, contestants, rows, deaths }
    }

    pub(super) fn take_contestants(&mut self, contestants: &[Contestant]) {
        self.contestants = contestants.iter().map(|one| (one.name, one.about)).collect();
    }

    fn tables(&self) -> String {
        let mut text = String::from("# Benchmark results\n\nWritten by `cargo xtask bench`.");
        text.push_str(" What the words mean: [README.md](README.md).\n\n");
        if self.quick {
            text.push_str("A quick run, with few rounds: good for a glance, not for quoting.\n\n");
        }
        self.describe(&mut text);
        let mut users: Vec<&str> = self.rows.iter().map(|row| row.user).collect();
        users.dedup();
        for user in users {
            self.table(&mut text, user);
        }
        self.death_table(&mut text);
        text
    }

    fn describe(&self, text: &mut String) {
        let machine = &self.machine;
        let kind = if machine.virtual_machine { ", a virtual machine" } else { "" };
        let _ = writeln!(text, "* {}", machine.date);
        let _ = writeln!(text, "* {} processors: {}{kind}", machine.processors, machine.processor);
        let _ = writeln!(text, "* Linux {}, {}", machine.kernel, machine.system);
        let (before, after) = (&machine.load_before, &machine.load_after);
        let _ = writeln!(text, "* load average before: {before}; after: {after}");
        for (program, version) in &machine.versions {
            let _ = writeln!(text, "* {program}: {version}");
        }
        text.push('\n');
        for (name, about) in &self.contestants {
            let _ = writeln!(text, "* **{name}**: {about}");
        }
    }

    fn table(&self, text: &mut String, user: &str) {
        let names: Vec<&str> = self.contestants.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(text, "\n## As {user}\n");
        let heads = "jailkeeper / native | jailkeeper / bwrap | jailkeeper / floor";
        let _ = writeln!(text, "| workload | unit | {} | {heads} |", names.join(" | "));
        let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len() + 3));
        let of_user = || self.rows.iter().filter(|row| row.user == user);
        for first in of_user().filter(|row| Some(&row.contestant) == names.first()) {
            let _ = write!(text, "| {}: {} | {} |", first.workload, first.about, first.unit);
            let row = |name: &str| {
                of_user().find(|row| row.workload == first.workload && row.contestant == name)
            };
            for name in &names {
                let _ = write!(text, " {} |", row(name).map_or_else(String::new, cell));
            }
            let ours = row("jailkeeper");
            let ratios = [
                ours.and_then(|row| row.to_native),
                ours.and_then(|row| row.to_bwrap),
                ours.and_then(|row| row.to_floor),
            ];
            for ratio in ratios {
                let ratio = ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
                let _ = write!(text, " {ratio} |");
            }
            text.push('\n');
        }
    }

    fn death_table(&self, text: &mut String) {
        text.push_str("\n## From a jailbreak to the last sign of life, ten processes\n\n");
        text.push_str("| user | contestant | median ms | 90 % within | min | max | runs |\n");
        text.push_str("|---|---|---|---|---|---|---|\n");
        for death in &self.deaths {
            let spread = &death.spread;
            let _ = writeln!(
                text,
                "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {} |",
                death.user,
                death.contestant,
                spread.median,
                spread.p90,
                spread.min,
                spread.max,
                spread.count,
            );
        }
    }
}

/// The median, and between which values half of the samples are.
fn cell(row: &Row) -> String {
    let Some(spread) = &row.spread else { return "failed".into() };
    let digits = if spread.median < 10.0 { 2 } else { usize::from(spread.median < 100.0) };
    format!(
        "{:.digits$} ({:.digits$}-{:.digits$})",
        spread.median, spread.lower_quartile, spread.upper_quartile
    )
}

/// Writes `results.json` and `results.md`.
pub(super) fn write(results: &Results, directory: &Path) -> Result<()> {
    let mut json = serde_json::to_string_pretty(results)?;
    json.push('\n');
    std::fs::write(directory.join("results.json"), json).context("failed to write results.json")?;
    let tables = directory.join("results.md");
    std::fs::write(tables, results.tables()).context("failed to write results.md")
}
