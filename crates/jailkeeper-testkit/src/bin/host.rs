//! A program with several threads that runs many jails through the library.
//!
//! `host RUNS` starts that many jails from four threads, every fifth of which breaks out, and
//! prints what is left of them: descriptors, threads, children, mounts. It must run contained, in
//! a directory with a file `../x`.

#![expect(clippy::print_stdout, reason = "what is left is this program's output")]
#![forbid(unsafe_code)]

use jailkeeper::{Error, Jail, Stdio};
use std::fs;

/// How many threads start jails.
const THREADS: usize = 4;
/// Every how many runs there is a jailbreak.
const BREACH_EVERY: usize = 5;

fn main() -> Result<(), Error> {
    let runs: usize = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(20);
    let jail = Jail::builder().build()?;
    // What is made once and stays is none of a run's.
    run(&jail, 1)?;
    let before = left();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let jail = &jail;
            scope.spawn(move || {
                for number in (thread..runs).step_by(THREADS) {
                    if let Err(error) = run(jail, number) {
                        println!("run {number}: {error}");
                    }
                }
            });
        }
    });
    let after = left();
    println!(
        "{}",
        if before == after {
            "nothing is left".to_owned()
        } else {
            format!("{before:?} {after:?}")
        }
    );
    Ok(())
}

/// Runs one jail and tells when it did not end as it should.
fn run(jail: &Jail, number: usize) -> Result<(), Error> {
    let breaks = number.is_multiple_of(BREACH_EVERY);
    let mut command = jail.command(if breaks { "cat" } else { "echo" });
    command.arg("../x").stdin(Stdio::Null).stdout(Stdio::Piped).stderr(Stdio::Piped);
    command.inherit_environment(std::env::vars_os());
    let mut child = command.spawn()?;
    let events = child.events().count();
    let finished = child.wait()?;
    if finished.has_jailbreak() != breaks || finished.success() == breaks {
        println!("run {number} ended with {:?} {:?}", finished.code, finished.signal);
    }
    if events != if breaks { 3 } else { 2 } {
        println!("run {number} has {events} events");
    }
    Ok(())
}

/// Counts what a run could leave in this process and around it.
fn left() -> [usize; 4] {
    // A thread of a jail may end a moment after its jail.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let entries = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
    let lines = |file: &str| fs::read_to_string(file).map_or(0, |text| text.lines().count());
    let children = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = children.map(|task| {
        let file = task.path().join("children");
        fs::read_to_string(file).map_or(0, |text| text.split_ascii_whitespace().count())
    });
    let processes = children.sum();
    [entries("/proc/self/fd"), entries("/proc/self/task"), processes, lines("/proc/self/mountinfo")]
}
