//! Points in time as events write them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

/// Holds a point in time: RFC 3339, UTC, with exactly six digits of the second.
///
/// What is finer than a microsecond is cut off when it is made, so that it is the same after
/// being written and read. A clock that stands before 1970 reads as 1970.
///
/// ```
/// # use jailkeeper_model::Timestamp;
/// let time = Timestamp::from(std::time::UNIX_EPOCH);
/// assert_eq!(time.to_string(), "1970-01-01T00:00:00.000000Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Returns it as jiff's.
    #[must_use]
    pub fn get(self) -> jiff::Timestamp {
        self.0
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        let time = time.max(jiff::Timestamp::UNIX_EPOCH);
        Self(jiff::Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        // Out of jiff's range is before the year -9999 or after 9999.
        let bound =
            if time < SystemTime::UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::try_from(time).unwrap_or(bound).into()
    }
}

impl Display for Timestamp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.parse::<jiff::Timestamp>().map_err(D::Error::custom)?;
        let time = Self::from(parsed);
        if time.to_string() == text {
            Ok(time)
        } else {
            Err(D::Error::custom("the time is not in UTC with microseconds"))
        }
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn six_digits_are_always_written() {
        for (nanoseconds, text) in [
            (0, "1970-01-01T00:00:01.000000Z"),
            (120_000_000, "1970-01-01T00:00:01.120000Z"),
            (123_456_999, "1970-01-01T00:00:01.123456Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::new(1, nanoseconds);
            let time = Timestamp::from(time);
            assert_eq!(time.to_string(), text);
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
        }
    }

    #[test]
    fn other_ways_to_write_a_time_are_refused() {
        for text in [
            "1970-01-01T00:00:01Z",
            "1970-01-01T00:00:01.123Z",
            "1970-01-01T00:00:01.123456789Z",
            "1970-01-01T01:00:01.123456+01:00",
            "1970-01-01 00:00:01.123456Z",
            "1969-12-31T23:59:59.000000Z",
            "yesterday",
        ] {
            let json = format!("\"{text}\"");
            assert!(serde_json::from_str::<Timestamp>(&json).is_err(), "{text}");
        }
    }

    #[test]
    fn clocks_that_are_far_off_are_bounded() {
        let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 50);
        assert_eq!(Timestamp::from(early).to_string(), "1970-01-01T00:00:00.000000Z");
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50);
        assert!(Timestamp::from(late).to_string().starts_with("9999-12-30T"));
    }
}
