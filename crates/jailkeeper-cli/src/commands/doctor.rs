//! `jailkeeper doctor`: what this machine has.

use crate::arguments::DoctorArguments;
use crate::status::Status;
use crate::ui;
use jailkeeper::{Error, Finding, Probe};

/// Prints the findings; fails with 125 if strength `full` cannot be had.
pub(crate) fn run(arguments: &DoctorArguments) -> Result<Status, Error> {
    let probe = Probe::of_this_machine();
    let text = if arguments.json {
        let json = serde_json::to_string_pretty(&probe);
        format!("{}\n", json.map_err(|error| Error::io("write JSON", error.into()))?)
    } else {
        table(&probe)
    };
    ui::print(&text);
    Ok(if probe.supports_full() { Status::Code(0) } else { Status::Failed })
}

fn table(probe: &Probe) -> String {
    let user = if probe.root { "root" } else { "an ordinary user" };
    let mut text = format!("Linux {}, as {user}\n\n", probe.kernel);
    let mut remedies = String::new();
    for (name, finding) in probe.findings() {
        let (mark, detail) = match finding {
            Finding::Present { detail } => ("yes", detail),
            Finding::Missing { reason, remedy } => {
                remedies.push_str(&format!("  {name}: {remedy}\n"));
                ("NO", reason)
            }
            _ => ("?", &String::new()),
        };
        text.push_str(&format!("  {name:<18} {mark:<4} {detail}\n"));
    }
    let verdict = if probe.supports_full() { "can be had" } else { "cannot be had" };
    text.push_str(&format!("\nstrength full {verdict}\n"));
    if !remedies.is_empty() {
        text.push_str(&format!("\nremedies:\n{remedies}"));
    }
    text
}
