//! The kernel calls JailKeeper is made of.
//!
//! This crate is the only room of the house in which `unsafe` lives. Whatever [`rustix`] has is
//! used from there; here stands what it lacks, one safe function per kernel call:
//!
//! * [`bpf`][]: an assembler for seccomp programs,
//! * [`seccomp`][]: the listener of `SECCOMP_RET_USER_NOTIF`,
//! * [`landlock`][]: rulesets,
//! * [`mount`][]: `mount_setattr(2)` and id-mapped mounts,
//! * [`memory`][]: reading another process's memory,
//! * [`process`][]: `clone3(2)`, waiting, signals, limits,
//! * [`resident`][]: giving back what of this process is in memory and can be had again,
//! * [`ptrace`][]: stopping other processes before each of their calls,
//! * [`inject`][]: making calls inside of other processes,
//! * [`child`][]: the runner that walks prepared [`child::Step`]s between `clone3` and `execve`,
//!   where nothing may allocate, lock, format or panic.
//!
//! It knows no policy, and nothing of what the calls are for.

#![deny(missing_docs)]
#![cfg(target_os = "linux")]

pub mod bpf;
pub mod child;
pub mod inject;
pub mod landlock;
pub mod memory;
pub mod mount;
pub mod process;
pub mod ptrace;
pub mod resident;
pub mod seccomp;

use std::io;

/// Turns the return value of a raw system call into a result.
fn check(value: libc::c_long) -> io::Result<libc::c_long> {
    if value < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// Turns a raw system call's new descriptor into an owned one.
fn check_fd(value: libc::c_long) -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    let fd = check(value)?;
    let fd = i32::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the kernel just returned this descriptor as new, so nobody else owns it.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) })
}
