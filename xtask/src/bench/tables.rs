//! The results as tables for people.

use super::results::{Results, Row};
use super::statistics::Spread;
use super::workloads::Group;
use std::fmt::Write as _;

const GROUPS: [(Group, &str); 7] = [
    (Group::Start, "Starting"),
    (Group::Warm, "Starting from a program that stays"),
    (Group::Programs, "Whole programs, start included"),
    (Group::Calls, "Calls, start not included"),
    (Group::Death, "From a jailbreak to the last sign of life"),
    (Group::Memory, "Memory of the supervising processes, for each jail"),
    (Group::Rules, "A start with many rules"),
];

/// Writes `results.md`.
pub(super) fn page(results: &Results) -> String {
    let mut text = String::from("# Benchmark results\n\nWritten by `cargo xtask bench`.");
    text.push_str(" What the words mean: [README.md](README.md).\n\n");
    if results.quick {
        text.push_str("A quick run, with few rounds: good for a glance, not for quoting.\n\n");
    }
    machine(results, &mut text);
    contestants(results, &mut text);
    for user in results.users() {
        let _ = writeln!(text, "\n## As {user}");
        for (group, title) in GROUPS {
            group_tables(results, user, group, title, &mut text);
        }
        failures(results, user, &mut text);
    }
    text
}

fn machine(results: &Results, text: &mut String) {
    let machine = &results.machine;
    let kind = if machine.virtual_machine { ", a virtual machine" } else { "" };
    let _ = writeln!(text, "* {}", machine.date);
    let _ = writeln!(text, "* {} processors: {}{kind}", machine.processors, machine.processor);
    let _ = writeln!(text, "* Linux {}, {}", machine.kernel, machine.system);
    let (before, after) = (&machine.load_before, &machine.load_after);
    let _ = writeln!(text, "* load average before: {before}; after: {after}");
    for (program, version) in &machine.versions {
        let _ = writeln!(text, "* {program}: {version}");
    }
}

fn contestants(results: &Results, text: &mut String) {
    text.push_str("\n## Contestants\n\n");
    text.push_str("| contestant | is | version | names what was touched | refuses it |\n");
    text.push_str("|---|---|---|---|---|\n");
    for one in &results.contestants {
        let refuses = if one.refuses { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {refuses} |",
            one.name, one.about, one.version, one.names
        );
    }
    for one in &results.absent {
        let why = one.why.replace('|', "\\|");
        let _ = writeln!(text, "\nNot measured: **{}** ({why}).", one.name);
    }
}

fn group_tables(results: &Results, user: &str, group: Group, title: &str, text: &mut String) {
    let workloads: Vec<&Row> =
        results.workloads(user).into_iter().filter(|row| row.group == group.name()).collect();
    let Some(first) = workloads.first() else { return };
    let _ = writeln!(text, "\n### {title}\n");
    for row in &workloads {
        let _ = writeln!(text, "* **{}**: {}", row.workload, row.about);
    }
    let _ = writeln!(
        text,
        "\n{}: the median, and between which values half of the samples lie.\n",
        first.unit
    );
    let names: Vec<&str> = results
        .contestants
        .iter()
        .map(|one| one.name.as_str())
        .filter(|name| workloads.iter().any(|row| results.row(user, &row.workload, name).is_some()))
        .collect();
    let cell = |name: &str, row: &Row| match results.row(user, &row.workload, name) {
        None => "-".to_owned(),
        Some(row) => row.spread().map_or_else(|| "fail".to_owned(), |spread| shown(&spread)),
    };
    table(text, &workloads, &names, cell);
    if matches!(group, Group::Death | Group::Memory) {
        return;
    }
    let base = if group == Group::Warm { "posix_spawn" } else { "native" };
    if names.contains(&base) && group != Group::Rules {
        let _ =
            writeln!(text, "\nAs a ratio to `{base}`, the median of the ratios within a round:\n");
        let cell = |name: &str, row: &Row| ratio(results.ratio(user, &row.workload, name, base));
        table(text, &workloads, &names, cell);
    }
    if names.contains(&"jailkeeper") {
        text.push_str(
            "\n`jailkeeper` as a ratio to each, likewise; below 1 it is the faster one:\n\n",
        );
        let others: Vec<&str> =
            names.iter().copied().filter(|name| *name != "jailkeeper").collect();
        let cell =
            |name: &str, row: &Row| ratio(results.ratio(user, &row.workload, "jailkeeper", name));
        table(text, &workloads, &others, cell);
    }
}

fn table(
    text: &mut String,
    workloads: &[&Row],
    names: &[&str],
    cell: impl Fn(&str, &Row) -> String,
) {
    let heads: Vec<&str> = workloads.iter().map(|row| row.workload.as_str()).collect();
    let _ = writeln!(text, "| | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(heads.len()));
    for name in names {
        let cells: Vec<String> = workloads.iter().map(|row| cell(name, row)).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
}

fn failures(results: &Results, user: &str, text: &mut String) {
    let failed = results.rows.iter().filter(|row| row.user == user && row.failure.is_some());
    for (number, row) in failed.enumerate() {
        if number == 0 {
            text.push_str("\n### What failed\n\n");
        }
        let why = row.failure.as_deref().unwrap_or_default();
        let _ = writeln!(text, "* {}, {}: {}", row.contestant, row.workload, plain(why));
    }
}

/// What a contestant said, on one line and not too long.
fn plain(text: &str) -> String {
    let kept = |letter: &char| !letter.is_control() && *letter != '|' && *letter != '<';
    text.chars().filter(kept).take(160).collect()
}

/// A median with the quartiles.
pub(super) fn shown(spread: &Spread) -> String {
    let digits = digits(spread.median);
    if spread.count < 2 {
        return format!("{:.digits$}", spread.median);
    }
    format!(
        "{:.digits$} ({:.digits$}-{:.digits$})",
        spread.median, spread.lower_quartile, spread.upper_quartile
    )
}

/// How many digits say something.
pub(super) fn digits(value: f64) -> usize {
    if value < 10.0 { 2 } else { usize::from(value < 100.0) }
}

pub(super) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.*}", digits(ratio)))
}
