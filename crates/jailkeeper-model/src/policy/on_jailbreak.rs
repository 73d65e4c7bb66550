//! What follows a jailbreak.

use crate::verdict::Action;
use crate::word::UnknownWord;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Names what follows a jailbreak. `ask` and `log` are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnJailbreak {
    /// The whole process tree dies.
    #[default]
    Kill,
    /// The call fails, and the program goes on.
    Deny,
}

impl OnJailbreak {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Deny => "deny",
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
        [Self::Kill, Self::Deny]
            .into_iter()
            .find(|choice| choice.as_str() == word)
            .ok_or_else(|| UnknownWord::new(word, &["kill", "deny"]))
    }
}

impl From<OnJailbreak> for Action {
    fn from(choice: OnJailbreak) -> Self {
        match choice {
            OnJailbreak::Kill => Self::Kill,
            OnJailbreak::Deny => Self::Deny,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_choices_match() {
        for choice in [OnJailbreak::Kill, OnJailbreak::Deny] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        let error = "kil\x07".parse::<OnJailbreak>().unwrap_err();
        assert_eq!(error.to_string(), r"`kil\x07` is not one of kill, deny");
    }

    #[test]
    fn nothing_is_milder_than_it_says() {
        assert_eq!(OnJailbreak::default(), OnJailbreak::Kill);
        assert_eq!(Action::from(OnJailbreak::Kill), Action::Kill);
        assert_eq!(Action::from(OnJailbreak::Deny), Action::Deny);
    }
}
