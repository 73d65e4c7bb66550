//! What stands twice in one profile.

use super::document::Profile;
use super::error::ProfileError;
use super::place::Place;
use super::reader::Reader;
use super::suggest::shown;
use std::collections::BTreeMap;

/// Says of every path and variable that stands twice where it stood before: one of the two is a
/// mistake, whichever it is.
pub(super) fn check(reader: &mut Reader, profile: &Profile) {
    let rules = profile.rules.iter().map(|rule| &rule.path);
    let copies = profile.copies.iter().map(|entry| &entry.path);
    let files = profile.files.iter().map(|file| &file.path);
    let paths = rules.chain(copies).chain(files);
    find(reader, "path", paths.map(|path| (normal(path.as_str()), &path.place)));
    let patterns = profile.patterns.iter();
    find(
        reader,
        "pattern",
        patterns
            .map(|entry| ((entry.kind, entry.pattern.as_str().to_owned()), &entry.pattern.place)),
    );
    let variables = profile.variables.iter();
    find(
        reader,
        "variable",
        variables.map(|variable| (variable.name.value.clone(), &variable.name.place)),
    );
}

/// Takes away what makes no difference in a path.
fn normal(path: &str) -> String {
    let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
    names.fold(String::new(), |path, name| path + "/" + name)
}

fn find<'p, K: Ord>(
    reader: &mut Reader,
    what: &str,
    entries: impl Iterator<Item = (K, &'p Place)>,
) {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(_, place)| place.span().start);
    let mut seen: BTreeMap<K, &Place> = BTreeMap::new();
    for (key, place) in entries {
        if let Some(first) = seen.get(&key) {
            let message = format!("the {what} {} stands twice", shown(place.text()));
            let error = ProfileError::new(place.clone(), message).with_label("again");
            reader.wrong(error.with_second((*first).clone(), "first"));
        } else {
            seen.insert(key, place);
        }
    }
}
