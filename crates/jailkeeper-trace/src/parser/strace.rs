//! `strace -f` on Linux.
//!
//! A call is written when it returns; if another process is written in between, in two parts,
//! `<unfinished ...>` and `<... NAME resumed>`. On stderr a message of strace's own can break a line
//! in two. Text is escaped, so no text of the traced program can look like anything else.

use super::{Parser, name, noise, outcome, prefix};
use crate::dialect::Quoting;
use crate::record::{Call, End, Maker, Outcome, Record, What};
use crate::value::Arguments;
use crate::vocabulary::{self, Entry, State};
use std::time::Duration;

const UNFINISHED: &[u8] = b"<unfinished ...>";

impl Parser {
    pub(super) fn strace<'a>(&'a mut self, line: &'a [u8]) -> Record<'a> {
        if !self.broken.is_empty() {
            self.whole.clear();
            self.whole.append(&mut self.broken);
            self.whole.extend_from_slice(line);
            let whole = std::mem::take(&mut self.whole);
            return self.strace_line(Source::Owned(whole));
        }
        if let Some(at) = message_inside(line) {
            let (call, message) = line.split_at(at);
            self.broken.extend_from_slice(call);
            let mut born = message_of_strace(message).unwrap_or_else(|| noise(None));
            // What is interrupted is the call that makes the process.
            let (pid, _, text) = head(call);
            let entry = name(text).and_then(|(name, _)| vocabulary::find(name));
            if let (What::Born(maker), Some(entry)) = (&mut born.what, entry) {
                *maker = Some(Maker { pid, entry, text });
            }
            return born;
        }
        self.strace_line(Source::Borrowed(line))
    }

    fn strace_line<'a>(&'a mut self, source: Source<'a>) -> Record<'a> {
        let line = match source {
            Source::Borrowed(line) => line,
            Source::Owned(whole) => {
                self.whole = whole;
                return self.strace_whole();
            }
        };
        let (pid, time, text) = head(line);
        let what = match text.first() {
            Some(b'+') => {
                let what = ended(text);
                // From here on the thread has the pid of its process, and its call too.
                if let What::Superseded(thread) = what
                    && let Some(begun) = self.pending.remove(&Some(thread))
                {
                    self.pending.insert(pid, begun);
                }
                what
            }
            Some(b'<') => return self.resumed(pid, time, text),
            Some(b's' | b'P') if text.starts_with(b"strace: ") || text.starts_with(b"Process ") => {
                return message_of_strace(text).unwrap_or_else(|| noise(pid));
            }
            _ => match name(text) {
                None => What::Noise,
                Some((name, arguments)) => match vocabulary::find(name) {
                    None => What::Other,
                    Some(entry) => match unfinished(text) {
                        Some(begun) => {
                            self.remember(pid, begun);
                            What::Began(entry, begun)
                        }
                        None => call(entry, arguments),
                    },
                },
            },
        };
        Record { pid, time, what }
    }

    /// A line that was put together in `whole`.
    fn strace_whole(&mut self) -> Record<'_> {
        let whole = std::mem::take(&mut self.whole);
        let (pid, time, text) = head(&whole);
        if let Some((name, _)) = name(text)
            && let Some(entry) = vocabulary::find(name)
            && let Some(begun) = unfinished(text)
        {
            self.remember(pid, begun);
            return Record { pid, time, what: What::Began(entry, b"") };
        }
        self.whole = whole;
        let (pid, time, text) = head(&self.whole);
        Record { pid, time, what: finished(text) }
    }

    /// The second part of a call.
    fn resumed<'a>(
        &'a mut self,
        pid: Option<u32>,
        time: Option<Duration>,
        text: &'a [u8],
    ) -> Record<'a> {
        let Some(end) = text.windows(9).position(|window| window == b" resumed>") else {
            return Record { pid, time, what: What::Noise };
        };
        let Some(begun) = self.pending.remove(&pid) else {
            return Record { pid, time, what: What::Other };
        };
        self.whole = begun;
        let rest = text.get(end + 9..).unwrap_or_default();
        self.whole.extend_from_slice(rest);
        if let Some(again) = unfinished(&self.whole).map(<[u8]>::to_vec) {
            self.remember(pid, &again);
            return Record { pid, time, what: What::Other };
        }
        Record { pid, time, what: finished(&self.whole) }
    }
}

enum Source<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

