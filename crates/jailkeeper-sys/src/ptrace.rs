//! Tracing other processes: `ptrace(2)` with `PTRACE_SEIZE`.
//!
//! All calls for a tracee must come from the thread that seized it, and only that thread is told of
//! its stops: waiting here sees the children and tracees of the calling thread and of no other
//! (`__WNOTHREAD`), so the other children of a host program stay its own.
//!
//! # References
//!
//! * [ptrace(2)](https://man7.org/linux/man-pages/man2/ptrace.2.html)

use crate::check;
use crate::process::Usage;
use rustix::process::Pid;
use std::io;

/// `PTRACE_SEIZE`, which stops nothing and survives stops of job control.
const SEIZE: libc::c_uint = 0x4206;
/// `PTRACE_LISTEN`.
const LISTEN: libc::c_uint = 0x4208;
/// `PTRACE_INTERRUPT`.
const INTERRUPT: libc::c_uint = 0x4207;
/// `PTRACE_GET_SYSCALL_INFO`. Since Linux 5.3.
const SYSCALL_INFO: libc::c_uint = 0x420e;
/// `PTRACE_EVENT_STOP`.
const EVENT_STOP: i32 = 128;

/// Why a tracee has stopped, or that it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is about to make a call, or has made one.
    Syscall,
    /// It has made a process or thread with this pid.
    Born(Pid),
    /// It has executed a program; the thread that did so had this pid before.
    Executed(Pid),
    /// It is about to be given a signal.
    Signal(i32),
    /// It is stopped by job control, and to stay so.
    Group,
    /// It was stopped by ptrace itself: newly traced, or woken.
    Trap,
    /// It has ended, with this status as `wait(2)` gives it.
    Ended(i32),
}

/// The call that a tracee is about to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// `AUDIT_ARCH_*` of the call.
    pub architecture: u32,
    /// Its number.
    pub number: u64,
    /// Its arguments, as they stand in registers.
    pub arguments: [u64; 6],
}

/// `struct ptrace_syscall_info` as far as it is of use.
#[repr(C)]
#[derive(Default)]
struct SyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    number: u64,
    arguments: [u64; 6],
    more: u64,
}

/// Begins to trace a thread, which goes on running. It dies when the calling thread's process does.
///
/// # Errors
///
/// `EPERM` when it may not be traced or somebody traces it already, `ESRCH` when it is gone.
pub fn seize(thread: Pid) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    request(SEIZE, thread, 0, i64::from(options))
}

/// Stops a seized thread soon.
///
/// # Errors
///
/// `ESRCH` when it is gone.
pub fn interrupt(thread: Pid) -> io::Result<()> {
    request(INTERRUPT, thread, 0, 0)
}

/// Lets a stopped tracee go on to its next call, with a signal if it is to be given one.
///
/// # Errors
///
/// `ESRCH` when it is gone, as after a kill.
pub fn resume(thread: Pid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, thread, 0, i64::from(signal))
}

/// Leaves a tracee in its stop of job control, and hears when it is woken.
///
/// # Errors
///
/// `ESRCH` when it is gone.
pub fn listen(thread: Pid) -> io::Result<()> {
    request(LISTEN, thread, 0, 0)
}

/// Returns the call that a tracee is about to make; `None` if it has just made one.
///
/// # Errors
///
/// `ESRCH` when it is gone.
pub fn entry(thread: Pid) -> io::Result<Option<Entry>> {
    const ENTRY: u8 = 1;
    let mut info = SyscallInfo::default();
    let size = size_of::<SyscallInfo>();
    // SAFETY: the kernel writes at most `size` bytes to `info`, which is plain data of that size.
    let result = unsafe {
        libc::ptrace(SYSCALL_INFO, thread.as_raw_pid(), size, std::ptr::from_mut(&mut info))
    };
    check(result)?;
    Ok((info.op == ENTRY).then_some(Entry {
        architecture: info.arch,
        number: info.number,
        arguments: info.arguments,
    }))
}

/// A stop or the end of a tracee or child, and what an ended one has used.
pub type Waited = (Pid, Stop, Usage);

