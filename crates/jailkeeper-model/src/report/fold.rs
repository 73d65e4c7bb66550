//! The fold of a run's events.

use super::ForgivenList;
use super::forgiven::Subject;
use crate::event::{
    ActionTaken, Event, Exit, JailId, Jailbreak, Limit, Outside, RawBytes, Start, Timestamp, Usage,
    Version, Wall, Warning, WirePath,
};
use crate::strength::Strength;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

/// How many jailbreaks, limits and warnings are kept of each: a jail that is denied rather than
/// killed can go on trying. One that is killed tries no more.
const KEPT_AT_MOST: usize = 1000;

/// Gives the account of one run.
///
/// ```
/// # use jailkeeper_model::{Event, Header, JailId, Report, Start, Strength};
/// let mut report = Report::new();
/// let header = Header::new(0, std::time::UNIX_EPOCH, JailId::new("a1"));
/// report.fold(&Event::Start(Start::new(header, 42, ["ls"], "/tmp", Strength::Full)));
/// report.record_forgiven("/etc/shadow", "/usr/bin/ls", "stat");
/// assert_eq!(report.command, ["ls"]);
/// assert_eq!(report.forgiven_total, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Report {
    /// The version of the report.
    pub version: Version,
    /// Which jail it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jail: Option<JailId>,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// The directory in which the command started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The bytes of `cwd`, if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd_bytes: Option<RawBytes>,
    /// Which walls and watches the jail had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
    /// The walls by name, also those that were off.
    pub walls: BTreeMap<String, Wall>,
    /// What processes had before they were attached to, and that the policy would not have given
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Outside>,
    /// How much of that is not in `outside`.
    #[serde(skip_serializing_if = "is_zero")]
    pub outside_dropped: u64,
    /// When it started (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The attempts to get out, the first ones if there were too many.
    pub jailbreaks: Vec<Jailbreak>,
    /// How many attempts to get out are not in `jailbreaks`.
    pub jailbreaks_dropped: u64,
    /// The limits that were exceeded.
    pub limits: Vec<Limit>,
    /// What was not as it should be.
    pub warnings: Vec<Warning>,
    /// How many limits and warnings are in neither `limits` nor `warnings`.
    pub notices_dropped: u64,
    /// What was looked at outside and answered as absent.
    pub forgiven: ForgivenList,
    /// How many looks are not in `forgiven`.
    pub forgiven_dropped: u64,
    /// How often something outside was looked at and answered as absent.
    pub forgiven_total: u64,
    /// How many events could not be delivered.
    pub lost: u64,
    /// How it ended; missing as long as it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Outcome>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Says how a jail ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Outcome {
    /// The exit status of the command, if it ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The name of the signal that ended the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Whether there was a jailbreak.
    pub jailbreak: bool,
    /// The kind of the limit that was exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What the jail used.
    pub usage: Usage,
    /// Seconds from the attempt to the last death, at strength `monitor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub killing: Option<f64>,
}

impl Report {
    /// Begins a report.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event, of the same jail as all others.
    ///
    /// A probe is recorded as forgiven; whoever folds it must not record it besides.
    pub fn fold(&mut self, event: &Event) {
        if self.jail.is_none() {
            self.jail = Some(event.jail().clone());
        }
        match event {
            Event::Start(start) => self.start(start),
            // What killed the jail is kept however many others there were: it says how it ended.
            Event::Jailbreak(jailbreak) if jailbreak.action == ActionTaken::Killed => {
                self.jailbreaks.push(jailbreak.clone());
            }
            Event::Jailbreak(jailbreak) => {
                keep(&mut self.jailbreaks, jailbreak, &mut self.jailbreaks_dropped);
            }
            Event::Probe(probe) => {
                let subject = match (&probe.file, &probe.address) {
                    (Some(file), _) => Subject::File(WirePath {
                        text: file.clone(),
                        bytes: probe.file_bytes.clone(),
                    }),
                    (None, address) => Subject::Address(address.clone().unwrap_or_default()),
                };
                self.forgive(subject, probe.program.clone(), &probe.operation);
            }
            Event::Limit(limit) => keep(&mut self.limits, limit, &mut self.notices_dropped),
            Event::Warning(warning) => keep(&mut self.warnings, warning, &mut self.notices_dropped),
            Event::Lost(lost) => self.lost = self.lost.saturating_add(lost.count),
            Event::Question(_) => {}
            // A jail that never started has nothing to report.
            Event::Failure(_) => {}
            Event::Exit(exit) => self.exit(exit),
        }
    }

    /// Counts a look at something outside for which there is no event.
    pub fn record_forgiven(
        &mut self,
        file: impl AsRef<Path>,
        program: impl AsRef<OsStr>,
        operation: &str,
    ) {
        let file = Subject::File(WirePath::new(file.as_ref()));
        self.forgive(file, WirePath::new(program).text, operation);
    }

    /// Counts asking for a network address for which there is no event.
    pub fn record_forgiven_address(
        &mut self,
        address: impl Into<String>,
        program: impl AsRef<OsStr>,
        operation: &str,
    ) {
        let address = Subject::Address(address.into());
        self.forgive(address, WirePath::new(program).text, operation);
    }

    fn forgive(&mut self, subject: Subject, program: String, operation: &str) {
        self.forgiven_total = self.forgiven_total.saturating_add(1);
        if !self.forgiven.record(subject, program, operation) {
            self.forgiven_dropped = self.forgiven_dropped.saturating_add(1);
        }
    }

    fn start(&mut self, start: &Start) {
        self.command.clone_from(&start.command);
        self.cwd = Some(start.cwd.clone());
        self.cwd_bytes.clone_from(&start.cwd_bytes);
        self.strength = Some(start.strength);
        self.walls.clone_from(&start.walls);
        self.outside.clone_from(&start.outside);
        self.outside_dropped = start.outside_dropped;
        self.started = Some(start.time);
    }

    fn exit(&mut self, exit: &Exit) {
        self.ended = Some(exit.time);
        // Without probe events the count of the exit is all there is.
        self.forgiven_total = self.forgiven_total.max(exit.forgiven);
        self.exit = Some(Outcome {
            code: exit.code,
            signal: exit.signal.clone(),
            jailbreak: exit.jailbreak,
            limit: exit.limit.clone(),
            usage: exit.usage,
            killing: exit.killing,
        });
    }
}

/// Keeps an event if there is room, and else counts it.
fn keep<T: Clone>(kept: &mut Vec<T>, event: &T, dropped: &mut u64) {
    if kept.len() < KEPT_AT_MOST {
        kept.push(event.clone());
    } else {
        *dropped = dropped.saturating_add(1);
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
