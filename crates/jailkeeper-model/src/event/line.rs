//! Any event, and its line.

use super::{
    Exit, Failure, JailId, Jailbreak, Limit, Lost, Probe, Question, Start, Timestamp, Warning,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many bytes a line may have.
const BYTES_AT_MOST: usize = 1 << 20;

/// Tells one thing that happened in a jail.
///
/// ```
/// # use jailkeeper_model::{Event, EventError, Header, JailId, Lost};
/// let header = Header::new(7, std::time::UNIX_EPOCH, JailId::new("a1"));
/// let event = Event::Lost(Lost::new(header, 3));
/// let line = event.to_line()?;
/// assert!(line.starts_with(r#"{"event":"lost","v":1,"seq":7,"#));
/// assert_eq!(Event::parse(&line)?, event);
/// # Ok::<(), EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Event {
    /// The jail has started.
    Start(Start),
    /// Somebody tried to get out.
    Jailbreak(Jailbreak),
    /// Whoever reads the events is asked.
    Question(Question),
    /// Something outside was looked at.
    Probe(Probe),
    /// A limit was exceeded.
    Limit(Limit),
    /// Something is not as it should be.
    Warning(Warning),
    /// Events could not be delivered.
    Lost(Lost),
    /// The jail could not be started.
    #[serde(rename = "error")]
    Failure(Failure),
    /// Nothing of the jail is alive any more.
    Exit(Exit),
}

/// Says why a line is no event, or an event no line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The line is longer than any event.
    #[error("the line has {bytes} bytes, more than {BYTES_AT_MOST}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The line is no JSON, or not that of an event of this version.
    #[error("the line is no event of version 1")]
    Read(#[source] serde_json::Error),
    /// The event has a number that JSON has not.
    #[error("the event cannot be written as JSON")]
    Write(#[source] serde_json::Error),
}

impl Event {
    /// Returns how many events of this jail there were before.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.common().0
    }

    /// Returns when it was.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.common().1
    }

    /// Returns which jail it was.
    #[must_use]
    pub fn jail(&self) -> &JailId {
        self.common().2
    }

    fn common(&self) -> (u64, Timestamp, &JailId) {
        match self {
            Self::Start(event) => (event.seq, event.time, &event.jail),
            Self::Jailbreak(event) => (event.seq, event.time, &event.jail),
            Self::Question(event) => (event.seq, event.time, &event.jail),
            Self::Probe(event) => (event.seq, event.time, &event.jail),
            Self::Limit(event) => (event.seq, event.time, &event.jail),
            Self::Warning(event) => (event.seq, event.time, &event.jail),
            Self::Lost(event) => (event.seq, event.time, &event.jail),
            Self::Failure(event) => (event.seq, event.time, &event.jail),
            Self::Exit(event) => (event.seq, event.time, &event.jail),
        }
    }

    /// Writes it as one line of JSON, without the line break.
    ///
    /// # Errors
    ///
    /// When a number in it is infinite or not a number.
    pub fn to_line(&self) -> Result<String, EventError> {
        serde_json::to_string(self).map_err(EventError::Write)
    }

    /// Reads a line, with or without its line break.
    ///
    /// # Errors
    ///
    /// When it is longer than 1 MiB, is no JSON, has a field too many or too few, or is of
    /// another version.
    pub fn parse(line: &str) -> Result<Self, EventError> {
        if line.len() > BYTES_AT_MOST {
            return Err(EventError::TooLong { bytes: line.len() });
        }
        serde_json::from_str(line).map_err(EventError::Read)
    }
}
