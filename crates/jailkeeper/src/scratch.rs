//! The private directory that takes the place of `/tmp` where a jail has no view of its own.

mod remove;

use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::JailPath;
#[cfg(feature = "full")]
use rustix::fs::{Gid, Mode, OFlags, Uid};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where such directories are made, the first that can be written.
const PLACES: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// How often another name is tried.
const TRIES: u32 = 16;

/// A directory that is removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one with a name that nobody can know before, in the caller's own directory for such
    /// things if that is given.
    pub(crate) fn make(own: Option<&Path>) -> Result<Self> {
        let mut last = None;
        let places = own.map_or_else(|| PLACES.map(Path::new).to_vec(), |own| vec![own]);
        for place in places {
            for _ in 0..TRIES {
                let path = place.join(name()?);
                match DirBuilder::new().mode(0o700).create(&path) {
                    Ok(()) => return Ok(Self { path }),
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                    Err(error) => {
                        last = Some(error);
                        break;
                    }
                }
            }
        }
        let error = Error::new(ErrorKind::Policy, "make a private directory for temporary files")
            .with_hint("make /tmp writable, or leave the directory away with `--tmp deny`");
        Err(match last {
            Some(cause) => error.because(cause),
            None => error,
        })
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> Result<JailPath> {
        crate::protected::jail_path(&self.path)
    }

    /// Makes it over to the jail's user.
    #[cfg(feature = "full")]
    pub(crate) fn give(&self, user: u32, group: u32) -> std::io::Result<()> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&self.path, flags, Mode::empty())?;
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        Ok(rustix::fs::fchown(fd, Some(user), Some(group))?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody could be told if something of it stayed.
        let _ = remove::remove(&self.path);
    }
}

/// A name that nobody can guess.
pub(crate) fn name() -> Result<String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0u8; 12];
    let random = fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    random.map_err(|error| Error::io("read random numbers", error))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(format!("jailkeeper-{}-{count}-{text}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn nothing_is_left_of_it_whatever_was_made_in_it() {
        let scratch = Scratch::make(None).unwrap();
        let path = scratch.path.clone();
        let deep = path.join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", path.join("link")).unwrap();
        fs::set_permissions(&deep, Permissions::from_mode(0o0)).unwrap();
        fs::set_permissions(path.join("a"), Permissions::from_mode(0o0)).unwrap();
        drop(scratch);
        assert!(!path.exists());
        assert!(Path::new("/etc").exists());
    }
}
