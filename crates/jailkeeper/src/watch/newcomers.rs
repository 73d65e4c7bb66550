//! Watching for denied names that appear while a jail runs.
//!
//! A denied name that is there at the start is covered by a mount. One that is not there can only
//! be made from outside, because the notify watch refuses to make it, or by a thread of the jail
//! that wins a race against that watch. Either way the jail could use the file as any other of
//! its tree. So the directories in which it would appear are watched (`inotify(7)`), with those
//! above them, for they could be moved away and others come to their place; and the jail is killed
//! when it appears.
//!
//! Covering it then instead would hide what the jail may have done already (`docs/design/denied.md`).
//!
//! A jail that makes files faster than they are looked at fills the kernel's queue. Then everything
//! that is watched is looked through again.
//!
//! The race that is left: between the moment when the name appears and the kill, which follows in
//! well under a millisecond on an idle machine, the jail can open the file.

use crate::error::{Error, ErrorKind, Result, Step};
use crate::plan::Plan;
use jailkeeper_model::{JailPath, Policy, Right};
use rustix::fs::inotify::{CreateFlags, Event, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;
use walkdir::WalkDir;

/// How many directories are watched. Beyond, the kernel's own limit would be met.
const DIRECTORIES_AT_MOST: usize = 100_000;

/// How far the clock of file systems may be behind.
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// The watch on directories in which a denied name could appear.
#[derive(Debug)]
pub(crate) struct Newcomers {
    fd: OwnedFd,
    directories: HashMap<i32, JailPath>,
    /// The files under denied names at the start, which are covered: device and inode.
    covered: HashMap<JailPath, (u64, u64)>,
}

/// What the watch has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// A denied name is there.
    Appeared(JailPath),
    /// The kernel watches no more.
    Missed,
}

impl Newcomers {
    /// Watches the directories of a plan. Fails if a denied name has appeared in one of them
    /// since the plan was made.
    pub(crate) fn watch(plan: &Plan) -> Result<Self> {
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let fd = init(flags).step("watch for denied names (inotify)")?;
        let covers = plan.trees.covers.iter();
        let covered = covers.filter_map(|cover| Some((cover.at.clone(), identity(&cover.at)?)));
        let covered = covered.collect();
        let mut newcomers = Self { fd, directories: HashMap::new(), covered };
        let since = plan.trees.carved.checked_sub(CLOCK_STEP).unwrap_or(plan.trees.carved);
        for directory in &plan.trees.watched {
            newcomers.add(directory).step("watch a directory for denied names (inotify)")?;
            let changed = directory.as_path().metadata().and_then(|metadata| metadata.modified());
            if changed.is_ok_and(|changed| changed >= since)
                && let Some(path) = newcomers.appeared(&plan.policy, directory)
            {
                return Err(Error::new(ErrorKind::Policy, "deny")
                    .at(&path)
                    .because("it appeared while the jail was being made")
                    .with_hint("start the command again"));
            }
        }
        Ok(newcomers)
    }

