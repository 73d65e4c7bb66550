//! `cargo xtask instructions`: how many instructions the engine's own parts take, as the guard
//! against their becoming slow.
//!
//! Wall time is never a test: it is the machine's as much as ours. Instructions in user mode are
//! counted by callgrind, which runs one thread on a processor of its own making: the same program
//! on the same data takes the same number, whatever else the machine does. What can still differ
//! is the C library, and which of its and of other crates' routines the processor gets; the
//! tolerance is for that. The compiler is the same everywhere (`rust-toolchain.toml`).
//!
//! What cannot be counted so: a plan and a whole start. Valgrind (3.19) knows neither `openat2(2)`
//! nor Landlock, so a program under it gets no further than to its first rule.

use crate::terminal::line;
use crate::workspace::{self, Metadata};
use crate::{command, terminal};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// What is counted, in the order of the program: each is a function `counted_...` of
/// `crates/jailkeeper-testkit/src/bin/instructions.rs`.
const COUNTED: [(&str, &str); 5] = [
    ("base", "reads what every program needs from its profile"),
    ("filter", "builds the seccomp filter"),
    ("policy", "makes a policy of 100 rules"),
    ("decide", "decides 100 accesses by it"),
    ("event", "writes a jailbreak 100 times"),
];
/// What they took when somebody looked: a name and a number a line.
const BASELINE: &str = "xtask/src/instructions.txt";
/// By how many percent a count may differ from that.
const TOLERANCE: u64 = 5;
/// No program under callgrind takes longer than this, in seconds.
const LONGEST: &str = "300";

/// Runs the command.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    if let Some(option) = options.first() {
        bail!(
            "unknown option `{option}`; there are none, but `JAILKEEPER_BLESS=1` writes the counts"
        );
    }
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Counts, and compares with what is checked in; or writes that.
pub(crate) fn check() -> Result<()> {
    if !command::exists("valgrind") {
        bail!("valgrind is missing: apt-get install valgrind");
    }
    let program = build()?;
    let file = workspace::root().join(BASELINE);
    let counts = COUNTED
        .iter()
        .map(|(name, what)| Ok((*name, *what, count(&program, name)?)))
        .collect::<Result<Vec<_>>>()?;
    if std::env::var_os("JAILKEEPER_BLESS").is_some() {
        let lines = counts.iter().map(|(name, _, count)| format!("{name} {count}\n"));
        let text: String = lines.collect();
        return std::fs::write(&file, text).context("failed to write the counts");
    }
    let baseline = std::fs::read_to_string(&file).context("failed to read the counts")?;
    let mut wrong = Vec::new();
    for (name, what, count) in counts {
        let before = before(&baseline, name)?;
        let (sign, percent) = difference(before, count);
        terminal::say(&format!("{count:>9}  {sign}{percent:>4.1} %  {name}: {what}\n"));
        if percent > f64::from(u32::try_from(TOLERANCE)?) {
            wrong.push(name);
        }
    }
    if !wrong.is_empty() {
        bail!(
            "more than {TOLERANCE} % away from {BASELINE}: {}; if that is meant, \
             `JAILKEEPER_BLESS=1 cargo xtask instructions` writes it",
            wrong.join(", ")
        );
    }
    line("all are what they were");
    Ok(())
}

fn build() -> Result<std::path::PathBuf> {
    let mut cargo = workspace::cargo();
    let package = ["build", "--release", "--package=jailkeeper-testkit", "--bin=instructions"];
    command::run(cargo.args(package))?;
    Ok(Metadata::read()?.target_directory.join("release/instructions"))
}

/// Counts the instructions of one of the functions and of all that it calls.
fn count(program: &Path, name: &str) -> Result<u64> {
    let mut callgrind = Command::new("timeout");
    callgrind
        .args(["--kill-after=5", LONGEST, "valgrind", "--tool=callgrind"])
        .arg("--callgrind-out-file=/dev/null")
        .arg(format!("--toggle-collect=*counted_{name}*"))
        .arg(program)
        // What is in the environment lies on the stack, and moves what is there.
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null());
    let output = callgrind.output().context("failed to run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected :"));
    let count = count.and_then(|(_, count)| count.trim().parse::<u64>().ok());
    match count {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => bail!("failed to count `{name}`: {}\n{said}", output.status),
    }
}

fn before(baseline: &str, name: &str) -> Result<u64> {
    let line = baseline.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let number = line.with_context(|| format!("failed to find `{name}` in {BASELINE}"))?;
    number.trim().parse().with_context(|| format!("failed to read the count of `{name}`"))
}

/// In which direction and by how many percent a count differs.
fn difference(before: u64, now: u64) -> (char, f64) {
    let permille = before.abs_diff(now).saturating_mul(1000) / before.max(1);
    let percent = f64::from(u32::try_from(permille).unwrap_or(u32::MAX)) / 10.0;
    (if now < before { '-' } else { '+' }, percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_direction() {
        assert_eq!(difference(1000, 1050), ('+', 5.0));
        assert_eq!(difference(1000, 900), ('-', 10.0));
        assert_eq!(difference(0, 7), ('+', 700.0));
    }

    #[test]
    fn every_count_has_a_baseline() {
        let file = workspace::root().join(BASELINE);
        let baseline = std::fs::read_to_string(file).expect("it is checked in");
        for (name, _) in COUNTED {
            assert!(before(&baseline, name).expect(name) > 0);
        }
        assert_eq!(baseline.lines().count(), COUNTED.len());
    }
}
