//! The processes, their working directories and descriptors.

mod descriptors;
mod pool;
mod table;

pub use table::{Process, Processes, Shared};
