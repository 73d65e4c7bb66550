//! Programs that make the supervisor wait, work for nothing, or forget who they are.

use crate::both::both;
use jailkeeper_model::Mode;
use jailkeeper_testkit::{Place, User, needs};
use std::os::unix::fs::{MetadataExt as _, symlink};

both! {
    long_way;
    too_deep;
    first_thread_is_gone;
    no_room_for_a_descriptor;
    single_file_to_read;
    directory_by_message needs [python3];
    events_that_nobody_reads needs [mkfifo];
}

/// Links that lead through thousands of names: a moment for the kernel. For the supervisor they were
/// minutes, in which a caller at strength `full` could not even be killed.
fn long_way(place: &Place) {
    // The kernel follows 40, and counts anew none of those that it follows again where it has to
    // walk a second and a third time.
    const LINKS: usize = 13;
    let bottom = format!("{{work}}{}", "/a".repeat(300));
    place.make_directory(&bottom);
    for link in 0..LINKS {
        let last = link + 1 == LINKS;
        let target = if last { "{out}/file".into() } else { format!("{bottom}/{}", link + 1) };
        symlink(place.path(&target), place.path(&format!("{bottom}/{link}"))).unwrap();
    }
    let start = format!("{bottom}/0");
    let writing = ["./escape", "open", &start, "O_RDWR"];
    assert!(place.free(writing).survived() >= Some(0), "the control");
    let ran = place.jail("", writing);
    assert_eq!(ran.survived(), Some(-i64::from(libc::ELOOP)), "{ran}");
    let reading = ["./escape", "open", &start, "O_RDONLY"];
    let alone = place.free(reading);
    assert!(alone.leaks(), "the control: {alone}");
    let ran = place.jail("", reading);
    ran.leaks_nothing();
    if place.is_flat() {
        assert_eq!(ran.survived(), Some(-i64::from(libc::ELOOP)), "{ran}");
    } else {
        // What is beyond doubt is the first name outside.
        assert_eq!(ran.breach().file, Some(place.text("{out}")), "{ran}");
    }
}

/// From a directory whose own path is longer than a path can be, a name cannot be told. It could
/// have been any: a file that may only be read, or one that is denied.
fn too_deep(place: &Place) {
    let name = "d".repeat(250);
    let down = |steps: &mut Vec<String>, call: &str| {
        steps.extend([call, &name, ","].map(str::to_owned));
    };
    let (mut made, mut gone) = (vec!["{work}/escape".to_owned()], vec!["{work}/escape".to_owned()]);
    for _ in 0..17 {
        down(&mut made, "mkdir");
        down(&mut made, "chdir");
        down(&mut gone, "chdir");
    }
    made.extend(["stat", "."].map(str::to_owned));
    assert_eq!(place.free(made).survived(), Some(0));
    for last in [["open", "ro/file", "O_WRONLY"], ["open", "work/denied", "O_WRONLY|O_CREAT"]] {
        let path = format!("{}{}", "../".repeat(18), last[1]);
        let mut words = gone.clone();
        words.extend([last[0], &path, last[2]].map(str::to_owned));
        let ran = place.jail("--read {ro} --deny {work}/denied", &words);
        ran.succeeds();
        assert_eq!(ran.survived(), Some(-i64::from(libc::ENAMETOOLONG)), "{ran}");
        assert!(!place.path("{work}/denied").exists(), "{ran}");
        assert!(place.free(&words).survived() >= Some(0), "the control");
    }
}

/// A process whose first thread has ended has no program of its own in `/proc` any more.
fn first_thread_is_gone(place: &Place) {
    let words = ["./escape", "last-thread", "open", "{out}/file", "O_RDONLY"];
    assert!(place.free(words).leaks(), "the control");
    let ran = place.jail("", words);
    let breach = ran.leaks_nothing().breach();
    assert_eq!(ran.survived(), None, "{ran}");
    assert_eq!(breach.program, place.text("{work}/escape"), "{ran}");
    assert_eq!(breach.argv.get(1).map(String::as_str), Some("last-thread"), "{ran}");
}

