//! Walls that are wider than the policy: to write down what a program uses instead of refusing it.
//!
//! Everything below the root is mounted, read-only or with a layer of memory over it. What is
//! carved out stays so: secrets are denied by rules like any other. Not widened are `/proc`,
//! `/dev` and `/tmp`, which are the jail's own, and `/run` with the sockets of the host's services:
//! nothing but the notify watch stands before them, and no wall behind it.

use super::find::{self, Found, Link};
use super::jail_path;
use super::trees::{Source, Tree, Trees, Width};
use super::view::{Cover, Node, View};
use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::{JailPath, Right};
use rustix::fs::FileType;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What stays as it is.
const KEPT: [&str; 5] = ["proc", "dev", "tmp", "run", "boot"];

fn entries() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir("/")
        .map_err(|error| Error::new(ErrorKind::Policy, "list").at("/").because(error))?;
    let kept = |name: &std::ffi::OsStr| KEPT.iter().any(|kept| name == *kept);
    Ok(entries
        .flatten()
        .filter(|entry| !kept(&entry.file_name()))
        .map(|entry| entry.path())
        .collect())
}

/// Finds what is in the root.
pub(super) fn everything() -> Result<Vec<Found>> {
    let mut all = Vec::new();
    for path in entries()?.iter().filter(|path| !path.is_symlink()) {
        // What the caller cannot reach is closed to the jail as well.
        if let Ok(Some(found)) = find::find(&jail_path(path)?) {
            all.push(found);
        }
    }
    Ok(all)
}

/// Finds the home directory, which has a layer of its own.
///
/// To write in a layer, the kernel copies the directories on the way with their owners, and an
/// ordinary user's jail knows no owner but its user. So a layer helps from the first directory on
/// that is the user's own.
pub(super) fn home(path: Option<&Path>) -> Result<Option<Found>> {
    let Some(path) = path.filter(|path| path.is_absolute()) else { return Ok(None) };
    let path = jail_path(path)?;
    let kept = path
        .components()
        .next()
        .is_none_or(|first| KEPT.iter().any(|kept| first == std::ffi::OsStr::new(kept)));
    let found = if kept { None } else { find::find(&path).ok().flatten() };
    Ok(found.filter(|found| found.kind == FileType::Directory))
}

/// Lists where something is mounted.
pub(super) fn mounts() -> Vec<JailPath> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let lines = table.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let at = line.split(|byte| *byte == b' ').nth(4)?;
            JailPath::new(Path::new(std::ffi::OsStr::from_bytes(at))).ok()
        })
        .collect()
}

/// Finds the symbolic links in the root.
pub(super) fn links() -> Result<Vec<Link>> {
    let mut links = Vec::new();
    for path in entries()?.iter().filter(|path| path.is_symlink()) {
        if let Ok(target) = std::fs::read_link(path) {
            links.push(Link { at: jail_path(path)?, target });
        }
    }
    Ok(links)
}

/// Makes a widened tree.
pub(super) fn tree(found: Found, width: Width, mounts: &[JailPath]) -> Tree {
    let directory = found.kind == FileType::Directory;
    // The kernel puts no layer over a tree that has other mounts in it.
    let whole = !mounts.iter().any(|at| found.path.covers(at) && *at != found.path);
    let width = if directory && whole { width } else { Width::Reading };
    Tree {
        directory,
        right: if width == Width::Overlay { Right::Write } else { Right::Read },
        source: Source::Host {
            fd: found.fd,
            device: found.device,
            inode: found.inode,
            owner: found.owner,
        },
        path: found.path,
        explicit: false,
        width,
    }
}

/// The jail's own files stand over the host's also where a widened tree has these.
pub(super) fn texts(view: &View, trees: &Trees) -> Vec<Cover> {
    let widened =
        |path: &JailPath| trees.containing(path).is_some_and(|tree| tree.width != Width::Policy);
    view.text_nodes()
        .filter(|(path, _)| widened(path) && path.as_path().is_file())
        .map(|(path, text)| Cover {
            at: path.clone(),
            path: path.clone(),
            node: Node::Text(text.clone()),
            places: Vec::new(),
        })
        .collect()
}
