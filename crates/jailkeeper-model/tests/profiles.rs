//! The profiles that are built in are profiles.

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
