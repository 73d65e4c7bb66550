//! Attempts on the paths of a call.

use super::Follower;
use super::descriptor::{annotated, name_of_descriptor};
use crate::attempt::{Attempt, Place};
use crate::dialect::Dialect;
use crate::flags::{Access, Flags, Seen};
use crate::parser::macos_path;
use crate::record::{Call, Outcome};
use crate::value::Value;
use crate::vocabulary::{Deed, Follow, How, PathArgument};
use jailkeeper_model::{JailPath, Presence};
use std::time::Duration;

impl Follower {
    /// Makes an attempt of one of a call's paths. `None` if there is no path.
    pub(super) fn path_attempt(
        &self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        path: &PathArgument,
    ) -> Option<Attempt> {
        let flags = self.open_flags(call, path);
        let deed = match path.how {
            How::Is(deed) => deed,
            How::Open(_) => deed_of_open(flags),
            How::UnlessSets(index) => {
                let word = call.arguments.get(index).word().unwrap_or_default();
                let sets =
                    word.windows(3).any(|window| window == b"SET" && !word.starts_with(b"GET"));
                if sets { Deed::Write } else { Deed::Probe }
            }
        };
        let written = call.arguments.get(path.path);
        let (text, is_complete) = match self.text(written) {
            Some(text) => text,
            // A null pointer or an address that leads nowhere: of a descriptor, or none at all.
            None => return self.nameless(pid, time, call, path, deed),
        };
        if text.is_empty() {
            return self.nameless(pid, time, call, path, deed);
        }
        let start = self.start(pid, call, path.directory);
        let follow = self.follows(call, path, flags);
        let mut attempt = self.attempt(pid, time, call, deed);
        attempt.place = Place::path(start.as_ref(), &text, is_complete, follow);
        if matches!(path.how, How::Open(_)) {
            attempt.opened = call.opened.and_then(name_of_descriptor);
        }
        attempt.flags = self.kept_flags(call, path, flags);
        Some(attempt)
    }

    pub(super) fn attempt(
        &self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        deed: Deed,
    ) -> Attempt {
        let (presence, succeeded) = match call.outcome {
            Outcome::Returned(value) => (Presence::Exists, value != -1),
            Outcome::Missing => (Presence::Missing, false),
            Outcome::Failed => (Presence::Unknown, false),
            Outcome::Unknown | Outcome::InChild => (Presence::Unknown, true),
        };
        Attempt {
            pid,
            time,
            deed,
            place: Place::Call,
            presence,
            succeeded,
            opened: None,
            operation: call.entry.operation,
            syscall: call.entry.name,
            flags: Flags::default(),
        }
    }

    /// A call with a directory descriptor and an empty or missing path: it is about the file behind
    /// the descriptor, which matters if it changes that.
    pub(super) fn nameless(
        &self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        path: &PathArgument,
        deed: Deed,
    ) -> Option<Attempt> {
        if !matches!(deed, Deed::Write | Deed::Execute) || path.directory.is_none() {
            return None;
        }
        let start = self.start(pid, call, path.directory)?;
        let mut attempt = self.attempt(pid, time, call, deed);
        attempt.place = Place::path(Some(&start), b"", true, false);
        Some(attempt)
    }

    /// Returns the text of a path, and whether it is complete.
    pub(super) fn text<'a>(&self, value: Value<'a>) -> Option<(std::borrow::Cow<'a, [u8]>, bool)> {
        if self.dialect == Dialect::Dtruss {
            return macos_path(value).map(|(text, complete)| (text.into(), complete));
        }
        let text = value.text()?;
        Some((text.bytes(), !text.is_cut()))
    }

    /// Returns where a relative path starts from.
    pub(super) fn start(
        &self,
        pid: u32,
        call: &Call<'_>,
        directory: Option<u8>,
    ) -> Option<JailPath> {
        let Some(index) = directory else { return self.processes.directory(pid).cloned() };
        let value = call.arguments.get(index);
        // What strace says of it is what the kernel says.
        if let Some(named) = annotated(value).and_then(name_of_descriptor) {
            return Some(named);
        }
        match self.number(value)? {
            number if i64::from(number) == self.dialect.working_directory() => {
                self.processes.directory(pid).cloned()
            }
            number => self.processes.descriptor(pid, number).cloned(),
        }
    }

    /// Reads a descriptor: a number, `AT_FDCWD`, or a number that is written without its sign.
    pub(super) fn number(&self, value: Value<'_>) -> Option<i32> {
        let number = match value {
            Value::Number(number, _) => number,
            Value::Word(word) if word.starts_with(b"AT_FDCWD") => self.dialect.working_directory(),
            _ => return None,
        };
        i32::try_from(number).ok().or_else(|| u32::try_from(number).ok().map(u32::cast_signed))
    }

    pub(super) fn open_flags<'a>(&self, call: &Call<'a>, path: &PathArgument) -> Seen<'a> {
        let value = match path.how {
            How::Open(index) => call.arguments.get(index),
            _ => Value::Missing,
        };
        Seen::new(value, Access::InLowBits, self.dialect.open_flags())
    }

    pub(super) fn at_flags<'a>(&self, call: &Call<'a>, index: u8) -> Seen<'a> {
        Seen::new(call.arguments.get(index), Access::None, self.dialect.at_flags())
    }

    pub(super) fn follows(&self, call: &Call<'_>, path: &PathArgument, open: Seen<'_>) -> bool {
        match path.follow {
            Follow::Always => true,
            Follow::Never => false,
            Follow::UnlessFlag(index) => {
                let flags = self.at_flags(call, index);
                let none = ["AT_SYMLINK_NOFOLLOW", "IN_DONT_FOLLOW", "FAN_MARK_DONT_FOLLOW"];
                !none.iter().any(|name| flags.has(name))
            }
            Follow::IfFlag(index) => self.at_flags(call, index).has("AT_SYMLINK_FOLLOW"),
            Follow::Open(_) => {
                let exclusive = open.has("O_CREAT") && open.has("O_EXCL");
                !(open.has("O_NOFOLLOW") || open.has("O_SYMLINK") || exclusive)
            }
        }
    }

    pub(super) fn kept_flags(&self, call: &Call<'_>, path: &PathArgument, open: Seen<'_>) -> Flags {
        match (path.how, path.follow) {
            (How::Open(_), _) => open.keep(),
            // The permissions that access(2) asks for.
            _ if call.entry.operation == "access" => {
                let at = u8::from(path.directory.is_some());
                Seen::new(call.arguments.get(at + 1), Access::None, ACCESS_MODES).keep()
            }
            (_, Follow::UnlessFlag(index) | Follow::IfFlag(index)) => {
                self.at_flags(call, index).keep()
            }
            _ => Flags::default(),
        }
    }
}

/// The permissions that `access(2)` asks for.
const ACCESS_MODES: &[(i64, &str)] = &[(4, "R_OK"), (2, "W_OK"), (1, "X_OK")];

/// What a call with these flags of `open(2)` does.
fn deed_of_open(flags: Seen<'_>) -> Deed {
    if !flags.are_known() {
        // They are in memory that the tracer did not read: the worst is assumed.
        return Deed::Write;
    }
    if flags.has("O_PATH") {
        return Deed::Read;
    }
    if flags.has("O_CREAT") {
        return Deed::Create;
    }
    let writes = ["O_WRONLY", "O_RDWR", "O_TRUNC", "O_TMPFILE", "__O_TMPFILE"];
    if writes.iter().any(|name| flags.has(name)) {
        return Deed::Write;
    }
    if flags.has("O_DIRECTORY") { Deed::Probe } else { Deed::Read }
}
