//! A temporary directory of the jail's own.

use crate::error::{Result, Step};
use crate::protected::jail_path;
use jailkeeper_model::JailPath;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::DirBuilderExt;

/// A fresh directory below the host's `/tmp`, gone when this is dropped.
///
/// At this strength there is no `/tmp` that only the jail sees: what is in the host's stays outside,
/// and the jail is told by `TMPDIR` where it may write.
#[derive(Debug)]
pub(crate) struct Scratch(JailPath);

impl Scratch {
    pub(super) fn make() -> Result<Self> {
        let step = "make a temporary directory for the jail";
        let parent = std::fs::canonicalize("/tmp").step(step)?;
        // Each state has keys of its own, from the system's random numbers.
        let random = RandomState::new().build_hasher().finish();
        let path = parent.join(format!("jailkeeper-{random:016x}"));
        // It fails if there is something of that name.
        std::fs::DirBuilder::new().mode(0o700).create(&path).step(step)?;
        jail_path(&path).map(Self)
    }

    pub(super) fn path(&self) -> &JailPath {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.as_path());
    }
}
