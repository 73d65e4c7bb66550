//! `cargo xtask test`: every check and every test of the project, in one command.
//!
//! A step that fails does not stop the others, so that one run tells everything. What the test
//! runners counted comes last.

mod counts;
mod generated;
mod packages;
mod skipped;
mod steps;

use crate::terminal::line;
use anyhow::{Result, bail};
use counts::Counts;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Runs the command.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    let fast = match options.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--fast"] => true,
        other => bail!("unknown options `{}`; there is `--fast`", other.join(" ")),
    };
    let mut suite = Suite::default();
    let started = Instant::now();
    steps::all(&mut suite, fast)?;
    suite.summary(started.elapsed());
    Ok(if suite.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The steps that were done, and how they went.
#[derive(Default)]
struct Suite {
    done: Vec<(String, Duration, bool)>,
    failed: Vec<String>,
    /// What each runner's own summary said.
    runners: Vec<Runner>,
}

/// A test runner's summary.
struct Runner {
    name: &'static str,
    summary: Vec<String>,
    counts: Counts,
}

impl Suite {
    /// Does a step under its name and keeps its time.
    fn step(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        line(&format!("\n==> {name}"));
        let started = Instant::now();
        let result = work(self);
        let took = started.elapsed();
        let seconds = took.as_secs_f64();
        match &result {
            Ok(()) => line(&format!("<== {name}: {seconds:.1} s")),
            Err(error) => {
                line(&format!("<== {name}: FAILED after {seconds:.1} s: {error:#}"));
                self.failed.push(name.to_owned());
            }
        }
        self.done.push((name.to_owned(), took, result.is_ok()));
    }

    /// Keeps a runner's summary for the end.
    fn counted(&mut self, name: &'static str, (summary, counts): (Vec<String>, Counts)) {
        self.runners.push(Runner { name, summary, counts });
    }

    /// Prints the times, the failures and, last, what the runners counted.
    fn summary(&self, took: Duration) {
        line(&format!("\n==> summary after {:.0} s", took.as_secs_f64()));
        for (name, took, passed) in &self.done {
            let verdict = if *passed { "ok    " } else { "FAILED" };
            line(&format!("{verdict} {:7.1} s  {name}", took.as_secs_f64()));
        }
        skipped::say();
        if !self.failed.is_empty() {
            line(&format!("failed steps: {}", self.failed.join(", ")));
        }
        let mut sum = Counts::default();
        for runner in &self.runners {
            for text in &runner.summary {
                line(&format!("{}: {text}", runner.name));
            }
            sum += runner.counts;
        }
        line(&format!("{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped));
    }
}
