//! Processes: the caller's entries below `/proc`, and calls that act on a process by its number.
//!
//! Directories below `/proc` come and go with processes, so no rule of Landlock's can grant a jail
//! its own. They are opened here, through no link, and handed over. What belongs to a process
//! outside is answered as if the process were not there.

use super::super::walk::Walk;
use super::paths::{O_PATH, Place};
use super::{Answer, Watch};
use crate::death::{Life, Tree, process_group};
use crate::walls::filter::{self, ProcessCall};
use rustix::fs::{Mode as FileMode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::process::Pid;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// A path below `/proc`.
enum Entry {
    /// Of the system: the path from `/proc` on.
    System(PathBuf),
    /// Of a process or thread: its number, and the path from there on.
    Process(Pid, PathBuf),
}

impl Watch<'_> {
    /// Opens an entry below `/proc`; `None` leaves it to be judged like any other path.
    pub(super) fn open_process(&self, place: &Place, flags: u64) -> Option<Answer> {
        let writes = filter::has_write_intent(flags);
        let (owner, inside) = match self.entry(&place.walk) {
            // What belongs to the system is not changed: the policy's rule is one for reading.
            Entry::System(_) if writes => return None,
            Entry::System(inside) => (None, inside),
            Entry::Process(pid, inside) => (Some(pid), inside),
        };
        Some(match self.open_below(owner, &inside, flags) {
            Ok(fd) => Answer::Descriptor { fd, close_on_exec: filter::closes_on_exec(flags) },
            Err(Errno::LOOP) => Answer::Refuse(Errno::ACCESS),
            Err(errno) => Answer::Refuse(errno),
        })
    }

    fn open_below(
        &self,
        owner: Option<Pid>,
        inside: &std::path::Path,
        flags: u64,
    ) -> Result<OwnedFd, Errno> {
        let hold = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match owner {
            Some(pid) => format!("/proc/{}", pid.as_raw_pid()),
            None => "/proc".to_owned(),
        };
        let directory = rustix::fs::open(directory, hold, FileMode::empty())?;
        // The race: a process of the jail ends, and a stranger gets its number. So the directory is
        // held first, which belongs to one process for ever. Nothing in it can be opened once that
        // has ended; if something is, it had the number all the while that it was asked about.
        // Another process's would be past the inner walls of a nested jail, which keep them apart.
        let nested = self.ward.plan.nested;
        let is_ours = |pid| self.is_the_callers(pid) || (!nested && self.is_ours(pid));
        if owner.is_some_and(|pid| !is_ours(pid)) {
            return Err(Errno::NOENT);
        }
        let inside = if inside.as_os_str().is_empty() { std::path::Path::new(".") } else { inside };
        let kept = OFlags::WRONLY | OFlags::RDWR | OFlags::DIRECTORY | OFlags::NONBLOCK;
        let bits = u32::try_from(flags & u64::from(u32::MAX)).unwrap_or(0);
        let mut wanted = OFlags::from_bits_retain(bits) & kept | OFlags::CLOEXEC | OFlags::NOCTTY;
        if flags & O_PATH != 0 {
            wanted |= OFlags::PATH | OFlags::NOFOLLOW;
        }
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let fd = rustix::fs::openat2(&directory, inside, wanted, FileMode::empty(), resolve)?;
        self.still_waits()?;
        Ok(fd)
    }

    /// Says whose entry a path is.
    fn entry(&self, walk: &Walk) -> Entry {
        let mut names = walk.path.components().skip(1);
        let Some(first) = names.next() else { return Entry::System(PathBuf::new()) };
        let rest: PathBuf = names.collect();
        let own = self.own();
        match first.to_str() {
            Some("self") => Entry::Process(own, rest),
            Some("thread-self") => {
                let thread = self.caller.thread.as_raw_pid().to_string();
                let inside = ["task".as_ref(), thread.as_ref()].into_iter().chain(rest.iter());
                Entry::Process(own, inside.collect())
            }
            // Links to the caller's own.
            Some("mounts" | "net") => {
                Entry::Process(own, std::iter::once(first).chain(rest.iter()).collect())
            }
            Some(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                match name.parse().ok().and_then(Pid::from_raw) {
                    Some(pid) => Entry::Process(pid, rest),
                    None => Entry::System(std::iter::once(first).chain(rest.iter()).collect()),
                }
            }
            _ => Entry::System(std::iter::once(first).chain(rest.iter()).collect()),
        }
    }

    fn own(&self) -> Pid {
        self.caller.process().unwrap_or(self.caller.thread)
    }

    /// Tells whether a number is the caller's own, who waits and so keeps it.
    fn is_the_callers(&self, pid: Pid) -> bool {
        pid == self.own()
    }

    /// Tells whether a process or thread is one of this jail.
    fn is_ours(&self, pid: Pid) -> bool {
        self.ward.life().is_some_and(|life| life.holds(pid))
    }

    /// A call that makes a process or acts on one by its number.
    ///
    /// The numbers are in registers, which do not change. That a process ends and its number is
    /// given to a stranger between the look and the call takes a whole round of the numbers.
    pub(super) fn process(&self, call: &ProcessCall) -> Answer {
        match call {
            ProcessCall::Fork(_) => {
                self.note_shared_memory();
                if let (Some(tree), Some(process)) = (self.tree(), self.caller.process()) {
                    tree.forks(process);
                }
                Answer::Resume
            }
            ProcessCall::Exit => {
                if let (Some(tree), Some(process)) = (self.tree(), self.caller.process()) {
                    tree.ends(process);
                }
                Answer::Resume
            }
            ProcessCall::Settings(_) => self.setting(self.int(0)),
            ProcessCall::Priority { process } if self.int(0) == *process => {
                self.setting(self.int(1))
            }
            // A group: the caller's own is in its session, which is the jail's.
            ProcessCall::Priority { process } => {
                let own_group = self.int(0) == process + 1 && self.int(1) == 0;
                if own_group && self.tree().is_none() {
                    Answer::Resume
                } else {
                    Answer::Refuse(Errno::PERM)
                }
            }
            ProcessCall::Signal { argument } => self.signal(self.int(*argument).cast_signed()),
        }
    }

    fn setting(&self, number: u32) -> Answer {
        if number == 0 || self.is_ours_by_number(number.cast_signed()) {
            Answer::Resume
        } else {
            Answer::Refuse(Errno::SRCH)
        }
    }

    fn is_ours_by_number(&self, number: i32) -> bool {
        number > 0 && Pid::from_raw(number).is_some_and(|pid| self.is_ours(pid))
    }

    /// A signal, where Landlock does not scope them.
    fn signal(&self, number: i32) -> Answer {
        match self.call.name() {
            // Its target is behind a descriptor, which another thread can exchange.
            "pidfd_send_signal" => Answer::Refuse(Errno::PERM),
            // Others may be in the group of a process that ran before.
            "kill" if number == 0 && self.tree().is_some() => self
                .caller
                .process()
                .and_then(process_group)
                .map_or(Answer::Refuse(Errno::SRCH), |group| self.signal_group(group)),
            "kill" if number < -1 && self.tree().is_some() => {
                self.signal_group(number.saturating_neg())
            }
            // The caller's own group is in the jail's session, and no one else is.
            "kill" if number == 0 => Answer::Resume,
            // Everybody whom the user may signal.
            "kill" if number == -1 => Answer::Refuse(Errno::PERM),
            "kill" if number < 0 && self.is_ours_by_number(number.saturating_neg()) => {
                Answer::Resume
            }
            _ if self.is_ours_by_number(number) => Answer::Resume,
            _ => Answer::Refuse(Errno::SRCH),
        }
    }

    fn tree(&self) -> Option<&Tree> {
        match self.ward.life() {
            Some(Life::Tree(tree)) => Some(tree),
            _ => None,
        }
    }

    /// Signals those of a group that are the jail's, on the caller's behalf.
    fn signal_group(&self, group: i32) -> Answer {
        use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
        let Some(tree) = self.tree() else { return Answer::Refuse(Errno::SRCH) };
        let number = self.int(1).cast_signed();
        let members = tree.in_process_group(group);
        if members.is_empty() {
            return Answer::Refuse(Errno::SRCH);
        }
        if number == 0 {
            return Answer::Done;
        }
        let Some(signal) = Signal::from_named_raw(number) else {
            return Answer::Refuse(Errno::INVAL);
        };
        // Its own signal finds the caller when it has its answer.
        for member in members {
            if let Ok(pidfd) = pidfd_open(member, PidfdFlags::empty())
                && tree.holds(member)
            {
                let _ = pidfd_send_signal(&pidfd, signal);
            }
        }
        Answer::Done
    }

    /// Duplicates a descriptor of the caller, where that is permitted.
    pub(super) fn duplicate(&self, number: i32) -> Option<OwnedFd> {
        use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
        let pidfd = pidfd_open(self.caller.process()?, PidfdFlags::empty()).ok()?;
        self.still_waits().ok()?;
        pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty()).ok()
    }
}
