//! Finding the files that rules name.
//!
//! A rule's path may go through symbolic links (`/bin -> usr/bin`). The walls are built on what
//! they lead to; the links themselves are made to appear in the jail, so that the path works
//! there as it does outside.

use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::JailPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links a path may go through, as in the kernel.
const LINKS_AT_MOST: usize = 40;

/// A symbolic link that a rule's path goes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) at: JailPath,
    pub(crate) target: PathBuf,
}

/// What stands at the end of a rule's path.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its path without symbolic links.
    pub(crate) path: JailPath,
    /// The links on the way to it.
    pub(crate) links: Vec<Link>,
    /// The file itself (`O_PATH`).
    pub(crate) fd: OwnedFd,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) owner: (u32, u32),
    pub(crate) kind: FileType,
}

/// Follows a path to what it names; `None` when nothing is there.
pub(crate) fn find(path: &JailPath) -> Result<Option<Found>> {
    let failed = |error: Errno| {
        Error::new(ErrorKind::Policy, "find the path of a rule")
            .at(path)
            .because(std::io::Error::from(error))
    };
    // Most paths have no link on the way: one call says so and opens the file.
    let opened = match open(path) {
        Err(Errno::LOOP) => follow(path).and_then(|(end, links)| Ok((open(&end)?, end, links))),
        other => other.map(|fd| (fd, path.clone(), Vec::new())),
    };
    let (fd, end, links) = match opened {
        Ok(opened) => opened,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let stat = rustix::fs::fstat(&fd).map_err(failed)?;
    Ok(Some(Found {
        path: end,
        links,
        device: stat.st_dev,
        inode: stat.st_ino,
        owner: (stat.st_uid, stat.st_gid),
        kind: FileType::from_raw_mode(stat.st_mode),
        fd,
    }))
}

/// Tells whether a path without symbolic links leads to the same file as before.
pub(super) fn is_still(path: &JailPath, (device, inode): (u64, u64)) -> bool {
    let now = open(path).and_then(rustix::fs::fstat);
    now.is_ok_and(|now| (now.st_dev, now.st_ino) == (device, inode))
}

fn open(path: &JailPath) -> std::result::Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(rustix::fs::CWD, path.as_path(), flags, Mode::empty(), resolve) {
        // Another jail around this one answers so.
        Err(Errno::NOSYS) => open_and_look(path, flags),
        other => other,
    }
}

/// Opens a path, and fails with `ELOOP` unless it is the file's own name.
fn open_and_look(path: &JailPath, flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
    use std::os::fd::AsRawFd as _;
    // To that jail a link is a file of its own, which is not to be opened.
    if rustix::fs::readlink(path.as_path(), Vec::new()).is_ok() {
        return Err(Errno::LOOP);
    }
    let fd = rustix::fs::open(path.as_path(), flags | OFlags::NOFOLLOW, Mode::empty())?;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let name = rustix::fs::readlink(link, Vec::new())?;
    let stat = rustix::fs::fstat(&fd)?;
    let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
    if is_link || name.as_bytes() != path.as_bytes() { Err(Errno::LOOP) } else { Ok(fd) }
}

/// Walks a path component by component and collects the links it goes through.
fn follow(path: &JailPath) -> std::result::Result<(JailPath, Vec<Link>), Errno> {
    let mut links = Vec::new();
    let mut at = JailPath::root();
    let mut todo: Vec<OsString> = path.components().map(OsString::from).collect();
    todo.reverse();
    while let Some(name) = todo.pop() {
        if name == ".." {
            at = at.parent().unwrap_or_else(JailPath::root);
            continue;
        }
        let next = at.join(&name).map_err(|_| Errno::NAMETOOLONG)?;
        match rustix::fs::readlink(next.as_path(), Vec::new()) {
            Ok(target) => {
                if links.len() == LINKS_AT_MOST {
                    return Err(Errno::LOOP);
                }
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    at = JailPath::root();
                }
                push_components(&mut todo, &target);
                links.push(Link { at: next, target });
            }
            // EINVAL: it is no link.
            Err(Errno::INVAL) => at = next,
            Err(error) => return Err(error),
        }
    }
    Ok((at, links))
}

/// Puts a link's components on top of a stack, first one uppermost.
pub(crate) fn push_components(todo: &mut Vec<OsString>, target: &Path) {
    for component in target.components().rev() {
        match component {
            Component::Normal(name) => todo.push(name.to_owned()),
            Component::ParentDir => todo.push("..".into()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jail_path(path: impl AsRef<Path>) -> JailPath {
        JailPath::new(path).unwrap()
    }

    #[test]
    fn links_are_followed_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/deep")).unwrap();
        std::os::unix::fs::symlink("real", root.join("soft")).unwrap();
        std::os::unix::fs::symlink("../soft/deep", root.join("real/up")).unwrap();
        let found = find(&jail_path(root.join("soft/up"))).unwrap().unwrap();
        assert_eq!(found.path, jail_path(root.join("real/deep")));
        let links: Vec<_> = found.links.iter().map(|link| link.at.clone()).collect();
        let expected = ["soft", "real/up", "soft"].map(|name| jail_path(root.join(name)));
        assert_eq!(links, expected);
    }

    #[test]
    fn without_one_call_that_refuses_links_the_name_is_compared() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/deep")).unwrap();
        std::os::unix::fs::symlink("real", root.join("soft")).unwrap();
        let look = |path: &str| open_and_look(&jail_path(root.join(path)), OFlags::PATH);
        assert!(look("real/deep").is_ok());
        assert_eq!(look("soft").unwrap_err(), Errno::LOOP);
        assert_eq!(look("soft/deep").unwrap_err(), Errno::LOOP);
        assert_eq!(look("none").unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn what_is_not_there_is_none_and_a_loop_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        assert!(find(&jail_path(root.join("no/such"))).unwrap().is_none());
        std::os::unix::fs::symlink("loop", root.join("loop")).unwrap();
        assert!(find(&jail_path(root.join("loop"))).is_err());
    }
}
