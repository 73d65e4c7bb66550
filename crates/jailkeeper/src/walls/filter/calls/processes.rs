//! Processes, threads and signals.
//!
//! The pid namespace shows a jail no process but its own, and its init ends them all; so they may
//! do with each other what they like, but for the init itself: it has to come to the processor to
//! die, so nobody makes it slow. Namespaces of their own they may not have: in one of them a
//! process has every capability, and with it most of the kernel's attack surface.

use super::super::treatment::{
    ArgumentRule, Call, Case, Condition::AnyBit, Condition::Equals, EINVAL, EPERM, Outcome,
    Treatment, allow,
};
use syscalls::x86_64::Sysno;

/// Namespaces that `clone` makes.
///
/// `CLONE_NEWTIME` is none of them: its bit belongs to the exit signal here.
const NEW_NAMESPACES: u32 = 0x7E02_0000;
const CLONE_NEWTIME: u32 = 0x80;

const CLONE_FLAGS: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[Case { when: AnyBit(NEW_NAMESPACES), outcome: Outcome::Refuse { errno: EPERM } }],
    otherwise: Outcome::Allow,
};

/// A share of the processor: not the init's, whose number is one and which is of the same user.
pub(super) const NOT_THE_INIT: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[Case { when: Equals(1), outcome: Outcome::Refuse { errno: EPERM } }],
    otherwise: Outcome::Allow,
};

const UNSHARE_FLAGS: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[Case {
        when: AnyBit(NEW_NAMESPACES | CLONE_NEWTIME),
        outcome: Outcome::Refuse { errno: EPERM },
    }],
    otherwise: Outcome::Allow,
};

/// Options of `prctl`.
///
/// `PR_SET_DUMPABLE` is not refused, though it makes memory unreadable for an unprivileged
/// supervisor: programs that hold keys need it. The listener takes memory that it cannot read for
/// a violation.
const PROCESS_OPTIONS: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[
        // PR_SET_SECCOMP: see seccomp; EINVAL is what a kernel without filters says.
        Case { when: Equals(22), outcome: Outcome::Refuse { errno: EINVAL } },
        // PR_SET_MM: would change which program and arguments /proc shows, and so the events.
        Case { when: Equals(35), outcome: Outcome::Refuse { errno: EPERM } },
    ],
    otherwise: Outcome::Allow,
};

pub(super) static CALLS: &[Call] = &[
    // Made and ended.
    allow(Sysno::fork),
    allow(Sysno::vfork),
    Call::new(Sysno::clone, Treatment::Arguments(CLONE_FLAGS)),
    Call::new(Sysno::unshare, Treatment::Arguments(UNSHARE_FLAGS)),
    allow(Sysno::exit),
    allow(Sysno::exit_group),
    allow(Sysno::wait4),
    allow(Sysno::waitid),
    allow(Sysno::process_mrelease),
    // Who am I?
    allow(Sysno::getpid),
    allow(Sysno::gettid),
    allow(Sysno::getppid),
    allow(Sysno::getpgid),
    allow(Sysno::getpgrp),
    allow(Sysno::getsid),
    allow(Sysno::getuid),
    allow(Sysno::geteuid),
    allow(Sysno::getgid),
    allow(Sysno::getegid),
    allow(Sysno::getgroups),
    allow(Sysno::getresuid),
    allow(Sysno::getresgid),
    allow(Sysno::capget),
    // Somebody else. The user namespace has nobody else, and capabilities can only be dropped.
    allow(Sysno::setpgid),
    allow(Sysno::setsid),
    allow(Sysno::setuid),
    allow(Sysno::setgid),
    allow(Sysno::setreuid),
    allow(Sysno::setregid),
    allow(Sysno::setresuid),
    allow(Sysno::setresgid),
    allow(Sysno::setfsuid),
    allow(Sysno::setfsgid),
    allow(Sysno::setgroups),
    allow(Sysno::capset),
    // Signals reach the jail's own processes alone.
    allow(Sysno::kill),
    allow(Sysno::tkill),
    allow(Sysno::tgkill),
    allow(Sysno::rt_sigqueueinfo),
    allow(Sysno::rt_tgsigqueueinfo),
    allow(Sysno::pidfd_open),
    allow(Sysno::pidfd_send_signal),
    allow(Sysno::rt_sigaction),
    allow(Sysno::rt_sigprocmask),
    allow(Sysno::rt_sigpending),
    allow(Sysno::rt_sigsuspend),
    allow(Sysno::rt_sigtimedwait),
    allow(Sysno::rt_sigreturn),
    allow(Sysno::sigaltstack),
    allow(Sysno::pause),
    allow(Sysno::restart_syscall),
    // Limits can only be lowered; the jail's own are hard ones.
    allow(Sysno::getrlimit),
    allow(Sysno::setrlimit),
    allow(Sysno::prlimit64),
    allow(Sysno::getrusage),
    allow(Sysno::times),
    // Settings of the process itself.
    Call::new(Sysno::prctl, Treatment::Arguments(PROCESS_OPTIONS)),
    allow(Sysno::arch_prctl),
    allow(Sysno::personality),
    allow(Sysno::set_tid_address),
    allow(Sysno::set_robust_list),
    allow(Sysno::get_robust_list),
    allow(Sysno::rseq),
    // Further walls of its own make a jail only narrower.
    allow(Sysno::landlock_create_ruleset),
    allow(Sysno::landlock_add_rule),
    allow(Sysno::landlock_restrict_self),
];
