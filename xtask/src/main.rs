//! The project's own commands: `cargo xtask test`, `fuzz`, `profiles`, `bench`, `instructions` and
//! `dist`.

#![forbid(unsafe_code)]

mod bench;
mod command;
mod dist;
mod elf;
mod fuzz;
mod instructions;
mod portable;
mod profiles;
mod terminal;
mod test;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  test [--fast]                 Run every check and every test; as root on Debian, install what they need.
                                --fast: formatting, clippy and the Rust tests only
  fuzz [--seconds N] [TARGET]   Feed the fuzz targets for 10 s each, or N; without a name, all of them
  portable [--fetch]            Build and test what runs on every Unix, without the engine of Linux
                                --fetch: get the source of Rust's library from Debian, to check other systems
  profiles [--out FILE] [NAME]  Take each entry of the shipped profiles away: does a real tool chain break?
  instructions                  Count the instructions of the engine's parts and compare (callgrind)
  bench [--peers] [--quick]     Measure against native, bubblewrap and, with --peers, everyone who is installed; writes
                                docs/benchmarks. --only WORKLOAD,.. --contestants NAME,.. --budget MINUTES --out DIR
                                --continue: measure what the results lack; --render: only make the documents
  dist                          Build a static binary and the npm package of this platform
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, options) = match arguments.split_first() {
        Some((command, options)) => (command.as_str(), options),
        None => ("help", Default::default()),
    };
    let done = match command {
        "test" => test::run(options),
        "fuzz" => fuzz::run(options),
        "portable" => portable::run(options),
        "profiles" => profiles::run(options),
        "bench" => bench::run(options),
        "instructions" => instructions::run(options),
        "dist" => dist::run(options),
        "help" | "--help" | "-h" => {
            terminal::say(HELP);
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(anyhow::anyhow!("unknown command `{unknown}`\n\n{HELP}")),
    };
    done.unwrap_or_else(|error| {
        terminal::say(&format!("error: {error:#}\n"));
        ExitCode::FAILURE
    })
}
