//! Whose memory somebody else may change while it waits.
//!
//! The race: the watch judges the path that it reads, and a resumed call has the kernel read it
//! again. If a second thread exchanged it meanwhile, Landlock refuses the other path, and nobody
//! can name it. So what such a caller may open, make, rename or remove is done on its behalf: there
//! is no second reading, and what is judged is what happens.
//!
//! Memory is shared by the threads of a process; by a child of `vfork`, which has not executed yet,
//! with all threads of its ancestors up to the last that has; and by what `clone` makes with
//! `CLONE_VM` alone. The last is seen by the filter, and remembered for the whole jail.
//!
//! Not known here: a path that lies in a mapping which several processes share, or that another
//! process writes through `/proc/PID/mem`; and a child of `vfork` that has made a thread and whose
//! first thread has ended, by which its parent goes on beside that thread.

use super::Watch;
use crate::proc_entry;
use crate::walls::filter;
use rustix::process::Pid;

/// How many children of `vfork` may wait for each other.
const DEPTH_AT_MOST: u32 = 32;
/// `PF_FORKNOEXEC` of the kernel: it was forked and has executed nothing yet.
const NOT_EXECUTED: u64 = 0x40;

/// What `/proc/PID/stat` says about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kin {
    parent: i32,
    flags: u64,
    threads: u64,
}

impl Kin {
    /// Reads the fields behind the program's name, which ends with the last bracket.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        Some(Self {
            parent: fields.nth(1)?.parse().ok()?,
            flags: fields.nth(4)?.parse().ok()?,
            threads: fields.nth(10)?.parse().ok()?,
        })
    }

    fn of(pid: Pid) -> Option<Self> {
        Self::parse(&proc_entry::text(&format!("/proc/{}/stat", pid.as_raw_pid())).ok()?)
    }
}

/// Tells whether a process has several threads for certain: each is a directory of its own, and the
/// kernel counts those without making the text of which this is a small part.
fn has_threads(pid: Pid) -> bool {
    // Every directory has two links.
    rustix::fs::stat(format!("/proc/{}/task", pid.as_raw_pid())).is_ok_and(|stat| stat.st_nlink > 3)
}

impl Watch<'_> {
    /// Tells whether another thread can change what the caller's memory says.
    pub(super) fn races(&self) -> bool {
        // A descriptor from here would lead past the inner walls of a nested jail.
        if self.ward.plan.nested {
            return false;
        }
        if self.ward.shares_memory() {
            return true;
        }
        let mut pid = self.caller.thread;
        // Who calls again and again has had threads before.
        if self.ward.expects_threads() && has_threads(pid) {
            return true;
        }
        for _ in 0..DEPTH_AT_MOST {
            let Some(kin) = Kin::of(pid) else { return true };
            self.ward.expect_threads(kin.threads != 1);
            if kin.threads != 1 {
                return true;
            }
            if kin.flags & NOT_EXECUTED == 0 {
                return false;
            }
            match Pid::from_raw(kin.parent) {
                Some(parent) => pid = parent,
                None => return false,
            }
        }
        true
    }

    /// Remembers that the jail has processes that share memory without being threads.
    pub(super) fn note_shared_memory(&self) {
        if self.call.name() == "clone" && filter::shares_memory(self.int(0)) {
            self.ward.share_memory();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_nothing() {
        let text = "7 (a) b) S 3 7 7 0 -1 4194368 9 0 0 0 1 2 3 4 20 0 5 0 99 1 1";
        assert_eq!(Kin::parse(text), Some(Kin { parent: 3, flags: 0x40_0040, threads: 5 }));
        assert_eq!(Kin::parse("7 (a) S 3"), None);
    }

    #[test]
    fn this_process_has_threads() {
        let own = Kin::of(rustix::process::getpid()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id().cast_signed());
        assert!(own.threads > 1, "tests run on threads");
        assert!(has_threads(rustix::process::getpid()));
    }

    #[test]
    fn a_process_of_one_thread_has_none_for_certain() {
        let mut child = std::process::Command::new("sleep").arg("9").spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(!has_threads(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!has_threads(pid), "nobody");
    }
}
