//! Text between quotes, as tracers write it.

use crate::dialect::Quoting;
use std::borrow::Cow;

/// Text as it stands in a line, between quotes and with escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
    quoting: Quoting,
    cut: bool,
}

impl<'a> Text<'a> {
    pub(crate) fn new(raw: &'a [u8], quoting: Quoting, cut: bool) -> Self {
        Self { raw, quoting, cut }
    }

    /// Text that is meant as it is.
    #[must_use]
    pub fn plain(text: &'a [u8]) -> Self {
        Self::new(text, Quoting::Raw, false)
    }

    /// Tells whether the tracer left a part of it out. Where the whole would lead is not known.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Returns the bytes that are meant.
    #[must_use]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        if self.quoting == Quoting::Raw || !self.raw.contains(&b'\\') {
            return Cow::Borrowed(self.raw);
        }
        let mut bytes = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            let (meant, after) = match self.quoting {
                Quoting::Vis => vis_escape(rest),
                _ => c_escape(rest),
            };
            rest = after;
            bytes.push(meant);
        }
        Cow::Owned(bytes)
    }
}

/// Reads what stands behind a backslash; one that means nothing stands for itself.
fn c_escape(text: &[u8]) -> (u8, &[u8]) {
    let Some((&byte, rest)) = text.split_first() else { return (b'\\', text) };
    match byte {
        b'n' => (b'\n', rest),
        b't' => (b'\t', rest),
        b'r' => (b'\r', rest),
        b'v' => (0x0b, rest),
        b'f' => (0x0c, rest),
        b'a' => (0x07, rest),
        b'b' => (0x08, rest),
        b'e' => (0x1b, rest),
        b'0'..=b'7' => digits(text, 8, 3),
        b'x' if rest.first().is_some_and(u8::is_ascii_hexdigit) => digits(rest, 16, 2),
        _ => (byte, rest),
    }
}

/// Reads up to so many digits. A number of three octal digits keeps its low byte.
fn digits(text: &[u8], base: u32, at_most: usize) -> (u8, &[u8]) {
    let mut value = 0_u32;
    let mut rest = text;
    for _ in 0..at_most {
        let Some((&byte, after)) = rest.split_first() else { break };
        let Some(digit) = char::from(byte).to_digit(base) else { break };
        value = value * base + digit;
        rest = after;
    }
    (u8::try_from(value & 0xff).unwrap_or(0), rest)
}

/// Reads an escape of `vis(3)`.
fn vis_escape(text: &[u8]) -> (u8, &[u8]) {
    match text {
        [b'^', byte, rest @ ..] => (control(*byte), rest),
        [b'M', b'-', byte, rest @ ..] => (byte | 0x80, rest),
        [b'M', b'^', byte, rest @ ..] => (control(*byte) | 0x80, rest),
        [b's', rest @ ..] => (b' ', rest),
        _ => c_escape(text),
    }
}

fn control(byte: u8) -> u8 {
    if byte == b'?' { 0x7f } else { byte & 0x1f }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(raw: &str, quoting: Quoting) -> Vec<u8> {
        Text::new(raw.as_bytes(), quoting, false).bytes().into_owned()
    }

    #[test]
    fn escapes_of_c_are_read() {
        for (raw, expected) in [
            ("plain", &b"plain"[..]),
            (r"a\nb\t\\\x22", b"a\nb\t\\\""),
            (r"x\n\1\377\1771", b"x\n\x01\xff\x7f1"),
            (r"\x2f\x65\x74\x63", b"/etc"),
            (r"\0", b"\0"),
            (r#"\"q\""#, b"\"q\""),
            (r"\", b"\\"),
            (r"\74\76", b"<>"),
        ] {
            assert_eq!(meant(raw, Quoting::C), expected, "{raw}");
        }
    }

    #[test]
    fn escapes_of_vis_are_read() {
        let expected = b"\x01\x7f\xe1\x81\xdb \n\x0d";
        assert_eq!(meant(r"\^A\^?\M-a\M^A\M-[\s\n\015", Quoting::Vis), expected);
    }

    #[test]
    fn raw_text_stays() {
        assert_eq!(meant(r"a\nb", Quoting::Raw), br"a\nb");
    }
}
