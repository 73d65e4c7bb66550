//! The decision.
//!
//! Every watch, `check`, `learn` and the tests share this one function. It is pure and total: it
//! asks nobody, and has an answer to every access.

use crate::access::{Access, Class, Mode, Presence, Target};
use crate::path::JailPath;
use crate::policy::{Pattern, Policy, Right, Rule};
use crate::verdict::{Because, Breach, Refusal, Verdict};

/// Decides about an access.
///
/// ```
/// # use jailkeeper_model::{Access, JailPath, Policy, Presence, Refusal, Verdict, decide};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nothing = Policy::builder().build()?;
/// let probe = Access::probe(JailPath::new("/etc/shadow")?, Presence::Exists);
/// assert_eq!(decide(&nothing, &probe), Verdict::Refuse(Refusal::Forgiven));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn decide(policy: &Policy, access: &Access) -> Verdict {
    match access.target() {
        Target::Path(path) => decide_path(policy, access, path),
        Target::Address(_) if access.class() == Class::Probe && !policy.strict() => {
            Verdict::Refuse(Refusal::Forgiven)
        }
        Target::Address(_) => jailbreak(policy, Because::Network),
        Target::Call(_) => jailbreak(policy, Because::ForbiddenCall),
    }
}

/// What an access to a path asks for.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Probe,
    Read,
    Execute,
    Connect,
    Write { creates: bool },
}

impl Wish {
    fn of(access: &Access) -> Self {
        match (access.class(), access.mode()) {
            (Class::Probe, _) => Self::Probe,
            (Class::Content, Mode::Read) => Self::Read,
            (Class::Content, Mode::Execute) => Self::Execute,
            (Class::Content, Mode::Connect) => Self::Connect,
            (Class::Content, Mode::Write) => Self::Write { creates: access.creates() },
            // A path is never the target of a signal or a call; were it one, it would be the
            // worst that can be done to it.
            (Class::Content, Mode::Bind | Mode::Signal | Mode::Syscall) => {
                Self::Write { creates: true }
            }
        }
    }

    /// Says whether a right is enough for it.
    fn is_granted_by(self, right: Right) -> bool {
        match (right, self) {
            (Right::Write, _) | (Right::Read, Self::Probe | Self::Read | Self::Execute) => true,
            // To connect is to talk to somebody outside the jail: reading is not enough.
            (Right::Read, Self::Connect | Self::Write { .. }) | (Right::Deny | Right::Quiet, _) => {
                false
            }
        }
    }

    /// Says whether it may be done to a directory on the way to something allowed.
    fn is_granted_on_the_way(self) -> bool {
        match self {
            Self::Probe | Self::Read => true,
            Self::Execute | Self::Connect | Self::Write { .. } => false,
        }
    }
}

fn decide_path(policy: &Policy, access: &Access, path: &JailPath) -> Verdict {
    let wish = Wish::of(access);
    let missing = match access.presence() {
        Presence::Missing => true,
        Presence::Exists | Presence::Unknown => false,
    };
    if policy.is_route(path) && wish.is_granted_on_the_way() {
        return Verdict::Allow;
    }
    let denied = policy.denying_pattern(path);
    let rule = policy.rule_for(path);
    let right = if denied.is_some() { Some(Right::Deny) } else { rule.map(Rule::right) };
    let quiet = right == Some(Right::Quiet);
    let grants = right.is_some_and(|right| wish.is_granted_by(right));
    if grants {
        return Verdict::Allow;
    }
    let carved_out = quiet || right == Some(Right::Deny);
    if !carved_out && is_granted_by_pattern(policy, wish, path) {
        return Verdict::Grant;
    }
    match wish {
        Wish::Write { creates: true } => {}
        Wish::Write { creates: false } if !missing => {}
        // What is quiet may be looked for, but not be made.
        _ if quiet => return Verdict::Refuse(Refusal::Quiet),
        _ if missing => return Verdict::Refuse(Refusal::Absent),
        Wish::Probe if !policy.strict() => return Verdict::Refuse(Refusal::Forgiven),
        _ => {}
    }
    let (because, choice) = match (denied, rule) {
        (Some(pattern), _) => (denied_by(pattern), pattern.on_jailbreak()),
        (None, Some(rule)) => (forbidden_by(rule), rule.on_jailbreak()),
        (None, None) => (Because::Outside, None),
    };
    let action = choice.unwrap_or_else(|| policy.on_jailbreak()).into();
    Verdict::Jailbreak(Breach { action, because })
}

/// Says whether a pattern grants it. Only opening can be granted from outside.
fn is_granted_by_pattern(policy: &Policy, wish: Wish, path: &JailPath) -> bool {
    let enough = |right| match wish {
        Wish::Read => matches!(right, Right::Read | Right::Write),
        Wish::Write { .. } => right == Right::Write,
        Wish::Probe | Wish::Execute | Wish::Connect => false,
    };
    policy.patterns().iter().any(|pattern| enough(pattern.right()) && pattern.matches(path))
}

/// Says why the rule that covers a path is not enough.
fn forbidden_by(rule: &Rule) -> Because {
    let (path, origin) = (rule.path().clone(), rule.origin().clone());
    match rule.right() {
        Right::Deny => Because::Denied { path, origin },
        Right::Quiet => Because::Quiet { path, origin },
        Right::Read | Right::Write => Because::ReadOnly { path, origin },
    }
}

fn denied_by(pattern: &Pattern) -> Because {
    let (text, origin) = (pattern.expression().to_owned(), pattern.origin().clone());
    Because::Pattern { pattern: text, origin }
}

fn jailbreak(policy: &Policy, because: Because) -> Verdict {
    Verdict::Jailbreak(Breach { action: policy.on_jailbreak().into(), because })
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
