//! The entries of a profile, as they are written.

use super::place::{Located, Place};
use super::template::Template;
use crate::policy::{OnJailbreak, Right};

/// Gives or takes a right for a path and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleEntry {
    /// The path.
    pub path: Located<Template>,
    /// What it gives or takes.
    pub right: Right,
    /// Why it is there, for people.
    pub reason: Option<String>,
    /// Whether it is passed over on a machine that does not have the path.
    pub optional: bool,
    /// What follows a jailbreak at or below the path.
    pub on_jailbreak: Option<OnJailbreak>,
}

/// Names a small file of which the jail gets a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyEntry {
    /// The path.
    pub path: Located<Template>,
    /// Why it is there, for people.
    pub reason: Option<String>,
    /// Whether it is passed over on a machine that does not have it.
    pub optional: bool,
}

/// Gives or takes a right for all paths that match.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatternEntry {
    /// The pattern as it is written.
    pub pattern: Located<Template>,
    /// In which language it is written.
    pub kind: PatternKind,
    /// What it gives or takes.
    pub right: Right,
    /// Why it is there, for people.
    pub reason: Option<String>,
    /// Whether it is passed over when a variable in it has no value.
    pub optional: bool,
    /// What follows a jailbreak that it makes one.
    pub on_jailbreak: Option<OnJailbreak>,
}

/// Names the languages of patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternKind {
    /// `*`, `**`, `?`, `[a-z]`, `{a,b}`, over the whole path.
    Glob,
    /// A regular expression, searched for anywhere in the path.
    Regex,
}

/// Holds a file that the jail gets instead of the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEntry {
    /// Where the jail has it.
    pub path: Located<Template>,
    /// What is in it.
    pub text: Located<Template>,
    /// Why it is there, for people.
    pub reason: Option<String>,
    /// Whether it is passed over when a variable in it has no value.
    pub optional: bool,
}

/// Sets a variable of the environment, unless the caller sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableEntry {
    /// Its name.
    pub name: Located<String>,
    /// What it is set to; `None` is what the caller's environment has.
    pub value: Option<Located<Template>>,
    /// Why it is there, for people.
    pub reason: Option<String>,
}

/// Names programs that ask with `access` whether they may read a file, and only then open it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AskersEntry {
    /// The names of their files.
    pub programs: Vec<String>,
    /// Why they are there, for people.
    pub reason: Option<String>,
    /// Where it was written.
    pub place: Place,
}

/// Names the networks that a jail can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Net {
    /// Nothing.
    None,
}

/// Names the `/tmp` that a jail can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tmp {
    /// One of its own, gone with the jail.
    Private,
    /// None: `/tmp` is outside.
    Deny,
}
