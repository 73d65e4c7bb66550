//! How strong a jail is.

use crate::word::UnknownWord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Names which walls and watches a run has; the stronger is the greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Nothing is enforced: a tracer tells what happened.
    Monitor,
    /// Landlock and seccomp enforce; what exists outside can be seen, but not opened.
    Flat,
    /// A view of its own, namespaces, Landlock and seccomp: outside is not even there.
    Full,
}

impl Strength {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Flat => "flat",
            Self::Full => "full",
        }
    }
}

impl Display for Strength {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Strength {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Full, Self::Flat, Self::Monitor]
            .into_iter()
            .find(|strength| strength.as_str() == word)
            .ok_or_else(|| UnknownWord::new(word, &["full", "flat", "monitor"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_strengths_match_and_are_ordered() {
        for strength in [Strength::Full, Strength::Flat, Strength::Monitor] {
            assert_eq!(strength.to_string().parse(), Ok(strength));
            let json = serde_json::to_string(&strength).unwrap();
            assert_eq!(json, format!("\"{strength}\""));
        }
        assert!(Strength::Full > Strength::Flat && Strength::Flat > Strength::Monitor);
        let error = "Full".parse::<Strength>().unwrap_err();
        assert_eq!(error.to_string(), "`Full` is not one of full, flat, monitor");
    }
}
