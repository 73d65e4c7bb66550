//! Following a path on the host, at the moment of asking.
//!
//! The tracer tells text. Where it led when the call ran is not known any more: another process
//! may have replaced a link since. So an answer of this module is what the file system says now,
//! and no more. It uses nothing but the standard library and works on every Unix.

use jailkeeper_model::{JailPath, Presence};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links a path may go through, as in the kernel.
const LINKS_AT_MOST: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The path without symbolic links, as far as they are there.
    pub(super) path: JailPath,
    pub(super) presence: Presence,
    pub(super) is_directory: bool,
    /// It is a descriptor of the process's own (`/proc/self/fd/1`), whatever that leads to.
    pub(super) is_descriptor: bool,
    /// The links on the way.
    pub(super) links: Vec<JailPath>,
}

/// Follows a path for a process.
pub(super) fn resolve(start: &JailPath, text: &Path, follow: bool, pid: Option<u32>) -> Resolved {
    let mut walk = Walk { at: JailPath::root(), todo: Vec::new(), links: Vec::new(), pid };
    push(&mut walk.todo, text);
    if !text.is_absolute() {
        push(&mut walk.todo, start.as_path());
    }
    // A slash behind a link asks for what it leads to.
    let slash = text.as_os_str().as_encoded_bytes().ends_with(b"/");
    walk.go(follow || slash)
}

struct Walk {
    at: JailPath,
    /// What is left of the path, the next name last.
    todo: Vec<OsString>,
    links: Vec<JailPath>,
    pid: Option<u32>,
}

impl Walk {
    fn go(mut self, follow: bool) -> Resolved {
        let mut is_directory = true;
        while let Some(name) = self.todo.pop() {
            if name == ".." {
                self.at = self.at.parent().unwrap_or_else(JailPath::root);
                is_directory = true;
                continue;
            }
            let Ok(next) = self.at.join(&name) else { return self.lost(&name, Presence::Unknown) };
            if let Some(own) = self.own_entry(&next) {
                self.at = own;
                continue;
            }
            if self.is_descriptor(&next) && self.todo.is_empty() && follow {
                return self.end(next, Presence::Exists, false, true);
            }
            let metadata = match std::fs::symlink_metadata(next.as_path()) {
                Ok(metadata) => metadata,
                Err(error) => {
                    let missing =
                        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
                    let presence = if missing { Presence::Missing } else { Presence::Unknown };
                    return self.lost(&name, presence);
                }
            };
            let is_link = metadata.file_type().is_symlink();
            if !is_link || (self.todo.is_empty() && !follow) {
                is_directory = metadata.is_dir();
                self.at = next;
                continue;
            }
            let target = std::fs::read_link(next.as_path());
            match target {
                Ok(target) if self.links.len() < LINKS_AT_MOST => self.enter(next, &target),
                _ => return self.lost(&name, Presence::Unknown),
            }
        }
        let at = self.at.clone();
        self.end(at, Presence::Exists, is_directory, false)
    }

    fn enter(&mut self, link: JailPath, target: &Path) {
        // Where a link of `/proc` leads has this behind it when it was deleted.
        let bytes = target.as_os_str().as_encoded_bytes();
        let target = match bytes.strip_suffix(b" (deleted)") {
            Some(_) if link.as_path().starts_with("/proc") => {
                let text = target.to_string_lossy();
                PathBuf::from(text.trim_end_matches(" (deleted)"))
            }
            _ => target.to_owned(),
        };
        if target.is_absolute() {
            self.at = JailPath::root();
        }
        self.links.push(link);
        push(&mut self.todo, &target);
    }

    /// `/proc/self` and `/proc/thread-self` are those of the process that asks, not of this one.
    fn own_entry(&self, path: &JailPath) -> Option<JailPath> {
        let own = ["/proc/self", "/proc/thread-self"];
        own.iter().any(|own| path.as_path() == Path::new(own)).then_some(())?;
        JailPath::new(format!("/proc/{}", self.pid?)).ok()
    }

    fn is_descriptor(&self, path: &JailPath) -> bool {
        let Some(pid) = self.pid else { return false };
        let parent = path.as_path().parent();
        parent == Some(Path::new(&format!("/proc/{pid}/fd")))
            || (!cfg!(target_os = "linux") && parent == Some(Path::new("/dev/fd")))
    }

    /// The rest of the path cannot be followed: it stays text.
    fn lost(mut self, name: &OsStr, presence: Presence) -> Resolved {
        let mut rest = PathBuf::from(name);
        while let Some(name) = self.todo.pop() {
            rest.push(name);
        }
        let path = JailPath::resolve(&self.at, &rest).unwrap_or_else(|_| self.at.clone());
        self.end(path, presence, false, false)
    }

    fn end(
        self,
        path: JailPath,
        presence: Presence,
        is_directory: bool,
        is_descriptor: bool,
    ) -> Resolved {
        Resolved { path, presence, is_directory, is_descriptor, links: self.links }
    }
}

/// Puts a path's names on top of a stack, the first one uppermost.
fn push(todo: &mut Vec<OsString>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => todo.push(name.to_owned()),
            Component::ParentDir => todo.push("..".into()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn path(path: impl AsRef<Path>) -> JailPath {
        JailPath::new(path).unwrap()
    }

    #[test]
    fn links_are_followed_where_the_kernel_follows_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/file"), "x").unwrap();
        symlink("a/b", root.join("link")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let start = path(&root);
        for (text, follow, end, presence) in [
            ("link", true, "a/b", Presence::Exists),
            ("link", false, "link", Presence::Exists),
            ("link/", false, "a/b", Presence::Exists),
            // Not where the text says: the parent is that of what the link leads to.
            ("link/../file", true, "a/file", Presence::Exists),
            ("no/../x", true, "x", Presence::Missing),
            ("dangling", true, "nowhere", Presence::Missing),
            ("loop", true, "loop", Presence::Unknown),
            ("a/file/x", true, "a/file/x", Presence::Missing),
        ] {
            let found = resolve(&start, Path::new(text), follow, None);
            assert_eq!((found.path, found.presence), (path(root.join(end)), presence), "{text}");
        }
    }

    #[test]
    fn a_working_directory_that_is_a_link_is_followed_too() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("a/b", root.join("link")).unwrap();
        let found = resolve(&path(root.join("link")), Path::new("../x"), true, None);
        assert_eq!(found.path, path(root.join("a/x")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_entries_are_those_of_the_process_that_asks() {
        let me = std::process::id();
        let parent = std::os::unix::process::parent_id();
        let found = resolve(&JailPath::root(), Path::new("/proc/self/status"), true, Some(parent));
        assert_eq!(found.path, path(format!("/proc/{parent}/status")));
        let found = resolve(&JailPath::root(), Path::new("/dev/stdin"), true, Some(me));
        assert!(found.is_descriptor, "{found:?}");
    }
}
