//! From what a program needed to the entries that would have been enough. Pure.
//!
//! The rule of generalising: a directory in which at least [`FILES_FOR_A_DIRECTORY`] files are
//! needed is proposed as a whole, and so is one with as many needed directories. It must be at
//! least two names deep, and hold neither the home directory nor a secret.

use crate::access::Mode;
use crate::escape::escape;
use crate::path::JailPath;
use crate::policy::Right;
use std::collections::{BTreeMap, BTreeSet};

/// How many files of one directory make it an entry of its own.
pub const FILES_FOR_A_DIRECTORY: usize = 4;
/// How many programs are named for one entry.
const PROGRAMS_AT_MOST: usize = 5;
/// How many characters of a program's name are told.
const NAME_AT_MOST: usize = 40;

/// One thing that a program used and no rule allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The file, with symbolic links followed.
    pub path: JailPath,
    /// The name by which it was used, where that goes through symbolic links: the jail has no link
    /// that no entry names, and a program that only looks for it would find nothing.
    pub name: Option<JailPath>,
    /// What is enough for it.
    pub right: Right,
    /// The program's file.
    pub program: String,
}

/// An entry that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The path.
    pub path: JailPath,
    /// The right.
    pub right: Right,
    /// Who needed it.
    pub programs: BTreeSet<String>,
}

impl Proposal {
    /// Says who needed it, for people. The names come from a jail: they are escaped and bounded.
    #[must_use]
    pub fn reason(&self) -> String {
        let names: Vec<String> = self
            .programs
            .iter()
            .map(|program| program.rsplit('/').next().unwrap_or(program))
            .map(|name| escape(name.as_bytes()).bounded(NAME_AT_MOST).to_string())
            .take(PROGRAMS_AT_MOST)
            .collect();
        let more = if self.programs.len() > PROGRAMS_AT_MOST { " and others" } else { "" };
        format!("needed by {}{more}", names.join(", "))
    }
}

/// Returns the right that is enough for a use.
#[must_use]
pub fn right_for(mode: Mode) -> Option<Right> {
    match mode {
        Mode::Read | Mode::Execute => Some(Right::Read),
        Mode::Write | Mode::Connect | Mode::Bind => Some(Right::Write),
        Mode::Signal | Mode::Syscall => None,
    }
}

/// Proposes the fewest entries that cover all needs, sorted by path.
///
/// `secret` says whether a path is, or is in, a place of secrets: nothing there is proposed, nor
/// anything that holds one.
///
/// ```
/// # use jailkeeper_model::learn::{Need, propose};
/// # use jailkeeper_model::{JailPath, PathError, Right};
/// let need = |path: &str| -> Result<Need, PathError> {
///     let (path, program) = (JailPath::new(path)?, "/usr/bin/cc".to_owned());
///     Ok(Need { path, name: None, right: Right::Read, program })
/// };
/// let needs = [need("/opt/sdk/a.h")?, need("/opt/sdk/b.h")?];
/// let proposals = propose(&needs, None, |_| false);
/// assert_eq!(proposals.len(), 2);
/// # Ok::<(), PathError>(())
/// ```
#[must_use]
pub fn propose(
    needs: &[Need],
    home: Option<&JailPath>,
    secret: impl Fn(&JailPath) -> bool,
) -> Vec<Proposal> {
    let mut entries: BTreeMap<JailPath, Proposal> = BTreeMap::new();
    for need in needs.iter().filter(|need| !secret(&need.path)) {
        add(&mut entries, &need.path, need.right, [need.program.clone()]);
        if let Some(name) = need.name.as_ref().filter(|name| !secret(name)) {
            add(&mut entries, name, need.right, [need.program.clone()]);
        }
    }
    let may_generalise = |directory: &JailPath| {
        let deep = directory.components().count() >= 2;
        deep && !home.is_some_and(|home| directory.covers(home)) && !secret(directory)
    };
    loop {
        let mut children: BTreeMap<(JailPath, Right), usize> = BTreeMap::new();
        for entry in entries.values() {
            if let Some(parent) = entry.path.parent() {
                *children.entry((parent, entry.right)).or_default() += 1;
            }
        }
        let found = children
            .into_iter()
            .find(|((parent, _), count)| *count >= FILES_FOR_A_DIRECTORY && may_generalise(parent));
        let Some(((parent, right), _)) = found else { break };
        let inside: Vec<JailPath> = entries
            .values()
            .filter(|entry| entry.right == right && entry.path.parent().as_ref() == Some(&parent))
            .map(|entry| entry.path.clone())
            .collect();
        let mut programs = BTreeSet::new();
        for path in inside {
            if let Some(entry) = entries.remove(&path) {
                programs.extend(entry.programs);
            }
        }
        add(&mut entries, &parent, right, programs);
    }
    without_covered(entries)
}

