//! What a jail may do.
//!
//! A policy is rules, each for one path tree; names that are answered as absent; and what follows
//! a jailbreak. It is built once, checked, and never changes.

mod builder;
mod glob;
mod glob_signs;
mod on_jailbreak;
mod pattern;
mod rule;
mod rules;

pub use builder::{PolicyBuilder, PolicyError};
pub use on_jailbreak::OnJailbreak;
pub use pattern::{Pattern, PatternError};
pub use rule::{Origin, Rank, Right, Rule};
pub use rules::Policy;
