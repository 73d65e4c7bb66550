//! Policies that people can live with: profiles, deny inside trees, ask, log, learn, check.

use crate::both::both;
use jailkeeper_model::{ActionTaken, Mode, Reply};
use jailkeeper_testkit::{Place, User};
use std::fs;

both! {
    denied_glob;
    denied_anywhere;
    denied_beside_many_programs;
    denied_names_cost_no_second;
    another_name_at_flat;
    denied_directory_with_a_way_through;
    denied_name_that_appears;
    denied_name_below_a_new_parent;
    denied_name_stays_with_its_parent;
    more_names_than_the_queue_holds;
    denied_name_is_not_brought_along;
    kept_name_is_not_brought_along;
    moved_beside_a_denied_name;
    renamed_onto_what_holds_a_denied_name;
    profile_of_a_shell;
    profile_of_an_agent;
    listing_beside_a_denied_name;
    profile_with_mistakes;
    profile_in_the_jails_reach;
    ask_through_the_events;
    ask_on_the_terminal;
    ask_beside_the_terminal;
    log_widens_reading_alone;
    learn_then_run;
    check_agrees;
    forgiven_on_request;
}

/// Secrets inside the working directory: one with two names, one deeper.
fn with_secrets(place: &Place) {
    place.make_directory("{work}/sub");
    place.write("{work}/.env", place.secret(), 0o644);
    place.write("{work}/sub/.env.local", place.secret(), 0o644);
    fs::hard_link(place.path("{work}/.env"), place.path("{work}/copy")).unwrap();
}

fn denied_glob(place: &Place) {
    with_secrets(place);
    for script in ["cat .env", "cat copy", "cat sub/.env.local", "ln .env y; cat y", "cp -r . ../z"]
    {
        let free = place.free([
            "sh",
            "-c",
            &format!("cd {{work}}; {}", script.replace("../z", "/dev/shm/z")),
        ]);
        let reads = script.contains("cat");
        assert!(!reads || free.leaks(), "{script}: the control reads it: {free}");
        let ran = place.jail("--deny-glob {work}/**/.env*", ["sh", "-c", script]);
        ran.leaks_nothing();
        // Without mounts another name of a denied file cannot be closed: nothing runs then.
        let expected = if place.is_flat() { 125 } else { 120 };
        assert_eq!(ran.status, expected, "{script}: {ran}");
    }
}

/// A glob that names no place denies in what the caller allowed, and leaves the base alone.
fn denied_anywhere(place: &Place) {
    with_secrets(place);
    fs::remove_file(place.path("{work}/copy")).unwrap();
    place.write("{work}/a.env", place.secret(), 0o644);
    let options = "--deny-glob **/*.env* --deny-glob **/cat --read {ro}";
    place.write("{ro}/b.env", place.secret(), 0o644);
    for file in ["a.env", ".env", "sub/.env.local", "{ro}/b.env"] {
        assert!(place.free(["cat", file]).leaks(), "{file}: the control reads it");
        let ran = place.jail(options, ["cat", file]);
        assert_eq!(ran.leaks_nothing().breach().mode, Mode::Read, "{file}: {ran}");
    }
    let ran = place.jail(options, ["sh", "-c", "cat inside {ro}/file"]);
    assert_eq!(ran.succeeds().text(), "inside\nto read\n", "{ran}");
    let script = "$JAILKEEPER check --deny-glob '**/env' --mode execute /usr/bin/env
        $JAILKEEPER check --deny-glob '/usr/bin/en*' --mode execute /usr/bin/env";
    let text = place.script(script).text();
    assert!(text.contains("allow: execute") && text.contains("kill: execute"), "{text}");
}

