//! The steps of the command: streams, the last walls, the canary, exec.

use super::{CANARY, PROVEN, Workshop, c_string};
use crate::error::Result;
use crate::plan::Plan;
use crate::walls;
use jailkeeper_sys::child::{Arguments, Program, Slot, Step};
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};

/// A descriptor that the command is to have under a number.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) fd: OwnedFd,
    pub(crate) number: RawFd,
}

/// Prepares the command's program.
pub(super) fn program(
    plan: &Plan,
    workshop: &mut Workshop,
    streams: Vec<Stream>,
) -> Result<Program> {
    let (ruleset, inner) = walls::landlock::prepare(plan)?;
    for stream in &streams {
        walls::landlock::let_reopen(&ruleset, &stream.fd)?;
    }
    let ruleset = workshop.hold(ruleset)?;
    let mut steps = vec![
        Step::Dumpable(true),
        Step::NewSession,
        Step::DefaultSignals,
        // First everything is closed on exec, then what the command is to have is opened.
        Step::CloseOnExecFrom(0),
    ];
    for stream in streams {
        let slot = workshop.hold(stream.fd)?;
        steps.push(Step::Redirect(slot, stream.number));
    }
    steps.push(Step::ChangeDirectory(c_string(plan.cwd.as_path().as_os_str())?));
    for rule in inner {
        let path = c_string(rule.path.as_os_str())?;
        steps.push(Step::Grant { ruleset, path, rights: rule.rights });
    }
    steps.extend([
        Step::Restrict(ruleset),
        Step::Filter(walls::filter::program(plan.watched(), plan.nested).clone()),
        Step::AwaitGo,
        Step::Canary(c_string(OsStr::new(&format!("/{CANARY}")))?),
        Step::Report(PROVEN),
        Step::AwaitGo,
    ]);
    steps.extend(workshop.run_everywhere());
    steps.extend(limit_files(plan));
    steps.extend([
        Step::UnblockSignals,
        Step::Execute {
            candidates: c_strings(plan.candidates.iter().map(|path| path.as_os_str()))?,
            arguments: Arguments::new(c_strings(plan.arguments.iter().map(OsString::as_os_str))?),
            environment: environment(plan)?,
        },
    ]);
    Ok(Program { name: "command", steps })
}

/// Gives the command its own limit back. Before it executes it has more descriptors than that.
pub(super) fn limit_files(plan: &Plan) -> Option<Step> {
    plan.files.map(|(soft, hard)| Step::LimitFiles { soft, hard })
}

/// Makes the jail's terminal the command's session's own, and the streams that want it.
pub(super) fn use_terminal(program: &mut Program, plan: &Plan, terminal: Slot, floor: RawFd) {
    let steps = std::mem::take(&mut program.steps);
    for step in steps {
        let (session, closed) =
            (matches!(step, Step::NewSession), matches!(step, Step::CloseOnExecFrom(_)));
        program.steps.push(step);
        if session {
            program.steps.push(Step::Lift(terminal, floor));
            program.steps.push(Step::ControllingTerminal(terminal));
        }
        if closed {
            let streams = plan.terminal.iter().map(|number| Step::Redirect(terminal, *number));
            program.steps.extend(streams);
        }
    }
}

pub(super) fn environment(plan: &Plan) -> Result<Arguments> {
    let pairs = plan.environment.iter().map(|(name, value)| {
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        pair
    });
    Ok(Arguments::new(c_strings(pairs.collect::<Vec<_>>().iter().map(OsString::as_os_str))?))
}

pub(super) fn c_strings<'a>(texts: impl Iterator<Item = &'a OsStr>) -> Result<Vec<CString>> {
    texts.map(c_string).collect()
}
