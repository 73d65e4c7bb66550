//! `jailkeeper explain`: the story of a report, and which change would have allowed it.

use crate::arguments::ExplainArguments;
use crate::shelf::{home, shelf};
use crate::status::Status;
use crate::{account, propose, ui};
use jailkeeper::Error;
use jailkeeper::model::JailPath;
use jailkeeper::model::learn;

/// Tells the story and proposes a change.
pub(crate) fn run(arguments: &ExplainArguments) -> Result<Status, Error> {
    let (jailbreaks, _) = propose::read(&arguments.report)?;
    if jailbreaks.is_empty() {
        ui::print("no jailbreak\n");
        return Ok(Status::Code(0));
    }
    for jailbreak in &jailbreaks {
        ui::print(&account::jailbreak(jailbreak));
    }
    let home = home();
    let secret = shelf().secrets(home.as_deref())?;
    let needs: Vec<_> = jailbreaks.iter().filter_map(propose::need).collect();
    let home = home.and_then(|home| JailPath::new(home).ok());
    let proposals = learn::propose(&needs, home.as_ref(), |path| secret.holds(path));
    if proposals.is_empty() {
        ui::print("\nno entry of a profile would allow this\n");
        return Ok(Status::Code(0));
    }
    let (name, before) = match &arguments.profile {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Error::io("read the profile", error).at(file))?;
            (file.display().to_string(), text)
        }
        None => ("profile.toml".to_owned(), String::new()),
    };
    let after = propose::merge(&name, arguments.profile.as_deref(), &before, &proposals)?;
    ui::print("\nthis would have allowed it:\n\n");
    ui::print(&propose::diff(
        &jailkeeper::model::escape(name.as_bytes()).to_string(),
        &before,
        &after,
    ));
    Ok(Status::Code(0))
}
