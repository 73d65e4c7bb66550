//! What holds for any bytes that a tracer may write.

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Dialect, Happening, Trace};

/// How many processes a reader remembers.
const PROCESSES_AT_MOST: usize = 65_536;

/// Reads bytes as a whole and in pieces: the same must come of them, in bounded memory.
pub fn read(dialect: Dialect, bytes: &[u8]) {
    let whole = told(dialect, bytes, bytes.len().max(1));
    let lines = bytes.split(|byte| *byte == b'\n').count();
    let attempts = whole.iter().filter(|told| matches!(told, Happening::Attempt(_))).count();
    // Two for the paths of a call, and one for the address that an earlier call waited for.
    assert!(attempts <= 3 * lines, "{attempts} attempts in {lines} lines");
    for piece in [1, 13] {
        assert_eq!(told(dialect, bytes, piece), whole, "in pieces of {piece}");
    }
}

fn told(dialect: Dialect, bytes: &[u8], piece: usize) -> Vec<Happening> {
    let mut trace = Trace::new(dialect, 7, JailPath::new("/home/u").ok());
    let mut told = Vec::new();
    let mut take = |_: &_, happening: Happening| {
        if let Happening::Attempt(attempt) = &happening {
            // Whoever judges asks for these.
            let (file, _) = (attempt.file(), attempt.access());
            assert!(file.is_none_or(|file| file.as_path().is_absolute()));
            let _ = (attempt.is_complete(), attempt.flags.names());
        }
        told.push(happening);
    };
    for piece in bytes.chunks(piece) {
        trace.feed(piece, &mut take);
    }
    trace.finish(&mut take);
    assert!(trace.processes().pids().count() <= PROCESSES_AT_MOST);
    told
}
