//! Nothing survives: not the end of a run, not a jailbreak, not the death of the supervisor.

use crate::both::both;
use jailkeeper_testkit::Place;
use std::time::Duration;

both! {
    bomb_at_the_end;
    bomb_at_a_jailbreak;
    bomb_at_the_limit;
    daemon_at_the_end;
    daemon_at_a_jailbreak;
    processes_beside_the_guilty_one;
    death_of_the_supervisor;
    death_of_the_supervisor_in_a_hurry;
    interrupted_supervisor;
    ignored_signals;
    stopped_supervisor;
    no_core_is_left;
}

/// Prints how many processes are alive in the moment that the exit event comes out.
const COUNT_AT_EXIT: &str = r#"
    mkfifo $PLACE/state/pipe
    $JAILKEEPER run $OPTIONS --events $PLACE/state/pipe -- sh -c "$COMMAND" &
    while read -r line; do
        case $line in *'"event":"exit"'*)
            alive=0
            for process in /proc/[0-9]*; do
                read -r name <$process/comm && [ "$name" = escape ] && alive=$((alive + 1))
            done 2>/dev/null
            echo "alive $alive";;
        esac
    done <$PLACE/state/pipe
    wait $!
"#;

fn count_at_exit(place: &Place, options: &str, command: &str, status: i32) {
    let script = format!("OPTIONS='{options}' COMMAND='{command}'\n{COUNT_AT_EXIT}");
    let ran = place.script(&script);
    let text = ran.ends_with(status).text();
    assert!(text.contains("alive 0\n"), "{ran}");
    assert!(!text.contains("after"), "{ran}");
}

fn bomb_at_the_end(place: &Place) {
    let alone =
        place.script("./escape bomb 200; sleep 0.2; cat /proc/[0-9]*/comm | grep -c escape");
    assert_eq!(alone.text().lines().last(), Some("200"), "the control: {alone}");
    count_at_exit(place, "", "./escape bomb 200; exit 3", 3);
}

fn bomb_at_a_jailbreak(place: &Place) {
    count_at_exit(place, "", "./escape bomb 200; cat ../x; sleep 1; echo after", 120);
}

fn bomb_at_the_limit(place: &Place) {
    count_at_exit(place, "--wall-time 1s", "./escape bomb 200; sleep 20; echo after", 121);
}

fn daemon_at_the_end(place: &Place) {
    let script = |run: &str| format!("{run} ./escape daemon $PLACE/work/late 300; sleep 0.8");
    let _ = place.script(&script(""));
    let late = place.path("{work}/late");
    assert!(late.exists(), "the control");
    std::fs::remove_file(&late).unwrap();
    place.script(&script("$JAILKEEPER run --")).ends_with(0);
    assert!(!late.exists(), "the daemon outlived its jail");
}

fn daemon_at_a_jailbreak(place: &Place) {
    let script = "$JAILKEEPER run -- sh -c './escape daemon late 300; cat ../x'; sleep 0.8";
    place.script(script).ends_with(0);
    assert!(!place.path("{work}/late").exists(), "the daemon outlived its jail");
}

/// Innocent siblings die too, and at once.
fn processes_beside_the_guilty_one(place: &Place) {
    let script = "(while :; do echo x >>ticks; sleep 0.01; done) & sleep 0.2; \
                  cat ../x; cp ticks after; sleep 5";
    let ran = place.jail("", ["sh", "-c", script]);
    let _ = ran.breach();
    assert!(!place.path("{work}/after").exists());
    let ticks = std::fs::read(place.path("{work}/ticks")).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(std::fs::read(place.path("{work}/ticks")).unwrap(), ticks);
}

/// Kills the supervisor after this time and counts what is alive half a second later.
fn kill_supervisor(place: &Place, after: &str, signal: &str) {
    let script = format!(
        "echo >$PLACE/state/out
         $JAILKEEPER run -- sh -c './escape bomb 50; echo ready; sleep 20' >$PLACE/state/out &
         {after}
         echo before $(cat /proc/[0-9]*/comm | grep -c escape)
         kill -{signal} $!; wait $!; sleep 0.5
         echo after $(cat /proc/[0-9]*/comm | grep -c -e escape -e jailkeeper -e sleep)"
    );
    let ran = place.script(&script);
    let text = ran.ends_with(0).text();
    assert!(text.ends_with("after 0\n"), "{ran}");
    if after.contains("ready") {
        assert!(text.starts_with("before 50\n"), "the control: {ran}");
    }
}

const WHEN_READY: &str = "until grep -q ready $PLACE/state/out; do sleep 0.02; done";

fn death_of_the_supervisor(place: &Place) {
    kill_supervisor(place, WHEN_READY, "KILL");
}

/// While the jail is being raised, at any of its steps.
fn death_of_the_supervisor_in_a_hurry(place: &Place) {
    for delay in ["", "sleep 0.001", "sleep 0.003", "sleep 0.005", "sleep 0.01", "sleep 0.02"] {
        kill_supervisor(place, delay, "KILL");
    }
}

fn interrupted_supervisor(place: &Place) {
    for signal in ["ABRT", "XCPU", "TRAP"] {
        kill_supervisor(place, WHEN_READY, signal);
    }
}

/// A program that catches every signal dies like any other.
fn ignored_signals(place: &Place) {
    let script =
        "trap '' TERM INT HUP QUIT USR1 USR2 PIPE; sleep 20 & cat ../x; echo after; sleep 20";
    let ran = place.jail("", ["bash", "-c", script]);
    let _ = ran.breach();
    assert_eq!(ran.text(), "");
}

/// The kernel writes a core where the process stands: in a directory outside it would be a
/// jailbreak of an innocent program.
fn no_core_is_left(place: &Place) {
    let script = "ulimit -c unlimited; $JAILKEEPER run -- sh -c 'ulimit -c; cd /usr; exec $OLDPWD/escape core-dump'";
    let ran = place.script(script);
    ran.ends_with(134);
    assert_eq!(ran.text().lines().next(), Some("0"), "{ran}");
    let names = std::fs::read_dir(place.path("{work}")).unwrap().flatten();
    assert!(names.into_iter().all(|entry| entry.file_name() != "core"));
}

/// The refusal is the kernel's: while nobody watches, nothing is answered.
fn stopped_supervisor(place: &Place) {
    let script = "$JAILKEEPER run -- sh -c 'echo ready; sleep 0.3; echo x >../stray & cat ../x; echo after' \\
            >$PLACE/state/out &
        until grep -q ready $PLACE/state/out; do sleep 0.02; done
        kill -STOP $!; sleep 1; cat $PLACE/state/out; ls $PLACE
        kill -CONT $!; wait $!; status=$?; cat $PLACE/state/out; exit $status";
    let ran = place.script(script);
    let text = ran.ends_with(120).text();
    ran.leaks_nothing();
    assert!(!text.contains("after") && !text.contains("stray"), "{ran}");
}
