//! Opening, making and removing files on the caller's behalf, where Landlock cannot say what is
//! granted.
//!
//! The race: what was judged is a name, and names change. So each file is opened through no
//! symbolic link, and the kernel's own name of what was opened is compared with what was judged.
//! The directory in which a name is made or removed is held in the same way. The caller cannot move
//! such a directory: those with something carved out below them stay where they are.

use super::super::grant::{self, Wanted};
use super::paths::Place;
use super::{Answer, Watch};
use crate::plan::Text;
use crate::walls::filter;
use crate::ward::Ward;
use jailkeeper_model::JailPath;
use rustix::fs::{
    AtFlags, FileType, MemfdFlags, Mode, OFlags, RenameFlags, ResolveFlags, SealFlags,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

/// The largest text that is handed over.
const TEXT_MAX: usize = 4 * 1024 * 1024;
/// The devices that have no state: null, zero, full, random.
const MEMORY_DEVICES: u32 = 1;
/// What of the flags that are [kept](grant::KEPT) can be set afterwards, and would be taken away with
/// another.
const SETTABLE: OFlags = OFlags::APPEND.union(OFlags::DIRECT).union(OFlags::NOATIME);
/// How often a name is followed again that something else took meanwhile.
const TRIES: u32 = 8;

impl Watch<'_> {
    /// Opens a file of a tree that Landlock does not grant.
    pub(super) fn open_on_behalf(&self, places: &[Place], flags: u64, mode: u64) -> Answer {
        let [place] = places else { return Answer::Refuse(Errno::INVAL) };
        let close_on_exec = filter::closes_on_exec(flags);
        let Ok(bits) = u32::try_from(flags & u64::from(u32::MAX)) else {
            return Answer::Refuse(Errno::INVAL);
        };
        let wanted = OFlags::from_bits_retain(bits);
        let path = &place.walk.path;
        let opened = if wanted.contains(OFlags::TMPFILE) {
            let mode = u32::try_from(mode & 0o777).unwrap_or(0) & !self.caller.umask();
            held(path, OFlags::DIRECTORY).and_then(|folder| {
                let flags =
                    wanted & (OFlags::TMPFILE | OFlags::RDWR | OFlags::WRONLY | OFlags::EXCL);
                let flags = flags | OFlags::CLOEXEC;
                rustix::fs::openat(&folder, c".", flags, Mode::from_raw_mode(mode))
            })
        } else if is_directory(path) {
            match filter::has_write_intent(flags) {
                true if wanted.contains(OFlags::CREATE | OFlags::EXCL) => Err(Errno::EXIST),
                true => Err(Errno::ISDIR),
                false => held_as(path, OFlags::RDONLY | OFlags::DIRECTORY),
            }
        } else if wanted.contains(OFlags::DIRECTORY) {
            held(path, OFlags::empty()).and(Err(Errno::NOTDIR))
        } else {
            let follows = !wanted.contains(OFlags::NOFOLLOW);
            let how = Wanted::new(flags, mode).ok_or(Errno::INVAL);
            match how.and_then(|how| grant::open_here(self.ward, self.caller, path, how)) {
                Err(Errno::LOOP) if follows => Err(Errno::ACCESS),
                other => other,
            }
        };
        match opened {
            Ok(fd) => Answer::Descriptor { fd, close_on_exec },
            Err(errno) => Answer::Refuse(errno),
        }
    }

    /// Opens what Landlock grants too, for a caller whose memory may change.
    ///
    /// A pipe with a name makes whoever opens it wait, and a terminal may be the caller's own: these
    /// the caller opens itself.
    pub(super) fn open_native_on_behalf(&self, places: &[Place], flags: u64, mode: u64) -> Answer {
        let [place] = places else { return Answer::Refuse(Errno::INVAL) };
        let Ok(bits) = u32::try_from(flags & u64::from(u32::MAX)) else {
            return Answer::Refuse(Errno::INVAL);
        };
        let wanted = OFlags::from_bits_retain(bits);
        let looked = held(&place.walk.path, OFlags::empty())
            .and_then(|held| Ok((rustix::fs::fstat(&held)?, held)));
        let Ok((stat, held)) = looked else { return self.open_on_behalf(places, flags, mode) };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let opened = match kind {
            FileType::RegularFile | FileType::Directory if wanted.contains(OFlags::TMPFILE) => {
                return self.open_on_behalf(places, flags, mode);
            }
            FileType::Symlink => return self.open_on_behalf(places, flags, mode),
            FileType::Socket => Err(Errno::NXIO),
            FileType::CharacterDevice if rustix::fs::major(stat.st_rdev) != MEMORY_DEVICES => {
                return Answer::Resume;
            }
            FileType::RegularFile | FileType::Directory | FileType::CharacterDevice => {
                open_held(&held, kind, wanted)
            }
            _ => return Answer::Resume,
        };
        match opened {
            Ok(fd) => Answer::Descriptor { fd, close_on_exec: filter::closes_on_exec(flags) },
            Err(errno) => Answer::Refuse(errno),
        }
    }

    /// Makes, removes or renames a name in a tree that Landlock does not grant.
    pub(super) fn alter_on_behalf(&self, operation: &'static str, places: &[Place]) -> Answer {
        let altered = match places {
            [place] => self.alter_one(operation, &place.walk.path),
            [from, to] => self.alter_two(operation, &from.walk.path, &to.walk.path),
            _ => Err(Errno::INVAL),
        };
        altered.into()
    }

    fn alter_one(&self, operation: &'static str, path: &JailPath) -> Result<(), Errno> {
        let (folder, name) = parent(path)?;
        self.still_waits()?;
        let masked = |mode: u64| {
            Mode::from_raw_mode(u32::try_from(mode & 0o1777).unwrap_or(0) & !self.caller.umask())
        };
        match (operation, self.call.name()) {
            (_, "mkdir") => rustix::fs::mkdirat(folder, name, masked(self.argument(1))),
            (_, "mkdirat") => rustix::fs::mkdirat(folder, name, masked(self.argument(2))),
            ("mknod", call) => {
                let mode = self.argument(if call == "mknod" { 1 } else { 2 });
                let kind = FileType::from_raw_mode(u32::try_from(mode & 0o170_000).unwrap_or(0));
                // Zero stands for a regular file; devices are nobody's to make.
                let kind = match kind {
                    FileType::Fifo | FileType::Socket => kind,
                    FileType::RegularFile => kind,
                    _ if mode & 0o170_000 == 0 => FileType::RegularFile,
                    _ => return Err(Errno::PERM),
                };
                rustix::fs::mknodat(folder, name, kind, masked(mode), 0)
            }
            ("rmdir", _) => rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR),
            ("unlink", "unlinkat") => {
                let directory = self.int(2) & AtFlags::REMOVEDIR.bits() != 0;
                let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
                rustix::fs::unlinkat(folder, name, flags)
            }
            ("unlink", _) => rustix::fs::unlinkat(folder, name, AtFlags::empty()),
            ("symlink", _) => {
                let target = self.caller.path(self.argument(0)).map_err(|_| Errno::FAULT)?;
                rustix::fs::symlinkat(target, folder, name)
            }
            ("truncate", _) => self.truncate(path),
            _ => Err(Errno::ACCESS),
        }
    }

    fn alter_two(&self, operation: &str, from: &JailPath, to: &JailPath) -> Result<(), Errno> {
        if operation == "rename" && self.renames_exclusively() && held(to, OFlags::empty()).is_ok()
        {
            return Err(Errno::EXIST);
        }
        let native = &self.ward.plan.native;
        // What is carved out would be carried along, or be in the way.
        if native.is_chain(from) || native.is_chain(to) {
            return Err(Errno::ACCESS);
        }
        let ((folder, name), (new_folder, new_name)) = (parent(from)?, parent(to)?);
        self.still_waits()?;
        if operation == "link" {
            return rustix::fs::linkat(folder, name, new_folder, new_name, AtFlags::empty());
        }
        let flags = if self.call.name() == "renameat2" { self.int(4) } else { 0 };
        let flags = RenameFlags::from_bits(flags).ok_or(Errno::INVAL)?;
        if flags.contains(RenameFlags::EXCHANGE) && !(is_plain(from) && is_plain(to)) {
            return Err(Errno::ACCESS);
        }
        rustix::fs::renameat_with(folder, name, new_folder, new_name, flags)
    }

    /// Cuts a file off, where Landlock does not govern that or does not grant the file.
    pub(super) fn truncate(&self, path: &JailPath) -> Result<(), Errno> {
        let how = Wanted::new(OFlags::WRONLY.bits().into(), 0).ok_or(Errno::INVAL)?;
        let fd = grant::open_here(self.ward, self.caller, path, how)?;
        self.still_waits()?;
        rustix::fs::ftruncate(&fd, self.argument(1))
    }
}

