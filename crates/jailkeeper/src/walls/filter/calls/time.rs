//! Clocks, timers and scheduling.

use super::super::treatment::{Call, ProcessCall, Treatment, allow};
use super::processes::NOT_THE_INIT;
use syscalls::x86_64::Sysno;

const fn of_others(number: Sysno) -> Call {
    Call::new(number, Treatment::Arguments(NOT_THE_INIT))
}

/// Two arguments decide, so the listener does.
const fn priority(number: Sysno) -> Call {
    Call::new(number, Treatment::Process(ProcessCall::Priority { process: 0 }))
}

pub(super) static CALLS: &[Call] = &[
    // Reading clocks.
    allow(Sysno::time),
    allow(Sysno::gettimeofday),
    allow(Sysno::clock_gettime),
    allow(Sysno::clock_getres),
    // Read the state of the clock, and set it if told so in memory, where no filter can look. The
    // kernel refuses to set it without CAP_SYS_TIME over the machine, which no jail has.
    allow(Sysno::adjtimex),
    allow(Sysno::clock_adjtime),
    // Sleeping and being woken.
    allow(Sysno::nanosleep),
    allow(Sysno::clock_nanosleep),
    allow(Sysno::alarm),
    allow(Sysno::getitimer),
    allow(Sysno::setitimer),
    allow(Sysno::timer_create),
    allow(Sysno::timer_settime),
    allow(Sysno::timer_gettime),
    allow(Sysno::timer_getoverrun),
    allow(Sysno::timer_delete),
    allow(Sysno::timerfd_create),
    allow(Sysno::timerfd_settime),
    allow(Sysno::timerfd_gettime),
    // The share of the processor: no program gets more of it than its user may have.
    allow(Sysno::sched_yield),
    allow(Sysno::getcpu),
    allow(Sysno::getpriority),
    priority(Sysno::setpriority),
    allow(Sysno::ioprio_get),
    allow(Sysno::ioprio_set),
    allow(Sysno::sched_setparam),
    allow(Sysno::sched_getparam),
    of_others(Sysno::sched_setscheduler),
    allow(Sysno::sched_getscheduler),
    allow(Sysno::sched_get_priority_max),
    allow(Sysno::sched_get_priority_min),
    allow(Sysno::sched_rr_get_interval),
    allow(Sysno::sched_setaffinity),
    allow(Sysno::sched_getaffinity),
    of_others(Sysno::sched_setattr),
    allow(Sysno::sched_getattr),
];
