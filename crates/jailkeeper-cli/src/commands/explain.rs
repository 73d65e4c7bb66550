//! `jailkeeper explain`: the story of a report, and which change would have allowed it.

use crate::arguments::ExplainArguments;
use crate::page::{Colour, Page};
use crate::shelf::{home, shelf};
use crate::status::Status;
use crate::{account, propose, ui};
use jailkeeper::Error;
use jailkeeper::model::{JailPath, Jailbreak, learn};

/// Tells the story and proposes a change.
pub(crate) fn run(arguments: &ExplainArguments) -> Result<Status, Error> {
    let (jailbreaks, _) = propose::read(&arguments.report)?;
    let home = home();
    let secret = shelf().secrets(home.as_deref())?;
    let home = home.and_then(|home| JailPath::new(home).ok());
    let needs: Vec<_> = jailbreaks.iter().filter_map(propose::need).collect();
    let proposals = learn::propose(&needs, home.as_ref(), |path| secret.holds(path));
    if proposals.is_empty() {
        ui::print(&story(Page::stdout(), &jailbreaks, None));
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
    let diff = propose::diff(&name, &before, &after);
    ui::print(&story(Page::stdout(), &jailbreaks, Some(&diff)));
    Ok(Status::Code(0))
}

/// What happened, and the change that would have allowed it, if there is one.
fn story(page: Page, jailbreaks: &[Jailbreak], diff: Option<&String>) -> String {
    if jailbreaks.is_empty() {
        return page.line(0, "no jailbreak");
    }
    let mut text: String =
        jailbreaks.iter().map(|jailbreak| account::jailbreak(page, jailbreak)).collect();
    text.push('\n');
    match diff {
        Some(diff) => {
            text.push_str(&page.headline("", "this would have allowed it", Colour::Hint, ":"));
            text.push('\n');
            text.push_str(&page.diff(diff));
        }
        None => text.push_str(&page.line(0, "no entry of a profile would allow this")),
    }
    text
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
