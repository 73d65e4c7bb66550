//! Changes of a file's permissions, owner, times and attributes, made on the caller's behalf:
//! Landlock does not govern them.
//!
//! The race: a name that leads elsewhere when the kernel reads it again, or the number of a
//! descriptor under which another thread puts another file. Both are taken once, to a descriptor of
//! this process. What that leads to is judged by the kernel's own name for it, and it is what is
//! changed.

use super::super::caller::{file_path, register_to_fd};
use super::behalf::{held, own_name};
use super::paths::Place;
use super::{Answer, Watch};
use crate::ward::Attempt;
use jailkeeper_model::{Access, Mode, Presence};
use rustix::fs::{AtFlags, Gid, OFlags, RawMode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

/// The largest value of an extended attribute (`XATTR_SIZE_MAX`).
const VALUE_MAX: u64 = 64 * 1024;
const UTIME_NOW: i64 = (1 << 30) - 1;

impl Watch<'_> {
    /// Changes the file at a place that was judged.
    pub(super) fn change_path(&self, operation: &'static str, place: &Place) -> Answer {
        let file = match held(&place.walk.path, OFlags::empty()) {
            Ok(file) => file,
            Err(errno) => return Answer::Refuse(errno),
        };
        self.change(operation, &file).into()
    }

    /// Changes the file behind a descriptor, once it is judged.
    pub(super) fn change_descriptor(&self, operation: &'static str, register: u64) -> Answer {
        let number = register_to_fd(register);
        let link = format!("/proc/{}/fd/{number}", self.caller.thread.as_raw_pid());
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = match rustix::fs::open(link, flags, rustix::fs::Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Answer::Refuse(Errno::BADF),
            Err(_) if self.caller.hides() => return self.refuse_hidden(),
            Err(errno) => return Answer::Refuse(errno),
        };
        let name = match own_name(&file) {
            Ok(name) => name,
            Err(errno) => return Answer::Refuse(errno),
        };
        // Pipes, sockets and files without a name belong to whoever has them.
        if let Some(path) = file_path(&name) {
            let attempt = Attempt {
                access: Access::write(path.clone(), Presence::Exists),
                file: Some(path),
                operation,
                syscall: self.call.name().to_owned(),
                flags: Vec::new(),
                mode: Mode::Write,
            };
            if let Some(answer) = self.refused(&attempt) {
                return answer;
            }
        }
        self.change(operation, &file).into()
    }

    fn change(&self, operation: &str, file: &OwnedFd) -> Result<(), Errno> {
        // All that the caller says is read before it is known to have waited all the while.
        match operation {
            "chmod" => {
                let mode = self.argument(if self.names_directory() { 2 } else { 1 });
                let mode = RawMode::try_from(mode & 0o7777).unwrap_or(0);
                self.still_waits()?;
                rustix::fs::chmod(own_link(file), rustix::fs::Mode::from_raw_mode(mode))
            }
            "chown" => {
                let first = if self.names_directory() { 2 } else { 1 };
                let (user, group) = (self.int(first), self.int(first + 1));
                let user = (user != u32::MAX).then(|| Uid::from_raw(user));
                let group = (group != u32::MAX).then(|| Gid::from_raw(group));
                self.still_waits()?;
                rustix::fs::chownat(file, c"", user, group, AtFlags::EMPTY_PATH)
            }
            "utime" => {
                let times = self.times()?;
                self.still_waits()?;
                let flags = AtFlags::EMPTY_PATH;
                match rustix::fs::utimensat(file, c"", &times, flags) {
                    // Before Linux 5.8 an empty path was not known here.
                    Err(Errno::INVAL | Errno::NOENT) => rustix::fs::utimensat(
                        rustix::fs::CWD,
                        own_link(file),
                        &times,
                        AtFlags::empty(),
                    ),
                    other => other,
                }
            }
            "setxattr" => {
                let name = self.text(1)?;
                let size = self.argument(3);
                if size > VALUE_MAX {
                    return Err(Errno::TOOBIG);
                }
                let size = usize::try_from(size).map_err(|_| Errno::TOOBIG)?;
                let value = self.bytes(self.argument(2), size)?;
                let flags = XattrFlags::from_bits(self.int(4)).ok_or(Errno::INVAL)?;
                self.still_waits()?;
                rustix::fs::setxattr(own_link(file), name, &value, flags)
            }
            "removexattr" => {
                let name = self.text(1)?;
                self.still_waits()?;
                rustix::fs::removexattr(own_link(file), name)
            }
            "truncate" => {
                let name = own_name(file)?;
                let path = jailkeeper_model::JailPath::new(name).map_err(|_| Errno::INVAL)?;
                self.truncate(&path)
            }
            _ => Err(Errno::NOSYS),
        }
    }

    /// Tells whether the call's first argument is the descriptor of a directory.
    fn names_directory(&self) -> bool {
        matches!(self.call.name(), "fchmodat" | "fchmodat2" | "fchownat")
    }

    /// The times that one of four calls sets.
    fn times(&self) -> Result<Timestamps, Errno> {
        let (index, seconds_alone, nanoseconds) = match self.call.name() {
            "utime" => (1, true, false),
            "utimes" => (1, false, false),
            "futimesat" => (2, false, false),
            _ => (2, false, true),
        };
        let address = self.argument(index);
        if address == 0 {
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            return Ok(Timestamps { last_access: now, last_modification: now });
        }
        let bytes = self.bytes(address, if seconds_alone { 16 } else { 32 })?;
        let word = |index: usize| {
            let at = index * 8;
            let word = bytes.get(at..at + 8).and_then(|word| word.try_into().ok());
            word.map_or(0, i64::from_ne_bytes)
        };
        let time = |seconds, parts: i64| {
            if nanoseconds {
                return Ok(Timespec { tv_sec: seconds, tv_nsec: parts });
            }
            if !(0..1_000_000).contains(&parts) {
                return Err(Errno::INVAL);
            }
            Ok(Timespec { tv_sec: seconds, tv_nsec: parts * 1000 })
        };
        let (last_access, last_modification) = if seconds_alone {
            (time(word(0), 0)?, time(word(1), 0)?)
        } else {
            (time(word(0), word(1))?, time(word(2), word(3))?)
        };
        Ok(Timestamps { last_access, last_modification })
    }

    fn text(&self, index: u8) -> Result<CString, Errno> {
        use std::os::unix::ffi::OsStrExt as _;
        let text = self.caller.path(self.argument(index)).map_err(|_| Errno::FAULT)?;
        CString::new(text.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)
    }

    fn bytes(&self, address: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let bytes = self.caller.bytes(address, length).map_err(|_| Errno::FAULT)?;
        if bytes.len() == length { Ok(bytes) } else { Err(Errno::FAULT) }
    }
}

/// A name of this process's own for what a descriptor leads to, whatever that is.
fn own_link(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
