//! Landlock rulesets.
//!
//! # References
//!
//! * [landlock(7)](https://man7.org/linux/man-pages/man7/landlock.7.html)

use crate::{check, check_fd};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Rights on files and directories, `LANDLOCK_ACCESS_FS_*`.
pub mod right {
    /// Run a file.
    pub const EXECUTE: u64 = 1;
    /// Open a file for writing.
    pub const WRITE_FILE: u64 = 1 << 1;
    /// Open a file for reading.
    pub const READ_FILE: u64 = 1 << 2;
    /// List a directory.
    pub const READ_DIR: u64 = 1 << 3;
    /// Remove an empty directory, or rename one.
    pub const REMOVE_DIR: u64 = 1 << 4;
    /// Unlink a file, or rename one.
    pub const REMOVE_FILE: u64 = 1 << 5;
    /// Create a character device.
    pub const MAKE_CHAR: u64 = 1 << 6;
    /// Create a directory.
    pub const MAKE_DIR: u64 = 1 << 7;
    /// Create a regular file.
    pub const MAKE_REG: u64 = 1 << 8;
    /// Create a unix socket.
    pub const MAKE_SOCK: u64 = 1 << 9;
    /// Create a pipe with a name.
    pub const MAKE_FIFO: u64 = 1 << 10;
    /// Create a block device.
    pub const MAKE_BLOCK: u64 = 1 << 11;
    /// Create a symbolic link.
    pub const MAKE_SYM: u64 = 1 << 12;
    /// Link or rename a file from or to another directory (ABI 2, Linux 5.19).
    pub const REFER: u64 = 1 << 13;
    /// Truncate a file (ABI 3, Linux 6.2).
    pub const TRUNCATE: u64 = 1 << 14;
    /// Use ioctl on a device (ABI 5, Linux 6.10).
    pub const IOCTL_DEV: u64 = 1 << 15;
    /// The rights that a rule on something other than a directory may carry.
    pub const ON_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
    /// Creating, removing and renaming names, without opening anything.
    pub const NAMES: u64 = REMOVE_DIR
        | REMOVE_FILE
        | MAKE_CHAR
        | MAKE_DIR
        | MAKE_REG
        | MAKE_SOCK
        | MAKE_FIFO
        | MAKE_BLOCK
        | MAKE_SYM
        | REFER;
    /// Listing, reading and running.
    pub const READING: u64 = EXECUTE | READ_FILE | READ_DIR;
}

/// What a ruleset governs; whatever is not granted by a rule is then refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Handled {
    /// `LANDLOCK_ACCESS_FS_*`.
    pub files: u64,
    /// `LANDLOCK_ACCESS_NET_*` (ABI 4, Linux 6.7).
    pub network: u64,
    /// `LANDLOCK_SCOPE_*` (ABI 6, Linux 6.12).
    pub scopes: u64,
}

impl Handled {
    /// Returns everything that a kernel of this ABI can govern.
    #[must_use]
    pub const fn all(abi: u32) -> Self {
        let files = match abi {
            0 => 0,
            1 => (1 << 13) - 1,
            2 => (1 << 14) - 1,
            3 | 4 => (1 << 15) - 1,
            _ => (1 << 16) - 1,
        };
        Self {
            files,
            network: if abi >= 4 { 0b11 } else { 0 },
            scopes: if abi >= 6 { 0b11 } else { 0 },
        }
    }
}

impl Handled {
    /// Returns the same without signals.
    #[must_use]
    pub const fn without_signals(self) -> Self {
        Self { scopes: self.scopes & !0b10, ..self }
    }

    /// Returns what makes a domain that signals do not leave, and changes nothing else.
    ///
    /// Moving a file to another directory is refused by every domain that does not grant it, so it
    /// is governed, to be granted everywhere. Since ABI 6.
    #[must_use]
    pub const fn signals() -> Self {
        Self { files: right::REFER, network: 0, scopes: 0b10 }
    }
}

/// Returns the kernel's Landlock ABI.
///
/// # Errors
///
/// `ENOSYS` when Landlock is not built in, `EOPNOTSUPP` when it is off at boot.
pub fn abi() -> io::Result<u32> {
    const VERSION: u32 = 1;
    // SAFETY: with the VERSION flag the kernel takes a null attribute of length zero.
    let abi = check(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION)
    })?;
    u32::try_from(abi).map_err(|_| io::Error::from_raw_os_error(libc::ERANGE))
}

/// Creates a ruleset. Since Linux 5.13.
///
/// # Errors
///
/// `EINVAL` when the kernel does not know a right, and the errors of [`abi`].
pub fn create_ruleset(handled: &Handled) -> io::Result<OwnedFd> {
    let size = match (handled.network, handled.scopes) {
        (0, 0) => 8usize,
        (_, 0) => 16,
        _ => 24,
    };
    // SAFETY: `handled` is a `repr(C)` struct laid out as `struct landlock_ruleset_attr`, and
    // `size` is not above its size; the kernel only reads it.
    check_fd(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::from_ref(handled), size, 0u32)
    })
}

/// Grants rights on everything beneath a file or directory.
///
/// # Errors
///
/// `EINVAL` for rights that the ruleset does not govern or that make no sense on a file.
pub fn add_path(ruleset: impl AsFd, path: impl AsFd, rights: u64) -> io::Result<()> {
    let (ruleset, path) = (ruleset.as_fd().as_raw_fd(), path.as_fd().as_raw_fd());
    add_path_raw(ruleset, path, rights)
}

/// The same for descriptors by number. Runs in the child before exec.
pub(crate) fn add_path_raw(ruleset: i32, path: i32, rights: u64) -> io::Result<()> {
    #[repr(C, packed)]
    struct PathBeneath {
        rights: u64,
        parent: i32,
    }
    const PATH_BENEATH: u32 = 1;
    let rule = PathBeneath { rights, parent: path };
    // SAFETY: `rule` is laid out as `struct landlock_path_beneath_attr` and outlives the call,
    // which only reads it.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset,
            PATH_BENEATH,
            std::ptr::from_ref(&rule),
            0u32,
        )
    })
    .map(|_| ())
}

/// Enforces a ruleset on this thread and its future children. Runs in the child before exec.
pub(crate) fn restrict_self(ruleset: i32) -> io::Result<()> {
    // SAFETY: takes two integers.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0u32) }).map(|_| ())
}
