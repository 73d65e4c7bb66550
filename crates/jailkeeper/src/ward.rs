//! The jail as its watches see it: the plan, how far the jail is, and what to do on a jailbreak.

use crate::death::Life;
use crate::pace::Pace;
use crate::plan::{Plan, Source, Width};
use crate::recorder::{Look, Recorder};
use crate::walls::filter;
use crate::watch::ask::Asking;
use crate::watch::caller::Caller;
use crate::watch::walk::{self, End, Walk};
use jailkeeper_model::{
    Access, Action, ActionTaken, Because, Breach, Class, Event, JailPath, Jailbreak, Mode,
    Presence, Refusal, Reply, Strength, Target, Verdict, decide,
};
use rustix::fs::{AtFlags, FileType, StatxFlags};
use rustix::io::Errno;
use rustix::process::Pid;
use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How many uses of files are written down in a jail with widened walls.
const LOGGED_AT_MOST: usize = 100_000;

/// How far a jail is. Accesses of its set-up are excused; those of its program are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The walls are being built.
    Building = 0,
    /// The command tries the canary.
    Canary = 1,
    /// The program runs.
    Sealed = 2,
}

/// What the watches of one jail share.
pub(crate) struct Ward {
    pub(crate) plan: Arc<Plan>,
    pub(crate) recorder: Recorder,
    pub(crate) pace: Pace,
    phase: AtomicU8,
    /// Which watches saw the canary.
    canary: AtomicU8,
    life: OnceLock<Life>,
    memory: OnceLock<Vec<(JailPath, OwnedFd)>>,
    report_probes: bool,
    /// Who is asked, if anybody is.
    pub(crate) asking: Option<Asking>,
    /// What was written down already in a jail with widened walls.
    logged: Mutex<HashSet<(JailPath, Mode, PathBuf)>>,
    /// Whether processes of the jail share memory without being threads of one.
    shared_memory: AtomicBool,
    /// Whether the last caller that was looked at had more than one thread.
    threaded: AtomicBool,
    /// How many requests the watches are at.
    busy: AtomicUsize,
}

/// A watch is at a request until this is dropped.
pub(crate) struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The watch saw the canary through the listener.
pub(crate) const CANARY_NOTIFY: u8 = 1;
/// The watch saw the canary through the tripwire.
pub(crate) const CANARY_TRIPWIRE: u8 = 2;

/// An attempt with everything that its event says about it.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) access: Access,
    /// As requested, made absolute.
    pub(crate) file: Option<JailPath>,
    pub(crate) operation: &'static str,
    pub(crate) syscall: String,
    pub(crate) flags: Vec<String>,
    /// What the event calls the attempt, where it differs from the access's mode.
    pub(crate) mode: Mode,
}

impl Ward {
    pub(crate) fn new(
        plan: Arc<Plan>,
        recorder: Recorder,
        pace: Pace,
        report_probes: bool,
        asking: Option<Asking>,
    ) -> Self {
        Self {
            asking,
            logged: Mutex::new(HashSet::new()),
            plan,
            recorder,
            pace,
            phase: AtomicU8::new(Phase::Building as u8),
            canary: AtomicU8::new(0),
            life: OnceLock::new(),
            memory: OnceLock::new(),
            report_probes,
            shared_memory: AtomicBool::new(false),
            threaded: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
        }
    }

    /// Tells whether processes of the jail share memory without being threads of one.
    pub(crate) fn shares_memory(&self) -> bool {
        self.shared_memory.load(Ordering::Acquire)
    }

    /// Remembers that they do.
    pub(crate) fn share_memory(&self) {
        self.shared_memory.store(true, Ordering::Release);
    }

    /// Tells whether the next caller is likely to have more than one thread.
    pub(crate) fn expects_threads(&self) -> bool {
        self.threaded.load(Ordering::Relaxed)
    }

