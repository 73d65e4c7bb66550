//! What JailKeeper promises, shown from outside with the built command.

mod attempt;
mod basics;
mod both;
mod calling;
mod connecting;
mod death;
mod harmless;
mod input;
mod looking;
mod programs;
mod races;
mod reading;
mod surroundings;
mod tex;
mod writing;
