//! What the supervising processes of jails keep in memory.
//!
//! So many jails run `sleep` at the same time. Every process that came of a contestant and is no
//! `sleep` supervises; pages that several share are counted by their part (`Pss` in
//! `/proc/PID/smaps_rollup`). They are weighed when all have lived for a while: who waits for long may
//! give back what his start needed.

use super::contestants::Contestant;
use super::run::prepare;
use super::stage::Stage;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::{HashMap, HashSet};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long all have lived before they are weighed.
const A_WHILE: Duration = Duration::from_secs(3);
/// How long all may take to come.
const PATIENCE: Duration = Duration::from_secs(60);
const SLEEPER: &str = "sleep";

/// Measures once: kilobytes for each jail.
pub(super) fn sample(stage: &Stage, contestant: &Contestant, count: u32) -> Result<f64> {
    let tree = stage.tree(contestant.name, "plain");
    let command = contestant.command(&tree, &[format!("/bin/{SLEEPER}"), "600".to_owned()]);
    let mut children = Vec::new();
    let measured = start(stage, contestant, &command, count, &mut children).and_then(|()| {
        let kilobytes = weigh(&children, count)?;
        Ok(kilobytes / f64::from(count))
    });
    end(children);
    measured
}

fn start(
    stage: &Stage,
    contestant: &Contestant,
    command: &[std::ffi::OsString],
    count: u32,
    children: &mut Vec<Child>,
) -> Result<()> {
    let tree = stage.tree(contestant.name, "plain");
    for _ in 0..count {
        let mut command = prepare(stage, contestant, &tree, command)?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        children.push(command.spawn().context("failed to start a jail")?);
    }
    Ok(())
}

/// Waits until everybody sleeps, and adds up.
fn weigh(children: &[Child], count: u32) -> Result<f64> {
    let deadline = Instant::now() + PATIENCE;
    let wanted = usize::try_from(count)?;
    loop {
        let family = family(children);
        let (sleepers, others): (Vec<_>, Vec<_>) =
            family.into_iter().partition(|pid| name(*pid).as_deref() == Some(SLEEPER));
        if sleepers.len() >= wanted {
            std::thread::sleep(A_WHILE);
            // Of none it would be a zero with a sign.
            return Ok(others.into_iter().map(kilobytes).fold(0.0, |sum, one| sum + one));
        }
        if Instant::now() > deadline {
            bail!("{} of {count} jails came", sleepers.len());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ends all that came of the children: those first that supervise.
fn end(children: Vec<Child>) {
    let family = family(&children);
    for mut child in children {
        let _ = child.kill();
        let _ = child.wait();
    }
    // Whose parent is gone is still there under its number; everything else in this pid namespace
    // is of this program.
    for pid in family {
        let known = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        if let Some(pidfd) = known {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
    // Orphans come to this program, which is the first of its namespace.
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}

/// The children and all that came of them.
fn family(children: &[Child]) -> Vec<i32> {
    let mut born: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = parent(pid) {
            born.entry(parent).or_default().push(pid);
        }
    }
    let first = children.iter().filter_map(|child| i32::try_from(child.id()).ok());
    let mut found: Vec<i32> = first.collect();
    let mut known: HashSet<i32> = found.iter().copied().collect();
    let mut at = 0;
    while let Some(pid) = found.get(at).copied() {
        at += 1;
        for child in born.get(&pid).into_iter().flatten() {
            if known.insert(*child) {
                found.push(*child);
            }
        }
    }
    found
}

fn parent(pid: i32) -> Option<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

fn name(pid: i32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

fn kilobytes(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
