//! Profiles upon profiles: what they extend, and what they say together.

use jailkeeper_model::profile::{
    Located, Profile, ProfileError, Settled, Stack, Tmp, Variables, stack,
};
use jailkeeper_model::{JailPath, OnJailbreak, Origin, Right};
use std::path::Path;
use std::time::Duration;

/// Texts by name; one whose name has a slash is a file.
struct Shelf(Vec<(&'static str, &'static str)>);

impl Shelf {
    fn profile(&self, name: &str) -> Profile {
        let (_, body) = self.0.iter().find(|(known, _)| *known == name).expect(name);
        let file = name.contains('/').then(|| Path::new(name));
        let text = format!("version = 1\n{body}");
        Profile::parse(name, file, &text).expect("a profile")
    }

    fn stack(&self, wanted: &[&str]) -> Result<Stack, ProfileError> {
        let wanted = wanted.iter().map(|name| self.profile(name)).collect();
        stack(wanted, &mut |name: &Located<String>, _| {
            if self.0.iter().any(|(known, _)| *known == name.value) {
                Ok(self.profile(name))
            } else {
                let message = format!("no profile `{}`", name.value);
                Err(ProfileError::new(name.place.clone(), message))
            }
        })
    }

    fn settle(&self, wanted: &[&str]) -> Result<Settled, ProfileError> {
        self.stack(wanted)?.settle(None, &variables())
    }
}

fn variables() -> Variables {
    Variables::new("/home/u/work").with_home("/home/u").with_tmp("/tmp").with_user(1000, 100)
}

fn names(stack: &Stack) -> Vec<&str> {
    stack.profiles().map(Profile::name).collect()
}

/// The one rule for a path: its right and where it comes from.
fn rule(settled: &Settled, path: &str) -> (Right, String) {
    let path = JailPath::new(path).expect("a path");
    let mut rules = settled.rules.iter().filter(|rule| rule.path == path);
    let rule = rules.next().expect("a rule");
    assert!(rules.next().is_none(), "two rules for one path");
    (rule.entry.right, rule.origin.to_string())
}

#[test]
fn each_profile_comes_once_and_after_what_it_extends() {
    let shelf = Shelf(vec![
        ("a", "extends = ['b', 'c']"),
        ("b", "extends = ['d']"),
        ("c", "extends = ['d']"),
        ("d", ""),
        ("e", "extends = ['c']"),
    ]);
    assert_eq!(names(&shelf.stack(&["a"]).unwrap()), ["d", "b", "c", "a"]);
    assert_eq!(names(&shelf.stack(&["e", "a", "e"]).unwrap()), ["d", "c", "e", "b", "a"]);
    assert_eq!(names(&shelf.stack(&["d", "a"]).unwrap()), ["d", "b", "c", "a"]);
    assert_eq!(names(&shelf.stack(&[]).unwrap()), [""; 0]);
}

#[test]
fn a_circle_is_named_where_it_closes() {
    let shelf = Shelf(vec![
        ("a", "extends = ['b']"),
        ("b", "extends = ['./c.toml']"),
        ("./c.toml", "extends = [\n  'd', 'b']"),
        ("d", ""),
        ("self", "extends = ['self']"),
    ]);
    insta::assert_snapshot!(shelf.stack(&["a"]).unwrap_err().picture(), @r"
    error: a profile extends itself: b -> ./c.toml -> b
      --> ./c.toml:3:8
      |
    3 |   'd', 'b']
      |        ^^^ `b` closes the circle
    ");
    insta::assert_snapshot!(shelf.stack(&["self"]).unwrap_err(), @"self:2:12: a profile extends itself: self -> self");
}

#[test]
fn a_file_may_extend_the_built_in_one_of_its_name() {
    let mine = "version = 1\nextends = ['latex']\n";
    let mine = Profile::parse("latex", Some(Path::new("/home/u/latex.toml")), mine).unwrap();
    let built_in = Profile::parse("latex", None, "version = 1\nread = ['/usr']").unwrap();
    let stack = stack(vec![mine], &mut |_, _| Ok(built_in.clone())).unwrap();
    assert_eq!(stack.profiles().len(), 2);
}

#[test]
fn what_cannot_be_loaded_is_an_error_at_its_name() {
    let shelf = Shelf(vec![("a", "extends = ['b']"), ("b", "read = ['/x']\nextends = ['gone']")]);
    assert_eq!(shelf.stack(&["a"]).unwrap_err().to_string(), "b:3:12: no profile `gone`");
}

