//! The section of the README about speed.

use super::aims;
use super::results::{About, Results};
use super::tables::{digits, ratio, shown};
use std::fmt::Write as _;

/// Losing less than this is no loss: the machine's noise is greater.
const NOISE: f64 = 1.03;
/// Those who enforce nothing by their own word.
const NO_RIVALS: [&str; 5] = ["native", "floor", "strace", "strace-bpf", "proot"];

/// A line of the table: what it is called, and the workloads that are in it.
struct Line<'a> {
    name: String,
    workloads: Vec<&'a str>,
}

/// The section.
pub(super) fn section(results: &Results) -> String {
    let mut text = String::new();
    let users = results.users();
    let Some(user) = users.first() else { return text };
    let machine = &results.machine;
    let kind = if machine.virtual_machine { ", virtual" } else { "" };
    let _ = writeln!(
        text,
        "Measured {} as {user} on {} processors ({}{kind}), Linux {}, {}.\n",
        machine.date,
        machine.processors,
        machine.processor,
        machine.kernel,
        results.in_turn()
    );
    text.push_str(&aims::table(results, user));
    text.push_str(
        "\nTime of `jailkeeper` (strength `full`) as a ratio to others; **bold** is slower. Of \
         several workloads it is the geometric mean. Rivals are those that refuse a file outside; \
         who failed in a workload is not compared in it.\n\n\
         | | to native | to bubblewrap | faster than | within 3 % of | slower than |\n\
         |---|---|---|---|---|---|\n",
    );
    for line in lines(results, user) {
        compared(results, user, &line, &mut text);
    }
    text.push_str(
        "\n| contestant | names what was touched | refuses it | start, ms | programs | calls | memory, kB |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for one in &results.contestants {
        contestant(results, user, one, &mut text);
    }
    text.push_str("\nThere `programs` and `calls` are ratios to native.\n");
    text.push_str("\n![Starting](docs/benchmarks/start.svg)\n");
    text.push_str("\n![Whole programs](docs/benchmarks/programs.svg)\n\n");
    death(results, user, &mut text);
    text.push_str(&aims::warm(results, user));
    text
}

/// Starts one by one, the other groups as a whole.
fn lines<'a>(results: &'a Results, user: &str) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = results
        .names(user, "start")
        .into_iter()
        .map(|name| Line { name: name.to_owned(), workloads: vec![name] })
        .collect();
    let (absolute, relative) = results.calls(user);
    let programs = results.names(user, "programs");
    let rules =
        results.names(user, "rules").into_iter().filter(|name| *name == "1,000 rules").collect();
    for (name, workloads) in [
        (format!("{} whole programs", programs.len()), programs),
        ("calls, relative paths".to_owned(), relative),
        ("calls, absolute paths".to_owned(), absolute),
        ("start with 1,000 rules".to_owned(), rules),
    ] {
        if !workloads.is_empty() {
            lines.push(Line { name, workloads });
        }
    }
    lines
}

fn compared(results: &Results, user: &str, line: &Line<'_>, text: &mut String) {
    let to = |other: &str| results.mean_over(user, &line.workloads, "jailkeeper", other);
    let mut rivals: Vec<(&str, f64)> = results
        .contestants
        .iter()
        .filter(|one| one.refuses && !one.is_ours() && !NO_RIVALS.contains(&one.name.as_str()))
        .filter_map(|one| Some((one.name.as_str(), to(&one.name)?)))
        .collect();
    rivals.sort_by(|one, other| one.1.total_cmp(&other.1));
    let listed = |keep: &dyn Fn(f64) -> bool| {
        let kept = rivals.iter().filter(|(_, ratio)| keep(*ratio));
        let words: Vec<String> =
            kept.map(|(name, value)| format!("{name} {}", ratio(Some(*value)))).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    };
    let slower = listed(&|ratio| ratio > NOISE);
    let slower = if slower == "-" { slower } else { format!("**{slower}**") };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {slower} |",
        line.name,
        marked(to("native")),
        marked(to("bwrap")),
        listed(&|ratio| ratio < 1.0 / NOISE),
        listed(&|ratio| (1.0 / NOISE..=NOISE).contains(&ratio)),
    );
}

/// A ratio, bold where it is a loss.
fn marked(value: Option<f64>) -> String {
    let text = ratio(value);
    if value.is_some_and(|value| value > NOISE) { format!("**{text}**") } else { text }
}

