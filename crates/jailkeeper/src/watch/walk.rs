//! Following a path as the jail sees it, to name where it leads.
//!
//! The race: whoever owns the files can swap a directory for a symbolic link between two steps
//! of any walk in user space. So the result is a name for an event and a reason to refuse, never
//! a reason to grant: what is granted was granted before, by mounts and Landlock. Each step goes
//! through a descriptor of an allowed tree and stays beneath it (`RESOLVE_BENEATH`), so that the
//! supervisor itself is led nowhere.
//!
//! A jail chooses how long the way is: forty links, each of thousands of names, are a moment for
//! the kernel and were minutes here, in which the caller could not even be killed. So a walk looks
//! at a bounded number of names one by one, and ends [nowhere](End::Nowhere) beyond it.

use super::caller::Caller;
use crate::plan::{Node, Source, push_components};
use crate::ward::Ward;
use jailkeeper_model::{JailPath, Presence};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// How many symbolic links a path may go through, as in the kernel.
const LINKS_AT_MOST: usize = 40;
/// How many names are looked at one by one. A path without links is taken in one step.
const STEPS_AT_MOST: usize = 512;
/// How many names may be ahead: links can pile them up.
const AHEAD_AT_MOST: usize = 4096;
/// Bytes of the longest path.
const PATH_MAX: usize = 4096;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The path with all links followed.
    pub(crate) path: JailPath,
    /// What kind of place that is.
    pub(crate) end: End,
    /// Whether something is there, as far as the walk could see.
    pub(crate) presence: Presence,
    /// Whether it went through a directory that is none of the jail's, such as one that somebody
    /// outside has sent: no view is around what is there.
    pub(crate) astray: bool,
}

/// The kind of place at which a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Inside a tree of the jail.
    Tree,
    /// At a name that the view itself serves.
    View,
    /// Outside; the first component that is so is this path.
    Outside(JailPath),
    /// At something without a name, such as a pipe behind `/proc/self/fd/1`, or at a file of the
    /// outside that was handed in as a descriptor. The number is the caller's descriptor.
    Descriptor(i32),
    /// Too far to be followed, for this reason. The kernel may get there; nobody does by accident.
    Nowhere(Errno),
}

/// Follows a path.
pub(crate) fn walk(
    ward: &Ward,
    caller: Caller,
    start: &JailPath,
    text: &Path,
    follow_last: bool,
) -> Walk {
    let mut at = if text.is_absolute() { JailPath::root() } else { start.clone() };
    let mut todo: Vec<OsString> = Vec::new();
    push_components(&mut todo, text);
    let mut astray = outside(ward, &at).is_some();
    let (mut links, mut steps) = (0, 0);
    // The tree in which the rest was seen not to be straight, until another link or `..` is passed.
    let mut crooked: Option<&JailPath> = None;
    while let Some(name) = todo.pop() {
        steps += 1;
        if steps > STEPS_AT_MOST || todo.len() > AHEAD_AT_MOST {
            return nowhere(at, Errno::LOOP);
        }
        if name == ".." {
            at = at.parent().unwrap_or_else(JailPath::root);
            crooked = None;
            continue;
        }
        let Ok(next) = at.join(&name) else { return nowhere(at, Errno::NAMETOOLONG) };
        if let Some(end) = outside(ward, &next) {
            let presence = Presence::Unknown;
            return Walk { path: with_rest(&next, &todo), end, presence, astray };
        }
        let last = todo.is_empty();
        let root = ward.plan.trees.containing(&next).map(|tree| &tree.path);
        if crooked.is_none() || crooked != root {
            if let Some((path, presence)) = straight(ward, &next, &todo, follow_last) {
                return Walk { path, end: End::Tree, presence, astray };
            }
            crooked = root;
        }
        if last && !follow_last {
            at = next;
            break;
        }
        match target(ward, caller, &next) {
            Target::Path(target) if links < LINKS_AT_MOST => {
                links += 1;
                crooked = None;
                if target.is_absolute() {
                    at = JailPath::root();
                    astray = false;
                }
                push_components(&mut todo, &target);
            }
            Target::Descriptor(number) if last => {
                return Walk {
                    path: next,
                    end: End::Descriptor(number),
                    presence: Presence::Exists,
                    astray,
                };
            }
            Target::Descriptor(number) => {
                crooked = None;
                at = caller.directory(Some(number.unsigned_abs().into())).unwrap_or(next);
                astray = outside(ward, &at).is_some();
            }
            _ => at = next,
        }
    }
    if let Some(end) = outside(ward, &at) {
        let presence = Presence::Unknown;
        return Walk { path: with_rest(&at, &todo), end, presence, astray };
    }
    let served = ward.plan.view.find(&at).is_some();
    let end = if served { End::View } else { End::Tree };
    let presence = if served { Presence::Exists } else { Presence::Unknown };
    Walk { path: with_rest(&at, &todo), end, presence, astray }
}

