//! Building and checking of a policy.

use super::{OnJailbreak, Origin, Pattern, Policy, Right, Rule};
use crate::path::JailPath;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Says why rules make no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Two rules for the same path have different rights, and neither is the weightier.
    #[error(
        "the rules for `{}` contradict each other: {} by {}, {} by {}",
        .path.display(), .first.0, .first.1, .second.0, .second.1
    )]
    Conflict {
        /// The path of both.
        path: JailPath,
        /// The rule that was given first.
        first: (Right, Origin),
        /// The rule that contradicts it.
        second: (Right, Origin),
    },
}

/// Collects what makes a [`Policy`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PolicyBuilder {
    rules: Vec<Rule>,
    patterns: Vec<Pattern>,
    strict: bool,
    on_jailbreak: OnJailbreak,
}

impl PolicyBuilder {
    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds rules.
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Adds a pattern: what it matches is granted by being opened from outside, or denied.
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.patterns.push(pattern);
        self
    }

    /// Makes looking at what is outside a jailbreak too.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Says what follows a jailbreak; without this everything dies.
    pub fn on_jailbreak(mut self, choice: OnJailbreak) -> Self {
        self.on_jailbreak = choice;
        self
    }

    /// Checks the rules and makes the policy.
    ///
    /// Of the rules for one path those of the greatest [`Rank`](super::Rank) beat the others: base
    /// and working directory, named profiles, files, then flags and calls. Of those that are left,
    /// the first stands for all.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Conflict`] when those that are left differ in their rights.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let mut chosen: BTreeMap<JailPath, Rule> = BTreeMap::new();
        let mut rules = self.rules;
        rules.sort_by_key(|rule| Reverse(rule.origin().rank()));
        for rule in rules {
            let Some(first) = chosen.get(rule.path()) else {
                chosen.insert(rule.path().clone(), rule);
                continue;
            };
            if first.right() != rule.right() && first.origin().rank() == rule.origin().rank() {
                return Err(PolicyError::Conflict {
                    path: rule.path().clone(),
                    first: (first.right(), first.origin().clone()),
                    second: (rule.right(), rule.origin().clone()),
                });
            }
        }
        let rules = chosen.into_values().collect();
        let rules = without_asked_for(rules);
        Ok(Policy::new(rules, self.patterns, self.strict, self.on_jailbreak))
    }
}

/// Drops what is quiet below something that was asked for by somebody of a higher rank: whoever
/// allows a tree wants what is in it.
fn without_asked_for(rules: Vec<Rule>) -> Vec<Rule> {
    let asked_for = |quiet: &Rule| {
        rules.iter().any(|rule| {
            rule.right().allows()
                && rule.origin().rank() > quiet.origin().rank()
                && rule.path().covers(quiet.path())
        })
    };
    let kept = rules.iter().filter(|rule| rule.right() != Right::Quiet || !asked_for(rule));
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> JailPath {
        JailPath::new(path).unwrap()
    }

    fn flag(text: &str) -> Origin {
        Origin::Flag(text.into())
    }

    fn rule(right: Right, origin: Origin) -> Rule {
        Rule::new(path("/x"), right, origin)
    }

    fn build(rules: impl IntoIterator<Item = Rule>) -> Result<Policy, PolicyError> {
        Policy::builder().rules(rules).build()
    }

    #[test]
    fn the_same_rule_twice_is_one_and_the_first_is_named() {
        let policy =
            build([rule(Right::Read, flag("-r /x")), rule(Right::Read, Origin::Api)]).unwrap();
        assert_eq!(policy.rules(), [rule(Right::Read, flag("-r /x"))]);
    }

    #[test]
    fn contradicting_rules_are_an_error_that_names_both() {
        let first = (Right::Read, flag("--read /x"));
        let second = (Right::Deny, flag("--deny /x"));
        let given = [&first, &second].map(|(right, origin)| rule(*right, origin.clone()));
        let error = build(given).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rules for `/x` contradict each other: read by `--read /x`, deny by `--deny /x`"
        );
        assert_eq!(error, PolicyError::Conflict { path: path("/x"), first, second });
    }

    #[test]
    fn what_somebody_asked_for_beats_a_default_in_any_order() {
        for default in [Origin::Base, Origin::WorkingDirectory, Origin::Temporary] {
            let file = Origin::File { file: "p.toml".into(), line: None };
            for asked in [flag("--deny /x"), file, Origin::Api] {
                let default = rule(Right::Write, default.clone());
                let asked = rule(Right::Deny, asked);
                let one = build([default.clone(), asked.clone()]).unwrap();
                let other = build([asked.clone(), default]).unwrap();
                assert_eq!(one.rules(), [asked]);
                assert_eq!(one.rules(), other.rules());
            }
        }
    }

    #[test]
    fn ranks_are_base_profile_file_flag() {
        let profile = Origin::Profile { name: "p".into(), line: 1 };
        let file = Origin::File { file: "p.toml".into(), line: Some(1) };
        let ranked = [Origin::Base, profile, file, flag("--deny /x")];
        for (index, weaker) in ranked.iter().enumerate() {
            for stronger in &ranked[index + 1..] {
                let (weaker, stronger) =
                    (rule(Right::Write, weaker.clone()), rule(Right::Deny, stronger.clone()));
                let one = build([weaker.clone(), stronger.clone()]).unwrap();
                let other = build([stronger.clone(), weaker]).unwrap();
                assert_eq!(
                    (one.rules(), other.rules()),
                    (&[stronger.clone()][..], &[stronger][..])
                );
            }
            let same = [Right::Read, Right::Deny].map(|right| rule(right, weaker.clone()));
            build(same).unwrap_err();
        }
    }

    #[test]
    fn a_default_hides_no_conflict_of_two_that_were_asked_for() {
        let rules = [
            rule(Right::Read, flag("--read /x")),
            rule(Right::Read, Origin::Base),
            rule(Right::Write, flag("--write /x")),
        ];
        build(rules).unwrap_err();
    }

    #[test]
    fn defaults_that_contradict_each_other_are_an_error() {
        let rules = [rule(Right::Read, Origin::Base), rule(Right::Write, Origin::WorkingDirectory)];
        build(rules).unwrap_err();
    }
}
