//! The thread that attaches, and then waits for the end.

use super::apply::Building;
use super::family::{self, Process};
use super::outside;
use super::target::{self, Facts, Own};
use crate::child::{Child, Ended, Ending, Hold};
use crate::command::Answerer;
use crate::death::{Group, Life, Tree};
use crate::error::{Error, ErrorKind, Result, Step as _};
use crate::pace::Pace;
use crate::plan::{Attached, Ground, Identity, Plan, Wanted};
use crate::probe::{Finding, Probe};
use crate::recorder::{End, Recorder};
use crate::settings::Settings;
use crate::walls::{self, filter};
use crate::ward::{Phase, Ward};
use crate::watch::ask::Asking;
use crate::watch::flat;
use jailkeeper_model::{Event, Limit, Outside, Start, Strength, Usage, Wall, Warning};
use jailkeeper_sys::process::status_of_dead;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How often those are killed who are alive still.
const TICK: Duration = Duration::from_millis(5);
/// How long the death of all is waited for.
const DEATH: Duration = Duration::from_secs(20);
/// How long the end of a watch is waited for when nobody who is known is alive.
const SETTLING: Duration = Duration::from_secs(2);
/// How long a ring may take to go.
const RING: Duration = Duration::from_secs(10);

/// A jail that was attached, as its [`Child`] holds it.
struct Held {
    ward: Arc<Ward>,
    root: OwnedFd,
    pid: Pid,
}

impl Hold for Held {
    fn id(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    fn terminal(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn signal(&self, signal: Signal) -> std::io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.root, signal)?)
    }

    fn kill(&self) {
        if let Some(life) = self.ward.life() {
            life.kill_all();
        }
    }
}

/// What is known of the jail before its processes are touched.
struct Order {
    settings: Arc<Settings>,
    root: Pid,
    own: Own,
    plan: Plan,
    recorder: Recorder,
    asking: Option<Asking>,
}

/// Attaches to a process. When this returns, the walls stand and all of it runs.
pub(crate) fn attach(
    settings: &Arc<Settings>,
    pid: u32,
    directory: &Path,
    (recorder, events): (Recorder, Receiver<Event>),
    answerer: Option<Answerer>,
) -> Result<Child> {
    let probe = Probe::for_a_start();
    require_walls(settings, &probe)?;
    let own = Own::look();
    let not_found = || target::Obstacle::Ended.error(pid);
    let root = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(not_found)?;
    let facts = target::require(root, &own, false)?;
    let plan = plan(settings, &facts, root, directory, &probe)?;
    if plan.policy.asks() && answerer.is_none() {
        return Err(Error::new(ErrorKind::Policy, "ask about jailbreaks")
            .because("nobody is there to answer")
            .with_hint("use `--on-jailbreak deny` or `kill`; in Rust `Jail::attach_and_ask`"));
    }
    let asking = answerer.map(|answerer| Asking::new(answerer, settings.ask_timeout));
    let order = Order { settings: Arc::clone(settings), root, own, plan, recorder, asking };
    let (ready, is_ready) = channel();
    let (end, is_ended) = channel();
    // All calls for a tracee have to come from one thread; when it ends, nobody stays stopped.
    std::thread::Builder::new()
        .name("jail attach".into())
        .stack_size(512 * 1024)
        .spawn(move || match order.raise() {
            Err(error) => drop(ready.send(Err(error))),
            Ok((supervising, held)) => {
                if ready.send(Ok(held)).is_err() {
                    supervising.ward.life().inspect(|life| life.kill_all());
                }
                let _ = end.send(supervising.finish());
            }
        })
        .step("start the supervising thread")?;
    let held = is_ready.recv().map_err(|error| {
        Error::new(ErrorKind::Setup, "hear from the supervising thread").because(error)
    })??;
    Ok(Child::watched(Arc::new(held), (None, None, None), events, is_ended))
}