#[test]
fn depth_and_number_are_bounded() {
    let chain = |name: &Located<String>, _: &Profile| {
        let next = name.value.parse::<u32>().unwrap() + 1;
        Profile::parse(name, None, &format!("version = 1\nextends = ['{next}']"))
    };
    let first = Profile::parse("0", None, "version = 1\nextends = ['1']").unwrap();
    let error = stack(vec![first], &mut { chain }).unwrap_err();
    assert_eq!(error.to_string(), "15:2:12: more than 16 profiles each extend the next");

    let wanted = (0..65).map(|name| Profile::parse(&name.to_string(), None, "version = 1"));
    let wanted = wanted.collect::<Result<Vec<_>, _>>().unwrap();
    let error = stack(wanted, &mut { chain }).unwrap_err();
    assert_eq!(error.to_string(), "64:1:1: more than 64 profiles are extended");
}

#[test]
fn an_own_entry_beats_that_of_what_is_extended_whatever_its_kind() {
    let shelf = Shelf(vec![
        ("mine", "extends = ['theirs']\nread = ['/a', '/c', '/f']\ndeny = ['/b/']\ncopy = ['/r']"),
        (
            "theirs",
            "write = ['/a']\nread = ['/b', '/r']\nquiet = ['/c']\n\
             files = [{ path = '/f', text = 'x' }]",
        ),
    ]);
    for wanted in [&["mine"][..], &["theirs", "mine"], &["mine", "theirs"]] {
        let settled = shelf.settle(wanted).unwrap();
        let own = |right, line| (right, format!("the profile `mine:{line}`"));
        assert_eq!(rule(&settled, "/a"), own(Right::Read, 3));
        assert_eq!(rule(&settled, "/b"), own(Right::Deny, 4));
        assert_eq!(rule(&settled, "/c"), own(Right::Read, 3));
        assert_eq!(rule(&settled, "/f"), own(Right::Read, 3));
        assert!(settled.files.is_empty());
        assert_eq!(settled.rules.len(), 4);
        assert_eq!(settled.copies.len(), 1);
    }
}

