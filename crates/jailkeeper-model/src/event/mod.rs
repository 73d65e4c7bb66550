//! What leaves the engine: one JSON object a line.
//!
//! Every event has `v` (1), `seq`, `time`, `jail` and `event`, its kind. Paths are strings; one
//! that is not UTF-8 is written with replacement characters, and its bytes are in a second
//! field, `file_bytes` beside `file`. Fields without a value are left out.
//!
//! The four common fields stand in every event rather than in a part that all share: serde's
//! `flatten` would give up the refusal of unknown fields.

mod exit;
mod header;
mod jailbreak;
mod line;
mod notice;
mod number;
mod outside;
mod question;
mod start;
mod timestamp;
mod wire;

pub use exit::{Exit, Usage};
pub use header::{Header, JailId, Version};
pub use jailbreak::{ActionTaken, Ancestor, Jailbreak};
pub use line::{Event, EventError};
pub use notice::{Failure, Limit, Lost, Probe, Warning};
pub use outside::{Outside, OutsideKind, OutsideState};
pub use question::{Answer, Question, Reply};
pub use start::{Start, Wall};
pub use timestamp::Timestamp;
pub use wire::{RawBytes, WirePath};
