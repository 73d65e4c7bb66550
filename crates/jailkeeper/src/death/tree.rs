//! Killing processes that were attached to, which nobody here is the parent of.
//!
//! There is no reaper above them and no namespace around them. Two things take their place:
//!
//! * a control group of their own, below the one that they were in: `cgroup.kill` is one step;
//! * where none can be had, every `fork` and every `exit` comes to the watch. When the jail is to
//!   die nobody is answered any more, so a loop of kills ends.
//!
//! The race without a group: a process forks and is gone before anybody has looked who its child
//! is; the child then belongs to the host's init, and no chain of parents leads to it any more. So a
//! process that ends by itself is looked at before it may ([`Tree::learn_children`]), one that
//! has forked is looked at soon after, and when the jail is to die nobody is killed before everybody
//! has stopped ([`Tree::freeze`]): a fork that was under way is done then, and its maker is there
//! to lead to the child. What is left is a child whose parent is killed by a signal of somebody
//! else's at that very moment and that never makes a call that is watched. It keeps its walls, and
//! the listener tells that somebody has its filter still.

use super::group::Group;
use super::reaper::parent;
use super::{children, is_alive};
use crate::proc_entry;
use rustix::process::{Pid, PidfdFlags, Signal};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a chain of parents is followed.
const ANCESTORS_MAX: usize = 4096;
/// How long everybody may take to stop before the killing begins all the same.
const FREEZING: Duration = Duration::from_millis(250);
/// Beyond this many, those that have ended are forgotten.
const KNOWN_AT_EASE: usize = 256;

/// The processes that were attached to, with all that they have made.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Pid,
    /// Who made the first of them; it is no part of the jail.
    pub(crate) above: Option<Pid>,
    /// Readable when the first of them has ended.
    root_pidfd: OwnedFd,
    pub(super) group: Option<Group>,
    /// By process, with the time at which it began: both together name it for ever.
    known: Mutex<BTreeMap<i32, u64>>,
    /// Processes that have forked since anybody looked.
    owing: Mutex<Vec<Pid>>,
    dying: AtomicBool,
    /// Readable when the jail is to die.
    wake: OwnedFd,
}

impl Tree {
    /// Takes hold of stopped processes, of which the first is the root.
    pub(crate) fn hold(root: Pid, all: &[Pid], group: Option<Group>) -> io::Result<Self> {
        let root_pidfd = rustix::process::pidfd_open(root, PidfdFlags::empty())?;
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        let known = all.iter().filter_map(|pid| Some((pid.as_raw_pid(), began(*pid)?)));
        Ok(Self {
            root,
            above: parent(root).and_then(Pid::from_raw),
            root_pidfd,
            group,
            known: Mutex::new(known.collect()),
            owing: Mutex::default(),
            dying: AtomicBool::new(false),
            wake: rustix::event::eventfd(0, flags)?,
        })
    }

    /// Tells whether every fork has to come to the watch.
    pub(crate) fn watches_forks(&self) -> bool {
        self.group.is_none()
    }

