//! The contestants: each is what stands before the command.
//!
//! The closest configuration that all of them can have is: the system's directories read-only,
//! the working directory writable, an empty `/tmp`, nothing else, no network.

mod engine;
mod ours;
mod peers;

use super::results::{About, Absent};
use super::run::run;
use super::stage::{SECRET, Stage};
use super::workloads::{Group, Workload};
use crate::terminal::line;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the workloads need beside `/usr` with every contestant that starts from nothing.
const NEEDED: [&str; 6] = [
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/texmf",
    "/var/lib/texmf",
    "/etc/localtime",
    "/etc/java-17-openjdk",
];

/// What stands before the command, for a work tree and files that are allowed one by one.
type Before = Box<dyn Fn(&Path, &[PathBuf]) -> Vec<OsString>>;

/// A way to run a command.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    about: &'static str,
    /// Whether it tells which forbidden file was touched.
    names: &'static str,
    /// Whether it lets its caller choose single files.
    takes_rules: bool,
    /// One of ours, or of those that ours are compared with everywhere.
    pub(super) core: bool,
    /// The groups of workloads in which it takes part, if not in all that are for everyone.
    only: &'static [Group],
    /// Whether its jails have a `/tmp`. Who has none gets the working directory as `TMPDIR`.
    pub(super) has_tmp: bool,
    /// What it says when it is asked for its version.
    version: String,
    /// Whether it was seen to refuse a forbidden file.
    refuses: bool,
    before: Before,
}

impl Contestant {
    /// The whole command for a work tree.
    pub(super) fn command(&self, tree: &Path, command: &[String]) -> Vec<OsString> {
        let mut whole = (self.before)(tree, &[]);
        whole.extend(command.iter().map(OsString::from));
        whole
    }

    /// The same with files that are allowed one by one.
    pub(super) fn command_with_rules(
        &self,
        tree: &Path,
        rules: &[PathBuf],
        command: &[String],
    ) -> Result<Vec<OsString>> {
        if !rules.is_empty() && !self.takes_rules {
            bail!("it has no such rules");
        }
        let mut whole = (self.before)(tree, rules);
        whole.extend(command.iter().map(OsString::from));
        Ok(whole)
    }

    /// Tells whether it takes part in a workload. Who kills at an attempt are ours alone.
    pub(super) fn does(&self, workload: &Workload) -> bool {
        let is_its = match workload.group {
            _ if !self.only.is_empty() => self.only.contains(&workload.group),
            Group::Warm => false,
            Group::Death => self.name.starts_with("jailkeeper"),
            _ => true,
        };
        is_its && (self.core || !workload.core)
    }

    pub(super) fn about(&self) -> About {
        About {
            name: self.name.to_owned(),
            about: self.about.to_owned(),
            names: self.names.to_owned(),
            refuses: self.refuses,
            version: self.version.clone(),
        }
    }

    /// Sees whether it runs a command at all, and whether it refuses a file outside.
    fn verify(&mut self, stage: &Stage) -> Result<()> {
        if self.only == [Group::Warm] {
            self.refuses = engine::verify(self, stage)?;
            return Ok(());
        }
        let tree = stage.tree(self.name, "plain");
        let cat = |file: &Path| {
            let words = ["cat".to_owned(), file.display().to_string()];
            run(stage, self, &tree, &self.command(&tree, &words))
        };
        let allowed = cat(&tree.join("inside"))?;
        if !allowed.status.success() || !allowed.output.contains("inside") {
            bail!("{}: {}", allowed.status, allowed.last_word());
        }
        let forbidden = cat(stage.secret())?;
        let words = ["/bin/sh", "-c", "echo made >made"].map(str::to_owned);
        let writing = run(stage, self, &tree, &self.command(&tree, &words))?;
        if !writing.status.success() || !tree.join("made").exists() {
            bail!("what it writes does not arrive: {}", writing.last_word());
        }
        self.refuses = !forbidden.status.success() && !forbidden.output.contains(SECRET);
        Ok(())
    }
}

/// Who takes part.
pub(super) struct Field {
    pub(super) contestants: Vec<Contestant>,
    pub(super) absent: Vec<Absent>,
}

/// Finds the contestants, ours first, and tries each of them.
///
/// `wanted` names those that are asked for, or is empty.
pub(super) fn all(stage: &Stage, peers: bool, wanted: &[String]) -> Result<Field> {
    let Field { contestants: mut candidates, mut absent } = ours::all(stage)?;
    candidates.extend(engine::all(stage));
    if peers {
        let peers = peers::all(stage);
        candidates.extend(peers.contestants);
        absent.extend(peers.absent);
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    candidates.retain(|one| one.name == "native" || is_wanted(one.name));
    let names: Vec<&str> = candidates.iter().map(|one| one.name).collect();
    stage.make_trees("plain", &names)?;
    let mut contestants = Vec::new();
    for mut candidate in candidates {
        match candidate.verify(stage) {
            Ok(()) => contestants.push(candidate),
            Err(error) => {
                line(&format!("{} cannot take part: {error:#}", candidate.name));
                absent.push(Absent { name: candidate.name.to_owned(), why: format!("{error:#}") });
            }
        }
    }
    stage.remove_trees(&names);
    Ok(Field { contestants, absent })
}

/// The first line of what a program says that has a version in it.
fn version(program: &Path, argument: &str) -> String {
    if argument.is_empty() {
        return "unknown".to_owned();
    }
    let output = Command::new(program).arg(argument).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let is_version = |word: &str| {
        let word = word.trim_start_matches('v');
        word.starts_with(|letter: char| letter.is_ascii_digit()) && word.contains('.')
    };
    let line = text.lines().find(|line| line.split_ascii_whitespace().any(is_version));
    let line = line.unwrap_or("unknown").trim();
    // One draws its name.
    let word = line.split_ascii_whitespace().find(|word| line.contains('|') && is_version(word));
    word.unwrap_or(line).chars().take(60).collect()
}

/// The system's links such as `/bin`, with where they lead.
fn links() -> Vec<(PathBuf, PathBuf)> {
    ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]
        .iter()
        .map(|name| Path::new("/").join(name))
        .filter_map(|path| std::fs::read_link(&path).ok().map(|target| (path, target)))
        .collect()
}

/// `/usr` and the few other trees that the workloads cannot do without.
fn system() -> impl Iterator<Item = &'static str> {
    std::iter::once("/usr").chain(NEEDED).filter(|path| Path::new(path).exists())
}

/// What a program finds and must be able to read where nothing hides it: node and npm end without.
fn found() -> impl Iterator<Item = &'static str> {
    ["/proc", "/etc/ssl/openssl.cnf", "/etc/ssl/certs"]
        .into_iter()
        .filter(|path| Path::new(path).exists())
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn find(name: &str) -> Option<PathBuf> {
    let own = std::env::var_os("JAILKEEPER_PEERS").unwrap_or("/opt/jailkeeper-peers".into());
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(Path::new(&own).join("bin")).chain(std::env::split_paths(&paths));
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Reads something that is there or it is an error with these words.
fn there<T>(value: Option<T>, what: &str) -> Result<T> {
    value.with_context(|| format!("there is no {what}"))
}
