//! Attempts without a path of their own: on descriptors, and through sockets.

use super::Follower;
use super::descriptor::{annotated, name_of_descriptor};
use crate::address::Address;
use crate::attempt::{Attempt, Place};
use crate::flags::Flags;
use crate::record::Call;
use crate::trace::{Happening, Take};
use crate::value::Value;
use crate::vocabulary::Deed;
use std::time::Duration;

impl Follower {
    /// A call that changes the file behind a descriptor.
    pub(super) fn touch(
        &self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        first: Option<i32>,
        take: Take<'_>,
    ) {
        let named = annotated(call.arguments.get(0)).and_then(name_of_descriptor);
        let path = named.or_else(|| self.processes.descriptor(pid, first?).cloned());
        if let Some(path) = path {
            let mut attempt = self.attempt(pid, time, call, Deed::Write);
            attempt.place = Place::path(Some(&path), b"", true, false);
            take(&self.processes, Happening::Attempt(attempt));
        }
    }

    pub(super) fn socket(
        &mut self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        deed: Deed,
        index: u8,
        take: Take<'_>,
    ) {
        let whole = self.attempt(pid, time, call, deed);
        let text = match call.arguments.get(index) {
            Value::Word(word) => word,
            // In the lines of truss the address comes in the next line.
            _ => {
                self.waiting = Some((pid, call.entry, deed, whole.presence, whole.succeeded));
                return;
            }
        };
        if let Some(address) = Address::find(text, self.dialect) {
            let attempt = self.to_address(whole, address);
            take(&self.processes, Happening::Attempt(attempt));
        }
    }

    /// The address of a call of the line before.
    pub(super) fn detail(&mut self, text: &[u8], time: Option<Duration>, take: Take<'_>) {
        let Some((pid, entry, deed, presence, succeeded)) = self.waiting.take() else { return };
        let Some(address) = Address::find(text, self.dialect) else { return };
        let attempt = Attempt {
            pid,
            time,
            deed,
            place: Place::Call,
            presence,
            succeeded,
            opened: None,
            operation: entry.operation,
            syscall: entry.name,
            flags: Flags::default(),
        };
        let attempt = self.to_address(attempt, address);
        take(&self.processes, Happening::Attempt(attempt));
    }

    pub(super) fn to_address(&self, mut attempt: Attempt, address: Address) -> Attempt {
        attempt.place = match address {
            Address::Network(address) => Place::Address(address),
            Address::Path(text, is_complete) => {
                let follow = attempt.deed != Deed::Bind;
                let start = self.processes.directory(attempt.pid);
                Place::path(start, &text, is_complete, follow)
            }
        };
        attempt
    }
}
