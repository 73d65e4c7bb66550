//! The calls that matter, of all systems, and what each touches.
//!
//! One table serves every tracer: where two systems give a name different arguments, the names have
//! entries of their own. A call that is in no entry touches no name; what it does to a descriptor
//! was decided when the descriptor was opened.

mod changes;
mod looks;
mod state;

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a call does to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Asks whether and what it is.
    Probe,
    /// Opens it for reading, or lists it.
    Read,
    /// Runs it.
    Execute,
    /// Changes or removes it.
    Write,
    /// Makes it if it is missing.
    Create,
    /// Connects a socket to it.
    Connect,
    /// Binds a socket to it.
    Bind,
}

/// A call, and what it touches.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the call.
    pub name: &'static str,
    /// What events call it: `open`, `rename`.
    pub operation: &'static str,
    /// The paths among its arguments.
    pub paths: &'static [PathArgument],
    /// What it does to the process that calls.
    pub state: State,
}

/// A path among the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathArgument {
    /// The argument with the descriptor that a relative path starts from.
    pub directory: Option<u8>,
    /// The argument with the path.
    pub path: u8,
    /// What is done to it.
    pub how: How,
    /// Whether a symbolic link at its end is followed.
    pub follow: Follow,
}

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Always this.
    Is(Deed),
    /// What the flags of `open` in this argument say.
    Open(u8),
    /// Asks, unless the command in this argument sets something.
    UnlessSets(u8),
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Always.
    Always,
    /// Never.
    Never,
    /// Unless this argument has `AT_SYMLINK_NOFOLLOW` or a flag of that meaning.
    UnlessFlag(u8),
    /// If this argument has `AT_SYMLINK_FOLLOW`.
    IfFlag(u8),
    /// What the flags of `open` in this argument say.
    Open(u8),
}

/// What a call does to the process that calls, or to what the tracer knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    None,
    /// Returns a descriptor of its path; the flags are in this argument.
    Opens(u8),
    /// Returns a descriptor of nothing that has a name.
    Makes,
    /// Changes the working directory to its path.
    ChangesDirectory,
    /// Changes the working directory to that behind a descriptor.
    ChangesToDescriptor,
    /// Closes a descriptor.
    Closes,
    /// Closes a range of them.
    ClosesRange,
    /// Closes all from one on.
    ClosesFrom,
    /// Duplicates a descriptor to a free number.
    Duplicates,
    /// Duplicates a descriptor to a given number.
    DuplicatesTo,
    /// Duplicates a descriptor if the command says so, or sets its flags.
    Controls,
    /// Makes a process.
    Forks,
    /// Makes a process or thread that shares what its flags say.
    Clones,
    /// Makes a process that runs a program at once.
    Spawns,
    /// Runs a program in the place of the one that runs.
    Executes,
    /// Ends the process.
    Exits,
    /// Does something to the file behind a descriptor.
    TouchesDescriptor,
    /// Gives a socket an address: the deed, and the argument with the address.
    Socket(Deed, u8),
    /// Must not be made: it takes the ground from under every rule.
    Forbidden,
    /// Must not be made with one of the flags that make a namespace of mounts or users.
    Unshares,
    /// Opens files that the tracer will not see.
    Hides,
}

impl Entry {
    const fn new(name: &'static str, operation: &'static str) -> Self {
        Self { name, operation, paths: &[], state: State::None }
    }

    const fn with(
        name: &'static str,
        operation: &'static str,
        paths: &'static [PathArgument],
    ) -> Self {
        Self { name, operation, paths, state: State::None }
    }

    const fn state(name: &'static str, state: State) -> Self {
        Self { state, ..Self::new(name, name) }
    }

    const fn and(self, state: State) -> Self {
        Self { state, ..self }
    }
}

impl PathArgument {
    /// A path that starts from the working directory.
    const fn plain(path: u8, deed: Deed, follow: Follow) -> Self {
        Self { directory: None, path, how: How::Is(deed), follow }
    }

    /// A path that starts from the directory in the argument before it.
    const fn at(directory: u8, deed: Deed, follow: Follow) -> Self {
        Self { directory: Some(directory), path: directory + 1, how: How::Is(deed), follow }
    }

    const fn how(self, how: How) -> Self {
        Self { how, ..self }
    }
}

/// Returns all entries.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    looks::CALLS.iter().chain(changes::CALLS).chain(state::CALLS)
}

/// Finds a call by its name.
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static Entry> {
    static BY_NAME: LazyLock<HashMap<&'static [u8], &'static Entry>> =
        LazyLock::new(|| entries().map(|entry| (entry.name.as_bytes(), entry)).collect());
    BY_NAME.get(name).copied().or_else(|| {
        // What FreeBSD and macOS add to the names of old and of uncancellable calls.
        let plain = name.strip_suffix(b"_nocancel").or_else(|| name.strip_suffix(b"_extended"));
        let plain = plain.or_else(|| {
            let at = name.strip_prefix(b"freebsd")?.iter().position(|byte| *byte == b'_')?;
            name.get("freebsd".len() + at + 1..)
        });
        BY_NAME.get(plain?).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_stands_once() {
        let mut seen = HashSet::new();
        for entry in entries() {
            assert!(seen.insert(entry.name), "{} stands twice", entry.name);
            assert!(!entry.operation.is_empty());
            assert!(!entry.paths.is_empty() || entry.state != State::None, "{}", entry.name);
        }
    }

    #[test]
    fn names_with_additions_are_found() {
        for (name, plain) in [
            ("open_nocancel", "open"),
            ("freebsd11_stat", "stat"),
            ("mkdir_extended", "mkdir"),
            ("openat", "openat"),
        ] {
            assert_eq!(find(name.as_bytes()).map(|entry| entry.name), Some(plain));
        }
        assert_eq!(find(b"read"), None);
    }
}
