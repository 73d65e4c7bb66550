//! Calls that only an escape needs.

use crate::call::{Words, call, raw};

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    Some(match name {
        "open-tree" => call!(SYS_open_tree, libc::AT_FDCWD, &words.path(), 0),
        // mount WHAT WHERE
        "mount" => call!(SYS_mount, &words.path(), &words.path(), 0, libc_bits(libc::MS_BIND), 0),
        "remount" => {
            let bits = libc_bits(libc::MS_REMOUNT | libc::MS_BIND);
            call!(SYS_mount, 0, &words.path(), 0, bits, 0)
        }
        "umount" => call!(SYS_umount2, &words.path(), libc::MNT_DETACH),
        "pivot" => call!(SYS_pivot_root, &words.path(), &words.path()),
        "chroot" => call!(SYS_chroot, &words.path()),
        "fsopen" => call!(SYS_fsopen, c"tmpfs", 0),
        // setns KIND: of the first process
        "setns" => {
            let path = std::ffi::CString::new(format!("/proc/self/ns/{}", words.word()));
            let namespace = call!(SYS_open, &path.unwrap_or_default(), libc::O_RDONLY, 0);
            call!(SYS_setns, namespace, 0)
        }
        "unshare-user" => call!(SYS_unshare, libc::CLONE_NEWUSER),
        "unshare-mount" => call!(SYS_unshare, libc::CLONE_NEWNS),
        "clone-user" => forked(call!(SYS_clone, libc::CLONE_NEWUSER | libc::SIGCHLD, 0, 0, 0, 0)),
        "clone3" => {
            let mut arguments = [0_u8; 88];
            let signal = u64::from(libc::SIGCHLD.unsigned_abs());
            arguments[32..40].copy_from_slice(&signal.to_ne_bytes());
            forked(call!(SYS_clone3, &arguments[..], 88))
        }
        // bpf: opens what is pinned at a path
        "bpf" => {
            let path = words.path();
            let mut attributes = [0_u8; 16];
            let at = crate::call::address(path.as_ptr());
            attributes[..8].copy_from_slice(&at.to_ne_bytes());
            call!(SYS_bpf, 7, &attributes[..], 16)
        }
        // KEYCTL_GET_KEYRING_ID of the session
        "keyctl" => call!(SYS_keyctl, 0, -3, 1, 0, 0),
        "perf" => {
            let mut attributes = [0_u8; 64];
            attributes[..8].copy_from_slice(&(1_u64 | (64 << 32)).to_ne_bytes());
            call!(SYS_perf_event_open, &attributes[..], 0, -1, -1, 0)
        }
        "userfaultfd" => call!(SYS_userfaultfd, 1),
        // A filter that lets everything pass.
        "seccomp" => {
            let allow = [6_u16, 0, 0, 0x7fff].map(u16::to_ne_bytes).concat();
            let at = crate::call::address(allow.as_ptr());
            let program = [1_i64, at].map(i64::to_ne_bytes).concat();
            call!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            call!(SYS_seccomp, 1, 0, &program[..])
        }
        "init-module" => call!(SYS_init_module, 0, 0, c""),
        "sysfs" => call!(SYS_sysfs, 3),
        // unknown-call: a number that no kernel has
        "unknown-call" => raw(9999, &mut []),
        // ioctl REQUEST on stdin, with garbage in the upper half if GARBAGE is not 0
        "ioctl" => {
            let (request, garbage) = (words.number(), words.number());
            let request = request | if garbage == 0 { 0 } else { 0x5a5a << 32 };
            call!(SYS_ioctl, 0, request, c"x")
        }
        // lease KEPT: whoever opens the file waits
        "lease" => call!(SYS_fcntl, words.directory(), libc::F_SETLEASE, libc::F_WRLCK),
        // fcntl COMMAND on stdout, about this process
        "fcntl" => call!(SYS_fcntl, 1, words.number(), call!(SYS_getpid)),
        _ => return None,
    })
}

fn libc_bits(bits: libc::c_ulong) -> i64 {
    i64::try_from(bits).unwrap_or(0)
}

/// The new process ends at once.
fn forked(child: i64) -> i64 {
    if child == 0 {
        // SAFETY: ends the process without running anything of its parent's.
        unsafe { libc::_exit(0) }
    }
    child
}
