//! What JailKeeper promises, shown from outside with the built command.

mod attempt;
mod calling;
mod connecting;
mod looking;
mod reading;
mod writing;
