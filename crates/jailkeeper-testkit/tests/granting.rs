//! What callers may grant besides trees, and what becomes of it.

use crate::both::both;
use jailkeeper_model::{Event, Mode};
use jailkeeper_testkit::{Place, Ran};
use std::fs;

both! {
    pattern_for_reading;
    pattern_for_writing;
    pattern_never_leads_elsewhere;
    pattern_gives_no_directory;
    pattern_empties_nothing_that_it_refuses;
    descriptor_on_request;
    tether;
    mirrored_signal;
    denied_name_replaced_from_outside;
}

fn pattern_for_reading(place: &Place) {
    let pattern = "--read-pattern ^/.*/outside/[a-z]+$";
    let ran = place.jail(pattern, ["cat", "{out}/file"]);
    assert!(ran.leaks() && ran.status == 0, "{ran}");
    let ran = place.jail(pattern, ["cat", "{out}/dir/file"]);
    assert_eq!(ran.leaks_nothing().breach().file, Some(place.text("{out}/dir/file")));
    for attempt in ["open {out}/file O_WRONLY", "truncate {out}/file", "unlink {out}/file"] {
        let words = std::iter::once("./escape").chain(attempt.split(' '));
        let ran = place.jail(pattern, words);
        assert_eq!(ran.breach().mode, Mode::Write, "{attempt}: {ran}");
    }
    assert_eq!(fs::read_to_string(place.path("{out}/file")).unwrap().trim(), place.secret());
}

fn pattern_for_writing(place: &Place) {
    let pattern = "--write-pattern ^/.*/outside/new[0-9]$";
    let ran = place.jail(pattern, ["sh", "-c", "echo x >{out}/new1; cat {out}/new1"]);
    assert_eq!(ran.succeeds().text(), "x\n");
    assert_eq!(fs::read_to_string(place.path("{out}/new1")).unwrap(), "x\n");
    let ran = place.jail(pattern, ["sh", "-c", "echo x >{out}/new10"]);
    assert_eq!(ran.breach().file, Some(place.text("{out}/new10")));
    assert!(!place.path("{out}/new10").exists());
}

/// A pattern names files, and a link that has such a name leads to another file.
fn pattern_never_leads_elsewhere(place: &Place) {
    let pattern = "--read-pattern ^/.*/work10/granted$ --write {root}/work10";
    for target in ["{out}/file", "../outside/file"] {
        let script =
            format!("ln -sfn {target} {{root}}/work10/granted; cat {{root}}/work10/granted");
        let ran = place.jail(pattern, ["sh", "-c", &script]);
        ran.leaks_nothing();
        assert_ne!(ran.status, 0, "{ran}");
    }
}

fn descriptor_on_request(place: &Place) {
    let script = "$JAILKEEPER run --pass-fd 7 -- ./escape read 7 7<$PLACE/x 8<$PLACE/x";
    assert!(place.script(script).leaks());
    let script = "$JAILKEEPER run --pass-fd 7 -- ./escape read 8 7<$PLACE/x 8<$PLACE/x";
    assert!(!place.script(script).leaks());
}

/// Whoever holds the other end is gone: so is the jail.
fn tether(place: &Place) {
    let script = "mkfifo $PLACE/state/tether; sleep 0.5 >$PLACE/state/tether &
        $JAILKEEPER run --tether fd:3 -- sh -c 'sleep 20; echo after' 3<$PLACE/state/tether
        echo status $?; sleep 0.3";
    let text = place.script(script).ends_with(0).text();
    assert!(!text.contains("after") && !text.contains("status 0"), "{text}");
}

fn mirrored_signal(place: &Place) {
    // A shell that sees a signal says 128 and its number; exec leaves nobody between.
    let script = "$JAILKEEPER run --mirror-signal -- sh -c 'kill -TERM $$' & wait $!; echo $?
        perl -e 'system @ARGV; print $? & 127, qq(\\n)' $JAILKEEPER run --mirror-signal -- sh -c 'kill -USR1 $$'";
    assert_eq!(place.script(script).ends_with(0).text(), "143\n10\n");
}

/// The kernel drops what lies over a name when somebody outside replaces the name; then the jail
/// must end before it could read what is there now.
fn denied_name_replaced_from_outside(place: &Place) {
    place.write("{work}/key", "old", 0o644);
    place.write("{state}/new", place.secret(), 0o644);
    let script = "$JAILKEEPER run --deny $PLACE/work/key --events $PLACE/state/told -- \
            sh -c 'echo ready; sleep 1; cat key; echo after' >$PLACE/state/out &
        until grep -q ready $PLACE/state/out; do sleep 0.02; done
        mv $PLACE/state/new $PLACE/work/key; wait $!; echo status $?; cat $PLACE/state/out";
    let ran: Ran = place.script(script);
    ran.ends_with(0).leaks_nothing();
    let text = ran.text();
    assert!(!text.contains("status 0") && !text.contains("after"), "{ran}");
    let told = fs::read_to_string(place.path("{state}/told")).unwrap();
    let last = told.lines().last().map(Event::parse);
    assert!(matches!(last, Some(Ok(Event::Exit(_)))), "{told}");
}

/// Whoever had a directory of the outside could go on from it, past the view.
fn pattern_gives_no_directory(place: &Place) {
    let script = "import os
d = os.open(PLACE, os.O_RDONLY)
print(os.stat(\"../file\", dir_fd=d).st_size)";
    let script = script.replace("PLACE", &format!("{:?}", place.text("{out}/dir")));
    assert_eq!(place.free(["python3", "-c", &script]).ends_with(0).status, 0);
    let ran = place.jail("--read-pattern outside", ["python3", "-c", &script]);
    assert!(ran.stderr.contains("FileNotFoundError"), "{ran}");
}

fn pattern_empties_nothing_that_it_refuses(place: &Place) {
    let script = "import os\nos.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_TRUNC)";
    let script = script.replace("FILE", &format!("{:?}", place.text("{out}/file")));
    let ran = place.jail("--write-pattern outside/file$", ["python3", "-c", &script]);
    assert!(ran.stderr.contains("FileExistsError"), "{ran}");
    assert_eq!(fs::read_to_string(place.path("{out}/file")).unwrap().trim(), place.secret());
}
