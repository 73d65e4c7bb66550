//! Paths as rules and accesses name them.

use crate::escape::Escaped;
use serde::{Serialize, Serializer};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// How many bytes a path may have, as in the kernel (`PATH_MAX`).
const BYTES_AT_MOST: usize = 4096;

/// Holds an absolute path without `.`, `..`, doubled or trailing slashes.
///
/// It is bytes: names that are not UTF-8 work like any other. Normalising is lexical, so `..`
/// after a symbolic link does not go where the kernel goes; follow links before. Paths are
/// ordered by their components, so that everything below a directory comes right after it.
///
/// ```
/// # use jailkeeper_model::{JailPath, PathError};
/// let path = JailPath::new("/home//u/./work/../notes/")?;
/// assert_eq!(path, JailPath::new("/home/u/notes")?);
/// assert!(JailPath::new("/home")?.covers(&path));
/// assert!(!JailPath::new("/ho")?.covers(&path));
/// # Ok::<(), PathError>(())
/// ```
#[derive(Debug, Clone)]
pub struct JailPath(PathBuf);

/// Says why something is no [`JailPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path does not begin with a slash.
    #[error("the path `{}` is not absolute", shown(.path))]
    Relative {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The path has a NUL byte, which no call of the kernel can be given.
    #[error("the path `{}` has a NUL byte", shown(.path))]
    Nul {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The path is longer than the kernel takes.
    #[error("the path has {bytes} bytes, more than {BYTES_AT_MOST}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The name is empty, `.` or `..`, or has a slash.
    #[error("`{}` is not one name", shown(.name))]
    NotAName {
        /// The name as it was given.
        name: OsString,
    },
}

/// Prints a path in an error, short and without control characters.
fn shown(path: &(impl AsRef<OsStr> + ?Sized)) -> Escaped<'_> {
    Escaped::new(path.as_ref().as_bytes()).bounded(200)
}

