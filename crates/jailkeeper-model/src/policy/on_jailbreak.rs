//! What follows a jailbreak.

use crate::verdict::Action;
use crate::word::UnknownWord;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Names what follows a jailbreak; the stricter is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum OnJailbreak {
    /// It is written down, and the program goes on.
    Log,
    /// The call fails, and the program goes on.
    Deny,
    /// Somebody is asked; without an answer the call fails.
    Ask,
    /// The whole process tree dies.
    #[default]
    Kill,
}

impl OnJailbreak {
    /// All of them, the strictest first.
    pub(crate) const ALL: [Self; 4] = [Self::Kill, Self::Ask, Self::Deny, Self::Log];
    /// The words for them, in the order of [`OnJailbreak::ALL`].
    pub(crate) const WORDS: [&'static str; 4] = ["kill", "ask", "deny", "log"];

    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Ask => "ask",
            Self::Deny => "deny",
            Self::Log => "log",
        }
    }
}

impl Display for OnJailbreak {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OnJailbreak {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.as_str() == word)
            .ok_or_else(|| UnknownWord::new(word, &Self::WORDS))
    }
}

impl From<OnJailbreak> for Action {
    fn from(choice: OnJailbreak) -> Self {
        match choice {
            OnJailbreak::Kill => Self::Kill,
            OnJailbreak::Ask => Self::Ask,
            OnJailbreak::Deny => Self::Deny,
            OnJailbreak::Log => Self::Log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_choices_match() {
        for (choice, word) in OnJailbreak::ALL.into_iter().zip(OnJailbreak::WORDS) {
            assert_eq!(choice.to_string(), word);
            assert_eq!(word.parse(), Ok(choice));
        }
        let error = "kil\x07".parse::<OnJailbreak>().unwrap_err();
        assert_eq!(error.to_string(), r"`kil\x07` is not one of kill, ask, deny, log");
    }

    #[test]
    fn nothing_is_milder_than_it_says() {
        assert_eq!(OnJailbreak::default(), OnJailbreak::Kill);
        assert_eq!(Action::from(OnJailbreak::Kill), Action::Kill);
        assert_eq!(Action::from(OnJailbreak::Ask), Action::Ask);
        assert_eq!(Action::from(OnJailbreak::Deny), Action::Deny);
        assert_eq!(Action::from(OnJailbreak::Log), Action::Log);
        assert!(OnJailbreak::ALL.is_sorted_by(|stricter, milder| stricter > milder));
    }
}
