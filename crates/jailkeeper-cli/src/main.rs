//! The `jailkeeper` command. One file per subcommand; what they print goes through [`ui`].

#![forbid(unsafe_code)]

mod account;
mod arguments;
mod ask;
mod commands;
mod events;
mod itself;
#[cfg(feature = "full")]
mod limit;
mod page;
mod propose;
mod shelf;
mod status;
mod terminal;
mod ui;

use arguments::{Arguments, RunArguments, Subcommand};
use clap::{Args as _, FromArgMatches as _, Parser};
use std::ffi::OsString;

fn main() {
    itself::hide();
    let subcommand = match run_alone(std::env::args_os()) {
        Some(run) => Subcommand::Run(run),
        None => match Arguments::try_parse() {
            Ok(arguments) => arguments.subcommand,
            Err(error) => std::process::exit(ui::usage(&error).number().into()),
        },
    };
    let result = match subcommand {
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

/// Reads the arguments of `jailkeeper run` without describing all other subcommands first, of which
/// five have the many flags of a policy.
///
/// None for everything else, for help and for every mistake: the whole description has the words
/// for these.
fn run_alone(arguments: impl IntoIterator<Item = OsString>) -> Option<RunArguments> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != "run" {
        return None;
    }
    let command = clap::Command::new("run").no_binary_name(true);
    let mut matches = RunArguments::augment_args(command).try_get_matches_from(arguments).ok()?;
    RunArguments::from_arg_matches_mut(&mut matches).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(words: &[&str]) -> Option<RunArguments> {
        run_alone(words.iter().map(OsString::from))
    }

    #[test]
    fn what_is_read_alone_is_what_is_read_by_the_whole() {
        let words = [
            "jailkeeper",
            "run",
            "-r",
            "/srv/a",
            "--write=/srv/b",
            "-d",
            "/srv/c",
            "--strict",
            "--on-jailbreak",
            "deny",
            "--env",
            "A=b",
            "-C",
            "/srv",
            "--quiet",
            "--",
            "sh",
            "-c",
            "run",
            "--help",
        ];
        let whole = Arguments::try_parse_from(words).unwrap();
        let Subcommand::Run(whole) = whole.subcommand else { panic!("another subcommand") };
        assert_eq!(format!("{:?}", alone(&words).unwrap()), format!("{whole:?}"));
    }

    #[test]
    fn help_mistakes_and_other_subcommands_are_left_to_the_whole() {
        for words in [
            &["jailkeeper"][..],
            &["jailkeeper", "run"],
            &["jailkeeper", "run", "--help"],
            &["jailkeeper", "run", "--version"],
            &["jailkeeper", "run", "--no-such-flag", "--", "true"],
            &["jailkeeper", "plan", "--", "true"],
            &["jailkeeper", "--help"],
        ] {
            assert!(alone(words).is_none(), "{words:?}");
        }
    }
}
