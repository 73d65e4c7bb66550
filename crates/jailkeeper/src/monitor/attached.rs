//! What is known of processes that ran before anybody watched.

use super::system;
use jailkeeper_trace::{Processes, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// Returns a process and everything that it has made, directly or not, parents first.
pub(super) fn family(root: u32) -> Vec<u32> {
    let parents = system::parents();
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

/// Tells the trace of processes that are there already: who made them, where they are, what they
/// have open.
pub(super) fn introduce(trace: &mut Trace, family: &[u32], parents_known: bool) {
    let parents = if parents_known { system::parents() } else { BTreeMap::new() };
    for pid in family {
        let directory = system::working_directory(*pid);
        let processes = trace.processes_mut();
        if processes.holds(*pid) {
            processes.change_directory(*pid, directory);
        } else {
            processes.add(*pid, directory);
        }
        descriptors(processes, *pid);
        let argv = system::command_line(*pid);
        if let Some(process) = processes.get_mut(*pid) {
            process.parent = parents.get(pid).copied().filter(|above| family.contains(above));
            process.program = argv.first().cloned();
            process.argv = argv;
        }
    }
}

/// The open descriptors of a process, where the system tells them.
pub(super) fn descriptors(processes: &mut Processes, pid: u32) {
    for (number, path) in system::descriptors(pid) {
        processes.open(pid, number, path, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jailkeeper_model::JailPath;
    use std::process::Command;

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
        assert_eq!(system::working_directory(child.id()), JailPath::new(here).ok());
        for pid in found {
            let _ = rustix::process::kill_process(
                super::super::kernel_pid(pid).unwrap(),
                rustix::process::Signal::KILL,
            );
        }
        child.wait().unwrap();
    }
}
