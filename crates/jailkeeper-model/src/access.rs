//! What a program attempts, in words.

use crate::path::JailPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;

/// Names the way in which something is used.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// Looking at it, opening it for reading, listing it.
    Read,
    /// Creating, changing, renaming or deleting it.
    Write,
    /// Running it as a program.
    Execute,
    /// Connecting a socket to it.
    Connect,
    /// Binding a socket to it.
    Bind,
    /// Sending it a signal.
    Signal,
    /// Making a system call that no jail may make.
    Syscall,
}

impl Display for Mode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Connect => "connect",
            Self::Bind => "bind",
            Self::Signal => "signal",
            Self::Syscall => "syscall",
        })
    }
}

/// Tells looking from touching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Asking whether and what something is: stat, access, readlink, chdir; binding to any port of
    /// a loopback address.
    Probe,
    /// Using it: open, create, change, delete, execute, connect, bind.
    Content,
}

/// Says whether something is there, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// It is there.
    Exists,
    /// It is not there, and outside the jail the answer would be ENOENT too.
    Missing,
    /// Nobody knows; it counts as being there.
    Unknown,
}

/// Names what is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A file, with symbolic links followed.
    Path(JailPath),
    /// A network address.
    Address(String),
    /// A system call, by name.
    Call(String),
}

/// Describes one attempt.
///
/// The constructors are the only way to one, so that no attempt contradicts itself, such as a
/// probe that creates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Access {
    mode: Mode,
    class: Class,
    target: Target,
    presence: Presence,
    creates: bool,
}

impl Access {
    fn path(mode: Mode, path: JailPath, presence: Presence) -> Self {
        let target = Target::Path(path);
        Self { mode, class: Class::Content, target, presence, creates: false }
    }

    fn other(mode: Mode, target: Target) -> Self {
        Self { mode, class: Class::Content, target, presence: Presence::Unknown, creates: false }
    }

    /// Describes asking whether and what a file is.
    #[must_use]
    pub fn probe(path: JailPath, presence: Presence) -> Self {
        Self { class: Class::Probe, ..Self::path(Mode::Read, path, presence) }
    }

    /// Describes opening a file for reading, or a directory for listing.
    #[must_use]
    pub fn read(path: JailPath, presence: Presence) -> Self {
        Self::path(Mode::Read, path, presence)
    }

    /// Describes running a program.
    #[must_use]
    pub fn execute(path: JailPath, presence: Presence) -> Self {
        Self::path(Mode::Execute, path, presence)
    }

    /// Describes changing or deleting a file, which is not created if it is missing.
    #[must_use]
    pub fn write(path: JailPath, presence: Presence) -> Self {
        Self::path(Mode::Write, path, presence)
    }

    /// Describes a call that creates a file if it is missing.
    #[must_use]
    pub fn create(path: JailPath) -> Self {
        Self { creates: true, ..Self::path(Mode::Write, path, Presence::Unknown) }
    }

    /// Describes connecting to a socket that is a file.
    #[must_use]
    pub fn connect_path(path: JailPath, presence: Presence) -> Self {
        Self::path(Mode::Connect, path, presence)
    }

    /// Describes binding a socket to a name in the file system, which creates it.
    #[must_use]
    pub fn bind_path(path: JailPath) -> Self {
        Self { creates: true, ..Self::path(Mode::Bind, path, Presence::Unknown) }
    }

    /// Describes connecting to a network address.
    #[must_use]
    pub fn connect_address(address: String) -> Self {
        Self::other(Mode::Connect, Target::Address(address))
    }

    /// Describes binding to a network address.
    ///
    /// Port 0 of a loopback address is a port that nobody knows of, where nobody outside can come:
    /// this asks whether the machine has such a network. Libraries do so when they are loaded.
    #[must_use]
    pub fn bind_address(address: String) -> Self {
        let parsed = address.parse::<SocketAddr>();
        let asks = parsed.is_ok_and(|address| address.ip().is_loopback() && address.port() == 0);
        let class = if asks { Class::Probe } else { Class::Content };
        Self { class, ..Self::other(Mode::Bind, Target::Address(address)) }
    }

    /// Describes a system call that no jail may make.
    #[must_use]
    pub fn syscall(name: String) -> Self {
        Self::other(Mode::Syscall, Target::Call(name))
    }

    /// Says whether it is there, for a caller that has found out since.
    #[must_use]
    pub fn with_presence(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }

    /// Returns the way in which it is used.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns whether it is looked at or touched.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// Returns what is used.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns whether it is there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.presence
    }

    /// Says whether the call would create it.
    #[must_use]
    pub fn creates(&self) -> bool {
        self.creates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_creates_says_so_and_a_probe_is_the_only_look() {
        let path = || JailPath::root();
        let exists = Presence::Exists;
        for (access, mode, class, creates) in [
            (Access::probe(path(), exists), Mode::Read, Class::Probe, false),
            (Access::read(path(), exists), Mode::Read, Class::Content, false),
            (Access::execute(path(), exists), Mode::Execute, Class::Content, false),
            (Access::write(path(), exists), Mode::Write, Class::Content, false),
            (Access::create(path()), Mode::Write, Class::Content, true),
            (Access::connect_path(path(), exists), Mode::Connect, Class::Content, false),
            (Access::bind_path(path()), Mode::Bind, Class::Content, true),
            (Access::connect_address("a".into()), Mode::Connect, Class::Content, false),
            (Access::bind_address("a".into()), Mode::Bind, Class::Content, false),
            (Access::bind_address("[::1]:0".into()), Mode::Bind, Class::Probe, false),
            (Access::bind_address("127.0.0.1:0".into()), Mode::Bind, Class::Probe, false),
            (Access::bind_address("127.0.0.1:80".into()), Mode::Bind, Class::Content, false),
            (Access::bind_address("0.0.0.0:0".into()), Mode::Bind, Class::Content, false),
            (Access::connect_address("[::1]:0".into()), Mode::Connect, Class::Content, false),
            (Access::syscall("bpf".into()), Mode::Syscall, Class::Content, false),
        ] {
            let found = (access.mode(), access.class(), access.creates());
            assert_eq!(found, (mode, class, creates), "{access:?}");
        }
    }

    #[test]
    fn words_for_modes_are_the_same_everywhere() {
        use Mode::{Bind, Connect, Execute, Read, Signal, Syscall, Write};
        for mode in [Read, Write, Execute, Connect, Bind, Signal, Syscall] {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.to_string());
        }
    }
}
