//! The profiles that are built in are profiles, and the page about them is right.

use jailkeeper_model::profile::Profile;
use std::path::Path;

#[test]
fn every_built_in_profile_is_one_and_says_why_for_each_entry() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jailkeeper/profiles");
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let profile = Profile::parse(&name, None, &text).unwrap_or_else(|error| panic!("{error}"));
        assert!(profile.description.is_some(), "{name} has no description");
        let reasons = profile
            .rules
            .iter()
            .map(|entry| (&entry.reason, &entry.path.place))
            .chain(profile.copies.iter().map(|entry| (&entry.reason, &entry.path.place)))
            .chain(profile.files.iter().map(|entry| (&entry.reason, &entry.path.place)))
            .chain(profile.patterns.iter().map(|entry| (&entry.reason, &entry.pattern.place)))
            .chain(profile.variables.iter().map(|entry| (&entry.reason, &entry.name.place)))
            .chain(profile.askers.iter().map(|entry| (&entry.reason, &entry.place)));
        for (reason, place) in reasons {
            let reason = reason.as_ref().unwrap_or_else(|| panic!("{place}: no reason"));
            assert!(reason.len() > 5, "{place}: no reason: {reason}");
        }
        names.push(name);
    }
    assert!(names.contains(&"base".to_owned()), "{names:?}");
}

#[test]
fn the_page_about_profiles_has_every_key_and_its_examples_are_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/profiles.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<_> = page.split("```toml\n").skip(1).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let text = example.split("```").next().unwrap();
        Profile::parse("example", None, text).unwrap_or_else(|error| panic!("{}", error.picture()));
    }
    let error = Profile::parse("my.toml", None, "version = 1\n\nraed = [\"/srv\"]\n").unwrap_err();
    assert!(page.contains(&error.picture().to_string()), "{}", error.picture());
    let mut keys = 0;
    each_key(&jailkeeper_model::profile_schema(), &mut |key| {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("`{key} = ")),
            "{key}"
        );
        keys += 1;
    });
    assert!(keys > 19);
}

/// Calls for every key that a schema allows, at any depth.
fn each_key(schema: &serde_json::Value, found: &mut impl FnMut(&str)) {
    if let Some(properties) = schema.get("properties").and_then(|value| value.as_object()) {
        properties.keys().for_each(|key| found(key));
    }
    match schema {
        serde_json::Value::Object(entries) => {
            entries.values().for_each(|entry| each_key(entry, found));
        }
        serde_json::Value::Array(entries) => {
            entries.iter().for_each(|entry| each_key(entry, found));
        }
        _ => {}
    }
}
