//! `cargo xtask bench`: what a jail costs, against nothing and against everyone.
//!
//! Every workload is run by all contestants in turn, round by round, so that a machine that is
//! busy for a while is busy for all of them. Quoted are medians, and medians of the ratios within
//! a round. Wall time never is a test.
//!
//! After each workload the results are kept: a run that is cut off loses the workload that it was
//! at, `--continue` measures what is missing, and `--render` makes the documents of what is there.
//!
//! Everything runs inside a containment of its own: see [`containment`].

mod aims;
mod chart;
mod containment;
mod contestants;
mod death;
mod documents;
mod draw;
mod machine;
mod measure;
mod memory;
mod options;
mod readme;
mod results;
mod run;
mod save;
mod specification;
mod stage;
mod statistics;
mod tables;
mod trees;
mod workloads;

use crate::terminal::line;
use crate::workspace::{self, Metadata};
use crate::{command, dist};
use anyhow::{Context, Result};
use contestants::Contestant;
use measure::Effort;
use options::Options;
use results::Results;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

pub(crate) use documents::check;

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    match &options.inside {
        _ if options.render => {
            save::render(&save::read(&options.out)?, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(base) => inside(&options, base),
        None => outside(&options, arguments),
    }
}

/// Builds everything, prepares a directory, and runs this program again in a containment.
fn outside(options: &Options, arguments: &[String]) -> Result<ExitCode> {
    line("building");
    let build =
        |more: &[&str]| command::run(workspace::cargo().args(["build", "--release"]).args(more));
    build(&["--package=jailkeeper-cli"])?;
    build(&["--package=xtask", "--bins"])?;
    build(&["--package=jailkeeper-testkit", "--bin=warm", "--bin=nod"])?;
    let release = Metadata::read()?.target_directory.join("release");
    std::fs::create_dir_all(&options.out).context("failed to make the directory for results")?;
    let base = stage::Base::make()?;
    for program in ["jailkeeper", "storm", "floor", "launch", "warm", "nod"] {
        base.take(&release.join(program))?;
    }
    // Without it there is one contestant less, and the results say so.
    match dist::binary() {
        Ok(binary) => base.take_as(&binary, Path::new("jailkeeper-static"))?,
        Err(error) => line(&format!("no static binary: {error:#}")),
    }
    let status = containment::enter(&release.join("xtask"), arguments, base.path())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures, as every user that there is, and writes the results.
fn inside(options: &Options, base: &Path) -> Result<ExitCode> {
    let begun = Instant::now();
    containment::prove()?;
    containment::open_fuse(base)?;
    let _kernel = if options.peers { containment::please_peers(base, &options.out)? } else { None };
    let machine = machine::describe(base)?;
    let mut results = if options.go_on {
        let mut results = save::read(&options.out)?;
        results.go_on(&machine);
        results
    } else {
        Results::new(options.quick, machine)
    };
    let mut left_out = 0;
    for (number, user) in stage::User::all().into_iter().enumerate() {
        // Others are measured as the first user alone: as root, if root runs this.
        let is_first = number == 0;
        let workloads: Vec<_> = workloads::all()
            .into_iter()
            .filter(|one| options.wants(one.name, one.group.name()))
            .filter(|one| !results.has(user.name(), one.name))
            .collect();
        if workloads.is_empty() {
            continue;
        }
        let stage = stage::Stage::prepare(base, user)?;
        let field = contestants::all(&stage, options.peers && is_first, &options.contestants)?;
        if is_first {
            let there = field.contestants.iter().map(Contestant::about).collect();
            results.set_field(there, field.absent);
        }
        let end = options.time_of(user);
        let mut standing: Option<(&str, Vec<&str>)> = None;
        for (number, workload) in workloads.iter().enumerate() {
            let field: Vec<&Contestant> =
                field.contestants.iter().filter(|one| one.does(workload)).collect();
            if field.is_empty() {
                continue;
            }
            if begun.elapsed() > options.budget {
                left_out += 1;
                continue;
            }
            let left = u32::try_from(workloads.len() - number)?;
            let time = end.saturating_sub(begun.elapsed()) / left;
            let workload_begun = Instant::now();
            let until = workload_begun + time;
            let names: Vec<&str> = field.iter().map(|one| one.name).collect();
            // The next workload often has the same tree, which may be large.
            if standing.as_ref() != Some(&(workload.tree, names.clone())) {
                if let Some((_, names)) = standing.take() {
                    stage.remove_trees(&names);
                }
                stage.make_trees(workload.tree, &names)?;
                standing = Some((workload.tree, names));
            }
            // Large trees take their time, and half of it is for measuring all the same.
            let until = until.max(Instant::now() + time / 2);
            let effort = Effort { quick: options.quick, until };
            results.rows.extend(measure::rounds(&stage, workload, &field, effort));
            line(&format!("  [{:.0} s]", workload_begun.elapsed().as_secs_f64()));
            results.machine.load_after = machine::load();
            save::keep(&results, &options.out)?;
        }
        if let Some((_, names)) = standing {
            stage.remove_trees(&names);
        }
    }
    if left_out > 0 {
        line(&format!(
            "the budget did not do for {left_out} workloads: `--continue` measures them"
        ));
    }
    save::render(&results, options)?;
    line(&format!(
        "written to {} after {:.1} minutes",
        options.out.display(),
        begun.elapsed().as_secs_f64() / 60.0
    ));
    Ok(ExitCode::SUCCESS)
}
