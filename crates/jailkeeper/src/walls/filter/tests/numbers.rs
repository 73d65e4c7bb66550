//! Numbers: every one has a treatment, and the filter gives it.

use super::super::abi::NATIVE;
use super::super::build::Watched;
use super::super::build::items;
use super::super::calls::all;
use super::super::treatment::{Intent, ProcessCall, SocketCall, Treatment};
use super::super::{call, is_foreign, program};
use super::{ENOSYS, I386, X86_64, ask};
use jailkeeper_sys::bpf::Item;
use jailkeeper_sys::seccomp::{ALLOW, NOTIFY, errno};
use std::collections::{BTreeMap, HashMap};
use syscalls::x86_64::Sysno;

/// More numbers than any kernel has; all of them are asked.
const NUMBERS: u32 = 1024;

#[test]
fn every_known_call_is_classified_exactly_once() {
    let mut counts: BTreeMap<i32, usize> =
        (0..4096).filter_map(Sysno::new).map(|number| (number.id(), 0)).collect();
    assert!(counts.len() > 370, "only {} calls are known", counts.len());
    for call in all() {
        *counts.entry(call.number.id()).or_default() += 1;
    }
    let wrong: Vec<_> = counts
        .into_iter()
        .filter(|(_, count)| *count != 1)
        .map(|(number, count)| (Sysno::from(number).name(), count))
        .collect();
    assert_eq!(wrong, []);
}

#[test]
fn the_newest_calls_are_in_the_table() {
    for (number, name) in [(467, "open_tree_attr"), (468, "file_getattr"), (469, "file_setattr")] {
        assert_eq!(call(number).map(|call| call.name()), Some(name));
    }
}

#[test]
fn a_number_leads_to_its_own_entry_or_to_none() {
    for number in -2..2048 {
        let known = usize::try_from(number).ok().and_then(Sysno::new);
        assert_eq!(call(number).map(|call| call.number), known, "{number}");
    }
    assert_eq!(call(i32::MAX), None);
    assert_eq!(call(i32::MIN), None);
}

/// Calls that the headers of this machine have and the table has not are new: somebody must
/// decide about them. Where there are no headers there is nothing to compare with.
#[test]
fn the_table_has_every_call_of_the_kernel_headers() {
    let path = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let mut count = 0;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some("#define"), Some(name)) = (words.next(), words.next()) else { continue };
        let (Some(name), Some(number)) = (name.strip_prefix("__NR_"), words.next()) else {
            continue;
        };
        let number = number.parse().unwrap();
        let found = call(number).unwrap_or_else(|| panic!("{name} ({number}) is missing"));
        assert_eq!(found.name(), name);
        count += 1;
    }
    assert!(count > 300, "only {count} calls found in {path}");
}

#[test]
fn the_filter_does_what_the_table_says() {
    for number in 0..NUMBERS {
        // With these arguments no rule has a case that holds, no flag is set, no pointer given.
        let action = ask(number, [0; 6]);
        let Some(call) = call(number.cast_signed()) else {
            assert_eq!(action, ENOSYS, "unknown number {number}");
            continue;
        };
        let promised = match call.treatment {
            Treatment::Allow => ALLOW,
            Treatment::Refuse { errno: number } => errno(number),
            Treatment::Breach | Treatment::Descriptor(_) => NOTIFY,
            Treatment::Path(path) => match path.intent {
                Intent::Reads | Intent::OpenFlags { .. } => ALLOW,
                Intent::Writes | Intent::OpenHow { .. } => NOTIFY,
            },
            Treatment::Socket(SocketCall::SendTo) => ALLOW,
            Treatment::Socket(SocketCall::Create) => errno(97),
            Treatment::Socket(_) => NOTIFY,
            Treatment::Arguments(_) if call.name() == "socketpair" => errno(97),
            Treatment::Arguments(_) => ALLOW,
            Treatment::Process(ProcessCall::Priority { .. }) => NOTIFY,
            Treatment::Process(_) => panic!("of strength `flat`"),
        };
        assert_eq!(action, promised, "{}", call.name());
    }
}

#[test]
fn calls_without_a_rule_do_not_depend_on_their_arguments() {
    for call in all() {
        let fixed = match call.treatment {
            Treatment::Allow | Treatment::Refuse { .. } | Treatment::Breach => true,
            Treatment::Path(path) => !matches!(path.intent, Intent::OpenFlags { .. }),
            Treatment::Descriptor(_) => true,
            Treatment::Socket(socket) => !matches!(socket, SocketCall::Create | SocketCall::SendTo),
            Treatment::Arguments(_) | Treatment::Process(_) => false,
        };
        let number = call.number.id().unsigned_abs();
        if fixed {
            assert_eq!(ask(number, [0; 6]), ask(number, [u64::MAX; 6]), "{}", call.name());
        }
    }
}

#[test]
fn numbers_above_the_last_are_unknown() {
    for number in [470, 511, 512, 547, 4096, 0x3FFF_FFFF] {
        assert_eq!(ask(number, [0; 6]), ENOSYS, "{number}");
    }
}

#[test]
fn a_negative_number_is_no_call() {
    for number in [-1i32, -2, i32::MIN] {
        assert_eq!(ask(number.cast_unsigned(), [0; 6]), ENOSYS, "{number}");
        assert!(!is_foreign(X86_64, number));
    }
}

#[test]
fn foreign_calls_reach_the_listener() {
    for number in 0..NUMBERS {
        let x32 = number | 0x4000_0000;
        assert_eq!(ask(x32, [0; 6]), NOTIFY, "x32 {number}");
        assert!(is_foreign(X86_64, x32.cast_signed()));
        // AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, and x32 as if it had an architecture of its own.
        for architecture in [I386, 0xC000_00B7, 0x4000_003E] {
            let action = program(Watched::Writes, false).evaluate(number, architecture, [0; 6]);
            assert_eq!(action, Some(NOTIFY), "{architecture:#x} {number}");
            assert!(is_foreign(architecture, number.cast_signed()));
        }
        assert!(!is_foreign(X86_64, number.cast_signed()));
    }
}

/// Returns how many instructions the longest way through the filter runs.
fn depth(items: &[Item]) -> usize {
    let mut labels = HashMap::new();
    let mut behind = 0;
    for item in items.iter().rev() {
        behind = match item {
            Item::Here(label) => {
                labels.insert(*label, behind);
                behind
            }
            Item::Return(_) => 1,
            Item::Goto(label) => 1 + labels[label],
            // A jump that is taken runs the test and the far jump behind it.
            Item::IfEqual(_, label) | Item::IfAtLeast(_, label) | Item::IfAnyBit(_, label) => {
                (1 + behind).max(2 + labels[label])
            }
            Item::Load(_) | Item::And(_) => 1 + behind,
        };
    }
    behind
}

/// The kernel runs the filter for every number at each start of a jail: see the module.
#[test]
fn the_filter_is_small_and_flat() {
    let (length, depth) =
        (program(Watched::Writes, false).len(), depth(&items(&NATIVE, Watched::Writes)));
    println!("{length} instructions, at most {depth} of them run");
    assert!(length <= 380, "{length} instructions");
    assert!(depth <= 24, "{depth} instructions on the longest way");
}