/// Landlock has a rule for every file beside a denied one; where there are too many, a program
/// that could not be run is an error that says so.
fn denied_beside_many_programs(place: &Place) {
    const MANY: u32 = 16_400;
    if !place.is_flat() || place.user() != User::Ordinary {
        return;
    }
    place.make_directory("{work}/many");
    place.write("{work}/many/.env", place.secret(), 0o644);
    fs::copy("/bin/cat", place.path("{work}/many/0")).unwrap();
    for number in 1..MANY {
        let name = format!("{{work}}/many/{number}");
        fs::hard_link(place.path("{work}/many/0"), place.path(&name)).unwrap();
    }
    // Half of them have a rule; which, is the file system's order.
    let options = "--deny {work}/many/.env";
    let names = (0..=8).flat_map(|eighth| [MANY / 8 * eighth, MANY - 1 - MANY / 8 * eighth]);
    let mut tried = names.map(|number| {
        let program = format!("./many/{}", number.min(MANY - 1));
        place.jail(options, [&program, "inside", "many/7"])
    });
    let refused = tried.find(|ran| ran.status != 0).expect("one of them has no rule");
    assert_eq!(refused.status, 125, "{refused}");
    assert!(refused.stderr.contains("run at strength `flat`"), "{refused}");
    assert!(refused.stderr.contains("hint: begin the pattern with"), "{refused}");
}

/// An open table of mounts once kept the view alive, so that each such run waited a second.
fn denied_names_cost_no_second(place: &Place) {
    place.write("{work}/key", place.secret(), 0o644);
    let quick = || {
        let start = std::time::Instant::now();
        place.jail("--deny {work}/key", ["true"]).succeeds();
        start.elapsed() < std::time::Duration::from_millis(900)
    };
    assert!((0..10).any(|_| quick()), "every run took as long as the patience of the supervisor");
}

/// Without mounts another name of a denied file cannot be closed: an error names both.
fn another_name_at_flat(place: &Place) {
    if !place.is_flat() {
        return;
    }
    with_secrets(place);
    let ran = place.jail("--deny {work}/.env", ["./escape", "write", "ran"]);
    assert_eq!(ran.leaks_nothing().status, 125, "{ran}");
    let said = &ran.stderr;
    let parts = ["failed to deny at strength `flat`", "{work}/.env`", "{work}/copy`"];
    assert!(parts.iter().all(|part| said.contains(&place.text(part))), "{said}");
    assert!(said.contains("another name") && said.contains("hint: deny that name too"), "{said}");
    // What the hint says helps.
    let ran = place.jail("--deny {work}/.env --deny {work}/copy", ["cat", "inside"]);
    assert_eq!(ran.succeeds().text(), "inside\n", "{ran}");
    let ran = place.jail("--deny {work}/.env --deny {work}/copy", ["cat", "copy"]);
    assert_eq!(ran.leaks_nothing().breach().mode, Mode::Read, "{ran}");
}

fn denied_directory_with_a_way_through(place: &Place) {
    place.make_directory("{work}/closed/open");
    place.write("{work}/closed/key", place.secret(), 0o644);
    place.write("{work}/closed/open/file", "open\n", 0o644);
    let options = "--deny {work}/closed --read {work}/closed/open";
    let ran = place.jail(&place.text(options), ["cat", "closed/open/file"]);
    assert_eq!(ran.succeeds().text(), "open\n");
    let ran = place.jail(&place.text(options), ["cat", "closed/key"]);
    assert_eq!(ran.leaks_nothing().breach().file, Some(place.text("{work}/closed/key")));
    // The same right as around the closed directory.
    let options = "--deny {work}/closed --write {work}/closed/open";
    let script = "cat closed/open/file; echo new >closed/open/new; cat closed/open/new";
    let ran = place.jail(options, ["sh", "-c", script]);
    assert_eq!(ran.succeeds().text(), "open\nnew\n");
    let options = "--deny-glob {work}/clos* --write {work}/closed/open";
    let ran = place.jail(options, ["sh", "-c", script]);
    assert_eq!(ran.succeeds().text(), "open\nnew\n");
    let ran = place.jail(options, ["cat", "closed/key"]);
    assert_eq!(ran.leaks_nothing().breach().file, Some(place.text("{work}/closed/key")));
}

