//! Changing files and names.

use crate::call::{Words, call};

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    const HERE: i32 = libc::AT_FDCWD;
    let path = || words.path();
    Some(match name {
        "truncate" => call!(SYS_truncate, &path(), 0),
        "chmod" => call!(SYS_chmod, &path(), 0o777),
        "fchmodat" => call!(SYS_fchmodat, HERE, &path(), 0o777),
        "fchmodat2" => call!(SYS_fchmodat2, HERE, &path(), 0o777, 0),
        // fchmod KEPT: needs no descriptor that was opened for writing
        "fchmod" => call!(SYS_fchmod, words.directory(), 0o777),
        "chown" => call!(SYS_chown, &path(), own("uid"), own("gid")),
        "lchown" => call!(SYS_lchown, &path(), own("uid"), own("gid")),
        "fchown" => call!(SYS_fchown, words.directory(), own("uid"), own("gid")),
        "fchownat" => call!(SYS_fchownat, HERE, &path(), own("uid"), own("gid"), 0),
        "utime" => call!(SYS_utime, &path(), 0),
        "utimes" => call!(SYS_utimes, &path(), 0),
        "utimensat" => call!(SYS_utimensat, HERE, &path(), 0, 0),
        // futimens KEPT
        "futimens" => call!(SYS_utimensat, words.directory(), 0, 0, 0),
        // rename FROM TO
        "rename" => call!(SYS_rename, &path(), &path()),
        "renameat" => call!(SYS_renameat, HERE, &path(), HERE, &path()),
        "renameat2" => call!(SYS_renameat2, HERE, &path(), HERE, &path(), 0),
        "exchange" => call!(SYS_renameat2, HERE, &path(), HERE, &path(), libc::RENAME_EXCHANGE),
        "rename-new" => call!(SYS_renameat2, HERE, &path(), HERE, &path(), libc::RENAME_NOREPLACE),
        "link" => call!(SYS_link, &path(), &path()),
        "linkat" => call!(SYS_linkat, HERE, &path(), HERE, &path(), libc::AT_SYMLINK_FOLLOW),
        // symlink TEXT PATH
        "symlink" => call!(SYS_symlink, &path(), &path()),
        "symlinkat" => call!(SYS_symlinkat, &path(), HERE, &path()),
        "unlink" => call!(SYS_unlink, &path()),
        "unlinkat" => call!(SYS_unlinkat, HERE, &path(), 0),
        "rmdir" => call!(SYS_rmdir, &path()),
        "mkdir" => call!(SYS_mkdir, &path(), 0o755),
        "mkdirat" => call!(SYS_mkdirat, HERE, &path(), 0o755),
        "mkfifo" => call!(SYS_mknod, &path(), libc::S_IFIFO | 0o644, 0),
        "mkfifoat" => call!(SYS_mknodat, HERE, &path(), libc::S_IFIFO | 0o644, 0),
        // The device with the number of /dev/null.
        "mkdevice" => call!(SYS_mknod, &path(), libc::S_IFCHR | 0o644, 0x103),
        "setxattr" => call!(SYS_setxattr, &path(), c"user.x", c"y", 1, 0),
        "lsetxattr" => call!(SYS_lsetxattr, &path(), c"user.x", c"y", 1, 0),
        "fsetxattr" => call!(SYS_fsetxattr, words.directory(), c"user.x", c"y", 1, 0),
        "removexattr" => call!(SYS_removexattr, &path(), c"user.secret"),
        _ => return None,
    })
}

/// The process's own user or group: a change to it is allowed to everybody on his own files.
fn own(kind: &str) -> i64 {
    if kind == "uid" { call!(SYS_getuid) } else { call!(SYS_getgid) }
}
