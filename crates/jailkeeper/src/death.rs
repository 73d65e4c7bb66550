//! Killing a jail.
//!
//! The init of a pid namespace takes everything in it along: the kernel kills every process of
//! the namespace, whatever its session, group or parent, and lets nobody fork any more. The race
//! that remains is time. Between the kill of the init and the moment in which the kernel has
//! marked the others, they may still run, so a caller that waits for its refusal gets it only
//! when the init is on its way out.

use rustix::process::{Pid, PidfdFlags, Signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a refusal is held back for the init to begin dying.
const PATIENCE: Duration = Duration::from_millis(250);
/// `PF_EXITING` in the flags of `/proc/PID/stat`.
const EXITING: u64 = 0x4;

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

    /// Kills the offender and the jail, and waits until the kernel is at it.
    pub(crate) fn kill(&self, offender: Option<Pid>) {
        if let Some(offender) = offender {
            // The offender is parked, so its pid is its own. Its other threads go first.
            let _ = rustix::process::kill_process(offender, Signal::KILL);
        }
        self.kill_all();
        let deadline = Instant::now() + PATIENCE;
        while !self.is_dying() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(20));
        }
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
