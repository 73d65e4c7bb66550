//! Exit statuses, as the manual documents them.

use std::process::ExitCode;

/// What the command exits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The command's own code.
    Code(i32),
    /// 128 + N: signal N ended the command.
    Signal(i32),
    /// 120: there was a jailbreak.
    Jailbreak,
    /// 121: a limit was exceeded.
    Limit,
    /// 125: JailKeeper itself failed.
    Failed,
    /// 126: the command was found and cannot be run.
    NotExecutable,
    /// 127: the command was not found.
    NotFound,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        let number = match status {
            Status::Code(code) => code,
            Status::Signal(signal) => 128 + signal,
            Status::Jailbreak => 120,
            Status::Limit => 121,
            Status::Failed => 125,
            Status::NotExecutable => 126,
            Status::NotFound => 127,
        };
        Self::from(u8::try_from(number).unwrap_or(u8::MAX))
    }
}
