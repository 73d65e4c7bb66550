//! Starts that lack a wall: the canary must stop each of them.
//!
//! Such a jail is made by a test that runs this test program again, contained.

use super::Prepared;
use crate::{ErrorKind, Jail, Stdio};
use jailkeeper_model::Strength;
use jailkeeper_sys::bpf::{self, Item};
use jailkeeper_sys::child::{Program, Step};
use jailkeeper_testkit::needs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Output;

/// What is taken away from the jails of the contained program.
const WANTED: &str = "JAILKEEPER_TEST_SABOTAGE";
/// The mount namespace of the test that contains them.
const OUTER: &str = "JAILKEEPER_TEST_OUTER";
/// The strength of the jails.
const STRENGTH: &str = "JAILKEEPER_TEST_STRENGTH";

/// Takes away from a jail's steps what the environment says.
pub(crate) fn sabotage(mut prepared: Prepared) -> Prepared {
    let wanted = std::env::var(WANTED).unwrap_or_default();
    let mut found = 0;
    spoil(&mut prepared.launch.program, &wanted, &mut found);
    assert!(wanted.is_empty() || wanted == "nothing" || found > 0, "there is no {wanted} to spoil");
    prepared
}

fn spoil(program: &mut Program, wanted: &str, found: &mut usize) {
    let blind = || {
        const ALLOW: u32 = 0x7fff_0000;
        bpf::Program::assemble(&[Item::Return(ALLOW)]).expect("one instruction is a program")
    };
    let command = program.name == "command";
    if command && wanted == "landlock" {
        let steps = program.steps.len();
        program.steps.retain(|step| !matches!(step, Step::Restrict(_)));
        *found += steps - program.steps.len();
    }
    for step in &mut program.steps {
        match step {
            Step::Spawn { program, .. } | Step::SpawnSharing { program, .. } => {
                spoil(program, wanted, found);
            }
            Step::Filter(filter) | Step::FilterByPipe { filter, .. } if wanted == "filter" => {
                *filter = blind();
                *found += 1;
            }
            Step::Canary(path) if wanted == "tripwire" => {
                // A file that is mounted: the view is not asked.
                *path = c"/usr/bin/true".into();
                *found += 1;
            }
            _ => {}
        }
    }
}

/// Makes jails that lack something, in namespaces and with a time limit of their own.
fn contained(wanted: &str, strength: &str, directory: &Path) -> Output {
    let outer = std::fs::read_link("/proc/self/ns/mnt").expect("this process has namespaces");
    let mut command = std::process::Command::new("timeout");
    command.args(["-k", "2", "60", "unshare", "--mount", "--pid", "--ipc", "--net", "--fork"]);
    command.args(["--kill-child", "--propagation", "private", "--mount-proc"]);
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-current-user"]);
    }
    command.arg(std::env::current_exe().expect("a program has a path"));
    command.args(["--exact", "launch::sabotage::inside", "--ignored", "--nocapture"]);
    command.env(WANTED, wanted).env(OUTER, outer).env(STRENGTH, strength).current_dir(directory);
    command.output().expect("`unshare` can be run")
}

#[test]
#[ignore = "it makes jails: the other tests run it contained"]
fn inside() {
    let outer = std::env::var(OUTER).expect("the other tests set it");
    let own = std::fs::read_link("/proc/self/ns/mnt").expect("this process has namespaces");
    assert_ne!(own, Path::new(&outer), "not contained");
    let strength = match std::env::var(STRENGTH).as_deref() {
        Ok("flat") => Strength::Flat,
        _ => Strength::Full,
    };
    let jail =
        Jail::builder().strength(strength).strength_at_most(strength).build().expect("a jail");
    let mut command = jail.command("/bin/sh");
    command.args(["-c", "echo ran >proof"]).stdin(Stdio::Null).env("PATH", "/usr/bin:/bin");
    match command.spawn() {
        Ok(mut child) => {
            let finished = child.wait().expect("it ends");
            println!("ended with {:?}", finished.code);
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Setup, "{error:?}");
            println!("refused: {}", error.sentence());
        }
    }
}

/// A start that lacks a wall fails at the canary, and nothing of the program runs; the same start
/// with all walls is the control.
fn is_stopped(strength: &str, walls: &[&str]) {
    for wanted in ["nothing"].iter().chain(walls) {
        let directory = tempfile::tempdir_in("/var/tmp").expect("a test's own directory");
        if rustix::process::getuid().is_root() {
            // At strength `flat` root's jail is the owner of what it may write.
            chown(directory.path(), Some(40_001), Some(40_001)).expect("root gives it away");
        }
        let output = contained(wanted, strength, directory.path());
        let text = String::from_utf8_lossy(&output.stdout);
        let ran = directory.path().join("proof").exists();
        let told = if *wanted == "nothing" { "ended with Some(0)" } else { "refused: " };
        assert!(text.contains(told), "{strength} without {wanted}: {output:?}");
        assert_eq!(ran, *wanted == "nothing", "{strength} without {wanted}: {output:?}");
    }
}

#[test]
fn a_wall_that_does_not_hold_stops_the_start() {
    needs![fuse, unshare];
    is_stopped("full", &["landlock", "filter", "tripwire"]);
}

#[test]
fn a_wall_that_does_not_hold_stops_the_start_of_a_flat_jail() {
    needs![unshare];
    is_stopped("flat", &["landlock", "filter"]);
}
