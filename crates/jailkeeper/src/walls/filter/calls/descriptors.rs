//! Calls on descriptors that are already open.
//!
//! What a descriptor may be used for was decided when it was opened, so they run; but some calls
//! change a file whatever its descriptor was opened for, and some make the kernel send signals.

use super::super::treatment::{
    ArgumentRule, Call, Case, Condition::Equals, DescriptorCall, EPERM, Outcome, Treatment, allow,
};
use syscalls::x86_64::Sysno;

/// Requests of `ioctl`.
///
/// The first two type into the terminal, and what they type is read by whoever gets it next: a
/// shell outside (CVE-2017-5226, CVE-2023-28100). The next two name the process that gets `SIGIO`,
/// like `F_SETOWN`. The last three change attributes of a file through a descriptor that may have
/// been opened for reading alone, and may have come from outside.
const REQUESTS: ArgumentRule = ArgumentRule {
    argument: 1,
    cases: &[
        // TIOCSTI
        Case { when: Equals(0x5412), outcome: Outcome::Notify },
        // TIOCLINUX
        Case { when: Equals(0x541C), outcome: Outcome::Notify },
        // FIOSETOWN
        Case { when: Equals(0x8901), outcome: Outcome::Refuse { errno: EPERM } },
        // SIOCSPGRP
        Case { when: Equals(0x8902), outcome: Outcome::Refuse { errno: EPERM } },
        // FS_IOC_SETFLAGS
        Case { when: Equals(0x4008_6602), outcome: Outcome::Refuse { errno: EPERM } },
        // FS_IOC32_SETFLAGS
        Case { when: Equals(0x4004_6602), outcome: Outcome::Refuse { errno: EPERM } },
        // FS_IOC_FSSETXATTR
        Case { when: Equals(0x401C_5820), outcome: Outcome::Refuse { errno: EPERM } },
    ],
    otherwise: Outcome::Allow,
};

/// Commands of `fcntl`.
///
/// The first three choose which process gets which signal for a descriptor. A descriptor shared
/// with the outside could make the kernel signal the supervisor (CVE-2026-72183). A lease makes
/// whoever opens the file outside wait (`/proc/sys/fs/lease-break-time`, 45 seconds), a delegation
/// whoever changes its attributes; both are to be had for a file that may only be read.
const COMMANDS: ArgumentRule = ArgumentRule {
    argument: 1,
    cases: &[
        // F_SETOWN
        Case { when: Equals(8), outcome: Outcome::Refuse { errno: EPERM } },
        // F_SETSIG
        Case { when: Equals(10), outcome: Outcome::Refuse { errno: EPERM } },
        // F_SETOWN_EX
        Case { when: Equals(15), outcome: Outcome::Refuse { errno: EPERM } },
        // F_SETLEASE
        Case { when: Equals(1024), outcome: Outcome::Refuse { errno: EPERM } },
        // F_SETDELEG, since Linux 6.19
        Case { when: Equals(1040), outcome: Outcome::Refuse { errno: EPERM } },
    ],
    otherwise: Outcome::Allow,
};

const fn descriptor(number: Sysno, operation: &'static str) -> Call {
    let call = DescriptorCall { operation, descriptor: 0 };
    Call::new(number, Treatment::Descriptor(call))
}

pub(super) static CALLS: &[Call] = &[
    // Reading, writing, moving about.
    allow(Sysno::read),
    allow(Sysno::write),
    allow(Sysno::pread64),
    allow(Sysno::pwrite64),
    allow(Sysno::readv),
    allow(Sysno::writev),
    allow(Sysno::preadv),
    allow(Sysno::pwritev),
    allow(Sysno::preadv2),
    allow(Sysno::pwritev2),
    allow(Sysno::lseek),
    allow(Sysno::readahead),
    allow(Sysno::fadvise64),
    allow(Sysno::sendfile),
    allow(Sysno::copy_file_range),
    allow(Sysno::splice),
    allow(Sysno::tee),
    allow(Sysno::vmsplice),
    // Size and storage: both need a descriptor opened for writing.
    allow(Sysno::ftruncate),
    allow(Sysno::fallocate),
    // What is written reaches the disk.
    allow(Sysno::sync),
    allow(Sysno::syncfs),
    allow(Sysno::fsync),
    allow(Sysno::fdatasync),
    allow(Sysno::sync_file_range),
    // Asking. The directory behind a descriptor was seen when it was opened.
    allow(Sysno::fstat),
    allow(Sysno::fstatfs),
    allow(Sysno::fgetxattr),
    allow(Sysno::flistxattr),
    allow(Sysno::getdents),
    allow(Sysno::getdents64),
    allow(Sysno::getcwd),
    allow(Sysno::fchdir),
    allow(Sysno::cachestat),
    // Asynchronous I/O of old: reads and writes descriptors and nothing else.
    allow(Sysno::io_setup),
    allow(Sysno::io_destroy),
    allow(Sysno::io_submit),
    allow(Sysno::io_cancel),
    allow(Sysno::io_getevents),
    allow(Sysno::io_pgetevents),
    // Making, copying and closing.
    allow(Sysno::close),
    allow(Sysno::close_range),
    allow(Sysno::dup),
    allow(Sysno::dup2),
    allow(Sysno::dup3),
    allow(Sysno::pipe),
    allow(Sysno::pipe2),
    allow(Sysno::eventfd),
    allow(Sysno::eventfd2),
    allow(Sysno::signalfd),
    allow(Sysno::signalfd4),
    allow(Sysno::umask),
    allow(Sysno::flock),
    // Waiting.
    allow(Sysno::poll),
    allow(Sysno::ppoll),
    allow(Sysno::select),
    allow(Sysno::pselect6),
    allow(Sysno::epoll_create),
    allow(Sysno::epoll_create1),
    allow(Sysno::epoll_ctl),
    allow(Sysno::epoll_wait),
    allow(Sysno::epoll_pwait),
    allow(Sysno::epoll_pwait2),
    // The watches themselves; what is put into them is a path call.
    allow(Sysno::inotify_init),
    allow(Sysno::inotify_init1),
    allow(Sysno::inotify_rm_watch),
    allow(Sysno::fanotify_init),
    // Need no descriptor opened for writing.
    descriptor(Sysno::fchmod, "chmod"),
    descriptor(Sysno::fchown, "chown"),
    descriptor(Sysno::fsetxattr, "setxattr"),
    descriptor(Sysno::fremovexattr, "removexattr"),
    // Decided by the request.
    Call::new(Sysno::ioctl, Treatment::Arguments(REQUESTS)),
    Call::new(Sysno::fcntl, Treatment::Arguments(COMMANDS)),
];
