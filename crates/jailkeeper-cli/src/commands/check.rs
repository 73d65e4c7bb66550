//! `jailkeeper check`: what would be decided about a file.

use super::run::jail;
use crate::account::without_signs;
use crate::arguments::{CheckArguments, Use};
use crate::page::{Colour, Page};
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
        ui::print(&words(Page::stdout(), &checked));
    }
    Ok(Status::Code(i32::from(!checked.is_allowed())))
}

/// How wide the labels are.
const LABEL: usize = 8;

fn words(page: Page, checked: &Checked) -> String {
    let shown = |text: &str| escape(text.as_bytes()).to_string();
    let colour = if checked.is_allowed() { Colour::Good } else { Colour::Bad };
    let after = format!(": {} `{}`", checked.mode, shown(&checked.file));
    let mut text = page.headline("", checked.verdict, colour, &after);
    let mut field = |label, value: &str| {
        text.push_str(&page.field(label, LABEL, Colour::Margin, value));
    };
    // The names in it are escaped already.
    field("rule", &without_signs(&checked.rule));
    if let Some(reason) = &checked.reason {
        field("reason", &shown(reason));
    }
    field("wall", checked.wall);
    text
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