/// Fails where attaching cannot be had.
fn require_walls(settings: &Settings, probe: &Probe) -> Result<()> {
    let unsupported = |what: &str, because: &str, hint: &str| {
        Error::new(ErrorKind::Unsupported, what).because(because.to_owned()).with_hint(hint)
    };
    if settings.strength > Strength::Flat || settings.strength_at_most < Strength::Flat {
        return Err(unsupported(
            "attach at this strength",
            "walls around a running process are those of `flat`",
            "ask for `--strength flat`, or for `monitor`, which watches and enforces nothing",
        ));
    }
    if settings.widens() {
        return Err(unsupported(
            "attach with `--on-jailbreak log`",
            "what lets pass more than the policy is made of mounts, which a running process cannot get",
            "use `deny`, or `--strength monitor`, which lets everything pass",
        ));
    }
    for (name, finding) in probe.flat_findings() {
        if let Finding::Missing { reason, remedy } = finding {
            return Err(unsupported(
                &format!("attach: {name} cannot be had"),
                reason,
                &format!("{remedy}; `--strength monitor` watches and enforces nothing"),
            ));
        }
    }
    if !Path::new("/proc/thread-self/children").exists() {
        return Err(unsupported(
            "find the children of a process",
            "there is no `/proc/PID/task/TID/children`",
            "mount `/proc`, on a kernel with CONFIG_PROC_CHILDREN",
        ));
    }
    Ok(())
}

fn plan(
    settings: &Settings,
    facts: &Facts,
    root: Pid,
    directory: &Path,
    probe: &Probe,
) -> Result<Plan> {
    let [user, ..] = facts.users;
    let [group, ..] = facts.groups;
    let changed = user != rustix::process::geteuid().as_raw();
    let words = std::fs::read(format!("/proc/{}/cmdline", root.as_raw_pid())).unwrap_or_default();
    let words = words.strip_suffix(b"\0").unwrap_or(&words);
    let arguments: Vec<_> =
        words.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect();
    let wanted = Wanted {
        program: arguments.first().cloned().unwrap_or_default(),
        arguments,
        cwd: directory.to_owned(),
        environment: Default::default(),
        offered: Default::default(),
        terminal: Vec::new(),
        files: None,
        attached: Some(Attached { identity: Identity { user, group, changed } }),
    };
    if settings.unwatched {
        return Err(Error::new(ErrorKind::Policy, "attach without a watch")
            .because("what a running process holds already is known to the watch alone")
            .with_hint("leave `--watch none` away"));
    }
    Plan::new(settings, wanted, probe, Ground::Host { scratch: None })
}

impl Order {
    fn raise(self) -> Result<(Supervising, Held)> {
        let started = Instant::now();
        let processes = family::stop(self.root, &self.own)?;
        let pids: Vec<_> = processes.iter().map(|process| process.pid).collect();
        let (found, states, rings) = match self.look(&processes) {
            Ok(looked) => looked,
            Err(error) => {
                family::let_go(processes);
                return Err(error);
            }
        };
        let made = walls::landlock::flat::prepare_attached(&self.plan)
            .and_then(|ruleset| Ok((ruleset, pidfd(self.root)?)));
        let (ruleset, root) = match made {
            Ok(made) => made,
            Err(error) => {
                family::let_go(processes);
                return Err(error);
            }
        };
        let shares_memory = family::share_memory(&processes);
        let mut building = Building::of(processes).prepare(ruleset.as_fd())?;
        let group = Group::around(&pids);
        let tree = match Tree::hold(self.root, &pids, group) {
            Ok(tree) => tree,
            Err(error) => {
                building.let_go();
                return Err(error).step("take hold of the processes");
            }
        };
        let program = filter::flat_program(filter::Flat {
            looks: self.plan.hides(),
            forks: tree.watches_forks(),
            signals: true,
            exits: tree.watches_forks(),
            nested: self.plan.nested,
        });
        let entries: Vec<_> =
            found.iter().zip(&states).map(|(found, state)| found.entry(*state)).collect();
        let Self { settings, root: pid, plan, recorder, asking, .. } = self;
        let pace = Pace::of_this_thread();
        let ward =
            Arc::new(Ward::new(Arc::new(plan), recorder, pace, settings.report_probes, asking));
        ward.set_life(Life::Tree(tree));
        if shares_memory {
            ward.share_memory();
        }
        // From here on there is no way back.
        let mut raise = || -> Result<OwnedFd> {
            building.close(&found, &states)?;
            until_gone(&rings, &mut building)?;
            let listeners = building.raise(&program)?;
            let over = watch(&ward, listeners)?;
            ward.enter(Phase::Canary);
            building.prove()?;
            if !ward.canary_was_seen() {
                return Err(Error::new(ErrorKind::Setup, "see the canary through the watch"));
            }
            Ok(over)
        };
        match raise() {
            Ok(over) => {
                ward.enter(Phase::Sealed);
                announce(&ward, pid, entries);
                building.finish();
                let wall_time = settings.wall_time;
                let root_again = root.try_clone().step("hold on to the process")?;
                let held = Held { ward: Arc::clone(&ward), root: root_again, pid };
                Ok((Supervising { ward, over, root, pid, wall_time, started }, held))
            }
            Err(error) => {
                building.demolish();
                ward.recorder.close();
                Err(error.with_hint(
                    "the process was changed in part, so it and its descendants were killed; please \
                     report this with `jailkeeper doctor`",
                ))
            }
        }
    }

