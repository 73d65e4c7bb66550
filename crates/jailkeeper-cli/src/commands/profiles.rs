//! `jailkeeper profiles`: what can be had by name.

use crate::arguments::ProfilesCommand;
use crate::shelf::shelf;
use crate::status::Status;
use crate::ui;
use jailkeeper::model::escape;
use jailkeeper::{Error, Listed};
use std::os::unix::ffi::OsStrExt;

/// Lists profiles, or prints one.
pub(crate) fn run(command: &ProfilesCommand) -> Result<Status, Error> {
    match command {
        ProfilesCommand::List { json } => {
            let list = shelf().list();
            ui::print(&if *json { as_json(&list) } else { table(&list) });
        }
        ProfilesCommand::Show { name } => ui::print(&shelf().text(name)?),
    }
    Ok(Status::Code(0))
}

fn table(list: &[Listed]) -> String {
    let mut text = String::new();
    for profile in list {
        let name = escape(profile.name.as_bytes()).bounded(40).to_string();
        let what = match &profile.description {
            Ok(description) => escape(description.as_bytes()).to_string(),
            Err(error) => format!("cannot be used: {}", escape(error.as_bytes())),
        };
        text.push_str(&format!("{name:<12} {what}\n"));
        if let Some(file) = &profile.file {
            text.push_str(&format!("{:<12} {}\n", "", escape(file.as_os_str().as_bytes())));
        }
    }
    text
}

fn as_json(list: &[Listed]) -> String {
    let entries: Vec<_> = list
        .iter()
        .map(|profile| {
            serde_json::json!({
                "name": profile.name,
                "file": profile.file,
                "description": profile.description.as_ref().ok(),
                "error": profile.description.as_ref().err(),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(entries))
}
