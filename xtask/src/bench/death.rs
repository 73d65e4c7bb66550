//! The time from a jailbreak to the last sign of life in a tree of ten processes.
//!
//! Nine processes write the time to files of their own without pause; the tenth writes the time
//! and opens `/etc/passwd`. What is measured is the latest of the nine times less the tenth: for
//! how long anything of the jail still ran.

use super::contestants::Contestant;
use super::measure;
use super::stage::Stage;
use super::statistics::Spread;
use crate::terminal::line;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::path::Path;

const PROCESSES: u32 = 10;
/// How a jailbreak ends `jailkeeper run`.
const JAILBREAK: i32 = 120;

/// Milliseconds until nothing ran any more.
#[derive(Debug, Serialize)]
pub(super) struct Death {
    pub(super) user: &'static str,
    pub(super) contestant: &'static str,
    pub(super) spread: Spread,
    samples: Vec<f64>,
}

/// Measures it for the one contestant that kills.
pub(super) fn measure(
    stage: &Stage,
    contestants: &[Contestant],
    quick: bool,
) -> Result<Option<Death>> {
    let keeper = contestants.iter().find(|contestant| contestant.name == "jailkeeper");
    let Some(keeper) = keeper else { return Ok(None) };
    let tree = stage.tree(keeper.name, "death");
    let storm = ["./storm".to_owned(), "death".to_owned(), PROCESSES.to_string()];
    let command = keeper.command(&tree, &storm);
    let mut samples = Vec::new();
    for _ in 0..if quick { 10 } else { 60 } {
        let (status, _) = measure::run(stage, &tree, &command)?;
        if status.code() != Some(JAILBREAK) {
            let said = std::fs::read_to_string(stage.output()).unwrap_or_default();
            bail!("failed to provoke a jailbreak: {status}: {said}");
        }
        samples.push(last_sign(&tree)?);
    }
    let spread = Spread::of(&samples).context("there are no samples")?;
    line(&format!("{:13} death           {:.3} ms", stage.user.name(), spread.median));
    Ok(Some(Death { user: stage.user.name(), contestant: keeper.name, spread, samples }))
}

fn last_sign(tree: &Path) -> Result<f64> {
    let attempt = time(&tree.join("attempt"))?;
    let mut last = attempt;
    for index in 1..PROCESSES {
        last = last.max(time(&tree.join(format!("tick-{index}")))?);
    }
    let nanoseconds = u32::try_from(last - attempt).context("it lived for seconds")?;
    Ok(f64::from(nanoseconds) / 1_000_000.0)
}

fn time(file: &Path) -> Result<u64> {
    let bytes =
        std::fs::read(file).with_context(|| format!("failed to read `{}`", file.display()))?;
    let bytes = bytes.first_chunk().context("a process never wrote the time")?;
    Ok(u64::from_le_bytes(*bytes))
}
