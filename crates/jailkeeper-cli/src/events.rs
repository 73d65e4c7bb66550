//! Writing events and the report to where the caller wants them.

use jailkeeper::model::Event;
use jailkeeper::{Error, Report};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where events go.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A descriptor that this process inherited.
    Descriptor(i32),
    /// A file.
    File(PathBuf),
}

impl Destination {
    /// Reads the value of `--events` and the like.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Error> {
        match text.as_bytes().strip_prefix(b"fd:") {
            Some(number) => Ok(Self::Descriptor(parse_number(number)?)),
            None => Ok(Self::File(text.into())),
        }
    }

    /// Returns the file that the jail must not be able to change.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Descriptor(_) => None,
        }
    }

    /// Opens it. A file is emptied.
    pub(crate) fn open(&self) -> Result<File, Error> {
        match self {
            Self::Descriptor(number) => inherited(*number).map(File::from),
            Self::File(path) => {
                File::create(path).map_err(|error| Error::io("create", error).at(path))
            }
        }
    }
}

/// Takes over a descriptor that this process inherited.
pub(crate) fn inherited(number: i32) -> Result<OwnedFd, Error> {
    jailkeeper::inherited_descriptor(number).map_err(|error| {
        Error::io(format!("use descriptor {number}"), error)
            .with_hint(format!("open it before, in a shell with `{number}>FILE` for example"))
    })
}

/// Reads the number after `fd:`.
fn parse_number(number: &[u8]) -> Result<i32, Error> {
    std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()).ok_or_else(|| {
        Error::usage("read the number of a descriptor")
            .with_hint("after `fd:` comes a number, such as fd:3")
    })
}

/// Does something when the other end of a descriptor is closed: ends this process, and with it the
/// jail, whose init dies with its parent; or kills a jail that has no init.
pub(crate) fn tether(text: &OsStr, end: impl Fn() + Send + 'static) -> Result<(), Error> {
    let number = text.as_bytes().strip_prefix(b"fd:").ok_or_else(|| {
        Error::usage("read the value of `--tether`")
            .with_hint("it is the number of an inherited descriptor, such as fd:3")
    })?;
    let number = parse_number(number)?;
    let fd = inherited(number)?;
    std::thread::spawn(move || {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            // A socket whose other end only stopped writing is told of by Linux alone.
            #[cfg(target_os = "linux")]
            let ends = PollFlags::RDHUP;
            #[cfg(not(target_os = "linux"))]
            let ends = PollFlags::HUP;
            let mut fds = [PollFd::new(&fd, ends)];
            let polled = poll(&mut fds, None);
            if polled.is_ok() || polled != Err(rustix::io::Errno::INTR) {
                end();
                return;
            }
        }
    });
    Ok(())
}

/// Writes events, one a line, from whichever thread saw them.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Gone when the reader is.
    file: Mutex<Option<File>>,
    written: AtomicBool,
}

impl Writer {
    /// Writes to an open file.
    pub(crate) fn new(file: File) -> Self {
        Self { file: Mutex::new(Some(file)), written: AtomicBool::new(false) }
    }

    /// Returns the other direction of a channel: what its reader writes.
    pub(crate) fn other_direction(&self) -> io::Result<File> {
        let guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        guard.as_ref().ok_or(io::ErrorKind::BrokenPipe)?.try_clone()
    }

    /// Tells whether anything was written.
    pub(crate) fn has_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    /// Writes an event. A reader that went away is no reason to fail; a full disk is one to say so.
    pub(crate) fn write(&self, event: &Event) -> io::Result<()> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = guard.as_mut() else { return Ok(()) };
        self.written.store(true, Ordering::Relaxed);
        let mut line = event.to_line().map_err(io::Error::other)?;
        line.push('\n');
        let written = file.write_all(line.as_bytes());
        if written.is_err() {
            *guard = None;
        }
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// Writes the report.
pub(crate) fn write_report(file: &mut File, report: &Report) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    file.write_all(text.as_bytes())
}
