//! Children that set themselves up by walking prepared steps.
//!
//! A jail is made of three short programs, each a list of [`Step`]s that the parent prepares
//! completely: paths as C strings, descriptors in numbered [`Slots`], filters assembled. Between
//! `clone3` and `execve` the child only walks the list. The parent may have many threads, so
//! nothing here may allocate, lock, format or panic; a step that fails names itself by number
//! over the control socket, and the parent makes the sentence.
//!
//! The order of steps is the parent's business. One order is not optional: before the first step
//! that mounts or pivots stands [`Step::ProveNamespaces`].

mod control;
mod reap;
mod run;
mod step;

pub use control::{Control, Message, Notice, control_pair};
pub use step::{Arguments, Device, Option as MountOption, Step, TreeSource};

use crate::process::{Namespaces, Parent, Side, block_signals, clone3};
use rustix::process::Pid;
use std::cell::Cell;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// A numbered place for a descriptor that steps hand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize);

/// The places for descriptors. The child works on its own copy of them.
#[derive(Debug, Default)]
pub struct Slots {
    fds: Vec<Cell<RawFd>>,
}

impl Slots {
    /// Adds an empty place, which a step of the child will fill.
    pub fn empty(&mut self) -> Slot {
        self.fds.push(Cell::new(-1));
        Slot(self.fds.len() - 1)
    }

    /// Adds a place that holds a descriptor of the parent, which must stay open until the child
    /// was made.
    pub fn holding(&mut self, fd: BorrowedFd<'_>) -> Slot {
        self.fds.push(Cell::new(fd.as_raw_fd()));
        Slot(self.fds.len() - 1)
    }

    fn get(&self, slot: Slot) -> RawFd {
        self.fds.get(slot.0).map_or(-1, Cell::get)
    }

    fn set(&self, slot: Slot, fd: RawFd) {
        if let Some(cell) = self.fds.get(slot.0) {
            cell.set(fd);
        }
    }

    /// The descriptors that are in use, smallest first.
    fn in_use(&self) -> Vec<RawFd> {
        let mut fds: Vec<RawFd> = self.fds.iter().map(Cell::get).filter(|fd| *fd >= 0).collect();
        fds.sort_unstable();
        fds.dedup();
        fds
    }
}

/// Makes the step that hides this process's command line in a child; `None` if the kernel does
/// not say where it is.
///
/// A child that does not execute anything shows its parent's command line to everybody in its pid
/// namespace.
#[must_use]
pub fn forget_arguments() -> Option<Step> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    // Fields 48 and 49, `arg_start` and `arg_end`; the third is the first behind the name.
    let mut fields = fields.split_ascii_whitespace().skip(45);
    let start: usize = fields.next()?.parse().ok()?;
    let end: usize = fields.next()?.parse().ok()?;
    let length = end.checked_sub(start).filter(|length| start != 0 && *length < 1 << 22)?;
    Some(Step::ForgetArguments { start, length })
}

/// What one child does from its first instruction on.
#[derive(Debug)]
pub struct Program {
    /// Names the program in failures.
    pub name: &'static str,
    /// The steps, in order. The last one never returns.
    pub steps: Vec<Step>,
}

/// Everything a child needs: its program, the slots and its end of the control socket.
#[derive(Debug)]
pub struct Launch {
    /// The program of the first child; it holds the programs of the others.
    pub program: Program,
    /// The descriptors.
    pub slots: Slots,
    /// The namespaces of the first child.
    pub namespaces: Namespaces,
}

/// The state of a running child.
struct Context<'a> {
    slots: &'a Slots,
    control: RawFd,
    keep: &'a [RawFd],
    /// The process that [`Step::Spawn`] made last.
    spawned: Cell<i32>,
}

impl Launch {
    /// Makes the child and returns its pid.
    ///
    /// The calling thread is the child's parent in the sense of [`Step::DieWithParent`]: when
    /// this *thread* ends, the child is killed.
    ///
    /// # Errors
    ///
    /// Those of `clone3(2)`: `EPERM` or `ENOSPC` where user namespaces are not to be had.
    pub fn start(&self, control: &Control) -> io::Result<Pid> {
        let control_fd = control.child_end()?;
        let mut keep = self.slots.in_use();
        keep.push(control_fd);
        keep.sort_unstable();
        keep.dedup();
        let context =
            Context { slots: &self.slots, control: control_fd, keep: &keep, spawned: Cell::new(0) };
        // A handler of the host program must not run in the child.
        let mask = block_signals()?;
        // SAFETY: on the child's side `run` walks prepared steps and never returns; it keeps to
        // the rules of this module.
        let side = unsafe { clone3(self.namespaces, Parent::Caller) };
        match side {
            Ok(Side::Child) => run::run(&self.program, &context),
            Ok(Side::Parent(pid)) => {
                mask.restore();
                Ok(pid)
            }
            Err(error) => {
                mask.restore();
                Err(error)
            }
        }
    }
}
