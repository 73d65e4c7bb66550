//! One run: from the stopped shell to the last death.

use super::attached;
use super::judge::Judge;
use super::policy::Ground;
use super::programs::TracerProgram;
use super::stub;
use super::system;
use super::tracer::{Chosen, takes_several};
use super::tree::Tree;
use super::{Held, ending, kernel_pid};
use crate::child::{Child, Ended, Ending};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::recorder::{End, Recorder};
use crate::settings::Settings;
use crate::stdio::Stdio;
use jailkeeper_model::{Event, Limit, Start, Strength, Usage, Wall, Warning};
use jailkeeper_trace::{Dialect, Trace};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

/// How long a tracer may take until it is at work.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the end of a tree is waited for.
pub(super) const DEATH: Duration = Duration::from_secs(10);
/// How long a tracer may have nothing to tell before it is taken to have told everything.
const QUIET: Duration = Duration::from_millis(300);
/// How often is looked whether the command has ended, where nobody tells.
const TICK: Duration = Duration::from_millis(10);

/// What every run at this strength says first.
const WARNING: &str = "strength `monitor` enforces nothing: the program runs on the host as its \
     caller, can read and change what it likes until the tracer has told of it, and is killed only \
     then";

/// The walls that other strengths have.
const WALLS: [&str; 6] = ["namespaces", "view", "landlock", "seccomp", "privileges", "network"];

/// Everything that a run is made of.
pub(super) struct Parts {
    pub(super) judge: Judge,
    pub(super) ground: Ground,
    pub(super) settings: Arc<Settings>,
    pub(super) arguments: Vec<OsString>,
    pub(super) started: Instant,
}

/// What is started.
pub(crate) struct Order<'a> {
    pub(crate) settings: &'a Arc<Settings>,
    pub(crate) ground: Ground,
    pub(crate) program: &'a OsStr,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) streams: [&'a mut Stdio; 3],
    pub(crate) extra: &'a [(OwnedFd, i32)],
    pub(crate) recorder: Recorder,
    pub(crate) events: Receiver<Event>,
}

/// Starts a command under a tracer.
pub(crate) fn start(order: Order<'_>) -> Result<Child> {
    order.ground.find_command(&order.program.to_owned())?;
    let chosen = order.settings.tracer.choose()?;
    require_outside(&chosen, &order.ground)?;
    let passed = stub::require_inherited(order.extra)?;
    let terminal = order.streams.iter().any(|stream| matches!(stream, Stdio::Terminal));
    let shell = stub::spawn(&order.ground, order.program, &order.arguments, order.streams, &passed);
    // Whoever traces by itself must be the thread that makes the process.
    let mut shell = shell?;
    let pid = shell.id();
    let streams = (shell.stdin.take(), shell.stdout.take(), shell.stderr.take());
    let tree = Arc::new(Tree::new(pid, !terminal));
    let policy = order.ground.policy.clone();
    let asking = order.ground.asking.clone();
    let probes = order.settings.report_probes;
    let judge = Judge::new(policy, asking, order.recorder, Arc::clone(&tree), pid, probes);
    let parts = Parts {
        judge,
        ground: order.ground,
        settings: Arc::clone(order.settings),
        arguments: order.arguments,
        started: Instant::now(),
    };
    let (ready, is_ready) = channel();
    let (end, is_ended) = channel();
    std::thread::Builder::new()
        .name("jail monitor".into())
        .spawn(move || {
            let outcome = match chosen {
                Chosen::Program { dialect, path } => {
                    let directory = Some(parts.ground.cwd.clone());
                    let mut trace = Trace::new(dialect, pid, directory);
                    name_root(&mut trace, pid, &parts.arguments);
                    let run = ProgramRun { parts, shell: Some(shell), status: None };
                    run.go(dialect, &path, trace, &ready)
                }
                #[cfg(all(feature = "full", target_os = "linux"))]
                Chosen::Ptrace => super::ptrace::run(parts, Some(shell), &[pid], &ready),
            };
            if let Some(ended) = outcome {
                let _ = end.send(ended);
            }
        })
        .step("start the monitoring thread")?;
    is_ready.recv().map_err(|error| {
        Error::new(ErrorKind::Setup, "hear from the monitoring thread").because(error)
    })??;
    let held = Held { pid, tree };
    Ok(Child::watched(Arc::new(held), streams, order.events, is_ended))
}

