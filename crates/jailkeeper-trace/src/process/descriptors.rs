//! The open descriptors that have a name.

use jailkeeper_model::JailPath;
use std::collections::BTreeMap;

/// How many descriptors of a process are remembered.
const AT_MOST: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    path: JailPath,
    closes_on_exec: bool,
}

/// The open descriptors of a process, as far as they lead to something that has a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Descriptors {
    open: BTreeMap<i32, Open>,
}

impl Descriptors {
    pub(super) fn path(&self, number: i32) -> Option<&JailPath> {
        self.open.get(&number).map(|open| &open.path)
    }

    /// Remembers what a number leads to; nothing known if there is no path.
    pub(super) fn open(&mut self, number: i32, path: Option<JailPath>, closes_on_exec: bool) {
        match path {
            Some(path) if self.open.len() < AT_MOST => {
                self.open.insert(number, Open { path, closes_on_exec });
            }
            _ => {
                self.open.remove(&number);
            }
        }
    }

    pub(super) fn duplicate(&mut self, from: i32, to: i32, closes_on_exec: bool) {
        if from != to {
            let path = self.open.get(&from).map(|open| open.path.clone());
            self.open(to, path, closes_on_exec);
        }
    }

    pub(super) fn close(&mut self, first: i32, last: i32) {
        if first == last {
            self.open.remove(&first);
        } else {
            self.open.retain(|number, _| *number < first || *number > last);
        }
    }

    pub(super) fn close_on_exec(&mut self, first: i32, last: i32, yes: bool) {
        if first <= last {
            for (_, open) in self.open.range_mut(first..=last) {
                open.closes_on_exec = yes;
            }
        }
    }

    pub(super) fn execute(&mut self) {
        self.open.retain(|_, open| !open.closes_on_exec);
    }
}
