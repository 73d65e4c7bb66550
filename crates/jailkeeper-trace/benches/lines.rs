//! How many lines of each dialect are read in a second of processor time, and in how much memory.
//!
//! `cargo bench -p jailkeeper-trace`. The aim is a million lines a second on one core, in memory that
//! does not grow: each dialect is read twice in a process of its own, ten times as much the second
//! time. Making the lines is not measured. `-- DIALECT LINES` reads one dialect once, for a profiler.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "this is a tool for people")]

mod rounds;

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Dialect, Happening, Trace};
use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

/// How many lines are read of each dialect the first time.
const LINES: usize = 200_000;
/// How many times as many the second time.
const MORE: usize = 10;
/// How many bytes are handed over at once, as from a pipe.
const PIECE: usize = 64 * 1024;

/// What a reading took.
struct Taken {
    lines: usize,
    attempts: u64,
    processor: Duration,
    /// The most memory that the process has ever had, in KiB.
    peak: u64,
}

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [name, lines] = words.as_slice() {
        let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.name() == name).unwrap();
        let Taken { lines, attempts, processor, peak } = read(dialect, lines.parse().unwrap());
        println!("{lines} {attempts} {} {peak}", processor.as_nanos());
        return;
    }
    for dialect in Dialect::ALL {
        let (once, more) = (in_a_process(dialect, LINES), in_a_process(dialect, LINES * MORE));
        let rate =
            f64::from(u32::try_from(more.lines).unwrap()) / more.processor.as_secs_f64() / 1e6;
        println!(
            "{:<14} {rate:5.2} million lines/s; {} lines, {} attempts; peak {} KiB, of {} lines {} KiB",
            dialect.name(),
            more.lines,
            more.attempts,
            more.peak,
            once.lines,
            once.peak
        );
    }
}

/// Reads in a process of its own: nothing is left of an earlier reading.
fn in_a_process(dialect: Dialect, lines: usize) -> Taken {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([dialect.name(), &lines.to_string()]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut numbers = said.split_ascii_whitespace().map(|word| word.parse::<u64>().unwrap());
    let mut next = || numbers.next().unwrap();
    let (lines, attempts, nanoseconds, peak) = (next(), next(), next(), next());
    let processor = Duration::from_nanos(nanoseconds);
    Taken { lines: usize::try_from(lines).unwrap(), attempts, processor, peak }
}

fn read(dialect: Dialect, at_least: usize) -> Taken {
    let mut trace = Trace::new(dialect, rounds::ROOT, JailPath::new("/home/u/work").ok());
    let mut taken = Taken { lines: 0, attempts: 0, processor: Duration::ZERO, peak: 0 };
    let (mut text, mut number) = (Vec::with_capacity(2 * PIECE), 0);
    while taken.lines < at_least {
        text.clear();
        while text.len() < PIECE {
            rounds::round(dialect, number, &mut text);
            number += 1;
        }
        taken.lines += text.iter().filter(|byte| **byte == b'\n').count();
        let before = processor_time();
        trace.feed(&text, &mut |_, happening| {
            taken.attempts += u64::from(matches!(happening, Happening::Attempt(_)));
            black_box(happening);
        });
        taken.processor += processor_time().saturating_sub(before);
    }
    taken.peak = peak();
    taken
}

/// The processor time of this thread: what else the machine does is not in it.
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap()
}

/// The most memory of this process so far, in KiB; 0 where the system does not tell.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
