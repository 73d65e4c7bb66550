//! The contestants: each is what stands before the command.
//!
//! The closest configuration that all of them can have is: the system's directories read-only,
//! the working directory writable, an empty `/tmp`, nothing else, no network.

use super::stage::Stage;
use super::workloads::environment;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the workloads need beside `/usr` with every contestant that starts from nothing.
const NEEDED: [&str; 5] =
    ["/etc/alternatives", "/etc/ld.so.cache", "/etc/texmf", "/var/lib/texmf", "/etc/localtime"];

/// Their names, in the order of the tables.
pub(super) const NAMES: [&str; 4] = ["native", "bwrap", "floor", "jailkeeper"];

/// What stands before the command, for a work tree.
type Before = Box<dyn Fn(&Path) -> Vec<OsString>>;

/// A way to run a command.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    before: Before,
}

impl Contestant {
    /// The whole command for a work tree.
    pub(super) fn command(&self, tree: &Path, command: &[String]) -> Vec<OsString> {
        let mut whole = (self.before)(tree);
        whole.extend(command.iter().map(OsString::from));
        whole
    }
}

/// All contestants, in the order of [`NAMES`].
pub(super) fn all(stage: &Stage) -> Result<Vec<Contestant>> {
    let jailkeeper = stage.program("jailkeeper");
    let floor = floor(stage)?;
    Ok(vec![
        Contestant { name: "native", about: "the command alone", before: Box::new(|_| Vec::new()) },
        Contestant {
            name: "bwrap",
            about: "bubblewrap, all namespaces new, `/usr` and the few other trees that the \
                    workloads need read-only, working directory writable; names nothing",
            before: Box::new(bubblewrap),
        },
        Contestant {
            name: "floor",
            about: "bubblewrap with every mount of `jailkeeper plan`, and Landlock with the same \
                    rules inside; nobody watches",
            before: Box::new(floor),
        },
        Contestant {
            name: "jailkeeper",
            about: "`jailkeeper run`, release build, no options: names every attempt and kills",
            before: Box::new(move |_| words(&[&jailkeeper.display().to_string(), "run", "--"])),
        },
    ])
}

/// New namespaces, the system's links, and a fresh `/proc`, `/dev` and `/tmp`.
fn frame() -> Vec<OsString> {
    let mut command = words(&["bwrap", "--unshare-all", "--die-with-parent", "--new-session"]);
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let path = Path::new("/").join(name);
        if let Ok(target) = std::fs::read_link(&path) {
            command.extend(["--symlink".into(), target.into(), path.into()]);
        }
    }
    command.extend(words(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]));
    command
}

fn bubblewrap(tree: &Path) -> Vec<OsString> {
    let mut command = frame();
    command.extend(words(&["--ro-bind", "/usr", "/usr"]));
    for path in NEEDED.iter().filter(|path| Path::new(path).exists()) {
        command.extend(words(&["--ro-bind", path, path]));
    }
    command.extend(["--bind".into(), tree.into(), tree.into()]);
    command.extend(["--chdir".into(), tree.into(), "--".into()]);
    command
}

/// What `jailkeeper plan --json` says, as far as the floor needs it.
#[derive(Debug, Deserialize)]
struct Plan {
    trees: Vec<Tree>,
}

#[derive(Debug, Clone, Deserialize)]
struct Tree {
    path: PathBuf,
    right: String,
    source: String,
}

fn floor(stage: &Stage) -> Result<impl Fn(&Path) -> Vec<OsString> + 'static> {
    let plain = stage.tree("jailkeeper", "plain");
    let mut plan = Command::new(stage.program("jailkeeper"));
    plan.args(["plan", "--json", "--", "/bin/true"]).current_dir(&plain).env_clear();
    plan.envs(environment(&plain));
    let plan = crate::command::output(&mut plan)?;
    let plan: Plan = serde_json::from_str(&plan).context("failed to read jailkeeper's plan")?;
    let trees: Vec<Tree> = plan.trees.into_iter().filter(|tree| tree.path != plain).collect();
    let (bin, launcher) = (stage.program(""), stage.program("floor"));
    Ok(move |work: &Path| {
        let own = Tree { path: work.into(), right: "write".into(), source: "host".into() };
        let launcher_tree = Tree { path: bin.clone(), right: "read".into(), source: "host".into() };
        let trees = || trees.iter().chain([&own, &launcher_tree]);
        let mut command = frame();
        for Tree { path, right, source } in trees() {
            let flag = match (source.as_str(), right.as_str()) {
                ("host", _) if path.starts_with("/dev") => "--dev-bind",
                ("host", "write") => "--bind",
                ("host", _) => "--ro-bind",
                ("memory", _) if !["/tmp", "/dev/shm"].contains(&path.to_str().unwrap_or("")) => {
                    command.extend(["--tmpfs".into(), path.into()]);
                    continue;
                }
                _ => continue,
            };
            command.extend([flag.into(), path.into(), path.into()]);
        }
        command.extend(["--chdir".into(), work.into(), "--".into(), launcher.clone().into()]);
        for Tree { path, right, .. } in trees() {
            let flag = if right == "write" { "-w" } else { "-r" };
            command.extend([flag.into(), path.into()]);
        }
        command.push("--".into());
        command
    })
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
