//! Raising walls inside of stopped processes.
//!
//! First everything that can fail without leaving anything behind ([`Building::prepare`]): memory
//! for arguments, the ruleset as a descriptor. Then the walls ([`Building::raise`]), from which
//! there is no way back: whoever fails there must not go on. Nobody runs in between, so that no
//! thread of the family acts while another one has walls and it has none.

use super::family::{self, Process, Table};
use super::outside::Found;
use crate::error::{Error, ErrorKind, Result, Step as _};
use jailkeeper_model::{OutsideKind, OutsideState};
use jailkeeper_sys::bpf::Program;
use jailkeeper_sys::inject::{self, Desk};
use rustix::io::Errno;
use rustix::process::Signal;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// How long killed processes are waited for.
const DEATH: Duration = Duration::from_secs(5);

/// Stopped processes that are getting walls.
pub(super) struct Building {
    rooms: Vec<Room>,
}

/// A process with a desk in it.
struct Room {
    process: Process,
    desk: Option<Desk>,
    /// The ruleset's number in each of its tables.
    rulesets: Vec<RawFd>,
}

impl Building {
    pub(super) fn of(processes: Vec<Process>) -> Self {
        let room = |process| Room { process, desk: None, rulesets: Vec::new() };
        Self { rooms: processes.into_iter().map(room).collect() }
    }

    /// Brings in what the walls are made of. If it fails everything is taken out again, and the
    /// processes go on as if nothing had been.
    pub(super) fn prepare(mut self, ruleset: BorrowedFd<'_>) -> Result<Self> {
        match self.rooms.iter_mut().try_for_each(|room| room.prepare(ruleset)) {
            Ok(()) => Ok(self),
            Err(error) => {
                self.let_go();
                Err(error)
            }
        }
    }

    /// Lets everybody go without walls.
    pub(super) fn let_go(self) {
        for mut room in self.rooms {
            room.clear();
            family::let_go(vec![room.process]);
        }
    }

    /// Closes descriptors and takes away rings that are not to be kept.
    pub(super) fn close(&mut self, found: &[Found], states: &[OutsideState]) -> Result<()> {
        for (found, _) in
            found.iter().zip(states).filter(|(_, state)| **state == OutsideState::Closed)
        {
            let own = |room: &&mut Room| room.process.pid.as_raw_pid().unsigned_abs() == found.pid;
            let Some(room) = self.rooms.iter_mut().find(own) else { continue };
            room.close(found).map_err(|error| room.failed("close what lies outside", error))?;
        }
        Ok(())
    }

    /// Lets every thread make a step that does nothing: what was closed goes only when those who had
    /// it have done what the kernel asks of them then.
    pub(super) fn settle(&mut self) -> Result<()> {
        for room in &mut self.rooms {
            room.settle().map_err(|error| room.failed("close what lies outside", error))?;
        }
        Ok(())
    }

    /// Raises the walls. Returns the listeners. After an error nobody may go on.
    pub(super) fn raise(&mut self, program: &Program) -> Result<Vec<OwnedFd>> {
        for room in &mut self.rooms {
            room.restrict().map_err(|error| room.failed("restrict", error))?;
        }
        let filtered = |room: &mut Room| {
            room.filter(program).map_err(|error| room.failed("install the seccomp filter", error))
        };
        self.rooms.iter_mut().map(filtered).collect()
    }

    /// Lets every thread try the canary, which each of its walls must refuse.
    pub(super) fn prove(&mut self) -> Result<()> {
        for room in &mut self.rooms {
            room.prove().map_err(|error| room.failed("see the canary refused", error))?;
        }
        Ok(())
    }

    /// Lets everybody go, with walls.
    pub(super) fn finish(self) {
        for mut room in self.rooms {
            room.clear();
            family::let_go(vec![room.process]);
        }
    }

