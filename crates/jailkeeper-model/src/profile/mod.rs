//! Profiles: policies with a name, as people write them in files.
//!
//! A profile is TOML. [`Profile::parse`] reads one, and every value of it knows where it was
//! written.
//!
//! ```toml
//! version = 1
//! description = "my thesis"
//! extends = ["latex", "./colours.toml"]
//! read = ["/srv/figures", { path = "${home}/.fonts", optional = true, reason = "my fonts" }]
//! deny = ["${cwd}/.git"]
//! patterns = [{ glob = "${cwd}/**/.env*", right = "deny", reason = "secrets" }]
//! env = [{ name = "LANG", pass = true }]
//!
//! [limits]
//! wall_time = "5m"
//! ```
//!
//! # What this module does not do
//!
//! It opens no file: who asks for a profile hands over its text. It does not know whether a path
//! exists, and follows no symbolic link.

pub mod compiled;
mod document;
mod entry;
mod error;
mod keys;
mod layers;
mod paths;
mod pattern;
mod picture;
mod place;
mod reader;
mod schema;
mod settle;
mod settled;
mod stack;
mod suggest;
mod syntax;
mod template;
mod twice;
mod wall_time;

pub use document::Profile;
pub use entry::{
    AskersEntry, CopyEntry, FileEntry, Net, PatternEntry, PatternKind, RuleEntry, Tmp,
    VariableEntry,
};
pub use error::ProfileError;
pub use pattern::CompileError;
pub use picture::Picture;
pub use place::{Located, Place, Source};
pub(crate) use schema::schema;
pub use settled::{Settled, SettledFile, SettledPath, SettledPattern, SettledVariable};
pub use stack::{Load, Stack, stack};
pub use template::{ExpandError, Template, Variable, Variables};
