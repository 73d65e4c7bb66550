//! Linux: everything stands in `/proc`.

use super::Times;
use jailkeeper_model::JailPath;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How many arguments of a program are returned.
const ARGUMENTS_AT_MOST: usize = 64;
/// How many bytes of a command line are read.
const COMMAND_LINE_AT_MOST: u64 = 16 * 1024;
/// A tick, the kernel's unit of processor time for `/proc`, is this many seconds on every
/// architecture.
const TICK: f64 = 0.01;

/// Returns the working directory of a process.
pub(in super::super) fn working_directory(pid: u32) -> Option<JailPath> {
    JailPath::new(std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?).ok()
}

/// Returns the open descriptors of a process, each with its file if that has a name.
pub(in super::super) fn descriptors(pid: u32) -> Vec<(i32, Option<JailPath>)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let found = entries.flatten().filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        let target = std::fs::read_link(entry.path()).ok()?;
        Some((number, JailPath::new(target).ok()))
    });
    found.collect()
}

/// Returns the program that a process runs, and its arguments.
pub(in super::super) fn program(pid: u32) -> Option<(PathBuf, Vec<OsString>)> {
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

/// Tells whether a process that still has its pid is merely waiting to be waited for.
pub(in super::super) fn has_ended(pid: u32) -> bool {
    match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(text) => {
            // The state stands behind the name, which is in parentheses and can have any character.
            let end = text.iter().rposition(|byte| *byte == b')').unwrap_or(0);
            matches!(text.get(end + 2), None | Some(b'Z' | b'X'))
        }
        Err(_) => false,
    }
}

/// Returns the process that traces another one. 0 is nobody; `None` if it is not told.
pub(in super::super) fn tracer_of(pid: u32) -> Option<u32> {
    let text = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
    line.trim().parse().ok()
}

/// Returns what a process and its dead children have used.
pub(in super::super) fn usage(pid: u32) -> Option<Times> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let text = String::from_utf8_lossy(text.get(end + 1..)?).into_owned();
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok().map(f64::from);
    // User, system, and the same of children.
    Some(Times { user: (ticks(11)? + ticks(13)?) * TICK, system: (ticks(12)? + ticks(14)?) * TICK })
}
