//! What a caller asks for, before it meets the machine.

use crate::monitor::Tracer;
use jailkeeper_model::profile::Stack;
use jailkeeper_model::{OnJailbreak, Origin, Pattern, Right, Strength};
use std::path::PathBuf;
use std::time::Duration;

/// A rule as the caller wrote it.
#[derive(Debug, Clone)]
pub(crate) struct RequestedRule {
    pub(crate) path: PathBuf,
    pub(crate) right: Right,
    pub(crate) origin: Origin,
}

/// What becomes of things that a process has when it is attached to, and that the policy does not
/// give it: open files, sockets, rings of io_uring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Outside {
    /// They are a reason not to attach.
    #[default]
    Refuse,
    /// They are closed, in the process.
    Close,
    /// They stay as they are. A ring of io_uring never does: it is a reason not to attach.
    Keep,
}

/// Everything that a caller can say about a jail.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) rules: Vec<RequestedRule>,
    pub(crate) patterns: Vec<Pattern>,
    /// Files that the jail must not be able to change: policies, event files, reports.
    pub(crate) protected: Vec<PathBuf>,
    pub(crate) base: bool,
    /// The profiles, with all that they extend.
    pub(crate) profiles: Option<Stack>,
    /// The caller's home directory, which profiles name.
    pub(crate) home: Option<PathBuf>,
    pub(crate) working_directory: bool,
    pub(crate) private_tmp: bool,
    pub(crate) strict: bool,
    pub(crate) report_probes: bool,
    pub(crate) on_jailbreak: OnJailbreak,
    pub(crate) wall_time: Option<Duration>,
    /// Who watches where there are no walls.
    pub(crate) tracer: Tracer,
    /// Writes outside go to a layer that is thrown away, instead of being refused.
    pub(crate) overlay: bool,
    /// How long an answer is waited for.
    pub(crate) ask_timeout: Duration,
    /// Nothing weaker is run.
    pub(crate) strength: Strength,
    /// Nothing stronger is built.
    pub(crate) strength_at_most: Strength,
    /// Looking at something outside is answered as absent at strength `flat` too.
    pub(crate) hide: bool,
    /// What becomes of what a running process has already.
    pub(crate) outside: Outside,
    /// The walls stand alone: nobody is told what they refuse.
    pub(crate) unwatched: bool,
    /// The jail may make sandboxes of its own.
    pub(crate) nested: bool,
}

#[cfg(feature = "full")]
impl Settings {
    /// Tells whether the walls are wider than the policy.
    pub(crate) fn widens(&self) -> bool {
        self.overlay || self.on_jailbreak == OnJailbreak::Log
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            patterns: Vec::new(),
            protected: Vec::new(),
            base: true,
            profiles: None,
            home: None,
            working_directory: true,
            private_tmp: true,
            strict: false,
            report_probes: false,
            on_jailbreak: OnJailbreak::Kill,
            wall_time: None,
            tracer: Tracer::Automatic,
            strength: Strength::Flat,
            strength_at_most: Strength::Full,
            hide: false,
            outside: Outside::Refuse,
            unwatched: false,
            nested: false,
            overlay: false,
            ask_timeout: Duration::from_secs(60),
        }
    }
}
