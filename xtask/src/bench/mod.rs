//! `cargo xtask bench`: what a jail costs, against nothing and against bubblewrap.
//!
//! Every workload is run by all contestants in turn, round by round, so that a machine that is
//! busy for a while is busy for all of them. Quoted are medians, and medians of the ratios within
//! a round. Wall time never is a test.
//!
//! Everything runs inside a containment of its own: see [`containment`].

mod containment;
mod contestants;
mod death;
mod machine;
mod measure;
mod report;
mod stage;
mod statistics;
mod trees;
mod workloads;

use crate::command;
use crate::terminal::line;
use crate::workspace::{self, Metadata};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line said.
#[derive(Debug, Clone)]
struct Options {
    quick: bool,
    out: PathBuf,
    /// The prepared directory; given when this runs inside the containment.
    inside: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let out = workspace::root().join("docs/benchmarks");
        let mut options = Self { quick: false, out, inside: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().with_context(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--out" => options.out = std::path::absolute(value()?)?,
                "--inside" => options.inside = Some(value()?.into()),
                _ => bail!("unknown option `{argument}`; there are `--quick` and `--out DIR`"),
            }
        }
        Ok(options)
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    match &options.inside {
        Some(base) => inside(&options, base),
        None => outside(&options),
    }
}

/// Builds everything, prepares a directory, and runs this program again in a containment.
fn outside(options: &Options) -> Result<ExitCode> {
    line("building");
    command::run(workspace::cargo().args(["build", "--release", "--package=jailkeeper-cli"]))?;
    command::run(workspace::cargo().args(["build", "--release", "--package=xtask", "--bins"]))?;
    let release = Metadata::read()?.target_directory.join("release");
    std::fs::create_dir_all(&options.out).context("failed to make the directory for results")?;
    let base = stage::Base::make()?;
    for program in ["jailkeeper", "storm", "floor"] {
        base.take(&release.join(program))?;
    }
    let status = containment::enter(&release.join("xtask"), options, base.path())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures, as every user that there is, and writes the results.
fn inside(options: &Options, base: &Path) -> Result<ExitCode> {
    containment::prove()?;
    containment::open_fuse(base)?;
    let machine = machine::describe(base)?;
    let mut results = report::Results::new(machine, options.quick);
    for user in stage::User::all() {
        let stage = stage::Stage::prepare(base, user)?;
        let contestants = contestants::all(&stage)?;
        results.take_contestants(&contestants);
        for workload in workloads::all() {
            results.rows.extend(measure::rounds(&stage, &workload, &contestants, options.quick)?);
        }
        match death::measure(&stage, &contestants, options.quick) {
            Ok(death) => results.deaths.extend(death),
            Err(error) => line(&format!("{error:#}")),
        }
    }
    results.machine.load_after = machine::load();
    report::write(&results, &options.out)?;
    line(&format!("written to {}", options.out.display()));
    Ok(ExitCode::SUCCESS)
}
