//! illumos and Solaris: `/proc/PID/path` has links to what a process has open; all else is binary.

use super::Times;
use jailkeeper_model::JailPath;
use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the working directory of a process.
pub(in super::super) fn working_directory(pid: u32) -> Option<JailPath> {
    JailPath::new(std::fs::read_link(format!("/proc/{pid}/path/cwd")).ok()?).ok()
}

/// Returns the open descriptors of a process, each with its file if that has a name.
pub(in super::super) fn descriptors(pid: u32) -> Vec<(i32, Option<JailPath>)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/path")).into_iter().flatten();
    let found = entries.flatten().filter_map(|entry| {
        // Beside numbers there are `a.out`, `cwd`, `root` and mapped files.
        let number = entry.file_name().to_str()?.parse().ok()?;
        let target = std::fs::read_link(entry.path()).ok();
        Some((number, target.and_then(|target| JailPath::new(target).ok())))
    });
    found.collect()
}

/// Not told in words.
pub(in super::super) fn program(_pid: u32) -> Option<(PathBuf, Vec<OsString>)> {
    None
}

/// Not asked: what nobody waits for any more, `init` does.
pub(in super::super) fn has_ended(_pid: u32) -> bool {
    false
}

/// Not told.
pub(in super::super) fn tracer_of(_pid: u32) -> Option<u32> {
    None
}

/// Not told in words.
pub(in super::super) fn usage(_pid: u32) -> Option<Times> {
    None
}
