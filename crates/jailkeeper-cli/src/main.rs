//! The `jailkeeper` command. One file per subcommand; what they print goes through [`ui`].

#![forbid(unsafe_code)]

mod account;
mod arguments;
mod ask;
mod commands;
mod events;
mod propose;
mod shelf;
mod status;
mod terminal;
mod ui;

use arguments::{Arguments, Subcommand};
use clap::Parser;

fn main() {
    // Nothing of this process is for others to look at: it holds the caller's environment.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => std::process::exit(ui::usage(&error).number().into()),
    };
    let result = match arguments.subcommand {
        Subcommand::Run(run) => commands::run::run(&run),
        #[cfg(feature = "full")]
        Subcommand::Plan(plan) => commands::plan::run(&plan),
        #[cfg(feature = "full")]
        Subcommand::Check(check) => commands::check::run(&check),
        Subcommand::Profiles(profiles) => commands::profiles::run(&profiles),
        #[cfg(feature = "full")]
        Subcommand::Learn(learn) => commands::learn::run(&learn),
        Subcommand::Explain(explain) => commands::explain::run(&explain),
        Subcommand::Attach(attach) => commands::attach::run(&attach),
        Subcommand::Doctor(doctor) => commands::doctor::run(&doctor),
        Subcommand::Completions { shell } => commands::generate::completions(shell),
        Subcommand::Man => commands::generate::man(),
    };
    let status = match result {
        Ok(status) => status,
        Err(error) => ui::failure(&error),
    };
    // The kernel closes what is open faster than this process would.
    std::process::exit(status.number().into())
}
