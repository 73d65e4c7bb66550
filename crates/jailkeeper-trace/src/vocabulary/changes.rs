//! Calls that change files by their names.

use super::{Deed, Entry, Follow, How, PathArgument as Path, State};
use Deed::{Create, Write};
use Follow::{Always, Never, UnlessFlag};

/// A change of the path in an argument.
const fn change(name: &'static str, operation: &'static str, paths: &'static [Path]) -> Entry {
    Entry::with(name, operation, paths)
}

const PATH: &[Path] = &[Path::plain(0, Write, Always)];
const LINK: &[Path] = &[Path::plain(0, Write, Never)];
const AT: &[Path] = &[Path::at(0, Write, Always)];
const AT_LINK: &[Path] = &[Path::at(0, Write, Never)];
const AT_FLAGS_2: &[Path] = &[Path::at(0, Write, UnlessFlag(2))];
const AT_FLAGS_3: &[Path] = &[Path::at(0, Write, UnlessFlag(3))];
const AT_FLAGS_4: &[Path] = &[Path::at(0, Write, UnlessFlag(4))];
const NEW: &[Path] = &[Path::plain(0, Create, Never)];
const NEW_SECOND: &[Path] = &[Path::plain(1, Create, Never)];
const NEW_AT: &[Path] = &[Path::at(0, Create, Never)];
const TWO: &[Path] = &[Path::plain(0, Write, Never), Path::plain(1, Create, Never)];
const TWO_AT: &[Path] = &[Path::at(0, Write, Never), Path::at(2, Create, Never)];
// A second name in a writable tree makes a file writable: both names count.
const LINK_AT: &[Path] = &[Path::at(0, Write, Follow::IfFlag(4)), Path::at(2, Create, Never)];
// The old name is read, the new one made.
const COPY: &[Path] = &[Path::plain(0, Deed::Read, Never), Path::plain(1, Create, Never)];
const COPY_AT: &[Path] = &[Path::at(0, Deed::Read, Never), Path::at(2, Create, Never)];
// To exchange two files is to write both.
const EXCHANGE: &[Path] = &[Path::plain(0, Write, Always), Path::plain(1, Write, Always)];

pub(super) static CALLS: &[Entry] = &[
    // creat opens with O_CREAT, O_WRONLY and O_TRUNC, and follows a link.
    change("creat", "open", &[Path::plain(0, Create, Always)]).and(State::Opens(u8::MAX)),
    change("creat64", "open", &[Path::plain(0, Create, Always)]).and(State::Opens(u8::MAX)),
    change("truncate", "truncate", PATH),
    change("truncate64", "truncate", PATH),
    // Renaming: the old name vanishes, the new one comes or is replaced.
    change("rename", "rename", TWO),
    change("renameat", "rename", TWO_AT),
    change("renameat2", "rename", TWO_AT),
    change("renamex_np", "rename", TWO),
    change("renameatx_np", "rename", TWO_AT),
    change("exchangedata", "rename", EXCHANGE),
    // Linking. The target of a symbolic link is text: what counts is where the link comes to lie.
    change("link", "link", TWO),
    change("linkat", "link", LINK_AT),
    change("symlink", "symlink", NEW_SECOND),
    change("symlinkat", "symlink", &[Path::at(1, Create, Never)]),
    change("copyfile", "copy", COPY),
    change("clonefileat", "copy", COPY_AT),
    // Making and removing.
    change("mkdir", "mkdir", NEW),
    change("mkdirat", "mkdir", NEW_AT),
    change("mknod", "mknod", NEW),
    change("mknodat", "mknod", NEW_AT),
    change("xmknod", "mknod", NEW_SECOND),
    change("mkfifo", "mknod", NEW),
    change("mkfifoat", "mknod", NEW_AT),
    change("rmdir", "rmdir", LINK),
    change("unlink", "unlink", LINK),
    change("unlinkat", "unlink", AT_LINK),
    change("funlinkat", "unlink", AT_LINK),
    change("delete", "unlink", LINK),
    change("undelete", "unlink", LINK),
    change("revoke", "revoke", PATH),
    // Mode and owner.
    change("chmod", "chmod", PATH),
    change("lchmod", "chmod", LINK),
    change("fchmodat", "chmod", AT_FLAGS_3),
    change("fchmodat2", "chmod", AT_FLAGS_3),
    change("chown", "chown", PATH),
    change("chown32", "chown", PATH),
    change("lchown", "chown", LINK),
    change("lchown32", "chown", LINK),
    change("fchownat", "chown", AT_FLAGS_4),
    change("chflags", "setattr", PATH),
    change("lchflags", "setattr", LINK),
    change("chflagsat", "setattr", AT_FLAGS_3),
    change("setattrlist", "setattr", PATH),
    change("setattrlistat", "setattr", AT),
    change("file_setattr", "setattr", AT_FLAGS_4),
    // Times.
    change("utime", "utime", PATH),
    change("utimes", "utime", PATH),
    change("lutimes", "utime", LINK),
    change("futimesat", "utime", AT),
    change("utimensat", "utime", AT_FLAGS_3),
    change("utimensat_time64", "utime", AT_FLAGS_3),
    // Extended attributes and access lists.
    change("setxattr", "setxattr", PATH),
    change("lsetxattr", "setxattr", LINK),
    change("setxattrat", "setxattr", AT_FLAGS_2),
    change("removexattr", "removexattr", PATH),
    change("lremovexattr", "removexattr", LINK),
    change("removexattrat", "removexattr", AT_FLAGS_2),
    change("extattr_set_file", "setxattr", PATH),
    change("extattr_set_link", "setxattr", LINK),
    change("extattr_delete_file", "removexattr", PATH),
    change("extattr_delete_link", "removexattr", LINK),
    change("__acl_set_file", "setacl", PATH),
    change("__acl_set_link", "setacl", LINK),
    change("__acl_delete_file", "setacl", PATH),
    // Solaris: what the name in the first argument would be opened for.
    change("attropen", "open", &[Path::plain(0, Deed::Read, Always).how(How::Open(2))]),
];
