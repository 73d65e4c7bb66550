//! Following processes through their calls.

mod attempts;
mod descriptor;
mod sockets;
mod state;

use crate::dialect::Dialect;
use crate::process::{Processes, Shared};
use crate::record::{Call, Outcome, Record, What};
use crate::trace::{Happening, Take};
use crate::vocabulary::{Deed, Entry, State};
use jailkeeper_model::Presence;
use std::time::Duration;

/// Follows processes through their calls.
#[derive(Debug)]
pub(crate) struct Follower {
    dialect: Dialect,
    pub(crate) processes: Processes,
    /// The process that lines without a pid are about.
    root: u32,
    /// A call on a socket whose address comes in the next line.
    waiting: Option<(u32, &'static Entry, Deed, Presence, bool)>,
}

impl Follower {
    pub(crate) fn new(dialect: Dialect, processes: Processes, root: u32) -> Self {
        Self { dialect, processes, root, waiting: None }
    }

    pub(crate) fn record(&mut self, record: &Record<'_>, take: Take<'_>) {
        let pid = record.pid.unwrap_or(self.root);
        if matches!(record.what, What::Noise) {
            return;
        }
        if matches!(record.what, What::Lost) {
            take(&self.processes, Happening::Lost);
            return;
        }
        if let What::Born(Some(maker)) = record.what {
            self.began(maker.pid.unwrap_or(self.root), maker.entry, maker.text);
        }
        if record.pid.is_some()
            && !matches!(record.what, What::Ended(_))
            && self.processes.appear(pid)
        {
            let parent = self.processes.get(pid).and_then(|process| process.parent);
            take(&self.processes, Happening::Born { pid, parent });
        }
        match &record.what {
            What::Call(call) => self.call(pid, record.time, call, take),
            What::Began(entry, text) => self.began(pid, entry, text),
            What::Detail(text) => self.detail(text, record.time, take),
            What::Ended(end) => {
                if self.processes.holds(pid) {
                    take(&self.processes, Happening::Ended { pid, end: *end });
                    self.processes.remove(pid);
                }
            }
            What::Superseded(thread) => self.processes.supersede(pid, *thread),
            What::Garbled(entry) => {
                take(&self.processes, Happening::Garbled { pid, syscall: entry.name });
            }
            What::Other => take(&self.processes, Happening::Called { pid, syscall: None }),
            What::Born(_) | What::Lost | What::Noise => {}
        }
    }

    /// The child of a fork can be seen before the fork has returned.
    pub(super) fn began(&mut self, pid: u32, entry: &Entry, text: &[u8]) {
        if matches!(entry.state, State::Forks | State::Spawns | State::Clones) {
            self.processes.begin_fork(pid, shared(entry, text));
        }
    }

    pub(crate) fn call(
        &mut self,
        pid: u32,
        time: Option<Duration>,
        call: &Call<'_>,
        take: Take<'_>,
    ) {
        self.waiting = None;
        let entry = call.entry;
        if !matches!(call.outcome, Outcome::InChild) {
            for path in entry.paths {
                if let Some(attempt) = self.path_attempt(pid, time, call, path) {
                    take(&self.processes, Happening::Attempt(attempt));
                }
            }
        }
        self.state(pid, time, call, take);
        if entry.paths.is_empty() {
            take(&self.processes, Happening::Called { pid, syscall: Some(entry.name) });
        }
    }
}

/// What a new process shares with its parent, by the words of the call that makes it.
fn shared(entry: &Entry, text: &[u8]) -> Shared {
    if entry.state != State::Clones {
        return Shared::default();
    }
    let copies = entry.name != "rfork" || has_word(text, b"RFFDG") || has_word(text, b"RFCFDG");
    Shared {
        descriptors: has_word(text, b"CLONE_FILES") || !copies,
        directory: has_word(text, b"CLONE_FS"),
        thread: has_word(text, b"CLONE_THREAD"),
    }
}

fn has_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
