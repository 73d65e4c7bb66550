//! What JailKeeper promises, shown from outside with the built command.

mod attempt;
mod basics;
mod both;
mod calling;
mod connecting;
mod input;
mod looking;
mod programs;
mod reading;
mod writing;
