//! FreeBSD and macOS: what no call of the standard library tells is asked of `lsof`.
//!
//! macOS has it, FreeBSD has it as a package. Without it a process that is attached to has no known
//! working directory, and its relative paths are jailbreaks.

use super::{Times, lsof, said};
use jailkeeper_model::JailPath;
use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the working directory of a process.
pub(in super::super) fn working_directory(pid: u32) -> Option<JailPath> {
    lsof::working_directory(&said("lsof", &["-a", "-p", &pid.to_string(), "-d", "cwd", "-Fn"]))
}

/// Returns the open descriptors of a process, each with its file if that has a name.
pub(in super::super) fn descriptors(pid: u32) -> Vec<(i32, Option<JailPath>)> {
    lsof::descriptors(&said("lsof", &["-a", "-p", &pid.to_string(), "-d", "0-65535", "-Ffn"]))
}

/// Not told by anything that needs no privilege and no unsafe code.
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

/// Not told by anything that needs no unsafe code.
pub(in super::super) fn usage(_pid: u32) -> Option<Times> {
    None
}
