//! Running contestants in turn and timing them.

use super::contestants::Contestant;
use super::stage::Stage;
use super::statistics::{Spread, ratio};
use super::workloads::{Unit, Workload, environment};
use crate::terminal::{line, say};
use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Serialize;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No run of a workload takes longer than this, in seconds.
const LONGEST: i64 = 120;

/// One contestant's results in one workload.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) user: &'static str,
    pub(super) workload: &'static str,
    pub(super) about: &'static str,
    pub(super) contestant: &'static str,
    pub(super) unit: &'static str,
    pub(super) spread: Option<Spread>,
    /// Medians of the ratios within a round.
    pub(super) to_native: Option<f64>,
    pub(super) to_bwrap: Option<f64>,
    pub(super) to_floor: Option<f64>,
    pub(super) failure: Option<String>,
    pub(super) samples: Vec<f64>,
}

/// Lets all contestants do a workload, round by round.
pub(super) fn rounds(
    stage: &Stage,
    workload: &Workload,
    contestants: &[Contestant],
    quick: bool,
) -> Result<Vec<Row>> {
    let count = if quick { workload.rounds.1 } else { workload.rounds.0 };
    say(&format!("{:13} {:15}", stage.user.name(), workload.name));
    let mut samples: Vec<Result<Vec<f64>>> = contestants.iter().map(|_| Ok(Vec::new())).collect();
    // The first round warms up and does not count.
    for round in 0..=count {
        // Nobody is always the one who comes after a certain other.
        let places = (0..contestants.len()).map(|place| (place + round) % contestants.len());
        for place in places {
            let (Some(contestant), Some(entry)) = (contestants.get(place), samples.get_mut(place))
            else {
                continue;
            };
            let Ok(list) = entry else { continue };
            match sample(stage, workload, contestant) {
                Ok(sample) if round > 0 => list.push(sample),
                Ok(_) => {}
                Err(error) => *entry = Err(error),
            }
        }
    }
    let rows = rows(stage, workload, contestants, samples);
    for row in &rows {
        match &row.spread {
            Some(spread) => say(&format!("  {} {:.3}", row.contestant, spread.median)),
            None => say(&format!("  {} failed", row.contestant)),
        }
    }
    line("");
    Ok(rows)
}

fn rows(
    stage: &Stage,
    workload: &Workload,
    contestants: &[Contestant],
    samples: Vec<Result<Vec<f64>>>,
) -> Vec<Row> {
    let of = |name: &str| {
        let place = contestants.iter().position(|contestant| contestant.name == name)?;
        samples.get(place)?.as_ref().ok()
    };
    let row = |(contestant, samples): (&Contestant, &Result<Vec<f64>>)| {
        let list = samples.as_ref().ok();
        let to = |name: &str| ratio(list?, of(name)?);
        Row {
            user: stage.user.name(),
            workload: workload.name,
            about: workload.about,
            contestant: contestant.name,
            unit: workload.unit.sign(),
            spread: list.and_then(|list| Spread::of(list)),
            to_native: to("native"),
            to_bwrap: to("bwrap"),
            to_floor: to("floor"),
            failure: samples.as_ref().err().map(|error| format!("{error:#}")),
            samples: list.cloned().unwrap_or_default(),
        }
    };
    contestants.iter().zip(&samples).map(row).collect()
}

/// Lets a contestant do a workload once.
fn sample(stage: &Stage, workload: &Workload, contestant: &Contestant) -> Result<f64> {
    let tree = stage.tree(contestant.name, workload.tree);
    let command = contestant.command(&tree, &(workload.command)(&tree));
    let (status, took) = run(stage, &tree, &command)?;
    let output = || std::fs::read_to_string(stage.output()).unwrap_or_default();
    if !status.success() {
        let output = output();
        bail!("{status}: {}", output.lines().last().unwrap_or("it said nothing"));
    }
    match workload.unit {
        Unit::Milliseconds => Ok(took.as_secs_f64() * 1000.0),
        Unit::NanosecondsPerCall => {
            output().trim().parse().context("failed to read what the workload measured")
        }
    }
}

/// Runs a command to its end and returns how long it took.
pub(super) fn run(
    stage: &Stage,
    tree: &Path,
    command: &[OsString],
) -> Result<(ExitStatus, Duration)> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let output = std::fs::File::create(stage.output())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(tree)
        .env_clear()
        .envs(environment(tree))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    if let Some((uid, gid)) = stage.user.other_ids() {
        command.uid(uid).gid(gid);
    }
    let start = Instant::now();
    let child =
        command.spawn().with_context(|| format!("failed to run `{}`", program.display()))?;
    let status = wait(child)?;
    Ok((status, start.elapsed()))
}

/// Waits for a child, but not for ever.
fn wait(mut child: Child) -> Result<ExitStatus> {
    let pid = Pid::from_child(&child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).context("failed to hold a process")?;
    let longest = Timespec { tv_sec: LONGEST, tv_nsec: 0 };
    let mut polled = [PollFd::new(&pidfd, PollFlags::IN)];
    if poll(&mut polled, Some(&longest)).context("failed to wait for a process")? == 0 {
        pidfd_send_signal(&pidfd, Signal::KILL)?;
        child.wait()?;
        bail!("it took longer than {LONGEST} s");
    }
    child.wait().context("failed to wait for a process")
}
