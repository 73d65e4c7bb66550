//! From what a tracer tells to events.

use super::describe::{self, describe};
use super::resolve::{Resolved, resolve};
use super::tree::Tree;
use crate::recorder::{Look, Recorder};
use jailkeeper_model::{
    Access, Action, ActionTaken, Class, Event, JailPath, Jailbreak, Mode, Policy, Presence,
    Refusal, Target, Verdict, Warning, decide,
};
use jailkeeper_trace::{Attempt, Deed, Happening, Place, Processes};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Judges what a tracer tells of one run.
pub(super) struct Judge {
    pub(super) policy: Policy,
    pub(super) asking: BTreeSet<String>,
    pub(super) recorder: Recorder,
    pub(super) tree: Arc<Tree>,
    pub(super) report_probes: bool,
    /// The process that the run began with.
    pub(super) root: u32,
    /// The command runs: before, the shell that executes it does its own things.
    executed: AtomicBool,
    /// When the first attempt was that everything dies for, if the tracer tells the time.
    attempted: Mutex<Option<SystemTime>>,
    /// Warnings that were given already.
    warned: Mutex<BTreeSet<&'static str>>,
}

/// What follows for the process that the tracer told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It goes on.
    Go,
    /// Everything is being killed; it must not go on.
    Kill,
}

impl Judge {
    pub(super) fn new(
        policy: Policy,
        asking: BTreeSet<String>,
        recorder: Recorder,
        tree: Arc<Tree>,
        root: u32,
        report_probes: bool,
    ) -> Self {
        Self {
            policy,
            asking,
            recorder,
            tree,
            report_probes,
            root,
            executed: AtomicBool::new(false),
            attempted: Mutex::new(None),
            warned: Mutex::new(BTreeSet::new()),
        }
    }

    /// From here on everything counts.
    pub(super) fn begin(&self) {
        self.executed.store(true, Ordering::Release);
    }

    /// Tells whether the command runs.
    pub(super) fn has_begun(&self) -> bool {
        self.executed.load(Ordering::Acquire)
    }

    /// Returns when the first attempt was that everything dies for.
    pub(super) fn attempted(&self) -> Option<SystemTime> {
        *self.attempted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the tracer told.
    pub(super) fn take(&self, processes: &Processes, happening: &Happening) -> Decision {
        match happening {
            Happening::Born { pid, .. } => self.tree.born(*pid),
            Happening::Ended { pid, .. } => self.tree.ended(*pid),
            Happening::Executed { pid } if *pid == self.root => self.begin(),
            Happening::Attempt(attempt) => {
                // The command's own execution counts; what the shell does before does not.
                let own = attempt.deed == Deed::Execute && attempt.succeeded;
                if self.has_begun() || own {
                    return self.attempt(processes, attempt);
                }
            }
            Happening::Lost => self.warn(
                "lost",
                "the tracer could not keep up: some accesses are not known, and not reported",
            ),
            Happening::Garbled { pid, syscall } if self.has_begun() => {
                let because = "the tracer's line about it cannot be understood";
                return self.unknown(processes, *pid, syscall, None, because);
            }
            Happening::Unseen { syscall, .. } => {
                let _ = syscall;
                self.warn(
                    "unseen",
                    "the program uses io_uring: what it opens that way is not seen by the tracer",
                );
            }
            _ => {}
        }
        Decision::Go
    }

    /// Gives a warning, once.
    pub(super) fn warn(&self, kind: &'static str, message: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(kind) {
            drop(warned);
            self.recorder.record(|header| Event::Warning(Warning::new(header, kind, message)));
        }
    }

