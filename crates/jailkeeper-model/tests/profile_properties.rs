//! What holds for every profile and every glob.

mod naive_glob;

use jailkeeper_model::profile::{Profile, ProfileError};
use jailkeeper_model::{JailPath, Origin, Pattern, Right};
use proptest::prelude::*;
use std::path::Path;

const EXAMPLE: &str = r#"version = 1
description = "an example"
extends = ["shell", "./other.toml"]
optional = true
on_jailbreak = "kill"
strict = false
net = "none"
tmp = "private"
base = true
read = ["/srv/data", { path = "/etc/texmf", reason = "r", optional = true, on_jailbreak = "deny" }]
write = ["${cwd}/out"]
deny = ['${home}/.ssh']
patterns = [{ glob = "${cwd}/**/.env*", right = "deny" }, { regex = '^/srv/.*\.csv$', right = "read" }]
files = [{ path = "/etc/passwd", text = """
jail:x:${uid}:${gid}""", reason = "r" }]
asks = [{ programs = ["tex"], reason = "r" }]
[[quiet]]
path = "/run"
[[copy]]
path = "/etc/hosts"
[env]
X = "${tmp}/x"
[limits]
wall_time = "10s"
"#;

fn base() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jailkeeper/profiles/base.toml");
    std::fs::read_to_string(file).expect("the base")
}

/// Checks what must hold of an error, whatever the text.
fn check(error: &ProfileError, text: &str) {
    for error in std::iter::once(error).chain(error.others()) {
        for (place, _) in error.labels() {
            assert!(text.get(place.span()).is_some(), "{:?} of {text:?}", place.span());
            assert!(place.line() <= text.split('\n').count());
        }
    }
    let picture = error.picture().to_string();
    assert!(!picture.contains(|letter: char| letter.is_control() && letter != '\n'), "{picture:?}");
    assert!(picture.lines().all(|line| line.chars().count() <= 400), "{picture}");
}

fn parse(text: &str) -> Result<Profile, ()> {
    Profile::parse("p", None, text).map_err(|error| check(&error, text))
}

#[test]
fn the_example_is_a_profile() {
    parse(EXAMPLE).unwrap();
    parse(&base()).unwrap();
}

/// A part of a glob that is one.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[abß.]",
        2 => Just("*".to_owned()),
        2 => Just("?".to_owned()),
        1 => "\\[!?[a-bß]{1,2}\\]",
        1 => "\\[!?[a-b]-[b-cß]\\]",
        1 => "\\\\[*?\\[{},a]",
        1 => "\\{[ab*?]{0,2},[ab/]{0,2}\\}",
    ]
}

fn glob() -> impl Strategy<Value = String> {
    let name = prop::collection::vec(part(), 1..4).prop_map(|parts| parts.concat());
    let level = prop_oneof![4 => name, 1 => Just("**".to_owned())];
    prop::collection::vec(level, 1..5).prop_map(|levels| format!("/{}", levels.join("/")))
}

/// A path in whose names are the characters that are in globs.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"ab.*?[]{},".to_vec()).prop_map(|byte| vec![byte]),
        3 => Just(b"/".to_vec()),
        1 => Just("ß".as_bytes().to_vec()),
        1 => Just(b"\xc3".to_vec()),
        1 => Just(b"\n".to_vec()),
    ];
    prop::collection::vec(byte, 0..10).prop_map(|bytes| [b"/".to_vec(), bytes.concat()].concat())
}

