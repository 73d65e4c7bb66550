//! What one line of a tracer says.

use crate::value::Arguments;
use crate::vocabulary::Entry;
use std::time::Duration;

/// What one line says, and of whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// The process, or thread, that it is about; none if the tracer follows one alone.
    pub pid: Option<u32>,
    /// When it was: seconds since 1970, if the tracer says that.
    pub time: Option<Duration>,
    /// What it says.
    pub what: What<'a>,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "it is made for each line and never kept")]
pub enum What<'a> {
    /// A call that has returned, or never will.
    Call(Call<'a>),
    /// A call that has begun, and what was written of it; its end comes in another line.
    Began(&'static Entry, &'a [u8]),
    /// More about the last call of the process: the address of a socket.
    Detail(&'a [u8]),
    /// The process was born a moment ago, in this call, if it says so.
    Born(Option<Maker<'a>>),
    /// The process has ended.
    Ended(End),
    /// The thread has executed a program and taken over the pid of its process; this was its own.
    Superseded(u32),
    /// The tracer could not keep up.
    Lost,
    /// A line that looks like a call that matters, and is not understood.
    Garbled(&'static Entry),
    /// A call that touches nothing that matters.
    Other,
    /// Nothing of interest.
    Noise,
}

/// A call that is making a process, as far as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Maker<'a> {
    /// The process that calls; none if the tracer follows one alone.
    pub pid: Option<u32>,
    /// The call.
    pub entry: &'static Entry,
    /// What was written of it.
    pub text: &'a [u8],
}

/// A call with what it was given and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    /// What the vocabulary says of it.
    pub entry: &'static Entry,
    /// What it was given.
    pub arguments: Arguments<'a>,
    /// What came of it.
    pub outcome: Outcome,
    /// The name of the file behind the descriptor that it returned, if the tracer says it.
    pub opened: Option<&'a [u8]>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this.
    Returned(i64),
    /// It failed, because nothing is there (`ENOENT`, `ENOTDIR`).
    Missing,
    /// It failed for another reason.
    Failed,
    /// Nobody knows.
    Unknown,
    /// It returned in the child that it made.
    InChild,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited, with this code if the tracer says so.
    Exited(Option<i32>),
    /// A signal killed it.
    Killed,
}
