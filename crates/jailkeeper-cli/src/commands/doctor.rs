//! `jailkeeper doctor`: what this machine has.

use crate::arguments::DoctorArguments;
use crate::status::Status;
use crate::ui;
use jailkeeper::{Error, Finding, Probe};

/// Prints the findings; fails with 125 if no strength can be had that enforces.
pub(crate) fn run(arguments: &DoctorArguments) -> Result<Status, Error> {
    let probe = Probe::of_this_machine();
    let text = if arguments.json {
        let json = serde_json::to_string_pretty(&probe);
        format!("{}\n", json.map_err(|error| Error::io("write JSON", error.into()))?)
    } else {
        table(&probe)
    };
    ui::print(&text);
    Ok(if probe.supports_full() || probe.supports_flat() {
        Status::Code(0)
    } else {
        Status::Failed
    })
}

/// What somebody should know whose machine has `flat` at best.
const FLAT: &str = "
at strength flat
  metadata of what is outside can be seen, unless --hide or --strict is given
  a path that a racing thread exchanges is refused, but may be refused unnamed
  /tmp is outside: programs get a private directory in TMPDIR
  root's jails run as the owner of what they may write, or as user 65533
";

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
    let verdict = |yes: bool| if yes { "can be had" } else { "cannot be had" };
    text.push_str(&format!("\nstrength full {}\n", verdict(probe.supports_full())));
    text.push_str(&format!("strength flat {}\n", verdict(probe.supports_flat())));
    if !probe.supports_full() && probe.supports_flat() {
        text.push_str(FLAT);
    }
    if !remedies.is_empty() {
        text.push_str(&format!("\nremedies:\n{remedies}"));
    }
    text
}