/// What is denied and not there yet is watched for.
fn denied_name_that_appears(place: &Place) {
    let script = "$JAILKEEPER run --deny later -- sh -c ':>up; sleep 50' & pid=$!
        i=0; until [ -e up ] || [ $i -ge 300 ]; do i=$((i + 1)); sleep 0.1; done
        echo x >later; wait $pid; echo $?";
    let ran = place.script(script);
    assert!(ran.text().ends_with("125\n"), "{ran}");
    let said = ran.to_string();
    assert!(said.contains("the denied name") && said.contains("appeared"), "{ran}");
    assert!(place.path("{work}/up").exists(), "it ran when the name appeared: {ran}");
}

/// Directories above a denied name are exchanged from outside, one by one: what comes to its place
/// is watched, wherever it comes from, whether the name was there before or not.
fn denied_name_below_a_new_parent(place: &Place) {
    if place.user() == User::Root {
        return;
    }
    for (before, exchange) in [
        ("mkdir -p a/b", "mv a gone; mkdir a; mkdir a/b; echo x >a/b/.env"),
        ("mkdir -p a/b; echo old >a/b/.env", "mv a gone; mkdir a; mkdir a/b; echo x >a/b/.env"),
        ("mkdir -p a/b new/b; echo x >new/b/.env", "mv a gone; mv new a"),
        ("mkdir -p a/b new; echo old >a/b/.env; echo x >new/.env", "mv a/b gone; mv new a/b"),
        ("true", "mkdir a; sleep 0.1; mkdir a/b; sleep 0.1; echo x >a/b/.env"),
    ] {
        for rule in ["--deny $PWD/a/b/.env", "--deny-glob $PWD'/**/.env'"] {
            // The control: without the denied name it goes on until it is told to end.
            for (name, wait, end) in [(".env", 20, "125\n"), ("other", 0, "0\n")] {
                let named = |text: &str| text.replace(".env", name);
                let (before, exchange) = (named(before), named(exchange));
                let script = format!(
                    "cd $PLACE/work; rm -rf up end a new gone; {before}
                    $JAILKEEPER run {rule} -- sh -c ':>up; until [ -e end ]; do sleep 0.02; done' & pid=$!
                    i=0; until [ -e up ] || [ $i -ge 900 ]; do i=$((i + 1)); sleep 0.02; done
                    {exchange}; (sleep {wait}.2; :>end) & end=$!; wait $pid; echo $?; kill $end 2>/dev/null"
                );
                let ran = place.script(&script);
                assert!(ran.text().ends_with(end), "{rule}, {before}, {exchange}: {ran}");
            }
        }
    }
}

/// A directory that holds a denied name may be moved away and back: what is denied goes along.
fn denied_name_stays_with_its_parent(place: &Place) {
    let script = "cd $PLACE/work; mkdir -p a/b; cp $PLACE/x a/b/.env
        $JAILKEEPER run --deny $PWD/a/b/.env -- sh -c \
            ':>up; until [ -e end ]; do sleep 0.1; done; cat a/b/.env' & pid=$!
        i=0; until [ -e up ] || [ $i -ge 300 ]; do i=$((i + 1)); sleep 0.1; done
        mv a gone; mv gone a; sleep 0.3; :>end; wait $pid; echo $?";
    let ran = place.script(script);
    ran.leaks_nothing();
    assert!(ran.text().ends_with("120\n"), "{ran}");
}

/// More names than the kernel's queue holds are made while the supervisor is stopped: nothing is
/// lost, and a jail that only made files goes on.
fn more_names_than_the_queue_holds(place: &Place) {
    if place.user() == User::Root {
        return;
    }
    let script = |more: &str| {
        format!(
            "cd $PLACE/work; rm -rf up end made; mkdir made
            $JAILKEEPER run --quiet --deny-glob $PWD/**/.env -- \
                sh -c ':>up; until [ -e end ]; do sleep 0.1; done' & pid=$!
            i=0; until [ -e up ] || [ $i -ge 300 ]; do i=$((i + 1)); sleep 0.1; done
            kill -STOP $pid
            python3 -c 'import os\nopen(\"made/a\", \"w\").close()\nfor n in range(8500): os.rename(\"made/a\", \"made/b\"); os.rename(\"made/b\", \"made/a\")'
            {more}
            kill -CONT $pid; sleep 0.5; :>end; wait $pid; echo $?"
        )
    };
    let ran = place.script(&script(""));
    assert!(ran.text().ends_with("0\n"), "nothing denied came: {ran}");
    let ran = place.script(&script("mkdir made/deep; echo x >made/deep/.env"));
    assert!(ran.text().ends_with("125\n"), "{ran}");
}

