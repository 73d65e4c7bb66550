//! A control group of the jail's own, to kill it with.
//!
//! `cgroup.kill` (Linux 5.14) sends SIGKILL to every process of a group in one call, and to those
//! that are being made at that moment. A group can be made by root, and by whoever was given a part
//! of the hierarchy and is in it. No controller is needed.

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A control group, removed at the latest when this is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    path: PathBuf,
    kill: OwnedFd,
}

impl Group {
    /// Makes a group below this process's own; `None` where that cannot be had.
    pub(crate) fn make() -> Option<Self> {
        Self::below("self")
    }

    /// Makes a group below that of some processes, and moves them into it; `None` where that cannot
    /// be had or they are not in one group. What limits they have stay in force.
    pub(crate) fn around(processes: &[Pid]) -> Option<Self> {
        let first = processes.first()?.as_raw_pid().to_string();
        let common = name_of(&first)?;
        let own = |pid: &Pid| name_of(&pid.as_raw_pid().to_string());
        if processes.iter().any(|pid| own(pid).as_ref() != Some(&common)) {
            return None;
        }
        let group = Self::below(&first)?;
        for pid in processes {
            if group.take(*pid).is_err() {
                group.give_back(processes);
                return None;
            }
        }
        Some(group)
    }

    /// Moves processes to the group above, and lets this one go.
    pub(crate) fn give_back(self, processes: &[Pid]) {
        for pid in processes {
            if let Some(above) = self.path.parent() {
                let _ = fs::write(above.join("cgroup.procs"), pid.as_raw_pid().to_string());
            }
        }
    }

    /// Tells whether a process is in the group.
    pub(crate) fn holds(&self, pid: Pid) -> bool {
        let own = self.path.file_name().and_then(|name| name.to_str());
        let name = name_of(&pid.as_raw_pid().to_string());
        name.is_some_and(|name| own.is_some_and(|own| name.split('/').any(|part| part == own)))
    }

    fn below(process: &str) -> Option<Self> {
        // Pids are the same again in another pid namespace, and the hierarchy is one.
        let above = &directory_of(process)?;
        let path = above.join(crate::scratch::name().ok()?);
        fs::create_dir(&path).ok()?;
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let Ok(kill) = rustix::fs::open(path.join("cgroup.kill"), flags, Mode::empty()) else {
            let _ = fs::remove_dir(&path);
            return None;
        };
        let group = Self { path, kill };
        // A process is moved by who may write here and where it comes from. A word that moves nobody
        // would be an answer too, but writing it holds up every fork and exec of the machine.
        let may =
            |of: &Path| rustix::fs::open(of.join("cgroup.procs"), flags, Mode::empty()).is_ok();
        (may(&group.path) && may(above)).then_some(group)
    }

    /// Opens its directory, for a process to begin in it.
    pub(crate) fn directory(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&self.path, flags, Mode::empty())
    }

    /// Moves a process into the group. What it makes from then on is in it too.
    pub(crate) fn take(&self, pid: Pid) -> std::io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), pid.as_raw_pid().to_string())
    }

    /// Removes the group, in which nothing is alive any more. Not left to whoever drops it: a thread
    /// that watches may outlive the jail, and the program may end before that thread.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_dir(&self.path);
    }

    /// Kills everything in it.
    pub(crate) fn kill(&self) {
        let _ = rustix::io::write(&self.kill, b"1");
    }
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.kill.as_fd()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Returns the name of a process's group in the second hierarchy.
fn name_of(process: &str) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    groups.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// Finds the directory of a process's group in the second hierarchy.
fn directory_of(process: &str) -> Option<PathBuf> {
    let own = name_of(process)?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (root, place) = mounts.lines().find_map(mounted)?;
    let inside = Path::new(&own).strip_prefix(root).ok()?;
    Some(Path::new(place).join(inside))
}

/// Returns root and mount point of a line of `/proc/self/mountinfo` if it is of the second
/// hierarchy.
fn mounted(line: &str) -> Option<(&str, &str)> {
    let (own, filesystem) = line.split_once(" - ")?;
    if !filesystem.starts_with("cgroup2 ") {
        return None;
    }
    let mut fields = own.split(' ').skip(3);
    Some((fields.next()?, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hierarchy_is_found_among_mounts() {
        let line = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw";
        assert_eq!(mounted(line), Some(("/", "/sys/fs/cgroup")));
        assert_eq!(mounted("36 24 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"), None);
    }
}
