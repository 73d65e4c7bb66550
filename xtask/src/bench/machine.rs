//! What it was measured on, and with which versions.

use super::results::Machine;
use crate::workspace;
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// Looks around.
pub(super) fn describe(base: &Path) -> Result<Machine> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
    };
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let jailkeeper = base.join("bin/jailkeeper").display().to_string();
    let first = |command: &[&str]| first_line(command).unwrap_or_else(|| "none".into());
    Ok(Machine {
        date: first(&["date", "--utc", "+%Y-%m-%d %H:%M UTC"]),
        processor: field("model name"),
        processors: std::thread::available_parallelism()?.get(),
        virtual_machine: field("flags").split(' ').any(|flag| flag == "hypervisor"),
        kernel: first(&["uname", "--kernel-release"]),
        system: system.unwrap_or("unknown").trim_matches('"').to_owned(),
        load_before: load(),
        load_after: String::new(),
        versions: [
            ("jailkeeper", first(&[&jailkeeper, "--version"])),
            ("commit", first(&["git", "describe", "--always", "--dirty"])),
            ("rustc", first(&["rustc", "--version"])),
            ("gcc", first(&["gcc", "--version"])),
            ("git", first(&["git", "--version"])),
            ("node", first(&["node", "--version"])),
            ("python", first(&["/usr/bin/python3", "--version"])),
            ("pdflatex", first(&["pdflatex", "--version"])),
        ]
        .map(|(name, version)| (name.to_owned(), version))
        .to_vec(),
    })
}

/// How many processes wanted to run lately: over one, five and fifteen minutes.
pub(super) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn first_line(command: &[&str]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(workspace::root()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}
