//! How many lines of each dialect are understood in a second, and how much memory that takes.
//!
//! `cargo bench -p jailkeeper-trace`. The aim is a million lines a second on one core, with memory
//! that does not grow.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "this is a tool for people")]

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Dialect, Happening, Trace};
use std::path::Path;
use std::time::Instant;

/// How many lines are read of each dialect.
const LINES: usize = 2_000_000;

fn main() {
    for dialect in Dialect::ALL {
        let text = transcripts(dialect);
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        let mut trace = Trace::new(dialect, 1, JailPath::new("/home/u/work").ok());
        let (mut read, mut attempts, mut warm) = (0, 0_u64, 0);
        let started = Instant::now();
        while read < LINES {
            for piece in text.chunks(64 * 1024) {
                trace.feed(piece, &mut |_, happening| {
                    attempts += u64::from(matches!(happening, Happening::Attempt(_)));
                });
            }
            if read < LINES / 10 {
                warm = resident();
            }
            read += lines;
        }
        let seconds = started.elapsed().as_secs_f64();
        let rate = f64::from(u32::try_from(read).unwrap()) / seconds / 1e6;
        let grown = resident().saturating_sub(warm);
        println!(
            "{dialect:<14} {rate:6.2} million lines/s  {read} lines, {attempts} attempts, memory \
             {} KiB, grown by {grown} KiB",
            resident()
        );
    }
}

/// All transcripts of a dialect.
fn transcripts(dialect: Dialect) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(dialect.name());
    let mut text = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().extension().is_some_and(|end| end == "txt") {
            text.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    text
}

/// Resident memory in KiB; 0 where the system does not tell.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
