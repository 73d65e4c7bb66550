//! Stopping a process with all its threads and all its descendants.
//!
//! The race: threads and processes are born while the others are being stopped. What a thread makes
//! after it was seized is traced from its birth on and stops before its first instruction. What it
//! has made before is found by looking again: the family is whole when everybody who is known has
//! stopped and a whole look finds nobody new, because nobody is left who could make somebody.
//!
//! A parent that waits for its `vfork` cannot be stopped before its child has executed or ended. If
//! the child was stopped first, both would wait for ever; so it is let go until then.
//!
//! Not found is a descendant whose parent had ended before: it belongs to the host's init.

use super::target::{self, Own};
use crate::error::{Error, ErrorKind, Result};
use jailkeeper_sys::inject::{self, Frozen};
use jailkeeper_sys::process::{Shared, share};
use jailkeeper_sys::ptrace::{Stop, interrupt};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long everybody may take to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nobody may stop before it is asked who waits for whom.
const STUCK: Duration = Duration::from_millis(5);
/// How many threads are seized at most.
const THREADS_AT_MOST: usize = 32_768;
const CLONE_VFORK: u64 = 0x4000;

/// A process all of whose threads are stopped.
pub(super) struct Process {
    pub(super) pid: Pid,
    /// Its threads, by the table of descriptors that they share: nearly always one.
    pub(super) tables: Vec<Table>,
}

/// Threads that share a table of descriptors.
pub(super) struct Table {
    /// Names the first of them, to fetch descriptors by.
    pub(super) pidfd: OwnedFd,
    pub(super) threads: Vec<Frozen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was told to stop.
    Running,
    Stopped,
    /// A child of a `vfork`, which goes on until its parent can.
    Released,
}

/// Threads that are being stopped.
struct Herd<'a> {
    own: &'a Own,
    threads: BTreeMap<i32, State>,
    /// Processes that were looked at and have no obstacle.
    good: BTreeSet<i32>,
    deadline: Instant,
}

/// Stops a process and its descendants, the root first. On an error all go on as if nothing had
/// been.
pub(super) fn stop(root: Pid, own: &Own) -> Result<Vec<Process>> {
    let deadline = Instant::now() + PATIENCE;
    let mut herd = Herd { own, threads: BTreeMap::new(), good: BTreeSet::new(), deadline };
    let stopped = herd.stop_all(root);
    match stopped.and_then(|order| herd.freeze(&order)) {
        Ok(processes) => Ok(processes),
        Err(error) => {
            herd.let_go();
            Err(error)
        }
    }
}

/// Tells whether some of the processes share their memory: then what one of them says in memory
/// another one can change while it waits. Who cannot tell, or has too many to look at, says yes.
pub(super) fn share_memory(processes: &[Process]) -> bool {
    const LOOKED_AT: usize = 64;
    let mut rest = processes.get(..LOOKED_AT.min(processes.len())).unwrap_or(processes);
    while let [one, others @ ..] = rest {
        let shared = |other: &Process| share(one.pid, other.pid, Shared::Memory).unwrap_or(true);
        if others.iter().any(shared) {
            return true;
        }
        rest = others;
    }
    processes.len() > LOOKED_AT
}

/// Lets processes go, with what they had.
pub(super) fn let_go(processes: Vec<Process>) {
    let tables = processes.into_iter().flat_map(|process| process.tables);
    for thread in tables.flat_map(|table| table.threads) {
        let _ = thread.thaw();
    }
}