/// Says whether the usual crate means the same by a glob: no class that it would let match a slash
/// or half a character, no `**` at the end, which it lets match the directory itself, and none beside
/// or among alternatives, where it takes them for two stars.
fn is_common(glob: &str, path: &[u8]) -> bool {
    let alone = glob.match_indices("**").all(|(at, stars)| {
        let before = glob.get(..at).is_some_and(|text| text.is_empty() || text.ends_with('/'));
        let after = glob.get(at + stars.len()..);
        before && after.is_some_and(|text| text.is_empty() || text.starts_with('/'))
    });
    alone && !glob.contains("[!") && path.is_ascii() && glob.is_ascii() && path != b"/"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_odd(text in any::<String>()) {
        let _ = parse(&text);
        let _ = parse(&format!("version = 1\n{text}"));
        let _ = parse(&format!("version = 1\nread = [{text:?}]\npatterns = [{{ glob = {text:?}, right = 'deny' }}]"));
    }

    #[test]
    fn no_change_of_a_profile_is_too_odd(
        at in any::<prop::sample::Index>(),
        length in 0..12_usize,
        new in prop_oneof![
            Just(String::new()),
            prop::sample::select(EXAMPLE.split_inclusive([' ', '\n']).collect::<Vec<_>>()).prop_map(String::from),
            "[\\[\\]{}\"'\\\\$=,.\n#a1\0ß\u{202e}]{0,4}",
        ],
    ) {
        let start = (0..=at.index(EXAMPLE.len())).rev().find(|at| EXAMPLE.is_char_boundary(*at));
        let start = start.unwrap_or(0);
        let end = (start + length).min(EXAMPLE.len());
        let text = [&EXAMPLE[..start], &new, &EXAMPLE[end..]].concat();
        let _ = parse(&text);
    }

    #[test]
    fn every_value_stands_where_it_says(names in prop::collection::vec("[a-zß日]{1,8}", 1..8)) {
        let entries: Vec<_> = names.iter().enumerate().map(|(at, name)| format!("'/{at}/{name}'")).collect();
        let text = format!("# ß\nversion = 1\nread = [\n{}\n]", entries.join(",\n"));
        let profile = parse(&text).unwrap();
        for (at, rule) in profile.rules.iter().enumerate() {
            prop_assert_eq!(rule.path.place.text(), &entries[at]);
            prop_assert_eq!(rule.path.place.line(), at + 4);
        }
    }

    #[test]
    fn a_glob_matches_what_the_slow_way_says(glob in glob(), paths in prop::collection::vec(path(), 12)) {
        let Ok(pattern) = Pattern::glob(&glob, Right::Read, Origin::Api) else { return Ok(()) };
        let usual = globset::GlobBuilder::new(&glob)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build()
            .unwrap()
            .compile_matcher();
        for bytes in paths {
            use std::os::unix::ffi::OsStrExt;
            let path = JailPath::new(std::ffi::OsStr::from_bytes(&bytes)).unwrap();
            let matches = pattern.matches(&path);
            prop_assert_eq!(matches, naive_glob::matches(&glob, path.as_bytes()), "{} {:?}", glob, path);
            if is_common(&glob, path.as_bytes()) {
                prop_assert_eq!(matches, usual.is_match(path.as_path()), "{} {:?}", glob, path);
            }
            if matches {
                let parent = path.parent().unwrap_or(JailPath::root());
                prop_assert!(pattern.may_match_below(&parent), "{} {:?}", glob, path);
            }
            if let Some(tree) = pattern.as_tree() {
                prop_assert_eq!(matches, tree.covers(&path) && *tree != path, "{} {:?}", glob, path);
            }
        }
    }

    #[test]
    fn a_directory_in_front_stands_for_itself(glob in glob(), directory in path(), rest in path()) {
        use std::os::unix::ffi::OsStrExt;
        let at = |bytes: &[u8]| JailPath::new(std::ffi::OsStr::from_bytes(bytes)).unwrap();
        let (directory, rest) = (at(&directory), at(&rest));
        let Ok(plain) = Pattern::glob(&glob, Right::Read, Origin::Api) else { return Ok(()) };
        let beneath = Pattern::glob_beneath(&directory, &glob, Right::Read, Origin::Api).unwrap();
        let joined = [directory.as_bytes(), rest.as_bytes()].concat();
        prop_assert_eq!(beneath.matches(&at(&joined)), plain.matches(&rest));
    }
}
