//! Landlock over the view: a second wall behind the mounts, of another make.
//!
//! Rules belong to inodes, so those for the host's trees are made before the jail exists. Rights
//! are inherited through mounts; whatever is granted on the view's root holds everywhere. So the
//! root gets only what opens nothing: listing, and making and removing names. Without the latter
//! an attempt to create something in a route directory would be refused before the tripwire sees
//! it, and go unnamed.

pub(crate) mod flat;

use crate::error::{Result, Step};
use crate::plan::{Plan, Source, Width};
use jailkeeper_model::Right;
use jailkeeper_sys::landlock::{self, Handled, right};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The first ABI that scopes signals and abstract unix sockets.
pub(crate) const SCOPES_SINCE: u32 = 6;

/// A rule on a file that exists only inside the jail, to be added by its child.
pub(crate) struct InnerRule {
    pub(crate) path: PathBuf,
    pub(crate) rights: u64,
}

/// Makes the ruleset with its rules for the host's trees, and lists the rest.
pub(crate) fn prepare(plan: &Plan) -> Result<(OwnedFd, Vec<InnerRule>)> {
    let handled = Handled::all(plan.landlock_abi);
    let ruleset = landlock::create_ruleset(&handled).step("create a Landlock ruleset")?;
    let mut inner = vec![InnerRule {
        path: PathBuf::from("/"),
        rights: (right::NAMES | right::READ_DIR) & handled.files,
    }];
    for path in plan
        .view
        .text_nodes()
        .map(|(path, _)| path)
        .filter(|path| plan.trees.containing(path).is_none())
    {
        inner.push(InnerRule { path: path.as_path().to_owned(), rights: right::READ_FILE });
    }
    for tree in plan.trees.iter() {
        let rights = rights(tree.right, &tree.source, tree.path.as_path()) & handled.files;
        match &tree.source {
            Source::Host { fd, .. } if tree.width != Width::Overlay => {
                let on_kind = if tree.directory { u64::MAX } else { right::ON_FILES };
                landlock::add_path(&ruleset, fd, rights & on_kind).step("add a Landlock rule")?;
            }
            _ => {
                inner.push(InnerRule { path: tree.path.as_path().to_owned(), rights });
            }
        }
    }
    Ok((ruleset, inner))
}

/// Lets the jail read again, through `/dev/stdin`, a file that it was handed for reading.
///
/// For writing it is not let: a descriptor that only appends would become one that overwrites.
/// The notify watch hands out a duplicate instead.
pub(crate) fn let_reopen(ruleset: impl AsFd, stream: impl AsFd) -> Result<()> {
    use rustix::fs::{FileType, OFlags};
    let step = "look at a descriptor for the command";
    let flags = rustix::fs::fcntl_getfl(&stream).step(step)?;
    let stat = rustix::fs::fstat(&stream).step(step)?;
    let file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if file && !flags.contains(OFlags::WRONLY) {
        // A file without a name, such as a memfd, needs no rule and can have none.
        let _ = landlock::add_path(ruleset, stream, right::READ_FILE);
    }
    Ok(())
}

fn rights(granted: Right, source: &Source, path: &Path) -> u64 {
    let device = if path.starts_with("/dev") { right::IOCTL_DEV } else { 0 };
    match (granted, source) {
        // A process writes its own files below /proc: comm, oom_score_adj. What belongs to the
        // system there is mounted read-only.
        (_, Source::Processes) => {
            right::READ_FILE | right::READ_DIR | right::WRITE_FILE | right::TRUNCATE
        }
        (Right::Write, _) => {
            device | right::READING | right::NAMES | right::WRITE_FILE | right::TRUNCATE
        }
        (Right::Read, _) => right::READING,
        _ => 0,
    }
}
