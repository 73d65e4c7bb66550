//! The event that a jail has started.

use super::wire::words;
use super::{Header, JailId, Outside, RawBytes, Timestamp, Version, WirePath};
use crate::strength::Strength;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

/// Says that a jail has started, and how it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// The process id of the command, as the host counts.
    pub pid: u32,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// The directory in which the command starts.
    pub cwd: String,
    /// The bytes of `cwd`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd_bytes: Option<RawBytes>,
    /// Which walls and watches the jail has.
    pub strength: Strength,
    /// The walls by name, also those that are off.
    pub walls: BTreeMap<String, Wall>,
    /// What processes had before they were attached to, and that the policy would not have given
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Outside>,
    /// How much of that is not in `outside`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outside_dropped: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Start {
    /// Makes the event, with no walls yet.
    #[must_use]
    pub fn new<I: IntoIterator<Item: AsRef<OsStr>>>(
        header: Header,
        pid: u32,
        command: I,
        cwd: impl AsRef<Path>,
        strength: Strength,
    ) -> Self {
        let Header { v, seq, time, jail } = header;
        let WirePath { text: cwd, bytes: cwd_bytes } = WirePath::new(cwd.as_ref());
        let walls = BTreeMap::new();
        Self {
            v,
            seq,
            time,
            jail,
            pid,
            command: words(command),
            cwd,
            cwd_bytes,
            strength,
            walls,
            outside: Vec::new(),
            outside_dropped: 0,
        }
    }

    /// Lists what the processes had before.
    #[must_use]
    pub fn with_outside(mut self, mut outside: Vec<Outside>) -> Self {
        self.outside_dropped = Outside::bound(&mut outside);
        self.outside = outside;
        self
    }

    /// Adds the state of a wall.
    #[must_use]
    pub fn with_wall(mut self, name: impl Into<String>, wall: Wall) -> Self {
        self.walls.insert(name.into(), wall);
        self
    }
}

/// Says whether a wall stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
pub enum Wall {
    /// It was set up, and enforces.
    Enforced,
    /// It is not there.
    Off {
        /// Why it is not.
        reason: String,
    },
}

/// The fields of any wall. serde's own reading of a tagged enum ignores what it does not know
/// beside a variant without fields; this does not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WallFields {
    state: WallState,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WallState {
    Enforced,
    Off,
}

impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WallFields { state, reason } = WallFields::deserialize(deserializer)?;
        match (state, reason) {
            (WallState::Enforced, None) => Ok(Self::Enforced),
            (WallState::Enforced, Some(_)) => Err(D::Error::unknown_field("reason", &["state"])),
            (WallState::Off, Some(reason)) => Ok(Self::Off { reason }),
            (WallState::Off, None) => Err(D::Error::missing_field("reason")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_say_why_they_are_off_and_nothing_else() {
        let off = Wall::Off { reason: "no user namespaces".into() };
        for (wall, json) in [
            (Wall::Enforced, r#"{"state":"enforced"}"#),
            (off, r#"{"state":"off","reason":"no user namespaces"}"#),
        ] {
            assert_eq!(serde_json::to_string(&wall).unwrap(), json);
            assert_eq!(serde_json::from_str::<Wall>(json).unwrap(), wall);
        }
        for json in [
            r#"{"state":"enforced","reason":"x"}"#,
            r#"{"state":"enforced","since":1}"#,
            r#"{"state":"off"}"#,
            r#"{"state":"half"}"#,
        ] {
            assert!(serde_json::from_str::<Wall>(json).is_err(), "{json}");
        }
    }
}
