//! Renames that fail whatever the policy says.
//!
//! `mv b/x a/` asks the kernel first to rename `b/x` to `a` itself, which must not be there
//! (`RENAME_NOREPLACE`), and learns from `EEXIST` that `a` is a directory. Where `a` holds a denied
//! name such a rename would be a jailbreak, because a directory that comes to `a` could bring
//! that name along. It never comes there, so it is answered with the kernel's own error.
//!
//! The race: what lies at `a` can be moved away between this look and the kernel's. So the call
//! is answered and never resumed: the worst that a wrong look does is a wrong error.

use super::walk::{End, Walk};
use crate::walls::filter::Call;
use crate::ward::Ward;
use jailkeeper_model::{JailPath, Presence};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// `RENAME_NOREPLACE`.
pub(super) const NO_REPLACE: u64 = 1;

/// The flags of a rename, of which the fifth argument is given: the older calls have none.
pub(super) fn flags(call: &Call, fifth: u64) -> u64 {
    if call.name() == "renameat2" { fifth & u64::from(u32::MAX) } else { 0 }
}

/// What the kernel answers to a rename because of what lies at the new name; `None` if it could
/// come about.
///
/// `flags` are those of `renameat2`, from a register, so that nobody can exchange them. A rename
/// that exchanges or leaves a whiteout can come about. One onto a denied file (`EBUSY`, because
/// that is a mount) is no business of this function's: it was an attempt to replace the file.
///
/// # References
///
/// `rename(2)`, since Linux 3.15 for `RENAME_NOREPLACE`.
pub(super) fn fails_anyway(
    ward: &Ward,
    flags: u64,
    from: Option<&JailPath>,
    to: &Walk,
) -> Option<Errno> {
    if to.end != End::Tree || to.presence != Presence::Exists {
        return None;
    }
    match flags {
        NO_REPLACE => Some(Errno::EXIST),
        0 if holds_something(ward, &to.path) => {
            let directory = from.and_then(|from| is_directory(ward, from)).unwrap_or(true);
            Some(if directory { Errno::NOTEMPTY } else { Errno::ISDIR })
        }
        _ => None,
    }
}

/// Tells whether a name of a tree is a directory with something in it.
fn holds_something(ward: &Ward, path: &JailPath) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK;
    let Ok(entries) = open(ward, path, flags).and_then(Dir::new) else { return false };
    entries.flatten().any(|entry| !matches!(entry.file_name().to_bytes(), b"." | b".."))
}

/// Tells whether a name of a tree is a directory; `None` if it cannot be looked at.
fn is_directory(ward: &Ward, path: &JailPath) -> Option<bool> {
    let stat = rustix::fs::fstat(open(ward, path, OFlags::PATH).ok()?).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// Opens a name of a tree, through no symbolic link.
fn open(ward: &Ward, path: &JailPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let (root, fd) = ward.tree_descriptor(path).ok_or(Errno::NOENT)?;
    let inside = path.strip_prefix(root).ok_or(Errno::NOENT)?;
    let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat2(fd, inside, flags, Mode::empty(), resolve)
}
