//! What can go wrong, in one opaque type.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The kind of an [`Error`]. The same words are the `code` in Node and the class in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `EPOLICY`: the policy is wrong, or cannot be kept.
    Policy,
    /// `EUNSUPPORTED`: this machine cannot build a wall that the policy requires.
    Unsupported,
    /// `ESETUP`: a step of building the jail failed.
    Setup,
    /// `ENOTFOUND`: the command is not there.
    NotFound,
    /// `ENOTEXECUTABLE`: the command is there and cannot be run.
    NotExecutable,
    /// `EIO`: reading or writing something of the caller's failed.
    Io,
}

impl ErrorKind {
    /// Returns the kind's stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Policy => "EPOLICY",
            Self::Unsupported => "EUNSUPPORTED",
            Self::Setup => "ESETUP",
            Self::NotFound => "ENOTFOUND",
            Self::NotExecutable => "ENOTEXECUTABLE",
            Self::Io => "EIO",
        }
    }
}

/// An error of the engine: what was tried, on which path, why it failed and what to do.
///
/// It displays as a fragment that completes "failed to ..."; the cause is its
/// [`source`](std::error::Error::source), the advice its [`hint`](Error::hint).
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    step: String,
    path: Option<PathBuf>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// The machine refused a step of building walls, and nothing ran.
    #[cfg(feature = "full")]
    of_machine: bool,
}

/// The result of the engine's calls.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes an error that says which step failed.
    pub(crate) fn new(kind: ErrorKind, step: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            step: step.into(),
            path: None,
            hint: None,
            source: None,
            #[cfg(feature = "full")]
            of_machine: false,
        }))
    }

    /// Says on which path it was tried.
    #[must_use]
    pub fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path = Some(path.as_ref().to_owned());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says that the machine refused a step of building walls before anything ran.
    #[cfg(feature = "full")]
    pub(crate) fn of_the_machine(mut self) -> Self {
        self.0.of_machine = true;
        self
    }

    /// Tells whether weaker walls may stand where these could not.
    #[cfg(feature = "full")]
    pub(crate) fn is_of_the_machine(&self) -> bool {
        self.0.of_machine
    }

    pub(crate) fn because(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Makes an error about what a caller of the command asked for.
    #[must_use]
    pub fn usage(step: impl Into<String>) -> Self {
        Self::new(ErrorKind::Policy, step)
    }

    /// Makes an error of a mistake in a profile.
    #[must_use]
    pub fn profile(mistake: jailkeeper_model::profile::ProfileError) -> Self {
        Self::new(ErrorKind::Policy, "use the profile").because(mistake)
    }

    /// Makes an error about a file or descriptor of the caller.
    #[must_use]
    pub fn io(step: impl Into<String>, error: io::Error) -> Self {
        Self::new(ErrorKind::Io, step).because(error)
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Says the error with all its causes, in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = format!("failed to {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(source) = cause {
            text.push_str(&format!(": {source}"));
            cause = source.source();
        }
        text
    }

    /// Returns what was tried, to complete "failed to ...".
    #[must_use]
    pub fn step(&self) -> &str {
        &self.0.step
    }

    /// Returns the path that it was tried on.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.step)?;
        if let Some(path) = &self.0.path {
            let bytes = path.as_os_str().as_encoded_bytes();
            write!(f, " `{}`", jailkeeper_model::Escaped::new(bytes))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Names the step at which an I/O error came up.
pub(crate) trait Step<T> {
    /// Turns the error into one of setting up the jail.
    fn step(self, step: &str) -> Result<T>;
}

impl<T> Step<T> for io::Result<T> {
    fn step(self, step: &str) -> Result<T> {
        self.map_err(|error| Error::new(ErrorKind::Setup, step).because(error))
    }
}

impl<T> Step<T> for std::result::Result<T, rustix::io::Errno> {
    fn step(self, step: &str) -> Result<T> {
        self.map_err(io::Error::from).step(step)
    }
}
