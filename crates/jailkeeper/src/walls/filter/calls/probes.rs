//! Calls that ask about files, and the plain reads: all run, and the tripwire sees them.

use super::super::treatment::{
    Call, Follow, Follow::Always, Follow::Never, Intent, PathArgument as Path, PathCall, Treatment,
};
use jailkeeper_model::{Class, Mode};
use syscalls::x86_64::Sysno;

/// `AT_SYMLINK_NOFOLLOW`.
const fn unless_no_follow(argument: u8) -> Follow {
    Follow::UnlessFlag { argument, bit: 0x100 }
}

const fn probe(number: Sysno, operation: &'static str, paths: &'static [Path]) -> Call {
    let (mode, class, intent) = (Mode::Read, Class::Probe, Intent::Reads);
    Call::new(number, Treatment::Path(PathCall { operation, mode, class, intent, paths }))
}

const fn execute(number: Sysno, paths: &'static [Path]) -> Call {
    let (mode, class, intent) = (Mode::Execute, Class::Content, Intent::Reads);
    let operation = "execute";
    Call::new(number, Treatment::Path(PathCall { operation, mode, class, intent, paths }))
}

pub(super) static CALLS: &[Call] = &[
    // What is behind this name?
    probe(Sysno::stat, "stat", &[Path::plain(0, Always)]),
    probe(Sysno::lstat, "stat", &[Path::plain(0, Never)]),
    probe(Sysno::newfstatat, "stat", &[Path::at(0, unless_no_follow(3))]),
    probe(Sysno::statx, "stat", &[Path::at(0, unless_no_follow(2))]),
    probe(Sysno::file_getattr, "getattr", &[Path::at(0, unless_no_follow(4))]),
    probe(Sysno::statfs, "statfs", &[Path::plain(0, Always)]),
    // May I use it? The kernel's faccessat has no flags; those of libc need faccessat2.
    probe(Sysno::access, "access", &[Path::plain(0, Always)]),
    probe(Sysno::faccessat, "access", &[Path::at(0, Always)]),
    probe(Sysno::faccessat2, "access", &[Path::at(0, unless_no_follow(3))]),
    // Where does it lead?
    probe(Sysno::readlink, "readlink", &[Path::plain(0, Never)]),
    probe(Sysno::readlinkat, "readlink", &[Path::at(0, Never)]),
    probe(Sysno::chdir, "chdir", &[Path::plain(0, Always)]),
    // Extended attributes.
    probe(Sysno::getxattr, "getxattr", &[Path::plain(0, Always)]),
    probe(Sysno::lgetxattr, "getxattr", &[Path::plain(0, Never)]),
    probe(Sysno::getxattrat, "getxattr", &[Path::at(0, unless_no_follow(2))]),
    probe(Sysno::listxattr, "listxattr", &[Path::plain(0, Always)]),
    probe(Sysno::llistxattr, "listxattr", &[Path::plain(0, Never)]),
    probe(Sysno::listxattrat, "listxattr", &[Path::at(0, unless_no_follow(2))]),
    // A handle is of no use inside: open_by_handle_at is a jailbreak. AT_SYMLINK_FOLLOW follows.
    probe(
        Sysno::name_to_handle_at,
        "handle",
        &[Path::at(0, Follow::IfFlag { argument: 4, bit: 0x400 })],
    ),
    // Tell me when it changes. IN_DONT_FOLLOW and FAN_MARK_DONT_FOLLOW do not follow.
    probe(
        Sysno::inotify_add_watch,
        "watch",
        &[Path::plain(1, Follow::UnlessFlag { argument: 2, bit: 0x0200_0000 })],
    ),
    probe(
        Sysno::fanotify_mark,
        "watch",
        &[Path::at(3, Follow::UnlessFlag { argument: 1, bit: 0x4 })],
    ),
    // Run it. The filter is inherited, so there is nothing to trap here.
    execute(Sysno::execve, &[Path::plain(0, Always)]),
    execute(Sysno::execveat, &[Path::at(0, unless_no_follow(4))]),
];
