//! Bad input is refused before anything runs, and exit statuses are as documented.

use crate::both::both;
use jailkeeper_model::{ActionTaken, Event};
use jailkeeper_testkit::{Place, Ran, jailkeeper_binary};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

both! {
    bad_input_runs_nothing;
    directory_as_a_descriptor;
    refused_files_stay_as_they_are;
    own_status;
    missing_and_not_executable;
    signals;
    signals_are_passed_on;
    wall_time;
    denying_goes_on;
    denied_in_an_allowed_tree;
    events_go_to_a_descriptor;
    probes_are_told_on_request;
    names_that_are_no_text;
    closed_streams;
    arguments_are_no_text_for_a_shell;
    plan_and_doctor_run_nothing;
}

/// Runs the command with these words alone.
fn command(place: &Place, words: &str) -> Ran {
    let binary = jailkeeper_binary();
    let words = words.split_ascii_whitespace();
    place.free(std::iter::once(binary.to_str().unwrap()).chain(words))
}

/// Asserts that options are refused with a hint that says something, and that nothing ran.
fn refuses(place: &Place, rows: &[(&str, &str)]) {
    let mut without_hint = Vec::new();
    for (options, says) in rows {
        let ran = command(place, &format!("run {options} -- touch {{work}}/marker"));
        assert_eq!(ran.status, 125, "{options}: {ran}");
        assert!(ran.stderr.contains(says), "{options} does not say {says}: {ran}");
        assert!(!place.path("{work}/marker").exists(), "{options}: it ran");
        assert!(!place.path("{work}/events").exists(), "{options}: the file was made");
        if !["hint:", "--help", "possible values"].iter().any(|part| ran.stderr.contains(part)) {
            without_hint.push(options);
        }
    }
    assert!(without_hint.is_empty(), "no hint: {without_hint:#?}");
}

fn bad_input_runs_nothing(place: &Place) {
    std::os::unix::fs::symlink(place.path("{work}/events"), place.path("{state}/link")).unwrap();
    let rows = [
        ("--events {work}/events", "writable"),
        ("--events ../work/events", "writable"),
        ("--events {state}/link", "link"),
        ("--events {state}/events --write {state}", "writable"),
        ("--report {work}/report", "writable"),
        ("--report {work}/sub/report", "writable"),
        ("--events {root}/missing/events", "missing"),
        ("--cwd {root}/missing", "missing"),
        ("--cwd {work}/inside", "inside"),
        ("--events fd:99", "99"),
        ("--report fd:99", "99"),
        ("--pass-fd 99", "99"),
        ("--events fd:x", "fd:"),
        ("--read {root}/missing", "missing"),
        ("--write {root}/missing", "missing"),
        ("--read {ro} --write {ro}", "ro"),
        ("--deny {ro} --write {ro}", "ro"),
        ("--frobnicate", "--frobnicate"),
        ("--wall-time soon", "soon"),
        ("--on-jailbreak laugh", "laugh"),
        ("--strength steel", "steel"),
        ("--net everything", "everything"),
        ("--cwd /", "writable"),
    ];
    refuses(place, &rows);
    assert_eq!(command(place, "run -- touch marker").status, 0, "the control");
    assert!(place.path("{work}/marker").exists(), "the control");
    assert_eq!(command(place, "run").status, 125);
    assert_eq!(command(place, "frobnicate").status, 125);
}

fn refused_files_stay_as_they_are(place: &Place) {
    place.write("{work}/events", "precious", 0o644);
    assert_eq!(command(place, "run --events {work}/events -- true").status, 125);
    // Nothing to object to but the rule.
    place.write("{state}/precious", "precious", 0o644);
    let options = "--report {state}/precious --read {root}/missing";
    assert_eq!(command(place, &format!("run {options} -- true")).status, 125);
    for file in ["{work}/events", "{state}/precious"] {
        assert_eq!(std::fs::read_to_string(place.path(file)).unwrap(), "precious", "{file}");
    }
}

fn own_status(place: &Place) {
    for status in [0, 1, 7, 119, 255] {
        let ran = place.jail("", ["sh", "-c", &format!("exit {status}")]);
        ran.ends_with(status);
        assert_eq!(ran.exit().code, Some(status));
    }
}

