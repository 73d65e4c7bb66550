//! The plan: a policy on this machine, as exactly what will be set up.
//!
//! Everything that can fail for a reason that the caller can mend fails here, before any process
//! was made: paths that are not there, rules that contradict each other, state files that the
//! jail could write, walls that the machine does not have.

mod check;
mod covers;
mod find;
mod ground;
mod lookup;
mod native;
mod summary;
mod survey;
mod trees;
mod view;
mod walls_alone;
mod widening;

pub(crate) use crate::protected::jail_path;
pub use check::Checked;
pub(crate) use find::push_components;
pub(crate) use ground::{Ground, choose, may_be_flat};
pub(crate) use native::Native;
pub use summary::{PlannedTree, Summary};
pub(crate) use trees::{Source, Tree, Trees, Width};
pub(crate) use view::{COVERS, Cover, Node, NodeId, Text, View};

use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::probe::{Finding, Probe};
use crate::settings::Settings;
use crate::walls::filter::Watched;
use crate::walls::idmap::Maps;
use jailkeeper_model::{JailPath, Policy, Right, Rule, Strength};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The user that a jail runs as when its caller is root: no account of any distribution.
pub(crate) const JAIL_USER: u32 = 65533;

/// What to run, in words of the plan.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) program: OsString,
    /// The name under which the program sees itself, and its arguments.
    pub(crate) arguments: Vec<OsString>,
    pub(crate) cwd: PathBuf,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    /// The caller's own variables, of which profiles pass some on.
    pub(crate) offered: BTreeMap<OsString, OsString>,
    /// The streams that are the jail's own terminal.
    pub(crate) terminal: Vec<i32>,
    /// How many descriptors it may have, soft and hard, if not as many as this process.
    pub(crate) files: Option<(u64, u64)>,
    /// The process runs already.
    pub(crate) attached: Option<Attached>,
}

/// What is fixed for a process that runs already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    /// It stays who it is.
    pub(crate) identity: Identity,
}

/// Who the jail runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The user on the host and in the jail.
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// The caller is root, and the jail is somebody else.
    pub(crate) changed: bool,
}

/// A policy on this machine.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) ground: Ground,
    pub(crate) policy: Policy,
    pub(crate) trees: Trees,
    /// What Landlock grants, where it stands alone.
    pub(crate) native: Native,
    pub(crate) view: View,
    /// Programs whose question whether they may read a file is the reading.
    pub(crate) asking: BTreeSet<String>,
    pub(crate) identity: Identity,
    pub(crate) landlock_abi: u32,
    pub(crate) cwd: JailPath,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) program: OsString,
    pub(crate) candidates: Vec<PathBuf>,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) terminal: Vec<i32>,
    pub(crate) files: Option<(u64, u64)>,
    pub(crate) warnings: Vec<String>,
    /// Why the jail is not as strong as the caller allows, if this machine is the reason.
    pub(crate) weaker: Option<String>,
    /// What failed when a stronger jail was raised.
    pub(crate) fallen_back: Option<String>,
    /// The walls stand alone.
    pub(crate) unwatched: bool,
    /// The jail may make sandboxes of its own.
    pub(crate) nested: bool,
    /// The id maps of its trees, made at the first start.
    pub(crate) maps: Maps,
    hide: bool,
}

impl Plan {
    /// Makes the plan.
    pub(crate) fn new(
        settings: &Settings,
        wanted: Wanted,
        probe: &Probe,
        ground: Ground,
    ) -> Result<Self> {
        let cwd = std::path::absolute(&wanted.cwd)
            .map_err(|error| {
                Error::new(ErrorKind::Policy, "find the working directory").because(error)
            })
            .and_then(|cwd| jail_path(&cwd))?;
        let caller = Identity::of_caller(probe);
        let user = (caller.user, caller.group);
        let mut surveyed = survey::survey(settings, &cwd, &ground, user)?;
        let identity = match (&wanted.attached, &ground) {
            (Some(attached), _) => attached.identity,
            (None, Ground::View) => caller,
            (None, Ground::Host { .. }) => Identity::on_host(probe, &surveyed.trees)?,
        };
        // Who that is depends on what was found, and the base's list of users names it.
        if (identity.user, identity.group) != user {
            // Each holds a descriptor for every rule.
            drop(surveyed);
            surveyed = survey::survey(settings, &cwd, &ground, (identity.user, identity.group))?;
        }
        if let Ground::Host { .. } = &ground
            && let Some(cover) = surveyed.trees.covers.iter().find(|cover| cover.at != cover.path)
        {
            return Err(Error::new(ErrorKind::Policy, "deny at strength `flat`")
                .at(&cover.path)
                .because(format!("`{}` is another name of the file", cover.at.display()))
                .with_hint("deny that name too, or use a machine that has strength `full`"));
        }
        let policy = surveyed.policy;
        crate::protected::protect_state(settings, &policy)?;
        let cwd = surveyed.cwd;
        if wanted.attached.is_none()
            && policy.rule_for(&cwd).is_none_or(|rule| rule.right() == Right::Deny)
            && !policy.is_route(&cwd)
        {
            return Err(Error::new(ErrorKind::Policy, "start in").at(&cwd).with_hint(
                "the working directory is outside the jail; allow it with `--read` or `--write`, \
                 or leave `--no-cwd` away",
            ));
        }
        let scratch = ground
            .temporary()
            .filter(|tmp| policy.rule_for(tmp).is_some_and(|rule| rule.right() == Right::Write));
        let widened = settings.widens();
        let environment = environment::inside(
            &wanted.environment,
            scratch.as_ref(),
            &cwd,
            &surveyed.variables,
            &wanted.offered,
            |folder| widened || can_be_reached(folder, &policy, &surveyed.view),
        );
        let native = match &ground {
            Ground::View => Native::default(),
            Ground::Host { .. } => Native::of(&policy, &surveyed.trees),
        };
        walls_alone::check(settings, probe, &ground, &policy, &native)?;
        let mut warnings = surveyed.warnings;
        warnings.extend(native.left_out().map(|directory| {
            format!(
                "`{}` has more files beside what is denied than Landlock gets rules for ({}): \
                 programs among the rest cannot be run",
                directory.display(),
                native::ENTRIES_AT_MOST
            )
        }));
        let candidates = environment::candidates(&wanted.program, &environment);
        let program = wanted.program.clone();
        let first = wanted.arguments.first().cloned().unwrap_or(program);
        let rest = wanted.arguments.into_iter().skip(1);
        Ok(Self {
            ground,
            policy,
            trees: surveyed.trees,
            native,
            view: surveyed.view,
            asking: surveyed.asking,
            identity,
            landlock_abi: probe.landlock_abi,
            cwd,
            arguments: std::iter::once(first).chain(rest).collect(),
            program: wanted.program,
            candidates,
            environment,
            terminal: wanted.terminal,
            files: wanted.files,
            warnings,
            weaker: weaker(settings, probe),
            fallen_back: None,
            unwatched: settings.unwatched,
            nested: settings.nested,
            maps: Maps::default(),
            hide: settings.hide,
        })
    }
}

