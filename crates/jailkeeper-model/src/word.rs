//! The error of a word that is none of those known.

use crate::escape::escape;

/// Says that a word is none of those that were expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not one of {}", escape(.word.as_bytes()).bounded(80), .expected.join(", "))]
pub struct UnknownWord {
    word: String,
    expected: &'static [&'static str],
}

impl UnknownWord {
    pub(crate) fn new(word: &str, expected: &'static [&'static str]) -> Self {
        Self { word: word.to_owned(), expected }
    }

    /// Returns the word as it was given.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// Returns the words that would have been understood.
    #[must_use]
    pub fn expected(&self) -> &'static [&'static str] {
        self.expected
    }
}
