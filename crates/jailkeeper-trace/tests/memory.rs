//! Memory does not grow with the length of a transcript.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

#[path = "../benches/rounds/mod.rs"]
mod rounds;

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Dialect, Happening, Trace};

/// How many rounds are read before memory is looked at for the first time.
const ROUNDS: u32 = 150;
/// How much it may differ afterwards, in KiB: an allocator keeps what it was given back.
const SLACK: u64 = 512;

#[test]
fn ten_times_the_lines_take_the_same_memory() {
    for dialect in Dialect::ALL {
        let mut trace = Trace::new(dialect, rounds::ROOT, JailPath::new("/home/u/work").ok());
        let (mut attempts, mut garbled, mut text) = (0, 0, Vec::new());
        let mut read = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                text.clear();
                rounds::round(dialect, number, &mut text);
                trace.feed(&text, &mut |_, happening| match happening {
                    Happening::Attempt(_) => attempts += 1,
                    Happening::Garbled { .. } => garbled += 1,
                    _ => {}
                });
            }
        };
        read(0..ROUNDS);
        let once = resident();
        read(ROUNDS..11 * ROUNDS);
        let more = resident();
        assert!(more <= once + SLACK, "{dialect}: {once} KiB, then {more} KiB");
        assert_eq!(garbled, 0, "{dialect}");
        assert!(attempts >= 6 * 11 * ROUNDS, "{dialect}: {attempts} attempts");
        // Each program has ended: the shell alone is left. dtruss tells of no end.
        let left = if dialect == Dialect::Dtruss { 101 } else { 1 };
        assert_eq!(trace.processes().count(), left, "{dialect}");
    }
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse().unwrap()
}
