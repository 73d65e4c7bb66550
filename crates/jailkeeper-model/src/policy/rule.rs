//! One rule, and where it comes from.

use super::OnJailbreak;
use crate::escape::escape;
use crate::path::JailPath;
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Names what a rule gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// List, read, execute.
    Read,
    /// All that `Read` has, and create, change, rename, delete.
    Write,
    /// Nothing: carved out of an allowed tree.
    Deny,
    /// Nothing, and nothing is there: looking at it or reading it is answered as absent and never
    /// a jailbreak; writing there is.
    Quiet,
}

impl Right {
    /// Says whether it gives anything.
    #[must_use]
    pub fn allows(self) -> bool {
        match self {
            Self::Read | Self::Write => true,
            Self::Deny | Self::Quiet => false,
        }
    }
}

impl Display for Right {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Deny => "deny",
            Self::Quiet => "quiet",
        })
    }
}

/// Says where a rule comes from; prints as messages name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// What every program needs.
    Base,
    /// The directory in which the program starts.
    WorkingDirectory,
    /// The jail's own temporary directory.
    Temporary,
    /// A flag of the command line, as in `--read /x`.
    Flag(String),
    /// A profile that is known by its name.
    Profile {
        /// The name.
        name: String,
        /// The line in it, counted from 1.
        line: usize,
    },
    /// A policy file.
    File {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: Option<usize>,
    },
    /// A call of the Rust API.
    Api,
}

/// Says how much a rule weighs against others for the same path; the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rank {
    /// Nobody asked for it.
    Default,
    /// A profile that is known by its name has it.
    Profile,
    /// A policy file has it.
    File,
    /// It was asked for on the command line or by the calling program.
    Explicit,
}

impl Origin {
    /// Returns how much a rule from here weighs.
    #[must_use]
    pub fn rank(&self) -> Rank {
        match self {
            Self::Base | Self::WorkingDirectory | Self::Temporary => Rank::Default,
            Self::Profile { .. } => Rank::Profile,
            Self::File { .. } => Rank::File,
            Self::Flag(_) | Self::Api => Rank::Explicit,
        }
    }

    /// Says whether somebody asked for the rule, so that it beats a default one.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        self.rank() > Rank::Default
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("the base"),
            Self::WorkingDirectory => f.write_str("the working directory"),
            Self::Temporary => f.write_str("the temporary directory"),
            Self::Flag(flag) => write!(f, "`{}`", escape(flag.as_bytes())),
            Self::Profile { name, line } => {
                write!(f, "the profile `{}:{line}`", escape(name.as_bytes()).bounded(80))
            }
            Self::File { file, line } => {
                write!(f, "`{}", escape(file.as_os_str().as_bytes()))?;
                if let Some(line) = line {
                    write!(f, ":{line}")?;
                }
                f.write_str("`")
            }
            Self::Api => f.write_str("the calling program"),
        }
    }
}

/// Gives or takes one right for a path and everything below it.
///
/// ```
/// # use jailkeeper_model::{JailPath, Origin, PathError, Right, Rule};
/// let rule = Rule::new(JailPath::new("/usr")?, Right::Read, Origin::Base)
///     .with_reason("programs and their libraries");
/// assert_eq!(rule.reason(), Some("programs and their libraries"));
/// # Ok::<(), PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    path: JailPath,
    right: Right,
    origin: Origin,
    reason: Option<String>,
    on_jailbreak: Option<OnJailbreak>,
}

impl Rule {
    /// Makes a rule.
    #[must_use]
    pub fn new(path: JailPath, right: Right, origin: Origin) -> Self {
        Self { path, right, origin, reason: None, on_jailbreak: None }
    }

    /// Moves it to where its path really leads.
    #[must_use]
    pub fn at(self, path: JailPath) -> Self {
        Self { path, ..self }
    }

    /// Says why there is such a rule, for people.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// Says what follows a jailbreak that this rule forbids, if not what the policy says.
    #[must_use]
    pub fn with_on_jailbreak(self, choice: OnJailbreak) -> Self {
        Self { on_jailbreak: Some(choice), ..self }
    }

    /// Returns the path at which it begins.
    #[must_use]
    pub fn path(&self) -> &JailPath {
        &self.path
    }

    /// Returns what it gives or takes.
    #[must_use]
    pub fn right(&self) -> Right {
        self.right
    }

    /// Returns where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns why it is there.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns what follows a jailbreak that this rule forbids; `None` for what the policy says.
    #[must_use]
    pub fn on_jailbreak(&self) -> Option<OnJailbreak> {
        self.on_jailbreak
    }
}
