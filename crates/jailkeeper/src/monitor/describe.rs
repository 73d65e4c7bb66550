//! Who it was: a process in words.
//!
//! What the tracer told is known on every system, and after the process has ended too. On Linux the
//! kernel is asked first, as long as the process is there: of a script it names the interpreter.

use super::system;
use jailkeeper_model::Ancestor;
use jailkeeper_trace::Processes;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How many ancestors go into an event.
const ANCESTORS_AT_MOST: usize = 32;

/// A process in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) pid: u32,
    pub(super) program: PathBuf,
    pub(super) argv: Vec<OsString>,
    pub(super) ancestors: Vec<Ancestor>,
}

/// Describes a process and its ancestors.
pub(super) fn describe(processes: &Processes, pid: u32) -> Description {
    let known = processes.get(pid);
    let pid = known.map_or(pid, |process| process.group);
    let (program, argv) = program(processes, pid);
    let mut ancestors = Vec::new();
    let mut at = known.and_then(|process| process.parent);
    while let Some(above) = at.filter(|_| ancestors.len() < ANCESTORS_AT_MOST) {
        let (program, argv) = self::program(processes, above);
        if !argv.is_empty() || !program.as_os_str().is_empty() {
            ancestors.push(Ancestor::new(above, program, argv));
        }
        at = processes.get(above).and_then(|process| process.parent).filter(|next| *next != above);
    }
    Description { pid, program, argv, ancestors }
}

/// Returns the program that a process runs, and its arguments.
pub(super) fn program(processes: &Processes, pid: u32) -> (PathBuf, Vec<OsString>) {
    let told = processes.get(pid).map(|process| {
        let program = process.program.clone().unwrap_or_default();
        let argv = process.argv.iter().cloned().map(OsString::from_vec).collect();
        (PathBuf::from(OsString::from_vec(program)), argv)
    });
    system::program(pid).or(told).unwrap_or_default()
}
