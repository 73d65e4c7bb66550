//! Finding everything that the rules name, and making trees of it.

use super::Ground;
use super::covers;
use super::find::{self, Found};
use super::jail_path;
use super::trees::{Source, Tree, Trees, Width};
use super::view::{Node, Text, View};
use super::widening;
use crate::error::{Error, ErrorKind, Result};
use crate::profiles;
use crate::settings::Settings;
use jailkeeper_model::profile::{
    CopyEntry, ProfileError, RuleEntry, Settled, SettledPath, SettledVariable, Variables,
};
use jailkeeper_model::{JailPath, Origin, Pattern, Policy, Rank, Right, Rule};
use rustix::fs::FileType;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// The rules of a jail with all paths found.
pub(super) struct Surveyed {
    pub(super) policy: Policy,
    pub(super) trees: Trees,
    pub(super) view: View,
    pub(super) cwd: JailPath,
    pub(super) warnings: Vec<String>,
    pub(super) variables: Vec<SettledVariable>,
    /// Programs whose question whether they may read is the reading.
    pub(super) asking: BTreeSet<String>,
}

struct Surveyor {
    rules: Vec<Rule>,
    found: BTreeMap<JailPath, (Found, Right, bool)>,
    view: View,
    /// What rules carve out and is there.
    carved: Vec<Found>,
    warnings: Vec<String>,
    variables: Vec<SettledVariable>,
    patterns: Vec<Pattern>,
    asking: BTreeSet<String>,
}

/// Opens a small file of the host to be copied from; `None` for one that is large, or no file.
fn original(found: &Found) -> Option<Text> {
    const LIMIT: u64 = 256 * 1024;
    if found.kind != FileType::RegularFile {
        return None;
    }
    let file = std::fs::File::open(found.path.as_path()).ok()?;
    let metadata = file.metadata().ok()?;
    let length = metadata.len();
    // A file of the kernel's has a length only once it is read.
    let kernels = length == 0 || found.path.as_path().starts_with("/sys");
    if kernels {
        let mut text = String::new();
        file.take(4096).read_to_string(&mut text).ok()?;
        return Some(Text::Own(text));
    }
    let modified = u64::try_from(metadata.mtime()).unwrap_or(0);
    (length <= LIMIT).then(|| Text::Copied { file: Arc::new(file), length, modified })
}

/// Finds everything that the settings name.
pub(super) fn survey(
    settings: &Settings,
    cwd: &JailPath,
    ground: &Ground,
    user: (u32, u32),
) -> Result<Surveyed> {
    let mut surveyor = Surveyor {
        rules: Vec::new(),
        found: BTreeMap::new(),
        view: View::new(),
        carved: Vec::new(),
        warnings: Vec::new(),
        variables: Vec::new(),
        patterns: settings.patterns.clone(),
        asking: BTreeSet::new(),
    };
    for requested in &settings.rules {
        let absolute = std::path::absolute(&requested.path).map_err(|error| {
            Error::new(ErrorKind::Policy, "understand the path").at(&requested.path).because(error)
        })?;
        let path = jail_path(&absolute)?;
        surveyor.requested(&path, requested.right, &requested.origin)?;
    }
    let cwd = surveyor.working_directory(settings, cwd)?;
    let variables = values(settings, &cwd, ground, user);
    let none = profiles::none()?;
    let stack = settings.profiles.as_ref().unwrap_or(&none);
    surveyor.profiles(profiles::settle(stack, settings.base, &variables)?)?;
    if settings.base {
        surveyor.devices()?;
    }
    if settings.widens() {
        surveyor.profiles(profiles::secrets(&variables)?)?;
    }
    if let Ground::Host { scratch: Some(scratch) } = ground
        && let Some(found) = find::find(scratch)?
    {
        surveyor.add(found, Right::Write, Origin::Temporary, None, false);
    }
    surveyor.finish(settings, cwd, ground)
}

