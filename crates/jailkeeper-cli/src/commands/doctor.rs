//! `jailkeeper doctor`: what this machine has.

use crate::arguments::DoctorArguments;
use crate::status::Status;
use crate::ui;
use jailkeeper::{Error, TracerFinding};
#[cfg(feature = "full")]
use jailkeeper::{Finding, Probe};

/// Prints the findings of a build that has no walls; fails with 125, because `full` cannot be had.
#[cfg(not(feature = "full"))]
pub(crate) fn run(arguments: &DoctorArguments) -> Result<Status, Error> {
    let found = TracerFinding::of_this_machine();
    if arguments.json {
        let missing = found.missing.as_ref().map(|(reason, _)| reason);
        let json = serde_json::json!({ "tracer": found.name, "missing": missing });
        ui::print(&format!("{json}\n"));
    } else {
        ui::print(&format!("strength full cannot be had: it is for Linux\n{}", monitor(&found)));
    }
    Ok(Status::Failed)
}

/// Says whether there is a tracer for strength `monitor`.
fn monitor(found: &TracerFinding) -> String {
    match &found.missing {
        None => format!(
            "strength monitor, which enforces nothing, can be had by {} (--strength monitor)\n",
            found.name
        ),
        Some((reason, remedy)) => {
            format!("strength monitor cannot be had: {reason}\n  remedy: {remedy}\n")
        }
    }
}

/// Prints the findings; fails with 125 if no strength can be had that enforces.
#[cfg(feature = "full")]
pub(crate) fn run(arguments: &DoctorArguments) -> Result<Status, Error> {
    if arguments.apparmor {
        ui::print(&jailkeeper::apparmor_profile(&own_path()?));
        return Ok(Status::Code(0));
    }
    let probe = Probe::by_trial();
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

/// Where this program lies, with links followed: that is what AppArmor goes by.
#[cfg(feature = "full")]
fn own_path() -> Result<std::path::PathBuf, Error> {
    std::env::current_exe().map_err(|error| Error::io("find this program's own file", error))
}

/// What somebody should know whose machine has `flat` at best.
#[cfg(feature = "full")]
const FLAT: &str = "
at strength flat
  metadata of what is outside can be seen, unless --hide or --strict is given
  a path that is exchanged in a race is refused; under execve, named pipes and terminals unnamed
  /tmp is outside: programs get a private directory in TMPDIR
  root's jails run as the owner of what they may write, or as user 65533
";

#[cfg(feature = "full")]
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
    text.push_str(&monitor(&TracerFinding::of_this_machine()));
    if !probe.supports_full() && probe.supports_flat() {
        text.push_str(FLAT);
    }
    if !remedies.is_empty() {
        text.push_str(&format!("\nremedies:\n{remedies}"));
    }
    let asked_for = remedies.contains("doctor --apparmor");
    if let (true, Ok(path)) = (asked_for, own_path()) {
        let profile = jailkeeper::apparmor_profile(&path);
        text.push_str(&format!("\nthe AppArmor profile:\n\n{profile}"));
    }
    text
}