impl Plan {
    /// Returns how strong the jail is.
    pub(crate) fn strength(&self) -> Strength {
        self.ground.strength()
    }

    /// Says that a stronger jail was tried and could not be raised.
    pub(crate) fn falls_back(&mut self, failed: String) {
        self.weaker = Some(failed.clone());
        self.fallen_back = Some(failed);
    }

    /// Whether looking at what is outside is answered as absent although it is there.
    pub(crate) fn hides(&self) -> bool {
        self.hide || self.policy.strict()
    }

    /// Which calls the watch has to see.
    pub(crate) fn watched(&self) -> Watched {
        let patterns = self.policy.patterns();
        if self.is_widened() {
            Watched::Everything
        } else if self.policy.asks() || patterns.iter().any(|pattern| pattern.right().allows()) {
            Watched::Opens
        } else {
            Watched::Writes
        }
    }

    /// Tells whether the plan can be used for more than one start: what it has found can be found
    /// to be the same again. Not so where names are carved out of trees (another name may have
    /// appeared there), where walls are wider than the policy, and at strength `flat`, where each
    /// jail has a directory of its own on the host.
    pub(crate) fn can_be_used_again(&self) -> bool {
        self.ground == Ground::View
            && self.trees.covers.is_empty()
            && self.trees.watched.is_empty()
            && !self.is_widened()
    }

    /// Tells whether what the plan has found is still what is there: every tree at its path, and
    /// the caller who it was made for.
    pub(crate) fn is_still_true(&self) -> bool {
        let user = rustix::process::geteuid();
        let same_caller = match self.identity.changed {
            true => user.is_root(),
            false => user.as_raw() == self.identity.user,
        };
        same_caller
            && self.trees.iter().all(|tree| match &tree.source {
                Source::Host { device, inode, .. } => find::is_still(&tree.path, (*device, *inode)),
                _ => true,
            })
    }

    /// Tells whether the walls are wider than the policy.
    pub(crate) fn is_widened(&self) -> bool {
        self.trees.iter().any(|tree| tree.width != Width::Policy)
    }
}

impl Identity {
    fn of_caller(probe: &Probe) -> Self {
        if probe.root {
            return Self { user: JAIL_USER, group: JAIL_USER, changed: true };
        }
        Self {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
            changed: false,
        }
    }
}

/// Says what is missing for the strongest that the caller allows.
fn weaker(settings: &Settings, probe: &Probe) -> Option<String> {
    if settings.strength_at_most < Strength::Full {
        return None;
    }
    probe.findings().into_iter().find_map(|(name, finding)| match finding {
        Finding::Missing { reason, .. } => Some(format!("no {name}: {reason}")),
        Finding::Present { .. } => None,
    })
}

fn can_be_reached(folder: &Path, policy: &Policy, view: &View) -> bool {
    let Ok(path) = JailPath::new(folder) else { return false };
    if policy.rule_for(&path).is_some_and(|rule| rule.right() != Right::Deny) {
        return true;
    }
    // One in which single files are allowed, or links lead to some, shows nothing but these.
    let holds = |inside: &JailPath| inside.parent().as_ref() == Some(&path);
    let allowed = |rule: &Rule| rule.right().allows() && holds(rule.path());
    if policy.rules().iter().any(allowed) || view.links().any(|(at, _)| holds(at)) {
        return true;
    }
    // A directory that is reached through one of the view's links, such as /bin.
    path.ancestors().any(|ancestor| {
        view.find(&ancestor)
            .and_then(|id| view.node(id))
            .is_some_and(|node| matches!(node, Node::Link(_)))
    })
}
