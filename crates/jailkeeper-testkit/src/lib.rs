//! What tests of jails from outside need.
//!
//! A test of an escape runs as root and makes mounts, kills process trees and tries to break out:
//! what goes wrong in it must not reach the machine. So nothing here runs the `jailkeeper` command
//! but inside a [containment](Contained): namespaces of its own, a limit of processes and a
//! time-out.
//!
//! - [`Place`] is a directory tree with a work directory, and files beside it that no jail may
//!   touch;
//! - [`Ran`] is what came out of a run: status, output, events, report;
//! - [`Proof`] is a real project under a shipped profile, [`Outline`] what belongs to it;
//! - [`needs!`] declares what a test cannot do without, before the test begins;
//! - the program `escape` makes one attempt to get out and tells whether it survived it.
//!
//! ```no_run
//! use jailkeeper_testkit::{Place, User};
//! let place = Place::new(User::Ordinary);
//! let ran = place.jail("", ["cat", "{out}/file"]);
//! assert_eq!(ran.breach().file, Some(place.text("{out}/file")));
//! ran.leaks_nothing();
//! ```

#![forbid(unsafe_code)]

mod binary;
mod containment;
mod needs;
mod outline;
mod place;
mod proof;
mod ran;

pub use binary::{escape_binary, host_binary, jailkeeper_binary, replay_binary, warm_binary};
pub use containment::{Contained, ORDINARY, User};
pub use needs::are_met;
pub use outline::{Outline, Part, Shown, Unshown};
pub use place::Place;
pub use proof::Proof;
pub use ran::Ran;
