//! A policy that was checked.

use super::{OnJailbreak, Origin, Pattern, PolicyBuilder, Right, Rule};
use crate::path::JailPath;
use std::collections::BTreeSet;

/// Says what a jail may do.
///
/// ```
/// # use jailkeeper_model::{JailPath, Origin, Policy, Right, Rule};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::builder()
///     .rule(Rule::new(JailPath::new("/a")?, Right::Read, Origin::Api))
///     .rule(Rule::new(JailPath::new("/a/b")?, Right::Deny, Origin::Api))
///     .build()?;
/// let rule = policy.rule_for(&JailPath::new("/a/b/c")?).ok_or("no rule")?;
/// assert_eq!(rule.right(), Right::Deny);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Sorted by path, one for each.
    rules: Vec<Rule>,
    /// All directories above a rule that allows something.
    routes: BTreeSet<JailPath>,
    patterns: Vec<Pattern>,
    strict: bool,
    on_jailbreak: OnJailbreak,
}

impl Policy {
    /// Begins a policy, which allows nothing as yet.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// Makes a policy of rules that are sorted and have different paths.
    pub(super) fn new(
        rules: Vec<Rule>,
        patterns: Vec<Pattern>,
        strict: bool,
        on_jailbreak: OnJailbreak,
    ) -> Self {
        let allowed = rules.iter().filter(|rule| rule.right().allows());
        let routes = allowed.flat_map(|rule| rule.path().ancestors().skip(1)).collect();
        Self { rules, routes, patterns, strict, on_jailbreak }
    }

    /// Returns the rules, sorted by path; no two have the same.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the most specific rule that covers a path.
    #[must_use]
    pub fn rule_for(&self, path: &JailPath) -> Option<&Rule> {
        path.nearest(&self.rules, Rule::path)
    }

    /// Says whether a path is a directory on the way to something allowed.
    #[must_use]
    pub fn is_route(&self, path: &JailPath) -> bool {
        self.routes.contains(path)
    }

    /// Returns a denied path that is below another one.
    #[must_use]
    pub fn denied_below(&self, path: &JailPath) -> Option<&JailPath> {
        let denied = self.rules.iter().filter(|rule| rule.right() == Right::Deny);
        denied.map(Rule::path).find(|denied| path.covers(denied) && path != *denied)
    }

    /// Returns a path below another one that may not be written, though there is a rule for it:
    /// whatever comes to the other one with something in it, or leads elsewhere, could bring it along.
    #[must_use]
    pub fn kept_below(&self, path: &JailPath) -> Option<&JailPath> {
        let kept = self.rules.iter().filter(|rule| rule.right() != Right::Write);
        kept.map(Rule::path).find(|kept| path.covers(kept) && path != *kept)
    }

    /// Returns the pattern that denies a path: one that matches the path or a directory above it.
    ///
    /// A rule that covers the path and is at or below what matches brings it back. What the base
    /// grants is denied by no pattern that [names no place](Pattern::is_anywhere): the files of
    /// the system are nobody's secret, and there are a hundred thousand to look through.
    #[must_use]
    pub fn denying_pattern(&self, path: &JailPath) -> Option<&Pattern> {
        if self.patterns.is_empty() {
            return None;
        }
        let rule = self.rule_for(path);
        let base = rule.is_some_and(|rule| *rule.origin() == Origin::Base);
        let reaches = |pattern: &&Pattern| !(base && pattern.is_anywhere());
        let denying = self.patterns.iter().filter(|pattern| pattern.right() == Right::Deny);
        denying.filter(reaches).find(|pattern| {
            path.ancestors()
                .take_while(|above| !rule.is_some_and(|rule| above.covers(rule.path())))
                .any(|above| pattern.matches(&above))
        })
    }

    /// Returns the patterns.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Says whether looking at what is outside is a jailbreak too.
    #[must_use]
    pub fn strict(&self) -> bool {
        self.strict
    }

    /// Says whether anything in it asks what is to happen.
    #[must_use]
    pub fn asks(&self) -> bool {
        let rules = self.rules.iter().filter_map(Rule::on_jailbreak);
        let patterns = self.patterns.iter().filter_map(Pattern::on_jailbreak);
        std::iter::once(self.on_jailbreak)
            .chain(rules)
            .chain(patterns)
            .any(|choice| choice == OnJailbreak::Ask)
    }

