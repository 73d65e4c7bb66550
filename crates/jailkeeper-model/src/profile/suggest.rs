//! Guessing what somebody meant.

use crate::escape::{Escaped, escape};

/// Returns the word that a mistyped one is nearest to, if any is near.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing is quadratic, and nothing long is a mistyped key.
    if word.len() > 40 {
        return None;
    }
    let lower = word.to_lowercase();
    let near = |known: &'a str| {
        let distance = strsim::damerau_levenshtein(&lower, known);
        let at_most = (known.len() / 3).max(1);
        (distance <= at_most || is_plural(&lower, known)).then_some((distance, known))
    };
    known.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, near)| near)
}

/// Says whether one is the other with an s.
fn is_plural(word: &str, known: &str) -> bool {
    word.strip_suffix('s') == Some(known) || known.strip_suffix('s') == Some(word)
}

/// Prints a word of somebody's in a message.
pub(super) fn shown(word: &str) -> Escaped<'_> {
    escape(word.as_bytes()).bounded(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found_and_nothing_else() {
        let known = ["read", "write", "deny", "patterns", "on_jailbreak"];
        for (word, expected) in [
            ("raed", Some("read")),
            ("reads", Some("read")),
            ("Write", Some("write")),
            ("pattern", Some("patterns")),
            ("on-jailbreak", Some("on_jailbreak")),
            ("execute", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest(&"read".repeat(1000), known), None);
    }
}
