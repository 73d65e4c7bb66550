//! A regular expression that grants files.

use super::{OnJailbreak, Origin, Right};
use crate::path::JailPath;
use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled expression may become, in bytes.
const SIZE_AT_MOST: usize = 1 << 20;

/// A regular expression over absolute paths, and what it grants or denies.
///
/// It is searched for anywhere in the path, as written: an expression that is to match the whole
/// path says so with `^` and `$`. Time is linear in the length of the path, whatever the
/// expression; look-around and back-references do not exist.
///
/// Kernel walls know only trees. What a pattern grants is opened by the supervisor and handed
/// over, and no wall is widened.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    right: Right,
    origin: Origin,
    on_jailbreak: Option<OnJailbreak>,
}

/// Says why a text is no pattern.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the regular expression cannot be used")]
pub struct PatternError(#[source] regex::Error);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (self.regex.as_str(), self.right, &self.origin)
            == (other.regex.as_str(), other.right, &other.origin)
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Makes a pattern of an expression.
    ///
    /// # Errors
    ///
    /// When the expression is none, has something that cannot be had, or becomes too large.
    pub fn new(expression: &str, right: Right, origin: Origin) -> Result<Self, PatternError> {
        let regex =
            RegexBuilder::new(expression).size_limit(SIZE_AT_MOST).build().map_err(PatternError)?;
        Ok(Self { regex, right, origin, on_jailbreak: None })
    }

    /// Says what follows a jailbreak that this pattern denies, if not what the policy says.
    #[must_use]
    pub fn with_on_jailbreak(self, choice: OnJailbreak) -> Self {
        Self { on_jailbreak: Some(choice), ..self }
    }

    /// Says whether the expression is found in a path.
    #[must_use]
    pub fn matches(&self, path: &JailPath) -> bool {
        self.regex.is_match(path.as_bytes())
    }

    /// Says whether the expression could be found in a path below a directory; yes where that
    /// is not known.
    #[must_use]
    pub fn may_match_below(&self, directory: &JailPath) -> bool {
        let prefix = self.prefix();
        prefix.starts_with(directory.as_bytes()) || directory.as_bytes().starts_with(prefix)
    }

    /// The text with which every match begins, as far as it can be told without compiling it.
    fn prefix(&self) -> &[u8] {
        let Some(text) = self.regex.as_str().strip_prefix('^') else { return b"" };
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_-".contains(byte);
        let length = text.bytes().take_while(|byte| plain(byte)).count();
        let quantified = text.as_bytes().get(length).is_some_and(|next| b"?*{".contains(next));
        let length = length.saturating_sub(usize::from(quantified));
        if text.contains('|') { b"" } else { text.as_bytes().get(..length).unwrap_or_default() }
    }

    /// Returns what it grants.
    #[must_use]
    pub fn right(&self) -> Right {
        self.right
    }

    /// Returns the expression.
    #[must_use]
    pub fn expression(&self) -> &str {
        self.regex.as_str()
    }

    /// Returns what follows a jailbreak that it denies; `None` for what the policy says.
    #[must_use]
    pub fn on_jailbreak(&self) -> Option<OnJailbreak> {
        self.on_jailbreak
    }

    /// Returns where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_as_written() {
        let pattern = |text| Pattern::new(text, Right::Read, Origin::Api).unwrap();
        let path = |text| JailPath::new(text).unwrap();
        assert!(pattern(r"\.txt$").matches(&path("/a/b.txt")));
        assert!(!pattern(r"\.txt$").matches(&path("/a/b.txt/c")));
        assert!(pattern("b").matches(&path("/a/b.txt")));
        assert!(!pattern("^b").matches(&path("/a/b.txt")));
    }

    #[test]
    fn directories_without_a_match_are_passed_over() {
        let below = |text: &str, at: &str| {
            let pattern = Pattern::new(text, Right::Deny, Origin::Api).unwrap();
            pattern.may_match_below(&JailPath::new(at).unwrap())
        };
        for (text, at, expected) in [
            ("^/srv/data/.*x$", "/srv", true),
            ("^/srv/data/.*x$", "/srv/data/deep", true),
            ("^/srv/data/.*x$", "/usr", false),
            ("^/srv?/x", "/sr", true),
            ("^/srv/x|/y", "/usr", true),
            ("x", "/usr", true),
        ] {
            assert_eq!(below(text, at), expected, "{text} {at}");
        }
    }

    #[test]
    fn what_cannot_be_matched_in_linear_time_is_refused() {
        for text in [r"(?=x)", r"(a)\1", "(", "(?:a{1000}){1000}"] {
            assert!(Pattern::new(text, Right::Read, Origin::Api).is_err(), "{text}");
        }
    }
}
