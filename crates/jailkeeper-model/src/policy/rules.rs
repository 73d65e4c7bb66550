//! A policy that was checked.

use super::{OnJailbreak, Pattern, PolicyBuilder, Rule};
use crate::path::JailPath;
use std::collections::BTreeSet;
use std::path::Path;

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
    /// Sorted.
    quiet: Vec<JailPath>,
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
        quiet: BTreeSet<JailPath>,
        patterns: Vec<Pattern>,
        strict: bool,
        on_jailbreak: OnJailbreak,
    ) -> Self {
        let allowed = rules.iter().filter(|rule| rule.right().allows());
        let routes = allowed.flat_map(|rule| rule.path().ancestors().skip(1)).collect();
        let quiet = quiet.into_iter().collect();
        Self { rules, routes, quiet, patterns, strict, on_jailbreak }
    }

    /// Returns the rules, sorted by path; no two have the same.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the most specific rule that covers a path.
    #[must_use]
    pub fn rule_for(&self, path: &JailPath) -> Option<&Rule> {
        self.rules_over(path).next()
    }

    /// Returns all rules that cover a path, the most specific first.
    fn rules_over(&self, path: &JailPath) -> impl Iterator<Item = &Rule> {
        path.as_path().ancestors().filter_map(|ancestor| self.rule_at(ancestor))
    }

    fn rule_at(&self, path: &Path) -> Option<&Rule> {
        let index = self.rules.binary_search_by(|rule| rule.path().as_path().cmp(path)).ok()?;
        self.rules.get(index)
    }

    /// Says whether a path is a directory on the way to something allowed.
    #[must_use]
    pub fn is_route(&self, path: &JailPath) -> bool {
        self.routes.contains(path)
    }

    /// Says whether a path is answered as absent.
    ///
    /// It is at or below a quiet path. A rule that allows the path and is at or below that
    /// quiet path brings it back, and so does being on the way to something allowed.
    #[must_use]
    pub fn is_quiet(&self, path: &JailPath) -> bool {
        self.quiet_for(path).is_some()
    }

    /// Returns the quiet path because of which a path is answered as absent.
    pub(crate) fn quiet_for(&self, path: &JailPath) -> Option<&JailPath> {
        let quiet = path.as_path().ancestors().find_map(|ancestor| {
            let index = self.quiet.binary_search_by(|quiet| quiet.as_path().cmp(ancestor)).ok()?;
            self.quiet.get(index)
        })?;
        let allowed = self
            .rules_over(path)
            .take_while(|rule| quiet.covers(rule.path()))
            .any(|rule| rule.right().allows());
        (!allowed && !self.is_route(path)).then_some(quiet)
    }

    /// Returns the paths that are answered as absent, sorted.
    #[must_use]
    pub fn quiet_paths(&self) -> &[JailPath] {
        &self.quiet
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

    /// Returns what follows a jailbreak.
    #[must_use]
    pub fn on_jailbreak(&self) -> OnJailbreak {
        self.on_jailbreak
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Origin, Right};

    fn path(path: &str) -> JailPath {
        JailPath::new(path).unwrap()
    }

    fn policy(rules: &[(&str, Right)], quiet: &[&str]) -> Policy {
        let rules = rules.iter().map(|(at, right)| Rule::new(path(at), *right, Origin::Api));
        let builder = Policy::builder().rules(rules);
        quiet.iter().fold(builder, |builder, at| builder.quiet(path(at))).build().unwrap()
    }

    #[test]
    fn the_most_specific_rule_covers() {
        let policy =
            policy(&[("/a/b", Right::Deny), ("/a", Right::Read), ("/", Right::Write)], &[]);
        let at = |asked: &str| policy.rule_for(&path(asked)).map(|rule| rule.path().clone());
        assert_eq!(at("/a/b/c"), Some(path("/a/b")));
        assert_eq!(at("/a/bc"), Some(path("/a")));
        assert_eq!(at("/b"), Some(path("/")));
        assert_eq!(at("/"), Some(path("/")));
    }

    #[test]
    fn routes_lead_to_what_is_allowed_alone() {
        let policy = policy(&[("/a/b/c", Right::Read), ("/x/y", Right::Deny)], &[]);
        for (asked, expected) in
            [("/", true), ("/a", true), ("/a/b", true), ("/a/b/c", false), ("/x", false)]
        {
            assert_eq!(policy.is_route(&path(asked)), expected, "{asked}");
        }
    }

    #[test]
    fn quiet_paths_are_carved_out_and_can_be_brought_back() {
        let rules = [("/etc", Right::Read), ("/run/data", Right::Write), ("/same", Right::Read)];
        let policy = policy(&rules, &["/etc/preload", "/run", "/same"]);
        for (asked, expected) in [
            ("/etc/preload", true),
            ("/etc/preload/x", true),
            ("/etc/preload2", false),
            ("/run", false), // a route
            ("/run/other", true),
            ("/run/data/x", false),
            ("/same/x", false),
            ("/elsewhere", false),
        ] {
            assert_eq!(policy.is_quiet(&path(asked)), expected, "{asked}");
        }
    }
}