fn denied_name_is_not_brought_along(place: &Place) {
    let script = "mkdir -p a/hooks && mv a .git";
    let ran = place.jail("--deny .git/hooks", ["sh", "-c", script]);
    assert_eq!(ran.breach().mode, Mode::Write, "{ran}");
    assert!(!place.path("{work}/.git").exists());
    let ran = place.jail("", ["sh", "-c", script]);
    ran.succeeds();
    assert!(place.path("{work}/.git/hooks").exists(), "the control moves it");
}

/// Neither a directory that is moved to its place nor a link there brings along what may only be
/// read, or what is denied.
fn kept_name_is_not_brought_along(place: &Place) {
    let put = "mkdir x && echo evil >x/f && mv kept gone";
    for bring in ["mv x kept", "ln -s x kept"] {
        for option in ["--read {work}/kept/f", "--deny {work}/kept/f"] {
            for inside in [false, true] {
                let place = place.again();
                place.make_directory("{work}/kept");
                place.write("{work}/kept/f", "good\n", 0o644);
                let words = ["sh".to_owned(), "-c".to_owned(), format!("{put} && {bring}")];
                if !inside {
                    assert_eq!(place.free(&words).status, 0, "{bring}: the control");
                    let found = fs::read_to_string(place.path("{work}/kept/f")).unwrap();
                    assert_eq!(found, "evil\n", "{bring}: the control brings it");
                    continue;
                }
                let ran = place.jail(option, &words);
                assert_ne!(ran.status, 0, "{option}, {bring}: {ran}");
                let found = fs::read_to_string(place.path("{work}/kept/f")).ok();
                assert_ne!(found.as_deref(), Some("evil\n"), "{option}, {bring}: {ran}");
                if !place.is_flat() {
                    assert_eq!(ran.breach().mode, Mode::Write, "{option}, {bring}: {ran}");
                }
            }
        }
    }
}

/// `mv` tries to rename to the directory itself first, which the kernel always refuses.
fn moved_beside_a_denied_name(place: &Place) {
    with_denied_name(place);
    let script = "mkdir b/x && echo x >b/f && mv b/x a/ && mv b/f a && mv a/x a/y && ls a";
    let ran = place.jail("--deny {work}/a/.env", ["sh", "-c", script]);
    assert_eq!(ran.succeeds().text(), "f\ny\n", "{ran}");
    assert_eq!(ran.breaches().count(), 0, "{ran}");
}

/// What the kernel refuses because of what is there is no attempt; what it would do is one.
fn renamed_onto_what_holds_a_denied_name(place: &Place) {
    with_denied_name(place);
    let exists = -i64::from(libc::EEXIST);
    let harmless = [
        ("rename-new b a", exists),
        ("rename-new inside a/.env", exists),
        ("rename b a", -i64::from(libc::ENOTEMPTY)),
        ("rename inside a", -i64::from(libc::EISDIR)),
    ];
    for (attempt, result) in harmless {
        let words = std::iter::once("./escape").chain(attempt.split(' '));
        let alone = place.free(words.clone()).survived();
        let ran = place.jail("--deny {work}/a/.env", words);
        assert_eq!((alone, ran.survived()), (Some(result), Some(result)), "{attempt}: {ran}");
        assert_eq!(ran.breaches().count(), 0, "{attempt}: {ran}");
    }
    for attempt in ["exchange b a", "rename inside a/.env", "rename-new b c", "rename b empty"] {
        let made = || {
            let place =
                if place.is_flat() { Place::flat(place.user()) } else { Place::new(place.user()) };
            with_denied_name(&place);
            place.make_directory("{work}/empty");
            place
        };
        let words = std::iter::once("./escape").chain(attempt.split(' '));
        let alone = made().free(words.clone()).survived();
        assert_eq!(alone, Some(0), "{attempt}: the control does it");
        let place = made();
        let options = "--deny {work}/a/.env --deny {work}/c/.env --deny {work}/empty/.env";
        let ran = place.jail(options, words);
        assert_eq!(ran.breach().mode, Mode::Write, "{attempt}: {ran}");
        let kept = fs::read_to_string(place.path("{work}/a/.env")).unwrap();
        assert_eq!(kept, place.secret(), "{attempt}");
        assert!(place.path("{work}/b").is_dir(), "{attempt}");
    }
}