    /// Finds what lies outside, and fails if that is a reason not to attach.
    fn look(
        &self,
        processes: &[Process],
    ) -> Result<(Vec<outside::Found>, Vec<jailkeeper_model::OutsideState>, outside::Rings)> {
        let (found, rings) = outside::look(&self.plan.policy, processes)?;
        let states = outside::settle(&found, self.settings.outside)?;
        Ok((found, states, rings))
    }
}

fn pidfd(pid: Pid) -> Result<OwnedFd> {
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).step("hold on to the process")
}

/// Waits until the kernel's threads of closed rings have ended: until then they open files.
fn until_gone(rings: &outside::Rings, building: &mut Building) -> Result<()> {
    let deadline = Instant::now() + RING;
    while rings.are_at_work() {
        building.settle()?;
        if Instant::now() > deadline {
            return Err(Error::new(ErrorKind::Setup, "close a ring of io_uring")
                .because("the kernel goes on working for it: somebody else has it too"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Starts the watch. What is returned hangs up when it has ended.
fn watch(ward: &Arc<Ward>, listeners: Vec<OwnedFd>) -> Result<OwnedFd> {
    let flags = rustix::pipe::PipeFlags::CLOEXEC;
    let (over, at_work) = rustix::pipe::pipe_with(flags).step("make a pipe")?;
    let ward = Arc::clone(ward);
    std::thread::Builder::new()
        .name("jail notify".into())
        .stack_size(256 * 1024)
        .spawn(move || {
            flat::serve_all(&ward, listeners);
            drop(at_work);
        })
        .step("start a watch")?;
    Ok(over)
}

fn announce(ward: &Ward, pid: Pid, outside: Vec<Outside>) {
    let plan = &ward.plan;
    ward.recorder.record(|header| {
        let pid = pid.as_raw_pid().unsigned_abs();
        let cwd = plan.cwd.as_path();
        let start = Start::new(header, pid, &plan.arguments, cwd, plan.strength());
        let walls = plan.walls_in_force().into_iter();
        let start = walls.fold(start, |start, (name, wall): (_, Wall)| start.with_wall(name, wall));
        Event::Start(start.with_outside(outside))
    });
    for warning in &plan.warnings {
        ward.recorder
            .record(|header| Event::Warning(Warning::new(header, "policy", warning.clone())));
    }
}

/// A jail that was attached and runs.
struct Supervising {
    ward: Arc<Ward>,
    /// Hangs up when no process has the filter any more.
    over: OwnedFd,
    root: OwnedFd,
    pid: Pid,
    wall_time: Option<Duration>,
    started: Instant,
}

impl Supervising {
    /// Waits for the end. Nothing of the jail is alive when this returns, or a warning says so.
    fn finish(self) -> Result<Ended> {
        let Some(Life::Tree(tree)) = self.ward.life() else {
            return Err(Error::new(ErrorKind::Setup, "wait for a jail that was never attached"));
        };
        let mut limited = false;
        let mut status = None;
        let mut root_alive = true;
        let mut dying_since: Option<Instant> = None;
        let mut alone_since: Option<Instant> = None;
        loop {
            let wait = match dying_since {
                Some(_) => Some(TICK),
                None => self.wall_time.map(|limit| limit.saturating_sub(self.started.elapsed())),
            };
            // What has happened already is not waited for again.
            let root = if root_alive { self.root.as_fd() } else { self.over.as_fd() };
            let wake = if dying_since.is_some() { self.over.as_fd() } else { tree.wake() };
            let [over, ended, woken] = ready([self.over.as_fd(), root, wake], wait)?;
            if root_alive && ended {
                root_alive = false;
                // What it has left behind dies with it, as in every jail.
                tree.kill(None);
            }
            status = status.or_else(|| if root_alive { None } else { self.status() });
            if over {
                break;
            }
            if woken || tree.is_dying() {
                let since = *dying_since.get_or_insert_with(Instant::now);
                if tree.sweep() > 0 {
                    alone_since = None;
                } else if alone_since.get_or_insert_with(Instant::now).elapsed() > SETTLING
                    || since.elapsed() > DEATH
                {
                    self.survivors();
                    break;
                }
            } else if let Some(limit) = self.wall_time
                && self.started.elapsed() >= limit
            {
                limited = true;
                self.over_time(limit);
                tree.kill(None);
            }
        }
        self.ward.settle(SETTLING);
        let status = status.or_else(|| self.wait_for_status());
        let ending =
            status.map(|status| match jailkeeper_sys::process::Ending::from_status(status) {
                jailkeeper_sys::process::Ending::Code(code) => Ending::Code(code),
                jailkeeper_sys::process::Ending::Signal(signal) => Ending::Signal(signal),
            });
        if let Some(life) = self.ward.life() {
            life.clear_up();
        }
        self.record_exit(ending, limited);
        let report = self.ward.recorder.report(Clone::clone);
        self.ward.recorder.close();
        Ok(Ended { ending, report })
    }

    /// Returns how the process ended, if the kernel tells.
    fn status(&self) -> Option<i32> {
        if let Some(status) = status_of_dead(&self.root) {
            return Some(status);
        }
        // Its parent has not heard of it yet: then the status is the last field here.
        let text = target::read(self.pid, "stat");
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        (fields.next() == Some("Z")).then(|| fields.next_back()?.parse().ok())?
    }

    /// The process was killed a moment ago, and its parent may have to reap it first.
    fn wait_for_status(&self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_millis(500);
        loop {
            let status = self.status();
            if status.is_some() || Instant::now() > deadline {
                return status;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn survivors(&self) {
        self.ward.recorder.record(|header| {
            let message = "somebody has the jail's filter still, although nobody who is known is \
                           alive: a descendant whose parent died in the moment of its birth. It can \
                           open nothing";
            Event::Warning(Warning::new(header, "survivors", message))
        });
    }

    fn over_time(&self, limit: Duration) {
        let used = self.started.elapsed().as_secs_f64();
        self.ward.recorder.record(|header| {
            Event::Limit(Limit::new(header, "wall-time", limit.as_secs_f64(), used, "seconds"))
        });
    }

    fn record_exit(&self, ending: Option<Ending>, limited: bool) {
        // Somebody else's child: what it used before and after is told to its parent alone.
        let usage = Usage { wall: self.started.elapsed().as_secs_f64(), ..Usage::default() };
        self.ward.recorder.exit(End { ending, usage, limited, killing: None });
    }
}

/// Waits until one of the descriptors is ready or hangs up.
fn ready(fds: [BorrowedFd<'_>; 3], wait: Option<Duration>) -> Result<[bool; 3]> {
    let wait = wait.map(|wait| Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: wait.subsec_nanos().into(),
    });
    let mut polled = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    match poll(&mut polled, wait.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error).step("wait for the jail"),
    }
    Ok(polled.map(|fd| !fd.revents().is_empty()))
}