impl Herd<'_> {
    /// Returns the processes, parents before children.
    fn stop_all(&mut self, root: Pid) -> Result<Vec<Pid>> {
        loop {
            let before = self.threads.len();
            let order = self.gather(root)?;
            let gathered = self.threads.len();
            let born = self.settle()?;
            if gathered == before && !born {
                return Ok(order);
            }
        }
    }

    /// Seizes whoever is there and is not seized yet.
    fn gather(&mut self, root: Pid) -> Result<Vec<Pid>> {
        let mut order = vec![root];
        let mut at = 0;
        while let Some(process) = order.get(at).copied() {
            at += 1;
            let known = self.threads.contains_key(&process.as_raw_pid());
            if self.good.insert(process.as_raw_pid()) {
                match target::require(process, self.own, known) {
                    Ok(_) => {}
                    // A child that ended meanwhile is no obstacle.
                    Err(error) if error.kind() == ErrorKind::NotFound && process != root => {
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            self.seize_threads(process, root)?;
            for child in children(process) {
                if !order.contains(&child) {
                    order.push(child);
                }
            }
        }
        Ok(order)
    }

    fn seize_threads(&mut self, process: Pid, root: Pid) -> Result<()> {
        for thread in threads(process) {
            if self.threads.contains_key(&thread.as_raw_pid()) || target::is_worker(thread) {
                continue;
            }
            if self.threads.len() >= THREADS_AT_MOST {
                return Err(
                    failed(root).because(format!("it has more than {THREADS_AT_MOST} threads"))
                );
            }
            match inject::seize(thread) {
                Ok(()) => {}
                Err(_) if target::has_ended(thread) => continue,
                // Its birth was told of meanwhile.
                Err(_) if is_traced_here(thread) => {}
                Err(error) => return Err(explain(process, &error)),
            }
            let _ = interrupt(thread);
            self.threads.insert(thread.as_raw_pid(), State::Running);
        }
        Ok(())
    }

    /// Waits until all have stopped. Tells whether somebody was born meanwhile.
    fn settle(&mut self) -> Result<bool> {
        let mut born = false;
        let mut pause = Duration::from_micros(50);
        let mut quiet_since = Instant::now();
        while self.threads.values().any(|state| *state != State::Stopped) {
            match inject::next_stop() {
                Ok(Some((thread, stop))) => {
                    born |= self.take(thread, stop);
                    pause = Duration::from_micros(50);
                    quiet_since = Instant::now();
                    continue;
                }
                Ok(None) => {}
                Err(error) if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) => {
                    self.threads.clear();
                    return Ok(born);
                }
                Err(error) => {
                    return Err(
                        Error::new(ErrorKind::Setup, "wait for threads to stop").because(error)
                    );
                }
            }
            if quiet_since.elapsed() > STUCK {
                self.release_children();
            }
            if Instant::now() > self.deadline {
                let late = self.threads.iter().find(|(_, state)| **state != State::Stopped);
                let late = late.map_or(0, |(thread, _)| *thread);
                return Err(Error::new(ErrorKind::Setup, format!("stop thread {late}"))
                    .because("it waits for something and cannot be stopped")
                    .with_hint("try again later; a dead network file system is a usual reason"));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
        Ok(born)
    }

    /// Takes in a stop. Tells whether somebody was born.
    fn take(&mut self, thread: Pid, stop: Stop) -> bool {
        let number = thread.as_raw_pid();
        let known = self.threads.contains_key(&number);
        match stop {
            Stop::Trap | Stop::Group => {
                self.threads.insert(number, State::Stopped);
                return !known;
            }
            Stop::Born(child) => {
                self.threads.entry(child.as_raw_pid()).or_insert(State::Running);
                self.on(thread, 0);
                return true;
            }
            Stop::Executed(former) => {
                self.threads.remove(&former.as_raw_pid());
                self.on(thread, 0);
            }
            Stop::Signal(signal) => self.on(thread, signal),
            Stop::Syscall => self.on(thread, 0),
            Stop::Ended(_) => {
                self.threads.remove(&number);
            }
        }
        !known
    }

    /// Lets a thread go on to its next stop, which it is told to make.
    fn on(&mut self, thread: Pid, signal: i32) {
        let _ = interrupt(thread);
        let _ = inject::go(thread, signal);
        self.threads.insert(thread.as_raw_pid(), State::Running);
    }

    /// Lets children go whose parent waits for their `vfork`, and stops those again whose parent
    /// has been able to stop.
    fn release_children(&mut self) {
        let running = self.threads.iter().filter(|(_, state)| **state == State::Running);
        let waiting: Vec<_> = running
            .filter_map(|(thread, _)| Pid::from_raw(*thread))
            .filter(|thread| waits_for_child(*thread))
            .flat_map(children)
            .map(Pid::as_raw_pid)
            .collect();
        for (thread, state) in &mut self.threads {
            let Some(thread_id) = Pid::from_raw(*thread) else { continue };
            match *state {
                State::Stopped if waiting.contains(thread) && inject::go(thread_id, 0).is_ok() => {
                    *state = State::Released;
                }
                State::Released if !waiting.contains(thread) => {
                    let _ = interrupt(thread_id);
                    *state = State::Running;
                }
                _ => {}
            }
        }
    }

    /// Takes hold of what the stopped threads will go on with.
    fn freeze(&mut self, order: &[Pid]) -> Result<Vec<Process>> {
        let mut processes = Vec::new();
        let frozen = self.freeze_all(order, &mut processes);
        match frozen {
            Ok(()) => Ok(processes),
            Err(error) => {
                let_go(processes);
                Err(error)
            }
        }
    }

    fn freeze_all(&mut self, order: &[Pid], processes: &mut Vec<Process>) -> Result<()> {
        for pid in order {
            processes.push(Process { pid: *pid, tables: Vec::new() });
            let Some(process) = processes.last_mut() else { continue };
            for thread in threads(*pid) {
                if self.threads.get(&thread.as_raw_pid()) != Some(&State::Stopped) {
                    continue;
                }
                let frozen = Frozen::take(thread).map_err(|error| explain(*pid, &error))?;
                self.threads.remove(&thread.as_raw_pid());
                process.add(frozen)?;
            }
            if process.tables.is_empty() {
                processes.pop();
            }
        }
        match processes.first() {
            Some(first) if Some(&first.pid) == order.first() => Ok(()),
            _ => Err(failed(order.first().copied().unwrap_or(Pid::INIT)).because("it has ended")),
        }
    }

    /// Lets everybody go who is stopped. The others go on when this thread ends.
    fn let_go(&mut self) {
        for (thread, state) in std::mem::take(&mut self.threads) {
            if state == State::Stopped
                && let Some(thread) = Pid::from_raw(thread)
            {
                match Frozen::take(thread) {
                    Ok(frozen) => drop(frozen.thaw()),
                    Err(_) => drop(inject::detach(thread)),
                }
            }
        }
    }
}

impl Process {
    /// Adds a thread to those that it shares descriptors with.
    fn add(&mut self, frozen: Frozen) -> Result<()> {
        for table in &mut self.tables {
            let Some(first) = table.threads.first() else { continue };
            // Who cannot tell says that they do not: then both are looked at.
            if share(first.thread(), frozen.thread(), Shared::Descriptors)
                .is_ok_and(|shared| shared)
            {
                table.threads.push(frozen);
                return Ok(());
            }
        }
        let thread = frozen.thread();
        // `PIDFD_THREAD`, for one that is not the first of its process. Since Linux 6.9.
        let of_thread = PidfdFlags::from_bits_retain(rustix::fs::OFlags::EXCL.bits());
        let flags = if thread == self.pid { PidfdFlags::empty() } else { of_thread };
        match rustix::process::pidfd_open(thread, flags) {
            Ok(pidfd) => {
                self.tables.push(Table { pidfd, threads: vec![frozen] });
                Ok(())
            }
            Err(error) => {
                let _ = frozen.thaw();
                Err(failed(self.pid).because(io::Error::from(error)))
            }
        }
    }

    pub(super) fn threads_mut(&mut self) -> impl Iterator<Item = &mut Frozen> {
        self.tables.iter_mut().flat_map(|table| &mut table.threads)
    }
}

fn failed(pid: Pid) -> Error {
    Error::new(ErrorKind::Unsupported, format!("attach to process {}", pid.as_raw_pid()))
}

/// Makes the sentence for a process that cannot be seized.
fn explain(pid: Pid, error: &io::Error) -> Error {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::PERM) => failed(pid)
            .because("the kernel does not let it be traced")
            .with_hint("run jailkeeper as its user or as root; in a container allow `ptrace`"),
        Some(Errno::NOEXEC) => failed(pid)
            .because("it runs another ABI than jailkeeper, such as 32-bit code")
            .with_hint("start the program in a jail instead: `jailkeeper run`"),
        _ => failed(pid).because(io::Error::from(
            error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error),
        )),
    }
}

fn is_traced_here(thread: Pid) -> bool {
    let me = rustix::thread::gettid().as_raw_pid();
    let status = target::read(thread, "status");
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.and_then(|tracer| tracer.trim().parse().ok()) == Some(me)
}

/// Tells whether a thread is in a call that ends when its child has executed.
fn waits_for_child(thread: Pid) -> bool {
    let text = target::read(thread, "syscall");
    let mut words = text.split_ascii_whitespace();
    let number = words.next().and_then(|word| word.parse().ok());
    let first = words.next().and_then(|word| word.strip_prefix("0x"));
    let flags = first.and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or(0);
    // By their names: not every machine has `vfork`.
    match number.and_then(syscalls::Sysno::new).map(|call| call.name()) {
        // The flags of `clone3` are in memory; whoever else is in it is there for a moment.
        Some("vfork" | "clone3") => true,
        Some("clone") => flags & CLONE_VFORK != 0,
        _ => false,
    }
}

pub(super) fn threads(process: Pid) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_pid())) else {
        return Vec::new();
    };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

/// Lists the children of a process or thread.
fn children(process: Pid) -> Vec<Pid> {
    crate::death::children(process)
}
