//! The watch of strength `flat`: the listener alone.
//!
//! There is no tripwire, so everything that names a file comes here, with the name in the caller's
//! memory, where another thread can change it at any time. What the caller is answered follows one
//! rule: *no call is resumed unless a wall gives the same answer, whatever the memory then says.*
//!
//! * What Landlock governs (opening, running, creating, removing, renaming) is judged by what the
//!   memory says now and resumed. A name that was swapped meets Landlock, and is refused there
//!   without being named. So for a caller whose memory somebody else can change ([`races`]), all of
//!   it but running is done here as well.
//! * What it does not govern (permissions, owners, times, attributes; connections to unix sockets)
//!   is done here on the caller's behalf ([`behalf`], [`sockets`]): the name is read once, followed
//!   to a descriptor beneath an allowed tree, that descriptor's own name is judged, and the change
//!   is made to it.
//! * So is what Landlock cannot express: trees with something carved out of them, patterns, the
//!   caller's own entries below `/proc` ([`processes`]), the base's files of its own, shared memory
//!   under names of the jail's own ([`own_memory`]).
//!
//! When the jail is to die, nobody is answered any more: a `fork` that waits makes no child.
//!
//! The watch's thread has no capabilities, and as root it is the jail's user, so that what it does
//! on behalf is what the jail could do.

mod behalf;
mod changes;
mod listeners;
mod own_memory;
mod paths;
mod processes;
mod races;
mod sockets;
mod turns;

use super::caller::{Caller, ParkedCall};
use crate::walls::filter::{self, Call, Treatment};
use crate::ward::{Attempt, CANARY_NOTIFY, Phase, Ward};
use jailkeeper_sys::seccomp::{self, Notification};
use listeners::Listeners;
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use turns::Turns;

/// What is answered.
enum Answer {
    /// The kernel may look again: a wall stands behind whatever it sees.
    Resume,
    /// It was done on the caller's behalf.
    Done,
    /// Another thread answers.
    Later,
    Refuse(Errno),
    Descriptor {
        fd: OwnedFd,
        close_on_exec: bool,
    },
}

impl From<Result<(), Errno>> for Answer {
    fn from(result: Result<(), Errno>) -> Self {
        result.map_or_else(Self::Refuse, |()| Self::Done)
    }
}

/// One parked call.
struct Watch<'a> {
    ward: &'a Arc<Ward>,
    listener: &'a Arc<OwnedFd>,
    id: u64,
    caller: Caller,
    parked: ParkedCall,
    call: &'static Call,
}

/// Answers parked calls until the jail is gone.
pub(crate) fn serve(ward: &Arc<Ward>, listener: OwnedFd) {
    serve_all(ward, vec![listener]);
}

/// Answers the parked calls of several listeners until the last of them has no process any more.
pub(crate) fn serve_all(ward: &Arc<Ward>, listeners: Vec<OwnedFd>) {
    let identity = ward.plan.identity;
    // Docker's default profile forbids it. Then the supervisor's own mask takes permissions away as
    // well from what is made on behalf; it is the one that the jail began with.
    let _ = jailkeeper_sys::process::own_mask();
    let changed = match identity.changed {
        true => jailkeeper_sys::process::act_as(identity.user, identity.group),
        false => Ok(()),
    };
    // The jail has none either.
    let ready = changed.and_then(|()| jailkeeper_sys::process::renounce_capabilities());
    if ready.is_err() {
        // Nobody is heard, so nothing may run.
        if let Some(life) = ward.life() {
            life.kill_all();
        }
        return;
    }
    let Ok(listeners) = Listeners::of(listeners) else { return };
    let turns = Turns::of(listeners);
    std::thread::scope(|scope| turns.take(ward, scope));
}

fn is_dying(ward: &Ward) -> bool {
    ward.life().is_some_and(|life| life.holds_its_breath())
}

fn answer(ward: &Arc<Ward>, listener: &Arc<OwnedFd>, notification: &Notification) -> Answer {
    let Some(caller) = Caller::new(notification.thread) else { return Answer::Refuse(Errno::PERM) };
    if ward.phase() != Phase::Sealed {
        ward.saw_canary(CANARY_NOTIFY);
        return Answer::Resume;
    }
    if filter::is_foreign(notification.architecture, notification.number) {
        let name = format!("call {} of a foreign ABI", notification.number);
        return refuse_call(ward, caller, name);
    }
    let parked = ParkedCall { number: notification.number, arguments: notification.arguments };
    let Some(call) = filter::flat_call(parked.number) else {
        return refuse_call(ward, caller, parked.number.to_string());
    };
    if ward.sets_ids(call.name(), &parked.arguments) {
        return Answer::Refuse(Errno::PERM);
    }
    let watch = Watch { ward, listener, id: notification.id, caller, parked, call };
    match &call.treatment {
        Treatment::Path(path_call) => watch.paths(path_call),
        Treatment::Descriptor(descriptor) => {
            watch.change_descriptor(descriptor.operation, watch.argument(descriptor.descriptor))
        }
        Treatment::Socket(socket_call) => watch.socket(socket_call),
        Treatment::Process(process_call) => watch.process(process_call),
        _ => refuse_call(ward, caller, call.name().to_owned()),
    }
}

fn refuse_call(ward: &Ward, caller: Caller, name: String) -> Answer {
    let _ = ward.judge(caller, &Attempt::forbidden_call(name));
    Answer::Refuse(Errno::PERM)
}

impl Watch<'_> {
    fn argument(&self, index: u8) -> u64 {
        self.parked.arguments.get(usize::from(index)).copied().unwrap_or(0)
    }

    /// The half of an argument that the kernel takes as an `int`.
    fn int(&self, index: u8) -> u32 {
        u32::try_from(self.argument(index) & u64::from(u32::MAX)).unwrap_or(0)
    }

    /// Refuses a call of a process that the supervisor may not look into.
    fn refuse_hidden(&self) -> Answer {
        let name = format!("{} by a process that hides itself", self.call.name());
        refuse_call(self.ward, self.caller, name)
    }

    /// Fails if the caller does not wait any more: then what `/proc` said was about somebody else.
    fn still_waits(&self) -> Result<(), Errno> {
        if seccomp::is_waiting(self.listener, self.id) { Ok(()) } else { Err(Errno::SRCH) }
    }
}
