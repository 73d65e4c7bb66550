//! Parts of a start for `cargo xtask instructions`, which counts what they cost, and for the
//! benchmark's bare watch. No interface.

use crate::error::Result;
use crate::profiles;
use crate::walls::filter::{self, Watched};

/// Reads the base, and returns how many rules it has.
pub fn base() -> Result<usize> {
    let variables = profiles::any_values();
    Ok(profiles::settle(&profiles::none()?, true, &variables)?.rules.len())
}

/// Builds the filter, once, and returns how many instructions it has.
#[must_use]
pub fn filter() -> usize {
    filter::program(Watched::Writes, false).len()
}

/// Returns the filter of a jail without options.
#[must_use]
pub fn program() -> jailkeeper_sys::bpf::Program {
    filter::program(Watched::Writes, false).clone()
}
