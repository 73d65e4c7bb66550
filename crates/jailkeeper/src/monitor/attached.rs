//! What is known of processes that ran before anybody watched.

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Processes, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Returns a process and everything that it has made, directly or not, parents first.
pub(super) fn family(root: u32) -> Vec<u32> {
    let parents = parents();
    let mut found = vec![root];
    let mut known = BTreeSet::from([root]);
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        at += 1;
        let children = parents.iter().filter(|(_, above)| **above == parent);
        for (child, _) in children {
            if known.insert(*child) {
                found.push(*child);
            }
        }
    }
    found
}

/// The parent of every process, as `ps` tells on every system.
fn parents() -> BTreeMap<u32, u32> {
    let mut command = Command::new("ps");
    command.args(["-A", "-o", "pid=", "-o", "ppid="]).env_clear();
    command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let Ok(output) = command.output() else { return BTreeMap::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().map(str::parse);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    });
    numbers.collect()
}

/// Returns the working directory of a process, where the system tells it.
pub(super) fn working_directory(pid: u32) -> Option<JailPath> {
    for link in [format!("/proc/{pid}/cwd"), format!("/proc/{pid}/path/cwd")] {
        if let Ok(target) = std::fs::read_link(link) {
            return JailPath::new(target).ok();
        }
    }
    let mut command = Command::new("lsof");
    command.args(["-a", "-p", &pid.to_string(), "-d", "cwd", "-Fn"]).env_clear();
    command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/sbin");
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    JailPath::new(text.lines().find_map(|line| line.strip_prefix('n'))?).ok()
}

/// Returns the programs that a process and its arguments are, where only `ps` tells.
fn command_line(pid: u32) -> Vec<Vec<u8>> {
    let mut command = Command::new("ps");
    command.args(["-o", "args=", "-p", &pid.to_string()]).env_clear();
    command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    output.trim_ascii().split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
}

/// Tells the trace of processes that are there already: who made them, where they are, what they
/// have open.
pub(super) fn introduce(trace: &mut Trace, family: &[u32], parents_known: bool) {
    let parents = if parents_known { parents() } else { BTreeMap::new() };
    for pid in family {
        let directory = working_directory(*pid);
        let processes = trace.processes_mut();
        if processes.holds(*pid) {
            processes.change_directory(*pid, directory);
        } else {
            processes.add(*pid, directory);
        }
        descriptors(processes, *pid);
        let argv = command_line(*pid);
        if let Some(process) = processes.get_mut(*pid) {
            process.parent = parents.get(pid).copied().filter(|above| family.contains(above));
            process.program = argv.first().cloned();
            process.argv = argv;
        }
    }
}

/// The open descriptors of a process, where the system tells them.
pub(super) fn descriptors(processes: &mut Processes, pid: u32) {
    for folder in [format!("/proc/{pid}/fd"), format!("/proc/{pid}/path")] {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let target = std::fs::read_link(entry.path()).ok();
            if let (Some(number), Some(target)) = (number, target) {
                processes.open(pid, number, JailPath::new(target).ok(), false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_begins_with_its_root() {
        let mut child = Command::new("sh").args(["-c", "sleep 20 & wait"]).spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let mut found = family(child.id());
        while found.len() < 2 && std::time::Instant::now() < deadline {
            found = family(child.id());
        }
        assert_eq!((found.first(), found.len()), (Some(&child.id()), 2));
        let here = std::env::current_dir().unwrap();
        assert_eq!(working_directory(child.id()), JailPath::new(here).ok());
        for pid in found {
            let _ = rustix::process::kill_process(
                super::super::kernel_pid(pid).unwrap(),
                rustix::process::Signal::KILL,
            );
        }
        child.wait().unwrap();
    }
}
