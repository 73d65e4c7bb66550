//! Calls that tell about the machine, and the return paths of probes that were set from outside.

use super::super::treatment::{Call, allow};
use syscalls::x86_64::Sysno;

pub(super) static CALLS: &[Call] = &[
    // The machine and the jail's uts namespace.
    allow(Sysno::uname),
    allow(Sysno::sysinfo),
    allow(Sysno::getrandom),
    // Which security modules there are, and the label of the process itself.
    allow(Sysno::lsm_list_modules),
    allow(Sysno::lsm_get_self_attr),
    // Made by trampolines that a tracer on the host has put into the program; refusing them crashes
    // it, and from anywhere else the kernel ends the caller.
    allow(Sysno::uprobe),
    allow(Sysno::uretprobe),
];
