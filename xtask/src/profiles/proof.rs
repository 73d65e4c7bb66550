//! Running the parts of a proof.

use super::entries::{Entry, Shipped};
use crate::command;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What the program `proof` ends with if the proof does not hold.
const BROKEN: i32 = 1;

/// Where a profile's proof is run.
pub(super) struct Bench {
    program: PathBuf,
    /// The file that takes the profile's place.
    file: PathBuf,
    /// The parts that can be run, the fastest first.
    parts: Vec<String>,
    /// Parts that cannot be run, with what they lack.
    pub(super) missing: Vec<String>,
}

/// A part of a proof that broke.
pub(super) struct Tried {
    pub(super) part: String,
    pub(super) why: String,
}

impl Bench {
    /// Runs every part with the whole profile, which must hold.
    pub(super) fn new(shipped: &Shipped, target: &Path) -> Result<Self> {
        let program = target.join("debug/proof");
        let file = target.join("profiles").join(format!("{}.toml", shipped.name));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).context("failed to make a directory of profiles")?;
        }
        let mut list = workspace::command(&program);
        let list = command::output(list.arg(&shipped.name))?;
        let mut bench = Self { program, file, parts: Vec::new(), missing: Vec::new() };
        let mut times: Vec<(Duration, String)> = Vec::new();
        for line in list.lines() {
            let (part, lacking) = line.split_once(' ').unwrap_or((line, ""));
            if !lacking.is_empty() {
                bench.missing.push(format!("{part} (needs {lacking})"));
                continue;
            }
            let started = Instant::now();
            if let Some(why) = bench.broken(shipped, part, &shipped.whole())? {
                bail!("the proof of `{}` does not hold: {part}: {why}", shipped.name);
            }
            times.push((started.elapsed(), part.to_owned()));
        }
        times.sort();
        bench.parts = times.into_iter().map(|(_, part)| part).collect();
        Ok(bench)
    }

    /// Runs the parts without an entry, until one breaks. The number is that of parts that were
    /// run.
    pub(super) fn without(
        &self,
        shipped: &Shipped,
        entry: &Entry,
    ) -> Result<(Option<Tried>, usize)> {
        let text = shipped.without(entry);
        for (index, part) in self.parts.iter().enumerate() {
            if let Some(why) = self.broken(shipped, part, &text)? {
                return Ok((Some(Tried { part: part.clone(), why }), index + 1));
            }
        }
        Ok((None, self.parts.len()))
    }

    /// Runs a part with a text in the profile's place, and says why its proof does not hold.
    fn broken(&self, shipped: &Shipped, part: &str, text: &str) -> Result<Option<String>> {
        std::fs::write(&self.file, text)
            .with_context(|| format!("failed to write `{}`", self.file.display()))?;
        let mut command = workspace::command(&self.program);
        command.args([&shipped.name, part]).arg(&self.file).env("RUST_BACKTRACE", "0");
        let output = command.stderr(Stdio::piped()).output().context("failed to run the proof")?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match output.status.code() {
            Some(0) => Ok(None),
            Some(BROKEN) => Ok(Some(said)),
            _ => bail!(
                "the proof of `{}` was not tried: {}",
                shipped.name,
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}
