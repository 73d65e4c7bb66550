//! A command that is run many times: what can be done once is done once.

use crate::child::Child;
use crate::command::{Begun, Command, ground};
use crate::death::Life;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{self, Plan};
use crate::probe::Probe;
use crate::stdio::Stdio;
use crate::supervisor::Gate;
use jailkeeper_model::Strength;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A command that was prepared for many runs.
///
/// [`Command::prepare`] asks the machine, settles the policy, finds and opens what rules name, and
/// builds the filter. [`spawn`](Self::spawn) does the rest: it makes the processes, the mounts and
/// the walls, and proves them. [`spares`](Self::spares) does even that ahead: a jail then stands
/// finished, with nothing run in it, and a spawn only lets it go.
///
/// ```no_run
/// use jailkeeper::{Jail, Stdio};
///
/// let jail = Jail::builder().build()?;
/// let mut command = jail.command("./check");
/// command.stdin(Stdio::Piped).stdout(Stdio::Piped).current_dir("/srv/answers");
/// let mut prepared = command.prepare()?;
/// for _ in 0..100 {
///     prepared.spares(2)?;
///     let finished = prepared.spawn()?.wait()?;
///     assert!(finished.success());
/// }
/// # Ok::<(), jailkeeper::Error>(())
/// ```
///
/// # What may be old
///
/// A spawn looks whether every tree of the plan is still the file that was found at its path, and
/// whether the caller is still the same user. If not, it takes down all spares, plans again, and
/// fails if the policy cannot be had any more: never is an old plan used on files that were
/// replaced. Not looked at again are symbolic links that rules went through, the text of small
/// files that a jail gets as copies (`/etc/hosts`), and what profiles pass over where it is
/// missing: these are as they were when it was prepared, as in a jail that was started then.
///
/// A plan is made anew for each spawn, and there are no spares, where rules or patterns carve names
/// out of trees, at strength `flat`, and in a jail that learns. Where `full` turns out not to be had
/// after all, a spawn fails and does not fall back to `flat`, as [`Command::spawn`] may.
///
/// # Independence
///
/// Every run has namespaces, mounts, a `/tmp`, walls, watches, events and a report of its own. Jails
/// share nothing but the descriptors of this process through which their trees were found.
/// Dropping this takes all spares down and waits for their end; what was spawned goes on.
pub struct Prepared {
    command: Command,
    probe: Probe,
    strength: Strength,
    plan: Option<Arc<Plan>>,
    spares: VecDeque<Spare>,
    /// How many runs there were, to tell them apart if the command has a name.
    runs: u64,
    id: Option<String>,
}

/// A jail that was raised ahead.
struct Spare {
    begun: Begun,
    raised: Receiver<()>,
    go: Sender<()>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("command", &self.command)
            .field("spares", &self.spares.len())
            .finish_non_exhaustive()
    }
}

impl Prepared {
    pub(crate) fn new(mut command: Command) -> Result<Self> {
        if command.streams.iter().any(|stream| matches!(stream, Stdio::Descriptor(_))) {
            return Err(Error::new(ErrorKind::Policy, "prepare a command for many runs")
                .because("a stream of it is a descriptor, which the first run uses up")
                .with_hint("use `Stdio::Piped`, or give a descriptor with `Command::descriptor`"));
        }
        let probe = Probe::for_a_start();
        let strength = plan::choose(&command.jail.settings, &probe)?;
        let id = command.id.take();
        let (spares, plan) = (VecDeque::new(), None);
        let mut prepared = Self { command, probe, strength, plan, spares, runs: 0, id };
        match strength {
            Strength::Full => drop(prepared.plan()?),
            Strength::Flat => drop(prepared.command.plan(&prepared.probe)?),
            _ => prepared.command.check_monitored()?,
        }
        Ok(prepared)
    }

    /// Returns the plan if it still holds, or a new one.
    fn plan(&mut self) -> Result<Arc<Plan>> {
        if let Some(plan) = &self.plan
            && plan.can_be_used_again()
            && plan.is_still_true()
        {
            return Ok(Arc::clone(plan));
        }
        self.take_down();
        self.plan = None;
        let plan = self.command.checked_plan(&self.probe, ground(self.strength, None)?)?;
        let plan = Arc::new(plan);
        self.plan = Some(Arc::clone(&plan));
        Ok(plan)
    }

    /// Starts a run: lets a spare go if there is one, or raises a jail.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`]. Nothing runs then.
    pub fn spawn(&mut self) -> Result<Child> {
        if self.strength != Strength::Full {
            self.name_run();
            return self.command.spawn_on(&self.probe);
        }
        let plan = self.plan()?;
        while let Some(spare) = self.spares.pop_front() {
            if let Some(child) = spare.release() {
                return child;
            }
        }
        self.name_run();
        self.command.begin(plan, None, None)?.child()
    }

    /// Sees to it that so many jails stand ready, and returns when they do. Each has its processes:
    /// an init and the command before its execution.
    ///
    /// A spawn takes one away and none is raised in its place: that is the caller's to ask for,
    /// when there is time. Where a plan cannot be used again there are none, and this does nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`] that come up before the program runs.
    pub fn spares(&mut self, count: usize) -> Result<()> {
        if self.strength != Strength::Full {
            return Ok(());
        }
        let plan = self.plan()?;
        if !plan.can_be_used_again() {
            return Ok(());
        }
        let (mut fresh, mut failed) = (Vec::new(), Ok(()));
        while failed.is_ok() && self.spares.len() + fresh.len() < count {
            let ((raised, is_raised), (go, may_go)) = (channel(), channel());
            self.name_run();
            let gate = Gate { raised, go: may_go };
            match self.command.begin(Arc::clone(&plan), None, Some(gate)) {
                Ok(begun) => fresh.push(Spare { begun, raised: is_raised, go }),
                Err(error) => failed = Err(error),
            }
        }
        for spare in fresh {
            if spare.raised.recv().is_ok() {
                self.spares.push_back(spare);
            } else {
                // It says what went wrong instead of running.
                failed = failed.and(spare.begun.child().map(drop));
            }
        }
        failed
    }

    /// Returns how many jails stand ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.spares.len()
    }

    /// Gives the next run a name of its own, if the command has one.
    fn name_run(&mut self) {
        self.command.id = self.id.as_ref().map(|id| format!("{id}.{}", self.runs));
        self.runs += 1;
    }

    fn take_down(&mut self) {
        for spare in std::mem::take(&mut self.spares) {
            spare.take_down();
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.take_down();
    }
}

impl Spare {
    /// Lets it go; `None` if it has died while it waited, of a shortage of memory perhaps.
    fn release(self) -> Option<Result<Child>> {
        if !self.is_alive() || self.go.send(()).is_err() {
            self.take_down();
            return None;
        }
        Some(self.begun.child())
    }

    fn is_alive(&self) -> bool {
        let Some(life @ Life::Init(_)) = self.begun.ward.life() else { return false };
        let mut ended = [PollFd::new(life, PollFlags::IN)];
        poll(&mut ended, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
    }

    /// Ends it and waits until nothing of it is left.
    fn take_down(self) {
        let Self { begun, raised, go } = self;
        drop((raised, go));
        let _ = begun.thread.join();
    }
}
