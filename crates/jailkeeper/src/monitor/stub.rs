//! The command, stopped before its first instruction.
//!
//! Without unsafe code a process cannot be stopped between its birth and its program. So the command
//! is executed by a shell that stops itself first, and again each time that it is woken, until it
//! is told by a signal to go on. A tracer that is put on it in the meantime shows that it is at
//! work when it tells of these stops.

use super::policy::Ground;
use crate::error::{Error, ErrorKind, Result, Step};
use crate::stdio::Stdio;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// What the shell does. It takes nothing along that it was not given: neither its own variable nor
/// descriptors that were left open.
const SCRIPT: &str = "jailkeeper_go=; trap jailkeeper_go=1 USR1; \
     while [ -z \"$jailkeeper_go\" ]; do kill -STOP \"$$\"; done; \
     trap - USR1; unset jailkeeper_go; ";

/// The highest descriptor that every shell can name.
const HIGHEST: i32 = 9;

/// Starts the shell. It is stopped, or about to stop, when this returns.
pub(super) fn spawn(
    ground: &Ground,
    program: &OsStr,
    arguments: &[OsString],
    streams: [&mut Stdio; 3],
    passed: &[i32],
) -> Result<Child> {
    let mut script = SCRIPT.to_owned();
    for number in 3..=HIGHEST {
        if !passed.contains(&number) {
            script.push_str(&format!("exec {number}>&-; "));
        }
    }
    script.push_str("exec \"$@\"");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg("sh");
    // A name that begins with a dash would be an option of the shell's `exec`.
    match ground.candidates.iter().find(|path| ground.cwd.as_path().join(path).is_file()) {
        Some(path) if program.as_bytes().starts_with(b"-") => command.arg(path),
        _ => command.arg(program),
    };
    command.args(arguments.iter().skip(1));
    command.current_dir(ground.cwd.as_path()).env_clear().envs(&ground.environment);
    let terminal = streams.iter().any(|stream| matches!(stream, Stdio::Terminal));
    if !terminal {
        command.process_group(0);
    }
    let [stdin, stdout, stderr] = streams;
    command.stdin(stream(stdin)?).stdout(stream(stdout)?).stderr(stream(stderr)?);
    command.spawn().step("start a shell for the command")
}

/// A stream of the standard library's. There is no terminal of the jail's own at this strength: the
/// command gets that of the caller.
fn stream(stdio: &mut Stdio) -> Result<std::process::Stdio> {
    Ok(match std::mem::replace(stdio, Stdio::Null) {
        Stdio::Null => std::process::Stdio::null(),
        Stdio::Piped => {
            *stdio = Stdio::Piped;
            std::process::Stdio::piped()
        }
        Stdio::Inherit => {
            *stdio = Stdio::Inherit;
            std::process::Stdio::inherit()
        }
        Stdio::Terminal => {
            *stdio = Stdio::Terminal;
            std::process::Stdio::inherit()
        }
        Stdio::Descriptor(fd) => fd.into(),
    })
}

/// Waits until the shell has stopped itself.
pub(super) fn until_stopped(pid: Pid) -> Result<()> {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match rustix::process::waitid(WaitId::Pid(pid), options) {
            Ok(Some(status)) if status.stopped() => return Ok(()),
            Ok(Some(_)) => {
                return Err(Error::new(ErrorKind::Setup, "stop the command before it starts")
                    .because("the shell ended")
                    .with_hint("`/bin/sh` must be there, and able to stop itself"));
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).step("wait for the shell to stop"),
        }
    }
}

/// Wakes the shell, which stops itself again: a tracer that is at work tells of it.
pub(super) fn nudge(pid: Pid) {
    let _ = rustix::process::kill_process(pid, Signal::CONT);
}

/// Lets the shell execute the command.
pub(super) fn go(pid: Pid) {
    let _ = rustix::process::kill_process(pid, Signal::USR1);
    let _ = rustix::process::kill_process(pid, Signal::CONT);
}

/// Refuses descriptors that the shell cannot pass on under their numbers.
///
/// The command inherits what this process has open under the same number. Another one would have to
/// be made to come there between fork and exec.
pub(super) fn require_inherited(extra: &[(OwnedFd, i32)]) -> Result<Vec<i32>> {
    for (fd, number) in extra {
        let same =
            std::fs::metadata(format!("/dev/fd/{number}")).ok().zip(rustix::fs::fstat(fd).ok());
        let is_same = same.is_some_and(|(here, given)| {
            use std::os::unix::fs::MetadataExt;
            here.ino() == given.st_ino
        });
        if !(3..=HIGHEST).contains(number) || !is_same {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("give the command descriptor {number} at strength `monitor`"),
            )
            .with_hint(
                "only descriptors from 3 to 9 can be passed on, under the numbers they have",
            ));
        }
    }
    Ok(extra.iter().map(|(_, number)| *number).collect())
}
