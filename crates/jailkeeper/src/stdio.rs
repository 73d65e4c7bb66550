//! The standard streams of a command.

#[cfg(feature = "full")]
mod streams;

#[cfg(feature = "full")]
pub(crate) use streams::{Streams, refuse_directory};

use std::os::fd::OwnedFd;

/// Gives a jail's terminal the size of this process's own, before a command can ask for it.
#[cfg(feature = "full")]
pub(crate) fn fit(terminal: &OwnedFd) {
    use rustix::stdio::{stderr, stdin, stdout};
    use rustix::termios::{tcgetwinsize, tcsetwinsize};
    let size = [stdin(), stdout(), stderr()].into_iter().find_map(|fd| tcgetwinsize(fd).ok());
    if let Some(size) = size {
        // A terminal without a size is usable.
        let _ = tcsetwinsize(terminal, size);
    }
}

/// Where a standard stream of a command comes from or goes to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stdio {
    /// This process's own.
    Inherit,
    /// `/dev/null`.
    Null,
    /// A new pipe, whose other end is in the [`Child`](crate::Child).
    Piped,
    /// A terminal of the jail's own, one for all streams that ask for it. The other side is
    /// [`Child::terminal`](crate::Child::terminal). It begins with the size of this process's own
    /// terminal, if standard input, output or error is one.
    Terminal,
    /// This descriptor. It is used up by the first run.
    Descriptor(OwnedFd),
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Self {
        Self::Descriptor(fd)
    }
}
