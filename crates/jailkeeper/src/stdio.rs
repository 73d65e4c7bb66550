//! The standard streams of a command.

#[cfg(feature = "full")]
mod streams;

#[cfg(feature = "full")]
pub(crate) use streams::{Streams, refuse_directory};

use std::os::fd::OwnedFd;

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
    /// [`Child::terminal`](crate::Child::terminal).
    Terminal,
    /// This descriptor. It is used up by the first run.
    Descriptor(OwnedFd),
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Self {
        Self::Descriptor(fd)
    }
}
