//! Descriptors that this process inherited, without the engine of Linux.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

/// Duplicates a descriptor that this process inherited under a number.
///
/// It is opened by its name in `/dev/fd`, which on every system but Linux is the same as to
/// duplicate it. (Linux opens the file again, and no socket; there the engine has a better way.)
///
/// # Errors
///
/// `ENOENT` or `EBADF` when nothing is open under the number.
pub fn inherited_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    let path = format!("/dev/fd/{number}");
    let open = |options: &mut OpenOptions| options.open(&path);
    let file = open(OpenOptions::new().read(true).write(true))
        .or_else(|_| open(OpenOptions::new().write(true)))
        .or_else(|_| open(OpenOptions::new().read(true)))?;
    Ok(file.into())
}
