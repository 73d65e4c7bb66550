//! The walls: what the kernel enforces, whatever the watching side does.

pub(crate) mod filter;
pub(crate) mod idmap;
pub(crate) mod landlock;
