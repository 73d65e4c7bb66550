//! How many descriptors this process may have open.
//!
//! Every rule takes one, and the usual soft limit is 1,024, for the sake of programs that use
//! `select(2)`. This one does not.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many a process may have on Linux, if nobody has changed that.
const AT_MOST: u64 = 1 << 20;

/// Raises the limit as far as that is permitted, and returns what it was, soft and hard.
pub(crate) fn raise() -> (u64, u64) {
    let before = getrlimit(Resource::Nofile);
    let set = |limit| setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit });
    // Root may have more than the hard limit. It is no mistake if nothing can be had.
    let _ = set(before.maximum.map(|hard| hard.max(AT_MOST))).or_else(|_| set(before.maximum));
    (before.current.unwrap_or(u64::MAX), before.maximum.unwrap_or(u64::MAX))
}
