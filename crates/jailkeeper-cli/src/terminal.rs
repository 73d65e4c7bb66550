//! Between the caller's terminal and the jail's own.
//!
//! A jail never gets the caller's terminal: whoever has it can put words into the caller's mouth
//! (`TIOCSTI`). It gets one of its own, and this relay carries bytes between the two. The caller's
//! is in raw mode meanwhile, so that keys, job control and window size are the jail's business.

use jailkeeper::Child;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use signal_hook::consts::SIGWINCH;
use std::io::{self, IsTerminal};
use std::thread::JoinHandle;
use std::time::Duration;

/// A relay that is to be started with the child.
#[derive(Debug)]
pub(crate) struct Relay {
    before: Termios,
}

/// A relay at work.
#[derive(Debug)]
pub(crate) struct Relaying {
    before: Termios,
    output: JoinHandle<()>,
    stop: OwnedFd,
}

impl Relay {
    /// Prepares a relay if stdin is a terminal: then the command has one of its own.
    pub(crate) fn prepare() -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        tcgetattr(rustix::stdio::stdin()).ok().map(|before| Self { before })
    }

    /// Starts carrying bytes.
    pub(crate) fn start(self, child: &Child) -> io::Result<Relaying> {
        let terminal = child.terminal().ok_or(io::ErrorKind::NotFound)?.try_clone_to_owned()?;
        if let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) {
            tcsetwinsize(&terminal, size)?;
        }
        let mut raw = self.before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
        let sizes = terminal.try_clone()?;
        let mut changes = signal_hook::iterator::Signals::new([SIGWINCH])?;
        std::thread::spawn(move || {
            for _ in changes.forever() {
                if let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) {
                    let _ = tcsetwinsize(&sizes, size);
                }
            }
        });
        let input = terminal.try_clone()?;
        std::thread::spawn(move || carry(rustix::stdio::stdin(), &input));
        let (stopped, stop) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let output = std::thread::spawn(move || carry_out(&terminal, &stopped));
        Ok(Relaying { before: self.before, output, stop })
    }
}

impl Relaying {
    /// Carries what the jail has written last, and gives the caller's terminal back.
    pub(crate) fn finish(self) {
        drop(self.stop);
        let _ = self.output.join();
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Carries bytes until one side ends.
fn carry(from: impl AsFd, to: impl AsFd) {
    let mut buffer = [0; 16 * 1024];
    loop {
        match rustix::io::read(&from, &mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                if write_all(&to, buffer.get(..count).unwrap_or_default()).is_err() {
                    return;
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Carries the jail's output. The read fails when the last process of the jail has closed its
/// side; after the jail's end nothing more is waited for.
fn carry_out(terminal: &OwnedFd, stopped: &OwnedFd) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let [has_output, is_over] = fds.each_ref().map(|fd| !fd.revents().is_empty());
        if !has_output && is_over {
            return;
        }
        match rustix::io::read(terminal, &mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if write_all(rustix::stdio::stdout(), bytes).is_err() {
                    return;
                }
            }
        }
    }
}

fn write_all(to: impl AsFd, mut bytes: &[u8]) -> Result<(), rustix::io::Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let wait = Timespec::try_from(Duration::from_millis(10)).ok();
                poll(&mut [PollFd::new(&to, PollFlags::OUT)], wait.as_ref())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