/// Says what the first process is, which may be gone when a tracer that is a program tells of its
/// first call.
fn name_root(trace: &mut Trace, pid: u32, arguments: &[OsString]) {
    if let Some(root) = trace.processes_mut().get_mut(pid) {
        root.argv = arguments.iter().map(|word| word.as_encoded_bytes().to_vec()).collect();
        root.program = root.argv.first().cloned();
    }
}

/// Attaches to a process that runs, with everything that it has made.
pub(crate) fn attach(
    settings: &Arc<Settings>,
    pid: u32,
    ground: Ground,
    recorder: Recorder,
    events: Receiver<Event>,
) -> Result<Child> {
    let chosen = settings.tracer.choose()?;
    require_outside(&chosen, &ground)?;
    if kernel_pid(pid).is_none_or(|pid| rustix::process::test_kill_process(pid).is_err()) {
        return Err(Error::new(ErrorKind::NotFound, format!("find process {pid}"))
            .with_hint("it must run, and belong to you"));
    }
    let family = attached::family(pid);
    let tree = Arc::new(Tree::new(pid, false));
    let policy = ground.policy.clone();
    let asking = ground.asking.clone();
    let probes = settings.report_probes;
    let judge = Judge::new(policy, asking, recorder, Arc::clone(&tree), pid, probes);
    let parts = Parts {
        judge,
        ground,
        settings: Arc::clone(settings),
        arguments: vec![format!("process {pid}").into()],
        started: Instant::now(),
    };
    let (ready, is_ready) = channel();
    let (end, is_ended) = channel();
    std::thread::Builder::new()
        .name("jail monitor".into())
        .spawn(move || {
            let outcome = match chosen {
                Chosen::Program { dialect, path } => {
                    let mut trace = Trace::new(dialect, pid, None);
                    attached::introduce(&mut trace, &family, true);
                    // All of them die on a jailbreak, seen or not.
                    for pid in &family {
                        parts.judge.tree.born(*pid);
                    }
                    let run = ProgramRun { parts, shell: None, status: None };
                    run.attach(dialect, &path, trace, &family, &ready)
                }
                #[cfg(all(feature = "full", target_os = "linux"))]
                Chosen::Ptrace => super::ptrace::run(parts, None, &family, &ready),
            };
            if let Some(ended) = outcome {
                let _ = end.send(ended);
            }
        })
        .step("start the monitoring thread")?;
    is_ready.recv().map_err(|error| {
        Error::new(ErrorKind::Setup, "hear from the monitoring thread").because(error)
    })??;
    let held = Held { pid, tree };
    Ok(Child::watched(Arc::new(held), (None, None, None), events, is_ended))
}

/// A tracer that the jail can change would tell what the jail likes.
fn require_outside(chosen: &Chosen, ground: &Ground) -> Result<()> {
    let path = match chosen {
        Chosen::Program { path, .. } => path,
        #[cfg(all(feature = "full", target_os = "linux"))]
        Chosen::Ptrace => return Ok(()),
    };
    let root = jailkeeper_model::JailPath::root();
    let found = super::resolve::resolve(&root, path, true, None).path;
    let writable = ground.policy.rule_for(&found);
    if writable.is_some_and(|rule| rule.right() == jailkeeper_model::Right::Write) {
        return Err(Error::new(ErrorKind::Policy, "trust the tracer")
            .at(path)
            .because("it lies inside a writable tree")
            .with_hint("put it outside every tree that the jail may write"));
    }
    Ok(())
}

impl Parts {
    /// Says how the run is built, and that it enforces nothing.
    pub(super) fn announce(&self, tracer: &str) {
        let judge = &self.judge;
        judge.recorder.record(|header| {
            let cwd = self.ground.cwd.as_path();
            let mut start = Start::new(header, judge.root, &self.arguments, cwd, Strength::Monitor);
            for wall in WALLS {
                let reason = format!("strength `monitor` has no walls; the watch is {tracer}");
                start = start.with_wall(wall, Wall::Off { reason });
            }
            Event::Start(start)
        });
        let mut warning = WARNING.to_owned();
        if let Some(temporary) = &self.ground.temporary {
            let scratch = temporary.display();
            warning.push_str(&format!("; `/tmp` is the host's and outside, TMPDIR is `{scratch}`"));
        }
        judge.recorder.record(|header| Event::Warning(Warning::new(header, "monitor", warning)));
        if rustix::process::geteuid().is_root() {
            let message =
                "the program runs as root: at strength `monitor` nobody is put in between";
            judge.recorder.record(|header| Event::Warning(Warning::new(header, "root", message)));
        }
    }