/// What the variables of profiles stand for.
fn values(settings: &Settings, cwd: &JailPath, ground: &Ground, user: (u32, u32)) -> Variables {
    let own = ground.temporary().filter(|_| settings.private_tmp);
    let tmp = own.unwrap_or_else(|| cwd.clone());
    let variables = Variables::new(cwd.as_path()).with_tmp(tmp.as_path()).with_user(user.0, user.1);
    match &settings.home {
        Some(home) => variables.with_home(home),
        None => variables,
    }
}

impl Surveyor {
    /// A rule of the caller: its path must be there.
    fn requested(&mut self, path: &JailPath, right: Right, origin: &Origin) -> Result<()> {
        if right == Right::Quiet {
            self.quiet(path, origin.clone(), None);
            return Ok(());
        }
        let Some(found) = find::find(path)? else {
            if right == Right::Deny {
                return self.deny_missing(path, origin);
            }
            return Err(Error::new(ErrorKind::Policy, "find the path of a rule")
                .at(path)
                .because("no such file or directory")
                .with_hint("a rule's path must exist; create it first, or allow its parent"));
        };
        if found.path == JailPath::root() && right != Right::Deny {
            return self.everything(right, origin);
        }
        self.add(found, right, origin.clone(), None, true);
        Ok(())
    }

