//! What becomes of calls where there is no listener.
//!
//! What Landlock governs is let through: it gives the answer. What nothing else governs is refused,
//! also where it would be harmless: telling that apart was the listener's part.

use super::super::treatment::{
    ArgumentRule, Call, Case, Condition::Masked, ENOSYS, EPERM, Intent, Outcome, ProcessCall,
    SocketCall, Treatment,
};
use super::{Leaf, call_of_full};
use jailkeeper_model::Class;
use jailkeeper_sys::seccomp::{ALLOW, errno};

/// Permission denied, as Landlock says it.
const EACCES: u16 = 13;
/// The kernel has no such sockets.
const EAFNOSUPPORT: u16 = 97;
const EPROTONOSUPPORT: u16 = 93;
/// The bits of a socket's type that are no flags.
const TYPE: u32 = 0xF;

/// Pairs reach nobody else, unless messages on them name a receiver.
const PAIR: ArgumentRule = ArgumentRule {
    argument: 1,
    cases: &[
        Case { when: Masked { mask: TYPE, value: 1 }, outcome: Outcome::Allow },
        Case { when: Masked { mask: TYPE, value: 5 }, outcome: Outcome::Allow },
    ],
    otherwise: Outcome::Refuse { errno: EPROTONOSUPPORT },
};

/// Returns what becomes of a call.
pub(super) fn leaf(call: &'static Call) -> Leaf {
    match &call.treatment {
        Treatment::Path(path) => match (path.intent, path.class, path.operation) {
            (Intent::Reads, Class::Probe, _) => Leaf::Action(ALLOW),
            // Flags and mode are in memory.
            (Intent::OpenHow { .. }, ..) => Leaf::Action(errno(ENOSYS)),
            (Intent::OpenFlags { argument }, ..) => Leaf::Makes(argument, argument + 1),
            (.., "mknod") if call.name() == "mknodat" => Leaf::Mode(2),
            (.., "mknod") => Leaf::Mode(1),
            _ if call.name() == "creat" => Leaf::Mode(1),
            (.., "chmod" | "chown" | "utime" | "setxattr" | "removexattr" | "setattr") => {
                Leaf::Action(errno(EPERM))
            }
            _ => Leaf::Action(ALLOW),
        },
        Treatment::Descriptor(_) | Treatment::Breach => Leaf::Action(errno(EPERM)),
        Treatment::Socket(socket) => match socket {
            SocketCall::Create => Leaf::Action(errno(EAFNOSUPPORT)),
            SocketCall::Pair => Leaf::Rule(&PAIR),
            SocketCall::Connect | SocketCall::Bind => Leaf::Action(errno(EACCES)),
            SocketCall::SendTo => Leaf::Pointer(4),
            // There is no socket on which they could name somebody.
            SocketCall::SendMessage | SocketCall::SendMessages => Leaf::Action(ALLOW),
        },
        Treatment::Process(process) => match process {
            ProcessCall::Fork(_) => match &call_of_full(call).treatment {
                Treatment::Arguments(rule) => Leaf::Rule(rule),
                _ => Leaf::Action(ALLOW),
            },
            ProcessCall::Settings(rule) => Leaf::Rule(rule),
            ProcessCall::Priority { .. } => Leaf::Action(errno(EPERM)),
            ProcessCall::Exit => Leaf::Action(ALLOW),
            // Landlock scopes them.
            ProcessCall::Signal { .. } => Leaf::Action(ALLOW),
        },
        Treatment::Allow => Leaf::Action(ALLOW),
        Treatment::Refuse { errno: number } => Leaf::Action(errno(*number)),
        Treatment::Arguments(rule) => Leaf::Rule(rule),
    }
}
