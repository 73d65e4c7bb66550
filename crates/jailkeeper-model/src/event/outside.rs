//! What a process had before its walls stood.

use super::{RawBytes, WirePath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;

/// How many of them an event lists.
const LISTED_AT_MOST: usize = 500;

/// Names something that a process had before it was attached to, and that the policy would not
/// have given it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The process id, as the host counts.
    pub pid: u32,
    /// What it is.
    pub kind: OutsideKind,
    /// The number of the descriptor, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<u32>,
    /// The file, or what else it leads to.
    pub file: String,
    /// The bytes of `file`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<RawBytes>,
    /// Whether the process still has it.
    pub state: OutsideState,
}

/// Names the kinds of what a process can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OutsideKind {
    /// An open file or directory.
    Descriptor,
    /// A socket.
    Socket,
    /// A file in memory.
    Mapping,
    /// The working directory.
    Directory,
    /// A ring of io_uring, through which the kernel opens files unseen.
    Ring,
}

/// Says what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OutsideState {
    /// The process still has it.
    Kept,
    /// It was closed.
    Closed,
}

impl OutsideKind {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Descriptor => "descriptor",
            Self::Socket => "socket",
            Self::Mapping => "mapping",
            Self::Directory => "directory",
            Self::Ring => "ring",
        }
    }
}

impl Outside {
    /// Names something.
    #[must_use]
    pub fn new(
        pid: u32,
        kind: OutsideKind,
        descriptor: Option<u32>,
        file: impl AsRef<OsStr>,
        state: OutsideState,
    ) -> Self {
        let WirePath { text: file, bytes: file_bytes } = WirePath::new(file);
        Self { pid, kind, descriptor, file, file_bytes, state }
    }

    /// Keeps as many as an event lists, and returns how many there were more.
    pub fn bound(all: &mut Vec<Self>) -> u64 {
        let more = all.len().saturating_sub(LISTED_AT_MOST);
        all.truncate(LISTED_AT_MOST);
        more as u64
    }
}