/// Waits for the next stop or end of a tracee or child of this thread.
///
/// # Errors
///
/// `ECHILD` when this thread has neither.
pub fn wait() -> io::Result<Waited> {
    loop {
        if let Some(waited) = wait_with(0)? {
            return Ok(waited);
        }
    }
}

/// Returns a stop or end that is there already, or nothing.
///
/// The kernel looks through the tracees from the youngest to the eldest each time. Who lets one go on
/// before it has taken in all that have stopped may never hear of the eldest.
///
/// # Errors
///
/// `ECHILD` when this thread has neither tracee nor child.
pub fn wait_no_longer() -> io::Result<Option<Waited>> {
    wait_with(libc::WNOHANG)
}

/// Nothing also means that one was killed in the moment in which it was to be asked; its end comes
/// next.
fn wait_with(flag: libc::c_int) -> io::Result<Option<Waited>> {
    loop {
        let mut status = 0;
        // SAFETY: an all-zero `rusage` is valid.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        let flags = libc::__WALL | libc::__WNOTHREAD | flag;
        // SAFETY: both pointers are to locals that outlive the call.
        let waited = unsafe { libc::wait4(-1, &mut status, flags, &mut usage) };
        return match check(waited.into()) {
            Ok(_) => Ok(Pid::from_raw(waited).and_then(|pid| {
                let stop = stop(pid, status).ok()?;
                Some((pid, stop, crate::process::usage_of(&usage)))
            })),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}

pub(crate) fn stop(pid: Pid, status: i32) -> io::Result<Stop> {
    if !libc::WIFSTOPPED(status) {
        return Ok(Stop::Ended(status));
    }
    let signal = libc::WSTOPSIG(status);
    let event = status >> 16;
    Ok(match event {
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            Stop::Born(message(pid)?)
        }
        libc::PTRACE_EVENT_EXEC => Stop::Executed(message(pid)?),
        EVENT_STOP if signal == libc::SIGTRAP => Stop::Trap,
        EVENT_STOP => Stop::Group,
        _ if signal == libc::SIGTRAP | 0x80 => Stop::Syscall,
        _ => Stop::Signal(signal),
    })
}

/// The pid that an event is about.
fn message(thread: Pid) -> io::Result<Pid> {
    let mut value: libc::c_ulong = 0;
    // SAFETY: the kernel writes one `unsigned long` to `value`.
    let result = unsafe {
        libc::ptrace(
            libc::PTRACE_GETEVENTMSG,
            thread.as_raw_pid(),
            0,
            std::ptr::from_mut(&mut value),
        )
    };
    check(result)?;
    let pid = i32::try_from(value).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

/// A request whose arguments are numbers.
pub(crate) fn request(
    request: libc::c_uint,
    thread: Pid,
    address: usize,
    data: i64,
) -> io::Result<()> {
    // SAFETY: none of the requests that this module passes here reads or writes memory of this
    // process: `address` and `data` are numbers.
    let result = unsafe { libc::ptrace(request, thread.as_raw_pid(), address, data) };
    check(result).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// Runs on a thread of its own, because the stops of a tracee come to the thread that seized.
    #[test]
    fn every_call_of_a_child_is_seen_before_it_runs() {
        std::thread::spawn(|| {
            #[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
            let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            let pid = Pid::from_child(&child);
            seize(pid).unwrap();
            drop(child.stdin.take());
            let (mut entries, mut ended) = (0, false);
            interrupt(pid).unwrap();
            while !ended {
                let (who, stop, _) = wait().unwrap();
                assert_eq!(who, pid);
                match stop {
                    Stop::Syscall => {
                        entries += usize::from(entry(pid).unwrap().is_some());
                        resume(pid, 0).unwrap();
                    }
                    Stop::Signal(signal) => resume(pid, signal).unwrap(),
                    Stop::Ended(status) => {
                        assert_eq!(libc::WEXITSTATUS(status), 0);
                        ended = true;
                    }
                    _ => resume(pid, 0).unwrap(),
                }
            }
            assert!(entries > 0);
            assert!(wait().is_err());
        })
        .join()
        .unwrap();
    }
}