    /// Kills everything if the time is up. Tells whether it was.
    fn is_over_time(&self) -> bool {
        let is_over = self.settings.wall_time.is_some_and(|limit| self.started.elapsed() >= limit);
        if is_over {
            self.record_limit();
            self.judge.tree.kill();
        }
        is_over
    }

    /// Says that the time was up.
    pub(super) fn record_limit(&self) {
        let Some(limit) = self.settings.wall_time else { return };
        let used = self.started.elapsed().as_secs_f64();
        self.judge.recorder.record(|header| {
            Event::Limit(Limit::new(header, "wall-time", limit.as_secs_f64(), used, "seconds"))
        });
    }

    /// Writes the last event, and ends the stream of events.
    pub(super) fn finish(self, ending: Option<Ending>, limited: bool, used: Used) -> Ended {
        let judge = &self.judge;
        let left = judge.tree.known();
        if left > 0 {
            let message = format!("{left} processes could not be killed, or are still dying");
            judge.warn("survivors", &message);
        }
        let killing = judge.tree.dying().map(|(from, last)| {
            let decided = last.unwrap_or_else(Instant::now).saturating_duration_since(from);
            // From the attempt itself, if the tracer tells when that was.
            let attempted = judge.attempted().and_then(|time| {
                let total = SystemTime::now().duration_since(time).ok()?;
                total.checked_sub(last.unwrap_or_else(Instant::now).elapsed())
            });
            attempted.unwrap_or(decided).as_secs_f64()
        });
        let usage = Usage {
            wall: self.started.elapsed().as_secs_f64(),
            user: used.user,
            system: used.system,
            peak_memory: used.peak_memory,
            processes: None,
        };
        judge.recorder.exit(End { ending, usage, limited, killing });
        let report = judge.recorder.report(Clone::clone);
        judge.recorder.close();
        Ended { ending, report }
    }
}

/// What the command has used, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) peak_memory: Option<u64>,
}

/// Says when a run has begun, or why it has not.
pub(super) type Ready = std::sync::mpsc::Sender<Result<()>>;

/// A run with a program as its tracer.
struct ProgramRun {
    parts: Parts,
    shell: Option<std::process::Child>,
    status: Option<Ending>,
}

impl ProgramRun {
    /// Runs the command from its first instruction on.
    fn go(
        mut self,
        dialect: Dialect,
        path: &Path,
        trace: Trace,
        ready: &Ready,
    ) -> Option<Result<Ended>> {
        match self.raise(dialect, path, trace) {
            Ok(tracer) => {
                let heard = ready.send(Ok(())).is_ok();
                if !heard {
                    self.parts.judge.tree.kill();
                }
                Some(self.watch(tracer))
            }
            Err(error) => {
                self.give_up();
                let _ = ready.send(Err(error));
                None
            }
        }
    }

    /// Watches what runs already.
    fn attach(
        self,
        dialect: Dialect,
        path: &Path,
        trace: Trace,
        family: &[u32],
        ready: &Ready,
    ) -> Option<Result<Ended>> {
        let several = takes_several(dialect);
        let seen = if several { family } else { family.get(..1).unwrap_or(family) };
        match TracerProgram::start(dialect, path, seen, trace) {
            Ok(tracer) => {
                self.trust_kernel(dialect, &tracer);
                self.parts.announce(dialect.name());
                if seen.len() < family.len() {
                    self.parts.judge.warn(
                        "unseen",
                        "this tracer takes one process: children that were there before are not \
                         seen",
                    );
                }
                self.parts.judge.begin();
                let _ = ready.send(Ok(()));
                Some(self.watch(tracer))
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                None
            }
        }
    }

    /// strace is a tracer in the kernel's eyes; what replays a transcript is not.
    fn trust_kernel(&self, dialect: Dialect, tracer: &TracerProgram) {
        if cfg!(target_os = "linux") && dialect == Dialect::Strace {
            self.parts.judge.tree.traced_by(tracer.id());
        }
    }