fn nowhere(path: JailPath, why: Errno) -> Walk {
    Walk { path, end: End::Nowhere(why), presence: Presence::Unknown, astray: false }
}

/// Appends the components that are left, as text; the error is the path cut off where it would be
/// longer than a path can be.
fn appended(path: &JailPath, todo: &[OsString]) -> Result<JailPath, JailPath> {
    let mut bytes = path.as_bytes().to_vec();
    let mut fits = true;
    for name in todo.iter().rev().map(|name| name.as_bytes()) {
        if name == b".." {
            let end = bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            bytes.truncate(end.max(1));
            continue;
        }
        fits = bytes.len() + 1 + name.len() <= PATH_MAX;
        if !fits {
            break;
        }
        if bytes != b"/" {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
    }
    let whole = JailPath::new(Path::new(OsStr::from_bytes(&bytes))).map_err(|_| path.clone())?;
    if fits { Ok(whole) } else { Err(whole) }
}

/// The same for a name in an event.
fn with_rest(path: &JailPath, todo: &[OsString]) -> JailPath {
    appended(path, todo).unwrap_or_else(|cut| cut)
}

/// Tells whether a path is neither in a tree nor served by the view.
fn outside(ward: &Ward, path: &JailPath) -> Option<End> {
    let inside = ward.plan.trees.containing(path).is_some() || ward.plan.view.find(path).is_some();
    (!inside).then(|| End::Outside(path.clone()))
}

/// Takes all that is left of a path in one step, if no symbolic link is on the way.
fn straight(
    ward: &Ward,
    next: &JailPath,
    todo: &[OsString],
    follow_last: bool,
) -> Option<(JailPath, Presence)> {
    if todo.iter().any(|name| name == "..") {
        return None;
    }
    let full = appended(next, todo).ok()?;
    let (root, fd) = ward.tree_descriptor(&full)?;
    root.covers(next).then_some(())?;
    let inside = full.strip_prefix(root)?;
    if inside.as_os_str().is_empty() {
        // The tree is held, and it may be a single file.
        return Some((full, Presence::Exists));
    }
    match open_beneath(fd, inside, follow_last) {
        Ok(_) => Some((full, Presence::Exists)),
        // The kernel goes from left to right: before the first missing name was no link.
        Err(Errno::NOENT | Errno::NOTDIR) => Some((full, Presence::Missing)),
        Err(Errno::ACCESS) => Some((full, Presence::Unknown)),
        Err(_) => None,
    }
}

fn open_beneath(
    fd: BorrowedFd<'_>,
    path: &Path,
    follow_last: bool,
) -> Result<std::os::fd::OwnedFd, Errno> {
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if !follow_last {
        flags |= OFlags::NOFOLLOW;
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(fd, path, flags, Mode::empty(), resolve)
}

enum Target {
    /// It is a symbolic link with this text.
    Path(PathBuf),
    /// It is a descriptor of the caller.
    Descriptor(i32),
    /// It is no link.
    None,
}

fn target(ward: &Ward, caller: Caller, path: &JailPath) -> Target {
    if let Some(node) = ward.plan.view.find(path).and_then(|id| ward.plan.view.node(id)) {
        return match node {
            Node::Link(target) => Target::Path(target.clone()),
            _ => Target::None,
        };
    }
    let Some(tree) = ward.plan.trees.containing(path) else { return Target::None };
    if matches!(tree.source, Source::Processes) {
        return magic_link(caller, path);
    }
    let Some((root, fd)) = ward.tree_descriptor(path) else { return Target::None };
    let (Some(inside), Some(name)) = (path.strip_prefix(root), path.file_name()) else {
        return Target::None;
    };
    let parent = inside.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(parent) = open_beneath(fd, parent.unwrap_or(Path::new(".")), true) else {
        return Target::None;
    };
    match rustix::fs::readlinkat(&parent, name, Vec::new()) {
        Ok(target) => Target::Path(PathBuf::from(OsString::from_vec(target.into_bytes()))),
        Err(_) => Target::None,
    }
}

/// Follows the links below `/proc/self` of the caller, which lead to open files rather than to
/// names.
fn magic_link(caller: Caller, path: &JailPath) -> Target {
    let mut names = path.components().skip(1);
    let owner = names.next().unwrap_or_default();
    let own = owner == "self"
        || owner == "thread-self"
        || owner.to_str().and_then(|text| text.parse().ok()) == caller.inner_pid();
    if !own {
        return Target::None;
    }
    // The threads of a process have the same links once more.
    let mut names = names.peekable();
    if names.next_if(|name| *name == "task").is_some() {
        names.next();
    }
    match (names.next().and_then(|name| name.to_str()), names.next(), names.next()) {
        (Some(link @ ("cwd" | "root" | "exe")), None, None) => {
            caller.link(link).map_or(Target::None, Target::Path)
        }
        (Some("fd"), Some(number), None) => number
            .to_str()
            .and_then(|text| text.parse().ok())
            .map_or(Target::None, Target::Descriptor),
        _ => Target::None,
    }
}
