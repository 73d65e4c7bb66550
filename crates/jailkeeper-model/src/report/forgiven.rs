//! What was looked at outside and answered as absent.

use crate::event::{RawBytes, WirePath};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashMap;

/// How many entries are kept. A program can ask for any number of names.
const ENTRIES_AT_MOST: usize = 1000;

/// Says how often a program looked at a file outside, or asked for an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Forgiven {
    /// The file as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The bytes of `file`, if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<RawBytes>,
    /// The network address, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The path of the program.
    pub program: String,
    /// What the program did, in one word such as `stat`.
    pub operation: String,
    /// How often.
    pub count: u64,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    File(WirePath),
    Address(String),
}

/// Collects what was forgiven, one entry for each file, program and operation.
#[derive(Debug, Clone, Default)]
pub struct ForgivenList {
    entries: Vec<Forgiven>,
    /// Where in `entries` something is, so that a program that asks a million times costs
    /// little each time.
    index: HashMap<(Subject, String, String), usize>,
}

impl ForgivenList {
    /// Returns the entries in the order in which they first came.
    #[must_use]
    pub fn entries(&self) -> &[Forgiven] {
        &self.entries
    }

    /// Counts one; says `false` when it has no entry and there is no room for another.
    pub(super) fn record(&mut self, subject: Subject, program: String, operation: &str) -> bool {
        let key = (subject, program, operation.to_owned());
        let known = self.index.get(&key).and_then(|index| self.entries.get_mut(*index));
        if let Some(entry) = known {
            entry.count = entry.count.saturating_add(1);
            return true;
        }
        if self.entries.len() >= ENTRIES_AT_MOST {
            return false;
        }
        let (subject, program, operation) = key.clone();
        self.index.insert(key, self.entries.len());
        let (file, file_bytes, address) = match subject {
            Subject::File(WirePath { text, bytes }) => (Some(text), bytes, None),
            Subject::Address(address) => (None, None, Some(address)),
        };
        self.entries.push(Forgiven { file, file_bytes, address, program, operation, count: 1 });
        true
    }
}

/// The index follows from the entries.
impl PartialEq for ForgivenList {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<'a> IntoIterator for &'a ForgivenList {
    type Item = &'a Forgiven;
    type IntoIter = std::slice::Iter<'a, Forgiven>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl Serialize for ForgivenList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(serializer)
    }
}

impl JsonSchema for ForgivenList {
    fn schema_name() -> Cow<'static, str> {
        Vec::<Forgiven>::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Forgiven>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_are_counted_and_the_number_of_entries_is_bounded() {
        let mut list = ForgivenList::default();
        for round in 0..3 {
            for number in 0..ENTRIES_AT_MOST + 5 {
                let file = Subject::File(WirePath::new(format!("/x/{number}")));
                let kept = list.record(file, "/bin/ls".into(), "stat");
                assert_eq!(kept, number < ENTRIES_AT_MOST, "round {round}, number {number}");
            }
        }
        assert_eq!(list.entries().len(), ENTRIES_AT_MOST);
        assert!(list.into_iter().all(|entry| entry.count == 3));
    }

    #[test]
    fn different_bytes_with_the_same_text_are_two() {
        let mut list = ForgivenList::default();
        for bytes in [b"/\xff", b"/\xfe", b"/\xff"] {
            let file = Subject::File(WirePath::from_bytes(bytes));
            list.record(file, "/bin/ls".into(), "stat");
        }
        let counts: Vec<_> = list.into_iter().map(|entry| entry.count).collect();
        assert_eq!(counts, [2, 1]);
    }
}
