//! Calls that only an escape needs: they never run, and the attempt is a jailbreak.
//!
//! Each needs a capability that no program in a jail has, so a program that lives by the rules
//! loses nothing.

use super::super::treatment::{Call, breach};
use syscalls::x86_64::Sysno;

pub(super) static CALLS: &[Call] = &[
    // The view is made of mounts: whoever changes them chooses its own view.
    breach(Sysno::mount),
    breach(Sysno::umount2),
    breach(Sysno::pivot_root),
    breach(Sysno::move_mount),
    breach(Sysno::open_tree),
    breach(Sysno::open_tree_attr),
    breach(Sysno::fsopen),
    breach(Sysno::fsconfig),
    breach(Sysno::fsmount),
    breach(Sysno::fspick),
    breach(Sysno::mount_setattr),
    // Leaves the jail's namespaces for somebody else's.
    breach(Sysno::setns),
    // Opens a file by its inode, past every name (the "shocker" escape from Docker).
    breach(Sysno::open_by_handle_at),
    // Puts code into the kernel, or another kernel into its place.
    breach(Sysno::init_module),
    breach(Sysno::finit_module),
    breach(Sysno::delete_module),
    breach(Sysno::kexec_load),
    breach(Sysno::kexec_file_load),
    // Takes the machine from its owner.
    breach(Sysno::reboot),
    breach(Sysno::swapon),
    breach(Sysno::swapoff),
    // Talks to the hardware past every driver.
    breach(Sysno::iopl),
    breach(Sysno::ioperm),
];
