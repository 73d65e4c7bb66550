//! The workloads: what is run, where, how often, and what of it is measured.

use std::ffi::OsString;
use std::path::Path;

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Milliseconds from the start of the contestant to its end.
    Milliseconds,
    /// Nanoseconds for each call, which the workload prints.
    NanosecondsPerCall,
}

impl Unit {
    /// The unit's sign.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::NanosecondsPerCall => "ns/call",
        }
    }
}

/// One workload.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) tree: &'static str,
    pub(super) unit: Unit,
    /// Rounds that count; then rounds of a quick run.
    pub(super) rounds: (usize, usize),
    /// The command, for a work tree.
    pub(super) command: fn(&Path) -> Vec<String>,
}

const CALLS: &str = "200000";

/// All workloads, in the order of the tables.
pub(super) fn all() -> Vec<Workload> {
    vec![
        program("start", "`/bin/true`", "plain", (80, 15), |_| words(&["/bin/true"])),
        storm("stat, relative", "200,000 times `stat(\"file\")`", |_| {
            words(&["./storm", "stat", CALLS, "file"])
        }),
        storm("stat, absolute", "the same with its absolute path, six components", |tree| {
            let file = tree.join("file").display().to_string();
            words(&["./storm", "stat", CALLS, &file])
        }),
        storm("open, relative", "200,000 times open and close of `file`", |_| {
            words(&["./storm", "open", CALLS, "file"])
        }),
        storm("open, absolute", "the same with its absolute path", |tree| {
            let file = tree.join("file").display().to_string();
            words(&["./storm", "open", CALLS, &file])
        }),
        program("pdflatex", "a paper of ten pages", "paper", (11, 3), |_| {
            words(&["pdflatex", "-interaction=batchmode", "paper.tex"])
        }),
        program("git status", "a repository of 20,000 files", "repository", (15, 3), |_| {
            words(&["git", "status", "--porcelain"])
        }),
        program("make -j2", "gcc, 30 files", "build", (7, 2), |_| {
            words(&["make", "--always-make", "--silent", "-j2"])
        }),
        program("python", "imports 40 modules", "plain", (15, 3), |_| {
            words(&["/usr/bin/python3", "-I", "-c", &format!("import {}", MODULES.join(", "))])
        }),
        program("fork", "`sh` runs `/bin/true` 500 times", "plain", (9, 2), |_| {
            let script = "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done";
            words(&["/bin/sh", "-c", script])
        }),
    ]
}

const MODULES: [&str; 40] = [
    "argparse",
    "array",
    "ast",
    "asyncio",
    "base64",
    "bisect",
    "calendar",
    "collections",
    "configparser",
    "contextlib",
    "copy",
    "csv",
    "ctypes",
    "datetime",
    "decimal",
    "difflib",
    "email",
    "enum",
    "fractions",
    "functools",
    "glob",
    "gzip",
    "hashlib",
    "heapq",
    "html",
    "http",
    "inspect",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "pathlib",
    "pickle",
    "random",
    "re",
    "shutil",
    "sqlite3",
    "statistics",
    "unittest",
];

/// The whole environment of every command.
pub(super) fn environment(tree: &Path) -> Vec<(&'static str, OsString)> {
    vec![
        ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
        ("HOME", tree.into()),
        ("LANG", "C.UTF-8".into()),
        ("SHELL", "/bin/sh".into()),
    ]
}

fn program(
    name: &'static str,
    about: &'static str,
    tree: &'static str,
    rounds: (usize, usize),
    command: fn(&Path) -> Vec<String>,
) -> Workload {
    Workload { name, about, tree, unit: Unit::Milliseconds, rounds, command }
}

fn storm(name: &'static str, about: &'static str, command: fn(&Path) -> Vec<String>) -> Workload {
    let unit = Unit::NanosecondsPerCall;
    Workload { name, about, tree: "storm", unit, rounds: (15, 3), command }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