/// Opens what is held, which is there already.
///
/// The link leads to what was looked at, whatever has the name by now.
fn open_held(held: &OwnedFd, kind: FileType, wanted: OFlags) -> Result<OwnedFd, Errno> {
    if wanted.contains(OFlags::CREATE | OFlags::EXCL) {
        return Err(Errno::EXIST);
    }
    let writes = wanted.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC);
    if kind == FileType::Directory && writes {
        return Err(Errno::ISDIR);
    }
    let link = format!("/proc/self/fd/{}", held.as_raw_fd());
    // Whoever has a lease on a file must not make the supervisor wait.
    let kept = grant::KEPT | OFlags::TRUNC;
    let how = wanted & kept | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(link, how, Mode::empty())?;
    if !wanted.contains(OFlags::NONBLOCK) {
        rustix::fs::fcntl_setfl(&fd, wanted & SETTABLE)?;
    }
    Ok(fd)
}

fn is_directory(path: &JailPath) -> bool {
    held(path, OFlags::DIRECTORY).is_ok()
}

fn is_plain(path: &JailPath) -> bool {
    !is_directory(path)
}

/// Holds what has a name that goes through no symbolic link.
pub(super) fn held(path: &JailPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    held_as(path, OFlags::PATH | OFlags::NOFOLLOW | flags)
}

