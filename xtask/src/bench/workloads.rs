//! The workloads: what is run, where, how often, and what of it is measured.

use std::ffi::OsString;
use std::path::Path;

/// Where a workload stands in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Start,
    Warm,
    Calls,
    Programs,
    Death,
    Memory,
    Rules,
}

impl Group {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Warm => "warm",
            Self::Calls => "calls",
            Self::Programs => "programs",
            Self::Death => "death",
            Self::Memory => "memory",
            Self::Rules => "rules",
        }
    }
}

/// What is done, and what a sample is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Milliseconds from the start of the contestant to its end.
    Program(fn(&Path) -> Vec<String>),
    /// Nanoseconds for each of so many calls, which the workload prints.
    Printed(u32, fn(&Path, String) -> Vec<String>),
    /// Microseconds for each of so many starts of `/bin/true` by one process.
    Warm(u32),
    /// Milliseconds in which a gigabyte goes through the contestant's own streams.
    Piped,
    /// Milliseconds for each start of `/bin/true`.
    Start(Start),
    /// Milliseconds from the attempt to the last sign of life of a tree of ten processes.
    Death,
    /// Kilobytes of the supervising processes for each jail, shared pages counted by their part.
    Memory(u32),
}

/// How `/bin/true` is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// How often; fewer for contestants that take long.
    pub(super) count: u32,
    pub(super) at_once: u32,
    /// What the parent keeps in memory.
    pub(super) megabytes: u32,
    /// How many files the policy allows one by one.
    pub(super) rules: u32,
    /// The kernel's caches are emptied before.
    pub(super) cold: bool,
}

const ONE: Start = Start { count: 1, at_once: 1, megabytes: 0, rules: 0, cold: false };

impl Kind {
    /// The sign of what is measured.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Program(_) | Self::Piped | Self::Start(_) | Self::Death => "ms",
            Self::Printed(..) => "ns/call",
            Self::Warm(_) => "µs",
            Self::Memory(_) => "kB",
        }
    }
}

/// One workload.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) group: Group,
    pub(super) about: &'static str,
    pub(super) tree: &'static str,
    pub(super) kind: Kind,
    /// Rounds that count, at the most; then those of a quick run.
    pub(super) rounds: (usize, usize),
    /// For contestants of ours and the closest peers only.
    pub(super) core: bool,
}

const CALLS: u32 = 200_000;

/// All workloads, in the order of the tables.
pub(super) fn all() -> Vec<Workload> {
    let rest = |name, group, about, kind, rounds, core| Workload {
        name,
        group,
        about,
        tree: "plain",
        kind,
        rounds,
        core,
    };
    let mut all = starts();
    all.push(rest(
        "warm start",
        Group::Warm,
        "`/bin/true` by a program that uses the library, 200 times, the median",
        Kind::Warm(200),
        (9, 2),
        false,
    ));
    all.extend(programs());
    all.extend(calls());
    all.push(Workload {
        tree: "death",
        ..rest(
            "death",
            Group::Death,
            "from a jailbreak to the last sign of life, ten processes",
            Kind::Death,
            (60, 10),
            false,
        )
    });
    for (name, about, count, core) in [
        ("memory, 1", "supervising processes of one jail", 1, false),
        ("memory, 100", "the same for each of 100", 100, false),
        ("memory, 1,000", "the same for each of 1,000", 1000, true),
    ] {
        all.push(rest(name, Group::Memory, about, Kind::Memory(count), (1, 1), core));
    }
    for (name, rules) in
        [("10 rules", 10), ("100 rules", 100), ("1,000 rules", 1000), ("10,000 rules", 10_000)]
    {
        let kind = Kind::Start(Start { rules, ..ONE });
        let about = "`/bin/true` with so many files allowed one by one";
        all.push(Workload { tree: "rules", ..rest(name, Group::Rules, about, kind, (7, 2), true) });
    }
    all
}

