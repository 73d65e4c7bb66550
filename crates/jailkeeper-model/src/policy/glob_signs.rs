//! Globs, sign by sign.

use super::pattern::PatternError;
use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

/// A part of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// This character.
    Character(char),
    /// Any number of any bytes: `*`.
    Any,
    /// One character: `?`.
    One,
    /// One of these characters, or one that is none of them: `[a-z]`, `[!a-z]`.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// What a sign means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Part(Part),
    /// `**`
    Names,
    Slash,
    /// `{`
    Open,
    /// `,` between braces
    Comma,
    /// `}`
    Close,
}

/// A sign, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) token: Token,
    pub(super) at: Range<usize>,
}

/// Reads a glob sign by sign.
pub(super) fn signs(text: &str) -> Result<Vec<Sign>, PatternError> {
    let mut signs = Vec::new();
    let mut reader = Reader { text, characters: text.char_indices().peekable(), open: 0 };
    while let Some((start, character)) = reader.characters.next() {
        let token = reader.token(start, character)?;
        signs.push(Sign { token, at: start..reader.offset() });
    }
    Ok(signs)
}

struct Reader<'a> {
    text: &'a str,
    characters: Peekable<CharIndices<'a>>,
    /// How many braces are open.
    open: usize,
}

impl Reader<'_> {
    /// Where the next character stands.
    fn offset(&mut self) -> usize {
        self.characters.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.characters.next_if(|(_, character)| *character == wanted).is_some()
    }

    fn token(&mut self, start: usize, character: char) -> Result<Token, PatternError> {
        Ok(match character {
            '/' => Token::Slash,
            '{' => {
                self.open += 1;
                Token::Open
            }
            '}' => {
                self.open = self.open.saturating_sub(1);
                Token::Close
            }
            ',' if self.open > 0 => Token::Comma,
            '*' if self.next_is('*') => Token::Names,
            '*' => Token::Part(Part::Any),
            '?' => Token::Part(Part::One),
            '[' => Token::Part(self.class(start)?),
            '\\' => Token::Part(Part::Character(self.quoted(start)?)),
            '\0' => return Err(PatternError::new("a glob has a NUL character", start..start + 1)),
            character => Token::Part(Part::Character(character)),
        })
    }

    /// Reads the character after a backslash.
    fn quoted(&mut self, start: usize) -> Result<char, PatternError> {
        match self.characters.next() {
            Some((_, character)) if !matches!(character, '/' | '\0') => Ok(character),
            Some((at, _)) => {
                Err(PatternError::new("this character cannot be quoted", start..at + 1))
            }
            None => Err(PatternError::new("nothing follows the `\\`", start..start + 1)
                .with_help("it takes the meaning from the character after it")),
        }
    }

    /// Reads what follows a `[`. As in shells, a `]` right after it stands for itself.
    fn class(&mut self, start: usize) -> Result<Part, PatternError> {
        let negated = self.next_is('!') || self.next_is('^');
        let mut ranges: Vec<(char, char)> = Vec::new();
        loop {
            let Some((at, character)) = self.characters.next() else {
                return Err(PatternError::new("the `[` is not closed", start..self.text.len())
                    .with_help("write `\\[` for the character itself"));
            };
            let first = match character {
                ']' if !ranges.is_empty() => return Ok(Part::Class { negated, ranges }),
                '[' if self.is_named_class() => {
                    return Err(PatternError::new("classes have no names here", at..at + 2)
                        .with_help("write `[a-zA-Z]`"));
                }
                '\\' => self.quoted(at)?,
                character => character,
            };
            let last = self.end_of_range(first)?;
            let range = at..self.offset();
            if last < first {
                return Err(PatternError::new("the range is the wrong way round", range));
            }
            if (first..=last).contains(&'/') || first == '\0' {
                let message = "a class never matches a `/` or a NUL character";
                return Err(PatternError::new(message, range));
            }
            ranges.push((first, last));
        }
    }

    /// Says whether `[:` begins, as in `[[:alpha:]]`.
    fn is_named_class(&mut self) -> bool {
        self.characters.peek().is_some_and(|(_, next)| matches!(next, ':' | '.' | '='))
    }

    /// Reads `-z` if it is there; a `-` before the end of the class stands for itself.
    fn end_of_range(&mut self, first: char) -> Result<char, PatternError> {
        let mut ahead = self.characters.clone();
        let begins = ahead.next().is_some_and(|(_, character)| character == '-')
            && ahead.next().is_some_and(|(_, character)| character != ']');
        if !begins {
            return Ok(first);
        }
        self.characters.next();
        match self.characters.next() {
            Some((at, '\\')) => self.quoted(at),
            Some((_, last)) => Ok(last),
            None => Ok(first),
        }
    }
}
