//! Running one command of a contestant.

use super::contestants::Contestant;
use super::stage::Stage;
use super::workloads::environment;
use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No run of a workload takes longer than this, in seconds.
const LONGEST: i64 = 45;

/// What came of a run.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) took: Duration,
    /// Both streams.
    pub(super) output: String,
}

impl Ran {
    /// The last thing that it said.
    pub(super) fn last_word(&self) -> &str {
        self.output.lines().last().unwrap_or("it said nothing")
    }
}

/// Runs a command of a contestant to its end.
pub(super) fn run(
    stage: &Stage,
    contestant: &Contestant,
    tree: &Path,
    command: &[OsString],
) -> Result<Ran> {
    let output = std::fs::File::create(stage.output())?;
    let mut command = prepare(stage, contestant, tree, command)?;
    command.stdout(output.try_clone()?).stderr(output);
    let start = Instant::now();
    let child = command.spawn().context("failed to run a contestant")?;
    let status = wait(child)?;
    let took = start.elapsed();
    let output = std::fs::read(stage.output()).unwrap_or_default();
    Ok(Ran { status, took, output: String::from_utf8_lossy(&output).into_owned() })
}

/// Makes a command of the stage's user, with no input.
pub(super) fn prepare(
    stage: &Stage,
    contestant: &Contestant,
    tree: &Path,
    command: &[OsString],
) -> Result<Command> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(tree).env_clear().envs(environment(tree));
    if !contestant.has_tmp {
        command.env("TMPDIR", tree);
    }
    command.stdin(Stdio::null());
    if let Some((uid, gid)) = stage.user.other_ids() {
        command.uid(uid).gid(gid);
    }
    Ok(command)
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
