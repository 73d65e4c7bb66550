//! What `rustix` lacks of the mount calls: `mount_setattr(2)`.

use crate::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Attributes to set on a mount, `MOUNT_ATTR_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes(pub u64);

impl Attributes {
    /// Nothing can be changed through this mount.
    pub const READ_ONLY: Self = Self(0x1);
    /// Set-user-id bits are ignored.
    pub const NO_SETUID: Self = Self(0x2);
    /// Device files cannot be opened.
    pub const NO_DEVICES: Self = Self(0x4);
    /// Nothing can be run from this mount.
    pub const NO_EXECUTE: Self = Self(0x8);

    /// Returns both sets of attributes.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Sets attributes on a mount and on all mounts below it. Since Linux 5.12.
///
/// # Errors
///
/// `EPERM` without `CAP_SYS_ADMIN` over the mount namespace.
///
/// # References
///
/// * [mount_setattr(2)](https://man7.org/linux/man-pages/man2/mount_setattr.2.html)
pub fn set_attributes(mount: impl AsFd, attributes: Attributes) -> io::Result<()> {
    set_raw(mount.as_fd().as_raw_fd(), attributes, 0)
}

/// Maps the ids of a detached mount through a user namespace, and sets attributes. Since Linux
/// 5.12, and only on file systems that support it.
///
/// # Errors
///
/// `EINVAL` when the file system does not support it or the mount is attached already, `EPERM`
/// without `CAP_SYS_ADMIN` over the file system.
pub fn map_ids(
    mount: impl AsFd,
    user_namespace: impl AsFd,
    attributes: Attributes,
) -> io::Result<()> {
    const ID_MAP: Attributes = Attributes(0x0010_0000);
    let namespace = user_namespace.as_fd().as_raw_fd();
    set_raw(mount.as_fd().as_raw_fd(), attributes.and(ID_MAP), namespace)
}

/// The same by number. Runs in the child before exec.
pub(crate) fn set_raw(mount: i32, attributes: Attributes, namespace: i32) -> io::Result<()> {
    const EMPTY_PATH_RECURSIVE: u32 = 0x1000 | 0x8000;
    let attr = MountAttr {
        set: attributes.0,
        clear: 0,
        propagation: 0,
        user_namespace: u64::from(namespace.unsigned_abs()),
    };
    // SAFETY: the path is an empty C string; `attr` is laid out as `struct mount_attr`, its size
    // is passed along, and the kernel only reads it.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount,
            c"".as_ptr(),
            EMPTY_PATH_RECURSIVE,
            std::ptr::from_ref(&attr),
            size_of::<MountAttr>(),
        )
    })
    .map(|_| ())
}
