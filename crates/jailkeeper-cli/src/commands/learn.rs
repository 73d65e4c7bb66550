//! `jailkeeper learn`: the smallest profile that would have been enough.

use super::run::{builder, command};
use crate::arguments::{CommandArguments, LearnArguments};
use crate::page::{Colour, Page};
use crate::shelf::{home, shelf};
use crate::status::Status;
use crate::{account, propose, ui};
use jailkeeper::model::learn::{self, Need, Proposal};
use jailkeeper::model::{ActionTaken, Event, JailPath, Mode, escape};
use jailkeeper::{Error, Finished, Jail, Probe};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs a command and writes down what it needed, or reads that from events.
pub(crate) fn run(arguments: &LearnArguments) -> Result<Status, Error> {
    let before = match &arguments.output {
        Some(file) if file.exists() => std::fs::read_to_string(file)
            .map_err(|error| Error::io("read the profile", error).at(file))?,
        _ => String::new(),
    };
    let (needs, status) = match &arguments.from {
        Some(events) => {
            let (jailbreaks, listed) = propose::read(events)?;
            let needs = jailbreaks.iter().filter_map(propose::need).chain(listed).collect();
            (needs, Status::Code(0))
        }
        None => watch(arguments)?,
    };
    let home = home();
    let secret = shelf().secrets(home.as_deref())?;
    let home = home.and_then(|home| JailPath::new(home).ok());
    let proposals = learn::propose(&needs, home.as_ref(), |path| secret.holds(path));
    let kept_out: BTreeSet<_> = needs
        .iter()
        .filter(|need| secret.is_inside(&need.path))
        .map(|need| need.path.as_path().to_string_lossy().into_owned())
        .collect();
    let name = arguments.output.as_deref().unwrap_or(Path::new("learned.toml"));
    let text =
        propose::merge(&name.to_string_lossy(), arguments.output.as_deref(), &before, &proposals)?;
    match &arguments.output {
        Some(file) if proposals.is_empty() && file.exists() => {}
        Some(file) => std::fs::write(file, &text)
            .map_err(|error| Error::io("write the profile", error).at(file))?,
        None => ui::print(&text),
    }
    ui::say(&summary(Page::stderr(), &kept_out, &proposals, arguments.output.as_deref()));
    Ok(status)
}

/// How many proposals are told of; the profile has all of them.
const TOLD_AT_MOST: usize = 20;

/// What is told at the end: what is new, who needed it, and what is not proposed.
fn summary(
    page: Page,
    kept_out: &BTreeSet<String>,
    proposals: &[Proposal],
    output: Option<&Path>,
) -> String {
    let shown = |path: &[u8]| escape(path).bounded(200).to_string();
    let mut text = String::new();
    for path in kept_out {
        let after = format!(" was tried and is not proposed: `{}`", shown(path.as_bytes()));
        text.push_str(&page.headline("jailkeeper: ", "a secret place", Colour::Bad, &after));
    }
    let count = u64::try_from(proposals.len()).unwrap_or(u64::MAX);
    let count = account::counted(count, "new entry", "new entries");
    let into = output.map(|file| format!(" in `{}`", shown(file.as_os_str().as_bytes())));
    let into = into.filter(|_| !proposals.is_empty()).unwrap_or_default();
    text.push_str(&page.headline("jailkeeper: ", &count, Colour::Good, &into));
    for proposal in proposals.iter().take(TOLD_AT_MOST) {
        let value = format!("`{}`, {}", proposal.path.display(), proposal.reason());
        text.push_str(&page.field(&proposal.right.to_string(), RIGHT, Colour::Margin, &value));
    }
    if let Some(more @ 1..) = proposals.len().checked_sub(TOLD_AT_MOST) {
        text.push_str(&page.line(2, &format!("and {more} more")));
    }
    text
}

/// How wide the name of a right is.
const RIGHT: usize = 5;

/// Runs the command with walls that are wider than the policy, and collects what it needed.
fn watch(arguments: &LearnArguments) -> Result<(Vec<Need>, Status), Error> {
    let mut policy = arguments.policy.clone();
    let mut protected = Vec::new();
    if let Some(file) = &arguments.output {
        if file.exists() {
            // What is in it already need not be learned again.
            let mut name = std::ffi::OsString::from(file);
            if !name.as_encoded_bytes().contains(&b'/') {
                name = Path::new(".").join(file).into_os_string();
            }
            policy.profile.push(name);
        }
        protected.push(file.clone());
    }
    let jail = builder(&policy, &protected, false)?.learn().build()?;
    let Some(words) = &arguments.command else {
        return Err(Error::usage("learn from nothing")
            .with_hint("give a command after `--`, or events with `--from FILE`"));
    };
    let mut command = command(&jail, words)?;
    let needs = Arc::new(Mutex::new(Vec::new()));
    let denied = Arc::new(Mutex::new(String::new()));
    let page = Page::stderr();
    let (collected, told) = (Arc::clone(&needs), Arc::clone(&denied));
    command.on_event(move |event| {
        let Event::Jailbreak(jailbreak) = event else { return };
        if jailbreak.action != ActionTaken::Logged {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push_str(&account::jailbreak(page, jailbreak));
        }
        if let Some(need) = propose::need(jailbreak) {
            collected.lock().unwrap_or_else(PoisonError::into_inner).push(need);
        }
    });
    let mut child = command.spawn()?;
    let finished = child.wait()?;
    ui::say(&denied.lock().unwrap_or_else(PoisonError::into_inner));
    let mut needs = std::mem::take(&mut *needs.lock().unwrap_or_else(PoisonError::into_inner));
    needs.extend(listings(&finished, &builder(&policy, &protected, false)?.build()?, words)?);
    let status = match (finished.code, finished.signal) {
        (Some(code), _) => Status::Code(code),
        (None, Some(signal)) => Status::Signal(signal),
        (None, None) => Status::Failed,
    };
    Ok((needs, status))
}

/// Returns the directories outside that were listed: without an entry they would look empty. What
/// the policy answers as absent on purpose is not needed.
fn listings(
    finished: &Finished,
    jail: &Jail,
    words: &CommandArguments,
) -> Result<Vec<Need>, Error> {
    let entries = finished.report.forgiven.entries();
    let mut needs: Vec<Need> = entries
        .iter()
        .filter_map(|entry| {
            propose::listing(entry.file.as_deref(), &entry.operation, &entry.program)
        })
        .collect();
    let (command, probe) = (command(jail, words)?, Probe::of_this_machine());
    let mut quiet = BTreeSet::new();
    for need in &needs {
        if command.check(&probe, Mode::Read, need.path.as_path())?.verdict == "quiet" {
            quiet.insert(need.path.clone());
        }
    }
    needs.retain(|need| !quiet.contains(&need.path));
    Ok(needs)
}

#[cfg(test)]
#[path = "learn_tests.rs"]
mod tests;