fn with_denied_name(place: &Place) {
    place.make_directory("{work}/a");
    place.write("{work}/a/.env", place.secret(), 0o644);
    place.make_directory("{work}/b");
}

fn profile_of_a_shell(place: &Place) {
    if place.is_flat() {
        return;
    }
    let ran =
        place.jail("-p shell", ["sh", "-c", "whoami; cat /etc/passwd; ls -l inside >/dev/null"]);
    let text = ran.succeeds().text();
    assert!(text.starts_with("jail\njail:x:"), "{ran}");
    assert_eq!(text.lines().count(), 2, "nobody else is known: {ran}");
    let ran = place.jail("", ["cat", "/etc/passwd"]);
    assert_eq!(ran.status, 120, "without it that is a jailbreak: {ran}");
}

fn profile_of_an_agent(place: &Place) {
    if place.is_flat() {
        return;
    }
    with_secrets(place);
    let git = "git -c gc.auto=0 -c maintenance.auto=false -c user.name=a -c user.email=a@b";
    let setup = format!("cd {{work}} && git init -q . && {git} commit -q --allow-empty -m 0");
    assert_eq!(place.free(["sh", "-c", &setup]).status, 0);
    let script = format!(
        "cat .env; echo new >file; git add file && {git} commit -qm 1; \
        git log --oneline | wc -l; echo evil >.git/hooks/post-commit; echo done"
    );
    let ran = place.jail("-p agent", ["sh", "-c", &script]);
    ran.leaks_nothing();
    assert_eq!((ran.status, ran.text().as_str()), (0, "2\ndone\n"), "{ran}");
    assert!(ran.breaches().all(|event| event.action == ActionTaken::Denied), "{ran}");
    assert!(!place.path("{work}/.git/hooks/post-commit").exists());
}

/// A denied name is shown by the directory around it: looking at it finds a closed file, so that
/// programs that list and look go on. Opening, running and asking for more is what it was.
fn listing_beside_a_denied_name(place: &Place) {
    place.write("{work}/.env", place.secret(), 0o755);
    place.make_directory("{work}/closed");
    place.write("{work}/closed/key", place.secret(), 0o644);
    let options = "--deny {work}/.env --deny {work}/closed";
    let script = "ls -la >/dev/null && ls -lad .env closed && find . -name .env -newer nothing 2>/dev/null
        find . -maxdepth 1 -size -9 >/dev/null && stat -c %F:%n .env closed && test -e .env && echo there";
    let ran = place.jail(options, ["sh", "-c", script]);
    let text = ran.succeeds().leaks_nothing().text();
    for part in [":.env\n", "directory:closed\n", "there\n"] {
        assert!(text.contains(part), "{part}: {ran}");
    }
    assert!(ran.stderr.is_empty(), "{ran}");
    if !place.is_flat() {
        assert!(text.contains("---------- 1 ") && text.contains("d--------- 2 "), "{ran}");
        assert!(ran.exit().forgiven > 0, "{ran}");
        let ran = place.jail(options, ["sh", "-c", "test -r .env || test -w .env || test -x .env"]);
        assert_eq!(ran.ends_with(1).breaches().count(), 0, "{ran}");
    }
    for (attempt, mode) in [
        ("cat .env", Mode::Read),
        ("exec ./.env", Mode::Execute),
        ("cat closed/key", Mode::Read),
        ("echo x >.env", Mode::Write),
        ("chmod 600 .env", Mode::Write),
    ] {
        let ran = place.jail(options, ["sh", "-c", attempt]);
        assert_eq!(ran.leaks_nothing().breach().mode, mode, "{attempt}: {ran}");
    }
    let ran = place.jail(&format!("--strict {options}"), ["stat", ".env"]);
    assert_eq!(ran.breach().mode, Mode::Read, "{ran}");
}

