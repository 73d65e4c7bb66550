//! The shipped profiles, as data: they are right, say why, and hold nothing secret.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use jailkeeper_model::Right;
use jailkeeper_model::profile::Profile;
use std::path::Path;

/// What people call them.
const NAMES: [&str; 9] =
    ["agent", "gcc", "git", "java", "latex", "node", "python", "rust", "shell"];

/// What no shipped profile may let a jail read, nor anything that contains it.
const SECRET: [&str; 29] = [
    "/etc/shadow",
    "/etc/passwd",
    "/etc/npmrc",
    "/etc/pip.conf",
    "/etc/maven/settings.xml",
    "/home",
    "/root",
    "/run",
    "${home}/.aws",
    "${home}/.azure",
    "${home}/.bash_history",
    "${home}/.bashrc",
    "${home}/.cargo/credentials.toml",
    "${home}/.config/gcloud",
    "${home}/.config/gh",
    "${home}/.config/git/credentials",
    "${home}/.config/pip/pip.conf",
    "${home}/.docker",
    "${home}/.git-credentials",
    "${home}/.gnupg",
    "${home}/.kube",
    "${home}/.local/share/keyrings",
    "${home}/.m2/settings.xml",
    "${home}/.mozilla",
    "${home}/.netrc",
    "${home}/.npmrc",
    "${home}/.pip",
    "${home}/.pypirc",
    "${home}/.ssh",
];

fn shipped() -> Vec<Profile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    NAMES
        .map(|name| {
            let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
            Profile::parse(name, None, &text).unwrap_or_else(|error| unreachable!("{error}"))
        })
        .into()
}

#[test]
fn every_entry_says_why_it_is_there() {
    for profile in shipped() {
        let name = profile.name();
        assert!(profile.description.is_some(), "{name}");
        let said = |reason: &Option<String>, what: &dyn std::fmt::Debug| {
            assert!(reason.as_ref().is_some_and(|reason| reason.len() > 5), "{name}: {what:?}");
        };
        profile.rules.iter().for_each(|entry| said(&entry.reason, entry));
        profile.copies.iter().for_each(|entry| said(&entry.reason, entry));
        profile.patterns.iter().for_each(|entry| said(&entry.reason, entry));
        profile.files.iter().for_each(|entry| said(&entry.reason, entry));
        profile.variables.iter().for_each(|entry| said(&entry.reason, entry));
        profile.askers.iter().for_each(|entry| said(&entry.reason, entry));
        // Whoever lacks a part of a tool chain has the profile all the same.
        assert!(profile.rules.iter().all(|entry| entry.optional), "{name}");
    }
}

#[test]
fn nothing_secret_can_be_read() {
    for profile in shipped() {
        let granted =
            profile.rules.iter().filter(|rule| !matches!(rule.right, Right::Deny | Right::Quiet));
        let granted = granted.map(|rule| &rule.path.value);
        for path in granted.chain(profile.copies.iter().map(|copy| &copy.path.value)) {
            for secret in SECRET {
                let holds = Path::new(secret).starts_with(path.as_str());
                assert!(!holds, "{}: {path} holds {secret}", profile.name());
                let inside = Path::new(path.as_str()).starts_with(secret);
                assert!(!inside, "{}: {path} is in {secret}", profile.name());
            }
        }
    }
}

#[test]
fn what_is_extended_is_shipped() {
    for profile in shipped() {
        for extended in &profile.extends {
            assert!(NAMES.contains(&extended.value.as_str()), "{}", extended.value);
        }
    }
}
