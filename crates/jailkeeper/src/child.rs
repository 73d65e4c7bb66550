//! A running jail and how it ended.

use crate::error::{Error, ErrorKind, Result};
use crate::supervisor::{Ended, Running};
use crate::ward::Ward;
use jailkeeper_model::{Event, Report};
use jailkeeper_sys::process::Ending;
use rustix::process::Signal;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// A command that runs in its jail. Dropping it kills the jail.
pub struct Child {
    /// The writing end of the command's standard input, if it was piped.
    pub stdin: Option<ChildStdin>,
    /// The reading end of the command's standard output, if it was piped.
    pub stdout: Option<ChildStdout>,
    /// The reading end of the command's standard error, if it was piped.
    pub stderr: Option<ChildStderr>,
    ward: Arc<Ward>,
    running: Running,
    events: Receiver<Event>,
    ended: Receiver<Result<Ended>>,
    finished: Option<Finished>,
}

/// How a jail ended. Nothing of it is alive any more.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finished {
    /// The command's exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that ended the command, if one did.
    pub signal: Option<i32>,
    /// Everything that happened.
    pub report: Report,
}

impl Finished {
    /// Tells whether the command ended with code 0 and without a jailbreak.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0) && !self.has_jailbreak()
    }

    /// Tells whether there was a jailbreak.
    #[must_use]
    pub fn has_jailbreak(&self) -> bool {
        !self.report.jailbreaks.is_empty()
    }

    /// Tells whether a limit was exceeded.
    #[must_use]
    pub fn exceeded_limit(&self) -> bool {
        !self.report.limits.is_empty()
    }
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").field("pid", &self.id()).finish_non_exhaustive()
    }
}

impl Child {
    pub(crate) fn new(
        ward: Arc<Ward>,
        running: Running,
        streams: [Option<OwnedFd>; 3],
        events: Receiver<Event>,
        ended: Receiver<Result<Ended>>,
    ) -> Self {
        let [stdin, stdout, stderr] = streams;
        Self {
            stdin: stdin.map(ChildStdin::from),
            stdout: stdout.map(ChildStdout::from),
            stderr: stderr.map(ChildStderr::from),
            ward,
            running,
            events,
            ended,
            finished: None,
        }
    }

    /// Returns the command's process id on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.pid.as_raw_pid().unsigned_abs()
    }

    /// Returns the caller's side of the command's terminal, if it has one.
    #[must_use]
    pub fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.running.terminal.as_ref().map(AsFd::as_fd)
    }

    /// Goes through the events as they come, and ends when the jail has ended.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.iter()
    }

    /// Sends a signal to the command.
    ///
    /// # Errors
    ///
    /// `ESRCH` when it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.running.command, signal)?)
    }

    /// Returns something that can send signals to the command from other threads.
    ///
    /// # Errors
    ///
    /// `EMFILE` when this process has too many open files.
    pub fn signaller(&self) -> io::Result<Signaller> {
        Ok(Signaller(self.running.command.try_clone()?))
    }

    /// Kills the whole jail. Use [`wait`](Self::wait) to learn when it is gone.
    pub fn kill(&mut self) {
        if let Some(life) = self.ward.life() {
            life.kill_all();
        }
    }

    /// Closes the standard input and waits until nothing of the jail is alive.
    ///
    /// # Errors
    ///
    /// When the supervising thread failed; the jail is dead then as well.
    pub fn wait(&mut self) -> Result<Finished> {
        drop(self.stdin.take());
        if let Some(finished) = &self.finished {
            return Ok(finished.clone());
        }
        let ended = self.ended.recv().map_err(|error| {
            Error::new(ErrorKind::Setup, "hear from the supervising thread").because(error)
        })??;
        let (code, signal) = match ended.ending {
            Ending::Code(code) => (Some(code), None),
            Ending::Signal(signal) => (None, Some(signal)),
        };
        let finished = Finished { code, signal, report: ended.report };
        self.finished = Some(finished.clone());
        Ok(finished)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.finished.is_none() {
            self.kill();
        }
    }
}

/// Sends signals to a command.
#[derive(Debug)]
pub struct Signaller(OwnedFd);

impl Signaller {
    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// `ESRCH` when the command has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.0, signal)?)
    }
}
