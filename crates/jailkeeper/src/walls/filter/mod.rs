//! The seccomp filter of strength `full`, and the table of system calls it is made from.
//!
//! Reads and look-ups outside the jail end at the tripwire, which sees them before anything else
//! happens; so they run natively here. The filter does what the tripwire cannot:
//!
//! * it hands calls with *write intent* and calls that reach out through *sockets* to the
//!   listener, because a write to a read-only bind fails with `EROFS` before any file system is
//!   asked,
//! * it refuses calls that blind, confuse or outlast the supervisor, with the errno from which
//!   programs fall back best,
//! * it hands calls that only an escape needs to the listener, which names them as jailbreaks,
//! * it answers `ENOSYS` for every number that it does not know: a kernel newer than this table
//!   looks like an older one,
//! * it hands every call of a foreign ABI (i386, x32) to the listener.
//!
//! [`call`] gives the listener and the tripwire the meaning of a number; [`program`] is the
//! filter. A test holds that both say the same for every number.
//!
//! # What it does not do
//!
//! * No verdict of the listener on a *path* grants anything: the text lies in memory that another
//!   thread may change, so the walls behind (the view, read-only binds, Landlock) decide again.
//! * Changes of a file's attributes by `ioctl(2)` (`FS_IOC_SETFLAGS` and its kin) are not seen.
//!   Outside the writable trees a read-only bind refuses them.
//! * A descriptor that the jail inherits or is sent can be read and written as it was opened.
//! * Calls in memory that has been made unreadable are seen, but their paths cannot be named.
//!
//! # References
//!
//! * [seccomp(2)](https://man7.org/linux/man-pages/man2/seccomp.2.html)
//! * [seccomp_unotify(2)](https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html)
//! * [syscalls(2)](https://man7.org/linux/man-pages/man2/syscalls.2.html)

mod abi;
#[cfg(test)]
mod abi_tests;
mod build;
mod calls;
mod flags;
// The table is the same everywhere, and asked in the numbers of x86_64; what differs is in `abi`.
#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests;
mod treatment;

pub(crate) use build::{Flat, Watched, flat_program, is_foreign, program, unwatched_program};
pub(crate) use calls::{call, flat::call as flat_call, flat::shares_memory};
pub(crate) use flags::{
    closes_on_exec, creates, has_write_intent, is_exclusive, open_flag_names, takes_mode,
};
pub(crate) use treatment::{
    Call, Intent, PathArgument, PathCall, ProcessCall, SocketCall, Treatment,
};
