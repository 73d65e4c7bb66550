//! Strength `monitor`: no wall, a tracer that tells what happened, and a kill that comes after.
//!
//! It is what runs where there is neither Landlock nor a namespace, and what JailKeeper was in
//! 2012. Policy, decision, events and report are those of every strength; nothing is enforced.
//! What a program reads before the tracer has told of it, it has read. So the caller must ask for
//! it by name, and each run says what it is.
//!
//! The command is started as a shell that stops itself ([`stub`]); a [`tracer`] is put on it; when
//! the tracer is seen to be at work the shell goes on and executes the command. What the tracer
//! tells goes to the [`judge`], which follows symbolic links ([`resolve`]), decides and records.
//! On a jailbreak everything that the tracer knows is killed, and again, until nothing is left
//! ([`tree`]).
//!
//! On Linux the tracer is by default this library itself ([`ptrace`]). It stops each call before it
//! runs: a jailbreak is killed in the stop and never takes place, unless another thread changes a
//! path in memory between the stop and the kernel's own look at it.

mod attached;
mod describe;
mod judge;
mod policy;
mod programs;
#[cfg(all(feature = "full", target_os = "linux"))]
mod ptrace;
mod resolve;
mod run;
mod stub;
mod system;
mod tracer;
mod tree;

pub(crate) use policy::{Ground, Request};
pub(crate) use run::{Order, attach, start};
pub use tracer::{Tracer, TracerFinding};

use crate::child::{Ending, Hold};
use rustix::process::{Pid, Signal};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// A running command as its [`Child`](crate::Child) holds it.
pub(crate) struct Held {
    pid: u32,
    tree: Arc<tree::Tree>,
}

impl Hold for Held {
    fn id(&self) -> u32 {
        self.pid
    }

    fn terminal(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        self.tree.signal_root(signal)
    }

    fn kill(&self) {
        self.tree.kill();
    }
}

/// Turns a pid of a tracer into one of the kernel's.
fn kernel_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// How a child of the standard library ended.
fn ending(status: std::process::ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt;
    match status.code() {
        Some(code) => Ending::Code(code),
        None => Ending::Signal(status.signal().unwrap_or(0)),
    }
}
