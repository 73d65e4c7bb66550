//! Message queues, semaphores and shared memory of System V and POSIX.
//!
//! The jail has an ipc namespace of its own, so there is nobody else to talk to. The names of
//! `mq_open` are those of that namespace and no paths.

use super::super::treatment::{Call, allow};
use syscalls::x86_64::Sysno;

pub(super) static CALLS: &[Call] = &[
    // System V.
    allow(Sysno::shmget),
    allow(Sysno::shmat),
    allow(Sysno::shmdt),
    allow(Sysno::shmctl),
    allow(Sysno::semget),
    allow(Sysno::semop),
    allow(Sysno::semtimedop),
    allow(Sysno::semctl),
    allow(Sysno::msgget),
    allow(Sysno::msgsnd),
    allow(Sysno::msgrcv),
    allow(Sysno::msgctl),
    // POSIX.
    allow(Sysno::mq_open),
    allow(Sysno::mq_unlink),
    allow(Sysno::mq_timedsend),
    allow(Sysno::mq_timedreceive),
    allow(Sysno::mq_notify),
    allow(Sysno::mq_getsetattr),
];
