//! Programs that make the supervisor wait, work for nothing, or forget who they are.

use crate::both::both;
use jailkeeper_testkit::Place;
use std::os::unix::fs::symlink;

both! {
    long_way;
    too_deep;
    first_thread_is_gone;
    no_room_for_a_descriptor;
    single_file_to_read;
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
