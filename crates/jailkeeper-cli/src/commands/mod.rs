//! The subcommands.

pub(crate) mod attach;
#[cfg(feature = "full")]
pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod generate;
#[cfg(feature = "full")]
pub(crate) mod learn;
#[cfg(feature = "full")]
pub(crate) mod plan;
pub(crate) mod profiles;
pub(crate) mod run;
