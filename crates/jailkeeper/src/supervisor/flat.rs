//! Raising a jail that has no namespaces: a reaper, the command, one watch.

use super::{Running, Supervisor};
use crate::death::{Life, Reaper};
use crate::error::{Error, ErrorKind, Result, Step as _};
use crate::launch::{PROVEN, READY, SEALED};
use crate::ward::Phase;
use crate::watch::flat;
use jailkeeper_sys::child::{Message, Notice};
use jailkeeper_sys::process::Ending;
use rustix::process::{Pid, PidfdFlags};
use std::os::fd::OwnedFd;

/// What came together while the jail was raised.
#[derive(Default)]
struct Parts {
    command: Option<(Pid, OwnedFd)>,
    listening: bool,
    sealed: bool,
    proven: bool,
}

impl Supervisor {
    /// Raises the jail from its first process up to the program's first instruction.
    pub(super) fn raise_flat(&mut self, reaper: Pid) -> Result<Running> {
        let mut parts = Parts { listening: self.ward.plan.unwatched, ..Parts::default() };
        while parts.command.is_none() {
            self.next_flat_part(&mut parts)?;
        }
        let (pid, command) = parts
            .command
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Setup, "find the command's process"))?;
        self.command = Some(command.try_clone().step("keep hold of the command")?);
        self.hold_reaper(reaper, pid)?;
        self.prepared.control.go().step("let the command restrict itself")?;
        while !(parts.listening && parts.sealed) {
            self.next_flat_part(&mut parts)?;
        }
        self.ward.enter(Phase::Canary);
        self.prepared.control.go().step("let the command try the canary")?;
        while !parts.proven {
            self.next_flat_part(&mut parts)?;
        }
        let terminal = self.prepared.flat.as_mut().and_then(|flat| flat.terminal.take());
        self.seal(pid)?;
        Ok(Running { pid, command, terminal })
    }

    /// Takes hold of the reaper, and sees to it that the command is in its control group.
    fn hold_reaper(&mut self, reaper: Pid, command: Pid) -> Result<()> {
        let flat = self.prepared.flat.as_mut();
        let (life, group) = flat.map_or((None, None), |flat| (flat.life.take(), flat.group.take()));
        let life = life.ok_or_else(|| Error::new(ErrorKind::Setup, "hold the jail's life"))?;
        // It begins in its group where the kernel lets it. To be moved is slow: for that the kernel
        // holds up every fork and exec of the machine.
        if let Some(group) = group.as_ref().filter(|group| !group.holds(command)) {
            group.take(command).step("move the command into its control group")?;
        }
        let reaper = Reaper::hold(reaper, life, group).step("take hold of the jail's reaper")?;
        self.ward.set_life(Life::Reaper(reaper));
        Ok(())
    }

    /// Takes in the next message of the jail's processes.
    fn next_flat_part(&mut self, parts: &mut Parts) -> Result<()> {
        let message = self.prepared.control.receive().step("hear from the jail's processes")?;
        let Some(Message { sender, notice }) = message else {
            return Err(Error::new(ErrorKind::Setup, "hear from the jail's processes")
                .because("they ended without a word"));
        };
        match notice {
            Notice::Failed { depth, step, errno } => return Err(self.failure(depth, step, errno)),
            Notice::Reached(READY) => {
                let pid = sender
                    .ok_or_else(|| Error::new(ErrorKind::Setup, "learn the pid of the command"))?;
                let command = rustix::process::pidfd_open(pid, PidfdFlags::empty())
                    .step("take hold of the command")?;
                parts.command = Some((pid, command));
            }
            Notice::Descriptor(listener) => {
                parts.listening = true;
                self.watch("jail notify", listener, flat::serve)?;
            }
            Notice::Reached(SEALED) => {
                parts.sealed = true;
                self.sealed = true;
            }
            Notice::Reached(PROVEN) => parts.proven = true,
            Notice::Ended(status) => {
                return Err(Error::new(ErrorKind::Setup, "start the command")
                    .because(format!("it ended early: {:?}", Ending::from_status(status))));
            }
            Notice::Reached(_) | Notice::Listener(_) => {}
        }
        Ok(())
    }
}