fn profile_with_mistakes(place: &Place) {
    place.write("{state}/bad.toml", "version = 1\nraed = ['/srv']\n", 0o644);
    let ran = place.jail("-p {state}/bad.toml", ["./escape", "write", "ran"]);
    assert_eq!(ran.status, 125, "{ran}");
    for part in ["bad.toml:2:1", "raed = ['/srv']", "^^^^", "did you mean `read`?"] {
        assert!(ran.to_string().contains(part), "{part}: {ran}");
    }
    let ran = place.jail("-p nothing", ["true"]);
    assert!(ran.status == 125 && ran.to_string().contains("latex"), "{ran}");
}

/// A profile that the jail could change would be the next run's policy.
fn profile_in_the_jails_reach(place: &Place) {
    place.write("{work}/mine.toml", "version = 1\n", 0o644);
    let ran = place.jail("-p ./mine.toml", ["true"]);
    assert!(ran.status == 125 && ran.to_string().contains("writable tree"), "{ran}");
}

/// Answers by a program that has the other end of the event channel.
fn ask_through_the_events(place: &Place) {
    let driver = r#"
import json, os, socket, subprocess, sys
ours, theirs = socket.socketpair()
os.set_inheritable(theirs.fileno(), True)
command = [os.environ["JAILKEEPER"], "run", "--quiet", "--on-jailbreak", "ask", "--ask", "events",
           "--events", "fd:%d" % theirs.fileno(), "--", "sh", "-c",
           "cat ../x; cat ../x; cat ../outside/file; cat ../outside/dir/file; echo >../outside/program"]
child = subprocess.Popen(command, close_fds=False)
theirs.close()
answers = iter(sys.argv[1:])
for line in ours.makefile():
    event = json.loads(line)
    if event["event"] == "question":
        answer = {"v": 1, "question": event["question"], "answer": next(answers, "deny")}
        ours.sendall((json.dumps(answer) + "\n").encode())
    if event["event"] == "jailbreak":
        print(event["action"], event.get("answer"), os.path.basename(event["file"]), flush=True)
print(child.wait())
"#;
    place.write("{state}/ask.py", driver, 0o644);
    let words = [Reply::AllowRun, Reply::AllowOnce, Reply::Deny, Reply::Kill].map(Reply::as_str);
    let mut command = vec!["python3", "{state}/ask.py"];
    command.extend(words);
    let ran = place.free(command);
    let text = ran.text();
    let said: Vec<&str> = text.lines().filter(|line| !line.contains(place.secret())).collect();
    let expected = [
        "asked allow-run x",
        "asked allow-once file",
        "denied deny file",
        "killed kill program",
        "120",
    ];
    assert_eq!(said, expected, "{ran}");
    assert_eq!(text.matches(place.secret()).count(), 3, "two answers let three reads pass: {ran}");
}

/// Answers by keys, on a terminal that a program holds: the jail has a terminal of its own, and
/// what is typed is the jail's until somebody is asked.
fn ask_on_the_terminal(place: &Place) {
    asked_by_keys(place, "");
}

/// The same where the jail has no terminal: the caller's own is opened for the question.
fn ask_beside_the_terminal(place: &Place) {
    asked_by_keys(place, "</dev/null");
}

