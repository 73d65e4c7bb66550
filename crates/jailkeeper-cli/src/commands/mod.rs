//! The subcommands.

pub(crate) mod attach;
pub(crate) mod doctor;
pub(crate) mod generate;
#[cfg(feature = "full")]
pub(crate) mod plan;
pub(crate) mod run;
