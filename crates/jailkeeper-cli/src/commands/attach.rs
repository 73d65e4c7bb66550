//! `jailkeeper attach`: a process that runs already is watched from now on.

use super::run::{jail, listen, status};
use crate::arguments::{AttachArguments, Strength};
use crate::events::{Destination, Writer, write_report};
use crate::status::Status;
use crate::ui;
use jailkeeper::Error;
use std::path::PathBuf;

/// Watches until nothing of the process is left.
pub(crate) fn run(arguments: &AttachArguments) -> Result<Status, Error> {
    if arguments.policy.strength != Strength::Monitor {
        return Err(Error::usage("attach with walls").with_hint(
            "a process that runs already can be watched, and nothing of it is enforced: ask for \
             it with `--strength monitor`",
        ));
    }
    let events = arguments.events.as_deref().map(Destination::parse).transpose()?;
    let report = arguments.report.as_deref().map(Destination::parse).transpose()?;
    let protected: Vec<PathBuf> = [&events, &report]
        .into_iter()
        .flatten()
        .filter_map(Destination::file)
        .map(PathBuf::from)
        .collect();
    let jail = jail(&arguments.policy, &protected, false)?;
    let cwd = match &arguments.cwd {
        Some(cwd) => cwd.clone(),
        None => std::env::current_dir()
            .map_err(|error| Error::io("find the working directory", error))?,
    };
    let writer = events.as_ref().map(Destination::open).transpose()?.map(Writer::new);
    let mut report = report.as_ref().map(Destination::open).transpose()?;
    let mut child = jail.attach(arguments.pid, cwd, move |event| {
        if let Some(writer) = &writer {
            // A full disk is no reason to stop watching.
            let _ = writer.write(event);
        }
    })?;
    let told = listen(&child);
    let finished = child.wait()?;
    if !arguments.quiet {
        ui::say(&told);
    }
    if let Some(file) = &mut report {
        write_report(file, &finished.report)
            .map_err(|error| Error::io("write the report", error))?;
    }
    Ok(status(&finished))
}
