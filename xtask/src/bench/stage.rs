//! The directories in which everything happens, and the users who own them.
//!
//! They lie in `/var/tmp`: not below `/tmp`, which jails have for themselves, and not in the
//! build directory, which an unprivileged user often cannot reach.

use super::trees;
use crate::terminal::line;
use anyhow::{Context, Result};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The owner of everything without an owner, on most systems.
const NOBODY: u32 = 65534;
/// As many files are allowed one by one at the most.
const RULES: u32 = 10_000;

/// What nobody may read.
pub(super) const SECRET: &str = "nobody may read this";

/// The directory of one benchmark; removed with everything in it at the end.
pub(super) struct Base(PathBuf);

impl Base {
    pub(super) fn make() -> Result<Self> {
        let path = PathBuf::from(format!("/var/tmp/jailkeeper-bench-{}", std::process::id()));
        fs::create_dir(&path).context("failed to make a directory in /var/tmp")?;
        open_to_all(&path)?;
        fs::create_dir(path.join("bin"))?;
        open_to_all(&path.join("bin"))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Copies a program, so that every user can run it.
    pub(super) fn take(&self, program: &Path) -> Result<()> {
        let name = program.file_name().context("failed to find a program's name")?;
        self.take_as(program, Path::new(name))
    }

    /// The same, under another name.
    pub(super) fn take_as(&self, program: &Path, name: &Path) -> Result<()> {
        let to = self.0.join("bin").join(name);
        fs::copy(program, &to)
            .with_context(|| format!("failed to copy `{}`", program.display()))?;
        open_to_all(&to)
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open_to_all(path: &Path) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o755))
        .with_context(|| format!("failed to open `{}` to all", path.display()))
}

/// Who runs the contestants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// Host uid 0.
    Root,
    /// Whoever runs this, who is not root.
    Caller,
    /// Root lends somebody without privileges a hand.
    Nobody,
}

impl User {
    /// All users that can be had.
    pub(super) fn all() -> Vec<Self> {
        if rustix::process::geteuid().is_root() {
            vec![Self::Root, Self::Nobody]
        } else {
            vec![Self::Caller]
        }
    }

    /// The user's name in results.
    pub(super) fn name(self) -> &'static str {
        if self == Self::Root { "root" } else { "unprivileged" }
    }

    /// The ids that a process must change to.
    pub(super) fn other_ids(self) -> Option<(u32, u32)> {
        (self == Self::Nobody).then_some((NOBODY, NOBODY))
    }
}

/// One user's work trees and tools.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) user: User,
    bin: PathBuf,
    /// Where the work trees are.
    work: PathBuf,
    secret: PathBuf,
    empty: PathBuf,
}

impl Stage {
    /// Makes what all contestants share.
    pub(super) fn prepare(base: &Path, user: User) -> Result<Self> {
        let work = base.join(user.name());
        let shared = base.join(format!("shared-{}", user.name()));
        let (secret, empty) = (shared.join("secret"), shared.join("empty"));
        let stage = Self { user, bin: base.join("bin"), work, secret, empty };
        for folder in [&stage.work, &stage.empty, &stage.rules(), &stage.skeleton(), &stage.state()]
        {
            fs::create_dir_all(folder).context("failed to make the stage")?;
        }
        fs::write(&stage.secret, format!("{SECRET}\n"))?;
        for number in 0..RULES {
            fs::write(stage.rules().join(number.to_string()), "")?;
        }
        trees::skeleton(&stage.skeleton(), base)?;
        if let Some((uid, gid)) = user.other_ids() {
            give(&[stage.work.clone(), shared], uid, gid)?;
        }
        Ok(stage)
    }

    /// A program of ours.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// A file that no contestant may read, and that belongs to the user.
    pub(super) fn secret(&self) -> &Path {
        &self.secret
    }

    /// An empty directory.
    pub(super) fn empty(&self) -> &Path {
        &self.empty
    }

    /// A directory with files that can be allowed one by one.
    pub(super) fn rules(&self) -> PathBuf {
        self.empty.with_file_name("rules")
    }

    /// A directory for what a contestant keeps for itself.
    pub(super) fn state(&self) -> PathBuf {
        self.empty.with_file_name("state")
    }

