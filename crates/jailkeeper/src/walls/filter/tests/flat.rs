//! The filter of strength `flat`: what it hands over besides, and what it refuses.

use super::super::treatment::{Condition, Outcome, ProcessCall, Treatment};
use super::super::{Flat, flat_call, flat_program};
use super::{EPERM, X86_64, call};
use jailkeeper_model::Class;
use jailkeeper_sys::bpf::Program;
use jailkeeper_sys::seccomp::{ALLOW, NOTIFY, errno};
use syscalls::x86_64::Sysno;

const LEAST: Flat = Flat { looks: false, forks: false, signals: false, exits: false };
const ALL: Flat = Flat { looks: true, forks: true, signals: true, exits: true };

fn ask(program: &Program, number: Sysno, arguments: [u64; 6]) -> u32 {
    program.evaluate(number.id().unsigned_abs(), X86_64, arguments).unwrap()
}

/// Every call that names a file and uses it is heard: no name is judged by the kernel alone.
#[test]
fn every_call_that_names_a_file_is_heard() {
    let (least, all) = (flat_program(LEAST), flat_program(ALL));
    for number in (0..512).filter_map(Sysno::new) {
        let Some(Treatment::Path(path)) = flat_call(number.id()).map(|call| call.treatment) else {
            continue;
        };
        let expected = if path.class == Class::Content { NOTIFY } else { ALLOW };
        assert_eq!(ask(&least, number, [0; 6]), expected, "{}", number.name());
        assert_eq!(ask(&all, number, [0; 6]), NOTIFY, "{}", number.name());
    }
}

/// What is refused at strength `full` is not let go here.
#[test]
fn nothing_is_allowed_that_full_refuses() {
    let flat = flat_program(LEAST);
    for number in (0..512).filter_map(Sysno::new) {
        let refused = match call(number.id()).map(|call| call.treatment) {
            Some(Treatment::Refuse { .. } | Treatment::Breach) => true,
            Some(Treatment::Arguments(rule)) => {
                for case in rule.cases.iter().filter(|case| case.outcome != Outcome::Allow) {
                    let (Condition::Equals(value) | Condition::AnyBit(value)) = case.when else {
                        continue;
                    };
                    let mut arguments = [0; 6];
                    arguments[usize::from(rule.argument)] = value.into();
                    let answer = ask(&flat, number, arguments);
                    assert_ne!(answer, ALLOW, "{} {value:#x}", number.name());
                }
                false
            }
            _ => false,
        };
        assert!(!refused || ask(&flat, number, [0; 6]) != ALLOW, "{}", number.name());
    }
}

#[test]
fn forks_and_signals_are_heard_where_nothing_else_holds_them() {
    let (least, all) = (flat_program(LEAST), flat_program(ALL));
    const THREAD: u64 = 0x1_0000;
    const NEW_USER: u64 = 0x1000_0000;
    for number in [Sysno::fork, Sysno::vfork, Sysno::clone, Sysno::kill, Sysno::tgkill] {
        assert_eq!(ask(&least, number, [17; 6]), ALLOW, "{}", number.name());
        assert_eq!(ask(&all, number, [17; 6]), NOTIFY, "{}", number.name());
    }
    for program in [&least, &all] {
        assert_eq!(ask(program, Sysno::clone, [THREAD; 6]), ALLOW);
        assert_eq!(ask(program, Sysno::clone, [NEW_USER | THREAD; 6]), EPERM);
    }
}

/// Who shares memory without being a thread, or without its maker's waiting, is heard of.
#[test]
fn sharing_of_memory_is_heard() {
    const SHARED: u64 = 0x100;
    const WAITS: u64 = 0x4000;
    const PARENT: u64 = 0x8000;
    const THREAD: u64 = 0x1_0000;
    let least = flat_program(LEAST);
    let cases = [
        (0, false),
        (SHARED, true),
        (SHARED | WAITS, false),
        (SHARED | WAITS | PARENT, true),
        (SHARED | PARENT, true),
        (SHARED | THREAD, false),
        (PARENT, false),
        (WAITS, false),
    ];
    for (flags, heard) in cases {
        let flags = flags | 17;
        let answer = ask(&least, Sysno::clone, [flags, 0, 0, 0, 0, 0]);
        assert_eq!(answer == NOTIFY, heard, "{flags:#x}");
        assert!(heard || answer == ALLOW, "{flags:#x}");
        let low = u32::try_from(flags).unwrap();
        assert_eq!(crate::walls::filter::shares_memory(low), heard, "{flags:#x}");
    }
}

/// Numbers of processes are the host's, and zero is the caller.
#[test]
fn settings_of_others_are_heard() {
    let flat = flat_program(LEAST);
    for number in (0..512).filter_map(Sysno::new) {
        let settings = flat_call(number.id()).is_some_and(|call| {
            matches!(call.treatment, Treatment::Process(ProcessCall::Settings(_)))
        });
        if settings {
            assert_eq!(ask(&flat, number, [0; 6]), ALLOW, "{}", number.name());
            assert_eq!(ask(&flat, number, [1; 6]), NOTIFY, "{}", number.name());
        }
    }
}

/// Requests that change files through descriptors that are open for reading alone.
#[test]
fn requests_of_file_systems_are_refused_unless_they_ask() {
    const ENOTTY: u32 = errno(25);
    let flat = flat_program(LEAST);
    let request = |number: u64| ask(&flat, Sysno::ioctl, [0, number, 0, 0, 0, 0]);
    // BTRFS_IOC_SUBVOL_CREATE, FS_IOC_ENABLE_VERITY, FS_IOC_SET_ENCRYPTION_POLICY, FIFREEZE,
    // FAT_IOCTL_SET_ATTRIBUTES, FS_IOC_SETVERSION, with garbage in the half that is not read.
    for number in [0x5000_940E, 0x4080_6685, 0x800C_6613, 0xC004_5877, 0x4004_7211, 0x4008_7602] {
        assert_eq!(request(number), ENOTTY, "{number:#x}");
        assert_eq!(request(number | 0xABCD << 32), ENOTTY, "{number:#x}");
    }
    // TCGETS, FIONREAD, FICLONE, FS_IOC_GETFLAGS.
    for number in [0x5401, 0x541B, 0x4004_9409, 0x8008_6601] {
        assert_eq!(request(number), ALLOW, "{number:#x}");
    }
    assert_eq!(request(0x5412), NOTIFY);
}
