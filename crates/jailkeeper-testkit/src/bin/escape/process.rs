//! Running programs, and reaching for other processes.

use crate::call::{Words, address, call, raw};
use std::ffi::CString;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    Some(match name {
        // execve PATH
        "execve" => execute(
            |path, lists| raw(libc::SYS_execve, &mut [path.into(), lists.into(), 0.into()]),
            &words.path(),
        ),
        // execveat KEPT PATH
        "execveat" => {
            let directory = words.directory();
            execute(
                |path, lists| {
                    let arguments =
                        &mut [directory.into(), path.into(), lists.into(), 0.into(), 0.into()];
                    raw(libc::SYS_execveat, arguments)
                },
                &words.path(),
            )
        }
        // memory-program PATH: a copy of a program without a name
        "memory-program" => memory_program(words),
        // background NAME ARG...: in a process that nobody waits for
        "background" => background(words),
        // thread NAME ARG...: in another thread of this process
        "thread" => std::thread::scope(|scope| {
            let rest = words.rest();
            let thread = scope.spawn(|| {
                let (name, rest) = rest.split_first()?;
                crate::run(name, &Words::new(rest))
            });
            thread.join().ok().flatten().unwrap_or(-1)
        }),
        // last-thread NAME ARG...: in another thread, once the first one of this process has ended
        "last-thread" => last_thread(words),
        // limit-descriptors NUMBER
        "limit-descriptors" => {
            let limit = [words.number().to_ne_bytes(); 2].concat();
            call!(SYS_prlimit64, 0, libc::RLIMIT_NOFILE, &limit[..], 0)
        }
        // setpriority WHICH WHO NICE
        "setpriority" => {
            call!(SYS_setpriority, words.number(), words.number(), words.number())
        }
        // idle PID: lets it have the processor when nobody else wants it
        "idle" => {
            let priority = 0_i32.to_ne_bytes();
            call!(SYS_sched_setscheduler, words.number(), libc::SCHED_IDLE, &priority[..])
        }
        // prctl OPTION A B
        "prctl" => call!(SYS_prctl, words.number(), words.number(), words.number(), 0, 0),
        // kill PID SIGNAL
        "kill" => call!(SYS_kill, words.number(), words.number()),
        // getppid
        "getppid" => call!(SYS_getppid),
        "ptrace-attach" => other(|pid| call!(SYS_ptrace, libc::PTRACE_ATTACH, pid, 0, 0)),
        "pidfd-getfd" => other(|pid| {
            let pidfd = call!(SYS_pidfd_open, pid, 0);
            call!(SYS_pidfd_getfd, pidfd, 1, 0)
        }),
        "vm-read" => vm_read(),
        "core-dump" => {
            // SAFETY: aborts this process, which is what is asked for.
            unsafe { libc::abort() }
        }
        // sleep MILLISECONDS
        "sleep" => {
            std::thread::sleep(Duration::from_millis(words.number().unsigned_abs()));
            0
        }
        _ => return None,
    })
}

/// Makes the attempt of the words that are left when nothing but another thread is left to make it.
fn last_thread(words: &Words<'_>) -> i64 {
    let rest = words.rest().to_vec();
    std::thread::spawn(move || {
        let first_lives = || {
            let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
            !stat.contains(") Z ")
        };
        while first_lives() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let result =
            rest.split_first().and_then(|(name, rest)| crate::run(name, &Words::new(rest)));
        println!("\nSURVIVED last-thread {}", result.unwrap_or(-1));
        std::process::exit(0)
    });
    call!(SYS_exit, 0)
}

/// Executes a program whose only argument is its name.
fn execute(call: impl Fn(&CString, i64) -> i64, path: &CString) -> i64 {
    let arguments = [address(path.as_ptr()), 0];
    call(path, address(arguments.as_ptr()))
}

fn memory_program(words: &Words<'_>) -> i64 {
    let program = call!(SYS_memfd_create, c"program", 0);
    if program < 0 {
        return program;
    }
    let bytes = std::fs::read(words.word()).unwrap_or_default();
    let length = i64::try_from(bytes.len()).unwrap_or(0);
    let written = call!(SYS_write, program, &bytes[..], length);
    if written != length {
        return -1;
    }
    let rest = words.rest();
    let mut command = Command::new(format!("/proc/self/fd/{program}"));
    let error = command.args(rest).exec();
    -i64::from(error.raw_os_error().unwrap_or(0))
}

/// Makes the attempt of the words that are left in the child of a child, which is in a session of
/// its own and has no parent, and goes on.
fn background(words: &Words<'_>) -> i64 {
    let own = std::env::current_exe().unwrap_or_default();
    let mut command = Command::new(own);
    command.args(words.rest()).stdin(Stdio::null());
    // SAFETY: between fork and exec it makes system calls alone.
    unsafe { command.pre_exec(leave_parent) };
    command.spawn().map_or(-1, |mut child| {
        let _ = child.wait();
        std::thread::sleep(Duration::from_millis(200));
        0
    })
}

/// Goes on in a child of this process, in a session of its own.
fn leave_parent() -> std::io::Result<()> {
    call!(SYS_setsid);
    // SAFETY: a fork of a process with one thread.
    let child = unsafe { libc::fork() };
    if child > 0 {
        // SAFETY: ends the process without running anything of its parent's.
        unsafe { libc::_exit(0) }
    }
    Ok(())
}

/// Reaches for a process that is not this one's child: its parent.
fn other(reach: impl Fn(i64) -> i64) -> i64 {
    reach(call!(SYS_getppid))
}

fn vm_read() -> i64 {
    let mut bytes = [0_u8; 16];
    let base = address(bytes.as_ptr());
    let local = [bytes.as_mut_ptr().addr(), bytes.len()].map(usize::to_ne_bytes).concat();
    let remote = [usize::try_from(base).unwrap_or(0), 16].map(usize::to_ne_bytes).concat();
    other(|pid| call!(SYS_process_vm_readv, pid, &local[..], 1, &remote[..], 1, 0))
}