    /// Ends everybody, when walls stand in part.
    pub(super) fn demolish(self) {
        let processes: Vec<_> = self.rooms.into_iter().map(|room| room.process).collect();
        for process in &processes {
            for table in &process.tables {
                let _ = rustix::process::pidfd_send_signal(&table.pidfd, Signal::KILL);
            }
            // Nobody of it runs, so the number is its own still.
            let _ = rustix::process::kill_process(process.pid, Signal::KILL);
        }
        let deadline = Instant::now() + DEATH;
        while Instant::now() < deadline
            && !matches!(inject::next_stop(), Err(error) if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()))
        {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Room {
    fn failed(&self, step: &str, error: io::Error) -> Error {
        let pid = self.process.pid.as_raw_pid();
        Error::new(ErrorKind::Setup, format!("{step} in process {pid}")).because(error)
    }

    fn prepare(&mut self, ruleset: BorrowedFd<'_>) -> Result<()> {
        for thread in self.process.threads_mut() {
            // From now on it could not go on alone.
            inject::bind_life(thread.thread()).step("hold on to a thread")?;
        }
        self.bring_in(ruleset).map_err(|error| {
            let full = error.raw_os_error() == Some(Errno::MFILE.raw_os_error());
            let refused = error.raw_os_error() == Some(Errno::PERM.raw_os_error());
            let error = self.failed("bring in the ruleset", error);
            match (full, refused) {
                (true, _) => error.with_hint("it has no free descriptor: raise its `ulimit -n`"),
                (_, true) => error
                    .with_hint("in a container, allow the `ptrace` and `pidfd_getfd` system calls"),
                _ => error,
            }
        })?;
        let dumpable = self.is_dumpable().map_err(|error| self.failed("look at", error))?;
        if dumpable {
            Ok(())
        } else {
            Err(super::target::Obstacle::Hidden.error(self.process.pid.as_raw_pid().unsigned_abs()))
        }
    }

    fn bring_in(&mut self, ruleset: BorrowedFd<'_>) -> io::Result<()> {
        let gone = || io::Error::from(Errno::SRCH);
        let first = self.process.threads_mut().next().ok_or_else(gone)?;
        self.desk = Some(Desk::make(first.thread(), first)?);
        let desk = self.desk.as_ref().ok_or_else(gone)?;
        for Table { pidfd, threads } in &mut self.process.tables {
            let first = threads.first_mut().ok_or_else(gone)?;
            self.rulesets.push(desk.hand_over(first, pidfd.as_fd(), ruleset)?);
        }
        Ok(())
    }

    fn is_dumpable(&mut self) -> io::Result<bool> {
        let first = self.process.tables.iter_mut().find_map(|table| table.threads.first_mut());
        match (&self.desk, first) {
            (Some(desk), Some(first)) => desk.is_dumpable(first),
            _ => Ok(false),
        }
    }

    fn close(&mut self, found: &Found) -> io::Result<()> {
        let Some(desk) = &self.desk else { return Ok(()) };
        let table = found.descriptor.map_or(0, |(table, _)| table);
        let table = self.process.tables.get_mut(table);
        let Some(first) = table.and_then(|table| table.threads.first_mut()) else { return Ok(()) };
        if let Some((_, number)) = found.descriptor {
            desk.close(first, number)?;
        }
        match found.range {
            Some((start, end)) if found.kind == OutsideKind::Ring => {
                desk.unmap(first, start, end.saturating_sub(start))
            }
            _ => Ok(()),
        }
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some(desk) = &self.desk else { return Ok(()) };
        for thread in self.process.tables.iter_mut().flat_map(|table| &mut table.threads) {
            desk.is_dumpable(thread)?;
        }
        Ok(())
    }

    /// Landlock on every thread, for each is a subject of its own.
    fn restrict(&mut self) -> io::Result<()> {
        let Some(desk) = &self.desk else { return Err(Errno::INVAL.into()) };
        for (table, ruleset) in self.process.tables.iter_mut().zip(&self.rulesets) {
            for thread in &mut table.threads {
                desk.renounce(thread)?;
                desk.restrict(thread, *ruleset)?;
            }
            if let Some(first) = table.threads.first_mut() {
                desk.close(first, *ruleset)?;
            }
        }
        self.rulesets.clear();
        Ok(())
    }

    /// The filter on all threads at once. It is the last wall, because it governs these calls too.
    fn filter(&mut self, program: &Program) -> io::Result<OwnedFd> {
        let table = self.process.tables.first_mut();
        let (Some(desk), Some(table)) = (&self.desk, table) else {
            return Err(Errno::INVAL.into());
        };
        let first = table.threads.first_mut().ok_or(Errno::SRCH)?;
        let number = desk.filter(first, program)?;
        let listener = inject::fetch(table.pidfd.as_fd(), number);
        desk.close(first, number)?;
        listener
    }

    fn prove(&mut self) -> io::Result<()> {
        let Some(desk) = &self.desk else { return Err(Errno::INVAL.into()) };
        for thread in self.process.tables.iter_mut().flat_map(|table| &mut table.threads) {
            let error = desk.try_root(thread)?;
            if error.raw_os_error() != Some(Errno::ACCESS.raw_os_error()) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes out what was brought in.
    fn clear(&mut self) {
        let Some(desk) = self.desk.take() else { return };
        for (table, ruleset) in self.process.tables.iter_mut().zip(self.rulesets.drain(..)) {
            if let Some(first) = table.threads.first_mut() {
                let _ = desk.close(first, ruleset);
            }
        }
        if let Some(first) = self.process.threads_mut().next() {
            let _ = desk.leave(first);
        }
    }
}
