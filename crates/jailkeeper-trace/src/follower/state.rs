//! What calls change of their processes.

use super::descriptor::{annotated, name_of_descriptor};
use super::{Follower, has_word, shared};
use crate::dialect::Dialect;
use crate::flags::{Access, Seen};
use crate::record::{Call, Outcome};
use crate::trace::{Happening, Take};
use crate::value::{Arguments, Value, quote_end, value};
use crate::vocabulary::{Deed, State};
use jailkeeper_model::JailPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

impl Follower {
    /// What a call changes of its process, or does without a path.
    pub(super) fn state(
        &mut self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        take: Take<'_>,
    ) {
        let returned = match call.outcome {
            Outcome::Returned(value) if value != -1 => i32::try_from(value).ok(),
            _ => None,
        };
        let first = self.number(call.arguments.get(0));
        match call.entry.state {
            State::None => {}
            State::Opens(index) => {
                if let Some(number) = returned {
                    let path = self.opened(pid, call);
                    let flags = Seen::new(
                        call.arguments.get(index),
                        Access::InLowBits,
                        self.dialect.open_flags(),
                    );
                    self.processes.open(pid, number, path, flags.has("O_CLOEXEC"));
                }
            }
            State::Makes => {
                if let Some(number) = returned {
                    self.processes.open(pid, number, None, false);
                }
            }
            State::ChangesDirectory => {
                if returned.is_some() {
                    let path = self.first_path(pid, call);
                    self.processes.change_directory(pid, path);
                }
            }
            State::ChangesToDescriptor => {
                if returned.is_some() {
                    let named = annotated(call.arguments.get(0)).and_then(name_of_descriptor);
                    let path = named.or_else(|| self.processes.descriptor(pid, first?).cloned());
                    self.processes.change_directory(pid, path);
                }
            }
            State::Closes => {
                if let (Some(number), Some(_)) = (first, returned) {
                    self.processes.close(pid, number, number);
                }
            }
            State::ClosesRange => self.close_range(pid, call, first, returned.is_some()),
            State::ClosesFrom => {
                if let Some(number) = first {
                    self.processes.close(pid, number, i32::MAX);
                }
            }
            State::Duplicates => {
                if let (Some(from), Some(to)) = (first, returned) {
                    self.processes.duplicate(pid, from, to, false);
                }
            }
            State::DuplicatesTo => {
                if let (Some(from), Some(to)) = (first, returned) {
                    let flags =
                        Seen::new(call.arguments.get(2), Access::None, self.dialect.open_flags());
                    self.processes.duplicate(pid, from, to, flags.has("O_CLOEXEC"));
                }
            }
            State::Controls => self.control(pid, call, first, returned),
            State::Forks | State::Clones | State::Spawns => self.fork(pid, call, returned, take),
            State::Executes => self.execute(pid, call, take),
            State::Exits => {}
            State::TouchesDescriptor => self.touch(pid, time, call, first, take),
            State::Socket(deed, index) => self.socket(pid, time, call, deed, index, take),
            State::Forbidden => {
                let attempt = self.attempt(pid, time, call, Deed::Write);
                take(&self.processes, Happening::Attempt(attempt));
            }
            State::Unshares => {
                let flags = call.arguments.raw;
                if NAMESPACES.iter().any(|name| has_word(flags, name)) {
                    let attempt = self.attempt(pid, time, call, Deed::Write);
                    take(&self.processes, Happening::Attempt(attempt));
                }
            }
            State::Hides => {
                if returned.is_some() {
                    let syscall = call.entry.name;
                    take(&self.processes, Happening::Unseen { pid, syscall });
                }
            }
        }
    }

    /// The name of what a call has opened: what the tracer says, or else the requested path.
    pub(super) fn opened(&self, pid: u32, call: &Call<'_>) -> Option<JailPath> {
        match call.opened {
            Some(name) => name_of_descriptor(name),
            None => self.first_path(pid, call),
        }
    }

    pub(super) fn first_path(&self, pid: u32, call: &Call<'_>) -> Option<JailPath> {
        let path = call.entry.paths.first()?;
        let (text, is_complete) = self.text(call.arguments.get(path.path))?;
        if !is_complete {
            return None;
        }
        let text = Path::new(OsStr::from_bytes(&text));
        let start = match text.is_absolute() {
            true => JailPath::root(),
            false => self.start(pid, call, path.directory)?,
        };
        JailPath::resolve(&start, text).ok()
    }

