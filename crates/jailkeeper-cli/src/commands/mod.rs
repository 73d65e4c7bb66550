//! The subcommands.

pub(crate) mod doctor;
pub(crate) mod generate;
#[cfg(feature = "full")]
pub(crate) mod plan;
pub(crate) mod run;
