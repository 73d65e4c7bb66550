//! The watches: how attempts become known.
//!
//! * [`tripwire`]: the FUSE root. The kernel asks it about every name that no mount of the jail
//!   covers, with the caller parked and the name in the kernel's own memory: nothing can be
//!   swapped any more. This is where reading, running, looking and connecting outside is seen.
//! * [`notify`]: the seccomp listener. It sees calls with write intent, because a write to a
//!   read-only mount never reaches the tripwire, and calls on sockets.
//!
//! Both turn what they see into an [`Access`](jailkeeper_model::Access), ask
//! [`decide`](jailkeeper_model::decide), and leave acting to the [`Ward`](crate::ward::Ward).
//! What they read from a caller's memory ([`caller`]) and how they follow paths ([`walk`]) names
//! things; it never grants one.

pub(crate) mod ask;
pub(crate) mod caller;
pub(crate) mod flat;
mod grant;
pub(crate) mod newcomers;
pub(crate) mod notify;
mod rename;
mod socket;
pub(crate) mod tripwire;
pub(crate) mod walk;
