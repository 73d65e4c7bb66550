//! A running jail and how it ended.

use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::{Event, Report};
use rustix::process::Signal;
use std::io;
use std::os::fd::BorrowedFd;
#[cfg(feature = "full")]
use std::os::fd::OwnedFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// The kind of the warning that says that a wall was taken away from outside.
pub const WALL_LOST: &str = "wall-lost";

/// The kind of the warning that nobody is told what the walls refuse.
pub const UNWATCHED: &str = "unwatched";

/// The kind of the warning that a jail is weaker than this machine was thought to allow.
pub const WEAKER: &str = "weaker";

/// What is held of a running jail, whatever it is built of.
pub(crate) trait Hold: Send + Sync {
    /// Returns the command's process id on the host.
    fn id(&self) -> u32;
    /// Returns the caller's side of the command's terminal, if it has one.
    fn terminal(&self) -> Option<BorrowedFd<'_>>;
    /// Sends a signal to the command.
    fn signal(&self, signal: Signal) -> io::Result<()>;
    /// Kills the whole jail.
    fn kill(&self);
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

/// How a jail ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// How the command did, if anybody was told.
    pub(crate) ending: Option<Ending>,
    pub(crate) report: Report,
}

/// A command that runs in its jail. Dropping it kills the jail.
pub struct Child {
    /// The writing end of the command's standard input, if it was piped.
    pub stdin: Option<ChildStdin>,
    /// The reading end of the command's standard output, if it was piped.
    pub stdout: Option<ChildStdout>,
    /// The reading end of the command's standard error, if it was piped.
    pub stderr: Option<ChildStderr>,
    held: Arc<dyn Hold>,
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
    #[cfg(feature = "full")]
    pub(crate) fn new(
        held: Arc<dyn Hold>,
        streams: [Option<OwnedFd>; 3],
        events: Receiver<Event>,
        ended: Receiver<Result<Ended>>,
    ) -> Self {
        let [stdin, stdout, stderr] = streams;
        let streams = (
            stdin.map(ChildStdin::from),
            stdout.map(ChildStdout::from),
            stderr.map(ChildStderr::from),
        );
        Self::watched(held, streams, events, ended)
    }

    /// One whose streams are the standard library's.
    pub(crate) fn watched(
        held: Arc<dyn Hold>,
        (stdin, stdout, stderr): (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>),
        events: Receiver<Event>,
        ended: Receiver<Result<Ended>>,
    ) -> Self {
        Self { stdin, stdout, stderr, held, events, ended, finished: None }
    }

    /// Returns the command's process id on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.held.id()
    }

    /// Returns the caller's side of the command's terminal, if it has one.
    #[must_use]
    pub fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.held.terminal()
    }

    /// Goes through the events as they come, and ends when the jail has ended.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.iter()
    }

    /// Goes through the events that come within a time, and ends earlier when the jail has ended.
    pub fn events_for(&self, time: Duration) -> impl Iterator<Item = Event> + '_ {
        let begun = Instant::now();
        let rest = move || time.saturating_sub(begun.elapsed());
        std::iter::from_fn(move || self.events.recv_timeout(rest()).ok())
    }

    /// Sends a signal to the command.
    ///
    /// # Errors
    ///
    /// `ESRCH` when it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.held.signal(signal)
    }

    /// Returns something that can send signals to the command from other threads.
    #[must_use]
    pub fn signaller(&self) -> Signaller {
        Signaller(Arc::clone(&self.held))
    }

    /// Kills the whole jail. Use [`wait`](Self::wait) to learn when it is gone.
    pub fn kill(&mut self) {
        self.held.kill();
    }

    /// Closes the standard input and waits until nothing of the jail is alive.
    ///
    /// Its mounts, which nobody can use any more, are taken down in the moment after it. Until then
    /// a file system of which it had a tree may be busy for whoever unmounts it.
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
            Some(Ending::Code(code)) => (Some(code), None),
            Some(Ending::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
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
#[derive(Clone)]
pub struct Signaller(Arc<dyn Hold>);

impl std::fmt::Debug for Signaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signaller").field(&self.0.id()).finish()
    }
}

impl Signaller {
    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// `ESRCH` when the command has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.0.signal(signal)
    }

    /// Kills the whole jail.
    pub fn kill_all(&self) {
        self.0.kill();
    }
}

/// The name of a signal, `SIGKILL`.
pub(crate) fn signal_name(number: i32) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index
        .and_then(|index| NAMES.get(index))
        .map_or_else(|| format!("SIG{number}"), |name| format!("SIG{name}"))
}
