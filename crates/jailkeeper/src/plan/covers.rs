//! Finding what is to be covered inside allowed trees: the names that a rule or pattern carves out.
//!
//! Mounts grant whole trees. What is carved out of one gets something mounted over it, so that
//! every use of its name meets the tripwire. That works for names that are there when the jail
//! starts; [`Carving::watched`] lists the directories in which others could appear.

use super::find::Found;
use super::trees::{Tree, Trees};
use super::view::{Cover, Node};
use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::{JailPath, Origin, Pattern, Policy, Right, Rule};
use rustix::fs::FileType;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use walkdir::{DirEntry, DirEntryExt as _, WalkDir};

/// How many names may be covered: each is a mount.
const COVERS_AT_MOST: usize = 4096;
/// How many files are looked through for names that a pattern denies.
const ENTRIES_AT_MOST: usize = 2_000_000;

/// What is carved out of the trees.
#[derive(Debug, Default)]
pub(super) struct Carving {
    /// What is there, sorted by name.
    pub(super) covers: Vec<Cover>,
    /// Directories in which a denied name could appear.
    pub(super) watched: BTreeSet<JailPath>,
}

/// Finds what is to be covered.
pub(super) fn carve(policy: &Policy, trees: &Trees, carved: &[Found]) -> Result<Carving> {
    let mut carver = Carver {
        policy,
        trees,
        covers: BTreeMap::new(),
        linked: BTreeMap::new(),
        watched: BTreeSet::new(),
        entries: 0,
    };
    for found in carved {
        carver.rule(found);
    }
    carver.ways();
    for pattern in policy.patterns().iter().filter(|pattern| pattern.right() == Right::Deny) {
        carver.pattern(pattern)?;
    }
    carver.hard_links()?;
    carver.finish()
}

struct Carver<'a> {
    policy: &'a Policy,
    trees: &'a Trees,
    covers: BTreeMap<JailPath, Cover>,
    /// Denied files that have other names too: device and inode, and the denied name.
    linked: BTreeMap<(u64, u64), JailPath>,
    watched: BTreeSet<JailPath>,
    entries: usize,
}

