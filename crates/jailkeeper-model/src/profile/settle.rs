//! What a stack of profiles says in the end: the rules by which it is settled.
//!
//! Of the entries for one path, those of a profile beat those of what it extends. Between profiles
//! that have nothing to do with each other, one from a file beats one that is built in, whoever
//! comes first; else they must agree, or somebody has to say which is meant. Nothing is ever
//! overridden because of an order on the command line.

use super::document::Profile;
use super::entry::{CopyEntry, FileEntry, PatternKind, RuleEntry, Tmp};
use super::error::ProfileError;
use super::layers::{Index, Layers};
use super::pattern::CompileError;
use super::place::{Located, Place};
use super::settled::{Settled, SettledFile, SettledPath, SettledPattern, SettledVariable};
use super::stack::Stack;
use super::suggest::shown;
use super::template::{ExpandError, Template, Variables};
use crate::path::JailPath;
use crate::policy::{OnJailbreak, Origin, Right};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

impl Stack {
    /// Says whether the base comes with the profiles; `None` is yes, as nobody said anything.
    #[must_use]
    pub fn base(&self) -> Option<Located<bool>> {
        // Without it there is less: that is the stricter.
        Layers::new(None, self).scalar(|profile| profile.base.as_ref(), |base| !*base)
    }

    /// Says what the profiles mean together, upon the base or without one.
    ///
    /// # Errors
    ///
    /// When two profiles contradict each other, naming both places, and when an entry that is not
    /// optional has a variable that stands for nothing.
    pub fn settle(
        &self,
        base: Option<&Profile>,
        variables: &Variables,
    ) -> Result<Settled, ProfileError> {
        let layers = Layers::new(base, self);
        let on_jailbreak = layers.scalar(|profile| profile.on_jailbreak.as_ref(), |what| *what);
        let follows = on_jailbreak.as_ref().map(|what| what.value).unwrap_or_default();
        let mut settled = Settled {
            rules: Vec::new(),
            copies: Vec::new(),
            files: Vec::new(),
            patterns: layers.patterns(variables, follows)?,
            variables: layers.variables(variables)?,
            askers: layers.profiles().flat_map(|profile| profile.askers.clone()).collect(),
            on_jailbreak,
            strict: layers.scalar(|profile| profile.strict.as_ref(), |strict| *strict),
            nested: layers.scalar(|profile| profile.nested.as_ref(), |nested| !*nested),
            net: layers.scalar(|profile| profile.net.as_ref(), |_| ()),
            tmp: layers.scalar(|profile| profile.tmp.as_ref(), |tmp| *tmp == Tmp::Deny),
            wall_time: layers
                .scalar(|profile| profile.wall_time.as_ref(), |time| std::cmp::Reverse(*time)),
        };
        layers.paths(variables, follows, &mut settled)?;
        Ok(settled)
    }
}

/// An entry for a path, of any kind.
#[derive(Debug, Clone)]
enum Item {
    Rule(RuleEntry),
    Copy(CopyEntry),
    File(FileEntry),
}

impl Item {
    fn place(&self) -> &Place {
        match self {
            Self::Rule(entry) => &entry.path.place,
            Self::Copy(entry) => &entry.path.place,
            Self::File(entry) => &entry.path.place,
        }
    }

    fn path(&self) -> (&Located<Template>, bool) {
        match self {
            Self::Rule(entry) => (&entry.path, entry.optional),
            Self::Copy(entry) => (&entry.path, entry.optional),
            Self::File(entry) => (&entry.path, entry.optional),
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Rule(entry) => format!("`{}` here", entry.right),
            Self::Copy(_) => "a copy here".to_owned(),
            Self::File(_) => "a file of its own here".to_owned(),
        }
    }

    /// Says whether two that nobody put in an order can both be meant. A copy can be read.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rule(one), Self::Rule(other)) => one.right == other.right,
            (Self::Copy(_), Self::Copy(_)) => true,
            (Self::File(one), Self::File(other)) => one.text.value == other.text.value,
            (Self::Rule(rule), Self::Copy(_)) | (Self::Copy(_), Self::Rule(rule)) => {
                rule.right == Right::Read
            }
            _ => false,
        }
    }

    /// Takes over from one that agrees what is stricter there.
    fn tighten(&mut self, other: &Self, follows: OnJailbreak) {
        let (_, other_is_optional) = other.path();
        match self {
            Self::Rule(entry) => {
                entry.optional &= other_is_optional;
                if let Self::Rule(other) = other {
                    entry.on_jailbreak = stricter(entry.on_jailbreak, other.on_jailbreak, follows);
                }
            }
            Self::Copy(entry) => entry.optional &= other_is_optional,
            Self::File(entry) => entry.optional &= other_is_optional,
        }
    }
}

/// Returns the stricter of two choices, of which `None` is the policy's.
fn stricter(
    one: Option<OnJailbreak>,
    other: Option<OnJailbreak>,
    policy: OnJailbreak,
) -> Option<OnJailbreak> {
    if one == other {
        return one;
    }
    Some(one.unwrap_or(policy).max(other.unwrap_or(policy)))
}

