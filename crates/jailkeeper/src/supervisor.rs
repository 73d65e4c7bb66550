//! The thread that raises a jail, waits for its end and sees to it that it comes.
//!
//! It is the parent of the jail's processes: when this thread ends, however it ends, the kernel
//! kills the jail's init (`PR_SET_PDEATHSIG`), and with it the jail.

mod flat;

use crate::child::{self, Ended, UNWATCHED, WALL_LOST, WEAKER};
use crate::death::{Init, Life};
use crate::error::{Error, ErrorKind, Result, Step as _};
use crate::launch::{PROVEN, Prepared, SEALED, id_map, mapped};
use crate::recorder::End;
use crate::ward::{Phase, Ward};
use crate::watch::newcomers::{Newcomers, News};
use crate::watch::{notify, tripwire};
use jailkeeper_model::{Event, Failure, Limit, Start, Strength, Usage, Warning};
use jailkeeper_sys::child::{Message, Notice, Program, Step};
use jailkeeper_sys::process::{Ending, take_short_turns, wait, write_maps};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long the end of a jail waits for a watch that is still at a request.
const SETTLING: Duration = Duration::from_secs(1);

/// A jail whose program runs.
pub(crate) struct Running {
    pub(crate) pid: Pid,
    pub(crate) command: OwnedFd,
    pub(crate) terminal: Option<OwnedFd>,
}

/// A running jail as its [`Child`](crate::Child) holds it.
pub(crate) struct Held {
    pub(crate) ward: Arc<Ward>,
    pub(crate) running: Running,
}

impl child::Hold for Held {
    fn id(&self) -> u32 {
        self.running.pid.as_raw_pid().unsigned_abs()
    }

    fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.running.terminal.as_ref().map(AsFd::as_fd)
    }

    fn signal(&self, signal: Signal) -> std::io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.running.command, signal)?)
    }

    fn kill(&self) {
        if let Some(life) = self.ward.life() {
            life.kill_all();
        }
    }
}

/// Raises one jail.
pub(crate) struct Supervisor {
    ward: Arc<Ward>,
    prepared: Prepared,
    wall_time: Option<Duration>,
    started: Instant,
    /// Children that are not reaped yet.
    unreaped: Vec<Pid>,
    /// The jail's table of mounts, if decoys depend on it.
    mounts: Option<OwnedFd>,
    /// The watch on denied names that are not there yet.
    newcomers: Option<Newcomers>,
    /// The command of a jail without namespaces, whose death nothing else brings about until the
    /// jail is sealed.
    command: Option<OwnedFd>,
    /// The reaper of such a jail is at its work.
    sealed: bool,
    /// How the command ended, once it has.
    status: Option<i32>,
    /// Where the finished jail waits to be let go, if it is raised ahead.
    gate: Option<Gate>,
    remains: Remains,
}

/// What outlives a jail for a moment: its mounts, and the watches that end with them.
///
/// Whoever holds a mount namespace keeps its mounts. Without that, the jail's init would take them
/// down while it ends, which takes longer than everything else about the end of a short command,
/// and nobody has to wait for it to know that nothing is alive.
pub(crate) struct Remains {
    mounts: Option<OwnedFd>,
    /// Each watch holds a sender as long as it is at work.
    watching: Option<(Sender<()>, Receiver<()>)>,
}

impl Remains {
    fn new() -> Self {
        Self { mounts: None, watching: Some(channel()) }
    }

    /// Lets the mounts go and waits for the watches to end, which they do with the jail's mounts
    /// and processes. One that hangs on a dead file system is left behind.
    fn clear_up(&mut self) {
        drop(self.mounts.take());
        if let Some((sender, receiver)) = self.watching.take() {
            drop(sender);
            // Nothing is ever sent: it ends when the last sender is gone.
            let _ = receiver.recv_timeout(SETTLING);
        }
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        self.clear_up();
    }
}

