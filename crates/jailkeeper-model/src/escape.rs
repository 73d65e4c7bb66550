//! Printing of text that comes from the program in the jail.
//!
//! A path is attacker-controlled: it may hold terminal sequences, line breaks, or characters
//! that turn the direction of writing and make `gnp.exe` look like `exe.png`.

use std::fmt::{self, Display, Formatter, Write};

/// Prints bytes with everything escaped that a terminal or a reader could be deceived by.
///
/// Bytes that are not UTF-8 and ASCII control characters become `\xNN`, other control
/// characters and invisible or direction-changing ones `\u{...}`, and a backslash becomes two,
/// so that different bytes never print alike. Letters that merely look like others are left.
///
/// ```
/// # use jailkeeper_model::escape;
/// assert_eq!(escape(b"/tmp/\x1b[2J\xff").to_string(), r"/tmp/\x1b[2J\xff");
/// assert_eq!(escape("/tmp/\u{202e}gnp".as_bytes()).to_string(), r"/tmp/\u{202e}gnp");
/// assert_eq!(escape(b"abcdef").bounded(4).to_string(), "abc…");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a> {
    bytes: &'a [u8],
    at_most: usize,
}

/// Escapes bytes for printing.
#[must_use]
pub fn escape(bytes: &[u8]) -> Escaped<'_> {
    Escaped::new(bytes)
}

impl<'a> Escaped<'a> {
    /// Escapes bytes for printing.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at_most: usize::MAX }
    }

    /// Cuts what is printed to a number of characters, the last of which is then `…`.
    #[must_use]
    pub fn bounded(self, max_chars: usize) -> Self {
        Self { at_most: max_chars, ..self }
    }

    /// Returns what is printed, piece by piece: an escape is never cut in two.
    fn pieces(self) -> impl Iterator<Item = Piece> {
        self.bytes.utf8_chunks().flat_map(|chunk| {
            let valid = chunk.valid().chars().map(Piece::of);
            valid.chain(chunk.invalid().iter().copied().map(Piece::Byte))
        })
    }

    /// Says whether all of it may be printed; looks no further than needed.
    fn fits(self) -> bool {
        let mut width = 0_usize;
        self.pieces().all(|piece| {
            width = width.saturating_add(piece.width());
            width <= self.at_most
        })
    }
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.fits() {
            return self.pieces().try_for_each(|piece| piece.write(f));
        }
        let Some(mut left) = self.at_most.checked_sub(1) else { return Ok(()) };
        for piece in self.pieces() {
            let Some(rest) = left.checked_sub(piece.width()) else { break };
            left = rest;
            piece.write(f)?;
        }
        f.write_char('…')
    }
}

/// What is printed for one character, or for one byte that is none.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Plain(char),
    Backslash,
    Byte(u8),
    Code(char),
}

impl Piece {
    fn of(character: char) -> Self {
        match character {
            '\\' => Self::Backslash,
            '\0'..='\x1f' | '\x7f' => {
                u8::try_from(character).map_or(Self::Code(character), Self::Byte)
            }
            _ if deceives(character) => Self::Code(character),
            _ => Self::Plain(character),
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Backslash => 2,
            Self::Byte(_) => 4,
            Self::Code(character) => character.escape_unicode().len(),
        }
    }

    fn write(self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(character) => f.write_char(character),
            Self::Backslash => f.write_str(r"\\"),
            Self::Byte(byte) => write!(f, "\\x{byte:02x}"),
            Self::Code(character) => write!(f, "{}", character.escape_unicode()),
        }
    }
}

/// Says whether a character can be printed as it is.
pub(crate) fn is_harmless(character: char) -> bool {
    matches!(Piece::of(character), Piece::Plain(_) | Piece::Backslash)
}

/// Says whether a character beyond ASCII is invisible or changes what stands beside it.
fn deceives(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}' // C1: some terminals take U+009B for ESC [
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' // zero width, and direction marks
        | '\u{2028}'..='\u{202e}' // line and paragraph separators, direction overrides
        | '\u{2060}'..='\u{206f}' // word joiner, direction isolates
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' // tags
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        escape(text.as_bytes()).to_string()
    }

    #[test]
    fn plain_text_of_any_script_stays() {
        for text in ["/home/u/a b.txt", "/größe/日本語/🦀", "--flag='x'"] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn every_dangerous_character_is_escaped() {
        let ranges: [std::ops::RangeInclusive<u32>; 7] = [
            0..=0x1f,
            0x7f..=0x9f,
            0x200b..=0x200f,
            0x2028..=0x2029,
            0x202a..=0x202e,
            0x2066..=0x2069,
            0xfeff..=0xfeff,
        ];
        for code in ranges.into_iter().flatten() {
            let character = char::from_u32(code).unwrap();
            let text = shown(&character.to_string());
            assert!(text.is_ascii() && text.starts_with('\\'), "{code:x} is printed as {text}");
            assert!(!text.chars().any(char::is_control), "{code:x}");
        }
    }

    #[test]
    fn different_bytes_never_print_alike() {
        let samples: [&[u8]; 7] =
            [b"\x1b", br"\x1b", b"\xc2\x9b", b"\x9b", br"\u{9b}", b"\\", br"\\"];
        let printed: std::collections::HashSet<_> =
            samples.iter().map(|bytes| escape(bytes).to_string()).collect();
        assert_eq!(printed.len(), samples.len(), "{printed:?}");
    }

    #[test]
    fn a_bound_holds_and_cuts_no_escape() {
        let text = b"ab\x1b[0m";
        let cut = |at_most| escape(text).bounded(at_most).to_string();
        assert_eq!(cut(9), r"ab\x1b[0m");
        assert_eq!(cut(8), r"ab\x1b[…");
        assert_eq!(cut(6), "ab…");
        assert_eq!(cut(1), "…");
        assert_eq!(cut(0), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_printed_is_never_dangerous_and_never_too_long(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            text in any::<String>(),
            at_most in 0..40_usize,
        ) {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let whole = escape(bytes).to_string();
                prop_assert!(!whole.chars().any(char::is_control));
                let cut = escape(bytes).bounded(at_most).to_string();
                prop_assert!(cut.chars().count() <= at_most);
                prop_assert!(cut == whole || at_most == 0 || cut.ends_with('…'));
            }
        }
    }
}
