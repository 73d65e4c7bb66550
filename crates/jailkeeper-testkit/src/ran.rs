//! What came out of a run.

use crate::place::Place;
use jailkeeper_model::{ActionTaken, Event, Exit, Jailbreak, Start};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

/// The exit status of `timeout` when time is up.
const TIMED_OUT: i32 = 124;
/// The exit status of a containment that does not contain.
const NOT_CONTAINED: i32 = 99;

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    /// The exit status, or 128 and the signal.
    pub status: i32,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: String,
    /// The events, if it was a jail.
    pub events: Vec<Event>,
    /// The lines of the events.
    pub lines: String,
    /// The report, if it was a jail.
    pub report: Value,
    /// Processes that were alive when the command had ended.
    pub leftovers: String,
    secret: String,
}

impl Ran {
    /// Runs a contained command of a place.
    #[must_use]
    pub fn of(place: &Place, mut command: Command) -> Self {
        for file in ["events", "report", "leftovers"] {
            let _ = fs::remove_file(place.path("{state}").join(file));
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.output().expect("timeout and unshare are installed");
        let status = output.status;
        let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        let state = |file| fs::read_to_string(place.path("{state}").join(file)).unwrap_or_default();
        let lines = state("events");
        let events = lines.lines().map(|line| {
            Event::parse(line).unwrap_or_else(|error| {
                let why = std::error::Error::source(&error).map(ToString::to_string);
                unreachable!("{error}: {}: {line}", why.unwrap_or_default())
            })
        });
        let ran = Self {
            status,
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            events: events.collect(),
            report: serde_json::from_str(&state("report")).unwrap_or_default(),
            leftovers: state("leftovers"),
            lines,
            secret: place.secret().to_owned(),
        };
        let numbers = ran.events.iter().map(Event::seq);
        assert!(numbers.eq(0..ran.events.len() as u64), "events are missing: {ran}");
        assert_ne!(ran.status, TIMED_OUT, "the run took too long: {ran}");
        assert_ne!(ran.status, NOT_CONTAINED, "the run was not contained: {ran}");
        ran
    }

    /// Returns stdout as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Asserts that the command ended by itself with this status and that nothing is left.
    pub fn ends_with(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "another exit status: {self}");
        assert_eq!(self.leftovers, "", "processes are left: {self}");
        self
    }

    /// Asserts that the command was in a jail, lived by its rules and ended well.
    pub fn succeeds(&self) -> &Self {
        self.ends_with(0);
        assert_eq!(self.breaches().count(), 0, "an innocent program: {self}");
        let exit = self.exit();
        assert_eq!((exit.code, exit.jailbreak), (Some(0), false), "{self}");
        self
    }

    /// Asserts that there was one jailbreak that ended the jail, and returns it.
    #[track_caller]
    pub fn breach(&self) -> &Jailbreak {
        self.ends_with(120);
        let breaches: Vec<_> = self.breaches().collect();
        let [breach] = breaches[..] else { unreachable!("no single jailbreak: {self}") };
        assert_eq!(breach.action, ActionTaken::Killed, "{self}");
        assert!(breach.pid > 1 && !breach.argv.is_empty(), "nobody is named: {self}");
        assert!(self.exit().jailbreak, "{self}");
        assert!(self.stderr.contains("jailbreak"), "no account on stderr: {self}");
        let reported = self.report.pointer("/jailbreaks/0/mode").and_then(Value::as_str);
        assert_eq!(reported, Some(breach.mode.to_string().as_str()), "another report: {self}");
        breach
    }

    /// Returns all jailbreaks.
    pub fn breaches(&self) -> impl Iterator<Item = &Jailbreak> {
        self.events.iter().filter_map(|event| match event {
            Event::Jailbreak(breach) => Some(breach),
            _ => None,
        })
    }

    /// Returns the first event, which is the start.
    #[must_use]
    pub fn start(&self) -> &Start {
        let Some(Event::Start(start)) = self.events.first() else {
            unreachable!("the first event is no start: {self}")
        };
        start
    }

    /// Returns the last event, which is the exit.
    #[must_use]
    pub fn exit(&self) -> &Exit {
        let Some(Event::Exit(exit)) = self.events.last() else {
            unreachable!("the last event is no exit: {self}")
        };
        exit
    }

    /// Asserts that the secret is in no output.
    pub fn leaks_nothing(&self) -> &Self {
        self.leaks_nothing_like(&self.secret)
    }

    /// Asserts that a text is in no output.
    pub fn leaks_nothing_like(&self, text: &str) -> &Self {
        let outputs = [&self.text(), &self.stderr, &self.lines, &self.report.to_string()];
        assert!(!outputs.iter().any(|output| output.contains(text)), "`{text}` leaked: {self}");
        self
    }

    /// Tells whether the secret is on stdout.
    #[must_use]
    pub fn leaks(&self) -> bool {
        self.text().contains(&self.secret)
    }

    /// Returns the result of an attempt of the program `escape`, if it ran on after it.
    #[must_use]
    pub fn survived(&self) -> Option<i64> {
        let text = self.text();
        let line = text.lines().find_map(|line| line.strip_prefix("SURVIVED "))?;
        line.split_ascii_whitespace().last()?.parse().ok()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "status {}\n--- stdout\n{}\n--- stderr\n{}\n--- events\n{}\n--- left\n{}",
            self.status,
            self.text().chars().take(4000).collect::<String>(),
            self.stderr.chars().take(4000).collect::<String>(),
            self.lines.chars().take(4000).collect::<String>(),
            self.leftovers
        )
    }
}
