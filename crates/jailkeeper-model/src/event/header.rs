//! What all events have in common.

use super::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// The version of the events and of the report, which is 1.
///
/// Any other number is refused when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Version;

impl Version {
    const NUMBER: u64 = 1;
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            other => Err(D::Error::custom(format_args!("version {other} is not 1"))),
        }
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "const": Self::NUMBER })
    }
}

/// Names a jail, the same in all events of one run.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct JailId(String);

impl JailId {
    /// Takes a name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for JailId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Holds the fields that every event begins with, for making one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was.
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
}

impl Header {
    /// Makes a header.
    #[must_use]
    pub fn new(seq: u64, time: impl Into<Timestamp>, jail: JailId) -> Self {
        Self { v: Version, seq, time: time.into(), jail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_one_is_understood() {
        assert_eq!(serde_json::to_string(&Version).unwrap(), "1");
        serde_json::from_str::<Version>("1").unwrap();
        for other in ["0", "2", "\"1\"", "1.5", "-1", "null"] {
            serde_json::from_str::<Version>(other).unwrap_err();
        }
    }
}
