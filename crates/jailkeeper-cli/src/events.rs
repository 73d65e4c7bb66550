//! Writing events and the report to where the caller wants them.

use jailkeeper::model::Event;
use jailkeeper::{Error, Report};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where events go.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A descriptor that this process inherited.
    Descriptor(i32),
    /// A file.
    File(PathBuf),
}

impl Destination {
    /// Reads the value of `--events`.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Error> {
        let Some(number) = text.as_bytes().strip_prefix(b"fd:") else {
            return Ok(Self::File(text.into()));
        };
        std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()).map_or_else(
            || {
                Err(Error::usage("read the value of `--events`")
                    .with_advice("after `fd:` comes a number, such as fd:3"))
            },
            |number| Ok(Self::Descriptor(number)),
        )
    }

    /// Returns the file that the jail must not be able to change.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Descriptor(_) => None,
        }
    }

    /// Opens it. A file is emptied.
    pub(crate) fn open(&self) -> Result<Writer, Error> {
        let file =
            match self {
                Self::Descriptor(number) => jailkeeper::inherited_descriptor(*number)
                    .map(File::from)
                    .map_err(|error| Error::io(format!("use descriptor {number}"), error))?,
                Self::File(path) => create(path)?,
            };
        Ok(Writer { file: Some(file) })
    }
}

/// Writes events, one a line.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Gone when the reader is.
    file: Option<File>,
}

impl Writer {
    /// Writes an event. A reader that went away is no reason to fail; a full disk is one to say so.
    pub(crate) fn write(&mut self, event: &Event) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut line = event.to_line().map_err(io::Error::other)?;
        line.push('\n');
        let written = file.write_all(line.as_bytes());
        if written.is_err() {
            self.file = None;
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

/// Makes a file of the caller's, or empties it.
pub(crate) fn create(path: &Path) -> Result<File, Error> {
    File::create(path).map_err(|error| Error::io("create", error).at_path(path))
}
