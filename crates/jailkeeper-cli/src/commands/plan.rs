//! `jailkeeper plan`: a dry run.

use super::run::{command, jail};
use crate::arguments::PlanArguments;
use crate::status::Status;
use crate::ui;
use jailkeeper::model::escape;
use jailkeeper::{Error, Probe, Summary};

/// Prints what would be set up.
pub(crate) fn run(arguments: &PlanArguments) -> Result<Status, Error> {
    let jail = jail(&arguments.policy, &[], false)?;
    let command = command(&jail, &arguments.command)?;
    let summary = command.plan(&Probe::of_this_machine())?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&summary);
        let json = json.map_err(|error| Error::io("write JSON", error.into()))?;
        ui::print(&format!("{json}\n"));
    } else {
        ui::print(&table(&summary));
    }
    Ok(Status::Code(0))
}

fn table(summary: &Summary) -> String {
    let shown = |text: &str| escape(text.as_bytes()).to_string();
    let command: Vec<_> = summary.command.iter().map(|word| shown(word)).collect();
    let mut text = format!(
        "command      {}\nin           {}\nas user      {}\nstrength     {}\n\nwalls\n",
        command.join(" "),
        shown(&summary.cwd),
        summary.user,
        summary.strength
    );
    for (name, detail) in &summary.walls {
        text.push_str(&format!("  {name:<12} {detail}\n"));
    }
    text.push_str("\ntrees\n");
    for tree in &summary.trees {
        let source = if tree.source == "host" { "" } else { tree.source };
        text.push_str(&format!(
            "  {:<6} {:<32} {:<10} {}\n",
            tree.right,
            shown(&tree.path),
            source,
            tree.reason.as_deref().map_or_else(|| shown(&tree.origin), str::to_owned)
        ));
    }
    let mut list = |title: &str, entries: &[String]| {
        if !entries.is_empty() {
            text.push_str(&format!("\n{title}\n"));
            for entry in entries {
                text.push_str(&format!("  {}\n", shown(entry)));
            }
        }
    };
    list("denied", &summary.denied);
    list("answered as absent", &summary.quiet);
    list("warnings", &summary.warnings);
    text.push_str("\nenvironment\n");
    for (name, value) in &summary.environment {
        text.push_str(&format!("  {}={}\n", shown(name), shown(value)));
    }
    text
}
