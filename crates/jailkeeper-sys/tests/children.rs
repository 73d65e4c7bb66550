//! Children that walk steps, without any mount: what stops them, and what they report.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use jailkeeper_sys::child::{Launch, Notice, Program, Slots, Step, control_pair};
use jailkeeper_sys::process::{Ending, Namespaces, wait};
use std::ffi::CString;
use std::os::unix::fs::MetadataExt;

/// Runs a program in no namespace of its own and returns all that it said, and how it ended.
fn run(steps: Vec<Step>) -> (Vec<Notice>, Ending) {
    let launch = Launch {
        program: Program { name: "test", steps },
        slots: Slots::default(),
        namespaces: Namespaces::NONE,
    };
    let control = control_pair(3).unwrap();
    let pid = launch.start(&control).unwrap();
    control.close_child_end();
    let mut said = Vec::new();
    while let Some(message) = control.receive().unwrap() {
        assert_eq!(message.sender, Some(pid));
        said.push(message.notice);
    }
    (said, wait(pid).unwrap().0)
}

fn parents(kind: &str) -> (CString, u64) {
    let path = format!("/proc/self/ns/{kind}");
    let inode = std::fs::metadata(&path).unwrap().ino();
    (CString::new(path).unwrap(), inode)
}

#[test]
fn a_child_in_its_parents_namespaces_stops_before_the_next_step() {
    for kinds in [["mnt", "user"], ["user", "mnt"]] {
        let steps = vec![
            Step::Report(1),
            Step::ProveNamespaces(kinds.map(parents).to_vec()),
            Step::Report(2),
            Step::Exit,
        ];
        let (said, ending) = run(steps);
        assert!(
            matches!(
                said[..],
                [Notice::Reached(1), Notice::Failed { depth: 0, step: 1, errno: libc::EEXIST }]
            ),
            "{said:?}"
        );
        assert_eq!(ending, Ending::Code(125));
    }
}

#[test]
fn one_old_namespace_among_new_ones_is_enough_to_stop() {
    let other = (CString::new("/proc/self/ns/mnt").unwrap(), 1);
    let (said, _) =
        run(vec![Step::ProveNamespaces(vec![other, parents("user")]), Step::Report(2), Step::Exit]);
    assert!(matches!(said[..], [Notice::Failed { step: 0, .. }]), "{said:?}");
}

#[test]
fn a_child_whose_supervisor_is_gone_runs_nothing() {
    let launch = Launch {
        program: Program {
            name: "test",
            steps: vec![Step::CloseOthers, Step::AwaitGo, Step::Report(1), Step::Exit],
        },
        slots: Slots::default(),
        namespaces: Namespaces::NONE,
    };
    let control = control_pair(3).unwrap();
    let pid = launch.start(&control).unwrap();
    drop(control);
    assert_eq!(wait(pid).unwrap().0, Ending::Code(125));
}
