//! Who it was: a process in words.
//!
//! What the tracer told is known on every system, and after the process has ended too. On Linux the
//! kernel is asked first, as long as the process is there: of a script it names the interpreter.

use jailkeeper_model::Ancestor;
use jailkeeper_trace::Processes;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How many ancestors go into an event.
const ANCESTORS_AT_MOST: usize = 32;
/// How many arguments of a program go into an event.
const ARGUMENTS_AT_MOST: usize = 64;
/// How many bytes of a command line are read.
const COMMAND_LINE_AT_MOST: u64 = 16 * 1024;

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
    kernels(pid).or(told).unwrap_or_default()
}

/// What the kernel says of a process, on Linux.
fn kernels(pid: u32) -> Option<(PathBuf, Vec<OsString>)> {
    use std::io::Read;
    if !cfg!(target_os = "linux") {
        return None;
    }
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let mut line = Vec::new();
    let file = std::fs::File::open(format!("/proc/{pid}/cmdline")).ok()?;
    file.take(COMMAND_LINE_AT_MOST).read_to_end(&mut line).ok()?;
    if line.last() == Some(&0) {
        line.pop();
    }
    // A process that is going away has no command line any more.
    if line.is_empty() {
        return None;
    }
    let words = line.split(|byte| *byte == 0).take(ARGUMENTS_AT_MOST);
    Some((program, words.map(|word| OsString::from_vec(word.to_vec())).collect()))
}
