//! What strength `flat` treats otherwise: entries that take the place of those of the table.
//!
//! At strength `full` the namespaces leave a jail nobody to act on, and mounts that are read-only
//! refuse whatever changes a file. Here the numbers of processes are the host's, so are System V
//! objects, and a file that may only be read belongs to the caller's user like any other.

use super::super::abi::NATIVE;
use super::super::treatment::{
    ArgumentRule, Call, Case, Condition::AnyBit, Condition::Equals, Condition::Masked, ENOSYS,
    EPERM, Outcome, ProcessCall, SocketCall, Treatment, refuse,
};
use std::sync::OnceLock;
use syscalls::x86_64::Sysno;

/// Inappropriate ioctl for the device.
const ENOTTY: u16 = 25;
/// Namespaces that `clone` makes.
const NEW_NAMESPACES: u32 = 0x7E02_0000;
const CLONE_THREAD: u32 = 0x1_0000;

/// A thread dies with its process, so that no more than processes need be held.
const CLONE: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[
        Case { when: AnyBit(NEW_NAMESPACES), outcome: Outcome::Refuse { errno: EPERM } },
        Case { when: AnyBit(CLONE_THREAD), outcome: Outcome::Allow },
    ],
    otherwise: Outcome::Notify,
};

const CLONE_VM: u32 = 0x100;
const CLONE_VFORK: u32 = 0x4000;
const CLONE_PARENT: u32 = 0x8000;

/// Where processes need not be held, what shares memory with its maker and does not make it wait, or
/// hides whose child it is, goes to the listener all the same: from then on no path in memory
/// stands still.
pub(in super::super) const CLONE_UNHELD: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[
        Case { when: AnyBit(NEW_NAMESPACES), outcome: Outcome::Refuse { errno: EPERM } },
        Case {
            when: Masked { mask: CLONE_VM | CLONE_THREAD | CLONE_VFORK, value: CLONE_VM },
            outcome: Outcome::Notify,
        },
        Case {
            when: Masked {
                mask: CLONE_VM | CLONE_THREAD | CLONE_PARENT,
                value: CLONE_VM | CLONE_PARENT,
            },
            outcome: Outcome::Notify,
        },
    ],
    otherwise: Outcome::Allow,
};

/// Tells whether `clone` with these flags makes a process that shares memory and is not known to
/// wait for.
pub(crate) const fn shares_memory(flags: u32) -> bool {
    flags & (CLONE_VM | CLONE_THREAD) == CLONE_VM
        && (flags & CLONE_VFORK == 0 || flags & CLONE_PARENT != 0)
}

const FORK: ArgumentRule = ArgumentRule { argument: 0, cases: &[], otherwise: Outcome::Notify };

/// Zero is the calling thread itself.
const OTHERS: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[Case { when: Equals(0), outcome: Outcome::Allow }],
    otherwise: Outcome::Notify,
};

const fn request_of(kind: u8) -> super::super::treatment::Condition {
    Masked { mask: 0xFF00, value: (kind as u32) << 8 }
}

/// Requests of `ioctl`, with those of file systems.
///
/// Many of them change a file or make one, and ask for no descriptor that was opened for writing:
/// `BTRFS_IOC_SUBVOL_CREATE`, `FS_IOC_ENABLE_VERITY`, `FS_IOC_SET_ENCRYPTION_POLICY`,
/// `FAT_IOCTL_SET_ATTRIBUTES`. A read-only mount refuses these; Landlock governs the requests of
/// devices alone. So all requests of these families are refused but the ones that ask, and those
/// that copy into a file that is open for writing.
const REQUESTS: ArgumentRule = ArgumentRule {
    argument: 1,
    cases: &[
        // TIOCSTI, TIOCLINUX: see the table.
        Case { when: Equals(0x5412), outcome: Outcome::Notify },
        Case { when: Equals(0x541C), outcome: Outcome::Notify },
        // FIOSETOWN, SIOCSPGRP
        Case { when: Equals(0x8901), outcome: Outcome::Refuse { errno: EPERM } },
        Case { when: Equals(0x8902), outcome: Outcome::Refuse { errno: EPERM } },
        // FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS, FS_IOC_FSSETXATTR
        Case { when: Equals(0x4008_6602), outcome: Outcome::Refuse { errno: EPERM } },
        Case { when: Equals(0x4004_6602), outcome: Outcome::Refuse { errno: EPERM } },
        Case { when: Equals(0x401C_5820), outcome: Outcome::Refuse { errno: EPERM } },
        // FICLONE, FICLONERANGE
        Case { when: Equals(0x4004_9409), outcome: Outcome::Allow },
        Case { when: Equals(0x4020_940D), outcome: Outcome::Allow },
        // FS_IOC_GETFLAGS, FS_IOC_GETVERSION, FS_IOC_FIEMAP, FS_IOC_FSGETXATTR
        Case { when: Equals(0x8008_6601), outcome: Outcome::Allow },
        Case { when: Equals(0x8008_7601), outcome: Outcome::Allow },
        Case { when: Equals(0xC020_660B), outcome: Outcome::Allow },
        Case { when: Equals(0x801C_581F), outcome: Outcome::Allow },
        // 'f', 'X', 'v', 'r' and btrfs
        Case { when: request_of(b'f'), outcome: Outcome::Refuse { errno: ENOTTY } },
        Case { when: request_of(b'X'), outcome: Outcome::Refuse { errno: ENOTTY } },
        Case { when: request_of(b'v'), outcome: Outcome::Refuse { errno: ENOTTY } },
        Case { when: request_of(b'r'), outcome: Outcome::Refuse { errno: ENOTTY } },
        Case { when: request_of(0x94), outcome: Outcome::Refuse { errno: ENOTTY } },
    ],
    otherwise: Outcome::Allow,
};

