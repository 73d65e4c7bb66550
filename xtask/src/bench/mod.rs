//! `cargo xtask bench`: what a jail costs, against nothing and against everyone.
//!
//! Every workload is run by all contestants in turn, round by round, so that a machine that is
//! busy for a while is busy for all of them. Quoted are medians, and medians of the ratios within
//! a round. Wall time never is a test.
//!
//! Everything runs inside a containment of its own: see [`containment`].

mod chart;
mod containment;
mod contestants;
mod death;
mod machine;
mod measure;
mod memory;
mod options;
mod readme;
mod results;
mod run;
mod stage;
mod statistics;
mod tables;
mod trees;
mod workloads;

use crate::command;
use crate::terminal::line;
use crate::workspace::{self, Metadata};
use anyhow::{Context, Result};
use contestants::Contestant;
use measure::Effort;
use options::Options;
use results::Results;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub(crate) use readme::check;

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    match &options.inside {
        Some(base) => inside(&options, base),
        None => outside(&options, arguments),
    }
}

/// Builds everything, prepares a directory, and runs this program again in a containment.
fn outside(options: &Options, arguments: &[String]) -> Result<ExitCode> {
    line("building");
    command::run(workspace::cargo().args(["build", "--release", "--package=jailkeeper-cli"]))?;
    command::run(workspace::cargo().args(["build", "--release", "--package=xtask", "--bins"]))?;
    let release = Metadata::read()?.target_directory.join("release");
    std::fs::create_dir_all(&options.out).context("failed to make the directory for results")?;
    let base = stage::Base::make()?;
    for program in ["jailkeeper", "storm", "floor", "launch"] {
        base.take(&release.join(program))?;
    }
    let status = containment::enter(&release.join("xtask"), arguments, base.path())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures, as every user that there is, and writes the results.
fn inside(options: &Options, base: &Path) -> Result<ExitCode> {
    containment::prove()?;
    containment::open_fuse(base)?;
    let _kernel = if options.peers { containment::please_peers(base, &options.out)? } else { None };
    let mut results = Results {
        version: results::VERSION,
        quick: options.quick,
        machine: machine::describe(base)?,
        contestants: Vec::new(),
        absent: Vec::new(),
        rows: Vec::new(),
    };
    let begun = Instant::now();
    for (number, user) in stage::User::all().into_iter().enumerate() {
        let stage = stage::Stage::prepare(base, user)?;
        // Others are measured as the first user alone: as root, if root runs this.
        let peers = options.peers && number == 0;
        let field = contestants::all(&stage, peers, &options.contestants)?;
        if number == 0 {
            results.contestants = field.contestants.iter().map(Contestant::about).collect();
            results.absent = field.absent;
        }
        let workloads: Vec<_> = workloads::all()
            .into_iter()
            .filter(|one| options.wants(one.name, one.group.name()))
            .collect();
        for (number, workload) in workloads.iter().enumerate() {
            let field: Vec<&Contestant> =
                field.contestants.iter().filter(|one| one.does(workload)).collect();
            let left = u32::try_from(workloads.len() - number)?;
            let time = options.time_of(stage.user).saturating_sub(begun.elapsed()) / left;
            let effort = Effort { quick: options.quick, time: time.max(Duration::from_secs(2)) };
            let names: Vec<&str> = field.iter().map(|one| one.name).collect();
            stage.make_trees(workload.tree, &names)?;
            results.rows.extend(measure::rounds(&stage, workload, &field, effort));
            stage.remove_trees(&names);
        }
    }
    results.machine.load_after = machine::load();
    write(&results, options)?;
    line(&format!("written to {}", options.out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Writes the results, the tables and the charts; with the usual place also the README's section.
fn write(results: &Results, options: &Options) -> Result<()> {
    let mut json = serde_json::to_string(results)?.replace("},{\"user\"", "},\n{\"user\"");
    json.push('\n');
    std::fs::write(options.out.join("results.json"), json)
        .context("failed to write results.json")?;
    std::fs::write(options.out.join("results.md"), tables::page(results))?;
    readme::draw(results, &options.out)?;
    if options.is_usual() {
        readme::write(results)?;
    }
    Ok(())
}
