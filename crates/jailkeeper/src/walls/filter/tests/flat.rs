//! The filter of strength `flat`: what it hands over besides, and what it refuses.

use super::super::treatment::{Condition, Outcome, ProcessCall, Treatment};
use super::super::{Flat, flat_call, flat_program, unwatched_program};
use super::{EPERM, X86_64, call};
use jailkeeper_model::Class;
use jailkeeper_sys::bpf::Program;
use jailkeeper_sys::seccomp::{ALLOW, NOTIFY, errno};
use syscalls::x86_64::Sysno;

const LEAST: Flat =
    Flat { looks: false, forks: false, signals: false, exits: false, nested: false };
const ALL: Flat = Flat { looks: true, forks: true, signals: true, exits: true, nested: false };

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

/// Where nobody listens nothing is handed over, nothing that no wall governs is let go, and nothing
/// goes that goes with a listener only after a look at it.
#[test]
fn without_a_listener_what_no_wall_governs_is_refused() {
    let (heard, alone) = (flat_program(ALL), unwatched_program(false));
    let governed = [
        "open", "creat", "execute", "mkdir", "mknod", "symlink", "link", "rename", "unlink",
        "rmdir", "truncate",
    ];
    for number in (0..512).filter_map(Sysno::new) {
        let Some(call) = flat_call(number.id()) else { continue };
        let answer = ask(&alone, number, [0; 6]);
        assert_ne!(answer, NOTIFY, "{}", number.name());
        match call.treatment {
            Treatment::Path(path) if path.class == Class::Content => {
                let expected = governed.contains(&path.operation) && number != Sysno::openat2;
                assert_eq!(answer == ALLOW, expected, "{}", number.name());
            }
            Treatment::Path(_) | Treatment::Allow | Treatment::Process(_) => {}
            Treatment::Arguments(_) | Treatment::Refuse { .. } => {
                assert!(
                    answer != ALLOW || ask(&heard, number, [0; 6]) == ALLOW,
                    "{}",
                    number.name()
                );
            }
            Treatment::Socket(_) => {
                let sends = matches!(number, Sysno::sendto | Sysno::sendmsg | Sysno::sendmmsg);
                assert_eq!(answer == ALLOW, sends, "{}", number.name());
            }
            Treatment::Descriptor(_) | Treatment::Breach => assert_ne!(answer, ALLOW),
        }
    }
    // A receiver, a stream, a datagram, an abstract of one.
    assert_ne!(ask(&alone, Sysno::sendto, [3, 0, 0, 0, 1 << 40, 16]), ALLOW);
    assert_eq!(ask(&alone, Sysno::socketpair, [1, 0x80001, 0, 0, 0, 0]), ALLOW);
    for kind in [2, 3, 0x80002] {
        assert_ne!(ask(&alone, Sysno::socketpair, [1, kind, 0, 0, 0, 0]), ALLOW);
    }
    // Modes count where something is made.
    assert_ne!(ask(&alone, Sysno::openat, [0, 0, 0o101, 0o4755, 0, 0]), ALLOW);
    assert_eq!(ask(&alone, Sysno::openat, [0, 0, 0o1, 0o4755, 0, 0]), ALLOW);
    assert_eq!(ask(&alone, Sysno::openat, [0, 0, 0o101, 0o755, 0, 0]), ALLOW);
    assert_ne!(ask(&alone, Sysno::creat, [0, 0o4755, 0, 0, 0, 0]), ALLOW);
    assert_ne!(ask(&alone, Sysno::mknodat, [0, 0, 0o104755, 0, 0, 0]), ALLOW);
    // Others, and TIOCSTI.
    assert_ne!(ask(&alone, Sysno::prlimit64, [7, 0, 0, 0, 0, 0]), ALLOW);
    assert_ne!(ask(&alone, Sysno::ioctl, [0, 0x5412, 0, 0, 0, 0]), ALLOW);
    assert_ne!(ask(&alone, Sysno::clone, [0x1000_0000; 6]), ALLOW);
    assert_ne!(alone.evaluate(5, 0x4000_0003, [0; 6]).unwrap(), ALLOW);
    assert_ne!(alone.evaluate(0x4000_0001, X86_64, [0; 6]).unwrap(), ALLOW);
}

/// The permission for sandboxes inside changes two calls and nothing else.
#[test]
fn nested_changes_two_calls() {
    use super::super::{Watched, program};
    let nested = Flat { nested: true, ..LEAST };
    let pairs = [
        (flat_program(LEAST), flat_program(nested)),
        (unwatched_program(false), unwatched_program(true)),
        (program(Watched::Writes, false).clone(), program(Watched::Writes, true).clone()),
    ];
    for (without, with) in pairs {
        for number in (0..512).filter_map(Sysno::new) {
            let differs = ask(&without, number, [22; 6]) != ask(&with, number, [22; 6]);
            let expected = matches!(number, Sysno::seccomp | Sysno::prctl);
            assert_eq!(differs, expected, "{}", number.name());
        }
        assert_eq!(ask(&with, Sysno::seccomp, [1, 0, 0, 0, 0, 0]), ALLOW);
        assert_ne!(ask(&with, Sysno::prctl, [35; 6]), ALLOW);
    }
}