/// Understands a call that is whole.
fn finished(text: &[u8]) -> What<'_> {
    match name(text) {
        Some((name, arguments)) => match vocabulary::find(name) {
            Some(entry) => call(entry, arguments),
            None => What::Other,
        },
        None => What::Noise,
    }
}

fn call<'a>(entry: &'static Entry, text: &'a [u8]) -> What<'a> {
    let (arguments, rest) = Arguments::parse(text, Quoting::C);
    let Some(rest) = rest else { return What::Garbled(entry) };
    match outcome::strace(rest) {
        Some((outcome, opened)) => What::Call(Call { entry, arguments, outcome, opened }),
        None if entry.state == State::Exits => {
            What::Call(Call { entry, arguments, outcome: Outcome::Unknown, opened: None })
        }
        None => What::Garbled(entry),
    }
}

/// Cuts process, time and what else strace writes before a call.
fn head(line: &[u8]) -> (Option<u32>, Option<Duration>, &[u8]) {
    let mut text = prefix::blanks(line);
    let mut pid = None;
    if let Some(rest) = text.strip_prefix(b"[pid ") {
        let rest = prefix::blanks(rest);
        if let Some((number, rest)) = prefix::digits(rest)
            && let Some(end) = rest.iter().position(|byte| *byte == b']')
        {
            pid = Some(number);
            text = prefix::blanks(rest.get(end + 1..).unwrap_or_default());
        }
    } else if let Some((number, rest)) = prefix::digits(text) {
        // The name of the program (`-Y`), or blanks. A time goes on differently.
        let rest = match rest.strip_prefix(b"<") {
            Some(named) => {
                let end = named.windows(2).position(|pair| pair == b"> ");
                end.and_then(|end| named.get(end + 1..)).unwrap_or(rest)
            }
            None => rest,
        };
        if rest.first() == Some(&b' ') {
            pid = Some(number);
            text = prefix::blanks(rest);
        }
    }
    let mut time = None;
    // `(+ 0.000012)` of `-r` together with `-t`, and `[ 59]` or `[00007f]` of `-n` and `-i`.
    for _ in 0..3 {
        if let Some((found, rest)) = prefix::time(text) {
            time = found.or(time);
            text = rest;
        }
        let closing = match text {
            [b'(', b'+', ..] => b')',
            [b'[', byte, ..] if *byte == b' ' || byte.is_ascii_hexdigit() => b']',
            _ => break,
        };
        match text.iter().position(|byte| *byte == closing) {
            Some(end) => text = prefix::blanks(text.get(end + 1..).unwrap_or_default()),
            None => break,
        }
    }
    (pid, time, text)
}

/// Returns what was written of a call that has not ended.
fn unfinished(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_end();
    text.strip_suffix(UNFINISHED).map(<[u8]>::trim_ascii_end)
}

/// `+++ exited with 0 +++`, `+++ killed by SIGKILL +++`, `+++ superseded by execve in pid 3 +++`.
fn ended(text: &[u8]) -> What<'_> {
    let Some(text) = text.strip_prefix(b"+++ ") else { return What::Noise };
    if let Some(rest) = text.strip_prefix(b"exited with ") {
        let code = prefix::digits(rest).and_then(|(code, _)| i32::try_from(code).ok());
        return What::Ended(End::Exited(code));
    }
    if text.starts_with(b"killed by ") {
        return What::Ended(End::Killed);
    }
    let by = text.strip_prefix(b"superseded by execve in pid ");
    match by.and_then(prefix::digits) {
        Some((pid, _)) => What::Superseded(pid),
        None => What::Noise,
    }
}

/// `strace: Process 12 attached`; strace has followed a fork.
fn message_of_strace(text: &[u8]) -> Option<Record<'_>> {
    let text = text.strip_prefix(b"strace: ").unwrap_or(text);
    let rest = text.strip_prefix(b"Process ")?;
    let (pid, rest) = prefix::digits(rest)?;
    let what = if rest.starts_with(b" attached") { What::Born(None) } else { What::Noise };
    Some(Record { pid: Some(pid), time: None, what })
}

