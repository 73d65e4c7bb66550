//! `jailkeeper learn`: the smallest profile that would have been enough.

use super::run::{builder, command};
use crate::arguments::{CommandArguments, LearnArguments};
use crate::shelf::{home, shelf};
use crate::status::Status;
use crate::{account, propose, ui};
use jailkeeper::model::learn::{self, Need};
use jailkeeper::model::{ActionTaken, Event, JailPath, Mode, escape};
use jailkeeper::{Error, Finished, Jail, Probe};
use std::collections::BTreeSet;
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
    for path in kept_out {
        ui::say(&format!(
            "jailkeeper: a secret place was tried and is not proposed: `{}`\n",
            escape(path.as_bytes()).bounded(200)
        ));
    }
    let name = arguments.output.as_deref().unwrap_or(Path::new("learned.toml"));
    let text =
        propose::merge(&name.to_string_lossy(), arguments.output.as_deref(), &before, &proposals)?;
    match &arguments.output {
        Some(file) if proposals.is_empty() && file.exists() => {}
        Some(file) => std::fs::write(file, &text)
            .map_err(|error| Error::io("write the profile", error).at(file))?,
        None => ui::print(&text),
    }
    ui::say(&format!("jailkeeper: {} new entries\n", proposals.len()));
    Ok(status)
}

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
    let (collected, told) = (Arc::clone(&needs), Arc::clone(&denied));
    command.on_event(move |event| {
        let Event::Jailbreak(jailbreak) = event else { return };
        if jailbreak.action != ActionTaken::Logged {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push_str(&account::jailbreak(jailbreak));
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