    /// Watches a directory; tells whether it was not watched before.
    fn add(&mut self, directory: &JailPath) -> std::result::Result<bool, Errno> {
        if self.directories.len() >= DIRECTORIES_AT_MOST {
            return Err(Errno::NOSPC);
        }
        let flags = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        match add_watch(&self.fd, directory.as_path(), flags) {
            // The kernel has one number for a directory, whatever it is called.
            Ok(number) => Ok(self.directories.insert(number, directory.clone()).is_none()),
            // It is gone again, or closed to the caller and so to the jail.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads what has happened and returns the first thing of note.
    pub(crate) fn news(&mut self, policy: &Policy) -> Option<News> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut names = Vec::new();
        {
            let mut reader = Reader::new(&self.fd, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) => names.push(Name::of(&event)),
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => break,
                    Err(_) => return Some(News::Missed),
                }
            }
        }
        if names.iter().any(|name| name.overflow) {
            return self.look_again(policy);
        }
        names.into_iter().find_map(|name| {
            let folder = self.directories.get(&name.directory)?;
            let path = folder.join(OsStr::from_bytes(&name.name)).ok()?;
            self.look_at(policy, path, name.is_directory)
        })
    }

    /// Looks through everything that is watched: what happened is not known.
    fn look_again(&mut self, policy: &Policy) -> Option<News> {
        let folders: Vec<JailPath> = self.directories.values().cloned().collect();
        for folder in folders {
            if let Some(path) = self.appeared(policy, &folder) {
                return Some(News::Appeared(path));
            }
            let Ok(entries) = std::fs::read_dir(folder.as_path()) else { continue };
            for entry in entries.flatten() {
                let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let Ok(path) = JailPath::new(entry.path()) else { continue };
                if !directory || !self.leads_on(policy, &path) {
                    continue;
                }
                let news = match self.add(&path) {
                    Ok(true) => self.look_below(policy, &path),
                    Ok(false) => None,
                    Err(_) => Some(News::Missed),
                };
                if news.is_some() {
                    return news;
                }
            }
        }
        None
    }

    /// Looks at a name that appeared.
    fn look_at(&mut self, policy: &Policy, path: JailPath, is_directory: bool) -> Option<News> {
        if self.is_new(policy, &path) {
            return Some(News::Appeared(path));
        }
        // It may have come with something in it.
        let leads_on = is_directory && self.leads_on(policy, &path);
        leads_on.then(|| self.look_below(policy, &path)).flatten()
    }

    /// Looks at everything in a directory that appeared, and watches it. It is watched before it is
    /// read, so that nothing appears between the two.
    fn look_below(&mut self, policy: &Policy, directory: &JailPath) -> Option<News> {
        let mut entries = WalkDir::new(directory.as_path()).into_iter();
        while let Some(entry) = entries.next() {
            let Ok(entry) = entry else { continue };
            let Ok(path) = JailPath::new(entry.path()) else { continue };
            if self.is_new(policy, &path) {
                return Some(News::Appeared(path));
            }
            if !entry.file_type().is_dir() {
                continue;
            }
            if !self.leads_on(policy, &path) {
                entries.skip_current_dir();
            } else if self.add(&path).is_err() {
                return Some(News::Missed);
            }
        }
        None
    }

    /// Returns a denied name in a directory that nothing covers.
    fn appeared(&self, policy: &Policy, directory: &JailPath) -> Option<JailPath> {
        let names = std::fs::read_dir(directory.as_path()).ok()?;
        let mut paths = names.flatten().filter_map(|entry| JailPath::new(entry.path()).ok());
        paths.find(|path| self.is_new(policy, path))
    }

    /// Tells whether a name is denied and leads to another file than the one that is covered.
    fn is_new(&self, policy: &Policy, path: &JailPath) -> bool {
        is_denied(policy, path)
            && self.covered.get(path).is_none_or(|covered| identity(path) != Some(*covered))
    }

    /// Tells whether a denied name could appear below a directory.
    fn leads_on(&self, policy: &Policy, directory: &JailPath) -> bool {
        !is_denied(policy, directory) && may_lead_to_denied(policy, directory)
    }
}

impl AsFd for Newcomers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A name that appeared.
struct Name {
    directory: i32,
    name: Vec<u8>,
    is_directory: bool,
    overflow: bool,
}

impl Name {
    fn of(event: &Event<'_>) -> Self {
        Self {
            directory: event.wd(),
            name: event.file_name().map(|name| name.to_bytes().to_vec()).unwrap_or_default(),
            is_directory: event.events().contains(ReadFlags::ISDIR),
            overflow: event.events().contains(ReadFlags::QUEUE_OVERFLOW),
        }
    }
}

/// The device and inode that a name leads to on the host, through no link at its end.
fn identity(path: &JailPath) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.as_path().symlink_metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Tells whether the policy denies a name as such, not because of what is above it: that is
/// covered.
fn is_denied(policy: &Policy, path: &JailPath) -> bool {
    let by_rule = policy
        .rule_for(path)
        .is_some_and(|rule| rule.right() == Right::Deny && rule.path() == path);
    by_rule || policy.denying_pattern(path).is_some()
}

/// Tells whether a denied name could be below a directory.
fn may_lead_to_denied(policy: &Policy, directory: &JailPath) -> bool {
    policy.rules().iter().any(|rule| rule.right() == Right::Deny && directory.covers(rule.path()))
        || policy
            .patterns()
            .iter()
            .any(|pattern| pattern.right() == Right::Deny && pattern.may_match_below(directory))
}
