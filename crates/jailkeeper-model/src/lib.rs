//! The words of JailKeeper, and the one function that decides.
//!
//! A [`Policy`] says what a jail may do. An [`Access`] is one attempt of the program in it, in
//! words. [`decide()`] turns the two into a [`Verdict`]: allow it, refuse it as if nothing were
//! there, or call it a jailbreak. What leaves the engine is an [`Event`], one line of JSON, and
//! the fold of a run's events is its [`Report`].
//!
//! ```
//! use jailkeeper_model::{Access, JailPath, Origin, Policy, Presence, Right, Rule, Verdict};
//! use jailkeeper_model::{Because, decide};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let flag = |text: &str| Origin::Flag(text.into());
//! let policy = Policy::builder()
//!     .rule(Rule::new(JailPath::new("/usr")?, Right::Read, Origin::Base))
//!     .rule(Rule::new(JailPath::new("/home/u/work")?, Right::Write, Origin::WorkingDirectory))
//!     .rule(Rule::new(JailPath::new("/home/u/work/.git")?, Right::Deny, flag("--deny .git")))
//!     .build()?;
//!
//! let compiler = Access::execute(JailPath::new("/usr/bin/cc")?, Presence::Exists);
//! assert_eq!(decide(&policy, &compiler), Verdict::Allow);
//!
//! let key = Access::read(JailPath::new("/home/u/.ssh/id_ed25519")?, Presence::Exists);
//! let Verdict::Jailbreak(breach) = decide(&policy, &key) else { return Err("allowed".into()) };
//! assert_eq!(breach.because, Because::Outside);
//! # Ok(())
//! # }
//! ```
//!
//! # The rules of deciding
//!
//! * The most specific rule wins, whatever the order; prefixes are compared by component, so a
//!   rule for `/x/jail1` says nothing about `/x/jail10`.
//! * Reading what is not there is no jailbreak: a program may look for files in vain.
//! * A [probe](Class::Probe) of something outside is answered as if nothing were there, and
//!   counted; it is a jailbreak in a [strict](Policy::strict) policy alone.
//! * Creating anything outside is a jailbreak, whether or not it is there.
//! * Directories on the way to an allowed tree (*routes*) can be passed and listed.
//!
//! # What this crate does not do
//!
//! It touches no file and asks no kernel: it has no I/O and no clock. A [`JailPath`] is
//! normalised as text, so whoever builds one from a path with symbolic links must follow them
//! first. Nothing here enforces anything; the walls of the engine do.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access;
mod decide;
mod escape;
mod event;
pub mod learn;
mod path;
mod policy;
pub mod profile;
mod report;
mod schema;
mod strength;
mod verdict;
mod word;

pub use access::{Access, Class, Mode, Presence, Target};
pub use decide::decide;
pub use escape::{Escaped, escape};
pub use event::{
    ActionTaken, Ancestor, Answer, Event, EventError, Exit, Failure, Header, JailId, Jailbreak,
    Limit, Lost, Outside, OutsideKind, OutsideState, Probe, Question, RawBytes, Reply, Start,
    Timestamp, Usage, Version, Wall, Warning, WirePath,
};
pub use path::{JailPath, PathError};
pub use policy::{
    OnJailbreak, Origin, Pattern, PatternError, Policy, PolicyBuilder, PolicyError, Rank, Right,
    Rule,
};
pub use report::{Forgiven, ForgivenList, Outcome, Report};
pub use schema::{event_schema, profile_schema, report_schema};
pub use strength::Strength;
pub use verdict::{Action, Because, Breach, Refusal, Verdict};
pub use word::UnknownWord;