fn missing_and_not_executable(place: &Place) {
    for (words, status) in [
        ("no-such-program-anywhere", 127),
        ("./no-such-program", 127),
        ("{work}/inside", 126),
        ("{work}/sub", 126),
    ] {
        let ran = place.jail("", [words]);
        ran.ends_with(status);
        assert!(ran.stderr.contains("error:"), "{words}: {ran}");
        assert_eq!(ran.breaches().count(), 0, "{words}: {ran}");
    }
}

fn signals(place: &Place) {
    for (number, name) in [(9, "SIGKILL"), (15, "SIGTERM"), (6, "SIGABRT"), (11, "SIGSEGV")] {
        let ran = place.jail("", ["sh", "-c", &format!("kill -{number} $$")]);
        ran.ends_with(128 + number);
        assert_eq!((ran.exit().code, ran.exit().signal.as_deref()), (None, Some(name)), "{ran}");
        assert!(!ran.exit().jailbreak);
    }
}

fn signals_are_passed_on(place: &Place) {
    let script = "$JAILKEEPER run -- sh -c 'trap \"echo caught; exit 3\" TERM; echo ready; \
                  while :; do sleep 0.05; done' >$PLACE/state/out & \
                  until grep -q ready $PLACE/state/out; do sleep 0.02; done; \
                  kill -TERM $!; wait $!; status=$?; cat $PLACE/state/out; exit $status";
    let ran = place.script(script);
    assert_eq!(ran.ends_with(3).text(), "ready\ncaught\n");
}

fn wall_time(place: &Place) {
    let started = Instant::now();
    let ran = place.jail("--wall-time 300ms", ["sh", "-c", "sleep 30 & sleep 30"]);
    ran.ends_with(121);
    assert!(started.elapsed() < Duration::from_secs(10));
    let limits = ran.events.iter().filter(|event| matches!(event, Event::Limit(_))).count();
    assert_eq!((limits, ran.breaches().count()), (1, 0), "{ran}");
    assert_eq!(ran.exit().limit.as_deref(), Some("wall-time"));
    assert!((0.3..5.0).contains(&ran.exit().usage.wall), "{ran}");
    place.jail("--wall-time 30s", ["true"]).succeeds();
}

fn denying_goes_on(place: &Place) {
    let script = "cat ../x; echo $?; echo stray >../stray; echo $?; cat inside";
    let ran = place.jail("--on-jailbreak deny", ["sh", "-c", script]);
    ran.ends_with(0).leaks_nothing();
    let lines: Vec<_> = ran.breaches().map(|breach| (breach.action, breach.file.clone())).collect();
    let denied = |file| (ActionTaken::Denied, Some(place.text(file)));
    assert_eq!(lines, [denied("{root}/x"), denied("{root}/stray")], "{ran}");
    assert_eq!(ran.text(), "1\n2\ninside\n");
    assert!(ran.stderr.contains("Permission denied"), "{ran}");
    assert!(ran.exit().jailbreak);
    assert!(!place.path("{root}/stray").exists());
}

fn denied_in_an_allowed_tree(place: &Place) {
    place.write("{work}/sub/key", place.secret(), 0o644);
    let options = "--deny {work}/sub";
    let ran = place.jail(options, ["cat", "sub/key"]);
    assert_eq!(ran.leaks_nothing().breach().file, Some(place.text("{work}/sub/key")));
    place.jail(options, ["cat", "inside"]).succeeds();
    // The more specific rule wins, whatever the order.
    for options in ["--deny {root} --read {ro}", "--read {ro} --deny {root}"] {
        let ran = place.jail(&format!("{options} --no-cwd --cwd {{ro}}"), ["cat", "{ro}/file"]);
        assert_eq!(ran.ends_with(0).text(), "to read\n");
    }
    place.jail("--read {out} --deny {out}/dir", ["cat", "{out}/file"]).succeeds();
    let ran = place.jail("--read {out} --deny {out}/dir", ["cat", "{out}/dir/file"]);
    assert_eq!(ran.leaks_nothing().breach().file, Some(place.text("{out}/dir/file")));
}