#[test]
fn of_a_diamond_the_top_decides() {
    let shelf = Shelf(vec![
        ("top", "extends = ['left', 'right']\nread = ['/x']"),
        ("undecided", "extends = ['left', 'right']"),
        ("left", "extends = ['bottom']\nwrite = ['/x']"),
        ("right", "extends = ['bottom']\ndeny = ['/x']"),
        ("bottom", "quiet = ['/x']"),
    ]);
    assert_eq!(rule(&shelf.settle(&["top"]).unwrap(), "/x").0, Right::Read);
    insta::assert_snapshot!(shelf.settle(&["undecided"]).unwrap_err().picture(), @r"
    error: two profiles contradict each other about `/x`
      --> right:3:9
      |
    3 | deny = ['/x']
      |         ^^^^ `deny` here
      --> left:3:10
      |
    3 | write = ['/x']
      |          ^^^^ `write` here
      |
    hint: write a profile that extends both and says which is meant
    ");
}

#[test]
fn strangers_must_agree() {
    let shelf = Shelf(vec![
        ("a", "read = ['/x', { path = '/o', optional = true }]\nquiet = ['/q']"),
        ("same", "read = ['//x/.', '/o']\nquiet = ['/q']"),
        ("other", "write = ['/x']"),
        ("copies", "copy = ['/x']"),
        ("louder", "read = ['/q']"),
        ("file", "files = [{ path = '/x', text = 'a' }]"),
        ("same-file", "files = [{ path = '/x', text = 'a' }]"),
        ("other-file", "files = [{ path = '/x', text = 'b' }]"),
    ]);
    let settled = shelf.settle(&["a", "same"]).unwrap();
    assert_eq!(rule(&settled, "/x"), (Right::Read, "the profile `a:2`".to_owned()));
    let optional = settled.rules.iter().find(|rule| rule.path.as_bytes() == b"/o").unwrap();
    assert!(!optional.entry.optional, "one of the two needs it");
    shelf.settle(&["a", "copies"]).unwrap();
    shelf.settle(&["file", "same-file"]).unwrap();
    for pair in [
        ["a", "other"],
        ["other", "copies"],
        ["a", "louder"],
        ["a", "file"],
        ["file", "other-file"],
    ] {
        shelf.settle(&pair).expect_err("a contradiction");
        shelf.settle(&[pair[1], pair[0]]).expect_err("a contradiction");
    }
    insta::assert_snapshot!(shelf.settle(&["a", "other"]).unwrap_err().picture(), @r"
    error: two profiles contradict each other about `/x`
      --> other:2:10
      |
    2 | write = ['/x']
      |          ^^^^ `write` here
      --> a:2:9
      |
    2 | read = ['/x', { path = '/o', optional = true }]
      |         ^^^^ `read` here
      |
    hint: write a profile that extends both and says which is meant
    ");
}

#[test]
fn a_file_beats_what_is_built_in_and_everything_beats_the_base() {
    let shelf = Shelf(vec![
        ("built-in", "read = ['/x']\nstrict = true"),
        ("/p/mine.toml", "deny = ['/x', '/base']\nstrict = false"),
        ("/p/other.toml", "write = ['/x']"),
        ("of-a-file", "extends = ['/p/mine.toml']"),
    ]);
    let base = "version = 1\nread = ['/x', '/base', '/only']\non_jailbreak = 'log'";
    let base = Profile::parse("base", None, base).unwrap();
    for wanted in [["built-in", "/p/mine.toml"], ["/p/mine.toml", "built-in"]] {
        let settled = shelf.stack(&wanted).unwrap().settle(Some(&base), &variables()).unwrap();
        assert_eq!(rule(&settled, "/x"), (Right::Deny, "`/p/mine.toml:2`".to_owned()));
        assert_eq!(rule(&settled, "/base").0, Right::Deny);
        assert_eq!(rule(&settled, "/only"), (Right::Read, Origin::Base.to_string()));
        assert_eq!(settled.strict.map(|strict| strict.value), Some(false));
        assert_eq!(settled.on_jailbreak.map(|what| what.value), Some(OnJailbreak::Log));
    }
    shelf.settle(&["/p/mine.toml", "/p/other.toml"]).unwrap_err();
    // What extends a file weighs as much as the file.
    shelf.settle(&["of-a-file", "/p/other.toml"]).unwrap_err();
}

#[test]
fn of_scalars_the_derived_one_stands_and_between_strangers_the_stricter() {
    let shelf = Shelf(vec![
        ("mild", "extends = ['strict']\non_jailbreak = 'log'\nstrict = false\nbase = true"),
        (
            "strict",
            "on_jailbreak = 'ask'\nstrict = true\nbase = false\ntmp = 'deny'\n\
             limits = { wall_time = '1s' }",
        ),
        ("deny", "on_jailbreak = 'deny'\ntmp = 'private'\nlimits = { wall_time = '2s' }"),
        ("silent", ""),
    ]);
    let said = |wanted: &[&str]| {
        let stack = shelf.stack(wanted).unwrap();
        let settled = stack.settle(None, &variables()).unwrap();
        (
            settled.on_jailbreak.map(|what| what.value),
            settled.strict.map(|strict| strict.value),
            stack.base().map(|base| base.value),
            settled.tmp.map(|tmp| tmp.value),
            settled.wall_time.map(|time| time.value),
        )
    };
    let (second, two) = (Some(Duration::from_secs(1)), Some(Duration::from_secs(2)));
    let (log, ask, deny) =
        (Some(OnJailbreak::Log), Some(OnJailbreak::Ask), Some(OnJailbreak::Deny));
    assert_eq!(said(&["mild"]), (log, Some(false), Some(true), Some(Tmp::Deny), second));
    for wanted in [["strict", "deny"], ["deny", "strict"]] {
        assert_eq!(said(&wanted), (ask, Some(true), Some(false), Some(Tmp::Deny), second));
    }
    for wanted in [&["silent", "deny"][..], &["deny", "silent"], &["deny"]] {
        assert_eq!(said(wanted), (deny, None, None, Some(Tmp::Private), two));
    }
    assert_eq!(said(&["silent"]), (None, None, None, None, None));
}

#[test]
fn variables_of_the_text_are_replaced_and_stand_for_themselves() {
    let shelf = Shelf(vec![(
        "a",
        "read = ['${home}/.fonts', '${cwd}']\n\
         env = [{ name = 'CACHE', value = '${tmp}/c' }, { name = 'LANG', pass = true }]\n\
         files = [{ path = '/etc/passwd', text = 'jail:x:${uid}:${gid}::$${x}' }]\n\
         patterns = [{ glob = '${cwd}/**/.env*', right = 'deny', on_jailbreak = 'deny' }, \
                     { regex = '^${home}/[a-z]$', right = 'read' }]",
    )]);
    let settled = shelf.settle(&["a"]).unwrap();
    let paths: Vec<_> = settled.rules.iter().map(|rule| rule.path.as_path()).collect();
    assert_eq!(paths, [Path::new("/home/u/.fonts"), Path::new("/home/u/work")]);
    assert_eq!(settled.files[0].text, "jail:x:1000:100::${x}");
    let set: Vec<_> =
        settled.variables.iter().map(|set| (&*set.name, set.value.as_deref())).collect();
    assert_eq!(set, [("CACHE", Some("/tmp/c".as_ref())), ("LANG", None)]);

    let evil = Variables::new("/w[a-z]*?{x,y}").with_home("/.*|x").with_tmp("/tmp").with_user(0, 0);
    let settled = shelf.stack(&["a"]).unwrap().settle(None, &evil).unwrap();
    let [glob, regex] = &settled.patterns[..] else { panic!("two patterns") };
    assert_eq!(glob.pattern.on_jailbreak(), Some(OnJailbreak::Deny));
    for (pattern, path, expected) in [
        (glob, "/w[a-z]*?{x,y}/a/.env", true),
        (glob, "/wb/a/.env", false),
        (glob, "/w[a-z]*?x/a/.env", false),
        (regex, "/.*|x/b", true),
        (regex, "/x/b", false),
        (regex, "/home|x/b", false),
    ] {
        assert_eq!(pattern.pattern.matches(&JailPath::new(path).unwrap()), expected, "{path}");
    }
}

#[test]
fn a_variable_without_a_value_is_an_error_unless_the_entry_is_optional() {
    let shelf = Shelf(vec![
        ("needs", "read = ['${home}/x']"),
        (
            "may",
            "optional = true\nread = ['${home}/x']\npatterns = [{ glob = '${home}/*', right = 'read' }]",
        ),
        ("sets", "env = { X = '${home}' }"),
    ]);
    let homeless = Variables::new("/w");
    let settle = |name| shelf.stack(&[name]).unwrap().settle(None, &homeless);
    insta::assert_snapshot!(settle("needs").unwrap_err().picture(), @r"
    error: `${home}` has no value here
      --> needs:2:9
      |
    2 | read = ['${home}/x']
      |         ^^^^^^^^^^^
      |
    hint: `optional = true` passes the entry over where a variable has no value
    ");
    insta::assert_snapshot!(settle("sets").unwrap_err(), @"sets:2:13: `${home}` has no value here");
    let settled = settle("may").unwrap();
    assert!(settled.rules.is_empty() && settled.patterns.is_empty());
}

#[test]
fn patterns_and_variables_are_settled_like_paths() {
    let shelf = Shelf(vec![
        (
            "top",
            "extends = ['a', 'b']\nenv = { X = '3' }\npatterns = [{ glob = '/x/*', right = 'write' }]",
        ),
        ("a", "env = { X = '1' }\npatterns = [{ glob = '/x/*', right = 'read' }]"),
        ("b", "env = { X = '2' }\npatterns = [{ glob = '/x/*', right = 'deny' }]"),
        ("c", "env = [{ name = 'X', pass = true }]"),
        (
            "same",
            "env = { X = '1' }\npatterns = [{ glob = '/x/*', right = 'read', on_jailbreak = 'kill' }]",
        ),
    ]);
    let settled = shelf.settle(&["top"]).unwrap();
    assert_eq!(settled.variables[0].value.as_deref(), Some("3".as_ref()));
    assert_eq!(settled.patterns.len(), 1);
    assert_eq!(settled.patterns[0].pattern.right(), Right::Write);
    let settled = shelf.settle(&["a", "same"]).unwrap();
    assert_eq!((settled.variables.len(), settled.patterns.len()), (1, 1));
    insta::assert_snapshot!(shelf.settle(&["a", "b"]).unwrap_err(), @"b:3:22: two profiles contradict each other about the pattern `/x/*`");
    insta::assert_snapshot!(shelf.settle(&["a", "c"]).unwrap_err(), @"c:2:17: two profiles contradict each other about the variable `X`");
}

#[test]
fn of_what_follows_the_stricter_stands() {
    let shelf = Shelf(vec![
        ("a", "deny = [{ path = '/x', on_jailbreak = 'deny' }]"),
        ("b", "deny = ['/x']"),
        ("log", "on_jailbreak = 'log'"),
    ]);
    let follows = |wanted: &[&str]| shelf.settle(wanted).unwrap().rules[0].rule().on_jailbreak();
    assert_eq!(follows(&["a"]), Some(OnJailbreak::Deny));
    assert_eq!(follows(&["a", "b"]), Some(OnJailbreak::Kill));
    assert_eq!(follows(&["b", "a", "log"]), Some(OnJailbreak::Deny));
}
