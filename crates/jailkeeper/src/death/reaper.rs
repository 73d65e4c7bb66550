//! Killing a jail that has no pid namespace.
//!
//! Its processes are the descendants of a *reaper* (`jailkeeper-sys/src/child/reap.rs`), which is
//! alive as long as one of them is. To kill them is a race with whatever forks faster than it is
//! killed, and loops of kills lose it. So first nothing is born any more: from the moment that
//! [`Reaper::is_dying`], the watch answers no call, and every `fork` is one that waits for an
//! answer. Where a control group can be had, the kernel does it in one call, and forks are not
//! watched at all.

use super::group::Group;
use super::{children, is_alive};
use crate::proc_entry;
use rustix::process::{Pid, PidfdFlags, Signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// How long a chain of parents is followed.
const ANCESTORS_MAX: usize = 4096;
/// How often it is followed again when a process on it has ended meanwhile.
const TRIES: usize = 5;

/// The first process of such a jail.
#[derive(Debug)]
pub(crate) struct Reaper {
    pub(crate) pid: Pid,
    pidfd: OwnedFd,
    /// A word in it, or its end, lets the reaper kill.
    life: OwnedFd,
    pub(super) group: Option<Group>,
    dying: AtomicBool,
}

impl Reaper {
    /// Takes hold of the reaper. It is this process's child and not reaped.
    pub(crate) fn hold(pid: Pid, life: OwnedFd, group: Option<Group>) -> io::Result<Self> {
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pid, pidfd, life, group, dying: AtomicBool::new(false) })
    }

    /// Tells whether the jail is to die: then no call of its is answered any more.
    pub(crate) fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Acquire)
    }

    /// Kills the jail, its offender last. When this returns, each of its processes has the signal,
    /// but for children of a fork that was let go on before; the reaper has those.
    pub(crate) fn kill(&self, offender: Option<Pid>) {
        self.dying.store(true, Ordering::Release);
        if let Some(group) = &self.group {
            group.kill();
        }
        let mut found = vec![self.pid];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            at += 1;
            for child in children(parent) {
                if Some(child) != offender {
                    self.kill_one(child);
                }
                found.push(child);
            }
            if found.len() > super::AT_MOST {
                break;
            }
        }
        if let Some(offender) = offender {
            self.kill_one(offender);
        }
        let _ = rustix::io::write(&self.life, b"k");
    }

    /// Kills a process if it is one of this jail.
    fn kill_one(&self, pid: Pid) {
        let Ok(pidfd) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else { return };
        // What the pidfd names and is still alive is what `/proc` told about.
        if self.holds(pid) && is_alive(&pidfd) {
            let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }

    /// Tells whether a process or thread is one of this jail: its parents lead to the reaper.
    pub(crate) fn holds(&self, pid: Pid) -> bool {
        (0..TRIES).any(|_| self.leads_here(pid) == Some(true))
    }

    /// Follows the parents; `None` if one of them has ended meanwhile, so that its children have
    /// another.
    fn leads_here(&self, pid: Pid) -> Option<bool> {
        let mut at = pid;
        for _ in 0..ANCESTORS_MAX {
            match parent(at)? {
                1 | 0 => return Some(false),
                above if above == self.pid.as_raw_pid() => return Some(true),
                above => at = Pid::from_raw(above)?,
            }
        }
        Some(false)
    }
}

impl AsFd for Reaper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Returns the parent of a process or thread.
pub(super) fn parent(pid: Pid) -> Option<i32> {
    let text = proc_entry::text(&format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}
