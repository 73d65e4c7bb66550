//! Dangers: the calls that must not run, written down a second time.
//!
//! The filter follows the table, so a dangerous call that the table allows by mistake would pass
//! every other test.

use super::{ENOSYS, EPERM, ask};
use jailkeeper_sys::seccomp::NOTIFY;
use std::str::FromStr;
use syscalls::x86_64::Sysno;

const BREACHES: &str = "
    mount umount2 pivot_root move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick
    mount_setattr setns open_by_handle_at init_module finit_module delete_module kexec_load
    kexec_file_load reboot swapon swapoff iopl ioperm";

const NOT_PERMITTED: &str = "
    bpf perf_event_open userfaultfd ptrace process_vm_readv process_vm_writev process_madvise
    kcmp pidfd_getfd chroot quotactl quotactl_fd acct syslog vhangup sethostname setdomainname
    settimeofday clock_settime modify_ldt lsm_set_self_attr";

const NOT_THERE: &str = "
    io_uring_setup io_uring_enter io_uring_register clone3 seccomp keyctl add_key request_key
    memfd_secret statmount listmount uselib ustat sysfs nfsservctl lookup_dcookie afs_syscall
    _sysctl create_module query_module get_kernel_syms";

fn is_always(names: &str, action: u32) {
    for name in names.split_ascii_whitespace() {
        let number = Sysno::from_str(name).unwrap().id().unsigned_abs();
        for arguments in [[0; 6], [u64::MAX; 6]] {
            assert_eq!(ask(number, arguments), action, "{name}");
        }
    }
}

#[test]
fn what_only_an_escape_needs_reaches_the_listener() {
    is_always(BREACHES, NOTIFY);
}

#[test]
fn what_programs_try_in_good_faith_is_refused() {
    is_always(NOT_PERMITTED, EPERM);
    is_always(NOT_THERE, ENOSYS);
}

#[test]
fn what_reaches_out_goes_to_the_listener() {
    is_always("connect bind sendmsg sendmmsg", NOTIFY);
}
