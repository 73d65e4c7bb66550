//! Seccomp filters with a listener.
//!
//! A filter that answers `SECCOMP_RET_USER_NOTIF` parks the caller until the listener replies.
//! A reply that lets the call *continue* is no decision of safety: the kernel reads the caller's
//! memory again, and another thread may have changed it. It is given only where a wall gives the
//! same answer.
//!
//! # References
//!
//! * [seccomp_unotify(2)](https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html)

use crate::{bpf::Program, check};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// Lets the call run. `SECCOMP_RET_ALLOW`.
pub const ALLOW: u32 = 0x7fff_0000;
/// Hands the call to the listener. `SECCOMP_RET_USER_NOTIF`, since Linux 5.0.
pub const NOTIFY: u32 = 0x7fc0_0000;
/// Kills the whole process. `SECCOMP_RET_KILL_PROCESS`.
pub const KILL_PROCESS: u32 = 0x8000_0000;

/// Refuses the call with this errno. `SECCOMP_RET_ERRNO`.
#[must_use]
pub const fn errno(number: u16) -> u32 {
    0x0005_0000 | number as u32
}

/// A parked call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Notification {
    /// Names this call in replies.
    pub id: u64,
    /// The calling thread, as the listener's pid namespace knows it.
    pub thread: u32,
    flags: u32,
    /// The system call's number.
    pub number: i32,
    /// The architecture, `AUDIT_ARCH_*`.
    pub architecture: u32,
    /// The address of the calling instruction.
    pub instruction: u64,
    /// The arguments as they are in the registers: these do not change any more.
    pub arguments: [u64; 6],
}

