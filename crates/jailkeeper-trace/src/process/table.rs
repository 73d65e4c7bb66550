//! The table of processes.

use super::descriptors::Descriptors;
use super::pool::{Handle, Pool};
use jailkeeper_model::JailPath;
use std::collections::{HashMap, VecDeque};

/// How many processes are remembered at a time.
const AT_MOST: usize = 65_536;

/// How many that ended too early are remembered.
const GONE_AT_MOST: usize = 1024;

/// What a new process shares with its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shared {
    /// Descriptors (`CLONE_FILES`).
    pub descriptors: bool,
    /// The working directory (`CLONE_FS`).
    pub directory: bool,
    /// Everything: it is a thread (`CLONE_THREAD`).
    pub thread: bool,
}

/// A process.
#[derive(Debug, Clone)]
pub struct Process {
    /// The process that it is a thread of, or itself.
    pub group: u32,
    /// The process that made it, if it is known.
    pub parent: Option<u32>,
    /// The program that it executed, if it is known.
    pub program: Option<Vec<u8>>,
    /// The program's arguments, as far as the tracer tells.
    pub argv: Vec<Vec<u8>>,
    descriptors: Handle,
    directory: Handle,
    /// It was seen before its parent said that it had made it.
    is_guessed: bool,
}

/// The processes that a tracer follows.
#[derive(Debug)]
pub struct Processes {
    by_pid: HashMap<u32, Process>,
    descriptors: Pool<Descriptors>,
    directories: Pool<Option<JailPath>>,
    /// Processes in the middle of a call that makes one.
    forking: Vec<(u32, Shared)>,
    /// Processes that have ended before their parents said that they had made them.
    gone: VecDeque<u32>,
}

impl Processes {
    /// Begins with one process, in a working directory if it is known.
    #[must_use]
    pub fn new(pid: u32, directory: Option<JailPath>) -> Self {
        let mut processes = Self {
            by_pid: HashMap::new(),
            descriptors: Pool::new(),
            directories: Pool::new(),
            forking: Vec::new(),
            gone: VecDeque::new(),
        };
        processes.add(pid, directory);
        processes
    }

    /// Adds a process of which nothing else is known.
    pub fn add(&mut self, pid: u32, directory: Option<JailPath>) {
        let process = Process {
            group: pid,
            parent: None,
            program: None,
            argv: Vec::new(),
            descriptors: self.descriptors.add(Descriptors::default()),
            directory: self.directories.add(directory),
            is_guessed: false,
        };
        self.insert(pid, process);
    }

    fn insert(&mut self, pid: u32, process: Process) {
        self.remove(pid);
        if self.by_pid.len() >= AT_MOST {
            self.descriptors.release(process.descriptors);
            self.directories.release(process.directory);
        } else {
            self.by_pid.insert(pid, process);
        }
    }

    /// Returns a process.
    #[must_use]
    pub fn get(&self, pid: u32) -> Option<&Process> {
        self.by_pid.get(&pid)
    }

    /// Returns a process to be changed.
    pub fn get_mut(&mut self, pid: u32) -> Option<&mut Process> {
        self.by_pid.get_mut(&pid)
    }

    /// Tells whether a process is known.
    #[must_use]
    pub fn holds(&self, pid: u32) -> bool {
        self.by_pid.contains_key(&pid)
    }

