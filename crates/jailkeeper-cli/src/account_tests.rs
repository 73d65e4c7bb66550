use super::*;
use jailkeeper::model::{Ancestor, Event, Header, JailId, Mode, Probe};
use std::time::UNIX_EPOCH;

/// What a hostile program calls its files: it clears the screen and writes a line of its own.
const EVIL: &str = "/tmp/\x1b[2J\r\njailkeeper: all is well\u{202e}";

fn header() -> Header {
    Header::new(1, UNIX_EPOCH, JailId::new("a1"))
}

fn stolen_key() -> Jailbreak {
    let mut event = Jailbreak::new(
        header(),
        Mode::Read,
        "open",
        "openat",
        "`deny` of `/home/ada/.ssh` by the profile `agent:31`: keys that open other machines, which \
         no program that builds a project has to read",
        ActionTaken::Killed,
    )
    .with_file("/home/ada/project/link")
    .with_resolved("/home/ada/.ssh/id_ed25519")
    .with_program(4711, "/usr/bin/cat", ["cat", "link"]);
    event.flags = vec!["O_RDONLY".into(), "O_CLOEXEC".into()];
    let make =
        ["make", "-j2", "-C", "/home/ada/project/with/a/long/name", "all", "check", "install"];
    event.ancestors = vec![
        Ancestor::new(4710, "/usr/bin/dash", ["sh", "-c", "cat link"]),
        Ancestor::new(4700, "/usr/bin/make", make),
    ];
    event.hint = Some("--read /home/ada/.ssh/id_ed25519".into());
    event
}

fn looks() -> Report {
    let mut report = Report::new();
    let long = format!("/opt/{}/share", "a-long-name/".repeat(8));
    for (file, operation, program) in [
        ("/home/ada/.gitconfig", "stat", "/usr/bin/git"),
        ("/home/ada/.gitconfig", "stat", "/usr/bin/git"),
        ("/home/ada/.gitconfig", "access", "/usr/bin/vi"),
        (long.as_str(), "list", "/usr/bin/ls"),
        (EVIL, "stat", EVIL),
    ] {
        report.fold(&Event::Probe(Probe::new(header(), file, operation, operation, 7, program)));
    }
    report.forgiven_total = 5;
    report
}

/// Colours as text, and every line within what it may take: names are never broken.
fn painted(text: &str) -> String {
    assert!(!text.contains(['\r', '\u{202e}']), "{text:?}");
    let text = text.replace('\x1b', "ESC");
    let fits = |line: &str| line.len() <= 80 || line.trim().split(' ').any(|word| word.len() > 60);
    assert!(text.contains("ESC") || text.lines().all(fits), "{text}");
    text
}

#[test]
fn the_end_of_a_run() {
    let page = Page::for_test(false);
    insta::assert_snapshot!(painted(&jailbreak(page, &stolen_key())));
    let limits = Limit::new(header(), "wall-time", 1.5, 1.6, "seconds");
    let (limit, warning) = (limit(page, &limits), warning(page, EVENTS_LOST));
    insta::assert_snapshot!(painted(&format!("{limit}{warning}")));
}

#[test]
fn the_end_of_a_run_coloured() {
    let page = Page::for_test(true);
    insta::assert_snapshot!(painted(&jailbreak(page, &stolen_key())));
    insta::assert_snapshot!(painted(&warning(page, EVENTS_LOST)));
}

#[test]
fn hostile_names() {
    let event = Jailbreak::new(header(), Mode::Write, "open", EVIL, EVIL, ActionTaken::Denied)
        .with_file(EVIL)
        .with_program(7, EVIL, [EVIL]);
    let event = Jailbreak { hint: Some(EVIL.into()), ..event };
    insta::assert_snapshot!(painted(&jailbreak(Page::for_test(false), &event)));
    assert_eq!(jailbreak(Page::endless(), &event).lines().count(), 5);
}

#[test]
fn forgiven_list() {
    insta::assert_snapshot!(painted(&forgiven(Page::for_test(false), &looks())));
    insta::assert_snapshot!(painted(&forgiven(Page::for_test(false), &Report::new())));
}

#[test]
fn forgiven_list_coloured() {
    let [plain, coloured] = [false, true].map(|page| forgiven(Page::for_test(page), &looks()));
    assert_eq!(plain, coloured, "there is nothing in it to be coloured");
}

#[test]
fn names_that_are_escaped_already_are_not_escaped_twice() {
    let event =
        Jailbreak::new(header(), Mode::Read, "open", "openat", r"no `\x1b`", ActionTaken::Denied);
    let event = Jailbreak { hint: Some(r"--read /\x1b".into()), ..event };
    let text = jailbreak(Page::endless(), &event);
    assert!(text.contains(r"no `\x1b`") && text.contains(r"--read /\x1b"), "{text}");
}
