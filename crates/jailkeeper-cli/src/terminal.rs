//! Between the caller's terminal and the jail's own.
//!
//! A jail never gets the caller's terminal: whoever has it can put words into the caller's mouth
//! (`TIOCSTI`). It gets one of its own, and this relay carries bytes between the two. The caller's
//! is in raw mode meanwhile, so that keys, job control and window size are the jail's business.

use jailkeeper::Child;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize,
    tcsetattr, tcsetwinsize,
};
use signal_hook::consts::SIGWINCH;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A relay that is to be started with the child.
#[derive(Debug)]
pub(crate) struct Relay {
    before: Termios,
    keys: Keys,
}

/// Who gets the keys that are typed: the jail, or a question that is being asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// Where the keys of a relay go while somebody is asked.
    question: Arc<Mutex<Option<Sender<u8>>>>,
    relayed: Arc<AtomicBool>,
}

impl Keys {
    /// Throws away what was typed and waits for the next key.
    pub(crate) fn next(&self, terminal: &File, timeout: Duration) -> Option<u8> {
        if self.relayed.load(Ordering::Acquire) {
            let (send, key) = channel();
            *self.question.lock().unwrap_or_else(PoisonError::into_inner) = Some(send);
            let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
            let key = key.recv_timeout(timeout).ok();
            *self.question.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return key;
        }
        let before = tcgetattr(terminal).ok()?;
        let mut raw = before.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        tcsetattr(terminal, OptionalActions::Flush, &raw).ok()?;
        let wait = Timespec::try_from(timeout).ok();
        let ready = poll(&mut [PollFd::new(terminal, PollFlags::IN)], wait.as_ref());
        let mut key = [0];
        let read = matches!(ready, Ok(1)) && rustix::io::read(terminal, &mut key) == Ok(1);
        let _ = tcsetattr(terminal, OptionalActions::Flush, &before);
        read.then_some(key[0])
    }

    /// Hands keys to the question that is being asked; false if there is none.
    fn answer(&self, bytes: &[u8]) -> bool {
        let question = self.question.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*question, bytes.first()) {
            (Some(question), Some(key)) => question.send(*key).is_ok(),
            _ => false,
        }
    }
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
    pub(crate) fn prepare(keys: &Keys) -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        Some(Self { before, keys: keys.clone() })
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
        let keys = self.keys;
        keys.relayed.store(true, Ordering::Release);
        std::thread::spawn(move || carry(rustix::stdio::stdin(), &input, &keys));
        let (stopped, stop) = io::pipe()?;
        let (stopped, stop) = (OwnedFd::from(stopped), OwnedFd::from(stop));
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

/// Carries bytes until one side ends. While somebody is asked, what is typed is the answer.
fn carry(from: impl AsFd, to: impl AsFd, keys: &Keys) {
    let mut buffer = [0; 16 * 1024];
    loop {
        match rustix::io::read(&from, &mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if !keys.answer(bytes) && write_all(&to, bytes).is_err() {
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
