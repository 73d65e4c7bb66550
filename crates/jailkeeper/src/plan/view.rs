//! The view: which names the jail's own root serves.
//!
//! Allowed trees are mounts. What remains are the directories on the way to them (*routes*),
//! symbolic links on the way (`/bin -> usr/bin`), empty places for mounts to stand on, and names
//! that are answered as absent. Any other name that exists on the host is the tripwire's.

use super::find::Link;
use jailkeeper_model::JailPath;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Names a node of the view; also its FUSE inode number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u64);

impl NodeId {
    /// The root of the view, which FUSE calls 1.
    pub(crate) const ROOT: Self = Self(1);
}

/// What stands at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A directory that leads somewhere.
    Route(BTreeMap<OsString, NodeId>),
    /// A symbolic link on the way.
    Link(PathBuf),
    /// Where a mount stands.
    Place { directory: bool },
    /// A file of the jail's own.
    Text(Text),
    /// A name that is answered as absent.
    Hidden,
    /// What is mounted over a denied name inside an allowed tree: every use of it is an access
    /// to its path.
    Decoy { directory: bool },
}

/// Something that is mounted over a name inside an allowed tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cover {
    /// The name that it covers.
    pub(crate) at: JailPath,
    /// The path that it stands for: another name of the same file, where that is what a rule
    /// denies.
    pub(crate) path: JailPath,
    pub(crate) node: Node,
    /// The places inside it that are mounted upon in turn, with whether they are directories.
    pub(crate) places: Vec<(JailPath, bool)>,
}

/// What is in a file of the jail's own.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    /// This text.
    Own(String),
    /// What is in a small file of the host; its length is that of the start.
    Copied { file: Arc<File>, length: u64, modified: u64 },
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(text), Self::Own(other)) => text == other,
            (Self::Copied { file, .. }, Self::Copied { file: other, .. }) => {
                Arc::ptr_eq(file, other)
            }
            _ => false,
        }
    }
}

impl Eq for Text {}

impl Text {
    /// Returns its length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Own(text) => text.len() as u64,
            Self::Copied { length, .. } => *length,
        }
    }

    /// Returns when it was changed last, in seconds since 1970.
    pub(crate) fn modified(&self) -> u64 {
        match self {
            Self::Own(_) => 0,
            Self::Copied { modified, .. } => *modified,
        }
    }

    /// Reads a part of it; less at its end, and nothing if the host's file cannot be read.
    pub(crate) fn read(&self, offset: u64, size: usize) -> Vec<u8> {
        match self {
            Self::Own(text) => {
                let bytes = text.as_bytes();
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(size).min(bytes.len());
                bytes.get(start..end).unwrap_or_default().to_vec()
            }
            Self::Copied { file, length, .. } => {
                let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
                let mut bytes = vec![0; size.min(left)];
                let count = file.read_at(&mut bytes, offset).unwrap_or(0);
                bytes.truncate(count);
                bytes
            }
        }
    }
}

/// The name in the root under which covers stand until the jail is sealed.
pub(crate) const COVERS: &str = ".jailkeeper-covers";

/// All names that the root serves.
///
/// A node's path is what it means. It is also where it stands, but for covers: these stand below
/// [`COVERS`] to be cloned from there.
#[derive(Debug)]
pub(crate) struct View {
    nodes: Vec<(JailPath, Node)>,
    /// How many nodes are no covers.
    own: usize,
}

