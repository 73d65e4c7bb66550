//! The directories in which everything happens, and the users who own them.
//!
//! They lie in `/var/tmp`: not below `/tmp`, which jails have for themselves, and not in the
//! build directory, which an unprivileged user often cannot reach.

use super::contestants::NAMES;
use super::trees;
use crate::terminal::line;
use anyhow::{Context, Result};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The owner of everything without an owner, on most systems.
const NOBODY: u32 = 65534;

/// The directory of one benchmark; removed with everything in it at the end.
pub(super) struct Base(PathBuf);

impl Base {
    pub(super) fn make() -> Result<Self> {
        let path = PathBuf::from(format!("/var/tmp/jailkeeper-bench-{}", std::process::id()));
        std::fs::create_dir(&path).context("failed to make a directory in /var/tmp")?;
        open_to_all(&path)?;
        std::fs::create_dir(path.join("bin"))?;
        open_to_all(&path.join("bin"))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Copies a program, so that every user can run it.
    pub(super) fn take(&self, program: &Path) -> Result<()> {
        let name = program.file_name().context("failed to find a program's name")?;
        let to = self.0.join("bin").join(name);
        std::fs::copy(program, &to)
            .with_context(|| format!("failed to copy `{}`", program.display()))?;
        open_to_all(&to)
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open_to_all(path: &Path) -> Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
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
pub(super) struct Stage {
    pub(super) user: User,
    bin: PathBuf,
    /// The beginning of all work trees' names.
    work: PathBuf,
}

impl Stage {
    /// Makes all work trees.
    pub(super) fn prepare(base: &Path, user: User) -> Result<Self> {
        let work = base.join(user.name());
        let stage = Self { user, bin: base.join("bin"), work };
        line(&format!("making the work trees for {}", user.name()));
        trees::make(&stage, &NAMES)?;
        if let Some((uid, gid)) = user.other_ids() {
            let mut chown = crate::workspace::command("chown");
            chown.args(["-R", &format!("{uid}:{gid}")]);
            crate::command::run(chown.args(NAMES.map(|name| stage.tree(name, ""))))?;
        }
        Ok(stage)
    }

    /// A program of ours.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The work tree of a workload, as one contestant has it.
    ///
    /// Each has its own copy. A jail of root's sees other owners than root does, and git, whose
    /// index holds them, would read all files again whenever another contestant came before.
    pub(super) fn tree(&self, contestant: &str, name: &str) -> PathBuf {
        self.work.with_extension(contestant).join(name)
    }

    /// Where the output of the commands goes.
    pub(super) fn output(&self) -> PathBuf {
        self.work.with_extension("out")
    }
}
