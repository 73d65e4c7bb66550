//! The filters of all machines, asked on any of them.

use super::abi::{AARCH64, Abi, NATIVE, X86_64};
use super::build::{Watched, items};
use super::calls::all;
use super::treatment::ENOSYS;
use jailkeeper_sys::bpf::Program;
use jailkeeper_sys::seccomp::{NOTIFY, errno};
use std::collections::BTreeMap;
use std::process::Command;
use std::str::FromStr;
use syscalls::{aarch64, x86_64};

/// More numbers than any kernel has.
const NUMBERS: u32 = 1024;
/// `AUDIT_ARCH_ARM`.
const ARM: u32 = 0x4000_0028;

fn filter(abi: &Abi, watched: Watched) -> Program {
    Program::assemble(&items(abi, watched)).unwrap()
}

/// Returns the numbers of a machine, each with its name.
fn numbers(abi: &Abi) -> BTreeMap<u32, &'static str> {
    all().filter_map(|call| Some((abi.number(call.number)?, call.name()))).collect()
}

#[test]
fn this_machine_is_one_of_them() {
    assert_eq!(NATIVE.name, std::env::consts::ARCH);
    assert_eq!(NATIVE.architecture == X86_64.architecture, cfg!(target_arch = "x86_64"));
}

/// So the table in the names of `x86_64` lacks nothing there.
#[test]
fn every_call_of_aarch64_is_in_the_table() {
    let known = numbers(&AARCH64);
    let mut count = 0;
    // The crate also lists those between, which kernels have for 32-bit programs alone.
    for call in (0..403).chain(424..4096).filter_map(aarch64::Sysno::new) {
        let name = if call == aarch64::Sysno::fstatat { "newfstatat" } else { call.name() };
        assert!(x86_64::Sysno::from_str(name).is_ok(), "{name} has no namesake");
        let number = call.id().unsigned_abs();
        assert_eq!(known.get(&number).copied(), Some(name), "{number}");
        count += 1;
    }
    assert!(count > 310, "only {count} calls are known");
    assert_eq!(known.len(), count);
}

#[test]
fn elders_and_segments_are_missing_there() {
    let known: Vec<_> = numbers(&AARCH64).into_values().collect();
    let gone = "open creat stat lstat access readlink rename link symlink unlink rmdir mkdir mknod chmod \
        chown lchown utime utimes futimesat fork vfork pipe dup2 poll select getdents epoll_create \
        epoll_wait inotify_init eventfd signalfd time alarm pause getpgrp arch_prctl modify_ldt iopl \
        ioperm uselib ustat sysfs _sysctl";
    for name in gone.split_ascii_whitespace() {
        assert!(x86_64::Sysno::from_str(name).is_ok(), "{name} is none");
        assert!(!known.contains(&name), "{name} is there");
    }
    for name in
        ["openat", "renameat", "renameat2", "newfstatat", "clone", "clone3", "ppoll", "mmap"]
    {
        assert!(known.contains(&name), "{name} is missing");
    }
}

/// Every call is treated as its namesake, whatever its arguments are.
#[test]
fn both_machines_treat_a_call_alike() {
    for watched in [Watched::Writes, Watched::Opens, Watched::Everything] {
        let (here, there) = (filter(&X86_64, watched), filter(&AARCH64, watched));
        for call in all() {
            let (Some(one), Some(other)) =
                (X86_64.number(call.number), AARCH64.number(call.number))
            else {
                continue;
            };
            let values = [0, 1, 2, 9, 16, 0o101, 0o10_000_000, 0x5412, 0x7E02_0000, u64::MAX];
            for value in values {
                let expected = here.evaluate(one, X86_64.architecture, [value; 6]);
                let action = there.evaluate(other, AARCH64.architecture, [value; 6]);
                assert!(action.is_some() && action == expected, "{} {value:#x}", call.name());
            }
        }
    }
}

#[test]
fn unknown_and_foreign_numbers_are_no_way_through() {
    for abi in [&X86_64, &AARCH64] {
        let (filter, known) = (filter(abi, Watched::Writes), numbers(abi));
        for number in (0..NUMBERS).filter(|number| !known.contains_key(number)) {
            let action = filter.evaluate(number, abi.architecture, [0; 6]);
            assert_eq!(action, Some(errno(ENOSYS)), "{} {number}", abi.name);
        }
        for number in [-1, -2, i32::MIN] {
            let action = filter.evaluate(number.cast_unsigned(), abi.architecture, [0; 6]);
            assert_eq!(action, Some(errno(ENOSYS)), "{} {number}", abi.name);
            assert!(!abi.is_foreign(abi.architecture, number));
        }
        // The bit of x32 means nothing elsewhere: such a number is unknown.
        let marked = 0x4000_0000 | 1;
        let expected = if abi.shared_from.is_some() { NOTIFY } else { errno(ENOSYS) };
        assert_eq!(filter.evaluate(marked, abi.architecture, [0; 6]), Some(expected));
        let others = [X86_64.architecture, AARCH64.architecture, ARM, 0x4000_0003];
        for other in others.into_iter().filter(|other| *other != abi.architecture) {
            for number in 0..NUMBERS {
                assert_eq!(filter.evaluate(number, other, [0; 6]), Some(NOTIFY), "{other:#x}");
            }
            assert!(abi.is_foreign(other, 1));
        }
    }
}

/// The headers of another machine, as a preprocessor of this one reads them.
///
/// Where they are missing (Debian: `linux-libc-dev-arm64-cross`) there is nothing to compare with.
#[test]
fn the_table_has_every_call_of_the_headers_of_aarch64() {
    let folder = "/usr/aarch64-linux-gnu/include";
    let file = format!("{folder}/asm/unistd.h");
    if !std::path::Path::new(&file).is_file() {
        return;
    }
    let mut gcc = Command::new("gcc");
    gcc.args([
        "-E",
        "-dM",
        "-nostdinc",
        "-U__x86_64__",
        "-D__aarch64__",
        "-I",
        folder,
        "-x",
        "c",
        &file,
    ]);
    let output = gcc.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let defined: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#define __NR")?.split_once(' '))
        .collect();
    let known = numbers(&AARCH64);
    let mut count = 0;
    for (name, value) in &defined {
        let Some(name) = name.strip_prefix('_') else { continue };
        // `__NR_fcntl` is `__NR3264_fcntl`. What has no number is no call, and the other two are
        // marks in the list of numbers.
        let value = value.strip_prefix("__NR").map_or(*value, |other| defined[other]);
        let Ok(number) = value.parse::<u32>() else { continue };
        if !["syscalls", "arch_specific_syscall"].contains(&name) {
            assert_eq!(known.get(&number).copied(), Some(name), "{number}");
            count += 1;
        }
    }
    assert!(count > 290, "only {count} calls found in {file}");
}
