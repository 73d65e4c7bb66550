//! Starts a command again and again: `launch COUNT AT_ONCE MEGABYTES COMMAND [ARG]...`.
//!
//! Prints how many milliseconds each start took, from the first to the last end, divided by how
//! many there were. MEGABYTES are kept in memory meanwhile, all of them written to.

#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const MEGABYTE: usize = 1 << 20;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut number = || -> Result<usize> {
        let word = arguments.next().context("a number is missing")?;
        Ok(word.to_str().context("that is no number")?.parse()?)
    };
    let (count, at_once, megabytes) = (number()?, number()?.max(1), number()?);
    let command: Vec<_> = arguments.collect();
    let (program, arguments) = command.split_first().context("there is no command")?;
    // Zeros would be pages that are not there.
    let kept = vec![7u8; megabytes * MEGABYTE];
    let start = || -> Result<Child> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().context("failed to run the command")
    };
    let begun = Instant::now();
    let mut running = std::collections::VecDeque::new();
    for _ in 0..count {
        if running.len() == at_once {
            end(running.pop_front())?;
        }
        running.push_back(start()?);
    }
    while let Some(child) = running.pop_front() {
        end(Some(child))?;
    }
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    let count = u32::try_from(count).context("too often")?;
    // Kept until now.
    std::hint::black_box(&kept);
    writeln!(std::io::stdout(), "{:.4}", took / f64::from(count))?;
    Ok(())
}

fn end(child: Option<Child>) -> Result<()> {
    let Some(mut child) = child else { return Ok(()) };
    let status = child.wait()?;
    if !status.success() {
        bail!("a start ended with {status}");
    }
    Ok(())
}
