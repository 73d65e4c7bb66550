//! A supervisor that only waits gives back what its start needed, and still answers.

use crate::both::both;
use jailkeeper_testkit::Place;

both! {
    long_life_in_little_memory;
}

/// Weighs a supervisor when its jail has begun and again and again, until it is less than half.
/// Then the jail goes on.
const WEIGH: &str = r#"
    mkfifo $PLACE/state/go
    exec 3<>$PLACE/state/go
    $JAILKEEPER run --events $PLACE/state/events -- sh -c '
        echo begun >begun
        read line
        cat inside && echo new >made && mkdir d && mv made d/made && cat d/made && cat ../x
        echo after' <&3 &
    weigh() {
        while read -r name kilobytes _; do
            [ "$name" = VmRSS: ] && echo "$kilobytes"
        done </proc/$!/status
    }
    until test -e begun; do sleep 0.05; done
    before=$(weigh)
    for try in $(seq 100); do
        sleep 0.1
        [ $((2 * $(weigh))) -lt "$before" ] && echo small && break
    done
    echo go >&3
    wait $!
"#;

fn long_life_in_little_memory(place: &Place) {
    let ran = place.script(WEIGH);
    ran.ends_with(120).leaks_nothing();
    assert_eq!(ran.text(), "small\ninside\nnew\n", "{ran}");
    let events = std::fs::read_to_string(place.path("{state}/events")).unwrap();
    assert!(events.contains(r#""event":"jailbreak""#), "{events}");
    assert!(ran.stderr.contains("jailbreak"), "{ran}");
}
