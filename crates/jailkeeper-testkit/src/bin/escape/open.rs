//! Opening files, and reading them when that worked.

use crate::call::{Words, call, keep, raw};
use std::ffi::CString;
use std::io::Write;

const MODE: i32 = 0o644;

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    Some(match name {
        // open PATH FLAGS
        "open" => got(call!(SYS_open, &words.path(), words.flags(), MODE)),
        "creat" => got(call!(SYS_creat, &words.path(), MODE)),
        // openat KEPT PATH FLAGS
        "openat" => got(call!(SYS_openat, words.directory(), &words.path(), words.flags(), MODE)),
        // keep NAME PATH FLAGS: for the attempts after it
        "keep" => {
            let kept = words.word();
            keep(kept, call!(SYS_open, &words.path(), words.flags(), MODE))
        }
        // openat2 KEPT PATH FLAGS RESOLVE
        "openat2" => openat2(words),
        // reopen KEPT FLAGS: the descriptor once more, through /proc
        "reopen" => {
            let path = format!("/proc/self/fd/{}", words.directory());
            let path = CString::new(path).unwrap_or_default();
            got(call!(SYS_open, &path, words.flags(), MODE))
        }
        // below-fd KEPT PATH FLAGS: past the descriptor, through /proc
        "below-fd" => {
            let path = format!("/proc/self/fd/{}/{}", words.directory(), words.word());
            let path = CString::new(path).unwrap_or_default();
            got(call!(SYS_open, &path, words.flags(), MODE))
        }
        // read NUMBER: a descriptor that this program did not open
        "read" => read(words.number()),
        // list PATH
        "list" => list(words),
        "io-uring" => ring(),
        "int80" => int80::open(words),
        // open by the number of the x32 ABI
        "x32" => {
            const BIT: i64 = 0x4000_0000;
            let path = words.path();
            let arguments = &mut [(&path).into(), words.flags().into(), MODE.into()];
            got(raw(BIT | libc::SYS_open, arguments))
        }
        // hide-and-open PATH FLAGS: nobody may look into this process any more
        "hide-and-open" => {
            let hidden = call!(SYS_prctl, libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
            if hidden < 0 {
                return Some(hidden);
            }
            got(call!(SYS_open, &words.path(), words.flags(), MODE))
        }
        _ => return None,
    })
}

/// Prints what can be read from a descriptor, and returns the descriptor.
fn got(descriptor: i64) -> i64 {
    if descriptor >= 0 {
        read(descriptor);
    }
    descriptor
}

fn read(descriptor: i64) -> i64 {
    let mut bytes = [0_u8; 4096];
    let length = bytes.len();
    let count = call!(SYS_read, descriptor, &mut bytes[..], i64::try_from(length).unwrap_or(0));
    show(&bytes, count);
    count
}

/// Prints the bytes that the kernel gave.
pub(crate) fn show(bytes: &[u8], count: i64) {
    let count = usize::try_from(count).unwrap_or(0);
    let _ = std::io::stdout().write_all(bytes.get(..count).unwrap_or_default());
    let _ = std::io::stdout().flush();
}

fn openat2(words: &Words<'_>) -> i64 {
    const RESOLVE: [(&str, u64); 6] = [
        ("NO_XDEV", libc::RESOLVE_NO_XDEV),
        ("NO_MAGICLINKS", libc::RESOLVE_NO_MAGICLINKS),
        ("NO_SYMLINKS", libc::RESOLVE_NO_SYMLINKS),
        ("BENEATH", libc::RESOLVE_BENEATH),
        ("IN_ROOT", libc::RESOLVE_IN_ROOT),
        ("CACHED", libc::RESOLVE_CACHED),
    ];
    let (directory, path, flags) = (words.directory(), words.path(), words.flags());
    let word = words.word();
    let resolve = RESOLVE.iter().find(|(name, _)| *name == word).map_or(0, |(_, bit)| *bit);
    let mode = if flags & libc::O_CREAT == 0 { 0_u64 } else { 0o644 };
    let mut how = Vec::new();
    for word in [u64::from(flags.unsigned_abs()), mode, resolve] {
        how.extend(word.to_ne_bytes());
    }
    got(call!(SYS_openat2, directory, &path, &how[..], 24))
}

fn list(words: &Words<'_>) -> i64 {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    let directory = call!(SYS_open, &words.path(), flags, 0);
    if directory < 0 {
        return directory;
    }
    let mut entries = [0_u8; 8192];
    let count = call!(SYS_getdents64, directory, &mut entries[..], 8192);
    show(&entries, count);
    count
}

/// Asks for a ring through which the kernel opens files without system calls.
fn ring() -> i64 {
    let mut parameters = [0_u8; 120];
    call!(SYS_io_uring_setup, 8, &mut parameters[..])
}

#[cfg(target_arch = "x86_64")]
mod int80 {
    //! The 32-bit way into a 64-bit kernel.

    use crate::call::{Words, address};
    use std::arch::asm;

    /// `open` of the 32-bit ABI.
    const OPEN: i64 = 5;

    pub(super) fn open(words: &Words<'_>) -> i64 {
        let path = words.path();
        let flags = i64::from(words.flags());
        let low = low_copy(path.as_bytes_with_nul());
        let result: i64;
        // SAFETY: the path lies in the low half of memory, where 32 bits are enough for it, and
        // stays there; `rbx` is given back, and the clobbered registers are named.
        unsafe {
            asm!(
                "xchg rbx, {path}",
                "int 0x80",
                "xchg rbx, {path}",
                path = inout(reg) low => _,
                inout("rax") OPEN => result,
                in("rcx") flags,
                in("rdx") 0,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
        super::got(result)
    }

    fn low_copy(bytes: &[u8]) -> i64 {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping disturbs nobody.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
        assert_ne!(page, libc::MAP_FAILED, "there is memory");
        let page = page.cast::<u8>();
        // SAFETY: the page has 4096 bytes of its own, and a path is shorter.
        unsafe { page.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len().min(4096)) };
        address(page)
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod int80 {
    pub(super) fn open(_: &crate::call::Words<'_>) -> i64 {
        -i64::from(libc::ENOSYS)
    }
}