/// Where a jail that was raised ahead waits.
pub(crate) struct Gate {
    /// Told that it waits.
    pub(crate) raised: Sender<()>,
    /// Says that it may go. When the other end is dropped, it is taken down again.
    pub(crate) go: Receiver<()>,
}

/// What came together while the jail was raised.
#[derive(Default)]
struct Parts {
    device: bool,
    memory: Vec<OwnedFd>,
    terminal: Option<OwnedFd>,
    init: Option<Pid>,
    command: Option<(Pid, OwnedFd)>,
    proven: bool,
}

impl Supervisor {
    pub(crate) fn new(
        ward: Arc<Ward>,
        prepared: Prepared,
        wall_time: Option<Duration>,
        gate: Option<Gate>,
    ) -> Self {
        Self {
            gate,
            ward,
            prepared,
            wall_time,
            started: Instant::now(),
            unreaped: Vec::new(),
            mounts: None,
            newcomers: None,
            command: None,
            sealed: false,
            status: None,
            remains: Remains::new(),
        }
    }

    /// Raises the jail up to the program's first instruction.
    pub(crate) fn raise(&mut self) -> Result<Running> {
        self.ward.pace.keep_together();
        let raised = self.start_builder().and_then(|builder| self.raise_from(builder));
        self.ward.pace.let_go();
        // Until the canary is tried, all that can fail but for the caller's own mistakes is a step
        // that this machine refuses.
        let refused =
            |error: &Error| matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Setup);
        let building = self.ward.phase() == Phase::Building;
        let raised = raised.map_err(|error| match building && refused(&error) {
            true => error.of_the_machine(),
            false => error,
        });
        if let Err(error) = &raised {
            if self.ward.phase() == Phase::Sealed {
                // There was a start event: this one takes it back.
                self.ward.recorder.record(|header| {
                    let hint = error.hint().map(str::to_owned);
                    let kind = error.kind().code();
                    Event::Failure(Failure::new(header, kind, error.sentence(), hint))
                });
            }
            self.end_everything();
            self.remains.clear_up();
        }
        raised
    }

    fn start_builder(&mut self) -> Result<Pid> {
        let builder = self.prepared.launch.start(&self.prepared.control).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "make a process in new namespaces")
                .because(error)
                .with_hint("run `jailkeeper doctor` to see what this machine lacks")
        })?;
        self.unreaped.push(builder);
        self.prepared.let_go();
        Ok(builder)
    }

    fn raise_from(&mut self, first: Pid) -> Result<Running> {
        match self.ward.plan.strength() {
            Strength::Flat => self.raise_flat(first),
            _ => self.raise_full(first),
        }
    }

    fn raise_full(&mut self, builder: Pid) -> Result<Running> {
        let identity = self.ward.plan.identity;
        if identity.changed {
            write_maps(builder, &id_map(identity.user), &id_map(identity.group)).map_err(|error| {
                Error::new(ErrorKind::Unsupported, "map the jail's user").because(error).with_hint(
                    "root of a container may not map this id: run jailkeeper as an ordinary user",
                )
            })?;
            self.prepared.control.go().step("let the builder go on")?;
            self.give_trees()?;
        }
        let mut parts = Parts::default();
        let (init, command) = loop {
            if let (Some(init), Some((command, _))) = (parts.init, &parts.command) {
                break (init, *command);
            }
            self.next_part(&mut parts)?;
        };
        wait(builder).step("wait for the builder")?;
        self.unreaped.retain(|pid| *pid != builder);
        let init = Init::hold(init, command).step("take hold of the jail's init")?;
        self.ward.set_life(Life::Init(init));
        let memory = self.prepared.memory_trees.iter().cloned().zip(parts.memory.drain(..));
        self.ward.set_memory(memory.collect());
        self.ward.enter(Phase::Canary);
        self.prepared.control.go().step("let the command try the canary")?;
        while !parts.proven {
            self.next_part(&mut parts)?;
        }
        let (pid, command) = parts
            .command
            .ok_or_else(|| Error::new(ErrorKind::Setup, "find the command's process"))?;
        self.mounts = self.open_mounts(pid)?;
        let namespace = format!("/proc/{}/ns/mnt", pid.as_raw_pid());
        let namespace = std::fs::File::open(namespace).step("hold the jail's mounts")?;
        self.remains.mounts = Some(namespace.into());
        self.seal(pid)?;
        Ok(Running { pid, command, terminal: parts.terminal })
    }

    /// Gives the builder the mounts that only this process can make, one by one.
    fn give_trees(&self) -> Result<()> {
        let plan = &self.ward.plan;
        for tree in self.prepared.given.iter().filter_map(|path| plan.trees.at(path)) {
            let mount = mapped(plan, tree).map_err(|error| error.at(tree.path.as_path()))?;
            if self.prepared.control.give(mount).is_err() {
                // It has ended, and has said why.
                break;
            }
        }
        Ok(())
    }

    /// Declares the jail finished, once the canary was refused, and lets the command go.
    fn seal(&mut self, pid: Pid) -> Result<()> {
        if !self.ward.canary_was_seen() {
            return Err(Error::new(ErrorKind::Setup, "see the canary through all watches")
                .with_hint(
                    "the jail was not started; please report this with `jailkeeper doctor`",
                ));
        }
        if let Some(Gate { raised, go }) = self.gate.take() {
            self.ward.pace.let_go();
            let released = raised.send(()).is_ok() && go.recv().is_ok();
            if !released {
                return Err(Error::new(ErrorKind::Setup, "wait for a use of the jail"));
            }
        }
        let plan = &self.ward.plan;
        let appear = !plan.trees.watched.is_empty();
        self.newcomers = appear.then(|| Newcomers::watch(plan)).transpose()?;
        self.ward.enter(Phase::Sealed);
        self.announce(pid);
        self.started = Instant::now();
        self.prepared.control.go().step("let the command go")?;
        self.until_executed()
    }

    /// Opens the jail's table of mounts, to hear when one of its decoys is gone.
    fn open_mounts(&self, command: Pid) -> Result<Option<OwnedFd>> {
        if self.ward.plan.trees.covers.is_empty() {
            return Ok(None);
        }
        let path = format!("/proc/{}/mountinfo", command.as_raw_pid());
        let file = std::fs::File::open(path).step("watch the jail's mounts")?;
        let mounts = OwnedFd::from(file);
        Ok(Some(mounts))
    }

    /// Takes in the next message of the jail's processes.
    fn next_part(&mut self, parts: &mut Parts) -> Result<()> {
        let message = self.prepared.control.receive().step("hear from the jail's processes")?;
        let Some(Message { sender, notice }) = message else {
            return Err(Error::new(ErrorKind::Setup, "hear from the jail's processes")
                .because("they ended without a word"));
        };
        match notice {
            Notice::Failed { depth, step, errno } => {
                // The init is this process's child, of which nothing else has told yet.
                if let (1, None, Some(init)) = (depth, parts.init, sender) {
                    self.unreaped.push(init);
                }
                return Err(self.failure(depth, step, errno));
            }
            Notice::Descriptor(fd) if !parts.device => {
                parts.device = true;
                self.watch("jail tripwire", fd, tripwire::serve)?;
            }
            Notice::Descriptor(fd) => {
                if parts.memory.len() < self.prepared.memory_trees.len() {
                    parts.memory.push(fd);
                } else {
                    crate::stdio::fit(&fd);
                    parts.terminal = Some(fd);
                }
            }
            Notice::Reached(SEALED) => {
                let pid = sender.ok_or_else(|| {
                    Error::new(ErrorKind::Setup, "learn the pid of the jail's init")
                })?;
                self.unreaped.push(pid);
                parts.init = Some(pid);
            }
            Notice::Reached(PROVEN) => parts.proven = true,
            Notice::Listener(number) => {
                let pid = sender
                    .ok_or_else(|| Error::new(ErrorKind::Setup, "learn the pid of the command"))?;
                let (command, listener) = take_listener(pid, number)?;
                self.watch("jail notify", listener, notify::serve)?;
                parts.command = Some((pid, command));
            }
            Notice::Ended(status) => {
                return Err(Error::new(ErrorKind::Setup, "start the command")
                    .because(format!("it ended early: {:?}", Ending::from_status(status))));
            }
            Notice::Reached(_) => {}
        }
        Ok(())
    }

    /// Starts a watch on a thread of its own.
    fn watch(&self, name: &str, fd: OwnedFd, serve: fn(&Arc<Ward>, OwnedFd)) -> Result<()> {
        let ward = Arc::clone(&self.ward);
        let at_work = self.remains.watching.as_ref().map(|(sender, _)| sender.clone());
        std::thread::Builder::new()
            .name(name.into())
            .stack_size(256 * 1024)
            .spawn(move || {
                // It only helps: somebody waits for each answer, and a jailbreak for its end.
                let _ = take_short_turns();
                serve(&ward, fd);
                drop(at_work);
            })
            .map(|_| ())
            .step("start a watch")
    }

    /// Waits until the command was executed, or says why it was not.
    fn until_executed(&mut self) -> Result<()> {
        loop {
            let control = self.prepared.control.as_fd();
            let ready = poll_any(
                &[(control, PollFlags::IN), (self.prepared.executed.as_fd(), PollFlags::IN)],
                None,
            )?;
            // The failure is sent before the pipe is closed.
            if ready.first() == Some(&true) {
                match self.prepared.control.receive().step("hear from the command")? {
                    Some(Message { notice: Notice::Failed { depth, step, errno }, .. }) => {
                        return Err(self.failure(depth, step, errno));
                    }
                    // It was executed and has ended already.
                    Some(Message { notice: Notice::Ended(status), .. }) => {
                        self.status = Some(status);
                        return Ok(());
                    }
                    // It was killed before it was executed, as a jailbreak perhaps: the end of
                    // the init tells all.
                    _ => return Ok(()),
                }
            }
            if ready.get(1) == Some(&true) {
                return Ok(());
            }
        }
    }

    /// Waits for the end of the jail. Nothing of it is alive when this returns; what remains can be
    /// dropped when its end was told.
    pub(crate) fn finish(mut self) -> Result<(Ended, Remains)> {
        let Some(life) = self.ward.life() else {
            return Err(Error::new(ErrorKind::Setup, "wait for a jail that was never sealed"));
        };
        let mut status = self.status;
        let mut limit = None;
        let mut control_open = true;
        if status.is_some() && matches!(life, Life::Reaper(_)) {
            life.kill_all();
        }
        let mut mounts = self.mounts.take();
        let mut newcomers = self.newcomers.take();
        loop {
            let timeout = self
                .wall_time
                .filter(|_| limit.is_none())
                .map(|limit| limit.saturating_sub(self.started.elapsed()));
            // What is over is replaced by the init, which is asked for anyway.
            let control = if control_open { self.prepared.control.as_fd() } else { life.as_fd() };
            // A change of the mounts comes as a priority event; readable the table is always.
            let changes = mounts.as_ref().map_or(life.as_fd(), AsFd::as_fd);
            let names = newcomers.as_ref().map_or(life.as_fd(), AsFd::as_fd);
            let ready = poll_any(
                &[
                    (life.as_fd(), PollFlags::IN),
                    (control, PollFlags::IN),
                    (changes, PollFlags::PRI),
                    (names, PollFlags::IN),
                ],
                timeout,
            )?;
            if ready.get(1) == Some(&true) && control_open {
                match self.prepared.control.receive() {
                    Ok(Some(Message { notice: Notice::Ended(ended), .. })) => {
                        status = Some(ended);
                        // An init ends with the command and takes the rest along.
                        if matches!(life, Life::Reaper(_)) {
                            life.kill_all();
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => control_open = false,
                }
                continue;
            }
            if ready.first() == Some(&true) {
                break;
            }
            if ready.get(2) == Some(&true) && mounts.take().is_some() {
                // First the kill: telling may have to wait for whoever reads the events.
                life.kill_all();
                self.lost_wall("something outside the jail replaced a denied file");
            }
            if ready.get(3) == Some(&true)
                && let Some(news) =
                    newcomers.as_mut().and_then(|all| all.news(&self.ward.plan.policy))
            {
                newcomers = None;
                life.kill_all();
                self.lost_wall(&match news {
                    News::Appeared(path) => {
                        format!("the denied name `{}` appeared", path.display())
                    }
                    News::Missed => "denied names can be watched for no more".to_owned(),
                });
            }
            if let (Some(wall_time), None) = (self.wall_time, limit)
                && self.started.elapsed() >= wall_time
            {
                limit = Some(wall_time);
                life.kill_all();
                self.over_time(wall_time);
            }
        }
        // Whoever has a table of mounts open keeps the mounts: the tripwire's watch would not end.
        drop(mounts);
        let (init_ending, usage) = wait(life.pid()).step("wait for the jail's init")?;
        life.clear_up();
        self.ward.settle(SETTLING);
        let ending = match status.map_or(init_ending, Ending::from_status) {
            Ending::Code(code) => child::Ending::Code(code),
            Ending::Signal(signal) => child::Ending::Signal(signal),
        };
        self.record_exit(ending, usage, limit.is_some());
        let report = self.ward.recorder.report(Clone::clone);
        self.ward.recorder.close();
        Ok((Ended { ending: Some(ending), report }, self.remains))
    }

    /// What was mounted over a denied name is gone, because something outside has replaced that
    /// name; or a denied name appeared that nothing covers. The jail could read it.
    fn lost_wall(&self, what: &str) {
        self.ward.recorder.record(|header| {
            let message = format!("{what}; the jail was killed");
            Event::Warning(Warning::new(header, WALL_LOST, message))
        });
    }

    fn over_time(&self, limit: Duration) {
        let used = self.started.elapsed().as_secs_f64();
        self.ward.recorder.record(|header| {
            Event::Limit(Limit::new(header, "wall-time", limit.as_secs_f64(), used, "seconds"))
        });
    }

    fn announce(&self, pid: Pid) {
        let plan = &self.ward.plan;
        self.ward.recorder.record(|header| {
            let pid = pid.as_raw_pid().unsigned_abs();
            let cwd = plan.cwd.as_path();
            let start = Start::new(header, pid, &plan.arguments, cwd, plan.strength());
            let walls = plan.walls_in_force().into_iter();
            let start = walls.fold(start, |start, (name, wall)| start.with_wall(name, wall));
            Event::Start(start)
        });
        if let Some(failed) = &plan.fallen_back {
            self.ward.recorder.record(|header| {
                let message = format!("strength `full` was {failed}; the jail is `flat`");
                Event::Warning(Warning::new(header, WEAKER, message))
            });
        }
        if plan.unwatched {
            self.ward.recorder.record(|header| {
                let message = "nothing is watched: what the jail may not do is refused, but it has no \
                               event, and the jail goes on";
                Event::Warning(Warning::new(header, UNWATCHED, message))
            });
        }
        for warning in &plan.warnings {
            self.ward
                .recorder
                .record(|header| Event::Warning(Warning::new(header, "policy", warning.clone())));
        }
    }

    fn record_exit(
        &self,
        ending: child::Ending,
        used: jailkeeper_sys::process::Usage,
        limited: bool,
    ) {
        let usage = Usage {
            wall: self.started.elapsed().as_secs_f64(),
            user: used.user,
            system: used.system,
            peak_memory: Some(used.peak_memory),
            processes: None,
        };
        self.ward.recorder.exit(End { ending: Some(ending), usage, limited, killing: None });
    }

    /// Ends a jail that was not raised: nothing of it is alive when this returns.
    fn end_everything(&mut self) {
        if self.sealed
            && let Some(life) = self.ward.life()
        {
            // The reaper ends when nothing else is left.
            life.kill_all();
            let _ = wait(life.pid());
            life.clear_up();
            self.unreaped.clear();
        }
        if let Some(command) = self.command.take() {
            let _ = rustix::process::pidfd_send_signal(&command, Signal::KILL);
            let _ = poll_any(&[(command.as_fd(), PollFlags::IN)], Some(SETTLING));
        }
        for pid in self.unreaped.drain(..) {
            // Not reaped, so the pid is still the child's own.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            let _ = wait(pid);
        }
        self.ward.recorder.close();
    }

    /// Makes the sentence for a step that failed.
    fn failure(&self, depth: usize, index: usize, errno: i32) -> Error {
        let mut program = &self.prepared.launch.program;
        for _ in 0..depth {
            let inner = program.steps.iter().find_map(|step| match step {
                Step::Spawn { program, .. } | Step::SpawnSharing { program, .. } => {
                    Some(&**program)
                }
                _ => None,
            });
            program = inner.unwrap_or(program);
        }
        explain(program, index, errno)
    }
}

fn explain(program: &Program, index: usize, errno: i32) -> Error {
    use std::os::unix::ffi::OsStrExt;
    let cause = std::io::Error::from_raw_os_error(errno);
    let Some(step) = program.steps.get(index) else {
        return Error::new(ErrorKind::Setup, "set up the jail").because(cause);
    };
    let not_found = errno == rustix::io::Errno::NOENT.raw_os_error();
    let (kind, hint) = match step {
        Step::Execute { candidates, .. } if not_found => {
            let name = candidates.first().map(|path| path.to_bytes()).unwrap_or_default();
            let looked_up = candidates.len() > 1;
            let at = name.iter().rposition(|byte| *byte == b'/').filter(|_| looked_up);
            let name = name.get(at.map_or(0, |at| at + 1)..).unwrap_or_default();
            return Error::new(ErrorKind::NotFound, "find the command")
                .at(std::ffi::OsStr::from_bytes(name))
                .because(cause)
                .with_hint("look at the spelling; only directories of the jail are searched");
        }
        Step::Execute { .. } => (ErrorKind::NotExecutable, None),
        Step::OpenDevice(_) => (
            ErrorKind::Unsupported,
            Some("`/dev/fuse` must be readable and writable for the caller: chmod 0666 /dev/fuse"),
        ),
        Step::ChangeDirectory(_) => (
            ErrorKind::Policy,
            Some("the working directory must be inside the jail and open to its user"),
        ),
        _ => (ErrorKind::Setup, None),
    };
    let mut error = Error::new(kind, step.describe()).because(cause);
    if let Some(path) = step.path() {
        error = error.at(std::ffi::OsStr::from_bytes(path.to_bytes()));
    }
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Fetches the filter's listener out of the command.
fn take_listener(pid: Pid, number: RawFd) -> Result<(OwnedFd, OwnedFd)> {
    let command =
        rustix::process::pidfd_open(pid, PidfdFlags::empty()).step("take hold of the command")?;
    let listener = rustix::process::pidfd_getfd(&command, number, PidfdGetfdFlags::empty())
        .map_err(|error| {
            Error::new(ErrorKind::Unsupported, "fetch the seccomp listener")
                .because(std::io::Error::from(error))
                .with_hint("in a container, allow the `pidfd_getfd` system call")
        })?;
    Ok((command, listener))
}

/// Waits until one of the descriptors is ready; all false after the time-out.
fn poll_any(fds: &[(BorrowedFd<'_>, PollFlags)], timeout: Option<Duration>) -> Result<Vec<bool>> {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let mut polled: Vec<_> = fds.iter().map(|(fd, flags)| PollFd::new(fd, *flags)).collect();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error).step("wait for the jail"),
    }
    Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect())
}