fn events_go_to_a_descriptor(place: &Place) {
    let ran = place.script("$JAILKEEPER run --events fd:3 -- cat ../x 3>$PLACE/state/three");
    ran.ends_with(120);
    let text = std::fs::read_to_string(place.path("{state}/three")).unwrap();
    let events: Vec<_> = text.lines().map(|line| Event::parse(line).unwrap()).collect();
    assert!(
        matches!(events[..], [Event::Start(_), Event::Jailbreak(_), Event::Exit(_)]),
        "{events:?}"
    );
    // Nobody who reads them any more is no reason to go on differently.
    let ran = place.script("$JAILKEEPER run --events fd:3 -- cat inside 3>&1 >&2 | true");
    ran.ends_with(0);
}

fn probes_are_told_on_request(place: &Place) {
    let ran = place.jail("--hide --report-probes", ["test", "-e", "../x"]);
    ran.ends_with(1);
    let probes = ran.events.iter().filter_map(|event| match event {
        Event::Probe(probe) => Some(probe),
        _ => None,
    });
    let [probe] = probes.collect::<Vec<_>>()[..] else { panic!("no single probe: {ran}") };
    assert_eq!(probe.file, Some(place.text("{root}/x")));
    assert_eq!(ran.exit().forgiven, 1);
}

fn names_that_are_no_text(place: &Place) {
    let name = b"\xff\xfe".as_slice();
    let script = r"cat ../$(printf '\377\376')";
    let ran = place.jail("", ["sh", "-c", script]);
    // It does not exist: no jailbreak.
    ran.ends_with(1);
    let path = place.root().join(std::ffi::OsStr::from_bytes(name));
    std::fs::write(&path, place.secret()).unwrap();
    let ran = place.jail("", ["sh", "-c", script]);
    let bytes = ran.leaks_nothing().breach().file_bytes.as_ref().map(|bytes| bytes.as_bytes());
    assert_eq!(bytes, Some(path.as_os_str().as_bytes()), "{ran}");
}

/// Descriptors that are not there must not be confused with those that JailKeeper opens.
fn closed_streams(place: &Place) {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let run = format!("$JAILKEEPER run -- sh -c 'echo x >made; exit 3' {closed}");
        place.script(&run).ends_with(3);
        assert_eq!(std::fs::read_to_string(place.path("{work}/made")).unwrap(), "x\n", "{closed}");
        let run = format!("$JAILKEEPER run -- cat ../x {closed}");
        place.script(&run).leaks_nothing().ends_with(120);
    }
}

fn arguments_are_no_text_for_a_shell(place: &Place) {
    let words = ["printf", "<%s>", "--", "--read", "$(cat ../x)", "a b", "", "*", ";ls"];
    let ran = place.jail("", words);
    assert_eq!(ran.succeeds().text(), "<--><--read><$(cat ../x)><a b><><*><;ls>");
}

fn plan_and_doctor_run_nothing(place: &Place) {
    for words in ["plan -- touch marker", "plan --json --read {ro} -- touch marker"] {
        let ran = command(place, words);
        assert_eq!(ran.ends_with(0).stderr, "", "{ran}");
        assert!(ran.text().contains(&place.text("{work}")), "{ran}");
    }
    assert!(!place.path("{work}/marker").exists());
    let ran = command(place, "doctor");
    assert!(ran.ends_with(0).text().contains("strength full can be had"), "{ran}");
    let json: serde_json::Value =
        serde_json::from_str(&command(place, "doctor --json").text()).unwrap();
    assert!(json.is_object());
    assert_eq!(command(place, "plan --read {root}/missing -- true").status, 125);
}

/// Whoever holds a directory can look at everything beneath it past the view.
fn directory_as_a_descriptor(place: &Place) {
    for (redirection, options) in [("</etc", ""), ("3</etc", "--pass-fd 3")] {
        let ran = place.script(&format!(
            "$JAILKEEPER run {options} -- touch ran {redirection}; echo $?; ls $PLACE/work"
        ));
        assert!(ran.text().starts_with("125\n") && !ran.text().contains("ran\n"), "{ran}");
        assert!(ran.stderr.contains("hint: allow its path"), "{ran}");
    }
}