fn add(
    entries: &mut BTreeMap<JailPath, Proposal>,
    path: &JailPath,
    right: Right,
    programs: impl IntoIterator<Item = String>,
) {
    let entry = entries.entry(path.clone()).or_insert_with(|| Proposal {
        path: path.clone(),
        right,
        programs: BTreeSet::new(),
    });
    if right == Right::Write {
        entry.right = Right::Write;
    }
    entry.programs.extend(programs);
}

/// Leaves away what another entry covers already.
fn without_covered(entries: BTreeMap<JailPath, Proposal>) -> Vec<Proposal> {
    let all: Vec<Proposal> = entries.into_values().collect();
    let covered = |entry: &Proposal| {
        all.iter().any(|other| {
            other.path != entry.path
                && other.path.covers(&entry.path)
                && (other.right == entry.right || other.right == Right::Write)
        })
    };
    all.iter().filter(|entry| !covered(entry)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> JailPath {
        JailPath::new(text).unwrap()
    }

    fn need(at: &str, right: Right) -> Need {
        Need { path: path(at), name: None, right, program: "/usr/bin/x".into() }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_an_entry_too_but_never_into_a_secret() {
        let named = |name: &str, at: &str| Need { name: Some(path(name)), ..need(at, Right::Read) };
        let expected = [("/opt/a", Right::Read), ("/opt/link", Right::Read)];
        let expected = expected.map(|(at, right)| (at.to_owned(), right));
        assert_eq!(proposed(&[named("/opt/link", "/opt/a")]), expected);
        assert_eq!(proposed(&[named("/opt/link", "/home/u/.ssh/id")]), []);
        let hidden = named("/home/u/.ssh/link", "/opt/a");
        assert_eq!(proposed(&[hidden]), [("/opt/a".to_owned(), Right::Read)]);
    }

    fn proposed(needs: &[Need]) -> Vec<(String, Right)> {
        let secret = |at: &JailPath| {
            let key = path("/home/u/.ssh");
            key.covers(at) || at.covers(&key)
        };
        propose(needs, Some(&path("/home/u")), secret)
            .into_iter()
            .map(|entry| (entry.path.as_path().display().to_string(), entry.right))
            .collect()
    }

    #[test]
    fn many_files_make_a_directory_and_few_do_not() {
        let few: Vec<_> = (0..3).map(|n| need(&format!("/opt/a/{n}"), Right::Read)).collect();
        assert_eq!(proposed(&few).len(), 3);
        let many: Vec<_> = (0..4).map(|n| need(&format!("/opt/a/{n}"), Right::Read)).collect();
        assert_eq!(proposed(&many), [("/opt/a".to_owned(), Right::Read)]);
    }

    #[test]
    fn directories_are_generalised_again_but_never_to_a_top_or_home() {
        let deep: Vec<_> = (0..4)
            .flat_map(|d| (0..4).map(move |n| need(&format!("/opt/x/{d}/{n}"), Right::Read)))
            .collect();
        assert_eq!(proposed(&deep), [("/opt/x".to_owned(), Right::Read)]);
        let top: Vec<_> = (0..9).map(|n| need(&format!("/opt/{n}"), Right::Read)).collect();
        assert_eq!(proposed(&top).len(), 9);
        let home: Vec<_> = (0..9).map(|n| need(&format!("/home/u/{n}"), Right::Read)).collect();
        assert_eq!(proposed(&home).len(), 9);
    }

    #[test]
    fn a_secret_is_never_proposed() {
        let needs = [need("/home/u/.ssh/id", Right::Read), need("/home/u/.ssh", Right::Read)];
        assert_eq!(proposed(&needs), []);
    }

    #[test]
    fn writing_is_more_than_reading_and_covers_it() {
        let needs = [
            need("/opt/a", Right::Read),
            need("/opt/a", Right::Write),
            need("/opt/a/b", Right::Read),
            need("/opt/c", Right::Read),
            need("/opt/c/d", Right::Write),
        ];
        let expected = [
            ("/opt/a".to_owned(), Right::Write),
            ("/opt/c".to_owned(), Right::Read),
            ("/opt/c/d".to_owned(), Right::Write),
        ];
        assert_eq!(proposed(&needs), expected);
    }

    #[test]
    fn what_is_proposed_covers_every_need() {
        let needs: Vec<_> = (0..200)
            .map(|n| {
                let right = if n % 7 == 0 { Right::Write } else { Right::Read };
                need(&format!("/srv/{}/{}/{n}", n % 5, n % 11), right)
            })
            .collect();
        let proposals = propose(&needs, None, |_| false);
        for need in &needs {
            let enough = proposals.iter().any(|entry| {
                entry.path.covers(&need.path)
                    && (entry.right == need.right || entry.right == Right::Write)
            });
            assert!(enough, "{need:?}");
        }
        assert!(proposals.len() < needs.len());
    }
}
