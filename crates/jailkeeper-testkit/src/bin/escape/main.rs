//! Attempts to get out of a jail, one system call each.
//!
//! `escape NAME ARG... [, NAME ARG...]...` makes attempts one after the other, each by the raw
//! system call that its name says, so that no library is between the attempt and the kernel. Bytes
//! that an attempt got are printed as they are. Attempts before the last one prepare it and must
//! succeed; after the last one comes the line `SURVIVED NAME RESULT`, where the result is what the
//! kernel returned, an error as its negative number.
//!
//! Whoever sees that line knows that the program went on after its attempt.

#![expect(clippy::print_stdout, reason = "what it got and survived is this program's output")]

mod call;
mod change;
mod crowd;
mod kernel;
mod look;
mod open;
mod process;
mod race;
mod socket;

use call::Words;
use std::io::Write;
use std::process::ExitCode;

/// The status when the words on the command line are wrong or a preparation failed.
const UNPREPARED: u8 = 9;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let attempts: Vec<_> = words.split(|word| word == ",").collect();
    for (number, attempt) in attempts.iter().enumerate() {
        let Some((name, rest)) = attempt.split_first() else { return UNPREPARED.into() };
        let words = Words::new(rest);
        let Some(result) = run(name, &words) else {
            println!("UNPREPARED {name}: no such attempt");
            return UNPREPARED.into();
        };
        if number + 1 == attempts.len() {
            println!("\nSURVIVED {name} {result}");
        } else if result < 0 {
            println!("UNPREPARED {name} {result}");
            return UNPREPARED.into();
        }
        let _ = std::io::stdout().flush();
    }
    ExitCode::SUCCESS
}

fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    let groups = [open::run, look::run, change::run, process::run, socket::run];
    let more = [kernel::run, race::run, crowd::run];
    groups.iter().chain(&more).find_map(|run| run(name, words))
}
