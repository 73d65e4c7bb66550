//! The base: the rules that every program needs, as data.

use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// The base as it is written down.
const TEXT: &str = include_str!("base.toml");

/// One entry of the base.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

/// A file that the base writes itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) reason: String,
}

/// A variable that the base sets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// `${tmp}` stands for the jail's own `/tmp`, or its working directory if it has none.
    pub(crate) value: String,
    reason: String,
}

/// Programs that ask before they read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Askers {
    pub(crate) programs: Vec<String>,
    reason: String,
}

/// The base.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base {
    version: u32,
    #[serde(default)]
    pub(crate) read: Vec<Entry>,
    #[serde(default)]
    pub(crate) write: Vec<Entry>,
    #[serde(default)]
    pub(crate) quiet: Vec<Entry>,
    #[serde(default)]
    pub(crate) copy: Vec<Entry>,
    #[serde(default)]
    pub(crate) file: Vec<File>,
    #[serde(default)]
    pub(crate) variable: Vec<Variable>,
    #[serde(default)]
    pub(crate) asks: Vec<Askers>,
}

impl Base {
    /// Reads the base that was built in.
    pub(crate) fn built_in() -> Result<Self> {
        Self::parse(TEXT)
    }

    /// Reads a text like that of the base.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let base: Self = toml::from_str(text)
            .map_err(|error| Error::new(ErrorKind::Policy, "read the base").because(error))?;
        if base.version == 1 {
            Ok(base)
        } else {
            Err(Error::new(ErrorKind::Policy, "read the base: its version is not 1"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::path::Path;

    #[test]
    fn every_entry_is_absolute_has_a_reason_and_stands_once() {
        let base = Base::built_in().unwrap();
        let mut seen = HashSet::new();
        for entry in base.read.iter().chain(&base.write).chain(&base.quiet).chain(&base.copy) {
            assert!(entry.path.is_absolute(), "{entry:?}");
            assert!(entry.reason.len() > 5, "{entry:?}");
            assert!(seen.insert(entry.path.clone()), "{entry:?} stands twice");
        }
        for file in &base.file {
            assert!(file.path.is_absolute() && file.reason.len() > 5, "{file:?}");
            assert!(seen.insert(file.path.clone()), "{file:?} stands twice");
        }
        for askers in &base.asks {
            assert!(askers.reason.len() > 5, "{askers:?}");
        }
        for variable in &base.variable {
            assert!(variable.reason.len() > 5, "{variable:?}");
        }
    }

    #[test]
    fn nothing_secret_is_in_the_base() {
        let base = Base::built_in().unwrap();
        let kept_out =
            ["/etc/passwd", "/etc/shadow", "/home", "/root", "/var", "/run", "/tmp", "/etc"];
        for entry in base.read.iter().chain(&base.write).chain(&base.copy) {
            for secret in kept_out {
                assert!(!Path::new(secret).starts_with(&entry.path), "{entry:?} holds {secret}");
            }
        }
    }
}
