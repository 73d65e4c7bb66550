//! POSIX shared memory and semaphores, and files without a name.
//!
//! The C library makes them in directories that it does not look up anywhere: `sem_open` and
//! `shm_open` in `/dev/shm`, `tmpfile` in `/tmp`. A jail at strength `full` has both to itself. Here
//! they are the host's and no rule covers them. So what is opened, linked and removed below
//! `/dev/shm` is opened, linked and removed in a directory of the jail's own instead, always by the
//! supervisor: resumed, the kernel would look for the host's. A file without a name in `/tmp` is made
//! where the jail's temporary files are; nobody can tell.
//!
//! Only what acts is led there. Whoever looks (`stat`, a listing) sees the host's directory, in which
//! the name is not.

use super::Watch;
use super::paths::{O_PATH, Place};
use crate::walls::filter::{Intent, PathCall};
use crate::watch::walk::End;
use jailkeeper_model::{Class, JailPath, Mode};
use rustix::fs::OFlags;

/// Where the C library makes shared memory and semaphores.
const SHARED_MEMORY: &str = "/dev/shm";
/// Where it makes files without a name.
const TEMPORARY: &str = "/tmp";
/// The directory for what has a name, below that for temporary files.
const OWN: &str = ".shm";

impl Watch<'_> {
    /// Leads a call to the jail's own directory, if its path is for one that stands for it.
    pub(super) fn own_memory(&self, call: &PathCall, place: Place, flags: Option<u64>) -> Place {
        let acts = call.class == Class::Content
            && call.mode != Mode::Execute
            && !matches!(call.intent, Intent::OpenHow { .. })
            && flags.is_none_or(|flags| flags & O_PATH == 0);
        if !acts || !matches!(place.walk.end, End::Outside(_) | End::View) {
            return place;
        }
        let Some(path) = self.instead_of(&place.walk.path, flags) else { return place };
        let walk = self.ward.walk(self.caller, &JailPath::root(), path.as_path(), false);
        match walk.end {
            End::Tree => Place { file: place.file, walk, instead: true },
            _ => place,
        }
    }

    /// Returns the path of the jail's own for one that no rule covers.
    fn instead_of(&self, path: &JailPath, flags: Option<u64>) -> Option<JailPath> {
        let plan = &self.ward.plan;
        // A descriptor from here would lead past the inner walls of a nested jail.
        if plan.nested || plan.policy.rule_for(path).is_some() {
            return None;
        }
        let temporary = plan.ground.temporary()?;
        let has = |wanted: OFlags| {
            let wanted = u64::from(wanted.bits());
            flags.is_some_and(|flags| flags & wanted == wanted)
        };
        if has(OFlags::TMPFILE) && [TEMPORARY, SHARED_MEMORY].contains(&path.as_path().to_str()?) {
            return Some(temporary);
        }
        let inside = path.strip_prefix(&JailPath::new(SHARED_MEMORY).ok()?)?;
        if inside.as_os_str().is_empty() {
            return None;
        }
        let own = temporary.join(OWN.as_ref()).ok()?;
        if flags.is_none() || has(OFlags::CREATE) {
            // Whoever removed it gets it again; it may be there.
            let _ = rustix::fs::mkdir(own.as_path(), rustix::fs::Mode::RWXU);
        }
        JailPath::resolve(&own, inside).ok()
    }
}