    /// Remembers whether a caller has them.
    pub(crate) fn expect_threads(&self, threaded: bool) {
        self.threaded.store(threaded, Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Building,
            1 => Phase::Canary,
            _ => Phase::Sealed,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Lets a watch's thread run everywhere again once the jail is raised. Tells whether it does.
    pub(crate) fn run_everywhere(&self) -> bool {
        let raised = self.phase() == Phase::Sealed;
        if raised {
            self.pace.let_go();
        }
        raised
    }

    /// Marks that a watch is at a request.
    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        Busy(&self.busy)
    }

    /// Waits until no watch is at a request, so that every event of the jail is recorded; a
    /// watch that hangs on a dead file system is not waited for for ever.
    pub(crate) fn settle(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.busy.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    pub(crate) fn saw_canary(&self, watch: u8) {
        self.canary.fetch_or(watch, Ordering::AcqRel);
    }

    /// Tells whether every watch saw the canary.
    pub(crate) fn canary_was_seen(&self) -> bool {
        let all = match self.plan.strength() {
            Strength::Full => CANARY_NOTIFY | CANARY_TRIPWIRE,
            // The command itself proves Landlock.
            _ if self.plan.unwatched => 0,
            _ => CANARY_NOTIFY,
        };
        self.canary.load(Ordering::Acquire) == all
    }

    pub(crate) fn set_life(&self, life: Life) {
        // It is set once, by the supervisor, before the jail is sealed.
        let _ = self.life.set(life);
    }

    pub(crate) fn life(&self) -> Option<&Life> {
        self.life.get()
    }

    /// Keeps the descriptors of the jail's own file systems.
    pub(crate) fn set_memory(&self, memory: Vec<(JailPath, OwnedFd)>) {
        let _ = self.memory.set(memory);
    }

    /// Returns the root of the tree that a path is in, with a descriptor to go on from.
    pub(crate) fn tree_descriptor(&self, path: &JailPath) -> Option<(&JailPath, BorrowedFd<'_>)> {
        let tree = self.plan.trees.containing(path)?;
        match &tree.source {
            Source::Host { fd, .. } => Some((&tree.path, fd.as_fd())),
            Source::Memory => {
                let memory = self.memory.get()?;
                let (root, fd) = memory.iter().find(|(root, _)| *root == tree.path)?;
                Some((root, fd.as_fd()))
            }
            Source::Processes | Source::Terminals => None,
        }
    }

    /// Tells whether a caller is a process of this jail.
    ///
    /// One whose namespace may not be read is: the kernel lets nobody else come here.
    pub(crate) fn holds(&self, caller: Caller) -> bool {
        let Some(Life::Init(init)) = self.life() else { return false };
        caller.pid_namespace().is_none_or(|namespace| namespace == init.pid_namespace)
    }

    /// Tells whether a call would make a file that runs as its owner.
    ///
    /// What a jail leaves behind belongs to the owner of the tree, who may be root: a set-user-id
    /// file would let anybody on the host act as him. The permissions are in registers.
    pub(crate) fn sets_ids(&self, call: &str, arguments: &[u64; 6]) -> bool {
        const SET_USER_ID: u64 = 0o4000;
        const SET_GROUP_ID: u64 = 0o2000;
        let [_, second, third, fourth, ..] = *arguments;
        let mode = match call {
            "chmod" | "fchmod" | "creat" | "mknod" => second,
            "fchmodat" | "fchmodat2" | "mknodat" => third,
            "open" if filter::takes_mode(second) => third,
            "openat" if filter::takes_mode(third) => fourth,
            _ => 0,
        };
        // With an ordinary user's own group, directories that pass it on are everyday life.
        let bits =
            if self.plan.identity.changed { SET_USER_ID | SET_GROUP_ID } else { SET_USER_ID };
        mode & bits != 0
    }

    /// Follows a path as the jail sees it.
    pub(crate) fn walk(&self, caller: Caller, start: &JailPath, text: &Path, follow: bool) -> Walk {
        let mut walk = walk::walk(self, caller, start, text, follow);
        if matches!(walk.end, End::Outside(_)) {
            walk.presence = presence(&walk.path);
        }
        walk
    }

    /// Decides an attempt and acts on it. Returns the verdict; when it is a jailbreak that kills,
    /// the tree is dying when this returns, and the caller must now be refused.
    pub(crate) fn judge(&self, caller: Caller, attempt: &Attempt) -> Verdict {
        let verdict = decide(&self.plan.policy, &attempt.access);
        match &verdict {
            Verdict::Allow | Verdict::Grant => {}
            Verdict::Refuse(refusal) => {
                if *refusal != Refusal::Absent {
                    self.forgive(caller, attempt);
                }
            }
            Verdict::Jailbreak(breach)
                if breach.action == Action::Log && self.lets_pass(&attempt.access) =>
            {
                self.log(caller, attempt, breach);
                return Verdict::Allow;
            }
            Verdict::Jailbreak(breach) => {
                // What can be asked about was asked about before: the rest is not let pass.
                let kills = breach.action == Action::Kill;
                let taken = if kills { ActionTaken::Killed } else { ActionTaken::Denied };
                self.break_out(caller, attempt, &breach.because, taken, None);
            }
        }
        verdict
    }

    /// Tells whether the walls let an access pass that the policy does not grant.
    pub(crate) fn lets_pass(&self, access: &Access) -> bool {
        let Target::Path(path) = access.target() else { return false };
        let Some(tree) = self.plan.trees.containing(path) else { return false };
        let policy = &self.plan.policy;
        let carved = policy.rule_for(path).is_some_and(|rule| !rule.right().allows())
            || policy.denying_pattern(path).is_some();
        !carved
            && match access.mode() {
                Mode::Read | Mode::Execute => tree.width != Width::Policy,
                Mode::Write => tree.width == Width::Overlay,
                _ => false,
            }
    }

    /// Writes down what the walls let pass: each program's use of a file once.
    fn log(&self, caller: Caller, attempt: &Attempt, breach: &Breach) {
        let Target::Path(path) = attempt.access.target() else { return };
        let key = (path.clone(), attempt.mode, caller.link("exe").unwrap_or_default());
        {
            let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
            if logged.len() >= LOGGED_AT_MOST || !logged.insert(key) {
                return;
            }
        }
        self.break_out(caller, attempt, &breach.because, ActionTaken::Logged, None);
    }

    /// Counts an access that was answered as if nothing were there.
    pub(crate) fn forgive(&self, caller: Caller, attempt: &Attempt) {
        let program = caller.link("exe").unwrap_or_default();
        let told = self.report_probes;
        // Only an event has it.
        let process = if told { caller.process() } else { None };
        let look = Look {
            target: attempt.access.target(),
            file: attempt.file.as_ref(),
            program: &program,
            operation: attempt.operation,
            syscall: &attempt.syscall,
            pid: process.map_or(0, Pid::as_raw_pid).unsigned_abs(),
        };
        self.recorder.forgive(&look, told);
    }

    /// Tells of an attempt to get out, and kills everything if that is what follows.
    pub(crate) fn break_out(
        &self,
        caller: Caller,
        attempt: &Attempt,
        because: &Because,
        taken: ActionTaken,
        answer: Option<Reply>,
    ) {
        // First all that needs the caller alive, then the kill, then the event: when the event
        // says "killed" it is so.
        let description = caller.describe(self.life().and_then(Life::above));
        if taken == ActionTaken::Killed
            && let Some(life) = self.life()
        {
            life.kill(caller.process());
        }
        self.recorder.record(|header| {
            let mut event = Jailbreak::new(
                header,
                attempt.mode,
                attempt.operation,
                &attempt.syscall,
                because.to_string(),
                taken,
            )
            .with_program(description.pid, &description.program, &description.argv);
            if let Some(file) = &attempt.file {
                event = event.with_file(file);
            }
            match attempt.access.target() {
                Target::Path(path) => {
                    event = event.with_resolved(path);
                    event.hint = hint(attempt.mode, path);
                }
                Target::Address(address) => event.address = Some(address.clone()),
                _ => {}
            }
            event.flags.clone_from(&attempt.flags);
            event.answer = answer;
            event.jail_pid = description.jail_pid;
            event.ancestors = description.ancestors;
            Event::Jailbreak(event)
        });
    }
}

/// Asks the host whether a name outside the jail exists.
///
/// Any answer but a clear no counts as yes: what cannot be looked at is not absent.
pub(crate) fn presence(path: &JailPath) -> Presence {
    match kind(path, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT | Errno::NOTDIR) => Presence::Missing,
        _ => Presence::Exists,
    }
}

/// Asks the host whether a name outside the jail leads to a directory.
pub(crate) fn is_directory(path: &JailPath) -> bool {
    kind(path, AtFlags::empty()) == Ok(FileType::Directory)
}

fn kind(path: &JailPath, flags: AtFlags) -> Result<FileType, Errno> {
    let flags = flags | AtFlags::NO_AUTOMOUNT;
    let stat = rustix::fs::statx(rustix::fs::CWD, path.as_path(), flags, StatxFlags::TYPE)?;
    Ok(FileType::from_raw_mode(stat.stx_mode.into()))
}

/// The flag that would allow an access.
fn hint(mode: Mode, path: &JailPath) -> Option<String> {
    let flag = match mode {
        Mode::Read | Mode::Execute => "--read",
        Mode::Write | Mode::Connect | Mode::Bind => "--write",
        _ => return None,
    };
    let exists = presence(path) == Presence::Exists;
    // A rule's path must exist: what was to be created needs its directory.
    let allowed = if exists { Some(path.clone()) } else { path.parent() };
    let allowed = allowed.filter(|path| *path != JailPath::root())?;
    Some(format!("{flag} {}", allowed.display()))
}

impl Attempt {
    /// An attempt of a kind that no policy allows.
    pub(crate) fn forbidden_call(name: String) -> Self {
        Self {
            access: Access::syscall(name.clone()),
            file: None,
            operation: "call",
            syscall: name,
            flags: Vec::new(),
            mode: Mode::Syscall,
        }
    }

    /// Tells whether the attempt only asks.
    pub(crate) fn is_probe(&self) -> bool {
        self.access.class() == Class::Probe
    }
}
