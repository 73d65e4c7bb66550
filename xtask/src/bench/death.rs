//! The time from a jailbreak to the last sign of life in a tree of ten processes.
//!
//! Nine processes write the time to files of their own without pause; the tenth writes the time
//! and opens `/etc/passwd`. What is measured is the latest of the nine times less the tenth: for
//! how long anything of the jail still ran.

use super::contestants::Contestant;
use super::run::run;
use super::stage::Stage;
use anyhow::{Context, Result, bail};
use std::path::Path;

const PROCESSES: u32 = 10;
/// How a jailbreak ends `jailkeeper run`.
const JAILBREAK: i32 = 120;

/// Measures once: milliseconds.
pub(super) fn sample(stage: &Stage, contestant: &Contestant) -> Result<f64> {
    let tree = stage.tree(contestant.name, "death");
    let storm = ["./storm".to_owned(), "death".to_owned(), PROCESSES.to_string()];
    let ran = run(stage, contestant, &tree, &contestant.command(&tree, &storm))?;
    if ran.status.code() != Some(JAILBREAK) {
        bail!("nothing was killed: {}: {}", ran.status, ran.last_word());
    }
    last_sign(&tree)
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
