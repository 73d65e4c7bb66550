//! The subcommands.

pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod learn;
pub(crate) mod plan;
pub(crate) mod profiles;
pub(crate) mod run;
