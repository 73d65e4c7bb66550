//! Runs a command behind a jail's filter, and nods at each call that is handed over.
//!
//! `nod PROGRAM [ARG]...`. Nothing is read, judged or written down: what is left is what the kernel
//! takes for handing a call over and back. It is the benchmark's measure of that.

#![forbid(unsafe_code)]

use jailkeeper_sys::child::{Arguments, Launch, Notice, Program, Slots, Step, control_pair};
use jailkeeper_sys::process::{Ending, Namespaces, wait};
use jailkeeper_sys::seccomp;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::ExitCode;

/// Above the standard streams.
const FLOOR: i32 = 3;

fn main() -> io::Result<ExitCode> {
    let words = std::env::args_os().skip(1);
    let command: Vec<CString> =
        words.map(|word| CString::new(word.into_vec())).collect::<Result<_, _>>()?;
    let program =
        command.first().cloned().ok_or_else(|| io::Error::other("there is no command"))?;
    let environment: Vec<CString> = std::env::vars_os()
        .map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()))
        .collect::<Result<_, _>>()?;
    let steps = vec![
        Step::DieWithParent,
        Step::NoNewPrivileges,
        Step::Filter(jailkeeper::counted::program()),
        Step::AwaitGo,
        Step::DefaultSignals,
        Step::UnblockSignals,
        Step::Execute {
            candidates: vec![program],
            arguments: Arguments::new(command),
            environment: Arguments::new(environment),
        },
    ];
    let control = control_pair(FLOOR)?;
    let launch = Launch {
        program: Program { name: "command", steps },
        slots: Slots::default(),
        namespaces: Namespaces::NONE,
    };
    let child = launch.start(&control)?;
    control.close_child_end();
    let listener = match control.receive()?.map(|message| message.notice) {
        Some(Notice::Listener(number)) => {
            let process = pidfd_open(child, PidfdFlags::empty())?;
            pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?
        }
        other => return Err(io::Error::other(format!("instead of a listener came {other:?}"))),
    };
    control.go()?;
    nod(&listener)?;
    Ok(match wait(child)?.0 {
        Ending::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Ending::Signal(_) => ExitCode::FAILURE,
    })
}

/// Lets every call go until nobody is left who could make one.
fn nod(listener: &OwnedFd) -> io::Result<()> {
    // Without it a call takes longer; a kernel that lacks it is measured as it is.
    let _ = seccomp::wake_synchronously(listener);
    if !seccomp::receiving_ends() {
        return Err(io::Error::other("Linux 6.11 or later is needed"));
    }
    loop {
        let call = match seccomp::receive(listener) {
            Ok(call) => call,
            Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::INTR) => continue,
                // Nobody is left, or one was killed meanwhile, which ends the measurement as well.
                Some(Errno::NOENT) => return Ok(()),
                _ => return Err(error),
            },
        };
        // Whoever was killed meanwhile needs no answer.
        let _ = seccomp::resume(listener, call.id);
    }
}