/// What is answered with a descriptor is answered all the same if there is no room for one.
fn no_room_for_a_descriptor(place: &Place) {
    place.jail("", ["./escape", "socket", "2", "1"]).succeeds();
    let words = ["./escape", "limit-descriptors", "3", ",", "socket", "2", "1"];
    for ran in [place.free(words), place.jail("", words)] {
        assert_eq!(ran.ends_with(0).survived(), Some(-i64::from(libc::EMFILE)), "{ran}");
    }
}

/// Whoever is outside and talks with the jail sends it a directory. What is in the directory stays
/// outside: a received descriptor is a way to a name, and walls and watch look at where it leads.
fn directory_by_message(place: &Place) {
    let driver = r#"
import array, os, socket, subprocess, sys
ours, theirs = socket.socketpair()
os.set_inheritable(theirs.fileno(), True)
inside = """
import array, os, socket
_, message, _, _ = socket.socket(fileno=%d).recvmsg(1, socket.CMSG_SPACE(4))
there = array.array('i', message[0][2])[0]
def tried(act):
    try: print(act())
    except OSError as error: print(error.errno)
tried(lambda: open(os.open('file', os.O_RDONLY, dir_fd=there)).read())
tried(lambda: os.mkdir('made', dir_fd=there))
tried(lambda: os.chmod('file', 0o600, dir_fd=there))
tried(lambda: os.utime('/proc/self/fd/%%d/file' %% there))
tried(lambda: os.fchmod(there, 0o700))
os.fchdir(there)
tried(lambda: os.chmod('file', 0o600))
tried(lambda: open('file').read())
tried(lambda: open('../x').read())
""" % theirs.fileno()
words = [word.replace("FD", str(theirs.fileno())) for word in sys.argv[1:]]
child = subprocess.Popen(words + ["python3", "-c", inside], close_fds=False)
there = os.open("../outside", os.O_RDONLY)
ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [there]))])
sys.exit(child.wait())
"#;
    place.write("{state}/driver.py", driver, 0o644);
    let script = "exec python3 $PLACE/state/driver.py $JAILKEEPER run --quiet --on-jailbreak deny --pass-fd FD \
        --events $PLACE/state/events --report $PLACE/state/report --";
    let what = |path: &str| {
        let data = place.path(path).metadata().unwrap();
        (data.mode(), data.mtime_nsec(), data.ctime_nsec())
    };
    let before = [what("{out}"), what("{out}/file")];
    let ran = place.script(script);
    assert_eq!(before, [what("{out}"), what("{out}/file")], "it was changed: {ran}");
    ran.leaks_nothing().ends_with(0);
    let errors = ran.text();
    assert!(errors.lines().count() == 8, "{ran}");
    assert!(errors.lines().all(|error| ["2", "13", "30"].contains(&error)), "{ran}");
    assert!(!place.path("{out}/made").exists(), "{ran}");
    let named = |name: &str| ran.breaches().any(|breach| breach.file == Some(place.text(name)));
    assert!(named("{out}/made"), "{ran}");
    assert!(named("{out}") && named("{out}/file"), "{ran}");
    let mode = |mode| ran.breaches().filter(|breach| breach.mode == mode).count();
    assert_eq!(mode(Mode::Write), 5, "{ran}");
    // At strength `full` reading is refused by Landlock, which tells nobody.
    assert_eq!(mode(Mode::Read), if place.is_flat() { 3 } else { 0 }, "{ran}");
    assert!(place.free(["python3", "{state}/driver.py"]).leaks(), "the control");
}

/// A single file that may only be read, in a directory that may be changed: each attempt to change it
/// has its event. It was taken for missing, and nobody heard of what the walls refused.
fn single_file_to_read(place: &Place) {
    for words in [
        &["unlink", "{work}/kept"][..],
        &["rename", "{work}/kept", "{work}/other"],
        &["link", "{work}/kept", "{work}/other"],
        &["chmod", "{work}/kept"],
        &["truncate", "{work}/kept"],
        &["open", "{work}/kept", "O_WRONLY"],
    ] {
        place.write("{work}/kept", "to keep\n", 0o644);
        let words = [&["./escape"], words].concat();
        let ran = place.jail("--read {work}/kept", &words);
        let breach = ran.breach();
        assert_eq!(breach.file, Some(place.text("{work}/kept")), "{ran}");
        assert_eq!(std::fs::read(place.path("{work}/kept")).unwrap(), b"to keep\n", "{ran}");
        assert!(place.free(&words).survived() >= Some(0), "the control: {words:?}");
        let _ = std::fs::remove_file(place.path("{work}/other"));
    }
}

