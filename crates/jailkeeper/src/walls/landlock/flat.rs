//! Landlock alone: at strength `flat` it is the wall, and there is no view before it.
//!
//! Every right that the kernel can govern is governed, and nothing is granted but the trees. What
//! lies above them can be walked through, because Landlock does not govern that.

use super::{SCOPES_SINCE, rights};
use crate::error::{Result, Step};
use crate::plan::{Plan, Source};
use jailkeeper_model::Right;
use jailkeeper_sys::landlock::{self, Handled, right};
use rustix::fs::{Mode, OFlags};
use std::os::fd::OwnedFd;

/// Makes the ruleset of the domain around the jail's, in which its reaper is: who is in it can
/// signal everybody in the jail, and nobody else. `None` where Landlock does not scope signals.
///
/// `kill(-1)` by the reaper is then one step that no `fork` gets ahead of: the kernel goes through
/// all processes under the lock that a new one is added under.
pub(crate) fn around(plan: &Plan) -> Result<Option<OwnedFd>> {
    if plan.landlock_abi < SCOPES_SINCE {
        return Ok(None);
    }
    let ruleset =
        landlock::create_ruleset(&Handled::signals()).step("create a Landlock ruleset")?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open("/", flags, Mode::empty()).step("open the root directory")?;
    landlock::add_path(&ruleset, root, right::REFER).step("add a Landlock rule")?;
    Ok(Some(ruleset))
}

/// Makes the ruleset for processes that run already.
///
/// Every thread gets a domain of its own from it, and signals would not reach from one domain to
/// another: the watch governs them instead.
pub(crate) fn prepare_attached(plan: &Plan) -> Result<OwnedFd> {
    prepare_with(plan, Handled::all(plan.landlock_abi).without_signals())
}

/// Makes the ruleset with all its rules.
pub(crate) fn prepare(plan: &Plan) -> Result<OwnedFd> {
    prepare_with(plan, Handled::all(plan.landlock_abi))
}

fn prepare_with(plan: &Plan, handled: Handled) -> Result<OwnedFd> {
    const STEP: &str = "add a Landlock rule";
    let ruleset = landlock::create_ruleset(&handled).step("create a Landlock ruleset")?;
    for tree in plan.trees.iter() {
        // Whatever is below `/proc` is opened on behalf: its directories come and go.
        let Source::Host { fd, .. } = &tree.source else { continue };
        let granted = if !plan.native.is_chain(&tree.path) {
            tree.right
        } else if plan.native.is_readable_chain(&tree.path) {
            Right::Read
        } else {
            continue;
        };
        let rights = rights(granted, &tree.source, tree.path.as_path()) & handled.files;
        let on_kind = if tree.directory { u64::MAX } else { right::ON_FILES };
        landlock::add_path(&ruleset, fd, rights & on_kind).step(STEP)?;
    }
    if plan.unwatched {
        grant_system_entries(&ruleset)?;
    }
    for (path, entry) in plan.native.entries() {
        let Some(tree) = plan.trees.containing(path) else { continue };
        let rights = rights(entry.right, &tree.source, path.as_path()) & handled.files;
        let on_kind = if entry.directory { u64::MAX } else { right::ON_FILES };
        landlock::add_path(&ruleset, &entry.fd, rights & on_kind).step(STEP)?;
    }
    Ok(ruleset)
}

/// Grants reading what belongs to the system below `/proc`, where nobody opens it on behalf. What
/// belongs to processes stays closed: their directories are everybody's.
fn grant_system_entries(ruleset: &OwnedFd) -> Result<()> {
    const STEP: &str = "grant the system's entries of `/proc`";
    let is_link = |name: &str| matches!(name, "self" | "thread-self" | "mounts" | "net");
    for entry in std::fs::read_dir("/proc").step(STEP)?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if is_link(name) || name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(fd) = rustix::fs::open(entry.path(), flags, Mode::empty()) else { continue };
        let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let read = right::READ_FILE | if directory { right::READ_DIR } else { 0 };
        landlock::add_path(ruleset, fd, read).step(STEP)?;
    }
    Ok(())
}
