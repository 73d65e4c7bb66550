//! The aims, and whether the results reach them.

use super::results::Results;
use super::tables::{digits, ratio};
use std::fmt::Write as _;

/// How many kilobytes a supervisor may keep.
const MEMORY: f64 = 2048.0;

/// An aim with what was measured.
struct Aim<'a> {
    words: &'static str,
    /// What `--only` takes to measure it again.
    only: &'static str,
    /// None of the values may be greater.
    limit: f64,
    unit: &'static str,
    /// Each with the workload or way; nothing where it was not measured or failed.
    values: Values<'a>,
    /// The same of those who do only what the kernel makes a jail's walls cost.
    floor: Values<'a>,
}

type Values<'a> = Vec<(&'a str, Option<f64>)>;

/// A table with a line for each aim.
pub(super) fn table(results: &Results, user: &str) -> String {
    let mut text = String::from(
        "| aim | measured | | the floor's | by `cargo xtask bench` |\n|---|---|---|---|---|\n",
    );
    for aim in all(results, user) {
        let (measured, verdict) = aim.judge();
        let floor = aim.floor();
        let Aim { words, only, .. } = aim;
        let peers = if words.contains("minijail") { " --peers" } else { "" };
        let _ = writeln!(
            text,
            "| {words} | {measured} | {verdict} | {floor} | `--only {only}{peers}` |"
        );
    }
    text
}

/// A sentence about starts by a program that stays, if there were any.
pub(super) fn warm(results: &Results, user: &str) -> String {
    let shown: Vec<String> = ["posix_spawn", "bare", "waiting", "spawn", "prepared", "spare"]
        .iter()
        .filter_map(|way| {
            let median = results.median(user, "warm start", way)?;
            let to = results.ratio(user, "warm start", way, "posix_spawn");
            Some(format!("`{way}` {median:.0} µs ({})", ratio(to)))
        })
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    format!(
        "\nA start of `/bin/true` by a program that stays and uses the library, and its ratio to \
         `posix_spawn`: {}. `cargo xtask bench --only warm` measures it.\n",
        shown.join(", ")
    )
}

fn all<'a>(results: &'a Results, user: &str) -> Vec<Aim<'a>> {
    let ratios = |of: &str, workloads: &[&'a str], to: &str| -> Values<'a> {
        let ratio = |workload: &&'a str| (*workload, results.ratio(user, workload, of, to));
        workloads.iter().map(ratio).collect()
    };
    let (absolute, relative) = results.calls(user);
    let programs = results.names(user, "programs");
    let memory = results.names(user, "memory").into_iter();
    let memory = memory.map(|workload| (workload, results.median(user, workload, "jailkeeper")));
    let death = vec![("death", results.median(user, "death", "jailkeeper"))];
    let warm = |ways: [&'a str; 2]| -> Values<'a> {
        ways.map(|way| (way, results.ratio(user, "warm start", way, "posix_spawn"))).to_vec()
    };
    let aim =
        |words, only, limit, unit, values, floor| Aim { words, only, limit, unit, values, floor };
    let start = |peer| ratios("jailkeeper", &["start"], peer);
    let floor_start = |peer| ratios("floor", &["start"], peer);
    vec![
        aim(
            "every whole program at most 1.02 of native",
            "programs",
            1.02,
            "",
            ratios("jailkeeper", &programs, "native"),
            ratios("floor", &programs, "native"),
        ),
        aim(
            "calls with relative paths at most 1.02 of the same mounts and Landlock without a watch",
            "calls",
            1.02,
            "",
            ratios("jailkeeper", &relative, "floor"),
            ratios("floor-watch", &relative, "floor"),
        ),
        aim(
            "calls with absolute paths at most 1.10 of that",
            "calls",
            1.1,
            "",
            ratios("jailkeeper", &absolute, "floor"),
            ratios("floor-watch", &absolute, "floor"),
        ),
        aim("a start below bubblewrap's", "start", 1.0, "", start("bwrap"), floor_start("bwrap")),
        aim(
            "a start below minijail's",
            "start",
            1.0,
            "",
            start("minijail"),
            floor_start("minijail"),
        ),
        aim("a tree of ten dead within 2 ms of its attempt", "death", 2.0, " ms", death, vec![]),
        aim(
            "the supervisor below 2 MB for each jail",
            "memory",
            MEMORY,
            " kB",
            memory.collect(),
            vec![],
        ),
        aim(
            "a prepared start at most 1.5 of `posix_spawn`",
            "warm",
            1.5,
            "",
            warm(["prepared", "spare"]),
            warm(["bare", "waiting"]),
        ),
    ]
}

impl Aim<'_> {
    /// What the floor has, by the same measure.
    fn floor(&self) -> String {
        let Self { floor: values, limit, unit, .. } = self;
        at_worst(values, *limit, unit).map_or_else(|| "-".to_owned(), |(text, _)| text)
    }

    /// What was measured and what that means.
    fn judge(&self) -> (String, &'static str) {
        let Self { values, limit, unit, .. } = self;
        let missing: Vec<&str> =
            values.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
        let Some((mut measured, worst)) = at_worst(values, *limit, unit) else {
            return ("nothing".to_owned(), "not measured");
        };
        if !missing.is_empty() {
            let _ = write!(measured, "; no number: {}", missing.join(", "));
            return (measured, if worst > *limit { "**missed**" } else { "**not shown**" });
        }
        (measured, if worst > *limit { "**missed**" } else { "reached" })
    }
}

/// The greatest of the values that were measured, in words with how many are within the limit, and
/// as it is.
fn at_worst(values: &Values<'_>, limit: f64, unit: &str) -> Option<(String, f64)> {
    let known = || values.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let (name, worst) = known().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let mut text = format!("{worst:.*}{unit}", digits(worst));
    if values.len() > 1 {
        let kept = known().filter(|(_, value)| *value <= limit).count();
        let _ = write!(text, " at worst ({name}); {kept} of {} within it", values.len());
    }
    Some((text, worst))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(values: Vec<(&'static str, Option<f64>)>) -> (String, &'static str) {
        Aim { words: "", only: "", limit: 1.1, unit: "", values, floor: vec![] }.judge()
    }

    #[test]
    fn the_worst_decides_and_what_failed_reaches_nothing() {
        assert_eq!(judge(vec![("one", Some(1.1))]), ("1.10".to_owned(), "reached"));
        let (text, verdict) = judge(vec![("one", Some(1.0)), ("two", Some(1.4))]);
        assert_eq!(text, "1.40 at worst (two); 1 of 2 within it");
        assert_eq!(verdict, "**missed**");
        let (text, verdict) = judge(vec![("one", Some(1.0)), ("two", None)]);
        assert!(text.ends_with("; no number: two"), "{text}");
        assert_eq!(verdict, "**not shown**");
        assert_eq!(judge(vec![("one", None)]).1, "not measured");
    }
}