const fn fork(number: Sysno, rule: ArgumentRule) -> Call {
    Call::new(number, Treatment::Process(ProcessCall::Fork(rule)))
}

const fn settings(number: Sysno) -> Call {
    Call::new(number, Treatment::Process(ProcessCall::Settings(OTHERS)))
}

const fn signal(number: Sysno, argument: u8) -> Call {
    Call::new(number, Treatment::Process(ProcessCall::Signal { argument }))
}

static CALLS: &[Call] = &[
    // Made: held when the jail has to die.
    fork(Sysno::fork, FORK),
    fork(Sysno::vfork, FORK),
    fork(Sysno::clone, CLONE),
    // Ended: looked at first where nobody is the parent of the jail's processes.
    Call::new(Sysno::exit, Treatment::Process(ProcessCall::Exit)),
    Call::new(Sysno::exit_group, Treatment::Process(ProcessCall::Exit)),
    // Settings of processes, which may be anybody's of the same user.
    settings(Sysno::sched_setparam),
    settings(Sysno::sched_setscheduler),
    settings(Sysno::sched_setaffinity),
    settings(Sysno::sched_setattr),
    settings(Sysno::prlimit64),
    settings(Sysno::migrate_pages),
    settings(Sysno::move_pages),
    Call::new(Sysno::setpriority, Treatment::Process(ProcessCall::Priority { process: 0 })),
    Call::new(Sysno::ioprio_set, Treatment::Process(ProcessCall::Priority { process: 1 })),
    // Signals.
    signal(Sysno::kill, 0),
    signal(Sysno::tkill, 0),
    signal(Sysno::tgkill, 0),
    signal(Sysno::rt_sigqueueinfo, 0),
    signal(Sysno::rt_tgsigqueueinfo, 0),
    signal(Sysno::pidfd_send_signal, 0),
    // Names that all processes of the machine share, and objects that outlive those who made them.
    refuse(Sysno::shmget, ENOSYS),
    refuse(Sysno::shmat, ENOSYS),
    refuse(Sysno::shmctl, ENOSYS),
    refuse(Sysno::semget, ENOSYS),
    refuse(Sysno::semop, ENOSYS),
    refuse(Sysno::semtimedop, ENOSYS),
    refuse(Sysno::semctl, ENOSYS),
    refuse(Sysno::msgget, ENOSYS),
    refuse(Sysno::msgsnd, ENOSYS),
    refuse(Sysno::msgrcv, ENOSYS),
    refuse(Sysno::msgctl, ENOSYS),
    refuse(Sysno::mq_open, ENOSYS),
    refuse(Sysno::mq_unlink, ENOSYS),
    // Changes that neither Landlock governs nor the listener makes; programs know older kernels
    // without these calls.
    refuse(Sysno::setxattrat, ENOSYS),
    refuse(Sysno::removexattrat, ENOSYS),
    refuse(Sysno::file_setattr, ENOSYS),
    // The listener looks at the type too.
    Call::new(Sysno::socketpair, Treatment::Socket(SocketCall::Pair)),
    // Decided by the request.
    Call::new(Sysno::ioctl, Treatment::Arguments(REQUESTS)),
];

/// Returns every entry at strength `flat`, in no order.
pub(in super::super) fn all() -> Vec<&'static Call> {
    super::all()
        .map(|call| CALLS.iter().find(|own| own.number == call.number).unwrap_or(call))
        .collect()
}

/// Returns the entry of a number at strength `flat`.
pub(crate) fn call(number: i32) -> Option<&'static Call> {
    static INDEX: OnceLock<std::collections::HashMap<i32, &'static Call>> = OnceLock::new();
    let own = |call: &'static Call| {
        Some((NATIVE.number(call.number).and_then(|number| i32::try_from(number).ok())?, call))
    };
    let index = INDEX.get_or_init(|| CALLS.iter().filter_map(own).collect());
    index.get(&number).copied().or_else(|| super::call(number))
}
