use super::*;
use jailkeeper::model::learn::Proposal;
use jailkeeper::model::{ActionTaken, Header, JailId, Mode, Right};
use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

const BEFORE: &str = "version = 1\nextends = [\"shell\"]\n\n[[read]]\npath = \"/opt/sdk\"\n";

fn shown(page: Page) -> String {
    let header = Header::new(1, UNIX_EPOCH, JailId::new("a1"));
    let (because, action) = ("no rule covers it", ActionTaken::Killed);
    let event = Jailbreak::new(header, Mode::Read, "open", "openat", because, action)
        .with_file("/srv/data/\u{202e}table.csv")
        .with_program(4711, "/usr/bin/python3", ["python3", "sum.py"]);
    let event = Jailbreak { hint: Some("--read /srv/data".into()), ..event };
    let proposal = |path: &str| Proposal {
        path: JailPath::new(path).unwrap(),
        right: Right::Read,
        programs: BTreeSet::from(["/usr/bin/python3".to_owned(), "/x/\x1b[2J".to_owned()]),
    };
    let proposals = [proposal("/srv/data"), proposal("/srv/\u{202e}atad")];
    let after = propose::merge("mine.toml", None, BEFORE, &proposals).unwrap();
    let diff = propose::diff("mine.toml", BEFORE, &after);
    let text = story(page, &[event], Some(&diff));
    assert!(!text.contains('\u{202e}'));
    text.replace('\x1b', "ESC")
}

#[test]
fn story_and_diff() {
    let text = shown(Page::for_test(false));
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn story_and_diff_coloured() {
    insta::assert_snapshot!(shown(Page::for_test(true)));
}

#[test]
fn nothing_to_tell_and_nothing_to_propose() {
    assert_eq!(story(Page::endless(), &[], None), "no jailbreak\n");
    let header = Header::new(1, UNIX_EPOCH, JailId::new("a1"));
    let event =
        Jailbreak::new(header, Mode::Syscall, "call", "mount", "no jail may", ActionTaken::Killed);
    insta::assert_snapshot!(story(Page::for_test(false), &[event], None));
}
