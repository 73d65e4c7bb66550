//! Runs programs that nobody trusts, and names what they tried.
//!
//! A program runs in a *jail*: it may touch the files it was given and nothing else. The first
//! attempt at anything else is a *jailbreak*: the kernel refuses it before it happens, the whole
//! process tree dies, and the caller gets one event that says who tried what on which path.
//!
//! ```no_run
//! use jailkeeper::{Event, Jail, Stdio};
//!
//! let jail = Jail::builder().build()?;
//! let mut child = jail
//!     .command("pdflatex")
//!     .arg("paper.tex")
//!     .current_dir("/srv/paper")
//!     .stdin(Stdio::Null)
//!     .spawn()?;
//! for event in child.events() {
//!     if let Event::Jailbreak(jailbreak) = event {
//!         eprintln!("{} {:?}", jailbreak.mode, jailbreak.file);
//!     }
//! }
//! let finished = child.wait()?;
//! println!("{:?}", finished.code);
//! # Ok::<(), jailkeeper::Error>(())
//! ```
//!
//! # How it holds
//!
//! The jail's root is a file system that this library serves. Allowed trees are mounted on it
//! and are native; any other name that exists is the tripwire's. Behind that view stand Landlock
//! and a seccomp filter. Before a program starts, a forbidden canary is tried from inside the
//! finished jail, and both watches and Landlock must have met it.
//!
//! # What it does not do
//!
//! It does not protect against bugs of the kernel, against what a program does with the files
//! that it was given, or against time spent and memory used (of limits there is the wall time).
//! See `THREAT_MODEL.md`.
//!
//! # In your program
//!
//! The library never prints, reads no environment, installs no signal handler and never exits. It
//! works in programs with many threads; each running jail has three of its own. If your process
//! dies, its jails die.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "full")]
mod attach;
mod child;
mod command;
#[cfg(feature = "full")]
#[doc(hidden)]
pub mod counted;
#[cfg(feature = "full")]
mod death;
mod environment;
mod error;
#[cfg(not(feature = "full"))]
mod inherited;
mod jail;
#[cfg(feature = "full")]
mod launch;
mod monitor;
#[cfg(feature = "full")]
mod pace;
#[cfg(feature = "full")]
mod plan;
#[cfg(feature = "full")]
mod prepared;
#[cfg(feature = "full")]
mod probe;
#[cfg(feature = "full")]
mod proc_entry;
mod profiles;
mod protected;
mod recorder;
#[cfg(feature = "full")]
mod remedy;
mod scratch;
mod settings;
mod stdio;
#[cfg(feature = "full")]
mod supervisor;
#[cfg(feature = "full")]
mod walls;
#[cfg(feature = "full")]
mod ward;
#[cfg(feature = "full")]
mod watch;

pub use child::{Child, Finished, Signaller, UNWATCHED, WALL_LOST, WEAKER};
pub use command::{Command, INHERITED_VARIABLES};
pub use error::{Error, ErrorKind, Result};
#[cfg(not(feature = "full"))]
pub use inherited::{inherited_descriptor, keep_from_children};
pub use jail::{Jail, JailBuilder};
pub use jailkeeper_model::{self as model, Event, OnJailbreak, Origin, Report, Right};
#[cfg(feature = "full")]
pub use jailkeeper_sys::process::{inherited as inherited_descriptor, keep_from_children};
#[cfg(feature = "full")]
pub use jailkeeper_sys::resident::give_back as give_memory_back;
pub use monitor::{Tracer, TracerFinding};
#[cfg(feature = "full")]
pub use plan::{Checked, PlannedTree, Summary};
#[cfg(feature = "full")]
pub use prepared::Prepared;
#[cfg(feature = "full")]
pub use probe::{Finding, Probe, Surroundings};
pub use profiles::{Listed, Secrets, Shelf};
#[cfg(feature = "full")]
pub use remedy::apparmor_profile;
pub use rustix::process::Signal;
pub use settings::Outside;
pub use stdio::Stdio;
