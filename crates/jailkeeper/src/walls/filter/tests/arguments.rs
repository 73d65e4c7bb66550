//! Arguments: flags, requests, domains and addresses that decide about a call.

use super::super::calls::all;
use super::super::flags::{creates, has_write_intent, is_exclusive, open_flag_names};
use super::super::treatment::{ArgumentRule, Condition, Follow, Outcome, Treatment};
use super::{EAFNOSUPPORT, EINVAL, EPERM, ask, ask_with};
use jailkeeper_sys::seccomp::{ALLOW, NOTIFY, errno};
use syscalls::x86_64::Sysno;

/// Garbage for the upper half of an argument that the kernel takes as an `int`.
const GARBAGE: u64 = 0xDEAD_BEEF_0000_0000;

/// The open flags whose combinations are tried: access modes, and one bit of each kind.
const BITS: [(u64, bool); 12] = [
    (0o1, true),          // O_WRONLY
    (0o2, true),          // O_RDWR
    (0o100, true),        // O_CREAT
    (0o200, false),       // O_EXCL
    (0o1000, true),       // O_TRUNC
    (0o2000, false),      // O_APPEND
    (0o200_000, false),   // O_DIRECTORY
    (0o400_000, false),   // O_NOFOLLOW
    (0o1_000_000, false), // O_NOATIME
    (0o2_000_000, false), // O_CLOEXEC
    (0o20_000_000, true), // __O_TMPFILE
    (0o4_010_000, false), // O_SYNC
];
const O_PATH: u64 = 0o10_000_000;

#[test]
fn opens_are_trapped_exactly_with_write_intent() {
    for choice in 0..1usize << BITS.len() {
        let chosen = BITS.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
        let (mut flags, mut writes) = (0, false);
        for (_, (bit, write)) in chosen {
            flags |= bit;
            writes |= write;
        }
        for (flags, writes) in [(flags, writes), (flags | O_PATH, false)] {
            let action = if writes { NOTIFY } else { ALLOW };
            assert_eq!(has_write_intent(flags), writes, "{flags:#o}");
            let (creating, exclusive) = (flags & 0o100 != 0, flags & 0o300 == 0o300);
            assert_eq!(creates(flags), creating && flags & O_PATH == 0, "{flags:#o}");
            assert_eq!(is_exclusive(flags), exclusive && flags & O_PATH == 0, "{flags:#o}");
            for (number, index) in [(Sysno::open, 1), (Sysno::openat, 2)] {
                assert_eq!(ask_with(number, index, flags), action, "{number} {flags:#o}");
                assert_eq!(ask_with(number, index, flags | GARBAGE), action, "{number} {flags:#o}");
            }
        }
    }
}

#[test]
fn open_flags_have_the_names_of_the_manual() {
    let names = |flags: u64| open_flag_names(flags).join("|");
    assert_eq!(names(0), "O_RDONLY");
    assert_eq!(names(0o101), "O_WRONLY|O_CREAT");
    assert_eq!(names(0o2 | 0o1000 | 0o2_000_000), "O_RDWR|O_TRUNC|O_CLOEXEC");
    assert_eq!(names(3), "O_WRONLY|O_RDWR");
    // One name covers another's bits, and the covered one is not named again.
    assert_eq!(names(0o20_200_001), "O_WRONLY|O_TMPFILE");
    assert_eq!(names(0o200_000), "O_RDONLY|O_DIRECTORY");
    assert_eq!(names(0o4_010_000), "O_RDONLY|O_SYNC");
    assert_eq!(names(0o10_000), "O_RDONLY|O_DSYNC");
    assert_eq!(names(O_PATH | 0o400_000), "O_RDONLY|O_NOFOLLOW|O_PATH");
    assert_eq!(names(1 << 40 | 0o2000), "O_RDONLY|O_APPEND|0x10000000000");
}