/// Runs a command that reads a file outside three times, and answers each question with a key.
/// Returns what was seen on the terminal, and the exit status.
fn asked_by_keys(place: &Place, input: &str) {
    let driver = r#"
import os, pty, re, select, signal, sys, time
keys, input = sys.argv[1], sys.argv[2]
command = "exec \"$JAILKEEPER\" run --on-jailbreak ask -- sh -c " \
    "'echo ready; sleep 0.3; for n in 1 2 3; do cat ../x && echo read $n; done; echo over' " + input
child, terminal = pty.fork()
if child == 0:
    os.execvp("sh", ["sh", "-c", command])
seen, typed, deadline = b"", 0, time.monotonic() + 45
while time.monotonic() < deadline:
    if select.select([terminal], [], [], 0.05)[0]:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        seen += more
    if b"ready" in seen and typed == 0:
        # Nobody is asked yet: this is no answer.
        os.write(terminal, b"yyy")
        typed = time.monotonic()
    # A key that comes before the question has thrown away what was typed is lost: again.
    asked = b"[k] kill: " in seen
    open = not re.search(rb"allow|deny|kill", seen.rpartition(b"[k] kill: ")[2])
    if asked and open and time.monotonic() - typed > 0.15:
        typed = time.monotonic()
        key = keys[seen.count(b"[k] kill: ") - 1:][:1] or "n"
        os.write(terminal, key.encode())
else:
    os.kill(child, signal.SIGKILL)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.stdout.write(seen.decode(errors="replace").replace("\r", "") + "\nstatus %d\n" % status)
"#;
    place.write("{state}/keys.py", driver, 0o644);
    // Which keys; how often it is asked, how often the file is read; how it ends.
    for (keys, questions, reads, end) in [
        ("ynn", 3, 1, "status 0"),
        ("ann", 1, 3, "status 0"),
        ("\r\u{1b}x", 3, 0, "status 0"),
        ("nk", 2, 0, "status 120"),
    ] {
        let ran = place.free(["python3", "{state}/keys.py", keys, input]);
        let text = ran.text();
        let count = |part: &str| text.matches(part).count();
        assert_eq!(count("[k] kill: "), questions, "{keys:?}: {ran}");
        assert_eq!(count("wants to read"), questions, "{keys:?}: {ran}");
        let read = (1..=3).filter(|n| text.contains(&format!("\nread {n}\n"))).count();
        assert_eq!((read, count(place.secret())), (reads, reads), "{keys:?}: {ran}");
        assert!(text.contains(end), "{keys:?}: {ran}");
        assert_eq!(count("over\n"), usize::from(end == "status 0"), "{keys:?}: {ran}");
    }
}

fn log_widens_reading_alone(place: &Place) {
    if place.is_flat() {
        return;
    }
    let ran = place.jail("--on-jailbreak log", ["sh", "-c", "cat ../x; echo y >../new"]);
    assert!(ran.leaks(), "{ran}");
    assert!(!place.path("{root}/new").exists(), "{ran}");
    let actions: Vec<_> = ran.breaches().map(|event| (event.mode, event.action)).collect();
    let expected = [(Mode::Read, ActionTaken::Logged), (Mode::Write, ActionTaken::Denied)];
    assert_eq!(actions, expected, "{ran}");
}

fn learn_then_run(place: &Place) {
    if place.is_flat() {
        return;
    }
    let used = "cat ../x ../outside/file ../outside/dir/file; echo y >../outside/new; ls ../ro";
    let learn = format!("$JAILKEEPER learn -o $PLACE/state/learned.toml -- sh -c '{used}'");
    assert!(place.script(&learn).leaks());
    assert!(!place.path("{out}/new").exists(), "what was written is thrown away");
    let learned = fs::read_to_string(place.path("{state}/learned.toml")).unwrap();
    assert!(learned.contains("needed by cat") && learned.contains("[[write]]"), "{learned}");
    let ran = place.jail("-p {state}/learned.toml", ["sh", "-c", used]);
    assert!(ran.succeeds().leaks() && ran.breaches().next().is_none(), "{ran}");
    let again = place.script(&learn);
    assert!(again.to_string().contains("0 new entries"), "{again}");
    let after = fs::read_to_string(place.path("{state}/learned.toml")).unwrap();
    assert_eq!(after, learned, "a second learn proposes nothing new");
}

