//! What stands before a call: the process and the time.

use std::time::Duration;

/// Passes blanks over.
pub(super) fn blanks(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

/// Reads decimal digits.
pub(super) fn digits(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, rest))
}

/// Reads a time: `12:34:56`, `12:34:56.123456`, `1234567890.123456` or `0.000123`, with blanks behind
/// it. Only a time since 1970 is returned.
pub(super) fn time(text: &[u8]) -> Option<(Option<Duration>, &[u8])> {
    let length =
        text.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')).count();
    let (written, rest) = text.split_at(length);
    if !matches!(rest.first(), Some(b' ' | b'\t'))
        || !written.first()?.is_ascii_digit()
        || !written.last()?.is_ascii_digit()
    {
        return None;
    }
    let rest = blanks(rest);
    if written.contains(&b':') {
        return Some((None, rest));
    }
    let (seconds, fraction) = written.split_at(written.iter().position(|byte| *byte == b'.')?);
    let seconds: u64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    let mut nanoseconds = 0_u32;
    let mut scale = 100_000_000;
    for byte in fraction.get(1..)?.iter().take(9) {
        nanoseconds += u32::from(byte.checked_sub(b'0')?) * scale;
        scale /= 10;
    }
    // What is less is a time since something else.
    let since_1970 = seconds > 100_000_000;
    Some((since_1970.then(|| Duration::new(seconds, nanoseconds.min(999_999_999))), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_kinds_are_passed_over() {
        for (text, expected) in [
            ("12:34:56 open(", None),
            ("12:34:56.000123 open(", None),
            ("0.000123 open(", None),
            ("1795509945.828351 open(", Some(Duration::new(1_795_509_945, 828_351_000))),
        ] {
            assert_eq!(time(text.as_bytes()), Some((expected, &b"open("[..])), "{text}");
        }
        for text in ["open(", "123 open(", "1.2", ".5 open(", "739: open("] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }
}