/// Finds where a message of strace's own begins in the middle of a line. A call that is written at
/// once ends with its outcome, and text in it has no end of a line.
fn message_inside(line: &[u8]) -> Option<usize> {
    const MESSAGE: &[u8] = b"strace: Process ";
    if !line.ends_with(b"attached") {
        return None;
    }
    let at = line.windows(MESSAGE.len()).rposition(|window| window == MESSAGE)?;
    let before = line.get(..at)?;
    let quotes = before.iter().filter(|byte| **byte == b'"').count();
    (at > 0 && before.contains(&b'(') && quotes % 2 == 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    fn pid_and_name(parser: &mut Parser, line: &str) -> (Option<u32>, String) {
        let record = parser.line(line.as_bytes());
        let what = match record.what {
            What::Call(call) => format!("{} {:?}", call.entry.name, call.outcome),
            What::Began(entry, _) => format!("began {}", entry.name),
            What::Garbled(entry) => format!("garbled {}", entry.name),
            other => format!("{other:?}"),
        };
        (record.pid, what)
    }

    #[test]
    fn every_kind_of_beginning_is_passed_over() {
        let mut parser = Parser::new(Dialect::Strace);
        for (before, pid) in [
            ("", None),
            ("12 ", Some(12)),
            ("12    ", Some(12)),
            ("12<bash> ", Some(12)),
            ("[pid 12] ", Some(12)),
            ("[pid    12] ", Some(12)),
            ("[pid 12<sh>] ", Some(12)),
            ("12:34:56 ", None),
            ("12 12:34:56.123456 ", Some(12)),
            ("12 1795509945.828351 ", Some(12)),
            ("     0.000012 ", None),
            ("12      0.000012 ", Some(12)),
            ("12 12:34:56 (+     0.000012) ", Some(12)),
            ("12 [00007f3ab4d61c4b] ", Some(12)),
            ("[pid 12] [ 257] ", Some(12)),
        ] {
            let line = format!("{before}open(\"x\", O_RDONLY) = 3");
            let expected = (pid, "open Returned(3)".to_owned());
            assert_eq!(pid_and_name(&mut parser, &line), expected, "{line}");
        }
    }

    #[test]
    fn two_parts_become_one() {
        let mut parser = Parser::new(Dialect::Strace);
        assert_eq!(
            pid_and_name(&mut parser, "[pid 3] openat(AT_FDCWD, \"x\",  <unfinished ...>"),
            (Some(3), "began openat".into())
        );
        assert_eq!(pid_and_name(&mut parser, "4 read(0, ").1, "Other");
        let record = parser.line(b"[pid 3] <... openat resumed>O_RDONLY) = -1 ENOENT (No such)");
        let What::Call(call) = record.what else { unreachable!("{record:?}") };
        assert_eq!(call.outcome, Outcome::Missing);
        assert_eq!(call.arguments.get(1).text().unwrap().bytes().as_ref(), b"x");
        assert_eq!(pid_and_name(&mut parser, "3 <... openat resumed>) = 3").1, "Other");
    }

    #[test]
    fn a_message_in_the_middle_of_a_line_is_taken_out() {
        let mut parser = Parser::new(Dialect::Strace);
        let born = parser.line(b"clone(child_stack=NULL, flags=SIGCHLDstrace: Process 9 attached");
        let What::Born(Some(maker)) = born.what else { unreachable!("{born:?}") };
        assert_eq!((born.pid, maker.pid, maker.entry.name), (Some(9), None, "clone"));
        assert_eq!(
            pid_and_name(&mut parser, ", child_tidptr=0x7f) = 9"),
            (None, "clone Returned(9)".into())
        );
        let named = r#"open("strace: Process 1 attached", O_RDONLY) = 3"#;
        assert_eq!(pid_and_name(&mut parser, named).1, "open Returned(3)");
    }

    #[test]
    fn ends_and_noise_are_told_apart() {
        let mut parser = Parser::new(Dialect::Strace);
        for (line, expected) in [
            ("7 +++ exited with 3 +++", "Ended(Exited(Some(3)))"),
            ("7 +++ killed by SIGKILL (core dumped) +++", "Ended(Killed)"),
            ("7 +++ superseded by execve in pid 8 +++", "Superseded(8)"),
            ("7 --- SIGCHLD {si_signo=SIGCHLD} ---", "Noise"),
            ("7 --- stopped by SIGSTOP ---", "Noise"),
            ("7 exit_group(0) = ?", "exit_group Unknown"),
            (" > /lib/libc.so.6(open+0x1) [0x2]", "Noise"),
            ("[ Process PID=7 runs in 32 bit mode. ]", "Noise"),
            ("7 open(\"x", "garbled open"),
            ("7 open(\"x\", O_RDONLY) garbage", "garbled open"),
            ("", "Noise"),
        ] {
            assert_eq!(pid_and_name(&mut parser, line).1, expected, "{line}");
        }
    }
}
