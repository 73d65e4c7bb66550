//! The processes of a run, and killing them.
//!
//! There is no init whose death takes all along. What can be killed is what is known: the process
//! group that the command began with, and every pid that the tracer has told of and not told the end
//! of. A process that is being forked in this moment is told of a little later, and is killed then:
//! once a tree is dying, everything that appears in it dies. It is over when nothing that is known
//! is alive.
//!
//! A pid can be given to somebody else as soon as its process has been waited for, which the tracer
//! tells a moment later. So on Linux a pid is killed only if the kernel says that it is still traced
//! by our tracer. Elsewhere this moment is a risk that is left.

use super::{kernel_pid, system};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The processes of one run.
#[derive(Debug)]
pub(super) struct Tree {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    alive: BTreeSet<u32>,
    /// The command's process, as long as its pid is its own.
    root: Option<u32>,
    /// The command leads a process group of its own.
    has_group: bool,
    /// The process that traces them, if the kernel knows it as such.
    tracer: Option<u32>,
    /// When it was decided that everything dies.
    dying: Option<Instant>,
    /// The last death that was heard of since.
    last_death: Option<Instant>,
}

impl Tree {
    pub(super) fn new(root: u32, has_group: bool) -> Self {
        let state = State {
            alive: BTreeSet::from([root]),
            root: Some(root),
            has_group,
            tracer: None,
            dying: None,
            last_death: None,
        };
        Self { state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who the kernel knows as the tracer.
    pub(super) fn traced_by(&self, tracer: u32) {
        self.lock().tracer = Some(tracer);
    }

    /// A process is there. In a dying tree it dies at once.
    pub(super) fn born(&self, pid: u32) {
        let mut state = self.lock();
        state.alive.insert(pid);
        if state.dying.is_some() {
            state.kill_one(pid);
        }
    }

    /// A process has ended.
    pub(super) fn ended(&self, pid: u32) {
        let mut state = self.lock();
        state.alive.remove(&pid);
        if state.dying.is_some() {
            state.last_death = Some(Instant::now());
        }
    }

    /// The command was waited for: its pid may be anybody's now.
    pub(super) fn reaped(&self) {
        let mut state = self.lock();
        if let Some(root) = state.root.take() {
            state.alive.remove(&root);
        }
    }

    /// Sends a signal to the command.
    pub(super) fn signal_root(&self, signal: Signal) -> io::Result<()> {
        let state = self.lock();
        let pid = state.root.and_then(kernel_pid).ok_or(Errno::SRCH)?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Kills everything that is known.
    pub(super) fn kill(&self) {
        let mut state = self.lock();
        state.dying.get_or_insert_with(Instant::now);
        if let (Some(root), true) = (state.root.and_then(kernel_pid), state.has_group) {
            let _ = rustix::process::kill_process_group(root, Signal::KILL);
        }
        for pid in state.alive.clone() {
            state.kill_one(pid);
        }
    }

    pub(super) fn is_dying(&self) -> bool {
        self.lock().dying.is_some()
    }

    /// Returns from when to when it died.
    pub(super) fn dying(&self) -> Option<(Instant, Option<Instant>)> {
        let state = self.lock();
        state.dying.map(|from| (from, state.last_death))
    }

    /// Forgets what is not alive any more, and returns how many are.
    pub(super) fn count(&self) -> usize {
        let mut state = self.lock();
        let gone: Vec<_> = state.alive.iter().copied().filter(|pid| !is_alive(*pid)).collect();
        for pid in &gone {
            state.alive.remove(pid);
        }
        if !gone.is_empty() && state.dying.is_some() {
            state.last_death = Some(Instant::now());
        }
        state.alive.len()
    }

    /// Returns how many are known, without looking.
    pub(super) fn known(&self) -> usize {
        self.lock().alive.len()
    }
}

impl State {
    fn kill_one(&self, pid: u32) {
        let is_root = self.root == Some(pid);
        if !is_root && self.tracer.is_some_and(|tracer| system::tracer_of(pid) != Some(tracer)) {
            return;
        }
        if let Some(pid) = kernel_pid(pid).filter(|pid| *pid != Pid::INIT) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Tells whether a process is there and not merely waiting to be waited for.
pub(super) fn is_alive(pid: u32) -> bool {
    let Some(number) = kernel_pid(pid) else { return false };
    if rustix::process::test_kill_process(number) == Err(Errno::SRCH) {
        return false;
    }
    !system::has_ended(pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn what_is_born_into_a_dying_tree_dies() {
        let sleep = || Command::new("sleep").arg("20").process_group(0).spawn().unwrap();
        let (mut root, mut late) = (sleep(), sleep());
        let tree = Tree::new(root.id(), true);
        assert_eq!(tree.count(), 1);
        tree.kill();
        assert!(!root.wait().unwrap().success());
        tree.reaped();
        tree.born(late.id());
        assert!(!late.wait().unwrap().success());
        assert_eq!(tree.count(), 0);
        assert!(tree.signal_root(Signal::TERM).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn somebody_elses_process_is_not_killed() {
        let mut stranger = Command::new("sleep").arg("20").spawn().unwrap();
        let mut root = Command::new("sleep").arg("20").process_group(0).spawn().unwrap();
        let tree = Tree::new(root.id(), true);
        tree.traced_by(1);
        tree.born(stranger.id());
        tree.kill();
        root.wait().unwrap();
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
