//! The table of system calls: one entry per call, by topic.
//!
//! It is written in the names of `x86_64`. Which of them another machine has, and under which number,
//! is a matter of its [`Abi`](super::abi::Abi).

mod allowed;
mod breaches;
mod changes;
mod descriptors;
pub(super) mod flat;
mod ipc;
mod memory;
mod probes;
mod processes;
mod refused;
mod sockets;
mod time;

pub(super) use sockets::DOMAIN;

use super::abi::NATIVE;
use super::treatment::Call;
use std::sync::OnceLock;

/// All groups of the table.
pub(super) static GROUPS: &[&[Call]] = &[
    allowed::CALLS,
    breaches::CALLS,
    changes::CALLS,
    descriptors::CALLS,
    ipc::CALLS,
    memory::CALLS,
    probes::CALLS,
    processes::CALLS,
    refused::CALLS,
    sockets::CALLS,
    time::CALLS,
];

/// Returns every entry of the table, in no order.
pub(super) fn all() -> impl Iterator<Item = &'static Call> {
    GROUPS.iter().copied().flatten()
}

/// Returns the entry of a number of this machine's own ABI.
///
/// None is a call that this table does not know, which the filter answers with `ENOSYS`.
pub(crate) fn call(number: i32) -> Option<&'static Call> {
    static INDEX: OnceLock<Vec<Option<&'static Call>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index = Vec::new();
        for call in all() {
            let number = NATIVE.number(call.number);
            if let Some(at) = number.and_then(|number| usize::try_from(number).ok()) {
                index.resize(index.len().max(at + 1), None);
                if let Some(slot) = index.get_mut(at) {
                    *slot = Some(call);
                }
            }
        }
        index
    });
    index.get(usize::try_from(number).ok()?).copied().flatten()
}
