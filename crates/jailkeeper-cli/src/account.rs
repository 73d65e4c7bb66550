//! The short account of a jailbreak on stderr: who, what, where, and the flag that would allow it.

use crate::page::{Colour, Page};
use jailkeeper::Report;
use jailkeeper::model::{ActionTaken, Jailbreak, Limit, escape};
use std::collections::BTreeMap;

/// Longest text from the jail in one line of the account.
const TEXT_MAX: usize = 200;
/// How many arguments of a program are shown.
const ARGUMENTS_MAX: usize = 6;
/// How much is listed of what a process had before.
const OUTSIDE_MAX: usize = 20;
/// How many ancestors are shown.
const ANCESTORS_MAX: usize = 4;
/// What is told when events could not be written.
pub(crate) const EVENTS_LOST: &str = "events are lost: they could not be written";
/// How wide the labels are.
const LABEL: usize = 12;

/// Tells the story of a jailbreak. Everything that came from the jail is escaped and bounded.
pub(crate) fn jailbreak(page: Page, event: &Jailbreak) -> String {
    let what = event.file.as_deref().or(event.address.as_deref()).unwrap_or(&event.syscall);
    let done = match event.action {
        ActionTaken::Killed => "killed",
        ActionTaken::Denied => "denied",
        ActionTaken::Logged => "let pass and logged",
        ActionTaken::Asked => "allowed by an answer",
        _ => "recorded",
    };
    let after = format!(": {} `{}` ({done})", event.mode, shown(what));
    let mut text = page.headline("jailkeeper: ", "jailbreak", Colour::Bad, &after);
    let mut field = |label, colour, value: &str| {
        text.push_str(&page.field(label, LABEL, colour, value));
    };
    if let Some(resolved) = &event.resolved
        && event.file.as_ref() != Some(resolved)
    {
        field("leads to", Colour::Margin, &format!("`{}`", shown(resolved)));
    }
    let mut call = shown(&event.syscall);
    if !event.flags.is_empty() {
        // Those of a report that somebody else has written can be anything.
        call.push_str(&format!(", {}", shown(&event.flags.join("|"))));
    }
    field("call", Colour::Margin, &call);
    field("program", Colour::Margin, &process(&event.program, &event.argv, event.pid));
    for ancestor in event.ancestors.iter().take(ANCESTORS_MAX) {
        let process = process(&ancestor.program, &ancestor.argv, ancestor.pid);
        field("started by", Colour::Margin, &process);
    }
    field("because", Colour::Margin, &sentence(&event.rule));
    if let Some(hint) = &event.hint {
        field("to allow it", Colour::Hint, &sentence(hint));
    }
    text
}

/// Lists what was answered as absent, by path, with the programs that asked.
pub(crate) fn forgiven(page: Page, report: &Report) -> String {
    let mut by_path: BTreeMap<&str, Vec<(&str, &str, u64)>> = BTreeMap::new();
    for entry in report.forgiven.entries() {
        let program = entry.program.as_str();
        let subject = entry.file.as_deref().or(entry.address.as_deref()).unwrap_or_default();
        by_path.entry(subject).or_default().push((program, &entry.operation, entry.count));
    }
    let (looks, names) = (report.forgiven_total, by_path.len());
    if looks == 0 {
        return page.line(0, "jailkeeper: nothing was answered as absent");
    }
    let mut text = page.line(
        0,
        &format!(
            "jailkeeper: {} at {} answered as absent",
            counted(looks, "look", "looks"),
            if names == 1 { "1 name was".to_owned() } else { format!("{names} names were") },
        ),
    );
    for (path, askers) in by_path {
        text.push_str(&page.line(2, &shown(path)));
        for (program, operation, count) in askers {
            let line = format!("{} {} {count}x", shown(program), shown(operation));
            text.push_str(&page.line(4, &line));
        }
    }
    if report.forgiven_dropped > 0 {
        text.push_str(&page.line(2, &format!("and {} more", report.forgiven_dropped)));
    }
    text
}

/// Lists what a process had before it was attached to, if that opens something.
pub(crate) fn outside(page: Page, report: &Report) -> String {
    use jailkeeper::model::{OutsideKind, OutsideState};
    let mut text = String::new();
    let opens = |kind| !matches!(kind, OutsideKind::Mapping | OutsideKind::Directory);
    for entry in report.outside.iter().filter(|entry| opens(entry.kind)).take(OUTSIDE_MAX) {
        let state = match entry.state {
            OutsideState::Closed => "closed",
            _ => "kept",
        };
        let number = entry.descriptor.map(|number| format!(" {number}")).unwrap_or_default();
        let (kind, file) = (entry.kind.as_str(), shown(&entry.file));
        let pid = entry.pid;
        let after = format!(": {kind}{number} `{file}` of process {pid} ({state})");
        text.push_str(&page.headline("jailkeeper: ", "outside", Colour::Margin, &after));
    }
    text
}

/// Tells that a limit was exceeded.
pub(crate) fn limit(page: Page, event: &Limit) -> String {
    let after = format!(": {} of {} {} exceeded (killed)", event.kind, event.limit, event.unit);
    page.headline("jailkeeper: ", "limit", Colour::Bad, &after)
}

/// Tells that something is not as it should be.
pub(crate) fn warning(page: Page, message: &str) -> String {
    page.headline("jailkeeper: ", "warning", Colour::Bad, &format!(": {}", sentence(message)))
}

/// A number of things, in words.
pub(crate) fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

fn shown(text: &str) -> String {
    escape(text.as_bytes()).bounded(TEXT_MAX).to_string()
}

/// A sentence of the engine's, in which names are escaped already: their backslashes stay single.
/// It may come from a file that somebody else has written, so all else is escaped again.
fn sentence(text: &str) -> String {
    without_signs(text).chars().take(2 * TEXT_MAX).collect()
}

/// Text with nothing in it that deceives a terminal; backslashes stay as they are.
pub(crate) fn without_signs(text: &str) -> String {
    text.split('\\').map(|part| escape(part.as_bytes()).to_string()).collect::<Vec<_>>().join("\\")
}

fn process(program: &str, argv: &[String], pid: u32) -> String {
    let mut words: Vec<String> =
        argv.iter().take(ARGUMENTS_MAX).map(|argument| shown(argument)).collect();
    if argv.len() > ARGUMENTS_MAX {
        words.push("…".to_owned());
    }
    let line: String = words.join(" ").chars().take(TEXT_MAX).collect();
    format!("{} [{pid}] ({line})", shown(program))
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
