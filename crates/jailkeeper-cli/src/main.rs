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
    #[cfg(target_os = "linux")]
    hide();
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

/// Keeps others from looking into this process: it holds the caller's environment.
#[cfg(target_os = "linux")]
fn hide() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    use rustix::thread::{SecureComputingMode, secure_computing_mode};
    // A watch around this process would take hiding for an attempt to get out. Where a filter is in
    // force, this process's own jails are kept from looking by their filter and by Landlock.
    if matches!(secure_computing_mode(), Ok(SecureComputingMode::Disabled)) {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
