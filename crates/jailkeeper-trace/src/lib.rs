//! Reads what a system's own tracer writes, and says who touched which file.
//!
//! A [`Trace`] takes the bytes of a tracer as they come, in one of five [`Dialect`]s, and turns them
//! into [`Happening`]s: an [`Attempt`] on a path or an address, a process that was born, ran a
//! program, or ended. It knows the working directory and the descriptors of every process, so that
//! a relative path has a place to start from.
//!
//! ```
//! use jailkeeper_model::JailPath;
//! use jailkeeper_trace::{Dialect, Happening, Trace};
//!
//! let home = JailPath::new("/home/u")?;
//! let mut trace = Trace::new(Dialect::Strace, 7, Some(home));
//! let mut files = Vec::new();
//! trace.feed(b"7 openat(AT_FDCWD, \"../v/no\\164es\", O_RDONLY) = 3\n", &mut |_, happening| {
//!     if let Happening::Attempt(attempt) = happening {
//!         files.extend(attempt.file());
//!     }
//! });
//! assert_eq!(files, [JailPath::new("/home/v/notes")?]);
//! # Ok::<(), jailkeeper_model::PathError>(())
//! ```
//!
//! # What it does not do
//!
//! It has no I/O: it starts no tracer, looks at no file, follows no symbolic link, and decides
//! nothing. A tracer tells what has happened, mostly after it has happened. What a tracer cuts,
//! garbles or cannot see is said ([`Attempt::is_complete`], [`Happening::Garbled`],
//! [`Happening::Unseen`]), and never guessed.
//!
//! # Bounds
//!
//! The memory that it takes is bounded whatever the traced program does: the length of a line, the
//! calls that have begun and not ended, the processes and the descriptors that are remembered.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod attempt;
mod dialect;
mod flags;
mod follower;
mod lines;
mod parser;
mod process;
mod record;
mod text;
mod trace;
mod value;
pub mod vocabulary;

pub use address::Address;
pub use attempt::{Attempt, Place};
pub use dialect::Dialect;
pub use flags::Flags;
pub use lines::{LINE_AT_MOST, Lines};
pub use parser::Parser;
pub use process::{Process, Processes, Shared};
pub use record::{Call, End, Maker, Outcome, Record, What};
pub use text::Text;
pub use trace::{Happening, Trace};
pub use value::{Arguments, Value};
pub use vocabulary::Deed;
