//! The scenarios that JailKeeper had in 2012, which any version must get right.

use crate::both::both;
use jailkeeper_model::{Mode, Strength, Wall};
use jailkeeper_testkit::Place;

both! {
    echo;
    inside;
    cat_of_the_parent;
    script_that_cats_passwd;
    writing_to_the_parent;
    creating_in_bin;
    creating_in_bin_from_the_background;
    absolute_name_of_the_working_directory;
    walls_are_proven_and_named;
    several_attempts_are_one_event;
    account_names_all;
    names_from_the_jail_are_escaped;
}

fn echo(place: &Place) {
    let ran = place.jail("", ["echo", "hello"]);
    ran.succeeds();
    assert_eq!(ran.text(), "hello\n");
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.exit().forgiven, 0);
}

fn inside(place: &Place) {
    let script = "cat inside && echo new >made && mkdir d && mv made d/moved && cat d/moved &&
                  ln -s d/moved l && cat l && rm -r d && ls";
    let ran = place.jail("", ["sh", "-c", script]);
    ran.succeeds();
    assert_eq!(ran.text(), "inside\nnew\nnew\nescape\ninside\nl\nsub\n");
    assert!(!place.path("{work}/d").exists());
}

fn cat_of_the_parent(place: &Place) {
    assert!(place.free(["cat", "../x"]).leaks());
    let ran = place.jail("", ["cat", "../x"]);
    let breach = ran.leaks_nothing().breach();
    assert_eq!(breach.mode, Mode::Read);
    assert_eq!(breach.file, Some(place.text("{root}/x")));
    assert_eq!(breach.operation, "open");
    assert_eq!(breach.hint, Some(place.text("--read {root}/x")));
    assert_eq!(breach.argv, ["cat", "../x"]);
}

fn script_that_cats_passwd(place: &Place) {
    place.write("{work}/script", "#!/bin/bash\necho before\ncat /etc/passwd\necho after\n", 0o755);
    assert!(place.free(["./script"]).text().contains("root:x:0"));
    let ran = place.jail("", ["./script"]);
    let breach = ran.leaks_nothing_like("root:x:0").breach();
    assert_eq!(breach.file.as_deref(), Some("/etc/passwd"));
    assert_eq!(breach.mode, Mode::Read);
    assert_eq!(breach.argv, ["cat", "/etc/passwd"]);
    assert_eq!(breach.ancestors.first().map(|above| &above.program[..]), Some("/usr/bin/bash"));
    assert_eq!(ran.text(), "before\n");
}

fn writing_to_the_parent(place: &Place) {
    let ran = place.jail("", ["sh", "-c", "echo stray >../stray; echo after"]);
    let breach = ran.breach();
    assert_eq!((breach.mode, &breach.file), (Mode::Write, &Some(place.text("{root}/stray"))));
    assert!(breach.flags.iter().any(|flag| flag == "O_CREAT"), "{ran}");
    assert!(!place.path("{root}/stray").exists());
    assert_eq!(ran.text(), "");
}

/// `/bin` is a link on most systems; the event names the file as it was asked for.
fn creating_in_bin(place: &Place) {
    let ran = place.jail("", ["sh", "-c", "echo stray >/bin/jailkeeper-test; echo after"]);
    let breach = ran.breach();
    assert_eq!(breach.mode, Mode::Write);
    assert_eq!(breach.file.as_deref(), Some("/bin/jailkeeper-test"));
    let bin = std::fs::canonicalize("/bin").unwrap();
    let resolved = bin.join("jailkeeper-test");
    assert_eq!(breach.resolved.as_deref(), resolved.to_str());
    assert!(!resolved.exists());
    assert_eq!(ran.text(), "");
}

fn creating_in_bin_from_the_background(place: &Place) {
    let script = "(sleep 0.1; echo stray >/bin/jailkeeper-test; echo after) & sleep 5; echo end";
    let ran = place.jail("", ["sh", "-c", script]);
    assert_eq!(ran.breach().file.as_deref(), Some("/bin/jailkeeper-test"));
    assert_eq!(ran.text(), "");
}

fn absolute_name_of_the_working_directory(place: &Place) {
    let script = "cat {work}/inside; cd {work}/sub; cat ../inside; pwd";
    let ran = place.jail("", ["sh", "-c", script]);
    ran.succeeds();
    assert_eq!(ran.text(), place.text("inside\ninside\n{work}/sub\n"));
}

fn walls_are_proven_and_named(place: &Place) {
    let ran = place.jail("", ["true"]);
    ran.succeeds();
    let start = ran.start();
    let (strength, walls): (_, &[_]) = if place.is_flat() {
        (Strength::Flat, &["landlock", "seccomp", "privileges", "network"])
    } else {
        (Strength::Full, &["namespaces", "view", "landlock", "seccomp", "privileges", "network"])
    };
    assert_eq!(start.strength, strength);
    for wall in ["namespaces", "view"] {
        let off = matches!(start.walls.get(wall), Some(Wall::Off { .. }));
        assert_eq!(off, place.is_flat(), "{wall}: {ran}");
    }
    for &wall in walls {
        assert_eq!(start.walls.get(wall), Some(&Wall::Enforced), "{wall}: {ran}");
        let reported = ran.report.pointer(&format!("/walls/{wall}/state"));
        assert_eq!(reported.and_then(|state| state.as_str()), Some("enforced"), "{ran}");
    }
    assert_eq!(
        (start.command.as_slice(), &start.cwd),
        (&["true".to_owned()][..], &place.text("{work}"))
    );
}

/// Two processes try at the same time: one jailbreak ends both.
fn several_attempts_are_one_event(place: &Place) {
    let script = "cat ../x & cat ../outside/file & cat /etc/shadow & wait; echo after";
    let ran = place.jail("", ["sh", "-c", script]);
    ran.ends_with(120).leaks_nothing();
    assert!((1..=3).contains(&ran.breaches().count()), "{ran}");
    assert_eq!(ran.text(), "");
}

fn account_names_all(place: &Place) {
    let ran = place.jail("", ["sh", "-c", "cat sub/../../x; true"]);
    let _ = ran.breach();
    for part in ["read", "{root}/x", "cat", "started by", "sh", "--read {root}/x"] {
        assert!(ran.stderr.contains(&place.text(part)), "no {part}: {ran}");
    }
    let quiet = place.jail("--quiet", ["cat", "../x"]);
    assert_eq!((quiet.status, quiet.stderr.as_str()), (120, ""));
}

/// A name is the jail's text: on a terminal it must not speak for JailKeeper.
fn names_from_the_jail_are_escaped(place: &Place) {
    let name = "{root}/\u{1b}[2Jclear\nerror: fine";
    place.write(name, "x", 0o644);
    let ran = place.jail("", ["cat", name]);
    assert_eq!(ran.breach().file, Some(place.text(name)));
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("\nerror"), "{ran}");
}