    /// A root for those who need one: the system's links, and empty directories to mount upon.
    pub(super) fn skeleton(&self) -> PathBuf {
        self.empty.with_file_name("skeleton")
    }

    /// Where [`Self::mount_root`] makes a root.
    pub(super) fn root(&self) -> PathBuf {
        self.empty.with_file_name("root")
    }

    /// Makes a root in which the system's directories and all work trees are mounted.
    ///
    /// It is for those who take a root and nothing else. The mounts are the containment's own.
    pub(super) fn mount_root(&self, system: &[&str]) -> Result<()> {
        let root = self.root();
        let mount = |from: &Path, flags: &[&str]| {
            let to = root.join(from.strip_prefix("/").unwrap_or(from));
            fs::create_dir_all(&to).context("failed to make a root")?;
            for flags in [&["--bind"][..], flags] {
                let mut mount = crate::workspace::command("mount");
                crate::command::run(mount.args(flags).args([from, &to]))?;
            }
            Ok::<_, anyhow::Error>(())
        };
        for path in system.iter().map(Path::new).filter(|path| path.is_dir()) {
            mount(path, &["-o", "remount,bind,ro"])?;
        }
        mount(&self.work, &["-o", "remount,bind,rw"])?;
        for folder in ["proc", "dev", "tmp"] {
            fs::create_dir_all(root.join(folder))?;
        }
        trees::links(&root)
    }

    /// The work tree of a workload, as one contestant has it.
    ///
    /// Each has its own copy. A jail of root's sees other owners than root does, and git, whose
    /// index holds them, would read all files again whenever another contestant came before.
    pub(super) fn tree(&self, contestant: &str, name: &str) -> PathBuf {
        self.work.join(contestant).join(name)
    }

    /// Makes a tree for each of these contestants.
    pub(super) fn make_trees(&self, name: &str, contestants: &[&str]) -> Result<()> {
        trees::make(self, name, contestants)?;
        let trees = || contestants.iter().map(|contestant| self.work.join(contestant));
        if let Some((uid, gid)) = self.user.other_ids() {
            give(&trees().collect::<Vec<_>>(), uid, gid)?;
        }
        // At strength `flat` root's jail is the owner of what it may write, and never root.
        // isolate runs everything as somebody without privileges.
        let other = |tree: &PathBuf| tree.ends_with("jailkeeper-flat") || tree.ends_with("isolate");
        let others: Vec<_> = trees().filter(other).collect();
        if self.user == User::Root && !others.is_empty() {
            give(&others, NOBODY, NOBODY)?;
        }
        if name == "repository" {
            trees().try_for_each(|tree| trees::refresh(&tree.join(name)))?;
        }
        Ok(())
    }

    /// Puts the trees of these contestants away. They go with everything else at the end: to
    /// remove hundreds of thousands of files takes a minute.
    pub(super) fn remove_trees(&self, contestants: &[&str]) {
        let away = self.work.with_extension("away");
        let place = || {
            fs::create_dir_all(&away)?;
            let place = away.join(fs::read_dir(&away)?.count().to_string());
            fs::create_dir(&place)?;
            for contestant in contestants {
                fs::rename(self.work.join(contestant), place.join(contestant))?;
            }
            Ok::<_, std::io::Error>(())
        };
        if let Err(error) = place() {
            line(&format!("a tree is left: {error}"));
        }
    }

    /// The settings of sandbox-runtime for a work tree.
    pub(super) fn settings_of_srt(&self, tree: &Path) -> PathBuf {
        let file = self.empty.with_file_name("srt.json");
        let settings = serde_json::json!({
            "network": { "allowedDomains": [], "deniedDomains": [] },
            "filesystem": {
                "denyRead": [self.secret, "/root", "/home"],
                "allowWrite": [tree],
                "denyWrite": [],
            },
        });
        // Without it the contestant fails, and says so.
        let _ = fs::write(&file, settings.to_string());
        file
    }

    /// Where the output of the commands goes.
    pub(super) fn output(&self) -> PathBuf {
        self.work.with_extension("out")
    }
}

fn give(paths: &[PathBuf], uid: u32, gid: u32) -> Result<()> {
    let mut chown = crate::workspace::command("chown");
    chown.args(["-R", "-h", &format!("{uid}:{gid}")]);
    crate::command::run(chown.args(paths))
}