    /// Tells whether the jail is to die: then no call of its is answered any more.
    pub(crate) fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Acquire)
    }

    /// Readable from the moment on in which the jail is to die.
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Kills the jail, its offender last. Whoever is born meanwhile is killed by
    /// [`sweep`](Self::sweep).
    pub(crate) fn kill(&self, offender: Option<Pid>) {
        self.dying.store(true, Ordering::Release);
        if let Some(offender) = offender {
            self.note(offender);
        }
        match &self.group {
            Some(group) => group.kill(),
            None => self.freeze(),
        }
        self.sweep_but(offender);
        if let Some(offender) = offender {
            kill_one(offender.as_raw_pid(), self.known().get(&offender.as_raw_pid()).copied());
        }
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Kills all that is known and all that it has made, and returns how many were alive.
    pub(crate) fn sweep(&self) -> usize {
        if let Some(group) = &self.group {
            group.kill();
        }
        self.sweep_but(None)
    }

    fn sweep_but(&self, spared: Option<Pid>) -> usize {
        self.learn_all();
        let known: Vec<_> = self.known().iter().map(|(pid, began)| (*pid, *began)).collect();
        let spared = spared.map(Pid::as_raw_pid);
        let alive = known.iter().filter(|(pid, _)| Some(*pid) != spared);
        alive.filter(|(pid, began)| kill_one(*pid, Some(*began))).count()
    }

    /// Stops everybody, so that nobody dies between making a child and that child being known.
    ///
    /// Whoever waits for the watch goes on waiting, and cannot be interrupted; all others take the
    /// signal before they are back in their program, with the child that they were making.
    fn freeze(&self) {
        let deadline = Instant::now() + FREEZING;
        let mut told = BTreeSet::new();
        loop {
            self.learn_all();
            let known: Vec<_> = self.known().iter().map(|(pid, began)| (*pid, *began)).collect();
            let mut quiet = true;
            for (pid, began) in known {
                if told.insert((pid, began)) {
                    quiet &= !signal_one(pid, Some(began), Signal::STOP);
                } else {
                    quiet &= is_quiet(pid);
                }
            }
            // Nobody ran: whoever was made before that is known after one more look.
            if quiet {
                let before = self.known().len();
                self.learn_all();
                if self.known().len() == before {
                    return;
                }
            }
            if Instant::now() > deadline {
                return;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// Learns of the children of everybody who is known, and of theirs.
    fn learn_all(&self) {
        let mut found: Vec<i32> = self.known().keys().copied().collect();
        let mut at = 0;
        while let Some(pid) = found.get(at).copied() {
            at += 1;
            let Some(pid) = Pid::from_raw(pid) else { continue };
            found.extend(self.learn_children(pid));
        }
    }

    /// Learns of the children of a process of the jail; returns those that are new.
    pub(crate) fn learn_children(&self, process: Pid) -> Vec<i32> {
        let mut new = Vec::new();
        for child in children(process) {
            let Some(time) = began(child) else { continue };
            let mut known = self.known();
            if known.insert(child.as_raw_pid(), time) != Some(time) {
                new.push(child.as_raw_pid());
            }
        }
        new
    }

    /// A process of the jail is about to make another.
    pub(crate) fn forks(&self, process: Pid) {
        self.note(process);
        let mut owing = self.owing.lock().unwrap_or_else(PoisonError::into_inner);
        if !owing.contains(&process) {
            owing.push(process);
        }
    }

    /// A process of the jail is about to end.
    pub(crate) fn ends(&self, process: Pid) {
        self.note(process);
        self.learn_children(process);
    }

    /// Looks at those who have forked. Tells whether there were any.
    pub(crate) fn look_around(&self) -> bool {
        let owing = std::mem::take(&mut *self.owing.lock().unwrap_or_else(PoisonError::into_inner));
        for process in &owing {
            self.learn_children(*process);
        }
        !owing.is_empty()
    }

    /// A process that the listener has told of is one of the jail, whoever its parent is.
    fn note(&self, process: Pid) {
        let Some(time) = began(process) else { return };
        let mut known = self.known();
        known.insert(process.as_raw_pid(), time);
        if known.len() > KNOWN_AT_EASE && known.len().is_power_of_two() {
            known.retain(|pid, began| is_still(*pid, *began));
        }
    }

    /// Tells whether a process or thread is one of this jail.
    pub(crate) fn holds(&self, pid: Pid) -> bool {
        let Some(process) = process_of(pid) else { return false };
        if self.group.as_ref().is_some_and(|group| group.holds(process)) {
            return true;
        }
        let mut at = process;
        for _ in 0..ANCESTORS_MAX {
            let time = self.known().get(&at.as_raw_pid()).copied();
            if time.is_some() && time == began(at) {
                return true;
            }
            match parent(at).and_then(Pid::from_raw) {
                Some(above) if above.as_raw_pid() > 1 => at = above,
                _ => return false,
            }
        }
        false
    }

    /// Returns the processes of the jail that are in a process group.
    pub(crate) fn in_process_group(&self, group: i32) -> Vec<Pid> {
        self.learn_all();
        let known: Vec<_> = self.known().iter().map(|(pid, began)| (*pid, *began)).collect();
        let alive = known.into_iter().filter(|(pid, began)| is_still(*pid, *began));
        let alive = alive.filter_map(|(pid, _)| Pid::from_raw(pid));
        let of_group = |pid: &Pid| process_group(*pid) == Some(group);
        alive.filter(of_group).collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<i32, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root_pidfd.as_fd()
    }
}

/// Kills a process if it still is the one that began at this time. Tells whether it was alive.
fn kill_one(pid: i32, time: Option<u64>) -> bool {
    signal_one(pid, time, Signal::KILL)
}

/// Tells whether no thread of a process runs: each has stopped, has ended, or waits in the kernel
/// and cannot be interrupted.
fn is_quiet(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    threads.into_iter().flatten().flatten().all(|thread| {
        let text = std::fs::read(thread.path().join("stat")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let state = text.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        matches!(state, None | Some('T' | 't' | 'Z' | 'X' | 'D'))
    })
}

/// Sends a signal to a process if it still is the one that began at this time. Tells whether it was
/// alive.
fn signal_one(pid: i32, time: Option<u64>, signal: Signal) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return false };
    let Ok(pidfd) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else { return false };
    // What the pidfd names and is still alive is what `/proc` told about.
    let same = time.is_some() && began(pid) == time;
    same && is_alive(&pidfd) && rustix::process::pidfd_send_signal(&pidfd, signal).is_ok()
}

fn is_still(pid: i32, time: u64) -> bool {
    Pid::from_raw(pid).and_then(began) == Some(time)
}

/// Returns the process that a process or thread is or belongs to.
fn process_of(pid: Pid) -> Option<Pid> {
    let text = proc_entry::text(&format!("/proc/{}/status", pid.as_raw_pid())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    line.trim().parse().ok().and_then(Pid::from_raw)
}

/// Returns the process group of a process, 0 if its number is unknown in this pid namespace.
pub(crate) fn process_group(pid: Pid) -> Option<i32> {
    let text = proc_entry::text(&format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(2)?.parse().ok()
}

/// Returns when a process began, in the kernel's own ticks; `None` when it has ended.
fn began(pid: Pid) -> Option<u64> {
    let text = proc_entry::text(&format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_tree_holds_what_it_has_made_and_kills_it() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60 & echo; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let root = Pid::from_child(&child);
        let mut byte = [0];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
        let tree = Tree::hold(root, &[root], None).unwrap();
        let inner = children(root).first().copied().unwrap();
        assert!(tree.holds(root) && tree.holds(inner) && tree.watches_forks());
        assert!(!tree.holds(rustix::process::getpid()) && !tree.is_dying());
        tree.kill(Some(root));
        assert!(tree.is_dying());
        let deadline = Instant::now() + Duration::from_secs(20);
        while tree.sweep() > 0 {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
    }
}
