//! What came out, in words.

use std::fmt::{self, Display, Formatter, Write as _};

/// What is known of an entry.
pub(super) enum Outcome {
    /// Without it, a part of the proof breaks.
    Needed { part: String, why: String },
    /// Nothing here needs it; the proof says what does.
    Unshown { reason: String },
    /// Nothing that could be run needs it, and something could not be run.
    Unmeasured,
    /// All parts hold without it.
    Redundant { parts: usize },
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needed { part, why } => write!(f, "needed: `{part}` {why}"),
            Self::Unshown { reason } => write!(f, "not shown: {reason}"),
            Self::Unmeasured => write!(f, "NOT MEASURED: a part of the proof cannot be run here"),
            Self::Redundant { parts } => {
                write!(f, "REDUNDANT: all {parts} parts of the proof hold without it")
            }
        }
    }
}

/// All entries so far.
#[derive(Default)]
pub(super) struct Tally {
    rows: Vec<(String, String, Outcome)>,
}

impl Tally {
    pub(super) fn add(&mut self, profile: &str, entry: &str, outcome: Outcome) {
        self.rows.push((profile.to_owned(), entry.to_owned(), outcome));
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.rows.iter().filter(|(_, _, outcome)| which(outcome)).count()
    }

    /// Tells whether no entry is redundant; and, if nothing may be left open, none unmeasured.
    pub(super) fn holds(&self, strict: bool) -> bool {
        let open = self.count(|outcome| matches!(outcome, Outcome::Unmeasured));
        let redundant = self.count(|outcome| matches!(outcome, Outcome::Redundant { .. }));
        redundant == 0 && (open == 0 || !strict)
    }

    /// One line.
    pub(super) fn summary(&self) -> String {
        format!(
            "\n{} entries: {} needed, {} not shown for a stated reason, {} not measured, {} redundant",
            self.rows.len(),
            self.count(|outcome| matches!(outcome, Outcome::Needed { .. })),
            self.count(|outcome| matches!(outcome, Outcome::Unshown { .. })),
            self.count(|outcome| matches!(outcome, Outcome::Unmeasured)),
            self.count(|outcome| matches!(outcome, Outcome::Redundant { .. })),
        )
    }

    /// A table in Markdown.
    pub(super) fn table(&self) -> String {
        let mut text = "| profile | entry | without it |\n|---|---|---|\n".to_owned();
        for (profile, entry, outcome) in &self.rows {
            let outcome = outcome.to_string().replace('|', "\\|");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {profile} | `{entry}` | {outcome} |");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_redundant_fails_and_what_is_open_fails_where_nothing_may_be() {
        let mut tally = Tally::default();
        tally.add("a", "read /x", Outcome::Needed { part: "p".into(), why: "w|x".into() });
        tally.add("a", "read /y", Outcome::Unshown { reason: "elsewhere".into() });
        assert!(tally.holds(true));
        tally.add("a", "read /z", Outcome::Unmeasured);
        assert!(tally.holds(false) && !tally.holds(true));
        tally.add("a", "read /r", Outcome::Redundant { parts: 2 });
        assert!(!tally.holds(false));
        assert!(tally.summary().contains("4 entries: 1 needed, 1 not shown"));
        assert!(tally.table().contains("| a | `read /x` | needed: `p` w\\|x |"));
    }
}
