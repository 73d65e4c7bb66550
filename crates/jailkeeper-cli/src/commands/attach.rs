//! `jailkeeper attach`: walls around a process that runs already, or a tracer that watches it.

use super::run::{answerer, builder, failure, listen, status};
use crate::account;
use crate::arguments::AttachArguments;
use crate::events::{Destination, Writer, tether, write_report};
use crate::page::Page;
use crate::status::Status;
use crate::terminal::Keys;
use crate::ui;
use jailkeeper::Error;
use jailkeeper::model::Event;
use signal_hook::consts::signal as number;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The signals that end this process, and with it what it is attached to.
const ENDING: [i32; 4] = [number::SIGHUP, number::SIGINT, number::SIGQUIT, number::SIGTERM];

/// Attaches, and waits until nothing of the process is left.
pub(crate) fn run(arguments: &AttachArguments) -> Result<Status, Error> {
    let events = arguments.events.as_deref().map(Destination::parse).transpose()?;
    // A file is emptied only when the policy is found good.
    let writer = match &events {
        Some(destination @ Destination::Descriptor(_)) => Some(destination.open()?),
        _ => None,
    };
    let mut writer = writer.map(|file| Arc::new(Writer::new(file)));
    let result = attach(arguments, events.as_ref(), &mut writer);
    if let (Err(error), Some(writer)) = (&result, &writer) {
        let told = writer.has_written() || writer.write(&failure(error)).is_ok();
        if told && arguments.quiet {
            return Ok(ui::status(error));
        }
    }
    result
}

fn attach(
    arguments: &AttachArguments,
    events: Option<&Destination>,
    writer: &mut Option<Arc<Writer>>,
) -> Result<Status, Error> {
    let report = arguments.report.as_deref().map(Destination::parse).transpose()?;
    let protected: Vec<PathBuf> = [events, report.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(Destination::file)
        .map(PathBuf::from)
        .collect();
    let builder = builder(&arguments.policy, &protected, arguments.report_probes)?;
    let jail = builder.outside(arguments.outside.into()).build()?;
    let cwd = match &arguments.cwd {
        Some(cwd) => cwd.clone(),
        None => std::env::current_dir()
            .map_err(|error| Error::io("find the working directory", error))?,
    };
    if let (Some(destination), None) = (events, &writer) {
        *writer = Some(Arc::new(Writer::new(destination.open()?)));
    }
    let mut report = report.as_ref().map(Destination::open).transpose()?;
    let lost = Arc::new(AtomicBool::new(false));
    let (target, is_lost) = (writer.clone(), Arc::clone(&lost));
    let on_event = move |event: &Event| {
        // A question is written by whoever waits for its answer. A full disk is no reason to stop
        // watching.
        let asked = matches!(event, Event::Question(_));
        if !asked && target.as_ref().is_some_and(|writer| writer.write(event).is_err()) {
            is_lost.store(true, Ordering::Relaxed);
        }
    };
    // Signals are caught before anything is attached to, so that none is lost in between.
    let mut signals = signal_hook::iterator::Signals::new(ENDING)
        .map_err(|error| Error::io("catch signals", error))?;
    let answerer = answerer(&arguments.policy, writer.as_ref(), &Keys::default())?;
    let mut child = match answerer {
        Some(answerer) => jail.attach_and_ask(arguments.pid, cwd, on_event, answerer)?,
        None => jail.attach(arguments.pid, cwd, on_event)?,
    };
    let signaller = child.signaller();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            signaller.kill_all();
        }
    });
    if let Some(text) = &arguments.tether {
        let signaller = child.signaller();
        tether(text, move || signaller.kill_all())?;
    }
    let page = Page::stderr();
    let mut told = listen(page, &child);
    let finished = child.wait()?;
    if lost.load(Ordering::Relaxed) {
        told.push_str(&account::warning(page, account::EVENTS_LOST));
    }
    if !arguments.quiet {
        told.insert_str(0, &account::outside(page, &finished.report));
        ui::say(&told);
    }
    if let Some(file) = &mut report {
        write_report(file, &finished.report)
            .map_err(|error| Error::io("write the report", error))?;
    }
    Ok(status(&finished))
}