    /// Returns the pids of all processes that have not ended, threads among them.
    pub fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_pid.keys().copied()
    }

    /// Returns how many there are of these.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_pid.len()
    }

    /// Returns the working directory of a process, if it is known.
    #[must_use]
    pub fn directory(&self, pid: u32) -> Option<&JailPath> {
        self.directories.get(self.get(pid)?.directory)?.as_ref()
    }

    /// Returns what a descriptor of a process leads to, if it is known.
    #[must_use]
    pub fn descriptor(&self, pid: u32, number: i32) -> Option<&JailPath> {
        self.descriptors.get(self.get(pid)?.descriptors)?.path(number)
    }

    /// The process has changed its working directory.
    pub fn change_directory(&mut self, pid: u32, directory: Option<JailPath>) {
        if let Some(handle) = self.get(pid).map(|process| process.directory)
            && let Some(slot) = self.directories.get_mut(handle)
        {
            *slot = directory;
        }
    }

    fn descriptors_of(&mut self, pid: u32) -> Option<&mut Descriptors> {
        let handle = self.get(pid)?.descriptors;
        self.descriptors.get_mut(handle)
    }

    /// The process has opened something.
    pub fn open(&mut self, pid: u32, number: i32, path: Option<JailPath>, closes_on_exec: bool) {
        if let Some(descriptors) = self.descriptors_of(pid) {
            descriptors.open(number, path, closes_on_exec);
        }
    }

    /// The process has duplicated a descriptor.
    pub fn duplicate(&mut self, pid: u32, from: i32, to: i32, closes_on_exec: bool) {
        if let Some(descriptors) = self.descriptors_of(pid) {
            descriptors.duplicate(from, to, closes_on_exec);
        }
    }

    /// The process has closed a range of descriptors.
    pub fn close(&mut self, pid: u32, first: i32, last: i32) {
        if let Some(descriptors) = self.descriptors_of(pid) {
            descriptors.close(first, last);
        }
    }

    /// The process has said what becomes of descriptors when it executes something.
    pub fn close_on_exec(&mut self, pid: u32, first: i32, last: i32, yes: bool) {
        if let Some(descriptors) = self.descriptors_of(pid) {
            descriptors.close_on_exec(first, last, yes);
        }
    }

    /// The process has executed a program: it shares its descriptors with nobody any more.
    pub fn execute(&mut self, pid: u32, program: Option<Vec<u8>>, argv: Vec<Vec<u8>>) {
        let Some(handle) = self.get(pid).map(|process| process.descriptors) else { return };
        let own = if self.descriptors.is_shared(handle) {
            let own = self.descriptors.copy(handle);
            self.descriptors.release(handle);
            own.unwrap_or(handle)
        } else {
            handle
        };
        if let Some(descriptors) = self.descriptors.get_mut(own) {
            descriptors.execute();
        }
        if let Some(process) = self.by_pid.get_mut(&pid) {
            process.descriptors = own;
            process.program = program;
            process.argv = argv;
        }
    }

    /// A thread has executed a program and taken over the pid of its process.
    pub fn supersede(&mut self, pid: u32, thread: u32) {
        if pid == thread {
            return;
        }
        let leader = self.by_pid.get(&pid).cloned();
        if let Some(mut process) = self.by_pid.remove(&thread) {
            process.group = pid;
            if let Some(leader) = leader {
                process.parent = leader.parent;
            }
            self.insert(pid, process);
        }
    }

    /// A process has begun to make another one.
    pub fn begin_fork(&mut self, pid: u32, shared: Shared) {
        self.forking.retain(|(other, _)| *other != pid);
        if self.forking.len() < AT_MOST {
            self.forking.push((pid, shared));
        }
    }

    /// A process has made another one, or has failed to.
    pub fn end_fork(&mut self, pid: u32, child: Option<u32>, shared: Shared) {
        self.forking.retain(|(other, _)| *other != pid);
        let Some(child) = child else { return };
        if let Some(at) = self.gone.iter().position(|gone| *gone == child) {
            self.gone.remove(at);
            return;
        }
        match self.by_pid.get_mut(&child) {
            // It was seen already, and has perhaps done something: only its parent is news.
            Some(process) if process.is_guessed => {
                process.is_guessed = false;
                process.parent = Some(pid);
            }
            // It is known as somebody's child already.
            Some(process) if process.parent.is_some() => {}
            _ => self.born(child, pid, shared),
        }
    }

    /// A process is there of which nobody has said that he made it: one of those that are making
    /// one. Returns whether it is a new one.
    pub fn appear(&mut self, pid: u32) -> bool {
        if self.holds(pid) {
            return false;
        }
        match self.forking.last().copied() {
            Some((parent, shared)) => {
                let differ = self
                    .forking
                    .iter()
                    .any(|(other, _)| self.directory(*other) != self.directory(parent));
                self.born(pid, parent, shared);
                if differ {
                    // It can be the child of any of them.
                    let nowhere = self.directories.add(None);
                    if let Some(process) = self.by_pid.get_mut(&pid) {
                        let old = std::mem::replace(&mut process.directory, nowhere);
                        self.directories.release(old);
                    }
                }
                if let Some(process) = self.by_pid.get_mut(&pid) {
                    process.is_guessed = true;
                }
            }
            None => self.add(pid, None),
        }
        true
    }

    fn born(&mut self, child: u32, parent: u32, shared: Shared) {
        let Some(from) = self.get(parent).cloned() else {
            self.add(child, None);
            return;
        };
        let descriptors = if shared.descriptors {
            Some(self.descriptors.share(from.descriptors))
        } else {
            self.descriptors.copy(from.descriptors)
        };
        let directory = if shared.directory {
            Some(self.directories.share(from.directory))
        } else {
            self.directories.copy(from.directory)
        };
        let descriptors =
            descriptors.unwrap_or_else(|| self.descriptors.add(Descriptors::default()));
        let directory = directory.unwrap_or_else(|| self.directories.add(None));
        let process = Process {
            group: if shared.thread { from.group } else { child },
            parent: if shared.thread { from.parent } else { Some(from.group) },
            program: from.program,
            argv: from.argv,
            descriptors,
            directory,
            is_guessed: false,
        };
        self.insert(child, process);
    }

    /// A process has ended.
    pub fn remove(&mut self, pid: u32) {
        self.forking.retain(|(other, _)| *other != pid);
        if let Some(process) = self.by_pid.remove(&pid) {
            self.descriptors.release(process.descriptors);
            self.directories.release(process.directory);
            if process.is_guessed {
                self.gone.truncate(GONE_AT_MOST - 1);
                self.gone.push_front(pid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<JailPath> {
        JailPath::new(text).ok()
    }

    const NOTHING: Shared = Shared { descriptors: false, directory: false, thread: false };
    const ALL: Shared = Shared { descriptors: true, directory: true, thread: true };

    #[test]
    fn a_child_gets_a_copy_and_a_thread_a_share() {
        let mut processes = Processes::new(1, path("/a"));
        processes.open(1, 3, path("/x"), false);
        processes.end_fork(1, Some(2), NOTHING);
        processes.end_fork(1, Some(3), ALL);
        processes.change_directory(1, path("/b"));
        processes.close(1, 3, 3);
        assert_eq!(
            (processes.directory(2), processes.descriptor(2, 3)),
            (path("/a").as_ref(), path("/x").as_ref())
        );
        assert_eq!(
            (processes.directory(3), processes.descriptor(3, 3)),
            (path("/b").as_ref(), None)
        );
        assert_eq!(processes.get(3).map(|thread| thread.group), Some(1));
    }

    #[test]
    fn executing_closes_what_shall_be_closed_and_shares_no_more() {
        let mut processes = Processes::new(1, path("/"));
        processes.open(1, 3, path("/x"), true);
        processes.open(1, 4, path("/y"), false);
        processes.duplicate(1, 3, 5, false);
        processes.end_fork(1, Some(2), Shared { descriptors: true, ..NOTHING });
        processes.execute(2, Some(b"/bin/sh".to_vec()), Vec::new());
        let known = |pid| [3, 4, 5].map(|number| processes.descriptor(pid, number).is_some());
        assert_eq!((known(1), known(2)), ([true, true, true], [false, true, true]));
    }

    #[test]
    fn a_child_that_is_seen_first_gets_the_directory_of_its_parent_or_none() {
        let mut processes = Processes::new(1, path("/a"));
        processes.begin_fork(1, NOTHING);
        assert!(processes.appear(5));
        assert_eq!(processes.directory(5), path("/a").as_ref());
        processes.end_fork(1, Some(5), NOTHING);
        assert_eq!(processes.get(5).and_then(|child| child.parent), Some(1));
        // Two are making one at the same time, in different places.
        processes.change_directory(5, path("/b"));
        processes.begin_fork(1, NOTHING);
        processes.begin_fork(5, NOTHING);
        assert!(processes.appear(6));
        assert_eq!(processes.directory(6), None);
    }

    #[test]
    fn what_has_ended_before_its_parent_told_of_it_does_not_come_back() {
        let mut processes = Processes::new(1, path("/a"));
        processes.begin_fork(1, NOTHING);
        processes.appear(5);
        processes.remove(5);
        processes.end_fork(1, Some(5), NOTHING);
        assert!(!processes.holds(5));
        // Its pid may be used again.
        processes.end_fork(1, Some(5), NOTHING);
        assert!(processes.holds(5));
    }

    #[test]
    fn what_nobody_has_is_forgotten() {
        let mut processes = Processes::new(1, path("/a"));
        for child in 2..1000 {
            processes.end_fork(1, Some(child), if child % 2 == 0 { ALL } else { NOTHING });
            processes.remove(child);
        }
        processes.remove(1);
        assert_eq!(processes.pids().count(), 0);
        assert!(processes.descriptors.is_empty() && processes.directories.is_empty());
    }
}