impl Carver<'_> {
    /// Covers what a rule carves out, if it is in a tree of the host's and the rule holds.
    fn rule(&mut self, found: &Found) {
        let holds = |rule: &Rule| *rule.path() == found.path && !rule.right().allows();
        if !self.policy.rule_for(&found.path).is_some_and(holds) || !self.is_in_tree(&found.path) {
            return;
        }
        self.cover(&found.path, &found.path, found.kind == FileType::Directory);
        if found.kind == FileType::RegularFile {
            self.note_links(found.path.as_path());
        }
    }

    /// Watches the ways to denied names, whether these are there or not. A name that is there is
    /// covered, but what lies over it goes along when a directory above it is moved, and another
    /// can come to its place: so all directories from the tree's root on are watched.
    fn ways(&mut self) {
        let denied = self.policy.rules().iter().filter(|rule| rule.right() == Right::Deny);
        for rule in denied {
            if !self.is_in_tree(rule.path()) {
                continue;
            }
            let above = rule.path().ancestors().skip(1);
            let held = |above: &JailPath| self.trees.containing(above).is_some_and(Tree::is_host);
            let way = above.take_while(held).filter(|above| above.as_path().is_dir());
            self.watched.extend(way);
        }
    }

    /// Covers what a pattern denies now.
    fn pattern(&mut self, pattern: &Pattern) -> Result<()> {
        for tree in self.trees.iter() {
            if tree.is_host() && tree.directory && pattern.may_match_below(&tree.path) {
                for start in self.starts(tree, pattern) {
                    self.walk(tree, &start, pattern)?;
                }
            }
        }
        Ok(())
    }

    /// Where in a tree a pattern could deny something: everywhere, or below the rules that are
    /// not the base's.
    fn starts(&self, tree: &Tree, pattern: &Pattern) -> Vec<JailPath> {
        if !pattern.is_anywhere() || !self.is_base(&tree.path) {
            return vec![tree.path.clone()];
        }
        let inside = |path: &JailPath| {
            let parent = path.parent().filter(|parent| self.is_base(parent));
            parent.is_some() && self.trees.containing(path).is_some_and(|at| at.path == tree.path)
        };
        let asked = self.policy.rules().iter().filter(|rule| rule.right().allows());
        asked.map(Rule::path).filter(|path| !self.is_base(path) && inside(path)).cloned().collect()
    }

    /// Tells whether the base says what holds for a path.
    fn is_base(&self, path: &JailPath) -> bool {
        self.policy.rule_for(path).is_some_and(|rule| *rule.origin() == Origin::Base)
    }

    fn walk(&mut self, tree: &Tree, start: &JailPath, pattern: &Pattern) -> Result<()> {
        let mut entries = WalkDir::new(start.as_path()).into_iter();
        while let Some(entry) = entries.next() {
            // What cannot be looked into by the caller is closed to the jail as well.
            let Ok(entry) = entry else { continue };
            self.count(&tree.path)?;
            let Ok(path) = JailPath::new(entry.path()) else { continue };
            let directory = entry.file_type().is_dir();
            let other_tree = path != tree.path && self.trees.at(&path).is_some();
            let elsewhere = directory
                && (!pattern.may_match_below(&path)
                    || (pattern.is_anywhere() && self.is_base(&path)));
            if other_tree || elsewhere {
                skip(&mut entries, directory);
                continue;
            }
            let denied = pattern.matches(&path) && self.policy.denying_pattern(&path).is_some();
            if !denied {
                if directory {
                    self.watched.insert(path);
                }
                continue;
            }
            self.cover(&path, &path, directory);
            if entry.file_type().is_file() {
                self.note_links(path.as_path());
            }
            skip(&mut entries, directory);
        }
        Ok(())
    }

    /// Covers the other names of denied files, where the jail could reach them.
    fn hard_links(&mut self) -> Result<()> {
        if self.linked.is_empty() {
            return Ok(());
        }
        let linked = std::mem::take(&mut self.linked);
        for tree in self.trees.iter().filter(|tree| tree.is_host() && tree.explicit) {
            for entry in WalkDir::new(tree.path.as_path()).into_iter().flatten() {
                self.count(&tree.path)?;
                let named = linked.keys().any(|(_, inode)| *inode == entry.ino());
                if !named || !entry.file_type().is_file() {
                    continue;
                }
                let (Some(denied), Ok(at)) =
                    (identity(&entry).and_then(|id| linked.get(&id)), JailPath::new(entry.path()))
                else {
                    continue;
                };
                if !self.covers.contains_key(&at) && self.is_in_tree(&at) {
                    self.cover(&at, denied, false);
                }
            }
        }
        Ok(())
    }

    fn note_links(&mut self, path: &Path) {
        if let Ok(metadata) = path.symlink_metadata()
            && metadata.nlink() > 1
            && let Ok(denied) = JailPath::new(path)
        {
            self.linked.insert((metadata.dev(), metadata.ino()), denied);
        }
    }

    fn cover(&mut self, at: &JailPath, path: &JailPath, directory: bool) {
        let inside = |tree: &&Tree| at.covers(&tree.path) && *at != tree.path;
        let places: Vec<_> = self
            .trees
            .iter()
            .filter(inside)
            .map(|tree| (tree.path.clone(), tree.directory))
            .collect();
        // On the way to something allowed it can be passed, and all else in it is the tripwire's.
        let node =
            if directory && !places.is_empty() { Node::route() } else { Node::Decoy { directory } };
        let cover = Cover { at: at.clone(), path: path.clone(), node, places };
        self.covers.insert(at.clone(), cover);
    }

    /// Leaves away what is below another cover: its name is not there any more.
    fn finish(self) -> Result<Carving> {
        let mut covers: Vec<Cover> = Vec::new();
        for (at, cover) in self.covers {
            let tree = self.trees.containing(&at).map(|tree| &tree.path);
            let hidden = covers.iter().any(|above| {
                above.at.covers(&at) && tree.is_none_or(|tree| !above.at.covers(tree))
            });
            if !hidden {
                covers.push(cover);
            }
        }
        if covers.len() > COVERS_AT_MOST {
            return Err(Error::new(ErrorKind::Policy, "deny what patterns match")
                .because(format!("they match more than {COVERS_AT_MOST} files"))
                .with_hint("deny a directory that holds them instead"));
        }
        Ok(Carving { covers, watched: self.watched })
    }

    fn is_in_tree(&self, path: &JailPath) -> bool {
        self.trees.containing(path).is_some_and(|tree| tree.is_host() && tree.path != *path)
    }

    fn count(&mut self, tree: &JailPath) -> Result<()> {
        self.entries += 1;
        if self.entries <= ENTRIES_AT_MOST {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Policy, "look for denied names in")
            .at(tree)
            .because(format!("there are more than {ENTRIES_AT_MOST} files"))
            .with_hint("begin the pattern with a directory that holds fewer files"))
    }
}

fn skip(entries: &mut walkdir::IntoIter, directory: bool) {
    if directory {
        entries.skip_current_dir();
    }
}

fn identity(entry: &DirEntry) -> Option<(u64, u64)> {
    let metadata = entry.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
