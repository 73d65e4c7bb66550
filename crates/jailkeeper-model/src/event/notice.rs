//! The events that tell of one small thing.

use super::number::finite;
use super::{Header, JailId, RawBytes, Timestamp, Version, WirePath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Says that something outside was looked at and answered as absent: a file or an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
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
    /// The network address, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the program did, in one word such as `stat`.
    pub operation: String,
    /// The system call, such as `newfstatat`.
    pub syscall: String,
    /// The process id, as the host counts.
    pub pid: u32,
    /// The path of the program.
    pub program: String,
    /// The bytes of `program`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_bytes: Option<RawBytes>,
}

impl Probe {
    /// Makes the event of a file, with `resolved` left out.
    #[must_use]
    pub fn new(
        header: Header,
        file: impl AsRef<Path>,
        operation: impl Into<String>,
        syscall: impl Into<String>,
        pid: u32,
        program: impl AsRef<Path>,
    ) -> Self {
        let WirePath { text, bytes } = WirePath::new(file.as_ref());
        let (file, file_bytes) = (Some(text), bytes);
        Self { file, file_bytes, ..Self::blank(header, operation, syscall, pid, program) }
    }

    /// Makes the event of a network address.
    #[must_use]
    pub fn of_address(
        header: Header,
        address: impl Into<String>,
        operation: impl Into<String>,
        syscall: impl Into<String>,
        pid: u32,
        program: impl AsRef<Path>,
    ) -> Self {
        let address = Some(address.into());
        Self { address, ..Self::blank(header, operation, syscall, pid, program) }
    }

    fn blank(
        header: Header,
        operation: impl Into<String>,
        syscall: impl Into<String>,
        pid: u32,
        program: impl AsRef<Path>,
    ) -> Self {
        let Header { v, seq, time, jail } = header;
        let WirePath { text: program, bytes: program_bytes } = WirePath::new(program.as_ref());
        let (operation, syscall) = (operation.into(), syscall.into());
        Self {
            v,
            seq,
            time,
            jail,
            file: None,
            file_bytes: None,
            resolved: None,
            resolved_bytes: None,
            address: None,
            operation,
            syscall,
            pid,
            program,
            program_bytes,
        }
    }

    /// Says which file it is with symbolic links followed.
    #[must_use]
    pub fn with_resolved(mut self, resolved: impl AsRef<Path>) -> Self {
        let WirePath { text, bytes } = WirePath::new(resolved.as_ref());
        (self.resolved, self.resolved_bytes) = (Some(text), bytes);
        self
    }
}

/// Says that a limit was exceeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// Which limit, such as `wall-time`.
    pub kind: String,
    /// How much was allowed.
    #[serde(serialize_with = "finite")]
    #[schemars(with = "f64")]
    pub limit: f64,
    /// How much was used.
    #[serde(serialize_with = "finite")]
    #[schemars(with = "f64")]
    pub used: f64,
    /// What both are counted in, such as `seconds`.
    pub unit: String,
}

impl Limit {
    /// Makes the event.
    #[must_use]
    pub fn new(
        header: Header,
        kind: impl Into<String>,
        limit: f64,
        used: f64,
        unit: impl Into<String>,
    ) -> Self {
        let Header { v, seq, time, jail } = header;
        Self { v, seq, time, jail, kind: kind.into(), limit, used, unit: unit.into() }
    }
}

/// Says that something is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// What it is about, in one word for programs.
    pub kind: String,
    /// What it is about, for people.
    pub message: String,
}

impl Warning {
    /// Makes the event.
    #[must_use]
    pub fn new(header: Header, kind: impl Into<String>, message: impl Into<String>) -> Self {
        let Header { v, seq, time, jail } = header;
        Self { v, seq, time, jail, kind: kind.into(), message: message.into() }
    }
}

/// Says that events could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// How many.
    pub count: u64,
}

impl Lost {
    /// Makes the event.
    #[must_use]
    pub fn new(header: Header, count: u64) -> Self {
        let Header { v, seq, time, jail } = header;
        Self { v, seq, time, jail, count }
    }
}

/// Says that the jail could not be started, and that nothing ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// The kind of the error, such as `EPOLICY`.
    pub kind: String,
    /// What failed and why, for people.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// Makes the event.
    #[must_use]
    pub fn new(
        header: Header,
        kind: impl Into<String>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let Header { v, seq, time, jail } = header;
        Self { v, seq, time, jail, kind: kind.into(), message: message.into(), hint }
    }
}
