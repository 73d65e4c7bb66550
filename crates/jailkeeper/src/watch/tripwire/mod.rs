//! The tripwire: the FUSE file system that is the jail's root.
//!
//! Allowed trees are mounted on it, so allowed work never meets it. It serves the names that lead
//! to them, for ever (endless timeouts: the kernel asks once), and everything else that it is
//! asked is an access to the outside. The caller of a request is parked until it is answered.
//!
//! Why not the crate `fuser`: `docs/design/fuse.md`.

mod protocol;
mod server;

pub(crate) use server::serve;