/// The time is up whether anybody reads that or not.
fn events_that_nobody_reads(place: &Place) {
    let script = "mkfifo $PLACE/state/fifo && exec 5<>$PLACE/state/fifo
        $JAILKEEPER run --quiet --report-probes --hide --wall-time 1s --events fd:5 -- sh -c \
            './escape sleep 50000 & while :; do test -e ../outside/file; done' &
        jail=$!
        alive() {
            for process in /proc/[0-9]*; do
                read -r _ name state _ <$process/stat && case $name$state in
                    *Z) ;;
                    '(escape)'*) return 0 ;;
                esac
            done 2>/dev/null
            return 1
        }
        until alive; do sleep 0.02; done
        tries=0
        while alive && [ $tries -lt 300 ]; do tries=$((tries + 1)); sleep 0.05; done
        alive && echo it lives
        cat <&5 >/dev/null 5>&- & reader=$!
        wait $jail; status=$?
        kill $reader; wait $reader; exit $status";
    let ran = place.script(script);
    assert_eq!(ran.ends_with(121).text(), "", "{ran}");
}

/// A report that somebody else has written, with signs in every text of it that move a terminal's
/// cursor, set its title, turn lines around or end them; and with texts that are long and many.
#[test]
fn report_of_somebody_else() {
    needs![python3];
    let place = Place::new(User::Ordinary);
    let script = r#"
import json, sys
evil = "a\x1b[2J\x1b]0;owned\x07\r\n\u202e\u2066\u200b\u2028\x85\x9b31m\x00 [y] allow"
long = evil + "x" * 2000
who = {"pid": 9, "program": evil, "argv": [long] * 20}
print(json.dumps({"event": "jailbreak", "v": 1, "seq": 0, "time": "2026-11-28T20:00:00.000000Z",
    "jail": evil, "mode": "read", "file": "/out/" + long, "resolved": "/out/" + evil,
    "operation": evil, "syscall": evil, "flags": [evil] * 50, **who, "ancestors": [who] * 10,
    "rule": evil, "action": "denied", "hint": "--read /" + evil}))
print(json.loads(json.dumps(evil)), file=sys.stderr)
"#;
    place.write("{state}/evil.py", script, 0o644);
    place.write("{state}/mine.toml", "version = 1\n", 0o644);
    let harmful = |text: &str| {
        text.chars().any(|sign| {
            let turns = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}'].contains(&sign);
            turns || sign.is_control() && sign != '\n'
        })
    };
    let made = place.script("python3 $PLACE/state/evil.py >$PLACE/state/evil");
    assert!(harmful(&made.ends_with(0).stderr), "the control: {made}");
    for options in ["", "--profile $PLACE/state/mine.toml"] {
        let ran = place.script(&format!("$JAILKEEPER explain {options} $PLACE/state/evil"));
        let (text, errors) = (ran.ends_with(0).text(), &ran.stderr);
        assert!(text.contains("jailbreak: read") && text.contains(r"\x1b"), "{ran}");
        assert!(!harmful(&text) && !harmful(errors), "{text:?} {errors:?}");
        assert!(text.len() < 40_000, "{} bytes", text.len());
    }
    // What is no report at all is an error.
    for text in ["{", "[[[[[[[[[[", "\u{0}", "{\"event\":\"jailbreak\"}"] {
        place.write("{state}/none", text.repeat(2000), 0o644);
        let ran = place.script("$JAILKEEPER explain $PLACE/state/none");
        assert!(ran.ends_with(125).stderr.contains("error:") && !harmful(&ran.stderr), "{ran}");
    }
}
