//! What a jail stands on: a view of its own, or the host's files with walls in them.

use super::trees::{Source, Tree, Trees};
use super::{Identity, JAIL_USER};
use crate::error::{Error, ErrorKind, Result};
use crate::probe::{Finding, LISTENER, Probe};
use crate::settings::Settings;
use jailkeeper_model::{JailPath, Right, Strength};
use rustix::fs::{Mode, RawMode};

/// What a jail stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Strength `full`: names of its own.
    View,
    /// Strength `flat`: the host's names.
    Host {
        /// The private directory that takes the place of `/tmp`; none in a dry run.
        scratch: Option<JailPath>,
    },
}

impl Ground {
    /// Returns the strength of a jail on this ground.
    pub(crate) fn strength(&self) -> Strength {
        match self {
            Self::View => Strength::Full,
            Self::Host { .. } => Strength::Flat,
        }
    }

    /// Returns the directory for temporary files, if the jail has one of its own.
    pub(crate) fn temporary(&self) -> Option<JailPath> {
        match self {
            Self::View => JailPath::new("/tmp").ok(),
            Self::Host { scratch } => scratch.clone(),
        }
    }
}

/// What is left where no wall can be had.
const LAST_RESORT: &str = "as the last resort a tracer can watch, which enforces nothing: \
     `--strength monitor`, in Node `strength: 'monitor'`";

/// What is left where walls can be had, and no watch.
const WALLS_ALONE: &str = "`--watch none`, in Node `watch: 'none'`, lets the walls stand alone: \
     nobody is told what they refuse, and the jail goes on";

/// Chooses the strongest that the caller wants and this machine has.
pub(crate) fn choose(settings: &Settings, probe: &Probe) -> Result<Strength> {
    // Walls that are wider than the policy are made of mounts.
    let floor = if settings.widens() { Strength::Full } else { settings.strength };
    let ceiling = if settings.unwatched {
        // The view is a watch: what it serves, somebody must serve.
        settings.strength_at_most.min(Strength::Flat)
    } else {
        settings.strength_at_most
    };
    let may_watch = settings.strength == Strength::Monitor;
    if ceiling == Strength::Monitor && may_watch {
        return Ok(Strength::Monitor);
    }
    if ceiling < floor {
        return Err(Error::new(ErrorKind::Policy, "choose a strength")
            .because(format!("at least `{floor}` and at most `{ceiling}` is none"))
            .with_hint("lower the one or raise the other"));
    }
    if ceiling >= Strength::Full && probe.supports_full() {
        return Ok(Strength::Full);
    }
    let has_walls =
        if settings.unwatched { probe.landlock.is_present() } else { probe.supports_flat() };
    if floor <= Strength::Flat && has_walls {
        return Ok(Strength::Flat);
    }
    // Only by the caller's explicit word, and where nothing else can be had.
    if may_watch {
        return Ok(Strength::Monitor);
    }
    // What is missing for the weakest that would do is the least that must be mended.
    let (weakest, findings) = if floor == Strength::Full {
        (Strength::Full, probe.findings().to_vec())
    } else {
        (Strength::Flat, probe.flat_findings().to_vec())
    };
    for (name, finding) in findings {
        if let Finding::Missing { reason, remedy } = finding {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("build the walls of strength `{weakest}`: {name} cannot be had"),
            )
            .because(reason.clone())
            .with_hint(match weakest {
                Strength::Full => remedy.clone(),
                _ if name == LISTENER => format!("{remedy}; {WALLS_ALONE}; {LAST_RESORT}"),
                _ => format!("{remedy}; {LAST_RESORT}"),
            }));
        }
    }
    Err(Error::new(ErrorKind::Unsupported, format!("build the walls of strength `{weakest}`")))
}

/// Tells whether strength `flat` would do where `full` was chosen and cannot be raised.
pub(crate) fn may_be_flat(settings: &Settings, probe: &Probe) -> bool {
    let floor = if settings.widens() { Strength::Full } else { settings.strength };
    floor <= Strength::Flat && probe.supports_flat()
}

impl Identity {
    /// Returns who the jail is on the host's own files.
    ///
    /// Root's jail is never root. Without id-mapped mounts what it creates belongs to itself, so
    /// it is the owner of what it may write, where that is an ordinary user.
    pub(super) fn on_host(probe: &Probe, trees: &Trees) -> Result<Self> {
        if !probe.root {
            return Ok(Self::of_caller(probe));
        }
        let written = |tree: &&Tree| tree.explicit && tree.right == Right::Write;
        let owners = trees.iter().filter(written).filter_map(|tree| match &tree.source {
            Source::Host { owner, .. } => Some(*owner),
            _ => None,
        });
        let owner = owners.into_iter().find(|(user, _)| *user != 0);
        let (user, group) = owner.unwrap_or((JAIL_USER, JAIL_USER));
        let identity =
            Self { user, group: if group == 0 { JAIL_USER } else { group }, changed: true };
        for tree in trees.iter().filter(written) {
            identity.may_write(tree)?;
        }
        Ok(identity)
    }

    /// Fails if a tree cannot be written by this user, whatever the policy says.
    fn may_write(self, tree: &Tree) -> Result<()> {
        let Source::Host { fd, .. } = &tree.source else { return Ok(()) };
        let stat = rustix::fs::fstat(fd).map_err(|error| {
            Error::new(ErrorKind::Policy, "look at")
                .at(&tree.path)
                .because(std::io::Error::from(error))
        })?;
        let bit = if stat.st_uid == self.user {
            Mode::WUSR
        } else if stat.st_gid == self.group {
            Mode::WGRP
        } else {
            Mode::WOTH
        };
        if RawMode::from(bit) & stat.st_mode != 0 {
            return Ok(());
        }
        let Self { user, group, .. } = self;
        Err(Error::new(ErrorKind::Policy, "make writable at strength `flat`")
            .at(&tree.path)
            .because(format!(
                "it belongs to user {}, a jail never runs as root, and without namespaces ids \
                 cannot be mapped: this one runs as user {user}",
                stat.st_uid
            ))
            .with_hint(format!(
                "give the directory away (chown -R {user}:{group} DIR), run jailkeeper as an \
                 ordinary user, or use a machine with user namespaces and /dev/fuse (strength \
                 `full`)"
            )))
    }
}
