//! One attempt, as a tracer told it.

use crate::flags::Flags;
use crate::vocabulary::Deed;
use jailkeeper_model::{Access, JailPath, Presence};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a process tried to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The process, or the thread.
    pub pid: u32,
    /// When it was, since 1970, if the tracer says so.
    pub time: Option<Duration>,
    /// What it wanted to do.
    pub deed: Deed,
    /// Where.
    pub place: Place,
    /// Whether it is there, as far as the outcome of the call tells.
    pub presence: Presence,
    /// Whether the call did what it was to do.
    pub succeeded: bool,
    /// What the call was given is open under this name, if the tracer says so: symbolic links
    /// were followed by the kernel itself.
    pub opened: Option<JailPath>,
    /// What events call it.
    pub operation: &'static str,
    /// The call.
    pub syscall: &'static str,
    /// The call's flags.
    pub flags: Flags,
}

/// Where an attempt goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A path.
    Path {
        /// Where a relative path starts from; the root for an absolute one. `None` if nobody knows.
        start: Option<JailPath>,
        /// The path as it was given.
        text: PathBuf,
        /// Whether the tracer wrote all of it.
        is_complete: bool,
        /// Whether a symbolic link at its end is followed.
        follow: bool,
    },
    /// A network address.
    Address(String),
    /// A call that nobody may make.
    Call,
}

impl Place {
    /// A path, from a start that is known or not.
    pub(crate) fn path(
        start: Option<&JailPath>,
        text: &[u8],
        is_complete: bool,
        follow: bool,
    ) -> Self {
        let text = Path::new(OsStr::from_bytes(text)).to_owned();
        let start = if text.is_absolute() { Some(JailPath::root()) } else { start.cloned() };
        Self::Path { start, text, is_complete, follow }
    }
}

impl Attempt {
    /// Returns the path as requested, made absolute as text. `None` if it is not a path, or where
    /// it starts from is not known. Of a path that was cut it is the beginning.
    #[must_use]
    pub fn file(&self) -> Option<JailPath> {
        match &self.place {
            Place::Path { start, text, .. } => JailPath::resolve(start.as_ref()?, text).ok(),
            _ => None,
        }
    }

    /// Tells whether it is known where the attempt goes. One of which it is not known must never be
    /// taken for one that stays inside.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match &self.place {
            Place::Path { is_complete, .. } => *is_complete && self.file().is_some(),
            _ => true,
        }
    }

    /// Describes the attempt as an access to this path, with symbolic links followed.
    #[must_use]
    pub fn access_to(&self, path: JailPath, presence: Presence) -> Access {
        match self.deed {
            Deed::Probe => Access::probe(path, presence),
            Deed::Read => Access::read(path, presence),
            Deed::Execute => Access::execute(path, presence),
            Deed::Write => Access::write(path, presence),
            Deed::Create => Access::create(path),
            Deed::Connect => Access::connect_path(path, presence),
            Deed::Bind => Access::bind_path(path),
        }
    }

    /// Describes the attempt as an access, as far as text alone tells.
    #[must_use]
    pub fn access(&self) -> Option<Access> {
        match &self.place {
            Place::Path { .. } => Some(self.access_to(self.file()?, self.presence)),
            Place::Address(address) if self.deed == Deed::Bind => {
                Some(Access::bind_address(address.clone()))
            }
            Place::Address(address) => Some(Access::connect_address(address.clone())),
            Place::Call => Some(Access::syscall(self.syscall.to_owned())),
        }
    }
}