impl Layers<'_> {
    fn origin(index: Index, place: &Place) -> Origin {
        if index.is_none() { Origin::Base } else { place.origin() }
    }

    fn paths(
        &self,
        variables: &Variables,
        follows: OnJailbreak,
        settled: &mut Settled,
    ) -> Result<(), ProfileError> {
        let mut all: BTreeMap<JailPath, Vec<(Index, Item)>> = BTreeMap::new();
        for (index, profile) in self.indexed() {
            let rules = profile.rules.iter().cloned().map(Item::Rule);
            let copies = profile.copies.iter().cloned().map(Item::Copy);
            let files = profile.files.iter().cloned().map(Item::File);
            for item in rules.chain(copies).chain(files) {
                let (path, optional) = item.path();
                match path.expand_path(variables) {
                    Ok(path) => all.entry(path).or_default().push((index, item)),
                    Err(ExpandError::NoValue(_)) if optional => {}
                    Err(error) => return Err(cannot_expand(&path.place, &error)),
                }
            }
        }
        for (path, candidates) in all {
            let mut unbeaten = self.unbeaten(candidates).into_iter();
            let Some((index, mut item)) = unbeaten.next() else { continue };
            for (_, other) in unbeaten {
                if !item.agrees(&other) {
                    let what = format!("`{}`", path.display());
                    return Err(contradiction(
                        &what,
                        (item.place(), &item.label()),
                        (other.place(), &other.label()),
                    ));
                }
                item.tighten(&other, follows);
            }
            let origin = Self::origin(index, item.place());
            match item {
                Item::Rule(entry) => settled.rules.push(SettledPath { path, origin, entry }),
                Item::Copy(entry) => settled.copies.push(SettledPath { path, origin, entry }),
                Item::File(entry) => match entry.text.expand(variables) {
                    Ok(text) => settled.files.push(SettledFile { path, text, origin, entry }),
                    Err(ExpandError::NoValue(_)) if entry.optional => {}
                    Err(error) => return Err(cannot_expand(&entry.text.place, &error)),
                },
            }
        }
        Ok(())
    }

    fn patterns(
        &self,
        variables: &Variables,
        follows: OnJailbreak,
    ) -> Result<Vec<SettledPattern>, ProfileError> {
        let mut order: Vec<(PatternKind, String)> = Vec::new();
        let mut all: BTreeMap<(PatternKind, String), Vec<(Index, SettledPattern)>> =
            BTreeMap::new();
        for (index, profile) in self.indexed() {
            for entry in &profile.patterns {
                let place = &entry.pattern.place;
                match entry.compile(variables, Self::origin(index, place)) {
                    Ok(pattern) => {
                        let key = (entry.kind, pattern.expression().to_owned());
                        let settled = SettledPattern { pattern, entry: entry.clone() };
                        match all.entry(key) {
                            Entry::Vacant(vacant) => {
                                order.push(vacant.key().clone());
                                vacant.insert(vec![(index, settled)]);
                            }
                            Entry::Occupied(mut occupied) => {
                                occupied.get_mut().push((index, settled));
                            }
                        }
                    }
                    Err(CompileError::Expand(ExpandError::NoValue(_))) if entry.optional => {}
                    Err(error) => return Err(cannot_expand(place, &error)),
                }
            }
        }
        let mut patterns = Vec::with_capacity(order.len());
        for key in order {
            let mut unbeaten = self.unbeaten(all.remove(&key).unwrap_or_default()).into_iter();
            let Some((_, mut first)) = unbeaten.next() else { continue };
            for (_, other) in unbeaten {
                let (one, two) = (&first.entry, &other.entry);
                if one.right != two.right {
                    let words = (format!("`{}` here", one.right), format!("`{}` here", two.right));
                    let what = format!("the pattern `{}`", shown(&key.1));
                    return Err(contradiction(
                        &what,
                        (&one.pattern.place, &words.0),
                        (&two.pattern.place, &words.1),
                    ));
                }
                first.entry.on_jailbreak = stricter(one.on_jailbreak, two.on_jailbreak, follows);
            }
            if let Some(choice) = first.entry.on_jailbreak {
                first.pattern = first.pattern.with_on_jailbreak(choice);
            }
            patterns.push(first);
        }
        Ok(patterns)
    }

    fn variables(&self, variables: &Variables) -> Result<Vec<SettledVariable>, ProfileError> {
        let mut all: BTreeMap<String, Vec<(Index, SettledVariable)>> = BTreeMap::new();
        for (index, profile) in self.indexed() {
            for entry in &profile.variables {
                let value = match &entry.value {
                    None => None,
                    Some(value) => Some(value.expand(variables).map_err(|error| {
                        ProfileError::new(value.place.clone(), error.to_string())
                    })?),
                };
                let (name, origin) =
                    (entry.name.value.clone(), Self::origin(index, &entry.name.place));
                let settled =
                    SettledVariable { name: name.clone(), value, origin, entry: entry.clone() };
                all.entry(name).or_default().push((index, settled));
            }
        }
        let mut settled = Vec::with_capacity(all.len());
        for (name, candidates) in all {
            let mut unbeaten = self.unbeaten(candidates).into_iter();
            let Some((_, first)) = unbeaten.next() else { continue };
            if let Some((_, other)) = unbeaten.find(|(_, other)| other.value != first.value) {
                let what = format!("the variable `{}`", shown(&name));
                return Err(contradiction(
                    &what,
                    (&first.entry.name.place, "a value"),
                    (&other.entry.name.place, "another value"),
                ));
            }
            settled.push(first);
        }
        Ok(settled)
    }
}

fn cannot_expand(place: &Place, error: &dyn std::error::Error) -> ProfileError {
    ProfileError::new(place.clone(), error.to_string())
        .with_help("`optional = true` passes the entry over where a variable has no value")
}

/// Says that two profiles differ about something.
fn contradiction(what: &str, first: (&Place, &str), second: (&Place, &str)) -> ProfileError {
    let message = format!("two profiles contradict each other about {what}");
    let (first_place, first_word) = first;
    let (second_place, second_word) = second;
    ProfileError::new(second_place.clone(), message)
        .with_label(second_word)
        .with_second(first_place.clone(), first_word)
        .with_help("write a profile that extends both and says which is meant")
}
