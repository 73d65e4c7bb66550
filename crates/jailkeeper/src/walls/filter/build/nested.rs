//! Calls with which a program makes sandboxes of its own, let through on request.

use super::super::treatment::{
    ArgumentRule, Call, Case, Condition::Equals, EPERM, Outcome, Treatment, allow,
};
use syscalls::x86_64::Sysno;

/// `PR_SET_SECCOMP` is let through; `PR_SET_MM` would change what `/proc` and the events show.
const PROCESS_OPTIONS: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[Case { when: Equals(35), outcome: Outcome::Refuse { errno: EPERM } }],
    otherwise: Outcome::Allow,
};

/// The kernel itself refuses a second listener (`EBUSY`). A filter can only take away: none of its
/// answers outranks a refusal, and one that outranks the notification is a refusal.
static CALLS: &[Call] =
    &[allow(Sysno::seccomp), Call::new(Sysno::prctl, Treatment::Arguments(PROCESS_OPTIONS))];

/// Puts these calls in the place of the table's.
pub(super) fn calls(table: Vec<&'static Call>, nested: bool) -> Vec<&'static Call> {
    if !nested {
        return table;
    }
    let own = |call: &'static Call| CALLS.iter().find(|own| own.number == call.number);
    table.into_iter().map(|call| own(call).unwrap_or(call)).collect()
}