    pub(super) fn close_range(
        &mut self,
        pid: u32,
        call: &Call<'_>,
        first: Option<i32>,
        worked: bool,
    ) {
        let Some(first) = first.filter(|_| worked) else { return };
        let last = match call.arguments.get(1) {
            Value::Number(last, _) => i32::try_from(last).unwrap_or(i32::MAX),
            _ => i32::MAX,
        };
        let flags = Seen::new(call.arguments.get(2), Access::None, &[(4, "CLOSE_RANGE_CLOEXEC")]);
        if flags.has("CLOSE_RANGE_CLOEXEC") {
            self.processes.close_on_exec(pid, first, last, true);
        } else {
            self.processes.close(pid, first, last.max(first));
        }
    }

    pub(super) fn control(
        &mut self,
        pid: u32,
        call: &Call<'_>,
        first: Option<i32>,
        returned: Option<i32>,
    ) {
        let (Some(from), Some(to)) = (first, returned) else { return };
        let command = call.arguments.get(1);
        let is = |name: &[u8], numbers: &[i64]| match command {
            Value::Word(word) => word == name,
            Value::Number(number, _) => numbers.contains(&number),
            _ => false,
        };
        let duplicate_and_close: &[i64] = match self.dialect {
            Dialect::Strace => &[1030],
            Dialect::IllumosTruss | Dialect::SolarisTruss => &[37],
            Dialect::FreeBsdTruss => &[17],
            Dialect::Dtruss => &[67],
        };
        if is(b"F_DUPFD", &[0]) {
            self.processes.duplicate(pid, from, to, false);
        } else if is(b"F_DUPFD_CLOEXEC", duplicate_and_close) {
            self.processes.duplicate(pid, from, to, true);
        } else if is(b"F_SETFD", &[2]) {
            let flags = Seen::new(call.arguments.get(2), Access::None, &[(1, "FD_CLOEXEC")]);
            self.processes.close_on_exec(pid, from, from, flags.has("FD_CLOEXEC"));
        }
    }

    pub(super) fn fork(
        &mut self,
        pid: u32,
        call: &Call<'_>,
        returned: Option<i32>,
        take: Take<'_>,
    ) {
        let raw = call.arguments.raw;
        let shared = shared(call.entry, raw);
        if call.outcome == Outcome::InChild {
            return;
        }
        if NAMESPACES.iter().any(|name| has_word(raw, name)) {
            let attempt = self.attempt(pid, None, call, Deed::Write);
            take(&self.processes, Happening::Attempt(attempt));
        }
        let child = returned.and_then(|child| u32::try_from(child).ok()).filter(|child| *child > 0);
        // posix_spawn returns zero; its child is heard of when it does something.
        if call.entry.state == State::Spawns {
            return;
        }
        let is_new = child.is_some_and(|child| !self.processes.holds(child));
        self.processes.end_fork(pid, child, shared);
        if let Some(child) = child.filter(|child| is_new && self.processes.holds(*child)) {
            take(&self.processes, Happening::Born { pid: child, parent: Some(pid) });
        }
    }

    pub(super) fn execute(&mut self, pid: u32, call: &Call<'_>, take: Take<'_>) {
        let worked = match call.outcome {
            Outcome::Returned(value) => value == 0,
            // On FreeBSD a call that worked does not return.
            Outcome::Unknown => self.dialect == Dialect::FreeBsdTruss,
            _ => false,
        };
        if worked {
            let program = self.first_path(pid, call).map(|path| path.as_bytes().to_vec());
            let at = if call.entry.name == "execveat" { 2 } else { 1 };
            let argv = words(&call.arguments, at, self.dialect);
            self.processes.execute(pid, program, argv);
            take(&self.processes, Happening::Executed { pid });
        }
    }
}

/// In namespaces of these kinds, names lead elsewhere.
const NAMESPACES: [&[u8]; 2] = [b"CLONE_NEWNS", b"CLONE_NEWUSER"];

/// How many arguments of a program are kept.
const WORDS_AT_MOST: usize = 64;

/// The texts in a list such as `["cat", "x"]`.
fn words(arguments: &Arguments<'_>, index: u8, dialect: Dialect) -> Vec<Vec<u8>> {
    let Value::Word(list) = arguments.get(index) else { return Vec::new() };
    let Some(mut rest) = list.strip_prefix(b"[") else { return Vec::new() };
    let mut words = Vec::new();
    while words.len() < WORDS_AT_MOST
        && let Some(open) = rest.iter().position(|byte| *byte == b'"')
    {
        let quoting = dialect.quoting();
        let end = quote_end(rest, open, quoting).unwrap_or(rest.len());
        let written = rest.get(open..end).unwrap_or_default();
        if let Some(text) = value(written, quoting).text() {
            words.push(text.bytes().into_owned());
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    words
}
