//! The arguments of a call, cut apart.

use crate::dialect::Quoting;
use crate::text::Text;

/// How many arguments of a call are kept; no call that matters has more.
const ARGUMENTS_AT_MOST: usize = 8;

/// How long a comment or the name of a descriptor can be, in bytes. It bounds how far is looked for
/// its end, so that a line with many beginnings and no end is not gone through again for each.
const ASIDE_AT_MOST: usize = 20 * 1024;

/// One argument, as the tracer wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// There is none.
    Missing,
    /// Text between quotes.
    Text(Text<'a>),
    /// A number, and what strace's `-y` says about it: the name of the file behind a descriptor.
    Number(i64, Option<&'a [u8]>),
    /// Anything else: names of flags, a structure in braces, a list in brackets.
    Word(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Returns it as text.
    #[must_use]
    pub fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns it as it is written, unless it is text or a number.
    #[must_use]
    pub fn word(self) -> Option<&'a [u8]> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The arguments of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments<'a> {
    list: [Value<'a>; ARGUMENTS_AT_MOST],
    /// All of them as they are written.
    pub raw: &'a [u8],
}

impl<'a> Arguments<'a> {
    /// Makes arguments of values, for a tracer that has read them itself; `raw` is for the names of
    /// flags.
    #[must_use]
    pub fn of(values: &[Value<'a>], raw: &'a [u8]) -> Self {
        let mut list = [Value::Missing; ARGUMENTS_AT_MOST];
        for (slot, value) in list.iter_mut().zip(values) {
            *slot = *value;
        }
        Self { list, raw }
    }

    /// Returns one by its place, from 0 on.
    #[must_use]
    pub fn get(&self, index: u8) -> Value<'a> {
        self.list.get(usize::from(index)).copied().unwrap_or(Value::Missing)
    }

    /// Cuts arguments apart, up to the closing parenthesis. Returns what is behind it; `None` if
    /// there is no such end.
    pub(crate) fn parse(text: &'a [u8], quoting: Quoting) -> (Self, Option<&'a [u8]>) {
        let mut arguments = Self { list: [Value::Missing; ARGUMENTS_AT_MOST], raw: text };
        let mut at = 0;
        let mut index = 0;
        loop {
            while text.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
                at += 1;
            }
            let begin = at;
            let end = skip_argument(text, &mut at, quoting);
            let written = text.get(begin..at).unwrap_or_default();
            if let Some(slot) = arguments.list.get_mut(index) {
                *slot = value(written, quoting);
            }
            index += 1;
            match end {
                Some(b',') => at += 1,
                Some(_) => {
                    arguments.raw = text.get(..at).unwrap_or_default();
                    return (arguments, text.get(at + 1..));
                }
                None => return (arguments, None),
            }
        }
    }
}

/// Goes to the comma or closing parenthesis behind an argument; `None` at the end of the text.
fn skip_argument(text: &[u8], at: &mut usize, quoting: Quoting) -> Option<u8> {
    let mut depth = 0_usize;
    while let Some(&byte) = text.get(*at) {
        match byte {
            b'"' => {
                match quote_end(text, *at, quoting) {
                    Some(end) => *at = end,
                    None => *at = text.len(),
                }
                continue;
            }
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b',' if depth == 0 => return Some(byte),
            b')' | b'}' | b']' => depth = depth.saturating_sub(1),
            // What strace says of a descriptor; there `<` and `>` are escaped.
            b'<' if quoting == Quoting::C => {
                if let Some(end) = annotation_end(text, *at) {
                    *at = end;
                    continue;
                }
            }
            b'/' if text.get(*at + 1) == Some(&b'*') => {
                let rest = text.get(*at + 2..).unwrap_or_default();
                let rest = rest.get(..ASIDE_AT_MOST).unwrap_or(rest);
                if let Some(end) = rest.windows(2).position(|pair| pair == b"*/") {
                    *at += end + 4;
                    continue;
                }
            }
            _ => {}
        }
        *at += 1;
    }
    None
}

/// Returns where quoted text has ended, behind its closing quote; `None` if it has not.
pub(crate) fn quote_end(text: &[u8], open: usize, quoting: Quoting) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match text.get(at)? {
            b'\\' if quoting == Quoting::C => at += 2,
            b'\\' if quoting == Quoting::Vis => {
                at += 1 + escape_length(text.get(at + 1..).unwrap_or_default());
            }
            // A quote that is written as it is has something behind it that can stand there.
            b'"' if quoting != Quoting::C && !can_end(text.get(at + 1..).unwrap_or_default()) => {
                at += 1;
            }
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Tells whether this can stand behind the end of text.
fn can_end(behind: &[u8]) -> bool {
    matches!(behind, [] | [b',' | b')' | b'.', ..] | [b' ', b']' | b'}', ..])
}

/// How long an escape of `vis(3)` is, behind its backslash: `^A`, `M-a`, `M^A`, `n`.
pub(crate) fn escape_length(text: &[u8]) -> usize {
    match text {
        [b'M', b'-' | b'^', ..] => 3,
        [b'^', ..] => 2,
        _ => 1,
    }
}

/// Returns where an annotation has ended, behind its `>`. Of sockets it can hold `->`.
fn annotation_end(text: &[u8], open: usize) -> Option<usize> {
    // In a path `<` and `>` are escaped, and quotes are not.
    let is_path = text.get(open + 1) == Some(&b'/');
    let text = text.get(..open + ASIDE_AT_MOST).unwrap_or(text);
    let mut at = open + 1;
    let mut depth = 1_usize;
    loop {
        match text.get(at)? {
            b'>' if is_path => return Some(at + 1),
            _ if is_path => at += 1,
            b'"' => at = quote_end(text, at, Quoting::C)?,
            b'-' if text.get(at + 1) == Some(&b'>') => at += 2,
            b'<' => {
                depth += 1;
                at += 1;
            }
            b'>' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

/// Understands one argument.
pub(crate) fn value(written: &[u8], quoting: Quoting) -> Value<'_> {
    let written = written.trim_ascii_end();
    match written.first() {
        None => Value::Missing,
        Some(b'"') => text(written, quoting),
        Some(b'0'..=b'9' | b'-' | b'+') => match number(written) {
            Some((number, [])) => Value::Number(number, None),
            Some((number, rest)) => match annotation(rest) {
                Some(name) => Value::Number(number, Some(name)),
                None => Value::Word(written),
            },
            None => Value::Word(written),
        },
        Some(_) => Value::Word(written),
    }
}

/// Understands quoted text. It is cut if dots follow, or if it never ends.
fn text(written: &[u8], quoting: Quoting) -> Value<'_> {
    let (end, open_ended) = match quote_end(written, 0, quoting) {
        Some(end) => (end - 1, false),
        None => (written.len(), true),
    };
    let inner = written.get(1..end).unwrap_or_default();
    let behind = written.get(end + 1..).unwrap_or_default();
    Value::Text(Text::new(inner, quoting, open_ended || behind.starts_with(b"..")))
}

/// Returns what stands between `<` and `>` at the end of an argument, if it is a path.
pub(crate) fn annotation(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"<")?;
    let end = inner.iter().rposition(|byte| *byte == b'>')?;
    inner.get(..end)
}

/// Reads a number, decimal, octal or hexadecimal, and returns what follows it.
pub(crate) fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => (8, rest),
        _ => (10, digits),
    };
    let length = digits.iter().take_while(|byte| char::from(**byte).is_digit(base)).count();
    if length == 0 {
        return None;
    }
    let (digits, rest) = digits.split_at(length);
    let mut value = 0_u64;
    for byte in digits {
        let digit = char::from(*byte).to_digit(base)?;
        value = value.checked_mul(base.into())?.checked_add(digit.into())?;
    }
    let value = value.cast_signed();
    Some((if negative { value.wrapping_neg() } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Vec<Value<'_>>, Option<&[u8]>) {
        let (arguments, rest) = Arguments::parse(text.as_bytes(), Quoting::C);
        let list = arguments.list.into_iter().take_while(|value| *value != Value::Missing);
        (list.collect(), rest)
    }

    fn quoted(text: &str, cut: bool) -> Value<'_> {
        Value::Text(Text::new(text.as_bytes(), Quoting::C, cut))
    }

    #[test]
    fn arguments_are_cut_apart() {
        let (list, rest) =
            parse(r#"AT_FDCWD</a b>, "x, \")", {a=[1, 2], b="y)"}, O_RDONLY|O_X) = 3"#);
        assert_eq!(rest, Some(&b" = 3"[..]));
        assert_eq!(
            list,
            [
                Value::Word(b"AT_FDCWD</a b>"),
                quoted(r#"x, \")"#, false),
                Value::Word(br#"{a=[1, 2], b="y)"}"#),
                Value::Word(b"O_RDONLY|O_X"),
            ]
        );
    }

    #[test]
    fn descriptors_have_names() {
        let (list, _) = parse("3</a\"-\\76\\74, b)>, 4<socket:[1]>, 0x1f, 017, -100)");
        assert_eq!(
            list,
            [
                Value::Number(3, Some(br#"/a"-\76\74, b)"#)),
                Value::Number(4, Some(b"socket:[1]")),
                Value::Number(31, None),
                Value::Number(15, None),
                Value::Number(-100, None),
            ]
        );
    }

    #[test]
    fn cut_text_says_so() {
        assert_eq!(parse(r#""abc"..., 3)"#).0, [quoted("abc", true), Value::Number(3, None)]);
        let (list, rest) = parse(r#""abc"#);
        assert_eq!((list, rest), (vec![quoted("abc", true)], None));
    }

    #[test]
    fn raw_text_ends_where_an_argument_can_end() {
        let (arguments, rest) = Arguments::parse(br#""a"b", O_RDONLY)"#, Quoting::Raw);
        assert_eq!(arguments.get(0).text().unwrap().bytes().as_ref(), br#"a"b"#);
        assert_eq!(rest, Some(&b""[..]));
    }

    #[test]
    fn comments_and_sockets_are_passed_over() {
        let (list, rest) = parse("0x7ff /* 3 vars, ) */, 3<TCP:[1.2.3.4:5->6.7.8.9:10]>) = 0");
        assert_eq!(rest, Some(&b" = 0"[..]));
        assert_eq!(list.len(), 2);
    }
}
