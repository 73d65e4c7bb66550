//! From bytes to happenings.

use crate::attempt::Attempt;
use crate::dialect::Dialect;
use crate::follower::Follower;
use crate::lines::Lines;
use crate::parser::Parser;
use crate::process::Processes;
use crate::record::{Call, End};
use jailkeeper_model::JailPath;
use std::time::Duration;

/// What a tracer told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A process tried to use something.
    Attempt(Attempt),
    /// A process is there.
    Born {
        /// Its pid.
        pid: u32,
        /// Who made it, if it is known.
        parent: Option<u32>,
    },
    /// A process runs a program.
    Executed {
        /// Its pid.
        pid: u32,
    },
    /// A process, or a thread, has ended.
    Ended {
        /// Its pid.
        pid: u32,
        /// How.
        end: End,
    },
    /// The tracer could not keep up, or failed to tell something.
    Lost,
    /// A line about a call that matters could not be understood.
    Garbled {
        /// The process.
        pid: u32,
        /// The call.
        syscall: &'static str,
    },
    /// A process does something that the tracer cannot see.
    Unseen {
        /// The process.
        pid: u32,
        /// The call that hides it.
        syscall: &'static str,
    },
    /// A process made a call that touches nothing by name. It is alive.
    Called {
        /// The process.
        pid: u32,
        /// The call, if the vocabulary has it.
        syscall: Option<&'static str>,
    },
}

/// Turns what a tracer writes into happenings.
#[derive(Debug)]
pub struct Trace {
    lines: Option<Lines>,
    parser: Option<Parser>,
    follower: Follower,
}

pub(crate) type Take<'a> = &'a mut dyn FnMut(&Processes, Happening);

impl Trace {
    /// Begins with one process, in a working directory if it is known.
    #[must_use]
    pub fn new(dialect: Dialect, root: u32, directory: Option<JailPath>) -> Self {
        let processes = Processes::new(root, directory);
        Self {
            lines: Some(Lines::new()),
            parser: Some(Parser::new(dialect)),
            follower: Follower::new(dialect, processes, root),
        }
    }

    /// Returns what is known of the processes.
    #[must_use]
    pub fn processes(&self) -> &Processes {
        &self.follower.processes
    }

    /// Lets the caller add what it knows of the processes, as when it attaches to some.
    pub fn processes_mut(&mut self) -> &mut Processes {
        &mut self.follower.processes
    }

    /// Takes bytes as they come from the tracer, and hands out what they tell, with what was known
    /// of the processes in that moment.
    pub fn feed(&mut self, bytes: &[u8], take: Take<'_>) {
        if let Some(mut lines) = self.lines.take() {
            lines.feed(bytes, &mut |line| self.line(line, take));
            self.lines = Some(lines);
        }
    }

    /// Takes what is left when the tracer has ended.
    pub fn finish(&mut self, take: Take<'_>) {
        if let Some(mut lines) = self.lines.take() {
            lines.finish(&mut |line| self.line(line, take));
            self.lines = Some(lines);
        }
    }

    /// Takes a call that somebody has seen himself, without a line.
    pub fn call(&mut self, pid: u32, time: Option<Duration>, call: &Call<'_>, take: Take<'_>) {
        self.follower.call(pid, time, call, take);
    }

    /// Takes one line, without its end.
    pub fn line(&mut self, line: &[u8], take: Take<'_>) {
        if let Some(mut parser) = self.parser.take() {
            let record = parser.line(line);
            self.follower.record(&record, take);
            self.parser = Some(parser);
        }
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
