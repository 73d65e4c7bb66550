//! What a proof of a shipped profile consists of, as data: its file `proof.toml`.

use crate::needs::is_there;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The parts of a profile's proof, and what it cannot show.
///
/// Paths and options have `{home}` and `{project}` in them for the two directories of a proof.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// What the jail runs, one after the other or alone.
    #[serde(rename = "part")]
    pub parts: Vec<Part>,
    /// Directories of the machine that the caller of the proof has in its home directory.
    #[serde(default, rename = "shown")]
    pub directories: Vec<Shown>,
    /// Directories that stand first on the caller's `PATH`.
    #[serde(default)]
    pub path: Vec<String>,
    /// Entries of the profile that no part shows to be needed.
    #[serde(default)]
    pub unshown: Vec<Unshown>,
}

/// A run of a real tool chain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// A script in the project, and its arguments. It ends well and with the line `proved`.
    pub run: String,
    /// Programs that it cannot do without.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What the caller's environment has besides the usual.
    #[serde(default)]
    pub caller: BTreeMap<String, String>,
    /// Options of the jail.
    #[serde(default)]
    pub options: String,
    /// Attempts below these paths are refused without an end: the profile says so. A word before
    /// the path is the only operation that is meant.
    #[serde(default)]
    pub refused: Vec<String>,
}

/// A directory of the machine, and where in the caller's home directory it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// A shell command that prints the directory.
    pub command: String,
    /// The place.
    pub at: String,
}

/// An entry whose need is not to be seen where the proof runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unshown {
    /// The entry, as `cargo xtask profiles` names it.
    pub entry: String,
    /// Which circumstances need it.
    pub reason: String,
}

impl Outline {
    /// Reads the outline of a profile's proof.
    #[must_use]
    pub fn of(profile: &str) -> Self {
        let file = folder(profile).join("proof.toml");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| unreachable!("`{}`: {error}", file.display()));
        toml::from_str(&text).unwrap_or_else(|error| unreachable!("`{}`: {error}", file.display()))
    }

    /// Lists the profiles that have a proof.
    #[must_use]
    pub fn profiles() -> Vec<String> {
        let entries = fixtures().read_dir().into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.path().join("proof.toml").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Returns a part by its name.
    #[must_use]
    pub fn part(&self, name: &str) -> &Part {
        let part = self.parts.iter().find(|part| part.name == name);
        part.unwrap_or_else(|| unreachable!("no part `{name}` in the proof"))
    }
}

impl Part {
    /// Returns the programs that this machine lacks.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        self.needs.iter().map(String::as_str).filter(|need| !is_there(need)).collect()
    }
}

/// Where the files of a profile's proof are.
pub(crate) fn folder(profile: &str) -> PathBuf {
    fixtures().join(profile)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/profiles")
}
