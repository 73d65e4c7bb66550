use super::*;

fn shown(page: Page) -> String {
    let project = "/home/ada/project";
    let denied = "deny `/home/ada/project/.env` by the profile `agent:24`";
    let mine =
        "read `/srv/data` by `/home/ada/.config/jailkeeper/profiles/analysis-of-data.toml:12`";
    let evil = format!("{project}/\x1b[2J\u{202e}");
    let checked = [
        Checked::new(
            format!("{project}/main.rs"),
            Mode::Write,
            "allow",
            format!("write `{project}` by the working directory"),
            "the tree is mounted in the view, and Landlock grants it",
        ),
        Checked::new(
            format!("{project}/.env"),
            Mode::Read,
            "deny",
            denied.into(),
            "a cover is mounted over the name inside its tree",
        )
        .with_reason(Some(
            "secrets of the project, which what an agent runs has no use for".into(),
        )),
        Checked::new(
            "/srv/data/table.csv".into(),
            Mode::Write,
            "kill",
            mine.into(),
            "the tree is mounted read-only; the notify watch names attempts",
        ),
        Checked::new(
            "/usr/bin/env".into(),
            Mode::Execute,
            "allow",
            "read `/usr` by the base".into(),
            "Landlock grants the tree",
        ),
        Checked::new(
            evil,
            Mode::Connect,
            "absent",
            "no rule covers it".into(),
            "it is not in the view; the tripwire sees every use of the name",
        ),
    ];
    let text: String = checked.iter().map(|checked| words(page, checked) + "\n").collect();
    assert!(!text.contains('\u{202e}'));
    text.replace('\x1b', "ESC")
}

#[test]
fn verdicts() {
    let text = shown(Page::for_test(false));
    assert!(
        text.lines().all(|line| line.len() <= 80 || line.contains("analysis-of-data")),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn verdicts_coloured() {
    insta::assert_snapshot!(shown(Page::for_test(true)));
}
