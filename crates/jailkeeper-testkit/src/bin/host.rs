//! A program with several threads that runs many jails through the library.
//!
//! `host RUNS` starts that many jails from four threads, every fifth of which breaks out, and
//! prints what is left of them: descriptors, threads, children, mounts. `host undisturbed` runs a
//! few beside a child of its own, and prints what it noticed of them. It must run contained, in a
//! directory with a file `../x`; the latter with SIGCHLD blocked, so that one stays to be seen.

#![expect(clippy::print_stdout, reason = "what is left is this program's output")]
#![forbid(unsafe_code)]

use jailkeeper::{Error, Jail, Stdio};
use rustix::process::{WaitOptions, wait};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};

/// How many threads start jails.
const THREADS: usize = 4;
/// Every how many runs there is a jailbreak.
const BREACH_EVERY: usize = 5;

fn main() -> Result<(), Error> {
    if std::env::args().nth(1).as_deref() == Some("undisturbed") {
        return undisturbed();
    }
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

/// Runs jails beside a child of this program's own, and tells what was noticed of them: children
/// that `wait` finds, signals that came, and what became of the standard streams.
#[expect(clippy::zombie_processes, reason = "it is reaped by waiting for any child")]
fn undisturbed() -> Result<(), Error> {
    let mut own = std::process::Command::new("cat");
    let own = own.stdin(std::process::Stdio::piped()).spawn().expect("a child can be made");
    // With its first thread the C library takes a signal for itself.
    let _ = std::thread::spawn(|| ()).join();
    let before = (signals(), streams());
    let jail = Jail::builder().build()?;
    for number in 0..2 * BREACH_EVERY {
        run(&jail, number)?;
        // Whatever belongs to somebody who waits for any child.
        if let Some((pid, _)) = wait(WaitOptions::NOHANG).expect("there is a child") {
            println!("a child {pid} that nobody here made");
        }
    }
    let after = (signals(), streams());
    if before != after {
        println!("{before:?} became {after:?}");
    }
    let pid = own.id();
    drop(own.stdin);
    let found = wait(WaitOptions::empty()).expect("there is a child").map(|(pid, _)| pid);
    let found = found.map(|pid| pid.as_raw_pid().unsigned_abs());
    println!("own child {}", if found == Some(pid) { "found" } else { "lost" });
    println!("own signal {}", if signals() == after.0 { "lost" } else { "came" });
    Ok(())
}

/// What the kernel says of this process's signals: pending, blocked, ignored, caught.
fn signals() -> Vec<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let names = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"];
    let lines = status.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    lines.map(str::to_owned).collect()
}

/// What the standard streams are, and how they are set.
fn streams() -> [(u64, u32, u32); 3] {
    let of = |stream: BorrowedFd<'_>| {
        let file = rustix::fs::fstat(stream).map_or(0, |stat| stat.st_ino);
        let descriptor = rustix::io::fcntl_getfd(stream).map_or(0, |flags| flags.bits());
        let status = rustix::fs::fcntl_getfl(stream).map_or(0, |flags| flags.bits());
        (file, descriptor, status)
    };
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    [of(input.as_fd()), of(output.as_fd()), of(errors.as_fd())]
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
