//! Id-mapped trees: what a jail creates belongs to the owner of the tree.
//!
//! When the caller is root, the jail runs as somebody else. Its trees are mounted so that this
//! user and the tree's owner change places: files of the owner look like the jail's own, and
//! what the jail creates is the owner's on disk. Everybody else stays who they are.

use crate::error::{Error, ErrorKind, Result, Step};
use jailkeeper_sys::mount::{self, Attributes};
use rustix::mount::OpenTreeFlags;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

/// User and group of a tree's owner, and of the jail.
type Exchanged = ((u32, u32), (u32, u32));

/// The user namespaces that maps were made of. Making one takes two processes' switches, so those
/// of a plan are kept as long as the plan.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    made: Mutex<BTreeMap<Exchanged, OwnedFd>>,
}

/// Clones a tree's mount with its owner and the jail's user exchanged.
pub(crate) fn clone_mapped(
    maps: &Maps,
    tree: impl AsFd,
    owner: (u32, u32),
    jail: (u32, u32),
    attributes: Attributes,
) -> Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let mount = rustix::mount::open_tree(tree, c"", flags).step("clone the mount of a tree")?;
    let mut made = maps.made.lock().unwrap_or_else(PoisonError::into_inner);
    let namespace = match made.remove(&(owner, jail)) {
        Some(namespace) => namespace,
        None => {
            let users = exchange(owner.0, jail.0);
            let groups = exchange(owner.1, jail.1);
            jailkeeper_sys::process::user_namespace(&users, &groups)
                .step("make a user namespace for mapped ids")?
        }
    };
    let namespace = made.entry((owner, jail)).or_insert(namespace);
    mount::map_ids(&mount, namespace, attributes).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "map the ids of a writable tree")
            .because(error)
            .with_hint(
                "its file system has no id-mapped mounts: run jailkeeper as the owner of the \
                 files instead of root, or use a directory on another file system",
            )
    })?;
    Ok(mount)
}

/// An id map in which two ids change places and all others stay.
fn exchange(first: u32, second: u32) -> String {
    let (low, high) = (first.min(second), first.max(second));
    let mut lines = String::new();
    let mut range = |inside: u32, outside: u32, count: u32| {
        if count > 0 {
            lines.push_str(&format!("{inside} {outside} {count}\n"));
        }
    };
    if low == high {
        range(0, 0, u32::MAX);
        return lines;
    }
    range(0, 0, low);
    range(low, high, 1);
    range(low + 1, low + 1, high - low - 1);
    range(high, low, 1);
    range(high + 1, high + 1, u32::MAX - high - 1);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_change_places_and_every_other_stays() {
        assert_eq!(exchange(0, 65533), "0 65533 1\n1 1 65532\n65533 0 1\n65534 65534 4294901761\n");
        assert_eq!(exchange(7, 7), "0 0 4294967295\n");
        assert_eq!(exchange(9, 3), exchange(3, 9));
    }
}
