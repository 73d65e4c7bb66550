//! Watching for denied names that appear while a jail runs.
//!
//! A denied name that is there at the start is covered by a mount. One that is not there can only
//! be made from outside, because the notify watch refuses to make it, or by a thread of the jail
//! that wins a race against that watch. Either way the jail could use the file as any other of
//! its tree. So the directories in which it would appear are watched (`inotify(7)`), and the jail
//! is killed when it does.
//!
//! The race that is left: between the moment when the name appears and the kill, which follows in
//! well under a millisecond on an idle machine, the jail can open the file.

use crate::error::{Error, ErrorKind, Result, Step};
use crate::plan::Plan;
use jailkeeper_model::{JailPath, Policy, Right};
use rustix::fs::inotify::{CreateFlags, Event, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use std::collections::HashMap;
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
}

/// What the watch has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// A denied name is there.
    Appeared(JailPath),
    /// Something was not seen: too much happened at once, or the kernel watches no more.
    Missed,
}

impl Newcomers {
    /// Watches the directories of a plan. Fails if a denied name has appeared in one of them
    /// since the plan was made.
    pub(crate) fn watch(plan: &Plan) -> Result<Self> {
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let fd = init(flags).step("watch for denied names (inotify)")?;
        let mut newcomers = Self { fd, directories: HashMap::new() };
        let since = plan.trees.carved.checked_sub(CLOCK_STEP).unwrap_or(plan.trees.carved);
        for directory in &plan.trees.watched {
            newcomers.add(directory).step("watch a directory for denied names (inotify)")?;
            let changed = directory.as_path().metadata().and_then(|metadata| metadata.modified());
            if changed.is_ok_and(|changed| changed >= since)
                && let Some(path) = appeared(plan, directory)
            {
                return Err(Error::new(ErrorKind::Policy, "deny")
                    .at(&path)
                    .because("it appeared while the jail was being made")
                    .with_hint("start the command again"));
            }
        }
        Ok(newcomers)
    }

    fn add(&mut self, directory: &JailPath) -> std::result::Result<(), Errno> {
        if self.directories.len() >= DIRECTORIES_AT_MOST {
            return Err(Errno::NOSPC);
        }
        let flags = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        match add_watch(&self.fd, directory.as_path(), flags) {
            Ok(number) => {
                self.directories.insert(number, directory.clone());
                Ok(())
            }
            // It is gone again, or closed to the caller and so to the jail.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(()),
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
        names.into_iter().find_map(|name| self.look_at(policy, &name))
    }

    fn look_at(&mut self, policy: &Policy, name: &Name) -> Option<News> {
        if name.overflow {
            return Some(News::Missed);
        }
        let folder = self.directories.get(&name.directory)?;
        let path = folder.join(std::ffi::OsStr::from_bytes(&name.name)).ok()?;
        if is_denied(policy, &path) {
            return Some(News::Appeared(path));
        }
        if !name.is_directory || !may_lead_to_denied(policy, &path) {
            return None;
        }
        // It may have come with something in it.
        for entry in WalkDir::new(path.as_path()).into_iter().flatten() {
            let Ok(path) = JailPath::new(entry.path()) else { continue };
            if is_denied(policy, &path) {
                return Some(News::Appeared(path));
            }
            if entry.file_type().is_dir()
                && may_lead_to_denied(policy, &path)
                && self.add(&path).is_err()
            {
                return Some(News::Missed);
            }
        }
        None
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

/// Returns a denied name in a directory that nothing covers.
fn appeared(plan: &Plan, directory: &JailPath) -> Option<JailPath> {
    let names = std::fs::read_dir(directory.as_path()).ok()?;
    let paths = names.flatten().filter_map(|entry| JailPath::new(entry.path()).ok());
    let covered = |path: &JailPath| plan.trees.covers.iter().any(|cover| cover.at == *path);
    paths.into_iter().find(|path| is_denied(&plan.policy, path) && !covered(path))
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