impl View {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![(JailPath::root(), Node::Route(BTreeMap::new()))], own: 0 }
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.entry(id).map(|(_, node)| node)
    }

    pub(crate) fn path(&self, id: NodeId) -> Option<&JailPath> {
        self.entry(id).map(|(path, _)| path)
    }

    fn entry(&self, id: NodeId) -> Option<&(JailPath, Node)> {
        let index = usize::try_from(id.0).ok()?.checked_sub(1)?;
        self.nodes.get(index)
    }

    /// Returns what a route has under a name.
    pub(crate) fn child(&self, id: NodeId, name: &OsStr) -> Option<NodeId> {
        match self.node(id)? {
            Node::Route(children) => children.get(name).copied(),
            _ => None,
        }
    }

    /// Finds the node of a path that the view itself serves.
    pub(crate) fn find(&self, path: &JailPath) -> Option<NodeId> {
        path.components().try_fold(NodeId::ROOT, |id, name| self.child(id, name))
    }

    /// Adds what stands at a path, with the routes to it. What is there already stays, but a
    /// mount's place or a link takes precedence over a hidden name.
    pub(crate) fn add(&mut self, path: &JailPath, node: Node) {
        self.add_from(NodeId::ROOT, path, &node);
    }

    fn add_from(&mut self, start: NodeId, path: &JailPath, node: &Node) {
        let mut at = start;
        let mut names = path.components().peekable();
        while let Some(name) = names.next() {
            let last = names.peek().is_none();
            at = match self.child(at, name) {
                Some(id) => {
                    let stays = match self.node(id) {
                        Some(Node::Route(_)) => true,
                        Some(Node::Hidden) => false,
                        _ if last => true,
                        // Below a link or a mount the view serves nothing.
                        _ => return,
                    };
                    if !stays {
                        self.replace(id, if last { node.clone() } else { Node::route() });
                    }
                    id
                }
                None => {
                    let fresh = if last { node.clone() } else { Node::route() };
                    match self.insert(at, name, fresh) {
                        Some(id) => id,
                        None => return,
                    }
                }
            };
        }
    }

    /// Adds what is to be mounted over names inside trees, after everything else: the first one
    /// stands below [`COVERS`] under the name `0`, and so on.
    pub(crate) fn add_covers(&mut self, covers: &[Cover]) {
        self.own = self.nodes.len();
        if covers.is_empty() {
            return;
        }
        let Some(shelf) = self.insert(NodeId::ROOT, OsStr::new(COVERS), Node::route()) else {
            return;
        };
        for (index, cover) in covers.iter().enumerate() {
            let name = OsString::from(index.to_string());
            let id = self.insert_as(shelf, &name, cover.path.clone(), cover.node.clone());
            let Some(id) = id.filter(|_| !cover.places.is_empty()) else { continue };
            for (place, directory) in &cover.places {
                let Some(inside) = place.strip_prefix(&cover.at) else { continue };
                let Ok(inside) = JailPath::resolve(&JailPath::root(), inside) else { continue };
                self.add_from(id, &inside, &Node::Place { directory: *directory });
            }
        }
    }

    /// Returns the directories that have several entries, parents before children.
    pub(crate) fn crossroads(&self) -> impl Iterator<Item = &JailPath> {
        let shown = |id: &&NodeId| self.node(**id).is_some_and(|node| *node != Node::Hidden);
        self.nodes.iter().take(self.own).filter_map(move |(path, node)| match node {
            Node::Route(children) if children.values().filter(shown).count() > 1 => Some(path),
            _ => None,
        })
    }

    /// Returns the jail's own files.
    pub(crate) fn text_nodes(&self) -> impl Iterator<Item = (&JailPath, &Text)> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::Text(text) => Some((path, text)),
            _ => None,
        })
    }

    /// Returns the links with their targets.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&JailPath, &PathBuf)> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::Link(target) => Some((path, target)),
            _ => None,
        })
    }

    pub(crate) fn add_link(&mut self, link: &Link) {
        self.add(&link.at, Node::Link(link.target.clone()));
    }

    fn insert(&mut self, parent: NodeId, name: &OsStr, node: Node) -> Option<NodeId> {
        let path = self.path(parent)?.join(name).ok()?;
        self.insert_as(parent, name, path, node)
    }

    fn insert_as(
        &mut self,
        parent: NodeId,
        name: &OsStr,
        path: JailPath,
        node: Node,
    ) -> Option<NodeId> {
        self.nodes.push((path, node));
        let id = NodeId(self.nodes.len() as u64);
        let index = usize::try_from(parent.0).ok()?.checked_sub(1)?;
        if let Some((_, Node::Route(children))) = self.nodes.get_mut(index) {
            children.insert(name.to_owned(), id);
        }
        Some(id)
    }

    fn replace(&mut self, id: NodeId, node: Node) {
        let index = usize::try_from(id.0).ok().and_then(|id| id.checked_sub(1));
        if let Some((_, place)) = index.and_then(|index| self.nodes.get_mut(index)) {
            *place = node;
        }
    }
}

impl Node {
    pub(crate) fn route() -> Self {
        Self::Route(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> JailPath {
        JailPath::new(path).unwrap()
    }

    #[test]
    fn routes_lead_to_places_and_nothing_else_is_there() {
        let mut view = View::new();
        view.add(&path("/home/u/work"), Node::Place { directory: true });
        view.add(&path("/bin"), Node::Link("usr/bin".into()));
        assert!(matches!(view.node(view.find(&path("/home/u")).unwrap()), Some(Node::Route(_))));
        let work = view.find(&path("/home/u/work")).unwrap();
        assert_eq!(view.node(work), Some(&Node::Place { directory: true }));
        assert_eq!(view.path(work), Some(&path("/home/u/work")));
        assert_eq!(view.find(&path("/home/u/work/x")), None);
        assert_eq!(view.find(&path("/home/v")), None);
    }

    #[test]
    fn a_place_replaces_a_hidden_name_but_a_hidden_name_no_place() {
        let mut view = View::new();
        view.add(&path("/run"), Node::Hidden);
        view.add(&path("/run/data"), Node::Place { directory: true });
        view.add(&path("/run/data"), Node::Hidden);
        let data = view.find(&path("/run/data")).unwrap();
        assert_eq!(view.node(data), Some(&Node::Place { directory: true }));
    }
}