    /// Returns what follows a jailbreak.
    #[must_use]
    pub fn on_jailbreak(&self) -> OnJailbreak {
        self.on_jailbreak
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Right;

    fn path(path: &str) -> JailPath {
        JailPath::new(path).unwrap()
    }

    fn policy(rules: &[(&str, Right)]) -> Policy {
        let rules = rules.iter().map(|(at, right)| Rule::new(path(at), *right, Origin::Api));
        Policy::builder().rules(rules).build().unwrap()
    }

    #[test]
    fn the_most_specific_rule_covers() {
        let policy = policy(&[("/a/b", Right::Deny), ("/a", Right::Read), ("/", Right::Write)]);
        let at = |asked: &str| policy.rule_for(&path(asked)).map(|rule| rule.path().clone());
        assert_eq!(at("/a/b/c"), Some(path("/a/b")));
        assert_eq!(at("/a/bc"), Some(path("/a")));
        assert_eq!(at("/b"), Some(path("/")));
        assert_eq!(at("/"), Some(path("/")));
    }

    #[test]
    fn routes_lead_to_what_is_allowed_alone() {
        let policy =
            policy(&[("/a/b/c", Right::Read), ("/x/y", Right::Deny), ("/q", Right::Quiet)]);
        for (asked, expected) in
            [("/", true), ("/a", true), ("/a/b", true), ("/a/b/c", false), ("/x", false)]
        {
            assert_eq!(policy.is_route(&path(asked)), expected, "{asked}");
        }
    }

    #[test]
    fn a_denying_pattern_covers_what_is_below_its_match_and_a_rule_there_brings_it_back() {
        let deny = |text: &str| Pattern::new(text, Right::Deny, Origin::Api).unwrap();
        let rule = |at: &str| Rule::new(path(at), Right::Read, Origin::Api);
        let policy = Policy::builder()
            .rules([rule("/p"), rule("/p/x/.env.example"), rule("/p/secret/open")])
            .pattern(deny(r"/\.env[^/]*$"))
            .pattern(deny("/secret$"))
            .build()
            .unwrap();
        for (asked, expected) in [
            ("/p/.env", true),
            ("/p/a/b/.env.local", true),
            ("/p/.env/below", true),
            ("/p/x/.env.example", false),
            ("/p/y/.env.example", true),
            ("/p/secret", true),
            ("/p/secret/key", true),
            ("/p/secret/open/key", false),
            ("/p/environment", false),
        ] {
            assert_eq!(policy.denying_pattern(&path(asked)).is_some(), expected, "{asked}");
        }
    }

    #[test]
    fn a_pattern_that_names_no_place_denies_nothing_of_the_base() {
        let base = Rule::new(path("/usr"), Right::Read, Origin::Base);
        let asked = |at: &str| Rule::new(path(at), Right::Read, Origin::Flag("--read".into()));
        let rules = [base, asked("/usr/share/mine"), asked("/srv")];
        for (glob, denied) in [
            ("**/*.key", ["/usr/share/mine/a.key", "/srv/a.key"].as_slice()),
            ("/usr/**/*.key", &["/usr/lib/a.key", "/usr/share/mine/a.key"]),
            ("/{usr,srv}/**/*.key", &["/usr/lib/a.key", "/usr/share/mine/a.key", "/srv/a.key"]),
        ] {
            let pattern = Pattern::glob(glob, Right::Deny, Origin::Api).unwrap();
            let policy = Policy::builder().rules(rules.clone()).pattern(pattern).build().unwrap();
            for asked in ["/usr/lib/a.key", "/usr/share/mine/a.key", "/srv/a.key"] {
                let expected = denied.contains(&asked);
                let found = policy.denying_pattern(&path(asked)).is_some();
                assert_eq!(found, expected, "{glob} {asked}");
            }
        }
        let regex = |text| Pattern::new(text, Right::Deny, Origin::Api).unwrap().is_anywhere();
        assert!(regex("key$") && regex(r"/\.env") && !regex("^/.*key$"));
    }
}
