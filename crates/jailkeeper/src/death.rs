//! Killing a jail.
//!
//! The init of a pid namespace takes everything in it along: the kernel kills every process of
//! the namespace, whatever its session, group or parent, and lets nobody fork any more. That is
//! the proof; the race is time. Init has to be scheduled before it can die, which takes
//! milliseconds on a busy machine, and until then the others run on: a shell whose child was
//! killed goes on to its next line. So the supervisor, which is running already, also kills every
//! process of the tree itself, parents before children and the offender last. And a caller that
//! waits for its refusal gets it only when init is on its way out.

mod group;
mod reaper;
mod tree;

pub(crate) use group::Group;
pub(crate) use reaper::Reaper;
pub(crate) use tree::{Tree, process_group};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a refusal is held back for the init to begin dying.
const PATIENCE: Duration = Duration::from_millis(250);
/// How many processes the supervisor kills by itself; the kernel takes the rest with init.
const AT_MOST: usize = 512;
/// `PF_EXITING` in the flags of `/proc/PID/stat`.
const EXITING: u64 = 0x4;

/// What a jail's life hangs on.
#[derive(Debug)]
pub(crate) enum Life {
    /// The init of its pid namespace.
    Init(Init),
    /// The reaper of its descendants.
    Reaper(Reaper),
    /// Nobody: its processes ran before, and somebody else made them.
    Tree(Tree),
}

impl Life {
    /// Returns the first process of the jail, which runs no program unless the jail was attached.
    pub(crate) fn pid(&self) -> Pid {
        match self {
            Self::Init(init) => init.pid,
            Self::Reaper(reaper) => reaper.pid,
            Self::Tree(tree) => tree.root,
        }
    }

    /// Returns the process above all that run a program of the jail.
    pub(crate) fn above(&self) -> Option<Pid> {
        match self {
            Self::Tree(tree) => tree.above,
            _ => Some(self.pid()),
        }
    }

    /// Tells whether a process or thread is one of a jail that has no pid namespace.
    pub(crate) fn holds(&self, pid: Pid) -> bool {
        match self {
            Self::Init(_) => false,
            Self::Reaper(reaper) => reaper.holds(pid),
            Self::Tree(tree) => tree.holds(pid),
        }
    }

    /// Kills the jail, its offender last.
    pub(crate) fn kill(&self, offender: Option<Pid>) {
        match self {
            Self::Init(init) => init.kill(offender),
            Self::Reaper(reaper) => reaper.kill(offender),
            Self::Tree(tree) => tree.kill(offender),
        }
    }

    /// Kills the jail without waiting.
    pub(crate) fn kill_all(&self) {
        match self {
            Self::Init(init) => init.kill_all(),
            Self::Reaper(reaper) => reaper.kill(None),
            Self::Tree(tree) => tree.kill(None),
        }
    }

    /// Removes what was made to kill the jail with. Nothing of it is alive any more.
    pub(crate) fn clear_up(&self) {
        let group = match self {
            Self::Init(_) => None,
            Self::Reaper(reaper) => reaper.group.as_ref(),
            Self::Tree(tree) => tree.group.as_ref(),
        };
        if let Some(group) = group {
            group.remove();
        }
    }

    /// Tells whether nobody is to be answered any more.
    pub(crate) fn holds_its_breath(&self) -> bool {
        match self {
            Self::Init(_) => false,
            Self::Reaper(reaper) => reaper.is_dying(),
            Self::Tree(tree) => tree.is_dying(),
        }
    }
}

impl AsFd for Life {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Init(init) => init.as_fd(),
            Self::Reaper(reaper) => reaper.as_fd(),
            Self::Tree(tree) => tree.as_fd(),
        }
    }
}

/// The jail's init.
#[derive(Debug)]
pub(crate) struct Init {
    pub(crate) pid: Pid,
    pub(crate) pid_namespace: u64,
    pidfd: OwnedFd,
}

impl Init {
    /// Takes hold of the init. It is this process's child and not reaped, so that its pid cannot
    /// have become somebody else's.
    ///
    /// The namespace is read off another process in it: the init itself hides.
    pub(crate) fn hold(pid: Pid, other: Pid) -> io::Result<Self> {
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let namespace = format!("/proc/{}/ns/pid", other.as_raw_pid());
        let pid_namespace = rustix::fs::stat(namespace.as_str())?.st_ino;
        Ok(Self { pid, pid_namespace, pidfd })
    }

    /// Kills the jail, its offender last, and waits until the kernel is at it.
    pub(crate) fn kill(&self, offender: Option<Pid>) {
        self.kill_all();
        for pid in self.descendants() {
            if Some(pid) != offender {
                self.kill_one(pid);
            }
        }
        if let Some(offender) = offender {
            self.kill_one(offender);
        }
        let deadline = Instant::now() + PATIENCE;
        while !self.is_dying() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(20));
        }
    }

    /// Kills a process if it is one of this jail.
    fn kill_one(&self, pid: Pid) {
        let Ok(pidfd) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else { return };
        let namespace = format!("/proc/{}/ns/pid", pid.as_raw_pid());
        let ours = rustix::fs::stat(namespace.as_str())
            .is_ok_and(|stat| stat.st_ino == self.pid_namespace);
        // If what the pidfd names is still alive, then it is what `/proc` told about: its number
        // cannot have become somebody else's in between.
        if ours && is_alive(&pidfd) {
            let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }

    /// Lists the processes below init, parents before children, as far as the kernel tells
    /// (`CONFIG_PROC_CHILDREN`).
    fn descendants(&self) -> Vec<Pid> {
        let mut found = vec![self.pid];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            at += 1;
            found.extend(children(parent));
            if found.len() > AT_MOST {
                break;
            }
        }
        found.split_off(1)
    }

    /// Kills the jail without waiting.
    pub(crate) fn kill_all(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Tells whether the kernel has begun to take the namespace down: the init is exiting and
    /// sleeps, which it does only to wait for the others that it has killed.
    fn is_dying(&self) -> bool {
        let path = format!("/proc/{}/stat", self.pid.as_raw_pid());
        let Ok(text) = std::fs::read_to_string(path) else { return true };
        let Some((_, fields)) = text.rsplit_once(')') else { return true };
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next().unwrap_or("X");
        let flags: u64 = fields.nth(5).and_then(|flags| flags.parse().ok()).unwrap_or(0);
        matches!(state, "Z" | "X") || (flags & EXITING != 0 && state != "R")
    }
}

impl AsFd for Init {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Lists the children of a process, as far as the kernel tells (`CONFIG_PROC_CHILDREN`).
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let tasks = format!("/proc/{}/task", parent.as_raw_pid());
    let Ok(tasks) = std::fs::read_dir(tasks) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        let Ok(children) = std::fs::read_to_string(task.path().join("children")) else {
            continue;
        };
        let children = children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok());
        found.extend(children.filter_map(Pid::from_raw));
    }
    found
}

/// Tells whether the process that a pidfd names has not ended.
fn is_alive(pidfd: &OwnedFd) -> bool {
    let mut alive = [PollFd::new(pidfd, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut alive, Some(&now)) == Ok(0)
}