    fn attempt(&self, processes: &Processes, attempt: &Attempt) -> Decision {
        let Place::Path { start, text, follow, .. } = &attempt.place else {
            let Some(access) = attempt.access() else { return Decision::Go };
            return self.decide(processes, attempt, &access, None);
        };
        if !attempt.is_complete() {
            if attempt.deed == Deed::Probe && !self.policy.strict() {
                return Decision::Go;
            }
            let because = "the tracer did not tell all of the path: nobody knows where it leads";
            return self.unknown(processes, attempt.pid, attempt.syscall, Some(attempt), because);
        }
        let Some(start) = start else { return Decision::Go };
        let group = processes.get(attempt.pid).map_or(attempt.pid, |process| process.group);
        let found = self.found(processes, attempt, &resolve(start, text, *follow, Some(group)));
        if found.is_descriptor {
            return Decision::Go;
        }
        let access = self.access(processes, attempt, &found);
        // Making what is there already fails and changes nothing: `mkdir -p` does it all the way.
        let fails = !attempt.succeeded && found.presence == Presence::Exists;
        if access.creates() && fails && is_exclusive(attempt) {
            return Decision::Go;
        }
        self.decide(processes, attempt, &access, attempt.file())
    }

    /// Says where an attempt led: what the kernel said of the open file, if the tracer tells that.
    fn found(&self, processes: &Processes, attempt: &Attempt, walked: &Resolved) -> Resolved {
        let mut found = walked.clone();
        if let Some(opened) = &attempt.opened {
            found.path = opened.clone();
            found.presence = Presence::Exists;
        }
        // What the call said of it then counts more than what the file system says now.
        match attempt.presence {
            Presence::Missing => found.presence = Presence::Missing,
            Presence::Exists => found.presence = Presence::Exists,
            Presence::Unknown => {}
        }
        found.path = own_process(processes, found.path);
        found
    }

    fn access(&self, processes: &Processes, attempt: &Attempt, found: &Resolved) -> Access {
        let path = found.path.clone();
        // To open a directory is to list it, which is a look.
        if attempt.deed == Deed::Read && found.is_directory && !attempt.flags.has("O_PATH") {
            return Access::probe(path, found.presence);
        }
        let asks = attempt.operation == "access" && attempt.flags.has("R_OK");
        if asks && self.asks_to_read(processes, attempt.pid) {
            return Access::read(path, found.presence);
        }
        attempt.access_to(path, found.presence)
    }

    /// Tells whether a process runs a program whose question is the reading.
    fn asks_to_read(&self, processes: &Processes, pid: u32) -> bool {
        let (program, _) = describe::program(processes, pid);
        let name = program.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| self.asking.contains(name))
    }

    fn decide(
        &self,
        processes: &Processes,
        attempt: &Attempt,
        access: &Access,
        file: Option<JailPath>,
    ) -> Decision {
        match decide(&self.policy, access) {
            Verdict::Allow | Verdict::Grant => Decision::Go,
            Verdict::Refuse(refusal) => {
                let looked = access.presence() != Presence::Missing && refusal != Refusal::Absent;
                if looked {
                    self.forgive(processes, attempt, access, file.as_ref());
                }
                Decision::Go
            }
            Verdict::Jailbreak(breach) => {
                let why = breach.because.to_string();
                self.break_out(processes, attempt, Some(access), file, &why, breach.action)
            }
        }
    }

    fn forgive(
        &self,
        processes: &Processes,
        attempt: &Attempt,
        access: &Access,
        file: Option<&JailPath>,
    ) {
        let (program, _) = describe::program(processes, attempt.pid);
        let look = Look {
            target: access.target(),
            file,
            program: &program,
            operation: attempt.operation,
            syscall: attempt.syscall,
            pid: processes.get(attempt.pid).map_or(attempt.pid, |process| process.group),
        };
        self.recorder.forgive(&look, self.report_probes);
    }

    /// Nobody knows where it goes: so it goes outside.
    fn unknown(
        &self,
        processes: &Processes,
        pid: u32,
        syscall: &'static str,
        attempt: Option<&Attempt>,
        why: &str,
    ) -> Decision {
        let action = self.policy.on_jailbreak().into();
        let plain = Attempt {
            pid,
            time: None,
            deed: Deed::Write,
            place: Place::Call,
            presence: Presence::Unknown,
            succeeded: true,
            opened: None,
            operation: "call",
            syscall,
            flags: jailkeeper_trace::Flags::default(),
        };
        let attempt = attempt.unwrap_or(&plain);
        let file = attempt.file();
        self.break_out(processes, attempt, None, file, why, action)
    }

    fn break_out(
        &self,
        processes: &Processes,
        attempt: &Attempt,
        access: Option<&Access>,
        file: Option<JailPath>,
        why: &str,
        action: Action,
    ) -> Decision {
        // First what needs the process alive, then the kill, then the event.
        let description = describe(processes, attempt.pid);
        let taken = if action == Action::Log { ActionTaken::Logged } else { ActionTaken::Killed };
        if taken == ActionTaken::Killed {
            let mut attempted = self.attempted.lock().unwrap_or_else(PoisonError::into_inner);
            let time = attempt.time.map(|since| SystemTime::UNIX_EPOCH + since);
            attempted.get_or_insert(time.unwrap_or_else(SystemTime::now));
            drop(attempted);
            self.tree.kill();
        }
        let mode = mode(attempt, access);
        self.recorder.record(|header| {
            let operation = attempt.operation;
            let mut event = Jailbreak::new(header, mode, operation, attempt.syscall, why, taken)
                .with_program(description.pid, &description.program, &description.argv);
            if let Some(file) = &file {
                event = event.with_file(file);
            }
            match access.map(Access::target) {
                Some(Target::Path(path)) => {
                    event = event.with_resolved(path);
                    event.hint = hint(mode, path);
                }
                Some(Target::Address(address)) => event.address = Some(address.clone()),
                _ => {}
            }
            event.flags = attempt.flags.names();
            event.ancestors = description.ancestors;
            Event::Jailbreak(event)
        });
        if taken == ActionTaken::Killed { Decision::Kill } else { Decision::Go }
    }
}

