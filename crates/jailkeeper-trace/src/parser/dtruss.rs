//! `dtruss -f` on macOS.
//!
//! Everything but text is a number. `DTrace` cuts text at 256 bytes without a word; but it writes the
//! zero at the end of every text, so one without it was cut.

use super::{name, noise, outcome, prefix};
use crate::dialect::Quoting;
use crate::record::{Call, Outcome, Record, What};
use crate::value::{Arguments, Value};
use crate::vocabulary::{self, Entry, State};

pub(super) fn line(line: &[u8]) -> Record<'_> {
    let (pid, text) = head(line);
    if text.starts_with(b"dtrace: ") {
        // `dtrace: 12 drops on CPU 0`, `dtrace: 3 dynamic variable drops with non-empty dirty list`.
        let lost = text.windows(5).any(|window| window == b"drops");
        let failed = text.starts_with(b"dtrace: error on enabled probe");
        let what = if lost || failed { What::Lost } else { What::Noise };
        return Record { pid: None, time: None, what };
    }
    let Some((name, arguments)) = name(text) else { return noise(pid) };
    let what = match vocabulary::find(name) {
        Some(entry) => call(entry, arguments),
        None => What::Other,
    };
    Record { pid, time: None, what }
}

fn call<'a>(entry: &'static Entry, text: &'a [u8]) -> What<'a> {
    let (arguments, rest) = Arguments::parse(text, Quoting::C);
    let Some(rest) = rest else { return What::Garbled(entry) };
    let outcome = match outcome::dtruss(rest) {
        Some(outcome) => outcome,
        None if entry.state == State::Exits => Outcome::Unknown,
        None => return What::Garbled(entry),
    };
    let outcome = match (entry.state, outcome) {
        // Both sides of a fork are written: in the child it returns 0.
        (State::Forks, Outcome::Returned(0)) => Outcome::InChild,
        (_, outcome) => outcome,
    };
    What::Call(Call { entry, arguments, outcome, opened: None })
}

/// Cuts `12345/0x1a2b:` off, and the columns of `-d`, `-e` and `-o`.
fn head(line: &[u8]) -> (Option<u32>, &[u8]) {
    let text = prefix::blanks(line);
    let found = prefix::digits(text).and_then(|(pid, rest)| {
        let rest = rest.strip_prefix(b"/0x")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let rest = rest.get(digits..)?.strip_prefix(b":")?;
        Some((pid, prefix::blanks(rest)))
    });
    let (pid, mut text) = match found {
        Some((pid, text)) => (Some(pid), text),
        None => (None, text),
    };
    while let Some((_, rest)) = prefix::digits(text)
        && matches!(rest.first(), Some(b' ' | b'\t' | b':'))
    {
        text = prefix::blanks(rest.get(1..).unwrap_or_default());
    }
    (pid, text)
}

/// Returns the path in an argument, without the zero that dtruss writes at the end of text, and
/// whether that zero was there.
pub(crate) fn path(value: Value<'_>) -> Option<(Vec<u8>, bool)> {
    let text = value.text()?;
    let mut bytes = text.bytes().into_owned();
    let ended = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => {
            bytes.truncate(end);
            true
        }
        None => false,
    };
    Some((bytes, ended && !text.is_cut()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        for (text, pid, expected) in [
            (
                "91956/0x1cca76:  open(\"/dev/x\\0\", 0x2, 0xFF)\t\t = 3 0",
                Some(91956),
                "open Returned(3)",
            ),
            (
                " 8507/0x1e707:  open_nocancel(\"x\\0\", 0x0, 0x0)\t = -1 Err#2",
                Some(8507),
                "open Missing",
            ),
            ("stat64(\"/usr/lib\\0\", 0x7F, 0x1)\t\t = 0 0", None, "stat64 Returned(0)"),
            (
                "12/0x1:     1234     56      7 open(\"x\\0\", 0x0, 0x0)\t\t = 3 0",
                Some(12),
                "open Returned(3)",
            ),
            ("12/0x1:  fork()\t\t = 0 0", Some(12), "fork InChild"),
            ("12/0x1:  fork()\t\t = 13 0", Some(12), "fork Returned(13)"),
            ("\tPID/THRD  SYSCALL(args) \t\t = return", None, "Noise"),
            ("dtrace: 12 drops on CPU 0", None, "Lost"),
            (
                "dtrace: error on enabled probe ID 2149 (ID 454: syscall::pread:return): invalid",
                None,
                "Lost",
            ),
            (
                "dtrace: system integrity protection is on, some features will not be available",
                None,
                "Noise",
            ),
        ] {
            let record = line(text.as_bytes());
            let what = match record.what {
                What::Call(call) => format!("{} {:?}", call.entry.name, call.outcome),
                other => format!("{other:?}"),
            };
            assert_eq!((record.pid, what.as_str()), (pid, expected), "{text}");
        }
    }

    #[test]
    fn text_without_its_zero_is_cut() {
        let value = crate::value::value(br#""/usr/lib\0""#, Quoting::C);
        assert_eq!(path(value), Some((b"/usr/lib".to_vec(), true)));
        let value = crate::value::value(br#""/usr/lib""#, Quoting::C);
        assert_eq!(path(value), Some((b"/usr/lib".to_vec(), false)));
    }
}