impl JailPath {
    /// Makes a path from an absolute one.
    ///
    /// # Errors
    ///
    /// When it is relative, has a NUL byte or is longer than 4096 bytes.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, PathError> {
        let path = path.as_ref();
        if path.is_absolute() {
            Self::resolve(&Self::root(), path)
        } else {
            Err(PathError::Relative { path: path.to_owned() })
        }
    }

    /// Returns `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(PathBuf::from("/"))
    }

    /// Makes a path from one that is relative to a directory; an absolute one replaces it.
    ///
    /// The empty path is the directory itself, as with `AT_EMPTY_PATH`.
    ///
    /// # Errors
    ///
    /// When the path has a NUL byte, or when it or the outcome is longer than 4096 bytes.
    pub fn resolve(base: &Self, path: &Path) -> Result<Self, PathError> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() > BYTES_AT_MOST {
            return Err(PathError::TooLong { bytes: bytes.len() });
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul { path: path.to_owned() });
        }
        let mut whole = Vec::new();
        if !path.is_absolute() {
            push_components(&mut whole, base.as_bytes());
        }
        push_components(&mut whole, bytes);
        Self::from_normalised(whole)
    }

    /// Adds one name.
    ///
    /// # Errors
    ///
    /// When the name is empty, `.` or `..`, has a slash or a NUL byte, or makes the path longer
    /// than 4096 bytes.
    pub fn join(&self, name: &OsStr) -> Result<Self, PathError> {
        let bytes = name.as_bytes();
        if matches!(bytes, b"" | b"." | b"..") || bytes.contains(&b'/') {
            return Err(PathError::NotAName { name: name.to_owned() });
        }
        Self::resolve(self, Path::new(name))
    }

    /// Finishes what [`push_components`] has built.
    fn from_normalised(mut bytes: Vec<u8>) -> Result<Self, PathError> {
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        if bytes.len() > BYTES_AT_MOST {
            return Err(PathError::TooLong { bytes: bytes.len() });
        }
        Ok(Self(PathBuf::from(OsString::from_vec(bytes))))
    }

    /// Returns the directory that it is in; the root has none.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self(parent.to_owned()))
    }

    /// Returns the last name; the root has none.
    #[must_use]
    pub fn file_name(&self) -> Option<&OsStr> {
        self.0.file_name()
    }

    /// Returns the names in it, topmost first; the root has none.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &OsStr> + Clone {
        self.0.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
    }

    /// Returns the path itself, its parent, and so on up to the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        self.0.ancestors().map(|path| Self(path.to_owned()))
    }

    /// Returns the bytes of its parent, of that one's, and so on up to the root.
    fn above(&self) -> impl Iterator<Item = &[u8]> {
        let mut path = self.as_bytes();
        std::iter::from_fn(move || {
            let slash = path.iter().rposition(|byte| *byte == b'/')?;
            let parent = path.get(..slash.max(1)).filter(|parent| parent.len() < path.len())?;
            path = parent;
            Some(parent)
        })
    }

    /// Finds, among entries that are sorted by path, the one for the path itself or for its nearest
    /// ancestor.
    pub(crate) fn nearest<'e, E>(
        &self,
        entries: &'e [E],
        path_of: impl Fn(&E) -> &Self,
    ) -> Option<&'e E> {
        // Those that cover a path come before it, the most specific one last; what stands between
        // them and the path covers other paths.
        let end = entries.partition_point(|entry| path_of(entry) <= self);
        let before = entries.get(..end)?;
        let last = before.last()?;
        if path_of(last).covers(self) {
            return Some(last);
        }
        self.above().find_map(|above| {
            let at = before.binary_search_by(|entry| order(path_of(entry).as_bytes(), above));
            before.get(at.ok()?)
        })
    }

    /// Says whether the other path is this one or below it, by component.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (above, below) = (self.as_bytes(), other.as_bytes());
        let rest = below.strip_prefix(above);
        rest.is_some_and(|rest| above == b"/" || matches!(rest.first(), None | Some(b'/')))
    }

    /// Returns the way from an ancestor to here, relative; empty when they are equal.
    #[must_use]
    pub fn strip_prefix(&self, ancestor: &Self) -> Option<&Path> {
        let rest = self.as_bytes().strip_prefix(ancestor.as_bytes())?;
        let inside = match rest {
            _ if ancestor.as_bytes() == b"/" => rest,
            [] => rest,
            [b'/', inside @ ..] => inside,
            _ => return None,
        };
        Some(Path::new(OsStr::from_bytes(inside)))
    }

    /// Returns it as the standard library's path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Returns its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_os_str().as_bytes()
    }

    /// Prints it for people, with everything escaped that could deceive them.
    #[must_use]
    pub fn display(&self) -> Escaped<'_> {
        Escaped::new(self.as_bytes())
    }
}

/// Adds the components of a path, each with a slash before it; `..` takes the last one away.
fn push_components(whole: &mut Vec<u8>, path: &[u8]) {
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                let end = whole.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                whole.truncate(end);
            }
            _ => {
                whole.push(b'/');
                whole.extend_from_slice(name);
            }
        }
    }
}

/// Two that are normalised are equal when their bytes are, as [`Path`] would find out component by
/// component.
impl PartialEq for JailPath {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for JailPath {}

impl Hash for JailPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// The order of [`Path`], by component: a slash ends a name, so it comes before every byte that a
/// name can have. Paths are compared at every start some thousands of times.
impl Ord for JailPath {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.as_bytes(), other.as_bytes())
    }
}

fn order(one: &[u8], two: &[u8]) -> Ordering {
    let differs = one.iter().zip(two).find(|(one, two)| one != two);
    match differs {
        None => one.len().cmp(&two.len()),
        Some((b'/', _)) => Ordering::Less,
        Some((_, b'/')) => Ordering::Greater,
        Some((one, two)) => one.cmp(two),
    }
}

impl PartialOrd for JailPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl AsRef<Path> for JailPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

/// Lets a map with these paths be asked for a plain one. Equality, order and hash are those of
/// [`Path`], which compares by component.
impl Borrow<Path> for JailPath {
    fn borrow(&self) -> &Path {
        &self.0
    }
}

impl From<JailPath> for PathBuf {
    fn from(path: JailPath) -> Self {
        path.0
    }
}

/// Writes a string; bytes that are not UTF-8 are replaced, so an event carries them besides.
impl Serialize for JailPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string_lossy())
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
