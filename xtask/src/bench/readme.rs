//! The section of the README about speed, which is made of the results.

use super::results::{About, Results, VERSION};
use super::tables::{digits, ratio, shown};
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str =
    "<!-- made by `cargo xtask bench` from docs/benchmarks/results.json: begin -->\n";
const END: &str = "<!-- end -->\n";
/// Losing less than this is no loss: the machine's noise is greater.
const NOISE: f64 = 1.03;

/// The whole README with today's section.
pub(super) fn renewed(readme: &str, results: &Results) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).context("the README has no section for it")?;
    let (_, after) = rest.split_once(END).context("the README's section has no end")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", section(results)))
}

/// Writes the section.
pub(super) fn write(results: &Results) -> Result<()> {
    let file = workspace::root().join("README.md");
    let readme = std::fs::read_to_string(&file).context("failed to read the README")?;
    std::fs::write(file, renewed(&readme, results)?).context("failed to write the README")
}

/// Fails if the section is not what the results say.
pub(crate) fn check() -> Result<()> {
    let text = std::fs::read_to_string(workspace::root().join("docs/benchmarks/results.json"))
        .context("failed to read the results")?;
    let any: serde_json::Value =
        serde_json::from_str(&text).context("failed to read the results")?;
    if any.get("version").and_then(serde_json::Value::as_u64) != Some(VERSION.into()) {
        crate::terminal::line(
            "the results are of an older form: `cargo xtask bench` makes new ones",
        );
        return Ok(());
    }
    let results: Results = serde_json::from_value(any).context("failed to read the results")?;
    let readme = std::fs::read_to_string(workspace::root().join("README.md"))?;
    if renewed(&readme, &results)? != readme {
        bail!("the README's section about speed is not what results.json says");
    }
    let page = std::fs::read_to_string(workspace::root().join("docs/benchmarks/results.md"))?;
    if super::tables::page(&results) != page {
        bail!("results.md is not what results.json says");
    }
    Ok(())
}

fn section(results: &Results) -> String {
    let mut text = String::new();
    let users = results.users();
    let Some(user) = users.first() else { return text };
    let machine = &results.machine;
    let kind = if machine.virtual_machine { ", virtual" } else { "" };
    let _ = writeln!(
        text,
        "Measured {} as {user} on {} processors ({}{kind}), Linux {}, all in one run, in turn. Ratios are to native; `calls` and `programs` are geometric means.\n",
        machine.date, machine.processors, machine.processor, machine.kernel
    );
    text.push_str(
        "| | names what was touched | refuses it | start, ms | programs | calls | memory, kB |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|\n");
    for one in &results.contestants {
        line(results, user, one, &mut text);
    }
    text.push_str("\n![Starting](docs/benchmarks/start.svg)\n");
    text.push_str("\n![Whole programs](docs/benchmarks/programs.svg)\n\n");
    losses(results, user, &mut text);
    text
}

fn line(results: &Results, user: &str, one: &About, text: &mut String) {
    let name = one.name.as_str();
    let spread = |workload: &str| results.row(user, workload, name).and_then(|row| row.spread());
    let start = spread("start").map_or_else(|| "fail".to_owned(), |spread| shown(&spread));
    let mean = |group: &str| match results.mean_ratio(user, group, name, "native") {
        Some(mean) => ratio(Some(mean)),
        None => "fails in some".to_owned(),
    };
    let memory = spread("memory, 1").map_or_else(
        || "-".to_owned(),
        |spread| format!("{:.*}", digits(spread.median), spread.median),
    );
    let refuses = if one.refuses { "yes" } else { "no" };
    let name = if name.starts_with("jailkeeper") { format!("**{name}**") } else { name.to_owned() };
    let _ = writeln!(
        text,
        "| {name} | {} | {refuses} | {start} | {} | {} | {memory} |",
        one.names,
        mean("programs"),
        mean("calls"),
    );
}

/// What is slower than with bubblewrap, worst first.
fn losses(results: &Results, user: &str, text: &mut String) {
    let mut lost: Vec<(f64, &str)> = results
        .workloads(user)
        .into_iter()
        .filter(|row| row.group != "death" && row.group != "memory")
        .filter_map(|row| {
            let ratio = results.ratio(user, &row.workload, "jailkeeper", "bwrap")?;
            (ratio > NOISE).then_some((ratio, row.workload.as_str()))
        })
        .collect();
    lost.sort_by(|one, other| other.0.total_cmp(&one.0));
    let words: Vec<String> =
        lost.iter().map(|(ratio, workload)| format!("{workload} {ratio:.2}")).collect();
    if words.is_empty() {
        text.push_str("Nothing was slower than with bubblewrap, which names nothing.\n");
    } else {
        let _ = writeln!(
            text,
            "Slower than with bubblewrap, which names nothing (ratio): {}.",
            words.join(", ")
        );
    }
    if let Some(death) = results.row(user, "death", "jailkeeper").and_then(|row| row.spread()) {
        let _ = writeln!(
            text,
            "A tree of ten processes was dead {:.2} ms after its attempt (median; {:.2} ms in 90 % of the runs).",
            death.median, death.p90
        );
    }
}

/// Draws the charts into a directory.
pub(super) fn draw(results: &Results, directory: &Path) -> Result<()> {
    use super::chart::{Bar, bars};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::{Machine, Row};

    fn results() -> Results {
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
        assert!(text.contains("names nothing (ratio): start 1.20.\n"), "{text}");
        assert!(text.contains("dead 0.50 ms after"), "{text}");
    }

    #[test]
    fn what_stands_around_the_section_stays() {
        let readme = format!("before\n{BEGIN}old\n{END}after\n");
        let new = renewed(&readme, &results()).expect("there is a section");
        assert!(new.starts_with("before\n") && new.ends_with("after\n") && !new.contains("old"));
        assert_eq!(renewed(&new, &results()).expect("there is a section"), new);
        assert!(renewed("no section", &results()).is_err());
    }
}
