//! Judging what was found.

use crate::error::{Error, ErrorKind, Result};
use crate::settings::Outside as Choice;
use jailkeeper_model::{
    Access, Escaped, JailPath, Outside, OutsideKind, OutsideState, Policy, Presence, Verdict,
    decide,
};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// How many are named in an error.
const NAMED_AT_MOST: usize = 5;

/// Something that lies outside the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Found {
    pub(in super::super) pid: u32,
    pub(in super::super) kind: OutsideKind,
    /// Which of the process's tables it is in, and its number there.
    pub(in super::super) descriptor: Option<(usize, i32)>,
    /// Where it is in memory.
    pub(in super::super) range: Option<(u64, u64)>,
    pub(in super::super) what: OsString,
    pub(in super::super) weight: Weight,
}

/// What it means that a process has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Weight {
    /// It opens nothing, or is no secret: it is listed.
    Listed,
    /// The caller decides.
    Open,
    /// The caller decides, but it cannot be taken away.
    Stuck,
    /// It is never kept.
    Forbidden,
}

/// Tells whether the policy gives what a descriptor gives.
pub(super) fn is_granted(policy: &Policy, path: &JailPath, writes: bool) -> bool {
    let access = if writes {
        Access::write(path.clone(), Presence::Exists)
    } else {
        Access::read(path.clone(), Presence::Exists)
    };
    matches!(decide(policy, &access), Verdict::Allow | Verdict::Grant)
}

/// Decides what becomes of each thing. Fails if one of them is a reason not to attach.
pub(in super::super) fn settle(found: &[Found], choice: Choice) -> Result<Vec<OutsideState>> {
    let state = |found: &Found| match (found.weight, choice) {
        (Weight::Listed, _) | (Weight::Open | Weight::Stuck, Choice::Keep) => {
            Some(OutsideState::Kept)
        }
        (Weight::Open | Weight::Forbidden, Choice::Close) => Some(OutsideState::Closed),
        (Weight::Open | Weight::Stuck, Choice::Refuse)
        | (Weight::Stuck, Choice::Close)
        | (Weight::Forbidden, Choice::Refuse | Choice::Keep) => None,
    };
    let states: Vec<_> = found.iter().map(state).collect();
    let reasons: Vec<_> = found.iter().zip(&states).filter(|(_, state)| state.is_none()).collect();
    let Some((first, _)) = reasons.first() else {
        return Ok(states.into_iter().flatten().collect());
    };
    let named: Vec<_> =
        reasons.iter().take(NAMED_AT_MOST).map(|(found, _)| found.sentence()).collect();
    let more = reasons.len().saturating_sub(NAMED_AT_MOST);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let hint = match choice {
        _ if reasons.iter().any(|(found, _)| found.weight == Weight::Forbidden) => {
            "the kernel opens files for such a ring, past every wall: `--outside close` closes it"
        }
        Choice::Close => {
            "a file that is mapped for writing cannot be taken away: allow it with `--write`, or \
             keep it with `--outside keep`"
        }
        _ => {
            "allow the files with `--read` or `--write`; or choose what becomes of them: \
             `--outside close` closes them, `--outside keep` leaves them open"
        }
    };
    Err(Error::new(ErrorKind::Policy, format!("attach to process {}", first.pid))
        .because(format!(
            "it has already what the policy does not allow: {}{more}",
            named.join(", ")
        ))
        .with_hint(hint))
}

impl Found {
    fn sentence(&self) -> String {
        let number = self.descriptor.map(|(_, number)| format!(" {number}")).unwrap_or_default();
        let what = Escaped::new(self.what.as_bytes()).bounded(200);
        format!("{}{number} `{what}` of process {}", self.kind.as_str(), self.pid)
    }

    /// Makes the event's entry.
    pub(in super::super) fn entry(&self, state: OutsideState) -> Outside {
        let number = self.descriptor.and_then(|(_, number)| u32::try_from(number).ok());
        Outside::new(self.pid, self.kind, number, &self.what, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(weight: Weight) -> Found {
        Found {
            pid: 7,
            kind: OutsideKind::Descriptor,
            descriptor: Some((0, 3)),
            range: None,
            what: "/etc/shadow".into(),
            weight,
        }
    }

    #[test]
    fn what_becomes_of_things() {
        use OutsideState::{Closed, Kept};
        for (weight, refuse, close, keep) in [
            (Weight::Listed, Some(Kept), Some(Kept), Some(Kept)),
            (Weight::Open, None, Some(Closed), Some(Kept)),
            (Weight::Stuck, None, None, Some(Kept)),
            (Weight::Forbidden, None, Some(Closed), None),
        ] {
            for (choice, expected) in
                [(Choice::Refuse, refuse), (Choice::Close, close), (Choice::Keep, keep)]
            {
                let all = [found(Weight::Listed), found(weight)];
                match (settle(&all, choice), expected) {
                    (Ok(states), Some(expected)) => assert_eq!(states, [Kept, expected]),
                    (Err(error), None) => {
                        assert!(error.sentence().contains("descriptor 3 `/etc/shadow`"));
                        assert!(error.hint().is_some_and(|hint| hint.contains("--outside")));
                    }
                    (other, _) => panic!("{weight:?} {choice:?}: {other:?}"),
                }
            }
        }
    }
}
