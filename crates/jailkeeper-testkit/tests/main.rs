//! What JailKeeper promises, shown from outside with the built command.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

mod attach;
mod attach_limits;
mod attempt;
mod basics;
mod both;
mod calling;
mod conditions;
mod connecting;
mod death;
mod flat;
mod granting;
mod harmless;
mod hostile;
mod input;
mod living;
mod looking;
mod monitor;
mod nested;
mod programs;
mod proofs;
mod races;
mod reading;
mod resting;
mod surroundings;
mod tex;
mod tracers;
mod writing;
