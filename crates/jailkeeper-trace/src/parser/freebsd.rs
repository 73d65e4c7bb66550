//! `truss -f` on FreeBSD.
//!
//! Names are escaped, but for their quotes: see [`is_plausible`].

use super::plausible::is_plausible;
use super::{name, noise, outcome, prefix};
use crate::dialect::Quoting;
use crate::record::{Call, End, Record, What};
use crate::value::Arguments;
use crate::vocabulary::{self, Entry, State};

pub(super) fn line(line: &[u8]) -> Record<'_> {
    let (pid, text) = head(line);
    if let Some(what) = message(text) {
        return Record { pid, time: None, what };
    }
    let Some((name, arguments)) = name(text) else { return noise(pid) };
    let what = match vocabulary::find(name) {
        // The end comes in a line of its own.
        Some(entry) if entry.state == State::Exits => What::Other,
        Some(entry) => call(entry, arguments),
        None => What::Other,
    };
    Record { pid, time: None, what }
}

fn message(text: &[u8]) -> Option<What<'_>> {
    if text.starts_with(b"<new process>") {
        return Some(What::Born(None));
    }
    if let Some(code) = text.strip_prefix(b"process exit, rval = ") {
        let code = prefix::digits(code).and_then(|(code, _)| i32::try_from(code).ok());
        return Some(What::Ended(End::Exited(code)));
    }
    text.starts_with(b"process killed").then_some(What::Ended(End::Killed))
}

fn call<'a>(entry: &'static Entry, text: &'a [u8]) -> What<'a> {
    let (arguments, rest) = Arguments::parse(text, Quoting::Vis);
    match rest.and_then(outcome::freebsd) {
        Some(outcome) => {
            let call = Call { entry, arguments, outcome, opened: None };
            if is_plausible(&call, Quoting::Vis) { What::Call(call) } else { What::Garbled(entry) }
        }
        None => What::Garbled(entry),
    }
}

/// Cuts `12345: ` or `12345 100123: ` off, and the times of `-d` and `-D` on either side.
fn head(line: &[u8]) -> (Option<u32>, &[u8]) {
    let text = times(prefix::blanks(line));
    let Some((pid, rest)) = prefix::digits(text) else { return (None, text) };
    let rest = match rest.strip_prefix(b" ") {
        Some(thread) => prefix::digits(prefix::blanks(thread)).map_or(rest, |(_, rest)| rest),
        None => rest,
    };
    match rest.strip_prefix(b":") {
        Some(rest) => (Some(pid), times(prefix::blanks(rest))),
        None => (None, text),
    }
}

fn times(mut text: &[u8]) -> &[u8] {
    while let Some((_, rest)) = prefix::time(text) {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        for (text, pid, expected) in [
            (
                "  739: stat(\"/root/x\",0xbf) ERR#2 'No such file or directory'",
                Some(739),
                "stat Missing",
            ),
            ("12: openat(AT_FDCWD,\"/x\",O_RDONLY,00)\t = 3 (0x3)", Some(12), "openat Returned(3)"),
            ("12 100123: open(\"x\",O_RDONLY,00) = 3 (0x3)", Some(12), "open Returned(3)"),
            ("12: 0.000123456 open(\"x\",O_RDONLY,00) = 3 (0x3)", Some(12), "open Returned(3)"),
            ("open(\"x\",O_RDONLY,00) = 3 (0x3)", None, "open Returned(3)"),
            ("12: <new process>", Some(12), "Born(None)"),
            ("12: process exit, rval = 7", Some(12), "Ended(Exited(Some(7)))"),
            ("12: process killed, signal = 9", Some(12), "Ended(Killed)"),
            ("12: SIGNAL 20 (SIGCHLD) code=CLD_EXITED", Some(12), "Noise"),
            ("12: exit(0x0)", Some(12), "Other"),
            ("12: open(\"x", Some(12), "garbled open"),
        ] {
            let record = line(text.as_bytes());
            let what = match record.what {
                What::Call(call) => format!("{} {:?}", call.entry.name, call.outcome),
                What::Garbled(entry) => format!("garbled {}", entry.name),
                other => format!("{other:?}"),
            };
            assert_eq!((record.pid, what.as_str()), (pid, expected), "{text}");
        }
    }
}
