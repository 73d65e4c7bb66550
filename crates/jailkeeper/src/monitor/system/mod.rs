//! What a system tells of its processes, besides what the tracer tells.
//!
//! The only place at this strength that knows how systems differ in that: one file for each kind,
//! with the same functions. What a system does not tell is `None`, and the rest does without.
//!
//! | | Linux | illumos, Solaris | FreeBSD, macOS |
//! |---|---|---|---|
//! | working directory | `/proc` | `/proc` | `lsof` |
//! | open descriptors | `/proc` | `/proc` | `lsof` |
//! | program and arguments | `/proc` | as the tracer told | as the tracer told |
//! | merely waiting to be waited for | `/proc` | taken for alive | taken for alive |
//! | who traces it | `/proc` | not told | not told |
//! | time used | `/proc` | not told | not told |
//!
//! Who made whom is asked of `ps`, which is the same everywhere.

#[cfg(not(any(target_os = "linux", target_os = "illumos", target_os = "solaris")))]
#[path = "bsd.rs"]
mod here;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod here;
#[cfg(any(target_os = "illumos", target_os = "solaris"))]
#[path = "sysv.rs"]
mod here;
#[cfg(any(test, not(any(target_os = "linux", target_os = "illumos", target_os = "solaris"))))]
mod lsof;
#[cfg(any(test, target_os = "macos"))]
pub(super) mod protection;

pub(super) use here::{descriptors, has_ended, program, tracer_of, usage, working_directory};

use std::collections::BTreeMap;
use std::process::Command;

/// Where the programs lie that are asked.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/sbin";

/// What a process has used, in seconds of processor time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    pub(super) user: f64,
    pub(super) system: f64,
}

/// The parent of every process.
pub(super) fn parents() -> BTreeMap<u32, u32> {
    let text = said("ps", &["-A", "-o", "pid=", "-o", "ppid="]);
    let numbers = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().map(str::parse);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    });
    numbers.collect()
}

/// The command line of a process, cut at blanks: `ps` does not tell arguments apart.
pub(super) fn command_line(pid: u32) -> Vec<Vec<u8>> {
    let text = said("ps", &["-o", "args=", "-p", &pid.to_string()]);
    text.trim_ascii().split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// What a program of the system says; nothing if it cannot be had.
fn said(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C");
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).into_owned()
}
