//! What `cargo xtask instructions` counts: each function `counted_...` is one of the things that an
//! engine does again and again, on data that are the same on every machine.
//!
//! `instructions` runs all of them once, to be watched by callgrind, which counts what is done
//! inside these functions and in all that they call. Before it counts, each ran once: what is
//! made at the first use is in no count but that of the filter, which is the first use.

#![expect(clippy::print_stdout, reason = "that it did something is this program's output")]
#![forbid(unsafe_code)]

use jailkeeper_model::{
    Access, ActionTaken, Event, Header, JailId, JailPath, Jailbreak, Mode, Origin, Policy,
    Presence, Right, Rule, Verdict, decide,
};
use std::hint::black_box;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// How many rules the policy has that accesses are decided by.
const RULES: usize = 100;
/// How many accesses are decided, and how many events written.
const TIMES: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settled = counted_base()?;
    let filter = counted_filter();
    let policy = counted_policy()?;
    let accesses = accesses()?;
    let refused = counted_decide(&policy, &accesses);
    let event = event()?;
    event.to_line()?;
    let bytes = counted_event(&event)?;
    println!("{settled} rules, {filter} instructions, {refused} refused, {bytes} bytes");
    Ok(())
}

/// What is read of the base at every start, whatever this machine has of it.
#[inline(never)]
fn counted_base() -> jailkeeper::Result<usize> {
    black_box(jailkeeper::counted::base())
}

#[inline(never)]
fn counted_filter() -> usize {
    black_box(jailkeeper::counted::filter())
}

/// Rules into a checked policy.
#[inline(never)]
fn counted_policy() -> Result<Policy, Box<dyn std::error::Error>> {
    let mut policy = Policy::builder();
    for number in 0..RULES {
        let right = if number % 3 == 0 { Right::Write } else { Right::Read };
        let path = JailPath::new(format!("/srv/tree-{number}/data"))?;
        policy = policy.rule(Rule::new(path, right, Origin::Api));
    }
    Ok(black_box(policy.build()?))
}

fn accesses() -> Result<Vec<Access>, Box<dyn std::error::Error>> {
    (0..TIMES)
        .map(|number| {
            let path = JailPath::new(format!("/srv/tree-{}/data/a/b/c/d", number * 2))?;
            let make = if number % 2 == 0 { Access::read } else { Access::write };
            Ok(make(path, Presence::Exists))
        })
        .collect()
}

#[inline(never)]
fn counted_decide(policy: &Policy, accesses: &[Access]) -> usize {
    let verdicts = accesses.iter().map(|access| decide(black_box(policy), access));
    black_box(verdicts.filter(|verdict| !matches!(verdict, Verdict::Allow)).count())
}

fn event() -> Result<Event, Box<dyn std::error::Error>> {
    let header = Header::new(7, UNIX_EPOCH, JailId::new("a1"));
    let (mode, because, taken) = (Mode::Read, "no rule allows it".to_owned(), ActionTaken::Killed);
    let argv: Vec<std::ffi::OsString> = ["cat", "/etc/passwd"].map(Into::into).to_vec();
    let file = JailPath::new("/etc/passwd")?;
    let event = Jailbreak::new(header, mode, "open", "openat", because, taken)
        .with_program(41, Path::new("/usr/bin/cat"), &argv)
        .with_file(&file)
        .with_resolved(&file);
    Ok(Event::Jailbreak(event))
}

#[inline(never)]
fn counted_event(event: &Event) -> Result<usize, Box<dyn std::error::Error>> {
    let mut bytes = 0;
    for _ in 0..TIMES {
        bytes += black_box(event).to_line()?.len();
    }
    Ok(black_box(bytes))
}