    fn raise(&mut self, dialect: Dialect, path: &Path, trace: Trace) -> Result<TracerProgram> {
        let root = self.parts.judge.root;
        let pid = kernel_pid(root)
            .ok_or_else(|| Error::new(ErrorKind::Setup, "find the command's process"))?;
        stub::until_stopped(pid)?;
        let mut tracer = TracerProgram::start(dialect, path, &[root], trace)?;
        self.trust_kernel(dialect, &tracer);
        let deadline = Instant::now() + PATIENCE;
        while !tracer.is_at_work {
            if tracer.has_ended() || tracer.is_gone() || Instant::now() > deadline {
                // What it has said last may still be on its way.
                let _ = tracer.listen(TICK, &self.parts.judge);
                return Err(tracer.complaint());
            }
            stub::nudge(pid);
            tracer.listen(TICK, &self.parts.judge)?;
        }
        self.parts.announce(dialect.name());
        self.parts.started = Instant::now();
        stub::go(pid);
        while !self.parts.judge.has_begun() {
            let came = tracer.listen(TICK, &self.parts.judge)?;
            if self.parts.judge.tree.is_dying() {
                break;
            }
            if !came && !self.parts.judge.has_begun() {
                // The signal to go on may have come just before the shell stopped once more.
                stub::nudge(pid);
            }
            // It has ended before the tracer could tell of its execution: too fast to be seen, or
            // never executed.
            if !came && self.has_status() {
                while tracer.listen(QUIET, &self.parts.judge)? {}
                if !self.parts.judge.has_begun() && !self.parts.judge.tree.is_dying() {
                    return Err(Error::new(ErrorKind::NotExecutable, "execute the command")
                        .at(self.parts.arguments.first().cloned().unwrap_or_default()));
                }
            }
        }
        Ok(tracer)
    }

    /// Tells whether the command has ended.
    fn has_status(&mut self) -> bool {
        if self.status.is_some() {
            return true;
        }
        let Some(shell) = &mut self.shell else {
            return !is_there(self.parts.judge.root);
        };
        match shell.try_wait() {
            Ok(None) => false,
            Ok(Some(status)) => {
                self.status = Some(ending(status));
                self.parts.judge.tree.reaped();
                true
            }
            Err(_) => true,
        }
    }

    /// Ends a run that has not begun.
    fn give_up(&mut self) {
        self.parts.judge.tree.kill();
        if let Some(shell) = &mut self.shell {
            let _ = shell.wait();
        }
        self.parts.judge.recorder.close();
    }

    /// Watches until nothing is left.
    fn watch(mut self, mut tracer: TracerProgram) -> Result<Ended> {
        let mut limited = false;
        // The command runs.
        let mut used = Used::default();
        loop {
            let came = tracer.listen(TICK, &self.parts.judge)?;
            if self.parts.judge.tree.is_dying() {
                break;
            }
            tracer.forget_the_dead();
            if !came {
                used = usage(self.parts.judge.root).unwrap_or(used);
            }
            if !limited && self.parts.is_over_time() {
                limited = true;
                break;
            }
            if tracer.has_ended() && !self.has_status() {
                // Nobody watches any more: then nobody may run.
                self.parts.judge.warn("tracer-lost", "the tracer has ended; everything was killed");
                self.parts.judge.tree.kill();
                break;
            }
            if !came && self.has_status() {
                self.hear_out(&mut tracer)?;
                break;
            }
        }
        self.kill_all(&mut tracer)?;
        tracer.end();
        self.hear_status();
        let status = self.status;
        Ok(self.parts.finish(status, limited, used))
    }

    /// Waits for the status of a command that is dead: its parent hears of it only when the tracer
    /// has.
    fn hear_status(&mut self) {
        let deadline = Instant::now() + DEATH;
        while !self.has_status() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The command has ended: what the tracer has not told yet still counts.
    fn hear_out(&mut self, tracer: &mut TracerProgram) -> Result<()> {
        // Most tracers tell of the end as well, and have told everything else before.
        let root = self.parts.judge.root;
        while tracer.trace.processes().holds(root) && tracer.listen(QUIET, &self.parts.judge)? {}
        Ok(())
    }

    /// Kills what is left, again and again, until nothing is.
    fn kill_all(&mut self, tracer: &mut TracerProgram) -> Result<()> {
        let deadline = Instant::now() + DEATH;
        let left = |run: &mut Self| {
            let _ = run.has_status();
            run.parts.judge.tree.count() > 0
        };
        if !left(self) && !self.parts.judge.tree.is_dying() {
            return Ok(());
        }
        while left(self) && Instant::now() < deadline {
            self.parts.judge.tree.kill();
            tracer.listen(Duration::from_millis(1), &self.parts.judge)?;
        }
        // What the dead did last.
        while !tracer.has_ended() && Instant::now() < deadline {
            if !tracer.listen(TICK, &self.parts.judge)? && self.parts.judge.tree.count() == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Tells whether a process is there.
fn is_there(pid: u32) -> bool {
    kernel_pid(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// What a process has used, where the system tells.
fn usage(pid: u32) -> Option<Used> {
    let times = system::usage(pid)?;
    Some(Used { user: times.user, system: times.system, peak_memory: None })
}
