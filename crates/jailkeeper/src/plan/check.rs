//! Saying what would be decided, by the same function as at run time.

use super::find;
use super::{Ground, Plan, Source, jail_path};
use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::{Access, JailPath, Mode, Presence, Refusal, Right, Verdict, decide};
use serde::Serialize;
use std::path::Path;

/// What would be decided about a use of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// The file, with symbolic links followed.
    pub file: String,
    /// How it would be used.
    pub mode: Mode,
    /// `allow`, `grant` (opened from outside, by a pattern), `absent`, `quiet`, `kill`, `deny`,
    /// `ask` or `log`.
    pub verdict: &'static str,
    /// The rule, or why there is none.
    pub rule: String,
    /// Why the rule is there.
    pub reason: Option<String>,
    /// The wall that holds it.
    pub wall: &'static str,
}

impl Checked {
    /// Puts a decision into words, without a reason.
    #[must_use]
    pub fn new(
        file: String,
        mode: Mode,
        verdict: &'static str,
        rule: String,
        wall: &'static str,
    ) -> Self {
        Self { file, mode, verdict, rule, reason: None, wall }
    }

    /// Says why the rule is there.
    #[must_use]
    pub fn with_reason(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// Tells whether it would take place.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self.verdict, "allow" | "grant")
    }
}

impl Plan {
    /// Says what would be decided about a use of a file.
    pub(crate) fn check(&self, mode: Mode, path: &Path) -> Result<Checked> {
        let asked = JailPath::resolve(&self.cwd, path)
            .map_err(|error| {
                Error::new(ErrorKind::Policy, "understand the path").at(path).because(error)
            })
            .and_then(|path| jail_path(path.as_path()))?;
        let (file, presence) = match find::find(&asked) {
            Ok(Some(found)) => (found.path, Presence::Exists),
            Ok(None) => (asked, Presence::Missing),
            Err(_) => (asked, Presence::Unknown),
        };
        let access = match mode {
            Mode::Execute => Access::execute(file.clone(), presence),
            Mode::Connect => Access::connect_path(file.clone(), presence),
            Mode::Write if presence == Presence::Missing => Access::create(file.clone()),
            Mode::Write => Access::write(file.clone(), presence),
            _ => Access::read(file.clone(), presence),
        };
        let verdict = decide(&self.policy, &access);
        let rule = self.policy.rule_for(&file);
        let because = match (&verdict, rule) {
            (Verdict::Jailbreak(breach), _) => breach.because.to_string(),
            (Verdict::Grant, _) => self
                .policy
                .patterns()
                .iter()
                .find(|pattern| pattern.right() != Right::Deny && pattern.matches(&file))
                .map(|pattern| format!("{} by {}", pattern.expression(), pattern.origin()))
                .unwrap_or_default(),
            (_, Some(rule)) => {
                format!("{} `{}` by {}", rule.right(), rule.path().display(), rule.origin())
            }
            (Verdict::Allow, None) => "it leads to something that is allowed".to_owned(),
            (_, None) => "no rule covers it".to_owned(),
        };
        let word = match &verdict {
            Verdict::Allow => "allow",
            Verdict::Grant => "grant",
            Verdict::Refuse(Refusal::Quiet) => "quiet",
            Verdict::Refuse(_) => "absent",
            Verdict::Jailbreak(breach) => breach.action.as_str(),
        };
        let wall = self.wall(&file, &verdict);
        let reason = rule.and_then(|rule| rule.reason().map(str::to_owned));
        let file = file.as_path().to_string_lossy().into_owned();
        Ok(Checked::new(file, mode, word, because, wall).with_reason(reason))
    }

    /// Names the wall that gives the answer.
    fn wall(&self, file: &JailPath, verdict: &Verdict) -> &'static str {
        let flat = matches!(self.ground, Ground::Host { .. });
        let tree = self.trees.containing(file);
        match verdict {
            Verdict::Grant => "none is widened: the supervisor opens the file and hands it over",
            Verdict::Allow if flat => "Landlock grants the tree",
            Verdict::Allow if tree.is_none() => "the view serves the name itself",
            Verdict::Allow => "the tree is mounted in the view, and Landlock grants it",
            _ if flat => "Landlock does not grant it; the notify watch names the attempt",
            _ if self.trees.covers.iter().any(|cover| cover.at.covers(file)) => {
                "a cover is mounted over the name inside its tree"
            }
            _ if tree.is_some_and(|tree| !matches!(tree.source, Source::Host { .. })) => {
                "Landlock does not grant it"
            }
            _ if tree.is_some() => "the tree is mounted read-only; the notify watch names attempts",
            _ => "it is not in the view; the tripwire sees every use of the name",
        }
    }
}
