//! Racing the watchers, and running often.

use crate::both::both;
use jailkeeper_testkit::{Place, Ran, host_binary, warm_binary};
use std::time::Duration;

both! {
    swapped_path;
    swapped_path_for_writing;
    swapped_link;
    nothing_runs_after_the_attempt;
    many_runs;
    many_runs_in_one_process;
    prepared_jails;
    host_program_is_undisturbed;
}

const TRIES: &str = "20000";

/// A second thread swaps the path between one inside and one outside. In a jail that goes on after
/// a refusal it may try as often as it likes.
fn swapped_path(place: &Place) {
    let words = ["./escape", "flip", "{work}/inside", "{out}/file", "O_RDONLY", TRIES];
    // On a busy machine the two threads may run one after the other.
    let wins = |alone: Ran| alone.leaks() && alone.survived() > Some(0);
    assert!((0..10).any(|_| wins(place.free(words))), "the control never wins");
    let ran = place.jail("--quiet --on-jailbreak deny", words);
    assert_eq!(ran.survived(), Some(0), "it won: {}", ran.text());
    assert!(!ran.leaks());
    assert!(ran.breaches().count() > 0);
    let ran = place.jail("", words);
    // What the letters say is what they said when somebody looked; the directory is certain.
    let resolved = ran.leaks_nothing().breach().resolved.clone().unwrap_or_default();
    assert!(resolved.starts_with(&place.text("{out}")), "{ran}");
}

fn swapped_path_for_writing(place: &Place) {
    place.write("{ro}/file", format!("{}\n", place.secret()), 0o644);
    let words = ["./escape", "flip", "{work}/inside", "{ro}/file", "O_RDWR", TRIES];
    let wins = |alone: Ran| alone.survived() > Some(0);
    assert!((0..10).any(|_| wins(place.free(words))), "the control never wins");
    let ran = place.jail("--quiet --on-jailbreak deny --read {ro}", words);
    assert_eq!(ran.survived(), Some(0), "it won: {}", ran.text());
    assert!(!ran.leaks());
}

/// Another process swaps what a link says.
fn swapped_link(place: &Place) {
    let script = "(while :; do ln -sfn $PLACE/work/inside l; ln -sfn $PLACE/outside/file l; done) &
        n=0; while [ $n -lt 5000 ]; do n=$((n + 1)); read -r line <l && echo \"$line\"; done; kill $!";
    let alone = place.script(script);
    assert!(alone.leaks(), "the control never wins");
    let script = place.text(&script.replace("$PLACE", "{root}"));
    let ran = place.jail("--quiet --on-jailbreak deny", ["sh", "-c", &script]);
    assert!(!ran.leaks(), "it won");
}

/// Whether a program goes on after its attempt is a race of its death with an answer: many times.
fn nothing_runs_after_the_attempt(place: &Place) {
    let runs = runs();
    let script = "n=0; while [ $n -lt RUNS ]; do n=$((n + 1)); \
                  $JAILKEEPER run --quiet -- ./escape open ../x O_RDONLY; echo $?; done";
    let ran = place.script(&script.replace("RUNS", &runs.to_string()));
    let expected = "120\n".repeat(usize::try_from(runs).unwrap());
    assert_eq!(ran.ends_with(0).leaks_nothing().text(), expected);
}

/// Counts what could pile up.
const COUNT: &str = r#"
    count() {
        for folder in /tmp /var/tmp /dev/shm /run; do
            for file in $folder/*jail* $folder/.jail*; do
                # Private directories of other tests come and go.
                case $file in */jailkeeper-test-*|*'*'*|/tmp/jailkeeper-[0-9a-f]*) ;; *) echo "file $file";; esac
            done
        done
        echo "mounts $(wc -l </proc/self/mountinfo)"
        echo "groups $(find "$own" -mindepth 1 -type d 2>/dev/null | wc -l)"
        for process in /proc/[0-9]*; do
            read -r name <$process/comm && case $name in
                sh|setpriv) ;;
                *) echo "process $name";;
            esac
        done 2>/dev/null
    }
    # Jails make their control groups below this one, where no other test has any.
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified; do
        [ -e $hierarchy/cgroup.controllers ] && above=$hierarchy$(sed -n s/^0:://p /proc/self/cgroup)
    done
    own=$above/races-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
    mkdir "$own" 2>/dev/null && echo $$ >"$own/cgroup.procs"
    count >$PLACE/state/before
    n=0
    while [ $n -lt $RUNS ]; do
        n=$((n + 1))
        $JAILKEEPER run -- true || echo "status $?"
        if [ $((n % 10)) = 0 ]; then
            $JAILKEEPER run --quiet -- cat ../x && echo "no jailbreak"
        fi
    done
    count >$PLACE/state/after
    if [ -d "$own" ]; then
        echo $$ >"$above/cgroup.procs"
        rmdir "$own" || echo "a group is left"
    fi
    diff $PLACE/state/before $PLACE/state/after
"#;

fn many_runs(place: &Place) {
    let runs = runs();
    let place = Place::new(place.user()).for_at_most(Duration::from_secs(120));
    let ran = place.script(&format!("RUNS={runs}\n{COUNT}"));
    assert_eq!(ran.ends_with(0).text(), "", "{ran}");
}

fn many_runs_in_one_process(place: &Place) {
    let ran = place.free([host_binary().to_str().unwrap(), &runs().to_string()]);
    assert_eq!(ran.ends_with(0).text(), "nothing is left\n", "{ran}");
}

/// Attempts and ordinary commands through prepared commands, raised and spare; the control is that
/// nothing holds them outside a jail.
fn prepared_jails(place: &Place) {
    let control = place.free(["sh", "-c", "cd {work}; cat ../x; echo changed >../y && rm ../y"]);
    assert!(control.leaks() && control.status == 0, "{control}");
    let ran = place.free([warm_binary().to_str().unwrap(), "check"]);
    assert_eq!(ran.ends_with(0).text(), "all is well\n", "{ran}");
}

/// The library's jails are nobody's business in the program that it is part of. Its own child and
/// that one's signal are the control: both are noticed.
fn host_program_is_undisturbed(place: &Place) {
    let host = host_binary();
    let words = ["env", "--block-signal=CHLD", host.to_str().unwrap(), "undisturbed"];
    let ran = place.free(words);
    assert_eq!(ran.ends_with(0).text(), "own child found\nown signal came\n", "{ran}");
}

/// How often to run: as the issue asks where everything is required, else so that it is quick.
fn runs() -> u32 {
    if std::env::var("JAILKEEPER_REQUIRE").is_ok_and(|value| value == "all") { 300 } else { 60 }
}