fn contestant(results: &Results, user: &str, one: &About, text: &mut String) {
    let name = one.name.as_str();
    // Who starts nothing but `/bin/true` from a program has a table of its own.
    if results.row(user, "start", name).is_none() {
        return;
    }
    let start = results.row(user, "start", name).and_then(|row| row.spread());
    let start = start.map_or_else(|| "fail".to_owned(), |spread| shown(&spread));
    let mean = |group: &str| match results.mean_ratio(user, group, name, "native") {
        Some(mean) => ratio(Some(mean)),
        None => failed(results, user, group, name),
    };
    let memory = results
        .median(user, "memory, 1", name)
        .map_or_else(|| "-".to_owned(), |median| format!("{median:.*}", digits(median)));
    let refuses = if one.refuses { "yes" } else { "no" };
    let name = if one.is_ours() { format!("**{name}**") } else { name.to_owned() };
    let _ = writeln!(
        text,
        "| {name} | {} | {refuses} | {start} | {} | {} | {memory} |",
        one.names,
        mean("programs"),
        mean("calls"),
    );
}

/// Which workloads of a group somebody failed, or a line if it takes no part.
pub(super) fn failed(results: &Results, user: &str, group: &str, name: &str) -> String {
    let rows: Vec<_> = results
        .names(user, group)
        .into_iter()
        .filter_map(|workload| results.row(user, workload, name))
        .collect();
    let failed: Vec<&str> =
        rows.iter().filter(|row| row.spread().is_none()).map(|row| row.workload.as_str()).collect();
    if failed.is_empty() { "-".to_owned() } else { format!("fails {}", failed.join(", ")) }
}

fn death(results: &Results, user: &str, text: &mut String) {
    let strengths =
        [("jailkeeper", "full"), ("jailkeeper-flat", "flat"), ("jailkeeper-monitor", "monitor")];
    let spread = |name: &str| results.row(user, "death", name).and_then(|row| row.spread());
    let words: Vec<String> = strengths
        .into_iter()
        .filter_map(|(name, strength)| {
            let spread = spread(name)?;
            Some(format!("{:.2} ms at `{strength}` ({:.2} ms)", spread.median, spread.p90))
        })
        .collect();
    if !words.is_empty() {
        let _ = writeln!(
            text,
            "From a jailbreak to the last sign of life of a tree of ten processes, median (and \
             in 90 % of the runs): {}.",
            words.join(", ")
        );
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::results::{Machine, Row};

    pub(in crate::bench) fn results() -> Results {
        let about = |name: &str| About {
            name: name.into(),
            about: String::new(),
            names: "no".into(),
            refuses: name != "native",
            version: String::new(),
        };
        let row = |workload: &str, group: &str, contestant: &str, value: f64| Row {
            user: "root".into(),
            group: group.into(),
            workload: workload.into(),
            about: String::new(),
            unit: "ms".into(),
            contestant: contestant.into(),
            failure: None,
            samples: vec![(1, value), (2, value)],
        };
        Results {
            version: 2,
            quick: false,
            machine: Machine {
                date: "2026-11-28".into(),
                processor: "a processor".into(),
                processors: 2,
                virtual_machine: true,
                kernel: "6.18".into(),
                system: "a system".into(),
                load_before: String::new(),
                load_after: String::new(),
                versions: Vec::new(),
            },
            contestants: ["native", "jailkeeper", "bwrap"].map(about).to_vec(),
            absent: Vec::new(),
            rows: vec![
                row("start", "start", "native", 1.0),
                row("start", "start", "jailkeeper", 6.0),
                row("start", "start", "bwrap", 5.0),
                row("make", "programs", "native", 100.0),
                row("make", "programs", "jailkeeper", 101.0),
                row("make", "programs", "bwrap", 100.0),
                row("death", "death", "jailkeeper", 0.5),
            ],
        }
    }

    #[test]
    fn losses_are_told_as_plainly_as_wins() {
        let text = section(&results());
        assert!(text.contains("| **jailkeeper** | no | yes | 6.00 (6.00-6.00) | 1.01 |"), "{text}");
        assert!(
            text.contains("| start | **6.00** | **1.20** | - | - | **bwrap 1.20** |"),
            "{text}"
        );
        assert!(text.contains("| 1 whole programs | 1.01 | 1.01 | - | bwrap 1.01 | - |"), "{text}");
        assert!(text.contains("| a start below bubblewrap's | 1.20 | **missed** |"), "{text}");
        assert!(text.contains("0.50 ms at `full`"), "{text}");
    }
}
