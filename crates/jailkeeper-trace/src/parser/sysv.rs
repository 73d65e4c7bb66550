//! `truss -f` on illumos, SmartOS and Solaris.
//!
//! Text is written as it is. Within a line that is noticed: a call that matters and does not end as
//! calls end is [garbled](What::Garbled), and so is one with a quote too many ([`is_plausible`]). A
//! name with a line break in it can write whole lines of its own, and is noticed only if it does so
//! carelessly: this tracer cannot watch a program that is out to deceive it.

use super::plausible::is_plausible;
use super::{name, noise, outcome, prefix};
use crate::dialect::{Dialect, Quoting};
use crate::record::{Call, End, Outcome, Record, What};
use crate::value::{Arguments, Value};
use crate::vocabulary::{self, Entry, State};

pub(super) fn line(line: &[u8], dialect: Dialect) -> Record<'_> {
    let (pid, text) = head(line);
    if text.starts_with(b"*** process killed") {
        return Record { pid, time: None, what: What::Ended(End::Killed) };
    }
    if text.starts_with(b"AF_") {
        return Record { pid, time: None, what: What::Detail(text) };
    }
    let Some((name, arguments)) = name(text) else { return noise(pid) };
    let what = match vocabulary::find(name) {
        Some(entry) => call(entry, arguments, dialect),
        None => What::Other,
    };
    Record { pid, time: None, what }
}

fn call<'a>(entry: &'static Entry, text: &'a [u8], dialect: Dialect) -> What<'a> {
    let quoting: Quoting = dialect.quoting();
    let (arguments, rest) = Arguments::parse(text, quoting);
    let Some(rest) = rest else { return What::Garbled(entry) };
    let Some(outcome) = outcome::sysv(rest) else { return What::Garbled(entry) };
    if entry.state == State::Exits {
        let code = match arguments.get(0) {
            Value::Number(code, _) => i32::try_from(code).ok(),
            _ => None,
        };
        return What::Ended(End::Exited(code));
    }
    // A call that sleeps is written again when it returns.
    if outcome == Outcome::Unknown && rest.trim_ascii_start().starts_with(b"(sleeping") {
        return What::Began(entry, text);
    }
    let call = Call { entry, arguments, outcome, opened: None };
    if is_plausible(&call, quoting) { What::Call(call) } else { What::Garbled(entry) }
}

/// Cuts `12345:`, `12345/2:` or `/2:` off, and the times of `-d`, `-D` and `-E`.
fn head(line: &[u8]) -> (Option<u32>, &[u8]) {
    let text = prefix::blanks(line);
    let (pid, rest) = match prefix::digits(text) {
        Some((pid, rest)) => (Some(pid), rest),
        None => (None, text),
    };
    let rest = match rest.strip_prefix(b"/") {
        Some(thread) => prefix::digits(thread).map_or(rest, |(_, rest)| rest),
        None => rest,
    };
    let (pid, mut text) = match rest.strip_prefix(b":") {
        Some(rest) => (pid, prefix::blanks(rest)),
        None => (None, text),
    };
    while let Some((_, rest)) = prefix::time(text) {
        text = rest;
    }
    (pid, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> (Option<u32>, String) {
        let record = line(text.as_bytes(), Dialect::IllumosTruss);
        let what = match record.what {
            What::Call(call) => format!("{} {:?}", call.entry.name, call.outcome),
            What::Garbled(entry) => format!("garbled {}", entry.name),
            other => format!("{other:?}"),
        };
        (record.pid, what)
    }

    #[test]
    fn lines_are_understood() {
        for (text, pid, expected) in [
            ("12:\topen(\"/etc/x\", O_RDONLY)\t\t= 3", Some(12), "open Returned(3)"),
            ("12/2:\topen64(\"x\", O_RDONLY)\tErr#2 ENOENT", Some(12), "open64 Missing"),
            ("/2:\topen(\"x\", O_RDONLY)\t= 3", None, "open Returned(3)"),
            ("open(\"x\", O_RDONLY)\t= 3", None, "open Returned(3)"),
            ("12:\t 0.0012\tstat(\"x\", 0xFF)\t= 0", Some(12), "stat Returned(0)"),
            ("12:\tforkx(0)\t\t\t(returning as child ...)\t= 11", Some(12), "forkx InChild"),
            ("12:\texecve(\"/bin/ls\", 0x08, 0x09)  argc = 2", Some(12), "execve Returned(0)"),
            ("12:\t_exit(3)", Some(12), "Ended(Exited(Some(3)))"),
            ("12:\t\t*** process killed ***", Some(12), "Ended(Killed)"),
            ("12:\t    Received signal #18, SIGCLD [caught]", Some(12), "Noise"),
            ("12:\tread(0, 0x08, 1024)\t(sleeping...)", Some(12), "Other"),
            (
                "12:\tAF_UNIX  name = /x",
                Some(12),
                "Detail([65, 70, 95, 85, 78, 73, 88, 32, 32, 110, 97, 109, 101, 32, 61, 32, 47, 120])",
            ),
        ] {
            assert_eq!(what(text), (pid, expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_name_cannot_pass_for_something_else_unseen() {
        for text in [
            "12:\topen(\"x",
            "12:\topen(\"in\", O_RDONLY) = 3\", O_RDONLY) = 3",
            "12:\topen(\"in\", O_RDONLY)\t= 3 /../../etc/passwd\", O_RDONLY) = 3",
        ] {
            assert_eq!(what(text).1, "garbled open", "{text}");
        }
    }
}
