//! Seizing threads, waiting for their stops, letting them go.

use crate::check;
use crate::ptrace::{self, Stop};
use rustix::process::Pid;
use std::io;

const SEIZE: libc::c_uint = 0x4206;

/// New threads and processes of a tracee are traced from their birth on; stops at calls can be told
/// from signals.
const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC;

/// Begins to trace a thread, which goes on running, and lives on if the tracer dies.
///
/// # Errors
///
/// `EPERM` when it may not be traced, somebody traces it already or it has ended; `ESRCH` when it
/// is gone.
pub fn seize(thread: Pid) -> io::Result<()> {
    ptrace::request(SEIZE, thread, 0, i64::from(OPTIONS))
}

/// Makes a stopped thread die when its tracer does: from then on it could not go on alone.
///
/// # Errors
///
/// `ESRCH` when it is gone.
pub fn bind_life(thread: Pid) -> io::Result<()> {
    let options = i64::from(OPTIONS | libc::PTRACE_O_EXITKILL);
    ptrace::request(libc::PTRACE_SETOPTIONS, thread, 0, options)
}

/// Lets a stopped thread run, with a signal if it is to be given one.
///
/// # Errors
///
/// `ESRCH` when it is gone.
pub fn go(thread: Pid, signal: i32) -> io::Result<()> {
    ptrace::request(libc::PTRACE_CONT, thread, 0, i64::from(signal))
}

/// Ends the tracing of a stopped thread, which goes on; if job control had stopped it, it stays so.
///
/// # Errors
///
/// `ESRCH` when it is gone.
pub fn detach(thread: Pid) -> io::Result<()> {
    ptrace::request(libc::PTRACE_DETACH, thread, 0, 0)
}

/// Returns the next stop or end of a tracee of this thread without waiting; `None` if there is none
/// now.
///
/// # Errors
///
/// `ECHILD` when this thread has no tracee.
pub fn next_stop() -> io::Result<Option<(Pid, Stop)>> {
    loop {
        match wait(-1, libc::WNOHANG)? {
            None => return Ok(None),
            Some((pid, status)) => {
                // A stop that cannot be asked about is one of a thread that was killed in it: its
                // end comes next.
                if let Ok(stop) = ptrace::stop(pid, status) {
                    return Ok(Some((pid, stop)));
                }
            }
        }
    }
}

/// Waits for the next stop or end of one tracee.
pub(super) fn stop_of(thread: Pid) -> io::Result<Stop> {
    loop {
        if let Some((pid, status)) = wait(thread.as_raw_pid(), 0)?
            && let Ok(stop) = ptrace::stop(pid, status)
        {
            return Ok(stop);
        }
    }
}

fn wait(pid: i32, flags: i32) -> io::Result<Option<(Pid, i32)>> {
    let mut status = 0;
    loop {
        let flags = libc::__WALL | libc::__WNOTHREAD | flags;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(pid, &mut status, flags) };
        match check(waited.into()) {
            Ok(_) => return Ok(Pid::from_raw(waited).map(|pid| (pid, status))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
