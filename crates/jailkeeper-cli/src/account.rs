//! The short account of a jailbreak on stderr: who, what, where, and the flag that would allow it.

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

/// Tells the story of a jailbreak. Everything that came from the jail is escaped and bounded.
pub(crate) fn jailbreak(event: &Jailbreak) -> String {
    let what = event.file.as_deref().or(event.address.as_deref()).unwrap_or(&event.syscall);
    let done = match event.action {
        ActionTaken::Killed => "killed",
        ActionTaken::Denied => "denied",
        ActionTaken::Logged => "let pass and logged",
        ActionTaken::Asked => "allowed by an answer",
        _ => "recorded",
    };
    let mut text = format!("jailkeeper: jailbreak: {} `{}` ({done})\n", event.mode, shown(what));
    if let Some(resolved) = &event.resolved
        && event.file.as_ref() != Some(resolved)
    {
        line(&mut text, "leads to", &format!("`{}`", shown(resolved)));
    }
    let flags =
        if event.flags.is_empty() { String::new() } else { format!(", {}", event.flags.join("|")) };
    line(&mut text, "call", &format!("{}{flags}", shown(&event.syscall)));
    line(&mut text, "program", &process(&event.program, &event.argv, event.pid));
    for ancestor in event.ancestors.iter().take(ANCESTORS_MAX) {
        line(&mut text, "started by", &process(&ancestor.program, &ancestor.argv, ancestor.pid));
    }
    line(&mut text, "because", &shown(&event.rule));
    if let Some(hint) = &event.hint {
        line(&mut text, "to allow it", &shown(hint));
    }
    text
}

/// Lists what was answered as absent, by path, with the programs that asked.
pub(crate) fn forgiven(report: &Report) -> String {
    let mut by_path: BTreeMap<&str, Vec<(&str, &str, u64)>> = BTreeMap::new();
    for entry in report.forgiven.entries() {
        let program = entry.program.as_str();
        let subject = entry.file.as_deref().or(entry.address.as_deref()).unwrap_or_default();
        by_path.entry(subject).or_default().push((program, &entry.operation, entry.count));
    }
    let mut text = format!(
        "jailkeeper: {} looks at {} names were answered as absent\n",
        report.forgiven_total,
        by_path.len()
    );
    for (path, askers) in by_path {
        text.push_str(&format!("  {}\n", shown(path)));
        for (program, operation, count) in askers {
            text.push_str(&format!("    {} {operation} {count}x\n", shown(program)));
        }
    }
    if report.forgiven_dropped > 0 {
        text.push_str(&format!("  and {} more\n", report.forgiven_dropped));
    }
    text
}

/// Lists what a process had before it was attached to, if that opens something.
pub(crate) fn outside(report: &Report) -> String {
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
        text.push_str(&format!(
            "jailkeeper: outside: {kind}{number} `{file}` of process {pid} ({state})\n"
        ));
    }
    text
}

/// Tells that a limit was exceeded.
pub(crate) fn limit(event: &Limit) -> String {
    format!(
        "jailkeeper: limit: {} of {} {} exceeded (killed)\n",
        event.kind, event.limit, event.unit
    )
}

fn line(text: &mut String, label: &str, value: &str) {
    text.push_str(&format!("  {label:<12} {value}\n"));
}

fn shown(text: &str) -> String {
    escape(text.as_bytes()).bounded(TEXT_MAX).to_string()
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