#[repr(C)]
struct Response {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

#[repr(C)]
struct AddFd {
    id: u64,
    flags: u32,
    source: u32,
    target: u32,
    target_flags: u32,
}

const RECEIVE: u64 = 0xC050_2100;
const SEND: u64 = 0xC018_2101;
const IS_VALID: u64 = 0x4008_2102;
const ADD_FD: u64 = 0x4018_2103;
const SET_FLAGS: u64 = 0x4008_2104;

/// Tells whether [`receive`] ends when no process has the filter any more: since Linux 6.11. Before,
/// it waits for ever then, and whoever calls it has to `poll` first.
#[must_use]
pub fn receiving_ends() -> bool {
    is_at_least(rustix::system::uname().release().to_bytes(), (6, 11))
}

/// Compares the first two numbers of a release such as `6.18.44-custom`.
fn is_at_least(release: &[u8], least: (u32, u32)) -> bool {
    let mut numbers = release.split(|byte| !byte.is_ascii_digit()).map(|digits| {
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    });
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= least
}

/// Waits for the next parked call.
///
/// # Errors
///
/// `ENOENT` when the caller died meanwhile, or, as far as [`receiving_ends`], when nobody is left who
/// could call; `EINTR` on a signal.
pub fn receive(listener: impl AsFd) -> io::Result<Notification> {
    let mut call = Notification::default();
    // SAFETY: `call` is laid out as `struct seccomp_notif`, zeroed as the kernel demands, and
    // writable for the whole call.
    check(unsafe {
        libc::ioctl(listener.as_fd().as_raw_fd(), RECEIVE, std::ptr::from_mut(&mut call)).into()
    })?;
    Ok(call)
}

/// Lets the kernel run the call as it now stands in the caller's memory. Since Linux 5.5.
///
/// # Errors
///
/// `ENOENT` when the caller is gone.
pub fn resume(listener: impl AsFd, id: u64) -> io::Result<()> {
    respond(listener.as_fd(), &Response { id, value: 0, error: 0, flags: 1 })
}

/// Refuses the call with an errno.
///
/// # Errors
///
/// `ENOENT` when the caller is gone.
pub fn refuse(listener: impl AsFd, id: u64, errno: i32) -> io::Result<()> {
    respond(listener.as_fd(), &Response { id, value: 0, error: -errno, flags: 0 })
}

/// Answers the call with a value, as if it had run.
///
/// # Errors
///
/// `ENOENT` when the caller is gone.
pub fn answer(listener: impl AsFd, id: u64, value: i64) -> io::Result<()> {
    respond(listener.as_fd(), &Response { id, value, error: 0, flags: 0 })
}

fn respond(listener: BorrowedFd<'_>, response: &Response) -> io::Result<()> {
    // SAFETY: `response` is laid out as `struct seccomp_notif_resp` and outlives the call.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SEND, std::ptr::from_ref(response)).into() })
        .map(|_| ())
}

/// Tells whether the parked call still waits.
#[must_use]
pub fn is_waiting(listener: impl AsFd, id: u64) -> bool {
    // SAFETY: the kernel reads one u64, which lives until the call returns.
    check(unsafe {
        libc::ioctl(listener.as_fd().as_raw_fd(), IS_VALID, std::ptr::from_ref(&id)).into()
    })
    .is_ok()
}

/// Answers the call with a new descriptor, which is a duplicate of `fd`. Since Linux 5.14.
///
/// If the caller can have no more (`EMFILE`), that is what it is answered: without any answer it
/// would wait for ever.
///
/// # Errors
///
/// `ENOENT` when the caller is gone.
pub fn answer_with_fd(
    listener: impl AsFd,
    id: u64,
    fd: impl AsFd,
    close_on_exec: bool,
) -> io::Result<()> {
    const ATOMIC_SEND: u32 = 2;
    let request = AddFd {
        id,
        flags: ATOMIC_SEND,
        source: fd.as_fd().as_raw_fd().unsigned_abs(),
        target: 0,
        target_flags: if close_on_exec { libc::O_CLOEXEC.unsigned_abs() } else { 0 },
    };
    // SAFETY: `request` is laid out as `struct seccomp_notif_addfd` and outlives the call.
    let added = check(unsafe {
        libc::ioctl(listener.as_fd().as_raw_fd(), ADD_FD, std::ptr::from_ref(&request)).into()
    });
    match added {
        Ok(_) => Ok(()),
        Err(error) => refuse(listener, id, error.raw_os_error().unwrap_or(libc::EMFILE)),
    }
}

/// Makes the caller and the listener hand the processor to each other. Since Linux 6.6.
///
/// # Errors
///
/// `ENOTTY` or `EINVAL` on older kernels; everything works without it, only slower.
pub fn wake_synchronously(listener: impl AsFd) -> io::Result<()> {
    const SYNC_WAKE_UP: u64 = 1;
    // SAFETY: takes the flags by value.
    check(unsafe { libc::ioctl(listener.as_fd().as_raw_fd(), SET_FLAGS, SYNC_WAKE_UP).into() })
        .map(|_| ())
}

/// Installs a filter on this thread and returns the listener. Runs in the child before exec.
///
/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV` (Linux 5.19) is mandatory: without it a caller whose
/// signals come faster than the listener's replies never gets on.
pub(crate) fn install(program: &Program) -> io::Result<RawFd> {
    const NEW_LISTENER: u64 = 1 << 3;
    const WAIT_KILLABLE: u64 = 1 << 5;
    let fd = set_filter(program, NEW_LISTENER | WAIT_KILLABLE)?;
    RawFd::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))
}

/// Installs a filter that hands nothing to a listener. Runs in the child.
pub(crate) fn install_alone(program: &Program) -> io::Result<()> {
    set_filter(program, 0).map(|_| ())
}

fn set_filter(program: &Program, flags: u64) -> io::Result<i64> {
    const SET_MODE_FILTER: u32 = 1;
    let length = u16::try_from(program.code.len())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let prog = libc::sock_fprog { len: length, filter: program.code.as_ptr().cast_mut() };
    // SAFETY: `prog` points to `length` instructions that live as long as `program`; the kernel
    // copies and never writes them.
    check(unsafe {
        libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, flags, std::ptr::from_ref(&prog))
    })
}

/// Tells whether a filter with a listener can be installed here, by installing one in a child.
///
/// The kernel takes one listener in a stack of filters: below somebody else's it is `EBUSY`.
///
/// # Errors
///
/// `EBUSY`, and whatever a filter that is there already answers.
pub fn try_listener() -> io::Result<()> {
    use crate::process::{Namespaces, Parent, Side, clone3, told_by, wait};
    let program = Program::assemble(&[crate::bpf::Item::Return(ALLOW)])
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: the child makes two system calls and ends.
    match unsafe { clone3(Namespaces::NONE, Parent::Caller) }? {
        Side::Child => {
            let renounced = rustix::thread::set_no_new_privs(true).map_err(io::Error::from);
            let installed = renounced.and_then(|()| install(&program));
            let errno =
                installed.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
            // SAFETY: `_exit` runs no handlers and does not return.
            unsafe { libc::_exit(errno) }
        }
        Side::Parent(pid) => wait(pid).and_then(|(ending, _)| told_by(ending)),
    }
}

/// Tells whether the kernel offers filters with a listener and `WAIT_KILLABLE_RECV`.
///
/// Asks without installing anything: a null program is `EFAULT` when the flags are known and
/// `EINVAL` when they are not.
#[must_use]
pub fn has_listener() -> bool {
    // SAFETY: a null program is refused by the kernel with EFAULT.
    let result = check(unsafe {
        libc::syscall(libc::SYS_seccomp, 1u32, (1u64 << 3) | (1u64 << 5), std::ptr::null::<u8>())
    });
    result.is_err_and(|error| error.raw_os_error() == Some(libc::EFAULT))
}

#[cfg(test)]
mod tests {
    use super::is_at_least;

    #[test]
    fn releases_are_compared_by_number() {
        for release in ["6.11.0", "6.18.44-custom", "7.0", "10.1-rc1", "6.11"] {
            assert!(is_at_least(release.as_bytes(), (6, 11)), "{release}");
        }
        for release in ["6.10.9", "6.2.0-generic", "5.15.11", "4.4.0", "6", "", "next"] {
            assert!(!is_at_least(release.as_bytes(), (6, 11)), "{release}");
        }
    }
}
