//! What processes have already that the policy would not give them.
//!
//! Walls stand before calls that open something; what is open is past them. So it is listed before
//! anything is done, and the caller decides: to attach to no such process (the default), to close
//! what can be closed, or to keep it.
//!
//! Not in question are standard input, output and error, which belong to whoever started the
//! process, and what opens nothing: the program and its libraries in memory, the working directory.
//! They are listed. Rings of io_uring are never kept: the kernel's own thread behind one goes on
//! opening files after Landlock and seccomp.

mod found;
mod look;

pub(super) use found::{Found, settle};
pub(super) use look::{Rings, look};