#[test]
fn typing_into_the_terminal_is_a_breach_whatever_the_upper_half() {
    for request in [0x5412, 0x541C] {
        for high in [0, 1 << 32, GARBAGE] {
            assert_eq!(ask_with(Sysno::ioctl, 1, request | high), NOTIFY, "{request:#x}");
        }
    }
    // TCGETS, TIOCGWINSZ and FIONREAD are what programs ask for.
    for request in [0x5401, 0x5413, 0x541B, 0x5411, 0x541D] {
        assert_eq!(ask_with(Sysno::ioctl, 1, request), ALLOW, "{request:#x}");
    }
}

#[test]
fn nobody_chooses_who_gets_the_signals_of_a_descriptor() {
    for request in [0x8901, 0x8902] {
        assert_eq!(ask_with(Sysno::ioctl, 1, request | GARBAGE), EPERM, "{request:#x}");
    }
    for command in 0..40 {
        let action = if [8, 10, 15].contains(&command) { EPERM } else { ALLOW };
        assert_eq!(ask_with(Sysno::fcntl, 1, command), action, "{command}");
        assert_eq!(ask_with(Sysno::fcntl, 1, command | GARBAGE), action, "{command}");
    }
    // F_SETLK of open file descriptions, F_SETPIPE_SZ, F_ADD_SEALS.
    for command in [37, 1031, 1033] {
        assert_eq!(ask_with(Sysno::fcntl, 1, command), ALLOW, "{command}");
    }
}

#[test]
fn nobody_leases_a_file() {
    assert_eq!(ask_with(Sysno::fcntl, 1, 1024), EPERM);
    assert_eq!(ask_with(Sysno::fcntl, 1, 1024 | GARBAGE), EPERM);
    assert_eq!(ask_with(Sysno::fcntl, 1, 1025), ALLOW, "F_GETLEASE");
}

#[test]
fn the_init_is_not_slowed_down() {
    for call in [Sysno::sched_setscheduler, Sysno::sched_setattr] {
        for (process, action) in [(0, ALLOW), (1, EPERM), (1 | GARBAGE, EPERM), (2, ALLOW)] {
            assert_eq!(ask_with(call, 0, process), action, "{call} {process:#x}");
        }
    }
    assert_eq!(ask_with(Sysno::setpriority, 0, 0), NOTIFY);
}

/// NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NAMESPACES: [u64; 7] =
    [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

#[test]
fn no_namespace_is_made() {
    let sigchld = 17;
    for namespace in NAMESPACES {
        assert_eq!(ask_with(Sysno::clone, 0, namespace | sigchld), EPERM, "{namespace:#x}");
        assert_eq!(ask_with(Sysno::unshare, 0, namespace), EPERM, "{namespace:#x}");
        // The kernel looks at the lower half of clone's flags alone.
        assert_eq!(ask_with(Sysno::clone, 0, namespace | GARBAGE), EPERM, "{namespace:#x}");
    }
    // CLONE_NEWTIME.
    assert_eq!(ask_with(Sysno::unshare, 0, 0x80), EPERM);
}

#[test]
fn processes_and_threads_are_made() {
    let threads = 0x003D_0F00;
    let vfork = 0x4100 | 17;
    for flags in [17, 0, threads, vfork, 0x0120_0011, 0x1000, 0x8000] {
        assert_eq!(ask_with(Sysno::clone, 0, flags), ALLOW, "{flags:#x}");
    }
    // Every exit signal is allowed, and so is every bit of it: 0x80 is no CLONE_NEWTIME here.
    for signal in 0..=0xFF {
        assert_eq!(ask_with(Sysno::clone, 0, signal), ALLOW, "{signal}");
    }
    // CLONE_FS, CLONE_FILES, CLONE_SYSVSEM.
    for flags in [0x200, 0x400, 0x4_0000, 0] {
        assert_eq!(ask_with(Sysno::unshare, 0, flags), ALLOW, "{flags:#x}");
    }
}

#[test]
fn a_process_cannot_filter_or_disguise_itself() {
    for option in 0..80 {
        let action = match option {
            22 => EINVAL,
            35 => EPERM,
            _ => ALLOW,
        };
        assert_eq!(ask_with(Sysno::prctl, 0, option), action, "{option}");
        assert_eq!(ask_with(Sysno::prctl, 0, option | GARBAGE), action, "{option}");
    }
}

#[test]
fn sockets_are_unix_or_asked_for() {
    for domain in 0..64 {
        let (socket, pair) = match domain {
            1 => (ALLOW, ALLOW),
            2 | 10 => (NOTIFY, EAFNOSUPPORT),
            _ => (EAFNOSUPPORT, EAFNOSUPPORT),
        };
        for high in [0, GARBAGE] {
            assert_eq!(ask_with(Sysno::socket, 0, domain | high), socket, "{domain}");
            assert_eq!(ask_with(Sysno::socketpair, 0, domain | high), pair, "{domain}");
        }
    }
}

#[test]
fn sendto_is_trapped_exactly_with_an_address() {
    let mut arguments = [u64::MAX; 6];
    let number = Sysno::sendto.id().unsigned_abs();
    arguments[4] = 0;
    assert_eq!(ask(number, arguments), ALLOW);
    for address in [1, 0x7FFF_0000_0000, 1 << 32, 1 << 63, 0x8000_0000, 0x7FFF_1234_5678] {
        arguments[4] = address;
        assert_eq!(ask(number, arguments), NOTIFY, "{address:#x}");
    }
}

/// Decides by a rule as its documentation says.
fn decide(rule: &ArgumentRule, value: u64) -> Outcome {
    let low = u32::try_from(value & 0xFFFF_FFFF).unwrap();
    let case = rule.cases.iter().find(|case| match case.when {
        Condition::Equals(constant) => low == constant,
        Condition::AnyBit(bits) => low & bits != 0,
        Condition::Masked { mask, value } => low & mask == value,
    });
    case.map_or(rule.otherwise, |case| case.outcome)
}

#[test]
fn the_filter_agrees_with_every_rule() {
    let mut rules = 0;
    for call in all() {
        let Treatment::Arguments(rule) = call.treatment else { continue };
        rules += 1;
        let mut values: Vec<u64> = (0..256).chain((0..64).map(|bit| 1 << bit)).collect();
        for case in rule.cases {
            let (Condition::Equals(value)
            | Condition::AnyBit(value)
            | Condition::Masked { value, .. }) = case.when;
            let value = u64::from(value);
            values.extend([value, value | GARBAGE, value + 1, value - 1, value << 32, !value]);
        }
        for value in values {
            let mut arguments = [0x5A5A_5A5A_5A5A_5A5A; 6];
            arguments[usize::from(rule.argument)] = value;
            let action = match decide(&rule, value) {
                Outcome::Allow => ALLOW,
                Outcome::Refuse { errno: number } => errno(number),
                Outcome::Notify => NOTIFY,
            };
            let number = call.number.id().unsigned_abs();
            assert_eq!(ask(number, arguments), action, "{} {value:#x}", call.name());
        }
    }
    assert!(rules >= 6, "only {rules} calls have rules");
}

#[test]
fn links_are_followed_as_the_flags_say() {
    let unless = Follow::UnlessFlag { argument: 3, bit: 0x100 };
    let when = Follow::IfFlag { argument: 4, bit: 0x400 };
    let with = |index: usize, value: u64| {
        let mut arguments = [0; 6];
        arguments[index] = value;
        arguments
    };
    assert!(Follow::Always.follows(&[u64::MAX; 6], u64::MAX));
    assert!(!Follow::Never.follows(&[0; 6], 0));
    assert!(unless.follows(&with(3, 0x1000), 0));
    assert!(!unless.follows(&with(3, 0x1100), 0));
    assert!(!when.follows(&with(4, 0x1000), 0));
    assert!(when.follows(&with(4, 0x1400 | GARBAGE), 0));
    assert!(Follow::Open.follows(&[0; 6], 0o300 | O_PATH), "O_PATH drops O_CREAT and O_EXCL");
    for (flags, follows) in
        [(0, true), (0o100, true), (0o200, true), (0o300, false), (0o400_000, false)]
    {
        assert_eq!(Follow::Open.follows(&[0; 6], flags), follows, "{flags:#o}");
    }
}
