//! What came of a call, as each dialect writes it.

use crate::record::Outcome;
use crate::value::number;

const ENOENT: i64 = 2;
const ENOTDIR: i64 = 20;

/// The outcome of a call that failed with this number.
pub(super) fn failed(errno: i64) -> Outcome {
    if matches!(errno, ENOENT | ENOTDIR) { Outcome::Missing } else { Outcome::Failed }
}

/// Reads what stands behind the arguments: `= 3</x>`, `= -1 ENOENT (...)`, `= ?`. Returns the name
/// of the file behind a returned descriptor too.
pub(super) fn strace(text: &[u8]) -> Option<(Outcome, Option<&[u8]>)> {
    let text = text.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    if text.starts_with(b"?") {
        return Some((Outcome::Unknown, None));
    }
    let (value, rest) = number(text)?;
    let error = rest.trim_ascii_start();
    if value == -1 && error.starts_with(b"E") {
        let name = error.split(|byte| *byte == b' ').next().unwrap_or_default();
        let missing = matches!(name, b"ENOENT" | b"ENOTDIR");
        return Some((if missing { Outcome::Missing } else { Outcome::Failed }, None));
    }
    Some((Outcome::Returned(value), opened(rest)))
}

/// The name in `</x>`, up to its own end: the duration of `-T` may follow.
fn opened(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"</")?;
    let end = inner.iter().position(|byte| *byte == b'>')?;
    text.get(1..end + 2)
}

/// `= 3`, `= 0xFF`, `Err#2 ENOENT`, with nothing behind it that could be a part of a name.
pub(super) fn sysv(text: &[u8]) -> Option<Outcome> {
    let text = text.trim_ascii();
    if let Some(error) = text.strip_prefix(b"Err#") {
        let (errno, rest) = number(error)?;
        let name = rest.trim_ascii_start();
        return is_plain(name).then(|| failed(errno));
    }
    if let Some(rest) = text.strip_prefix(b"(returning as child ...)") {
        let (_, rest) = number(rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start())?;
        return is_plain(rest).then_some(Outcome::InChild);
    }
    if let Some(rest) = text.strip_prefix(b"argc = ") {
        let (_, rest) = number(rest)?;
        return rest.is_empty().then_some(Outcome::Returned(0));
    }
    if text.starts_with(b"(sleeping...)") || text.is_empty() {
        return Some(Outcome::Unknown);
    }
    let (value, rest) = number(text.strip_prefix(b"=")?.trim_ascii_start())?;
    is_plain(rest.trim_ascii_start()).then_some(Outcome::Returned(value))
}

/// What can stand behind a number: the name of an error, of a signal, a second number.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b' ' | b'\t' | b'_' | b'[' | b']' | b'(' | b')' | b'.' | b'#' | b'-' | b','
            )
    })
}

/// `= 3 (0x3)`, `ERR#2 'No such file or directory'`.
pub(super) fn freebsd(text: &[u8]) -> Option<Outcome> {
    let text = text.trim_ascii();
    if let Some(error) = text.strip_prefix(b"ERR#") {
        let (errno, rest) = number(error)?;
        let words = rest.strip_prefix(b" '").and_then(|rest| rest.strip_suffix(b"'"));
        return is_plain(&words?.to_ascii_uppercase()).then(|| failed(errno));
    }
    // An execve that worked does not return.
    if matches!(text, b"" | b"EJUSTRETURN" | b"JUSTRETURN") {
        return Some(Outcome::Unknown);
    }
    let (value, rest) = number(text.strip_prefix(b"=")?.trim_ascii_start())?;
    is_plain(rest).then_some(Outcome::Returned(value))
}

/// `= 3 0`, `= -1 Err#2`.
pub(super) fn dtruss(text: &[u8]) -> Option<Outcome> {
    let text = text.trim_ascii().strip_prefix(b"=")?.trim_ascii_start();
    let (value, rest) = number(text)?;
    match rest.trim_ascii_start().strip_prefix(b"Err#") {
        Some(error) => number(error).map(|(errno, _)| match errno {
            // EJUSTRETURN: an execve that worked.
            -2 => Outcome::Returned(0),
            errno => failed(errno),
        }),
        None => Some(Outcome::Returned(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failed, InChild, Missing, Returned, Unknown};

    #[test]
    fn outcomes_are_read_in_every_dialect() {
        for (text, expected) in [
            (" = 3</etc/passwd>", Some((Returned(3), Some(&b"/etc/passwd"[..])))),
            (" = 3</a> <0.000012>", Some((Returned(3), Some(&b"/a"[..])))),
            ("    = -1 ENOENT (No such file or directory)", Some((Missing, None))),
            (" = -1 EACCES (Permission denied) (INJECTED)", Some((Failed, None))),
            (" = ?", Some((Unknown, None))),
            (" = ? ERESTARTSYS (To be restarted)", Some((Unknown, None))),
            (" = 0x7f12", Some((Returned(0x7f12), None))),
            (" = 5<socket:[12]>", Some((Returned(5), None))),
            ("", None),
        ] {
            assert_eq!(strace(text.as_bytes()), expected, "{text}");
        }
        for (text, expected) in [
            ("\t\t= 3", Some(Returned(3))),
            ("\tErr#2 ENOENT", Some(Missing)),
            (" Err#13 EACCES [file_dac_read]", Some(Failed)),
            ("\t(returning as child ...)\t= 12", Some(InChild)),
            ("  argc = 2", Some(Returned(0))),
            (" = 3\", O_RDONLY) = 4", None),
            (" = 3 /../etc/passwd", None),
        ] {
            assert_eq!(sysv(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(freebsd(b"\t = 3 (0x3)"), Some(Returned(3)));
        assert_eq!(freebsd(b" ERR#2 'No such file or directory'"), Some(Missing));
        assert_eq!(dtruss(b"\t\t = -1 Err#2"), Some(Missing));
        assert_eq!(dtruss(b"\t\t = 0x10 0"), Some(Returned(16)));
    }
}