fn starts() -> Vec<Workload> {
    let start = |name, about, start: Start, rounds, core| Workload {
        name,
        group: Group::Start,
        about,
        tree: "plain",
        kind: Kind::Start(start),
        rounds,
        core,
    };
    vec![
        start("start", "`/bin/true`", ONE, (60, 15), false),
        start(
            "start, cold",
            "the same with the kernel's caches emptied before",
            Start { cold: true, ..ONE },
            (5, 2),
            true,
        ),
        start(
            "start, 1,000 in a row",
            "1,000 times one after the other, for each",
            Start { count: 1000, ..ONE },
            (3, 1),
            false,
        ),
        start(
            "start, 16 at once",
            "320 times, 16 at once, for each",
            Start { count: 320, at_once: 16, ..ONE },
            (5, 1),
            false,
        ),
        start(
            "start, big parent",
            "from a parent with 1 GB in memory, 50 times, for each",
            Start { count: 50, megabytes: 1024, ..ONE },
            (5, 1),
            true,
        ),
    ]
}

fn calls() -> Vec<Workload> {
    let storm = |name, about, count, command| Workload {
        name,
        group: Group::Calls,
        about,
        tree: "storm",
        kind: Kind::Printed(count, command),
        rounds: (15, 3),
        core: false,
    };
    vec![
        storm("stat, relative", "200,000 times `stat(\"file\")`", CALLS, |_, count| {
            words(&["./storm", "stat", &count, "file"])
        }),
        storm(
            "stat, absolute",
            "the same with its absolute path, seven components",
            CALLS,
            |tree, count| words(&["./storm", "stat", &count, &absolute(tree)]),
        ),
        storm("open, relative", "200,000 times open and close of `file`", CALLS, |_, count| {
            words(&["./storm", "open", &count, "file"])
        }),
        storm("open, absolute", "the same with its absolute path", CALLS, |tree, count| {
            words(&["./storm", "open", &count, &absolute(tree)])
        }),
        storm(
            "open, 4 threads",
            "the same, relative, 50,000 times from each of four threads",
            CALLS / 4,
            |_, count| words(&["./storm", "open-4", &count, "file"]),
        ),
        storm("pread", "1,000,000 times 4 kB", 1_000_000, |_, count| {
            words(&["./storm", "pread", &count, "block"])
        }),
        storm("create", "50,000 times create, write, close and unlink", 50_000, |_, count| {
            words(&["./storm", "create", &count, "new"])
        }),
    ]
}

fn absolute(tree: &Path) -> String {
    tree.join("file").display().to_string()
}

fn programs() -> Vec<Workload> {
    let program = |name, about, tree, rounds, command| Workload {
        name,
        group: Group::Programs,
        about,
        tree,
        kind: Kind::Program(command),
        rounds,
        core: false,
    };
    vec![
        program("pdflatex", "a paper of ten pages", "paper", (11, 3), |_| {
            words(&["pdflatex", "-interaction=batchmode", "paper.tex"])
        }),
        program("latexmk", "a thesis with contents and bibliography", "thesis", (5, 1), |_| {
            // Without its settings: to look for those in `/etc` is an attempt where outside names
            // are not hidden, as at strength `flat`.
            let script = "latexmk -norc -C -silent && latexmk -norc -pdf -silent thesis.tex";
            words(&["/bin/sh", "-c", script])
        }),
        program("git status", "a repository of 20,000 files", "repository", (15, 3), |_| {
            words(&["git", "status", "--porcelain"])
        }),
        program("make -j2", "gcc, 30 files", "build", (7, 2), |_| {
            words(&["make", "--always-make", "--silent", "-j2"])
        }),
        program("npm install", "20 packages from local archives", "npm", (5, 1), |_| {
            let script = "rm -rf node_modules package-lock.json && npm install --offline \
                          --no-audit --no-fund --loglevel=error";
            words(&["/bin/sh", "-c", script])
        }),
        program("python", "imports 40 modules", "plain", (15, 3), |_| {
            words(&["/usr/bin/python3", "-I", "-c", &format!("import {}", MODULES.join(", "))])
        }),
        program("find", "50,000 files by name and size", "forest", (9, 2), |_| {
            words(&["find", ".", "-name", "*7*", "-size", "+1"])
        }),
        program("grep -r", "the same files for a word", "forest", (9, 2), |_| {
            words(&["/bin/sh", "-c", "grep -r unlikely . || true"])
        }),
        program("fork", "`sh` runs `/bin/true` 500 times", "plain", (9, 2), |_| {
            let script = "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done";
            words(&["/bin/sh", "-c", script])
        }),
        Workload {
            name: "pipe",
            group: Group::Programs,
            about: "1 GB through `cat`, from outside and back",
            tree: "plain",
            kind: Kind::Piped,
            rounds: (7, 2),
            core: false,
        },
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

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
