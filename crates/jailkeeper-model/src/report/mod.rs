//! The account of a whole run.

mod fold;
mod forgiven;

pub use fold::{Outcome, Report};
pub use forgiven::{Forgiven, ForgivenList};
