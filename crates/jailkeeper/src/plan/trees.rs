//! Which file trees the jail has, and where each comes from.

use super::view::Cover;
use jailkeeper_model::{JailPath, Right};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

/// Where a tree's files come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The host's own files at the same path.
    Host { fd: OwnedFd, device: u64, inode: u64, owner: (u32, u32) },
    /// An empty file system in memory, for this jail alone.
    Memory,
    /// The jail's own processes.
    Processes,
    /// The jail's own terminals.
    Terminals,
}

/// A tree that is mounted in the jail.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) path: JailPath,
    pub(crate) right: Right,
    pub(crate) directory: bool,
    pub(crate) source: Source,
    /// The caller asked for it, as opposed to the base.
    pub(crate) explicit: bool,
    pub(crate) width: Width,
}

/// How much a tree lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// What the policy grants.
    Policy,
    /// Reading, whatever the policy says; it is written down.
    Reading,
    /// Everything; what is written goes to a layer of memory over it.
    Overlay,
}

impl Tree {
    /// Tells whether it has files of the host's.
    pub(crate) fn is_host(&self) -> bool {
        matches!(self.source, Source::Host { .. })
    }
}

/// The trees by path, so that one that contains another comes before it.
#[derive(Debug)]
pub(crate) struct Trees {
    /// By [`key`].
    by_path: BTreeMap<Vec<u8>, Tree>,
    /// What is mounted over denied names inside them, sorted by name.
    pub(crate) covers: Vec<Cover>,
    /// Directories inside them in which a denied name could appear.
    pub(crate) watched: Vec<JailPath>,
    /// When the covers were looked for.
    pub(crate) carved: SystemTime,
}

impl Default for Trees {
    fn default() -> Self {
        let (by_path, covers, watched) = Default::default();
        Self { by_path, covers, watched, carved: SystemTime::now() }
    }
}

impl Trees {
    /// Returns the tree that a path is in.
    pub(crate) fn containing(&self, path: &JailPath) -> Option<&Tree> {
        let key = key(path);
        let mut ancestor = key.as_slice();
        loop {
            if let Some(tree) = self.by_path.get(ancestor) {
                return Some(tree);
            }
            let end = ancestor.iter().rposition(|byte| *byte == 0)?;
            // The root is its slash.
            ancestor = ancestor.get(..end.max(1)).filter(|next| next.len() < ancestor.len())?;
        }
    }

    /// Returns the tree around a tree.
    pub(crate) fn around(&self, path: &JailPath) -> Option<&Tree> {
        self.containing(&path.parent()?)
    }

    /// Returns the tree at a path.
    pub(crate) fn at(&self, path: &JailPath) -> Option<&Tree> {
        self.by_path.get(key(path).as_slice())
    }

    pub(super) fn insert(&mut self, tree: Tree) {
        self.by_path.insert(key(&tree.path), tree);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tree> {
        self.by_path.values()
    }
}

/// The bytes of a path with a NUL for each slash: so their order is that of the path's components,
/// and those of an ancestor are a beginning of them. Every parked call looks here several times.
fn key(path: &JailPath) -> Vec<u8> {
    path.as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}
