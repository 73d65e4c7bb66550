//! Exit statuses, as the manual documents them.

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

impl Status {
    /// Returns the number that a shell sees.
    pub(crate) fn number(self) -> u8 {
        let number = match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::Jailbreak => 120,
            Self::Limit => 121,
            Self::Failed => 125,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        };
        u8::try_from(number).unwrap_or(u8::MAX)
    }
}
