//! Parts of a start for `cargo xtask instructions`, which counts what they cost. No interface.

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
