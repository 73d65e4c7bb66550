//! The event that asks, and what can be answered.

use super::wire::words;
use super::{Header, JailId, RawBytes, Timestamp, Version, WirePath};
use crate::access::Mode;
use crate::word::UnknownWord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::str::FromStr;

/// Asks whether an attempt to get out is let pass. The program waits meanwhile.
///
/// Whoever answers on a channel writes one [`Answer`] a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The version of the events.
    pub v: Version,
    /// How many events of this jail there were before.
    pub seq: u64,
    /// When it was (UTC).
    pub time: Timestamp,
    /// Which jail it was.
    pub jail: JailId,
    /// The number of the question, which its answer repeats.
    pub question: u64,
    /// What is wanted.
    pub mode: Mode,
    /// The file as it was asked for, made absolute, with no symbolic link followed.
    pub file: String,
    /// The bytes of `file`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<RawBytes>,
    /// The file with symbolic links followed: the one that would be opened.
    pub resolved: String,
    /// The bytes of `resolved`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_bytes: Option<RawBytes>,
    /// The process id, as the host counts.
    pub pid: u32,
    /// The path of the program.
    pub program: String,
    /// The bytes of `program`, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_bytes: Option<RawBytes>,
    /// The program's arguments, its name first.
    pub argv: Vec<String>,
    /// Why this needs an answer, for people.
    pub rule: String,
    /// After how many seconds without an answer it is `deny`.
    pub timeout: u64,
}

impl Question {
    /// Makes the event; who asks is added by [`with_program`](Self::with_program).
    #[must_use]
    pub fn new(
        header: Header,
        question: u64,
        mode: Mode,
        file: impl AsRef<Path>,
        resolved: impl AsRef<Path>,
        rule: impl Into<String>,
        timeout: u64,
    ) -> Self {
        let Header { v, seq, time, jail } = header;
        let WirePath { text: file, bytes: file_bytes } = WirePath::new(file.as_ref());
        let WirePath { text: resolved, bytes: resolved_bytes } = WirePath::new(resolved.as_ref());
        Self {
            v,
            seq,
            time,
            jail,
            question,
            mode,
            file,
            file_bytes,
            resolved,
            resolved_bytes,
            pid: 0,
            program: String::new(),
            program_bytes: None,
            argv: Vec::new(),
            rule: rule.into(),
            timeout,
        }
    }

    /// Gives it another header.
    #[must_use]
    pub fn with_header(self, header: Header) -> Self {
        let Header { v, seq, time, jail } = header;
        Self { v, seq, time, jail, ..self }
    }

    /// Says who it is.
    #[must_use]
    pub fn with_program<I: IntoIterator<Item: AsRef<OsStr>>>(
        mut self,
        pid: u32,
        program: impl AsRef<Path>,
        argv: I,
    ) -> Self {
        let WirePath { text, bytes } = WirePath::new(program.as_ref());
        (self.program, self.program_bytes) = (text, bytes);
        self.pid = pid;
        self.argv = words(argv);
        self
    }
}

/// Names what is answered to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// This call gets the file.
    AllowOnce,
    /// This call and all like it in this run get the file.
    AllowRun,
    /// The call fails, and the program goes on.
    Deny,
    /// The whole process tree dies.
    Kill,
}

impl Reply {
    const ALL: [Self; 4] = [Self::AllowOnce, Self::AllowRun, Self::Deny, Self::Kill];

    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowOnce => "allow-once",
            Self::AllowRun => "allow-run",
            Self::Deny => "deny",
            Self::Kill => "kill",
        }
    }

    /// Says whether it lets the call pass.
    #[must_use]
    pub fn allows(self) -> bool {
        matches!(self, Self::AllowOnce | Self::AllowRun)
    }
}

impl Display for Reply {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reply {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let expected = &["allow-once", "allow-run", "deny", "kill"];
        let known = Self::ALL.into_iter().find(|reply| reply.as_str() == word);
        known.ok_or_else(|| UnknownWord::new(word, expected))
    }
}

/// Answers a [`Question`]: one JSON object a line, from whoever reads the events.
///
/// ```
/// # use jailkeeper_model::{Answer, Reply};
/// let answer = Answer::parse(r#"{"v":1,"question":3,"answer":"allow-once"}"#)?;
/// assert_eq!((answer.question, answer.answer), (3, Reply::AllowOnce));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The version of the events.
    pub v: Version,
    /// The number of the question.
    pub question: u64,
    /// What is answered.
    pub answer: Reply,
}

impl Answer {
    /// How many bytes a line may have.
    pub const BYTES_AT_MOST: usize = 1024;

    /// Reads a line, with or without its line break.
    ///
    /// # Errors
    ///
    /// When it is no JSON of an answer of this version.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_replies_match() {
        for reply in Reply::ALL {
            assert_eq!(reply.to_string().parse(), Ok(reply));
            assert_eq!(serde_json::to_value(reply).unwrap(), reply.as_str());
        }
        assert!("yes".parse::<Reply>().is_err());
    }

    #[test]
    fn an_answer_says_which_question() {
        for bad in [
            r#"{"v":2,"question":3,"answer":"deny"}"#,
            r#"{"v":1,"question":-3,"answer":"deny"}"#,
            r#"{"v":1,"question":3,"answer":"maybe"}"#,
            r#"{"v":1,"question":3,"answer":"deny","more":1}"#,
            r#"{"v":1,"answer":"deny"}"#,
            "deny",
        ] {
            assert!(Answer::parse(bad).is_err(), "{bad}");
        }
    }
}
