//! The flags of `open(2)`.
//!
//! On aarch64 `O_DIRECTORY`, `O_NOFOLLOW`, `O_DIRECT` and `O_LARGEFILE` have each other's bits.

use super::abi::OPEN;

const O_WRONLY: u32 = 0o1;
const O_RDWR: u32 = 0o2;
const O_CREAT: u32 = 0o100;
const O_EXCL: u32 = 0o200;
const O_TRUNC: u32 = 0o1000;
const O_DSYNC: u32 = 0o10_000;
const O_DIRECTORY: u32 = OPEN.directory;
pub(super) const O_NOFOLLOW: u32 = OPEN.no_follow;
/// The bit that makes `O_SYNC` of `O_DSYNC`; the kernel's `__O_SYNC`.
const SYNC: u32 = 0o4_000_000;
pub(super) const O_PATH: u32 = 0o10_000_000;
/// The bit that makes `O_TMPFILE` of `O_DIRECTORY`; the kernel's `__O_TMPFILE`.
const TEMPORARY: u32 = 0o20_000_000;

/// Any of these bits changes something, unless [`O_PATH`] is set too.
///
/// `O_TRUNC` empties the file even where it is opened for reading alone.
pub(super) const WRITE_INTENT: u32 = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | TEMPORARY;

/// The flags with a name of their own. A name that covers another one stands before it.
const NAMES: [(u32, &str); 18] = [
    (O_CREAT, "O_CREAT"),
    (O_EXCL, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (O_TRUNC, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (SYNC | O_DSYNC, "O_SYNC"),
    (O_DSYNC, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (OPEN.direct, "O_DIRECT"),
    (OPEN.large_file, "O_LARGEFILE"),
    (TEMPORARY | O_DIRECTORY, "O_TMPFILE"),
    (O_DIRECTORY, "O_DIRECTORY"),
    (O_NOFOLLOW, "O_NOFOLLOW"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (O_PATH, "O_PATH"),
    (TEMPORARY, "__O_TMPFILE"),
];

/// Tells whether a call with these open flags means to change something.
///
/// With `O_PATH` the kernel drops every flag that could, `O_CREAT` among them (`openat2` refuses
/// the mixture).
pub(crate) fn has_write_intent(flags: u64) -> bool {
    flags & u64::from(O_PATH) == 0 && flags & u64::from(WRITE_INTENT) != 0
}

/// Tells whether a call with these open flags makes the file if it is missing. With `O_PATH` it
/// does not.
pub(crate) fn creates(flags: u64) -> bool {
    flags & u64::from(O_PATH) == 0 && flags & u64::from(O_CREAT) != 0
}

/// Tells whether a call with these open flags takes permissions for a new file, with a name or
/// without one (`O_TMPFILE`).
pub(crate) fn takes_mode(flags: u64) -> bool {
    flags & u64::from(O_CREAT | TEMPORARY) != 0
}

/// Tells whether a call with these open flags makes the file or fails.
pub(crate) fn is_exclusive(flags: u64) -> bool {
    creates(flags) && flags & u64::from(O_EXCL) != 0
}

/// Tells whether the descriptor is closed at exec.
pub(crate) fn closes_on_exec(flags: u64) -> bool {
    flags & 0o2_000_000 != 0
}

/// Returns the names of open flags for an event, the access mode first.
///
/// Bits without a name come last, as one hexadecimal number.
///
/// `0o101` is `["O_WRONLY", "O_CREAT"]`.
pub(crate) fn open_flag_names(flags: u64) -> Vec<String> {
    let access: &[&str] = match (flags & u64::from(O_WRONLY) != 0, flags & u64::from(O_RDWR) != 0) {
        (false, false) => &["O_RDONLY"],
        (true, false) => &["O_WRONLY"],
        (false, true) => &["O_RDWR"],
        // Neither reads nor writes, but asks for both permissions; LILO and some drivers use it.
        (true, true) => &["O_WRONLY", "O_RDWR"],
    };
    let mut names: Vec<String> = access.iter().map(ToString::to_string).collect();
    let mut rest = flags & !u64::from(O_WRONLY | O_RDWR);
    for (bits, name) in NAMES {
        let bits = u64::from(bits);
        if rest & bits == bits {
            names.push(name.to_owned());
            rest &= !bits;
        }
    }
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    names
}
