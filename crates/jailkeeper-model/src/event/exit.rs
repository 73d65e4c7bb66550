//! The event that nothing of a jail is alive any more.

use super::number::finite;
use super::{Header, JailId, Timestamp, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says how a jail ended. It is the last event, and no process of the jail is alive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// The exit status of the command, if it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The name of the signal that ended the command, such as `SIGKILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Whether there was a jailbreak.
    pub jailbreak: bool,
    /// The kind of the limit that was exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What the jail used.
    pub usage: Usage,
    /// How often something outside was looked at and answered as absent.
    pub forgiven: u64,
    /// Seconds from the attempt to the last death, where no wall stood and everything had to be
    /// killed one by one (strength `monitor`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub killing: Option<f64>,
}

impl Exit {
    /// Makes the event of a command that ended well or badly, but with nothing else to tell.
    #[must_use]
    pub fn new(header: Header, usage: Usage) -> Self {
        let Header { v, seq, time, jail } = header;
        Self {
            v,
            seq,
            time,
            jail,
            code: None,
            signal: None,
            jailbreak: false,
            limit: None,
            usage,
            forgiven: 0,
            killing: None,
        }
    }
}

/// Says what a jail used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Seconds from start to end.
    #[serde(serialize_with = "finite")]
    #[schemars(with = "f64")]
    pub wall: f64,
    /// Seconds of processor time in programs.
    #[serde(serialize_with = "finite")]
    #[schemars(with = "f64")]
    pub user: f64,
    /// Seconds of processor time in the kernel.
    #[serde(serialize_with = "finite")]
    #[schemars(with = "f64")]
    pub system: f64,
    /// The most memory at any time, in bytes, if it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// How many processes there were, if they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}
