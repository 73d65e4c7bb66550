//! The event of an attempt to get out.

use super::wire::words;
use super::{Header, JailId, RawBytes, Reply, Timestamp, Version, WirePath};
use crate::access::Mode;
use crate::verdict::Action;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::Path;

/// Says who tried to get out, how, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jailbreak {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// What was wanted.
    pub mode: Mode,
    /// The file as it was asked for, made absolute, with no symbolic link followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The bytes of `file`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<RawBytes>,
    /// The file with symbolic links followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// The bytes of `resolved`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_bytes: Option<RawBytes>,
    /// What the program did, in one word such as `open`.
    pub operation: String,
    /// The system call, such as `openat`.
    pub syscall: String,
    /// The names of the call's flags, such as `O_WRONLY`.
    pub flags: Vec<String>,
    /// The address of a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The process id, as the host counts.
    pub pid: u32,
    /// The process id, as the jail counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jail_pid: Option<u32>,
    /// The path of the program.
    pub program: String,
    /// The bytes of `program`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_bytes: Option<RawBytes>,
    /// The program's arguments, its name first.
    pub argv: Vec<String>,
    /// The processes above it in the jail, the nearest first.
    pub ancestors: Vec<Ancestor>,
    /// Why this is a jailbreak, for people.
    pub rule: String,
    /// What was done about it.
    pub action: ActionTaken,
    /// What was answered, where somebody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Reply>,
    /// What would allow it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Jailbreak {
    /// Makes the event; what else is known is added by `with_...` or in the fields.
    #[must_use]
    pub fn new(
        header: Header,
        mode: Mode,
        operation: impl Into<String>,
        syscall: impl Into<String>,
        rule: impl Into<String>,
        action: ActionTaken,
    ) -> Self {
        let Header { v, seq, time, jail } = header;
        Self {
            v,
            seq,
            time,
            jail,
            mode,
            file: None,
            file_bytes: None,
            resolved: None,
            resolved_bytes: None,
            operation: operation.into(),
            syscall: syscall.into(),
            flags: Vec::new(),
            address: None,
            pid: 0,
            jail_pid: None,
            program: String::new(),
            program_bytes: None,
            argv: Vec::new(),
            ancestors: Vec::new(),
            rule: rule.into(),
            action,
            answer: None,
            hint: None,
        }
    }

    /// Says which file was asked for.
    #[must_use]
    pub fn with_file(mut self, file: impl AsRef<Path>) -> Self {
        let WirePath { text, bytes } = WirePath::new(file.as_ref());
        (self.file, self.file_bytes) = (Some(text), bytes);
        self
    }

    /// Says which file that is with symbolic links followed.
    #[must_use]
    pub fn with_resolved(mut self, resolved: impl AsRef<Path>) -> Self {
        let WirePath { text, bytes } = WirePath::new(resolved.as_ref());
        (self.resolved, self.resolved_bytes) = (Some(text), bytes);
        self
    }

    /// Says who it was.
    #[must_use]
    pub fn with_program<I: IntoIterator<Item: AsRef<OsStr>>>(
        mut self,
        pid: u32,
        program: impl AsRef<Path>,
        argv: I,
    ) -> Self {
        let WirePath { text, bytes } = WirePath::new(program.as_ref());
        (self.program, self.program_bytes) = (text, bytes);
        self.pid = pid;
        self.argv = words(argv);
        self
    }
}

/// Describes a process above another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ancestor {
    /// The process id, as the host counts.
    pub pid: u32,
    /// The path of the program.
    pub program: String,
    /// The bytes of `program`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_bytes: Option<RawBytes>,
    /// The program's arguments, its name first.
    pub argv: Vec<String>,
}

impl Ancestor {
    /// Makes a description.
    #[must_use]
    pub fn new<I: IntoIterator<Item: AsRef<OsStr>>>(
        pid: u32,
        program: impl AsRef<Path>,
        argv: I,
    ) -> Self {
        let WirePath { text: program, bytes: program_bytes } = WirePath::new(program.as_ref());
        Self { pid, program, program_bytes, argv: words(argv) }
    }
}

/// Says what was done about a jailbreak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ActionTaken {
    /// The whole process tree was killed.
    Killed,
    /// The call failed.
    Denied,
    /// It took place and was written down, because the walls were widened.
    Logged,
    /// It took place, because somebody was asked and let it.
    Asked,
}

impl From<Action> for ActionTaken {
    fn from(action: Action) -> Self {
        match action {
            Action::Kill => Self::Killed,
            Action::Deny => Self::Denied,
            Action::Ask => Self::Asked,
            Action::Log => Self::Logged,
        }
    }
}
