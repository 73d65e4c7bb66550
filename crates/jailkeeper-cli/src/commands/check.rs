//! `jailkeeper check`: what would be decided about a file.

use super::run::jail;
use crate::arguments::{CheckArguments, Use};
use crate::status::Status;
use crate::ui;
use jailkeeper::model::{Mode, escape};
use jailkeeper::{Checked, Error, Probe};

/// Prints the verdict; exits with 0 if it would be allowed and with 1 if not.
pub(crate) fn run(arguments: &CheckArguments) -> Result<Status, Error> {
    let jail = jail(&arguments.policy, &[], false)?;
    let mut command = jail.command("true");
    if let Some(cwd) = &arguments.cwd {
        command.current_dir(cwd);
    }
    let mode = match arguments.mode {
        Use::Read => Mode::Read,
        Use::Write => Mode::Write,
        Use::Execute => Mode::Execute,
        Use::Connect => Mode::Connect,
    };
    let checked = command.check(&Probe::of_this_machine(), mode, &arguments.path)?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&checked);
        ui::print(&format!("{}\n", json.map_err(|error| Error::io("write JSON", error.into()))?));
    } else {
        ui::print(&words(&checked));
    }
    Ok(Status::Code(i32::from(!checked.is_allowed())))
}

fn words(checked: &Checked) -> String {
    let shown = |text: &str| escape(text.as_bytes()).to_string();
    let mut text = format!("{}: {} `{}`\n", checked.verdict, checked.mode, shown(&checked.file));
    let mut line = |label: &str, value: &str| {
        text.push_str(&format!("  {label:<8} {value}\n"));
    };
    line("rule", &shown(&checked.rule));
    if let Some(reason) = &checked.reason {
        line("reason", &shown(reason));
    }
    line("wall", checked.wall);
    text
}
