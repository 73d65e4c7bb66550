//! Calls that open files, and those that change them by name.
//!
//! A change of a read-only bind fails with `EROFS` before any file system is asked, so the
//! tripwire would never see it: these go to the listener, opens only with write intent.

use super::super::treatment::{
    Call, Follow, Follow::Always, Follow::Never, Intent, PathArgument as Path, PathCall, Treatment,
};
use jailkeeper_model::{Class, Mode};
use syscalls::x86_64::Sysno;

/// `AT_SYMLINK_NOFOLLOW`.
const fn unless_no_follow(argument: u8) -> Follow {
    Follow::UnlessFlag { argument, bit: 0x100 }
}

const fn open(number: Sysno, intent: Intent, paths: &'static [Path]) -> Call {
    let (operation, mode, class) = ("open", Mode::Read, Class::Content);
    Call::new(number, Treatment::Path(PathCall { operation, mode, class, intent, paths }))
}

const fn change(number: Sysno, operation: &'static str, paths: &'static [Path]) -> Call {
    let (mode, class, intent) = (Mode::Write, Class::Content, Intent::Writes);
    Call::new(number, Treatment::Path(PathCall { operation, mode, class, intent, paths }))
}

pub(super) static CALLS: &[Call] = &[
    // Opening. creat is open with O_CREAT | O_WRONLY | O_TRUNC: it follows a symlink, even one
    // that leads to a missing name, and makes that.
    open(
        Sysno::open,
        Intent::OpenFlags { argument: 1 },
        &[Path::plain(0, Follow::Open).creating()],
    ),
    open(Sysno::openat, Intent::OpenFlags { argument: 2 }, &[Path::at(0, Follow::Open).creating()]),
    open(Sysno::openat2, Intent::OpenHow { argument: 2 }, &[Path::at(0, Follow::Open).creating()]),
    change(Sysno::creat, "open", &[Path::plain(0, Always).creating()]),
    change(Sysno::truncate, "truncate", &[Path::plain(0, Always)]),
    // Renaming, both names count: the old one vanishes, the new one comes or is replaced.
    change(Sysno::rename, "rename", &[Path::plain(0, Never), Path::plain(1, Never).creating()]),
    change(Sysno::renameat, "rename", &[Path::at(0, Never), Path::at(2, Never).creating()]),
    change(Sysno::renameat2, "rename", &[Path::at(0, Never), Path::at(2, Never).creating()]),
    // Linking, both names count: a second name in a writable tree makes the file writable.
    // link on Linux does not follow, whatever POSIX says; AT_SYMLINK_FOLLOW does.
    change(Sysno::link, "link", &[Path::plain(0, Never), Path::plain(1, Never).creating()]),
    change(
        Sysno::linkat,
        "link",
        &[Path::at(0, Follow::IfFlag { argument: 4, bit: 0x400 }), Path::at(2, Never).creating()],
    ),
    // The target of a symlink is text: what counts is where the link comes to lie.
    change(Sysno::symlink, "symlink", &[Path::plain(1, Never).creating()]),
    change(Sysno::symlinkat, "symlink", &[Path::at(1, Never).creating()]),
    // Making and removing names.
    change(Sysno::mkdir, "mkdir", &[Path::plain(0, Never).creating()]),
    change(Sysno::mkdirat, "mkdir", &[Path::at(0, Never).creating()]),
    change(Sysno::mknod, "mknod", &[Path::plain(0, Never).creating()]),
    change(Sysno::mknodat, "mknod", &[Path::at(0, Never).creating()]),
    change(Sysno::rmdir, "rmdir", &[Path::plain(0, Never)]),
    change(Sysno::unlink, "unlink", &[Path::plain(0, Never)]),
    change(Sysno::unlinkat, "unlink", &[Path::at(0, Never)]),
    // Mode and owner. The kernel's fchmodat has no flags; those of libc need fchmodat2.
    change(Sysno::chmod, "chmod", &[Path::plain(0, Always)]),
    change(Sysno::fchmodat, "chmod", &[Path::at(0, Always)]),
    change(Sysno::fchmodat2, "chmod", &[Path::at(0, unless_no_follow(3))]),
    change(Sysno::chown, "chown", &[Path::plain(0, Always)]),
    change(Sysno::lchown, "chown", &[Path::plain(0, Never)]),
    change(Sysno::fchownat, "chown", &[Path::at(0, unless_no_follow(4))]),
    // Times. A null path of the last two is the file behind the descriptor: futimens.
    change(Sysno::utime, "utime", &[Path::plain(0, Always)]),
    change(Sysno::utimes, "utime", &[Path::plain(0, Always)]),
    change(Sysno::futimesat, "utime", &[Path::at(0, Always)]),
    change(Sysno::utimensat, "utime", &[Path::at(0, unless_no_follow(3))]),
    // Extended attributes and inode flags.
    change(Sysno::setxattr, "setxattr", &[Path::plain(0, Always)]),
    change(Sysno::lsetxattr, "setxattr", &[Path::plain(0, Never)]),
    change(Sysno::setxattrat, "setxattr", &[Path::at(0, unless_no_follow(2))]),
    change(Sysno::removexattr, "removexattr", &[Path::plain(0, Always)]),
    change(Sysno::lremovexattr, "removexattr", &[Path::plain(0, Never)]),
    change(Sysno::removexattrat, "removexattr", &[Path::at(0, unless_no_follow(2))]),
    change(Sysno::file_setattr, "setattr", &[Path::at(0, unless_no_follow(4))]),
];
