//! What is decided about an access.

use crate::escape::escape;
use crate::path::JailPath;
use crate::policy::Origin;
use std::fmt::{self, Display, Formatter};

/// Says what happens to an access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Allow,
    /// It is answered as if nothing were there (ENOENT).
    Refuse(Refusal),
    /// It is granted by a pattern: no wall lets it through, so the supervisor opens the file and
    /// hands it over. Where it cannot do that, there is nothing.
    Grant,
    /// It is an attempt to get out.
    Jailbreak(Breach),
}

/// Says why something is answered as absent without being a jailbreak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing is there: outside the jail the answer is the same.
    Absent,
    /// The policy wants it to be absent.
    Quiet,
    /// It is there but outside, and was merely looked at. This is counted.
    Forgiven,
}

/// Describes an attempt to get out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// What follows.
    pub action: Action,
    /// Why it is one.
    pub because: Because,
}

/// Names what follows a jailbreak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// The whole process tree dies.
    Kill,
    /// The call fails, and the program goes on.
    Deny,
    /// Somebody is asked; without an answer the call fails.
    Ask,
    /// It is written down, and the program goes on.
    Log,
}

impl Action {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Deny => "deny",
            Self::Ask => "ask",
            Self::Log => "log",
        }
    }
}

/// Says why an access is a jailbreak; prints as a short reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Because {
    /// No rule covers it.
    Outside,
    /// The rule that covers it is for reading.
    ReadOnly {
        /// The rule's path.
        path: JailPath,
        /// Where the rule comes from.
        origin: Origin,
    },
    /// The rule that covers it denies.
    Denied {
        /// The rule's path.
        path: JailPath,
        /// Where the rule comes from.
        origin: Origin,
    },
    /// A pattern denies it.
    Pattern {
        /// The pattern as it was written.
        pattern: String,
        /// Where the pattern comes from.
        origin: Origin,
    },
    /// The policy answers this path as absent, and the program wants to write it.
    Quiet {
        /// The rule's path.
        path: JailPath,
        /// Where the rule comes from.
        origin: Origin,
    },
    /// It goes to a network address.
    Network,
    /// No jail may make this system call.
    ForbiddenCall,
}

impl Display for Because {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("no rule covers it"),
            // A flag's text has the path in it already.
            Self::ReadOnly { origin: origin @ Origin::Flag(_), .. } => {
                write!(f, "{origin} grants no write")
            }
            Self::ReadOnly { path, origin } => {
                write!(f, "{origin} grants no write below `{}`", path.display())
            }
            Self::Denied { origin: origin @ Origin::Flag(_), .. } => {
                write!(f, "{origin} denies it")
            }
            Self::Denied { path, origin } => write!(f, "{origin} denies `{}`", path.display()),
            Self::Pattern { origin: origin @ Origin::Flag(_), .. } => {
                write!(f, "{origin} denies it")
            }
            Self::Pattern { pattern, origin } => {
                write!(f, "{origin} denies `{}`", escape(pattern.as_bytes()))
            }
            Self::Quiet { path, origin } => {
                write!(f, "{origin} answers `{}` as absent", path.display())
            }
            Self::Network => f.write_str("no rule allows the address"),
            Self::ForbiddenCall => f.write_str("no jail may make this system call"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_the_rule() {
        let path = JailPath::new("/usr").unwrap();
        let flag = Origin::Flag("--read /usr".into());
        let because = Because::ReadOnly { path: path.clone(), origin: flag };
        assert_eq!(because.to_string(), "`--read /usr` grants no write");
        let because = Because::ReadOnly { path: path.clone(), origin: Origin::Base };
        assert_eq!(because.to_string(), "the base grants no write below `/usr`");
        let origin = Origin::File { file: "jail.toml".into(), line: Some(3) };
        let because = Because::Denied { path, origin };
        assert_eq!(because.to_string(), "`jail.toml:3` denies `/usr`");
    }

    #[test]
    fn reasons_never_print_control_characters() {
        let path = JailPath::new("/\x1b[2J\n").unwrap();
        let flag = Origin::Flag("--deny /\x1b[2J".into());
        let reasons = [
            Because::Quiet { path: path.clone(), origin: Origin::Base },
            Because::Pattern { pattern: "\x1b".into(), origin: Origin::Base },
            Because::Denied { path: path.clone(), origin: Origin::Api },
            Because::Denied { path, origin: flag },
        ];
        for because in reasons {
            assert!(!because.to_string().chars().any(char::is_control), "{because:?}");
        }
    }
}
