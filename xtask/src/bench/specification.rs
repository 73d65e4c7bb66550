//! The numbers in SPECIFICATION.md, each with the command that measures it again.

use super::aims;
use super::results::{Results, Row};
use super::tables::{digits, ratio};
use std::fmt::Write as _;

/// Who is in the tables, with all workloads of these groups.
const CONTESTANTS: [&str; 5] = ["native", "jailkeeper", "jailkeeper-flat", "floor", "bwrap"];
const GROUPS: [&str; 6] = ["start", "programs", "calls", "death", "memory", "rules"];

/// The section.
pub(super) fn section(results: &Results) -> String {
    let machine = &results.machine;
    let kind = if machine.virtual_machine { ", virtual" } else { "" };
    let mut text = format!(
        "Measured {} at commit {} on {} processors ({}{kind}), Linux {}. Medians; the spread and \
         all contestants are in [results](docs/benchmarks/results.md).\n",
        machine.date,
        machine.version("commit").unwrap_or("unknown"),
        machine.processors,
        machine.processor,
        machine.kernel
    );
    for user in results.users() {
        let _ = write!(text, "\n### As {user}\n\n{}", aims::table(results, user));
        numbers(results, user, &mut text);
    }
    text
}

fn numbers(results: &Results, user: &str, text: &mut String) {
    text.push_str("\n| workload | unit |");
    for name in CONTESTANTS {
        let _ = write!(text, " {name} |");
    }
    let _ = writeln!(text, " jailkeeper to native | by `cargo xtask bench` |");
    let _ = writeln!(text, "|---|---|{}---|---|", "---|".repeat(CONTESTANTS.len()));
    let of = |group: &'static str| {
        results.workloads(user).into_iter().filter(move |row| row.group == group)
    };
    for row in GROUPS.into_iter().flat_map(of) {
        let Row { workload, unit, group, .. } = row;
        let _ = write!(text, "| {workload} | {unit} |");
        for name in CONTESTANTS {
            let cell = match results.row(user, workload, name) {
                None => "-".to_owned(),
                Some(row) => row.spread().map_or_else(
                    || "fail".to_owned(),
                    |spread| format!("{:.*}", digits(spread.median), spread.median),
                ),
            };
            let _ = write!(text, " {cell} |");
        }
        // Of what native does not have there is no ratio: it keeps no memory and kills nobody.
        let to = match group.as_str() {
            "memory" | "death" => None,
            _ => results.ratio(user, workload, "jailkeeper", "native"),
        };
        let _ = writeln!(text, " {} | `--only {group}` |", ratio(to));
    }
    text.push_str(&aims::warm(results, user));
}