fn held_as(path: &JailPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = flags | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        let fd =
            rustix::fs::openat2(rustix::fs::CWD, path.as_path(), flags, Mode::empty(), resolve)?;
        if own_name(&fd)?.as_os_str() == path.as_path().as_os_str() {
            return Ok(fd);
        }
        // Something else may have got the name, or have lost it, since it was followed.
    }
    Err(Errno::ACCESS)
}

/// Returns the kernel's name of what a descriptor of this process leads to.
pub(super) fn own_name(fd: impl AsFd) -> Result<std::path::PathBuf, Errno> {
    use std::os::unix::ffi::OsStringExt as _;
    let link = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let name = rustix::fs::readlink(link, Vec::new())?;
    Ok(std::ffi::OsString::from_vec(name.into_bytes()).into())
}

/// Holds the directory that a path is in.
fn parent(path: &JailPath) -> Result<(OwnedFd, &OsStr), Errno> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::BUSY);
    };
    Ok((held(&parent, OFlags::DIRECTORY)?, name))
}

/// Makes a file of a text of the jail's own, which nobody can change.
pub(super) fn text(text: &Text) -> Result<OwnedFd, Errno> {
    let bytes = text.read(0, TEXT_MAX);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = rustix::fs::memfd_create(c"jailkeeper", flags)?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let count = rustix::io::write(&memory, rest)?;
        rest = rest.get(count..).unwrap_or_default();
    }
    let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, all)?;
    // Opened again, so that the caller's is for reading alone and begins at the start.
    let link = format!("/proc/self/fd/{}", memory.as_raw_fd());
    rustix::fs::open(link, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Reads the first bytes of a file in one of the host's trees, without waiting.
pub(super) fn first_line(ward: &Ward, path: &JailPath) -> Option<String> {
    let (root, fd) = ward.tree_descriptor(path)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let inside = path.strip_prefix(root)?;
    let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
    let file = rustix::fs::openat2(fd, inside, flags, Mode::empty(), resolve).ok()?;
    let mut bytes = [0; 256];
    let count = rustix::io::read(&file, &mut bytes).ok()?;
    Some(String::from_utf8_lossy(bytes.get(..count)?).into_owned())
}
