//! Opening what a pattern grants, on the caller's behalf.
//!
//! The race: between reading the path from the caller's memory and opening the file, the caller
//! may change that memory, and anybody may swap a directory for a link. Neither matters. The
//! memory is read once, and the call is answered with a descriptor instead of being resumed. The
//! file is opened through no symbolic link at all (`RESOLVE_NO_SYMLINKS`), so its path is the one
//! that was matched; and the kernel's own name for what was opened is compared with it.

use super::ask::Asking;
use super::caller::Caller;
use super::walk::{End, Walk};
use crate::ward::Ward;
use jailkeeper_model::{Access, JailPath, Strength, Verdict, decide};
use rustix::fs::{FileType, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};

/// How often a file is opened again whose name leads elsewhere by then.
const TRIES: u32 = 8;

/// What of a call's flags is kept where its file is opened for it.
pub(super) const KEPT: OFlags = OFlags::WRONLY
    .union(OFlags::RDWR)
    .union(OFlags::APPEND)
    .union(OFlags::DIRECTORY)
    .union(OFlags::SYNC)
    .union(OFlags::DSYNC)
    .union(OFlags::DIRECT)
    .union(OFlags::NOATIME);

/// How a call wants to open a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    flags: OFlags,
    mode: u64,
}

impl Wanted {
    /// Takes the flags and the mode of a call; `None` for one that only wants a name.
    pub(super) fn new(flags: u64, mode: u64) -> Option<Self> {
        let bits = u32::try_from(flags & u64::from(u32::MAX)).ok()?;
        let flags = OFlags::from_bits_retain(bits);
        (!flags.contains(OFlags::PATH)).then_some(Self { flags, mode })
    }
}

/// Opens what was walked to, if a pattern grants it, or an answer for the whole run.
pub(super) fn open(
    ward: &Ward,
    caller: Caller,
    walk: &Walk,
    wanted: Wanted,
) -> Option<Result<OwnedFd, Errno>> {
    if matches!(walk.end, End::Descriptor(_)) {
        return None;
    }
    let flags = wanted.flags;
    let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC);
    let answered = |asking: &Asking| asking.allows(&walk.path, writes);
    if ward.asking.as_ref().is_some_and(answered) {
        return Some(open_here(ward, caller, &walk.path, wanted));
    }
    if ward.plan.policy.patterns().is_empty() {
        return None;
    }
    let path = walk.path.clone();
    let access = match (flags.contains(OFlags::CREATE), writes) {
        (true, _) => Access::create(path),
        (_, true) => Access::write(path, walk.presence),
        _ => Access::read(path, walk.presence),
    };
    (decide(&ward.plan.policy, &access) == Verdict::Grant)
        .then(|| open_here(ward, caller, &walk.path, wanted))
}

/// Opens a regular file outside, at exactly this path.
pub(super) fn open_here(
    ward: &Ward,
    caller: Caller,
    path: &JailPath,
    wanted: Wanted,
) -> Result<OwnedFd, Errno> {
    for _ in 0..TRIES {
        match open_once(ward, caller, path, wanted) {
            // Somebody was about to put another file there, as programs do that replace one.
            Err(Errno::STALE) => {}
            other => return other,
        }
    }
    Err(Errno::ACCESS)
}

/// Opens it, or fails with `ESTALE` if the name came to lead elsewhere meanwhile.
fn open_once(
    ward: &Ward,
    caller: Caller,
    path: &JailPath,
    wanted: Wanted,
) -> Result<OwnedFd, Errno> {
    let Wanted { flags: wanted, mode } = wanted;
    // Whatever is opened must not make the supervisor wait.
    let flags = wanted & KEPT | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let exclusive = wanted.contains(OFlags::CREATE | OFlags::EXCL);
    let there = if exclusive { Err(Errno::NOENT) } else { open_there(path, flags) };
    let fd = match there {
        Err(Errno::NOENT) if wanted.contains(OFlags::CREATE) => {
            let mode = u32::try_from(mode & 0o777).unwrap_or(0) & !caller.umask();
            let mode = Mode::from_raw_mode(mode);
            let made = open_exactly(path, flags | OFlags::CREATE | OFlags::EXCL, mode);
            let fd = match made {
                Err(Errno::EXIST) if !exclusive => return Err(Errno::STALE),
                other => other?,
            };
            // On the host's own files the watch is the jail's user already.
            if ward.plan.identity.changed && ward.plan.strength() == Strength::Full {
                give_to_owner_of_directory(&fd, path)?;
            }
            fd
        }
        other => other?,
    };
    let name = rustix::fs::readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new())?;
    if name.as_bytes() != path.as_bytes() {
        return Err(if exclusive { Errno::ACCESS } else { Errno::STALE });
    }
    // Only now is it certain that this is the file that was granted.
    if wanted.contains(OFlags::TRUNC) {
        rustix::fs::ftruncate(&fd, 0)?;
    }
    if !wanted.contains(OFlags::NONBLOCK) {
        let now = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, now - OFlags::NONBLOCK)?;
    }
    Ok(fd)
}

/// Opens what is there, if it is a regular file. No device, pipe or socket of the outside is even
/// touched: its kind is looked at first, and what was looked at is what is opened. A directory is
/// never handed over: whoever has one can go on from it, past the view.
fn open_there(path: &JailPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let looked = open_exactly(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let looked = rustix::fs::fstat(&looked)?;
    match FileType::from_raw_mode(looked.st_mode) {
        FileType::RegularFile => {}
        // Answered as absent, like everything that is not granted and not judged.
        _ => return Err(Errno::NOENT),
    }
    let fd = open_exactly(path, flags, Mode::empty())?;
    let opened = rustix::fs::fstat(&fd)?;
    let same = (looked.st_dev, looked.st_ino) == (opened.st_dev, opened.st_ino);
    if same { Ok(fd) } else { Err(Errno::STALE) }
}

fn open_exactly(path: &JailPath, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(rustix::fs::CWD, path.as_path(), flags, mode, resolve)
}

/// A file that root makes for a jail belongs to whom the directory belongs to.
fn give_to_owner_of_directory(fd: &OwnedFd, path: &JailPath) -> Result<(), Errno> {
    let parent = path.parent().ok_or(Errno::INVAL)?;
    let folder = open_exactly(&parent, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let stat = rustix::fs::fstat(&folder)?;
    let (user, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(fd, Some(user), Some(group))
}