/// The mode that an event names.
fn mode(attempt: &Attempt, access: Option<&Access>) -> Mode {
    match access {
        Some(access) if access.class() == Class::Content => access.mode(),
        _ => match attempt.deed {
            Deed::Probe | Deed::Read => Mode::Read,
            Deed::Execute => Mode::Execute,
            Deed::Connect => Mode::Connect,
            Deed::Bind => Mode::Bind,
            Deed::Write | Deed::Create if attempt.operation == "call" => Mode::Syscall,
            Deed::Write | Deed::Create => Mode::Write,
        },
    }
}

/// Takes the entries of the jail's own processes in `/proc` for those of the one that asks.
fn own_process(processes: &Processes, path: JailPath) -> JailPath {
    own_entry(processes, &path).unwrap_or(path)
}

fn own_entry(processes: &Processes, path: &JailPath) -> Option<JailPath> {
    let rest = path.as_path().strip_prefix("/proc").ok()?;
    let mut names = rest.components();
    let pid = names.next()?.as_os_str().to_str()?.parse().ok()?;
    processes.holds(pid).then_some(())?;
    JailPath::new(Path::new("/proc/self").join(names.as_path())).ok()
}

/// Tells whether a call makes a name or fails, and never opens what is there.
fn is_exclusive(attempt: &Attempt) -> bool {
    match attempt.operation {
        "open" => attempt.flags.has("O_EXCL") && attempt.flags.has("O_CREAT"),
        operation => matches!(operation, "mkdir" | "mknod" | "symlink" | "link"),
    }
}

/// The flag that would allow an access.
fn hint(mode: Mode, path: &JailPath) -> Option<String> {
    let flag = match mode {
        Mode::Read | Mode::Execute => "--read",
        Mode::Write | Mode::Connect | Mode::Bind => "--write",
        _ => return None,
    };
    // A rule's path must exist: what was to be created needs its directory.
    let exists = path.as_path().symlink_metadata().is_ok();
    let allowed = if exists { Some(path.clone()) } else { path.parent() };
    let allowed = allowed.filter(|path| *path != JailPath::root())?;
    Some(format!("{flag} {}", allowed.display()))
}
