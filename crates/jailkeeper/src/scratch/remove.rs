//! Removing a directory that a stranger has filled.
//!
//! A program can nest directories deeper than a stack, a path or a table of descriptors goes:
//! removal that descends overflows one of them. So nothing descends here. Each directory is emptied
//! where it stands, what it has of directories is moved up to the top, and then it is removed. Two
//! descriptors are open at a time, and no symbolic link is followed.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::{Errno, Result};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::path::Path;

/// How often a name is looked for under which a directory can be moved up.
const TRIES: u32 = 16;

/// Removes a directory with all that is in it.
pub(super) fn remove(directory: &Path) -> Result<()> {
    let top = rustix::fs::open(directory, flags(), Mode::empty())?;
    let _ = rustix::fs::fchmod(&top, Mode::RWXU);
    let mut moved = 0;
    loop {
        let mut names = Vec::new();
        each(&top, |name, kind| {
            match kind {
                FileType::Directory => names.push(name.to_owned()),
                _ => rustix::fs::unlinkat(&top, name, AtFlags::empty())?,
            }
            Ok(())
        })?;
        if names.is_empty() {
            break;
        }
        for name in names {
            flatten(&top, &name, &mut moved)?;
        }
    }
    rustix::fs::rmdir(directory)
}

/// Removes a directory of the top one once what it has of directories stands beside it.
fn flatten(top: &OwnedFd, name: &CStr, moved: &mut u64) -> Result<()> {
    let folder = match rustix::fs::openat(top, name, flags(), Mode::empty()) {
        Err(Errno::ACCESS) => {
            open_up(top, name)?;
            rustix::fs::openat(top, name, flags(), Mode::empty())?
        }
        other => other?,
    };
    let _ = rustix::fs::fchmod(&folder, Mode::RWXU);
    each(&folder, |name, kind| match kind {
        FileType::Directory => move_up(&folder, name, top, moved),
        _ => rustix::fs::unlinkat(&folder, name, AtFlags::empty()),
    })?;
    rustix::fs::unlinkat(top, name, AtFlags::REMOVEDIR)
}

fn move_up(folder: &OwnedFd, name: &CStr, top: &OwnedFd, moved: &mut u64) -> Result<()> {
    let mut last = Errno::EXIST;
    for _ in 0..TRIES {
        *moved += 1;
        let free = CString::new(format!(".removed-{moved}")).map_err(|_| Errno::INVAL)?;
        match rustix::fs::renameat(folder, name, top, &free) {
            Ok(()) => return Ok(()),
            // Whoever moves a directory changes what is above it, and must be able to write it.
            Err(Errno::ACCESS) => open_up(folder, name)?,
            // The program has thought of this name.
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes a directory that its program has closed to itself accessible to its owner.
///
/// Nobody is left who could put a link in its place meanwhile; and whoever is refused here has no
/// privilege that a link could misuse.
fn open_up(folder: &OwnedFd, name: &CStr) -> Result<()> {
    rustix::fs::chmodat(folder, name, Mode::RWXU, AtFlags::empty())
}

/// Shows all entries of a directory, with what they are.
fn each(folder: &OwnedFd, mut show: impl FnMut(&CStr, FileType) -> Result<()>) -> Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        // The entries of illumos and Solaris do not tell.
        #[cfg(any(target_os = "illumos", target_os = "solaris"))]
        let told = FileType::Unknown;
        #[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
        let told = entry.file_type();
        let kind = match told {
            FileType::Unknown => {
                let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            known => known,
        };
        show(name, kind)?;
    }
    Ok(())
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn deeper_than_a_stack_goes() {
        // A thread with little of it stands for a tree with much of that.
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let removed = small.spawn(|| {
            let place = tempfile::tempdir().unwrap();
            let top = place.path().join("top");
            fs::create_dir(&top).unwrap();
            let mut at = rustix::fs::open(&top, flags(), Mode::empty()).unwrap();
            for _ in 0..5000 {
                rustix::fs::mkdirat(&at, "d", Mode::RWXU).unwrap();
                at = rustix::fs::openat(&at, "d", flags(), Mode::empty()).unwrap();
            }
            remove(&top).unwrap();
            top.exists()
        });
        assert!(!removed.unwrap().join().unwrap());
    }

    #[test]
    fn names_that_it_would_use_itself_are_in_the_way() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().join("top");
        for number in 1..5 {
            fs::create_dir_all(top.join(format!(".removed-{number}/a/b"))).unwrap();
        }
        fs::write(top.join(".removed-6"), "x").unwrap();
        for folder in ["closed/in/closed", "closed/in", "closed"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        for folder in ["closed/in/closed", "closed/in", "closed"] {
            fs::set_permissions(top.join(folder), Permissions::from_mode(0o0)).unwrap();
        }
        std::os::unix::fs::symlink("/etc", top.join("link")).unwrap();
        remove(&top).unwrap();
        assert!(!top.exists() && Path::new("/etc/passwd").exists());
    }
}
