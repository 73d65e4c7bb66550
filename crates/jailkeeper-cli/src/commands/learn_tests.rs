use super::*;
use jailkeeper::Right;

fn shown(page: Page) -> String {
    let proposal = |path: &str, right, programs: &[&str]| Proposal {
        path: JailPath::new(path).unwrap(),
        right,
        programs: programs.iter().map(|&program| program.to_owned()).collect(),
    };
    let secrets = BTreeSet::from(["/home/ada/.ssh/\x1b[2Jid_ed25519\u{202e}".to_owned()]);
    let programs = ["/usr/bin/cc1", "/usr/bin/collect2", "/usr/bin/ld", "/usr/bin/make"];
    let proposals = [
        proposal("/opt/sdk/include", Right::Read, &["/usr/bin/cc1"]),
        proposal("/var/cache/a/rather/long/name/of/a/cache", Right::Write, &programs),
        proposal("/srv/\u{202e}atad", Right::Read, &["/tmp/\x1b[2J"]),
    ];
    let text = summary(page, &secrets, &proposals, Some(Path::new("learned.toml")));
    assert!(!text.contains('\u{202e}'));
    text.replace('\x1b', "ESC")
}

#[test]
fn the_end() {
    let text = shown(Page::for_test(false));
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_end_coloured() {
    insta::assert_snapshot!(shown(Page::for_test(true)));
}

#[test]
fn a_second_time_nothing_is_new() {
    let text = summary(Page::for_test(false), &BTreeSet::new(), &[], Some(Path::new("x.toml")));
    assert_eq!(text, "jailkeeper: 0 new entries\n");
}
