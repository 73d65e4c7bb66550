//! The machines that the filter is written for, and all in which they differ.
//!
//! The table of calls is written in the names of `x86_64`, which has every call that `aarch64` has
//! (a test holds that). `aarch64` came after the calls that take a directory descriptor, and lacks
//! their elders (`open`, `stat`, `fork`, `rename`, `unlink`, `chmod`, `pipe`, `poll` and so on) and
//! all that is about segments and ports (`arch_prctl`, `modify_ldt`, `iopl`). So an entry of the
//! table has a number there, or is passed over.
//!
//! Numbers of the other ABIs that a kernel runs (`i386`, `x32`, 32-bit `arm`) mean other calls: they
//! reach the listener, which kills. `x32` alone has the architecture of its big brother and is told
//! by a bit of the number.
//!
//! What does not differ, and was looked up for `aarch64`: the flags of `clone(2)` are its first
//! argument (the order of the last two does differ, and nobody here looks at them); requests of
//! `ioctl(2)`, constants of `prctl(2)`, seccomp, Landlock and mounts; the structures of FUSE,
//! seccomp notifications and `PTRACE_GET_SYSCALL_INFO`; the form of `/proc/PID/syscall`.
//!
//! # References
//!
//! * [syscall(2)](https://man7.org/linux/man-pages/man2/syscall.2.html)
//! * `include/uapi/linux/audit.h`, `arch/arm64/include/uapi/asm/fcntl.h` of the kernel

#[cfg(any(test, target_arch = "aarch64"))]
use std::str::FromStr;
#[cfg(any(test, target_arch = "aarch64"))]
use syscalls::aarch64;
use syscalls::x86_64;

/// A machine's own way to call its kernel.
#[derive(Debug)]
pub(crate) struct Abi {
    /// Its name, as the compiler has it.
    #[cfg(test)]
    pub(super) name: &'static str,
    /// `AUDIT_ARCH_*`.
    pub(super) architecture: u32,
    /// From this number on calls are those of an ABI that shares the architecture.
    pub(super) shared_from: Option<u32>,
    number: fn(x86_64::Sysno) -> Option<u32>,
}

/// 64-bit PCs.
#[cfg(any(test, target_arch = "x86_64"))]
pub(super) static X86_64: Abi = Abi {
    #[cfg(test)]
    name: "x86_64",
    architecture: 0xC000_003E,
    // `__X32_SYSCALL_BIT`
    shared_from: Some(0x4000_0000),
    number: |call| Some(call.id().unsigned_abs()),
};

/// 64-bit ARM.
#[cfg(any(test, target_arch = "aarch64"))]
pub(super) static AARCH64: Abi = Abi {
    #[cfg(test)]
    name: "aarch64",
    architecture: 0xC000_00B7,
    shared_from: None,
    number: |call| {
        // The kernel's headers have the same name on both; `syscalls` has not.
        let name = if call == x86_64::Sysno::newfstatat { "fstatat" } else { call.name() };
        Some(aarch64::Sysno::from_str(name).ok()?.id().unsigned_abs())
    },
};

#[cfg(target_arch = "aarch64")]
pub(super) use AARCH64 as NATIVE;
/// That of the machine that this is built for.
#[cfg(target_arch = "x86_64")]
pub(super) use X86_64 as NATIVE;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the filter is written for x86_64 and aarch64");

impl Abi {
    /// Returns the number of a call; `None` if it is none of this machine's.
    pub(super) fn number(&self, call: x86_64::Sysno) -> Option<u32> {
        (self.number)(call)
    }

    /// Tells whether a call came through another ABI than the machine's own 64-bit one.
    pub(super) fn is_foreign(&self, architecture: u32, number: i32) -> bool {
        let shared = self.shared_from.is_some_and(|from| number >= from.cast_signed());
        architecture != self.architecture || shared
    }
}

/// The flags of `open(2)` whose bits differ.
pub(super) struct OpenBits {
    pub(super) direct: u32,
    pub(super) large_file: u32,
    pub(super) directory: u32,
    pub(super) no_follow: u32,
}

/// Those of the machine that this is built for.
#[cfg(not(target_arch = "aarch64"))]
pub(super) const OPEN: OpenBits = OpenBits {
    direct: 0o40_000,
    large_file: 0o100_000,
    directory: 0o200_000,
    no_follow: 0o400_000,
};
#[cfg(target_arch = "aarch64")]
pub(super) const OPEN: OpenBits = OpenBits {
    directory: 0o40_000,
    no_follow: 0o100_000,
    direct: 0o200_000,
    large_file: 0o400_000,
};
