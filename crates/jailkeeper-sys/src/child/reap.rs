//! The reaper: the last process of a jail that has no pid namespace.
//!
//! Every descendant of a subreaper whose parent dies becomes its child. So a process of the jail
//! always has a chain of living parents up to the reaper, whatever it forks, detaches or
//! daemonises; and when the kernel says that the reaper has no child, nothing of the jail is
//! alive. Killing the children makes their children its own, and so on, until that is said.
//!
//! The race: a tree that forks faster than it is killed. There are three ways to win it, and the
//! reaper takes all that it has:
//!
//! * it is in a Landlock domain around the jail's, which signals do not leave, and `kill(-1)` is
//!   one step: the kernel goes through all processes under the lock that a new one is added under,
//!   and a process with SIGKILL pending adds none;
//! * `cgroup.kill`, which is one step as well;
//! * killing its children again and again. That ends because nothing is born meanwhile: the
//!   supervisor holds every `fork` of the jail, or, if it is gone, the kernel answers each with
//!   `ENOSYS`, because the filter's listener is closed.
//!
//! Everything in this file runs in the child before exec: no heap, no locks, no formatting, no
//! panics.

use super::control::child as say;
use super::run::{borrow, close_others, exit, prctl};
use super::step::Arguments;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// How long the reaper sleeps when nothing tells it to look.
const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// The same while it kills.
const HURRY: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// What the reaper has to kill with besides.
pub(super) struct Means<'a> {
    /// `cgroup.kill`.
    pub(super) group: Option<RawFd>,
    /// Its signals reach the jail alone.
    pub(super) alone: bool,
    /// What is executed at the end if the parent is gone.
    pub(super) heir: Option<&'a (CString, Arguments)>,
}

/// Reaps and, when it is time, kills. Returns only on a failure.
pub(super) fn reap(command: i32, control: RawFd, life: RawFd, means: Means) -> io::Result<()> {
    let mut keep = [control, life, means.group.unwrap_or(control)];
    keep.sort_unstable();
    close_others(&keep)?;
    // From here on the end of the supervisor is seen on the pipe instead.
    prctl(libc::PR_SET_PDEATHSIG, 0)?;
    let control = borrow(control);
    let deaths = deaths()?;
    // Without CONFIG_PROC_CHILDREN the group and the supervisor do all the killing.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let children = rustix::fs::open(c"/proc/thread-self/children", flags, Mode::empty()).ok();
    let mut killing = false;
    loop {
        if reap_the_dead(command, control) {
            inherit(borrow(life), means.heir);
            exit(0);
        }
        if killing {
            if means.alone {
                // SAFETY: takes two numbers. Everybody whom the kernel lets this process signal is
                // in its Landlock domain, which was proven, and that is the jail.
                unsafe { libc::kill(-1, libc::SIGKILL) };
            }
            if let Some(group) = means.group {
                let _ = rustix::io::write(borrow(group), b"1");
            }
            if let Some(children) = &children {
                kill_children(children)?;
            }
        }
        // Who kills has nothing more to hear.
        let heard = if killing { deaths.as_fd() } else { borrow(life) };
        let mut fds =
            [PollFd::new(&deaths, PollFlags::IN), PollFd::from_borrowed_fd(heard, PollFlags::IN)];
        let wait = if killing { HURRY } else { PATIENCE };
        match poll(&mut fds, Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [told, parent] = &fds;
        if told.revents().contains(PollFlags::IN) {
            let mut note = [0; 128];
            let _ = rustix::io::read(&deaths, &mut note);
        }
        // A word of the supervisor, or its end.
        killing |= !parent.revents().is_empty();
    }
}

/// Executes what is left to do for a parent that is gone. Returns if there is none, or if it is
/// there and does it by itself.
fn inherit(life: BorrowedFd<'_>, heir: Option<&(CString, Arguments)>) {
    let mut fds = [PollFd::new(&life, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let _ = poll(&mut fds, Some(&now));
    let [parent] = &fds;
    if let (Some((program, arguments)), true) = (heir, parent.revents().contains(PollFlags::HUP)) {
        let nothing = [std::ptr::null()];
        // SAFETY: the pointers are those of prepared, zero-terminated vectors of C strings that
        // live until the process's memory is replaced; the environment is an empty vector.
        unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), nothing.as_ptr()) };
    }
}

/// Makes a descriptor that is readable when a child has ended. All signals are blocked here.
fn deaths() -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: SIG_DFL with no flags is a valid action; were the signal ignored, the kernel would
    // reap by itself and tell nothing.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    // SAFETY: an all-zero `sigset_t` is the empty set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is valid.
    unsafe { libc::sigaddset(&mut set, libc::SIGCHLD) };
    // SAFETY: the set is valid for the call.
    let fd = unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just returned this descriptor as new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Reaps every child that has ended, and tells whether none is left.
fn reap_the_dead(command: i32, control: BorrowedFd<'_>) -> bool {
    loop {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        let pid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::WNOHANG) };
        if pid == command && pid > 0 {
            say::ended(control, status);
        } else if pid == 0 {
            return false;
        } else if pid < 0 {
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                error => return error == Some(libc::ECHILD),
            }
        }
    }
}

/// Kills every child. They are not reaped meanwhile, so each number is still the child's own.
fn kill_children(list: &OwnedFd) -> io::Result<()> {
    rustix::fs::seek(list, SeekFrom::Start(0))?;
    let mut number = 0i32;
    let mut bytes = [0u8; 4096];
    loop {
        // SAFETY: `bytes` is writable for its length.
        let count =
            unsafe { libc::read(list.as_fd().as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
        let Ok(count) = usize::try_from(count) else { return Ok(()) };
        for byte in bytes.get(..count).unwrap_or_default() {
            if byte.is_ascii_digit() {
                number = number.wrapping_mul(10).wrapping_add(i32::from(byte - b'0'));
            } else {
                kill(std::mem::take(&mut number));
            }
        }
        if count == 0 {
            kill(number);
            return Ok(());
        }
    }
}

fn kill(number: i32) {
    if number > 1
        && let Some(pid) = Pid::from_raw(number)
    {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}
