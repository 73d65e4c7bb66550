//! Descriptors that this process inherited, without the engine of Linux.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

/// Duplicates a descriptor that this process inherited under a number.
///
/// It is opened by its name in `/dev/fd`, which on every system but Linux is the same as to
/// duplicate it. (Linux opens the file again, and no socket; there the engine has a better way.
/// FreeBSD has the names above 2 only where `fdescfs` is mounted.)
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

/// Keeps all descriptors from a number on from what this process executes, but for some.
///
/// This is for a program that owns its process: descriptors that it inherited from somebody careless
/// go no further. Where the system does not tell which are open, those up to the limit of this
/// process are looked at.
///
/// # Errors
///
/// None: a descriptor that cannot be looked at is none that is open.
pub fn keep_from_children(first: RawFd, except: &[RawFd]) -> io::Result<()> {
    close_fds::set_fds_cloexec_threadsafe(first, except);
    Ok(())
}
