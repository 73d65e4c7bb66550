//! What Landlock grants at strength `flat`, and what it cannot.
//!
//! A Landlock rule grants a whole tree and nothing takes a part of it back. So a tree that has
//! something in it that the policy carves out, or grants less of, gets no rule. Its directories on
//! the way there (*chains*) get none either; what lies beside the way does, entry by entry. All
//! else in the tree, such as what is made in a chain later, is done by the supervisor on the
//! caller's behalf.
//!
//! An entry's rule belongs to the file that was there at the start. When another takes its name,
//! Landlock refuses that one, so a native entry is compared with what it was.

use super::trees::{Source, Tree, Trees};
use jailkeeper_model::{JailPath, Policy, Right};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How many entries of chains get a rule of their own. What is beyond is done on behalf.
pub(super) const ENTRIES_AT_MOST: usize = 8192;

/// What Landlock grants.
#[derive(Debug, Default)]
pub(crate) struct Native {
    /// Entries of chains, by path.
    entries: BTreeMap<JailPath, Entry>,
    /// Directories that get no rule of their tree's right because of what is below them, and
    /// whether all of that may be read.
    chains: BTreeMap<JailPath, bool>,
    /// The first chain of which not every entry got a rule.
    left_out: Option<JailPath>,
}

/// An entry of a chain that has a rule of its own.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) fd: OwnedFd,
    pub(crate) right: Right,
    pub(crate) directory: bool,
    device: (u32, u32),
    inode: u64,
}

impl Native {
    /// Finds out what can be granted.
    pub(super) fn of(policy: &Policy, trees: &Trees) -> Self {
        let mut native = Self { chains: chains(policy, trees), ..Self::default() };
        let directories: Vec<_> = native.chains.keys().cloned().collect();
        for chain in directories {
            let Some(tree) = trees.containing(&chain) else { continue };
            if let Source::Host { fd, .. } = &tree.source {
                native.expand(policy, trees, tree, fd.as_fd(), &chain);
            }
        }
        native
    }

    /// Gives every entry of a chain a rule, if all of it may have the tree's right.
    fn expand(
        &mut self,
        policy: &Policy,
        trees: &Trees,
        tree: &Tree,
        root: BorrowedFd<'_>,
        chain: &JailPath,
    ) {
        let Some(names) = names(root, &tree.path, chain) else { return };
        for name in names {
            let Ok(path) = chain.join(&name) else { continue };
            let own = trees.at(&path).is_some() || self.chains.contains_key(&path);
            let covered = trees.covers.iter().any(|cover| cover.at == path);
            let right = policy.rule_for(&path).map_or(Right::Deny, |rule| rule.right());
            if own || covered || right != tree.right || policy.denying_pattern(&path).is_some() {
                continue;
            }
            if self.entries.len() >= ENTRIES_AT_MOST {
                self.left_out.get_or_insert_with(|| chain.clone());
                return;
            }
            if let Some(entry) = Entry::of(root, &tree.path, &path, right) {
                self.entries.insert(path, entry);
            }
        }
    }

    /// Tells whether Landlock grants a path what its tree's right says: reading, or all of it.
    /// The path has no symbolic link in it.
    pub(crate) fn grants(&self, trees: &Trees, path: &JailPath, wanted: Right) -> bool {
        for above in path.ancestors() {
            if let Some(readable) = self.chains.get(&above) {
                return wanted == Right::Read && *readable;
            }
            if let Some(entry) = self.entries.get(&above) {
                return entry.is_still(&above);
            }
            if trees.at(&above).is_some() {
                return true;
            }
        }
        false
    }

    /// Tells whether something that is carved out lies below a path.
    pub(crate) fn is_chain(&self, path: &JailPath) -> bool {
        self.chains.contains_key(path)
    }

    /// Returns a directory that has entries which could have a rule and got none.
    pub(super) fn left_out(&self) -> Option<&JailPath> {
        self.left_out.as_ref()
    }

