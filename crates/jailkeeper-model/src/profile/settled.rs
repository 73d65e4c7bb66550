//! What a stack of profiles says in the end.

use super::entry::{
    AskersEntry, CopyEntry, FileEntry, Net, PatternEntry, RuleEntry, Tmp, VariableEntry,
};
use super::place::Located;
use crate::path::JailPath;
use crate::policy::{OnJailbreak, Origin, Pattern, Rule};
use std::ffi::OsString;
use std::time::Duration;

/// Holds what a stack of profiles says, with nothing in it twice.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settled {
    /// Rights of paths, sorted by path.
    pub rules: Vec<SettledPath<RuleEntry>>,
    /// Files of which the jail gets a copy, sorted by path.
    pub copies: Vec<SettledPath<CopyEntry>>,
    /// Files that the jail gets instead of the host's, sorted by path.
    pub files: Vec<SettledFile>,
    /// Patterns.
    pub patterns: Vec<SettledPattern>,
    /// Variables of the environment, sorted by name.
    pub variables: Vec<SettledVariable>,
    /// Programs that ask before they read.
    pub askers: Vec<AskersEntry>,
    /// What follows a jailbreak.
    pub on_jailbreak: Option<Located<OnJailbreak>>,
    /// Whether looking at what is outside is a jailbreak too.
    pub strict: Option<Located<bool>>,
    /// Whether the jail may make sandboxes of its own.
    pub nested: Option<Located<bool>>,
    /// The network.
    pub net: Option<Located<Net>>,
    /// The `/tmp`.
    pub tmp: Option<Located<Tmp>>,
    /// How long the command may run.
    pub wall_time: Option<Located<Duration>>,
}

/// Holds an entry whose path is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledPath<E> {
    /// The path; no symbolic link was followed.
    pub path: JailPath,
    /// Where the entry comes from.
    pub origin: Origin,
    /// The entry as it was written.
    pub entry: E,
}

/// Holds a file that the jail gets instead of the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledFile {
    /// The path; no symbolic link was followed.
    pub path: JailPath,
    /// What is in it.
    pub text: OsString,
    /// Where it comes from.
    pub origin: Origin,
    /// The entry as it was written.
    pub entry: FileEntry,
}

/// Holds a pattern with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledPattern {
    /// The pattern, with its origin and what follows.
    pub pattern: Pattern,
    /// The entry as it was written.
    pub entry: PatternEntry,
}

/// Holds a variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledVariable {
    /// Its name.
    pub name: String,
    /// What it is set to; `None` is what the caller's environment has.
    pub value: Option<OsString>,
    /// Where it comes from.
    pub origin: Origin,
    /// The entry as it was written.
    pub entry: VariableEntry,
}

impl SettledPath<RuleEntry> {
    /// Returns it as a rule of a policy.
    #[must_use]
    pub fn rule(&self) -> Rule {
        let mut rule = Rule::new(self.path.clone(), self.entry.right, self.origin.clone());
        if let Some(reason) = &self.entry.reason {
            rule = rule.with_reason(reason);
        }
        match self.entry.on_jailbreak {
            Some(choice) => rule.with_on_jailbreak(choice),
            None => rule,
        }
    }
}
