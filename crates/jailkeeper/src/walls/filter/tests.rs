//! Whether the table is complete, whether it is right, and whether the filter does what it says.

mod arguments;
mod dangers;
mod flat;
mod numbers;
mod signatures;

use super::build::Watched;
use super::{Call, call, program};
use jailkeeper_sys::seccomp::errno;
use syscalls::x86_64::Sysno;

const X86_64: u32 = 0xC000_003E;
const I386: u32 = 0x4000_0003;

/// Asks the filter about a call.
fn ask(number: u32, arguments: [u64; 6]) -> u32 {
    program(Watched::Writes, false)
        .evaluate(number, X86_64, arguments)
        .expect("the filter ends for every call")
}

/// Asks the filter about a call with one argument set, all others garbage.
fn ask_with(number: Sysno, index: usize, value: u64) -> u32 {
    let mut arguments = [u64::MAX; 6];
    arguments[index] = value;
    ask(number.id().unsigned_abs(), arguments)
}

fn entry(number: Sysno) -> &'static Call {
    call(number.id()).unwrap_or_else(|| panic!("{} is not in the table", number.name()))
}

const EPERM: u32 = errno(1);
const EINVAL: u32 = errno(22);
const ENOSYS: u32 = errno(38);
const EAFNOSUPPORT: u32 = errno(97);
