//! Calls that open, ask and run.

use super::{Deed, Entry, Follow, How, PathArgument as Path, State};
use Follow::{Always, Never, UnlessFlag};

const fn open(name: &'static str, flags: u8, paths: &'static [Path]) -> Entry {
    Entry::with(name, "open", paths).and(State::Opens(flags))
}

const OPEN: &[Path] = &[Path::plain(0, Deed::Read, Follow::Open(1)).how(How::Open(1))];
const OPEN_AT: &[Path] = &[Path::at(0, Deed::Read, Follow::Open(2)).how(How::Open(2))];

/// A question about the path in an argument.
const fn ask(name: &'static str, operation: &'static str, paths: &'static [Path]) -> Entry {
    Entry::with(name, operation, paths)
}

const PATH: &[Path] = &[Path::plain(0, Deed::Probe, Always)];
const LINK: &[Path] = &[Path::plain(0, Deed::Probe, Never)];
const SECOND: &[Path] = &[Path::plain(1, Deed::Probe, Always)];
const SECOND_LINK: &[Path] = &[Path::plain(1, Deed::Probe, Never)];
const AT: &[Path] = &[Path::at(0, Deed::Probe, Always)];
const AT_LINK: &[Path] = &[Path::at(0, Deed::Probe, Never)];
const AT_FLAGS_2: &[Path] = &[Path::at(0, Deed::Probe, UnlessFlag(2))];
const AT_FLAGS_3: &[Path] = &[Path::at(0, Deed::Probe, UnlessFlag(3))];
const AT_FLAGS_4: &[Path] = &[Path::at(0, Deed::Probe, UnlessFlag(4))];
const AT_FLAGS_5: &[Path] = &[Path::at(0, Deed::Probe, UnlessFlag(5))];
const RUN: &[Path] = &[Path::plain(0, Deed::Execute, Always)];
const RUN_SECOND: &[Path] = &[Path::plain(1, Deed::Execute, Always)];
const RUN_AT: &[Path] = &[Path::at(0, Deed::Execute, UnlessFlag(4))];

pub(super) static CALLS: &[Entry] = &[
    // Opening.
    open("open", 1, OPEN),
    open("open64", 1, OPEN),
    open("openat", 2, OPEN_AT),
    open("openat64", 2, OPEN_AT),
    open("openat2", 2, OPEN_AT),
    open("open_dprotected_np", 1, OPEN),
    open("guarded_open_np", 3, &[Path::plain(0, Deed::Read, Follow::Open(3)).how(How::Open(3))]),
    open("guarded_openat_np", 4, &[Path::at(0, Deed::Read, Follow::Open(4)).how(How::Open(4))]),
    // What is it?
    ask("stat", "stat", PATH),
    ask("stat64", "stat", PATH),
    ask("oldstat", "stat", PATH),
    ask("nstat", "stat", PATH),
    ask("lstat", "stat", LINK),
    ask("lstat64", "stat", LINK),
    ask("oldlstat", "stat", LINK),
    ask("nlstat", "stat", LINK),
    ask("xstat", "stat", SECOND),
    ask("lxstat", "stat", SECOND_LINK),
    ask("newfstatat", "stat", AT_FLAGS_3),
    ask("fstatat", "stat", AT_FLAGS_3),
    ask("fstatat64", "stat", AT_FLAGS_3),
    ask("statx", "stat", AT_FLAGS_2),
    ask("file_getattr", "getattr", AT_FLAGS_4),
    ask("getattrlist", "getattr", PATH),
    ask("getattrlistat", "getattr", AT_FLAGS_5),
    ask("statfs", "statfs", PATH),
    ask("statfs64", "statfs", PATH),
    ask("statvfs", "statfs", PATH),
    ask("statvfs64", "statfs", PATH),
    ask("pathconf", "pathconf", PATH),
    ask("lpathconf", "pathconf", LINK),
    ask("resolvepath", "readlink", PATH),
    ask("__realpathat", "readlink", AT),
    ask("getfh", "handle", PATH),
    ask("lgetfh", "handle", LINK),
    ask("name_to_handle_at", "handle", &[Path::at(0, Deed::Probe, Follow::IfFlag(4))]),
    // May I use it?
    ask("access", "access", PATH),
    ask("eaccess", "access", PATH),
    ask("accessx", "access", PATH),
    ask("faccessat", "access", AT_FLAGS_3),
    ask("faccessat2", "access", AT_FLAGS_3),
    // Where does it lead?
    ask("readlink", "readlink", LINK),
    ask("readlinkat", "readlink", AT_LINK),
    ask("chdir", "chdir", PATH).and(State::ChangesDirectory),
    ask("__pthread_chdir", "chdir", PATH).and(State::ChangesDirectory),
    // Attributes.
    ask("getxattr", "getxattr", PATH),
    ask("lgetxattr", "getxattr", LINK),
    ask("getxattrat", "getxattr", AT_FLAGS_2),
    ask("listxattr", "listxattr", PATH),
    ask("llistxattr", "listxattr", LINK),
    ask("listxattrat", "listxattr", AT_FLAGS_2),
    ask("extattr_get_file", "getxattr", PATH),
    ask("extattr_get_link", "getxattr", LINK),
    ask("extattr_list_file", "listxattr", PATH),
    ask("extattr_list_link", "listxattr", LINK),
    ask("__acl_get_file", "getacl", PATH),
    ask("__acl_get_link", "getacl", LINK),
    ask("acl", "acl", &[Path::plain(0, Deed::Probe, Always).how(How::UnlessSets(1))]),
    // Tell me when it changes.
    ask("inotify_add_watch", "watch", &[Path::plain(1, Deed::Probe, UnlessFlag(2))]),
    ask("fanotify_mark", "watch", &[Path::at(3, Deed::Probe, UnlessFlag(1))]),
    // Run it.
    Entry::with("execve", "execute", RUN).and(State::Executes),
    Entry::with("exec", "execute", RUN).and(State::Executes),
    Entry::with("execveat", "execute", RUN_AT).and(State::Executes),
    Entry::with("__mac_execve", "execute", RUN).and(State::Executes),
    Entry::with("posix_spawn", "execute", RUN_SECOND).and(State::Spawns),
    Entry::with("uselib", "execute", RUN),
];
