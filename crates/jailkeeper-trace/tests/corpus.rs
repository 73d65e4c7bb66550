//! Transcripts of every dialect, and what must come of them.
//!
//! `corpus/DIALECT/NAME.txt` is what a tracer wrote; the facts are from manuals, questions and bug
//! reports, with other names and paths, or from runs of `strace` for this purpose. Beside it stands
//! `NAME.expected`, one happening a line. `JAILKEEPER_BLESS=1` writes that file, to be read before
//! it is kept.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Dialect, Happening, Place, Trace};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn corpus(dialect: Dialect) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(dialect.name());
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    files
}

/// The process that a transcript begins with: the first pid, or the parent of the first child.
fn root(text: &str) -> u32 {
    let number = |line: &str| {
        let digits = line.trim_start().split(|character: char| !character.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse::<u32>().ok())
    };
    let first = text.lines().find(|line| line.contains('(') && !line.contains("SYSCALL"));
    let child = text
        .lines()
        .find_map(|line| line.split_once("Process ").and_then(|(_, line)| number(line)));
    first.and_then(number).or(child.map(|child| child - 1)).unwrap_or(1)
}

fn told(happening: &Happening) -> Option<String> {
    let mut line = String::new();
    match happening {
        Happening::Attempt(attempt) => {
            write!(line, "{} {:?}", attempt.pid, attempt.deed).unwrap();
            match &attempt.place {
                Place::Path { .. } => match attempt.file() {
                    Some(file) => write!(line, " {}", file.display()).unwrap(),
                    None => line.push_str(" ?"),
                },
                Place::Address(address) => write!(line, " {address}").unwrap(),
                _ => {}
            }
            if !attempt.is_complete() {
                line.push_str(" (nobody knows where)");
            }
            write!(line, " {:?} by {}", attempt.presence, attempt.syscall).unwrap();
            let flags = attempt.flags.names();
            if !flags.is_empty() {
                write!(line, " {}", flags.join("|")).unwrap();
            }
            if let Place::Path { follow: false, .. } = attempt.place {
                line.push_str(" nofollow");
            }
            if let Some(opened) = &attempt.opened {
                write!(line, " -> {}", opened.display()).unwrap();
            }
        }
        Happening::Born { pid, parent } => write!(line, "{pid} born of {parent:?}").unwrap(),
        Happening::Executed { pid } => write!(line, "{pid} executed").unwrap(),
        Happening::Ended { pid, end } => write!(line, "{pid} ended {end:?}").unwrap(),
        Happening::Lost => line.push_str("lost"),
        Happening::Garbled { pid, syscall } => write!(line, "{pid} garbled {syscall}").unwrap(),
        Happening::Unseen { pid, syscall } => write!(line, "{pid} unseen {syscall}").unwrap(),
        _ => return None,
    }
    Some(line)
}

fn outcome(dialect: Dialect, text: &str, piece: usize) -> String {
    let mut trace = Trace::new(dialect, root(text), JailPath::new("/home/u/work").ok());
    let mut lines = String::new();
    let mut take = |_: &_, happening: Happening| {
        if let Some(line) = told(&happening) {
            lines.push_str(&line);
            lines.push('\n');
        }
    };
    for piece in text.as_bytes().chunks(piece) {
        trace.feed(piece, &mut take);
    }
    trace.finish(&mut take);
    lines
}

#[test]
fn what_comes_of_every_transcript() {
    let bless = std::env::var_os("JAILKEEPER_BLESS").is_some_and(|value| value == "1");
    for dialect in Dialect::ALL {
        let files = corpus(dialect);
        assert!(files.len() >= 2, "{dialect} has no corpus");
        for file in files {
            let text = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
            let whole = outcome(dialect, &text, text.len());
            let name = file.display();
            for piece in [1, 7, 4096] {
                assert_eq!(outcome(dialect, &text, piece), whole, "{name} in pieces of {piece}");
            }
            let expected = file.with_extension("expected");
            if bless {
                std::fs::write(&expected, &whole).unwrap();
            }
            let expected = std::fs::read_to_string(&expected).unwrap();
            assert_eq!(whole, expected, "{name}");
        }
    }
}

/// No bytes of one dialect break the reader of another.
#[test]
fn every_transcript_is_survived_by_every_dialect() {
    for dialect in Dialect::ALL {
        for file in corpus(dialect) {
            let bytes = std::fs::read(&file).unwrap();
            for other in Dialect::ALL {
                let mut trace = Trace::new(other, 1, None);
                trace.feed(&bytes, &mut |_, _| {});
                // And cut anywhere.
                let mut cut = Trace::new(other, 1, None);
                for line in bytes.split(|byte| *byte == b'\n').take(60) {
                    for end in 0..=line.len() {
                        cut.line(line.get(..end).unwrap(), &mut |_, _| {});
                    }
                }
            }
        }
    }
}
