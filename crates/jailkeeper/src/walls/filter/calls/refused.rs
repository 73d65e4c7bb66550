//! Calls that are refused quietly: programs try them in good faith and have another way.
//!
//! `ENOSYS` where programs know an older kernel without the call and do without; `EPERM` where
//! they know the call, but are used to be kept from it.

use super::super::treatment::{Call, ENOSYS, EPERM, refuse};
use syscalls::x86_64::Sysno;

pub(super) static CALLS: &[Call] = &[
    // io_uring runs calls in the kernel that no filter sees; its users fall back to epoll.
    // Entering is refused too, for a ring may be inherited.
    refuse(Sysno::io_uring_setup, ENOSYS),
    refuse(Sysno::io_uring_enter, ENOSYS),
    refuse(Sysno::io_uring_register, ENOSYS),
    // Its flags are in memory, where no filter can test them; libc falls back to clone.
    refuse(Sysno::clone3, ENOSYS),
    // A filter of the jail's own could outrank the notification or refuse what must be seen.
    // prctl(PR_SET_SECCOMP) is its older form.
    refuse(Sysno::seccomp, ENOSYS),
    // Keyrings know no namespaces, and KEYCTL_SESSION_TO_PARENT once dropped the parent's
    // Landlock domain (CVE-2024-42318).
    refuse(Sysno::add_key, ENOSYS),
    refuse(Sysno::request_key, ENOSYS),
    refuse(Sysno::keyctl, ENOSYS),
    // Pages that nobody else can read, or that stop whoever reads them: a supervisor that reads a
    // path from them is blind, or waits for ever.
    refuse(Sysno::memfd_secret, ENOSYS),
    refuse(Sysno::userfaultfd, EPERM),
    // Looks into other processes, or rewrites the calls that the filter has passed.
    refuse(Sysno::ptrace, EPERM),
    refuse(Sysno::process_vm_readv, EPERM),
    refuse(Sysno::process_vm_writev, EPERM),
    refuse(Sysno::process_madvise, EPERM),
    refuse(Sysno::pidfd_getfd, EPERM),
    refuse(Sysno::kcmp, EPERM),
    // Looks into the kernel: the richest sources of its privilege bugs.
    refuse(Sysno::bpf, EPERM),
    refuse(Sysno::perf_event_open, EPERM),
    refuse(Sysno::syslog, EPERM),
    refuse(Sysno::modify_ldt, EPERM),
    // Lists mounts outside the view; util-linux falls back to /proc/self/mountinfo.
    refuse(Sysno::statmount, ENOSYS),
    refuse(Sysno::listmount, ENOSYS),
    // Another root. Needs a capability, so programs are used to a refusal.
    refuse(Sysno::chroot, EPERM),
    // Changes the label by which a security module judges this process.
    refuse(Sysno::lsm_set_self_attr, EPERM),
    // Settings of the whole machine. adjtimex and clock_adjtime also read: see the time group.
    refuse(Sysno::acct, EPERM),
    refuse(Sysno::quotactl, EPERM),
    refuse(Sysno::quotactl_fd, EPERM),
    refuse(Sysno::sethostname, EPERM),
    refuse(Sysno::setdomainname, EPERM),
    refuse(Sysno::settimeofday, EPERM),
    refuse(Sysno::clock_settime, EPERM),
    refuse(Sysno::vhangup, EPERM),
    // Old calls that programs of today do not make; for most of them the kernel has a number and
    // nothing behind it.
    refuse(Sysno::_sysctl, ENOSYS),
    refuse(Sysno::afs_syscall, ENOSYS),
    refuse(Sysno::create_module, ENOSYS),
    refuse(Sysno::epoll_ctl_old, ENOSYS),
    refuse(Sysno::epoll_wait_old, ENOSYS),
    refuse(Sysno::get_kernel_syms, ENOSYS),
    refuse(Sysno::get_thread_area, ENOSYS),
    refuse(Sysno::getpmsg, ENOSYS),
    refuse(Sysno::lookup_dcookie, ENOSYS),
    refuse(Sysno::nfsservctl, ENOSYS),
    refuse(Sysno::putpmsg, ENOSYS),
    refuse(Sysno::query_module, ENOSYS),
    refuse(Sysno::security, ENOSYS),
    refuse(Sysno::set_thread_area, ENOSYS),
    refuse(Sysno::sysfs, ENOSYS),
    refuse(Sysno::tuxcall, ENOSYS),
    refuse(Sysno::uselib, ENOSYS),
    refuse(Sysno::ustat, ENOSYS),
    refuse(Sysno::vserver, ENOSYS),
];
