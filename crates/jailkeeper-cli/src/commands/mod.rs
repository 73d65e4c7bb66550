//! The subcommands.

pub(crate) mod doctor;
pub(crate) mod generate;
pub(crate) mod plan;
pub(crate) mod run;
