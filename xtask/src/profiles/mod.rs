//! `cargo xtask profiles`: shows that no shipped profile has an entry that nothing needs.
//!
//! The proofs of the profiles (`crates/jailkeeper-testkit/fixtures/profiles`) are run with each
//! entry taken away in turn. One whose absence breaks no part of its profile's proof is redundant,
//! unless the proof's `proof.toml` says which circumstances need it (`unshown`). What a missing
//! tool chain leaves open is told apart. It takes some twenty minutes, so it is not among the tests.

mod entries;
mod outcome;
mod proof;

use crate::command;
use crate::terminal::line;
use crate::workspace::{self, Metadata};
use anyhow::{Context, Result, bail};
use entries::Shipped;
use outcome::{Outcome, Tally};
use proof::{Bench, Tried};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the command.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    let mut out = None;
    let mut wanted = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if option == "--out" {
            out = Some(PathBuf::from(options.next().context("`--out` needs a file")?));
        } else {
            wanted.push(option.clone());
        }
    }
    let names = Shipped::names()?;
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        bail!("no shipped profile `{unknown}`; there are {}", names.join(", "));
    }
    let mut cargo = workspace::cargo();
    let packages = ["--package", "jailkeeper-cli", "--package", "jailkeeper-testkit"];
    command::run(cargo.args(["build", "--bins"]).args(packages))?;
    let target = Metadata::read()?.target_directory;
    let mut tally = Tally::default();
    for name in names.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        measure(&Shipped::read(name)?, &target, &mut tally)?;
    }
    line(&tally.summary());
    if let Some(out) = out {
        std::fs::write(&out, tally.table())
            .with_context(|| format!("failed to write `{}`", out.display()))?;
    }
    let strict = std::env::var("JAILKEEPER_REQUIRE").is_ok_and(|value| value == "all");
    Ok(if tally.holds(strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes each entry of a profile away in turn.
fn measure(shipped: &Shipped, target: &std::path::Path, tally: &mut Tally) -> Result<()> {
    line(&format!("\n{}", shipped.name));
    let bench = Bench::new(shipped, target)?;
    for missing in &bench.missing {
        line(&format!("  not run: {missing}"));
    }
    for entry in &shipped.entries {
        let (needed, tried) = bench.without(shipped, entry)?;
        let unshown = shipped.unshown.get(&entry.name);
        let outcome = match (needed, unshown) {
            (Some(Tried { part, why }), _) => Outcome::Needed { part, why },
            (None, Some(reason)) => Outcome::Unshown { reason: reason.clone() },
            (None, None) if !bench.missing.is_empty() => Outcome::Unmeasured,
            (None, None) => Outcome::Redundant { parts: tried },
        };
        line(&format!("  {:<44} {outcome}", entry.name));
        tally.add(&shipped.name, &entry.name, outcome);
    }
    Ok(())
}