    /// Returns a directory whose tree Landlock cannot grant.
    pub(super) fn first_chain(&self) -> Option<&JailPath> {
        self.chains.keys().next()
    }

    /// Tells whether there is nothing that Landlock cannot express.
    pub(crate) fn is_everything(&self) -> bool {
        self.chains.is_empty()
    }

    /// Tells whether all that lies below a chain may be read.
    pub(crate) fn is_readable_chain(&self, path: &JailPath) -> bool {
        self.chains.get(path) == Some(&true)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&JailPath, &Entry)> {
        self.entries.iter()
    }
}

impl Entry {
    fn of(root: BorrowedFd<'_>, tree: &JailPath, path: &JailPath, right: Right) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = open_beneath(root, tree, path, flags)?;
        let stat =
            rustix::fs::statx(&fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).ok()?;
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        if kind == FileType::Symlink {
            return None;
        }
        Some(Self {
            fd,
            right,
            directory: kind == FileType::Directory,
            device: (stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
        })
    }

    /// Tells whether the name still leads to the file that has the rule.
    fn is_still(&self, path: &JailPath) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let now = rustix::fs::statx(rustix::fs::CWD, path.as_path(), flags, StatxFlags::INO);
        now.is_ok_and(|now| {
            now.stx_ino == self.inode && (now.stx_dev_major, now.stx_dev_minor) == self.device
        })
    }
}

/// Finds the directories of trees with something in them that is not to be granted.
fn chains(policy: &Policy, trees: &Trees) -> BTreeMap<JailPath, bool> {
    let mut chains = BTreeMap::new();
    let mut add = |path: &JailPath, readable: bool| {
        let Some(tree) = path.parent().and_then(|parent| trees.containing(&parent)) else { return };
        if !matches!(tree.source, Source::Host { .. }) {
            return;
        }
        // Rules are inherited, so trees around this one are concerned as well.
        let above = path.ancestors().skip(1).take_while(|above| trees.containing(above).is_some());
        for above in above {
            *chains.entry(above).or_insert(true) &= readable;
        }
    };
    for cover in &trees.covers {
        add(&cover.at, false);
    }
    for rule in policy.rules().iter().filter(|rule| !rule.right().allows()) {
        add(rule.path(), false);
    }
    // Where nothing can be made from inside, what appears from outside is the watch's alone: the
    // programs of such a tree can be run, and no name costs a rule.
    let writable =
        |path: &&JailPath| trees.containing(path).is_some_and(|tree| tree.right == Right::Write);
    for watched in trees.watched.iter().filter(writable) {
        if let Ok(inside) = watched.join(std::ffi::OsStr::new("x")) {
            add(&inside, false);
        }
    }
    for tree in trees.iter() {
        let lesser = |around: &Tree| around.right == Right::Write && tree.right == Right::Read;
        if trees.around(&tree.path).is_some_and(lesser) {
            add(&tree.path, true);
        }
    }
    chains
}

fn names(
    root: BorrowedFd<'_>,
    tree: &JailPath,
    path: &JailPath,
) -> Option<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStrExt as _;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = open_beneath(root, tree, path, flags)?;
    let entries = rustix::fs::Dir::read_from(&fd).ok()?;
    let names = entries.flatten().map(|entry| entry.file_name().to_owned());
    let names = names.filter(|name| !matches!(name.to_bytes(), b"." | b".."));
    Some(names.map(|name| std::ffi::OsStr::from_bytes(name.to_bytes()).to_owned()).collect())
}

fn open_beneath(
    root: BorrowedFd<'_>,
    tree: &JailPath,
    path: &JailPath,
    flags: OFlags,
) -> Option<OwnedFd> {
    let inside = path.strip_prefix(tree)?;
    let inside = if inside.as_os_str().is_empty() { std::path::Path::new(".") } else { inside };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, inside, flags, Mode::empty(), resolve).ok()
}