    /// A rule for `/` becomes one for each of its entries: the root itself stays the view's.
    fn everything(&mut self, right: Right, origin: &Origin) -> Result<()> {
        let entries = std::fs::read_dir("/")
            .map_err(|error| Error::new(ErrorKind::Policy, "list").at("/").because(error))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if ["proc", "dev", "tmp"].iter().any(|own| name == *own) {
                continue;
            }
            let path = jail_path(&entry.path())?;
            if let Ok(Some(found)) = find::find(&path) {
                self.add(found, right, origin.clone(), None, true);
            }
        }
        Ok(())
    }

    fn deny_missing(&mut self, path: &JailPath, origin: &Origin) -> Result<()> {
        self.rules.push(Rule::new(path.clone(), Right::Deny, origin.clone()));
        Ok(())
    }

    fn working_directory(&mut self, settings: &Settings, cwd: &JailPath) -> Result<JailPath> {
        let found = find::find(cwd)?.ok_or_else(|| {
            Error::new(ErrorKind::Policy, "find the working directory")
                .at(cwd)
                .because("no such file or directory")
                .with_hint("create it first, or choose another one with `--cwd`")
        })?;
        if found.kind != FileType::Directory {
            return Err(Error::new(ErrorKind::Policy, "start in")
                .at(cwd)
                .because("not a directory")
                .with_hint("choose a directory with `--cwd`"));
        }
        let path = found.path.clone();
        if settings.working_directory {
            if path == JailPath::root() {
                return Err(Error::new(ErrorKind::Policy, "make the working directory writable")
                    .at("/")
                    .with_hint(
                        "the whole system would be writable; choose another directory with \
                         `--cwd`, or add `--no-cwd`",
                    ));
            }
            let explicit = self.found.contains_key(&path);
            if !explicit {
                self.add(found, Right::Write, Origin::WorkingDirectory, None, true);
            }
        } else {
            for link in &found.links {
                self.view.add_link(link);
            }
        }
        Ok(path)
    }

    /// What profiles say, the base among them.
    fn profiles(&mut self, settled: Settled) -> Result<()> {
        for entry in &settled.rules {
            self.entry(entry)?;
        }
        for entry in &settled.copies {
            self.copy(entry)?;
        }
        for file in settled.files {
            let mut rule = Rule::new(file.path.clone(), Right::Read, file.origin);
            if let Some(reason) = file.entry.reason {
                rule = rule.with_reason(reason);
            }
            self.rules.push(rule);
            let text = file.text.to_string_lossy().into_owned();
            self.view.add(&file.path, Node::Text(Text::Own(text)));
        }
        self.patterns.extend(settled.patterns.into_iter().map(|entry| entry.pattern));
        self.variables.extend(settled.variables);
        let programs = settled.askers.into_iter().flat_map(|askers| askers.programs);
        self.asking.extend(programs);
        Ok(())
    }

    /// A rule of a profile.
    fn entry(&mut self, settled: &SettledPath<RuleEntry>) -> Result<()> {
        let (rule, entry) = (settled.rule(), &settled.entry);
        if rule.right() == Right::Quiet {
            self.quiet(&settled.path, rule.origin().clone(), rule.reason());
            return Ok(());
        }
        match find::find(&settled.path) {
            Ok(Some(found)) => {
                let explicit = rule.origin().rank() > Rank::Default;
                self.add_rule(found, rule, explicit);
                Ok(())
            }
            // It may appear.
            Ok(None) if rule.right() == Right::Deny => {
                self.rules.push(rule);
                Ok(())
            }
            // What this machine lacks, or hides from its user, is passed over.
            Ok(None) | Err(_) if entry.optional => Ok(()),
            Ok(None) => {
                let place = entry.path.place.clone();
                let error = ProfileError::new(place, "the path is not there");
                let help =
                    "create it, or say `optional = true` to pass it over where it is missing";
                Err(profiles::wrong(error.with_help(help)))
            }
            Err(error) => Err(error),
        }
    }

    /// Names in `/dev` that lead to a process's own descriptors and terminals.
    fn devices(&mut self) -> Result<()> {
        for (at, target) in [
            ("/dev/fd", "/proc/self/fd"),
            ("/dev/stdin", "/proc/self/fd/0"),
            ("/dev/stdout", "/proc/self/fd/1"),
            ("/dev/stderr", "/proc/self/fd/2"),
            ("/dev/ptmx", "pts/ptmx"),
        ] {
            self.view.add(&jail_path(at.as_ref())?, Node::Link(target.into()));
        }
        Ok(())
    }

    /// A small file that the jail gets a copy of. One that is too large for that is mounted.
    fn copy(&mut self, settled: &SettledPath<CopyEntry>) -> Result<()> {
        let Ok(Some(found)) = find::find(&settled.path) else { return Ok(()) };
        let mut rule = Rule::new(found.path.clone(), Right::Read, settled.origin.clone());
        if let Some(reason) = &settled.entry.reason {
            rule = rule.with_reason(reason);
        }
        let Some(text) = original(&found) else {
            self.add_rule(found, rule, false);
            return Ok(());
        };
        for link in &found.links {
            self.view.add_link(link);
        }
        self.view.add(&found.path, Node::Text(text));
        self.rules.push(rule);
        Ok(())
    }

    fn quiet(&mut self, path: &JailPath, origin: Origin, reason: Option<&str>) {
        let rule = Rule::new(path.clone(), Right::Quiet, origin);
        self.rules.push(match reason {
            Some(reason) => rule.with_reason(reason),
            None => rule,
        });
        if let Ok(Some(found)) = find::find(path) {
            self.carved.push(found);
        }
        self.view.add(path, Node::Hidden);
    }

    fn add(
        &mut self,
        found: Found,
        right: Right,
        origin: Origin,
        reason: Option<String>,
        explicit: bool,
    ) {
        let mut rule = Rule::new(found.path.clone(), right, origin);
        if let Some(reason) = reason {
            rule = rule.with_reason(reason);
        }
        self.add_rule(found, rule, explicit);
    }

    /// Adds a rule and what it leads to, with the links on the way.
    fn add_rule(&mut self, found: Found, rule: Rule, explicit: bool) {
        for link in &found.links {
            self.view.add_link(link);
        }
        let right = rule.right();
        self.rules.push(rule.at(found.path.clone()));
        if right == Right::Deny {
            self.carved.push(found);
        } else {
            self.found.entry(found.path.clone()).or_insert((found, right, explicit));
        }
    }

    fn finish(mut self, settings: &Settings, cwd: JailPath, ground: &Ground) -> Result<Surveyed> {
        let mut own = vec![("/proc", Right::Read, Source::Processes)];
        let view = *ground == Ground::View;
        if settings.base && view {
            own.push(("/dev/shm", Right::Write, Source::Memory));
            own.push(("/dev/pts", Right::Write, Source::Terminals));
        }
        if settings.private_tmp && view {
            own.push(("/tmp", Right::Write, Source::Memory));
        }
        let mut trees = Trees::default();
        let mut widened = Vec::new();
        for (path, right, source) in own {
            let path = jail_path(path.as_ref())?;
            let replaced = self.found.contains_key(&path) && !matches!(source, Source::Processes);
            if replaced {
                continue;
            }
            self.found.remove(&path);
            let scratch = path.as_path() == std::path::Path::new("/tmp");
            let origin = if scratch { Origin::Temporary } else { Origin::Base };
            self.rules.push(Rule::new(path.clone(), right, origin));
            trees.insert(Tree {
                path,
                right,
                directory: true,
                source,
                explicit: false,
                width: Width::Policy,
            });
        }
        let mut policy =
            Policy::builder().strict(settings.strict).on_jailbreak(settings.on_jailbreak);
        for rule in self.rules {
            policy = policy.rule(rule);
        }
        for pattern in self.patterns {
            policy = policy.pattern(pattern);
        }
        let policy = policy.build().map_err(|error| {
            Error::new(ErrorKind::Policy, "make one policy of the rules")
                .because(error)
                .with_hint("give each path one right; a more specific path wins over its parent")
        })?;
        if settings.widens() {
            let width = if settings.overlay { Width::Overlay } else { Width::Reading };
            let taken = |path: &JailPath| self.found.contains_key(path) || trees.at(path).is_some();
            let mounts = widening::mounts();
            for link in widening::links()? {
                self.view.add_link(&link);
            }
            for found in widening::everything()?.into_iter().filter(|found| !taken(&found.path)) {
                widened.push(widening::tree(found, width, &mounts));
            }
            let granted =
                |path: &JailPath| policy.rule_for(path).is_some_and(|rule| rule.right().allows());
            let home = widening::home(settings.home.as_deref())?;
            if let Some(home) = home.filter(|home| !taken(&home.path) && !granted(&home.path)) {
                widened.push(widening::tree(home, width, &mounts));
            }
        }
        for tree in widened {
            trees.insert(tree);
        }
        for (path, (found, _, explicit)) in self.found {
            // The policy knows which of several rules for one path holds.
            let right = policy.rule_for(&path).map_or(Right::Deny, Rule::right);
            let redundant = trees.around(&path).is_some_and(|around| {
                // What may be written is written where it is, not into a layer over it.
                let enough = match around.width {
                    Width::Policy => around.right == right,
                    Width::Reading | Width::Overlay => right == Right::Read,
                };
                // What is carved out in between is closed, with everything below.
                let carved = path
                    .ancestors()
                    .skip(1)
                    .take_while(|above| *above != around.path)
                    .any(|above| is_carved_out(&policy, &above));
                around.is_host() && enough && !carved
            });
            if redundant || right == Right::Deny {
                continue;
            }
            let tree = Tree {
                directory: found.kind == FileType::Directory,
                source: Source::Host {
                    fd: found.fd,
                    device: found.device,
                    inode: found.inode,
                    owner: found.owner,
                },
                path,
                right,
                explicit,
                width: Width::Policy,
            };
            trees.insert(tree);
        }
        let outermost: Vec<_> = trees
            .iter()
            .filter(|tree| trees.around(&tree.path).is_none())
            .map(|tree| (tree.path.clone(), tree.directory))
            .collect();
        for (path, directory) in outermost {
            self.view.add(&path, Node::Place { directory });
        }
        let carving = covers::carve(&policy, &trees, &self.carved)?;
        trees.covers = carving.covers;
        trees.covers.extend(widening::texts(&self.view, &trees));
        trees.covers.sort_by(|one, other| one.at.cmp(&other.at));
        trees.watched = carving.watched.into_iter().collect();
        self.view.add_covers(&trees.covers);
        Ok(Surveyed {
            policy,
            trees,
            view: self.view,
            cwd,
            warnings: self.warnings,
            variables: self.variables,
            asking: self.asking,
        })
    }
}

/// Tells whether a policy takes a path out of a tree.
fn is_carved_out(policy: &Policy, path: &JailPath) -> bool {
    policy.rule_for(path).is_some_and(|rule| !rule.right().allows())
        || policy.denying_pattern(path).is_some()
}
