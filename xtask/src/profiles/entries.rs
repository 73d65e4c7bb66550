//! The entries of a shipped profile, each of which can be taken away.

use crate::workspace;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml_edit::{DocumentMut, Item};

/// Lists of entries, with the word for one entry and the keys that name it.
const LISTS: [(&str, &str, &[&str]); 9] = [
    ("read", "read", &["path"]),
    ("write", "write", &["path"]),
    ("deny", "deny", &["path"]),
    ("quiet", "quiet", &["path"]),
    ("copy", "copy", &["path"]),
    ("files", "file", &["path"]),
    ("patterns", "pattern", &["glob", "regex"]),
    ("env", "env", &["name"]),
    ("asks", "asks", &["programs"]),
];
/// Keys that are no entries: what the profile is, and defaults of its entries.
const OTHERS: [&str; 3] = ["version", "description", "optional"];

/// A shipped profile and what its proof says about it.
pub(super) struct Shipped {
    pub(super) name: String,
    document: DocumentMut,
    pub(super) entries: Vec<Entry>,
    /// Entries that the proof cannot show to be needed, and what needs them.
    pub(super) unshown: BTreeMap<String, String>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// How it is called here and in `proof.toml`, such as `read /etc/zsh`.
    pub(super) name: String,
    list: String,
    index: usize,
}

impl Shipped {
    /// The names of all profiles that have a proof.
    pub(super) fn names() -> Result<Vec<String>> {
        let folder = proofs();
        let entries = folder.read_dir().context("failed to list the proofs")?.flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Reads a profile and its proof's outline.
    pub(super) fn read(name: &str) -> Result<Self> {
        let file = workspace::root().join(format!("crates/jailkeeper/profiles/{name}.toml"));
        let outline = proofs().join(name).join("proof.toml");
        let read = |file: &PathBuf| -> Result<DocumentMut> {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("failed to read `{}`", file.display()))?;
            text.parse().with_context(|| format!("failed to parse `{}`", file.display()))
        };
        let document = read(&file)?;
        let entries = entries(&document)?;
        let unshown = unshown(&read(&outline)?)?;
        if let Some(stale) =
            unshown.keys().find(|name| !entries.iter().any(|entry| entry.name == **name))
        {
            bail!("`{}` excuses `{stale}`, which is no entry", outline.display());
        }
        Ok(Self { name: name.to_owned(), document, entries, unshown })
    }

    /// The profile as it is.
    pub(super) fn whole(&self) -> String {
        self.document.to_string()
    }

    /// The profile without an entry.
    pub(super) fn without(&self, entry: &Entry) -> String {
        let mut document = self.document.clone();
        match document.get_mut(&entry.list) {
            Some(Item::ArrayOfTables(tables)) => {
                tables.remove(entry.index);
            }
            Some(item) => {
                if let Some(array) = item.as_array_mut() {
                    array.remove(entry.index);
                }
            }
            None => {}
        }
        document.to_string()
    }
}

fn proofs() -> PathBuf {
    workspace::root().join("crates/jailkeeper-testkit/fixtures/profiles")
}

fn entries(document: &DocumentMut) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (key, item) in document.iter() {
        let entry = |word: &str, what: &str, index| Entry {
            name: format!("{word} {what}"),
            list: key.to_owned(),
            index,
        };
        if key == "extends" {
            let names = item.as_array().context("`extends` is no list")?.iter();
            let names = names.filter_map(|name| name.as_str());
            entries.extend(names.enumerate().map(|(index, name)| entry(key, name, index)));
            continue;
        }
        if OTHERS.contains(&key) {
            continue;
        }
        let list = LISTS.iter().find(|(list, ..)| *list == key);
        let (Some((_, word, names)), Item::ArrayOfTables(tables)) = (list, item) else {
            bail!("`{key}` cannot be taken away: it is no list of tables that is known here");
        };
        for (index, table) in tables.iter().enumerate() {
            let name =
                names.iter().find_map(|name| table.get(name)).map(|name| match name.as_str() {
                    Some(text) => text.to_owned(),
                    None => name.to_string().trim().to_owned(),
                });
            entries.push(entry(word, &name.context("an entry has no name")?, index));
        }
    }
    Ok(entries)
}

fn unshown(outline: &DocumentMut) -> Result<BTreeMap<String, String>> {
    let Some(list) = outline.get("unshown") else { return Ok(BTreeMap::new()) };
    let tables = list.as_array_of_tables().context("`unshown` is no list of tables")?;
    tables
        .iter()
        .map(|table| {
            let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
            let entry = text("entry").context("an exception names no `entry`")?;
            let reason = text("reason").filter(|reason| reason.len() > 20);
            Ok((entry.clone(), reason.with_context(|| format!("`{entry}` has no reason"))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_every_shipped_profile_can_be_taken_away() {
        for name in Shipped::names().unwrap() {
            let shipped = Shipped::read(&name).unwrap();
            assert!(!shipped.entries.is_empty(), "{name}");
            for entry in &shipped.entries {
                let without: DocumentMut = shipped.without(entry).parse().unwrap();
                let left = entries(&without).unwrap();
                assert_eq!(left.len(), shipped.entries.len() - 1, "{name}: {entry:?}");
                assert!(!left.iter().any(|other| other.name == entry.name), "{name}: {entry:?}");
            }
        }
    }

    #[test]
    fn every_shipped_profile_has_a_proof() {
        let folder = workspace::root().join("crates/jailkeeper/profiles");
        let mut shipped: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|file| file.unwrap().path().file_stem()?.to_str().map(str::to_owned))
            .filter(|name| name != "base" && name != "secrets")
            .collect();
        shipped.sort();
        assert_eq!(shipped, Shipped::names().unwrap());
    }
}