fn check_agrees(place: &Place) {
    for (mode, path, expected) in [
        ("read", "inside", "allow"),
        ("write", "inside", "allow"),
        ("read", "../x", "kill"),
        ("write", "/usr/bin/env", "kill"),
        ("execute", "/usr/bin/env", "allow"),
        ("read", "/etc/gitconfig", "quiet"),
        ("read", "../nothing", "absent"),
    ] {
        let ran = place.script(&format!("$JAILKEEPER check --mode {mode} {path}"));
        let text = ran.text();
        assert!(text.starts_with(&format!("{expected}: {mode}")), "{mode} {path}: {ran}");
        assert!(text.contains("rule") && text.contains("wall"), "{ran}");
        assert_eq!(ran.status, i32::from(expected != "allow"), "{ran}");
    }
}

fn forgiven_on_request(place: &Place) {
    if place.is_flat() {
        return;
    }
    let ran = place.jail("--show-forgiven", ["sh", "-c", "test -e ../x; test -e ../x"]);
    let text = ran.ends_with(1).to_string();
    assert!(text.contains("2 looks at 1 name was answered") && text.contains("2x"), "{ran}");
}

mod differential {
    //! Generated policies and generated accesses: what `decide` says against what the kernel does.

    use jailkeeper_model::{
        Access, JailPath, Origin, Policy, Presence, Right, Rule, Verdict, decide,
    };
    use jailkeeper_testkit::{Place, User, needs};
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    const FILES: [&str; 9] =
        ["a/f", "a/b/f", "a/b/c/f", "a/d/f", "e/f", "e/b/f", "e/b/c/f", "g/f", "g/a/f"];
    const FOLDERS: [&str; 9] = ["a", "a/b", "a/b/c", "a/d", "e", "e/b", "e/b/c", "g", "g/a"];

    /// A small generator: the same numbers in every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % sides
        }
    }

    fn rounds() -> usize {
        // Each round has 18 accesses: 30 rounds every time, and above 10,000 accesses at night.
        if std::env::var_os("JAILKEEPER_NIGHTLY").is_some() { 600 } else { 30 }
    }

    fn run(place: &Place, seed: u64) {
        for file in FILES {
            let folder = PathBuf::from(file).parent().unwrap().to_owned();
            place.make_directory(&format!("{{root}}/lab/{}", folder.display()));
        }
        let mut dice = Dice(seed);
        for round in 0..rounds() {
            for file in FILES {
                place.write(&format!("{{root}}/lab/{file}"), "x", 0o644);
            }
            let mut chosen = BTreeMap::new();
            for _ in 0..=dice.roll(4) {
                let right = [Right::Read, Right::Write, Right::Deny][dice.roll(3)];
                chosen.insert(FOLDERS[dice.roll(FOLDERS.len())], right);
            }
            let at =
                |text: &str| JailPath::new(place.path(&format!("{{root}}/lab/{text}"))).unwrap();
            let mut policy = Policy::builder();
            let mut options = "--on-jailbreak deny --quiet".to_owned();
            for (folder, right) in &chosen {
                policy = policy.rule(Rule::new(at(folder), *right, Origin::Api));
                options.push_str(&format!(" --{right} {{root}}/lab/{folder}"));
            }
            let policy = policy.build().unwrap();
            let mut script = String::new();
            for file in FILES {
                script.push_str(&format!(
                    "cat {{root}}/lab/{file} >/dev/null 2>&1 && echo r {file}
                     (echo y >>{{root}}/lab/{file}) 2>/dev/null && echo w {file}\n"
                ));
            }
            let ran = place.jail(&place.text(&options), ["sh", "-c", &script]);
            let text = ran.text();
            for file in FILES {
                for (word, access) in [
                    ("r", Access::read(at(file), Presence::Exists)),
                    ("w", Access::write(at(file), Presence::Exists)),
                ] {
                    let allowed = decide(&policy, &access) == Verdict::Allow;
                    let done = text.lines().any(|line| line == format!("{word} {file}"));
                    assert_eq!(
                        done, allowed,
                        "round {round}: {word} {file} under {chosen:?}: {ran}"
                    );
                }
            }
        }
    }

    #[test]
    fn root() {
        needs![root, fuse];
        run(&Place::new(User::Root), 1);
    }

    #[test]
    fn ordinary() {
        needs![fuse];
        run(&Place::new(User::Ordinary), 2);
    }
}
