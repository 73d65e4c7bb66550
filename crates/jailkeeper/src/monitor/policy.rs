//! The policy of a run without walls: the rules of any other, with paths of the host.

use super::resolve::resolve;
use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::profiles;
use crate::protected::{jail_path, protect_state};
use crate::scratch::Scratch;
use crate::settings::Settings;
use jailkeeper_model::profile::{Profile, ProfileError, Settled, SettledVariable, Variables};
use jailkeeper_model::{JailPath, OnJailbreak, Origin, Pattern, Policy, Presence, Right, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What the base of the other systems has besides.
const SYSTEMS: &str = include_str!("systems.toml");

/// A command to be run, or nothing but a place if it runs already.
pub(crate) struct Request {
    pub(crate) program: OsString,
    /// The name under which the program sees itself, and its arguments.
    pub(crate) arguments: Vec<OsString>,
    pub(crate) cwd: PathBuf,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    /// The caller's own variables, of which profiles pass some on.
    pub(crate) offered: BTreeMap<OsString, OsString>,
}

/// A policy on this machine, and what a command needs to run under it.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) policy: Policy,
    pub(crate) cwd: JailPath,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) candidates: Vec<PathBuf>,
    /// Programs whose question whether they may read a file is the reading.
    pub(crate) asking: BTreeSet<String>,
    /// Where the command may write besides, in the place of `/tmp`.
    pub(crate) temporary: Option<JailPath>,
    /// The same, removed when the run is over.
    _scratch: Option<Scratch>,
}

/// Rules as they come together.
struct Rules {
    rules: Vec<Rule>,
    /// The symbolic links on the way to them: they may be looked at.
    links: BTreeSet<JailPath>,
    variables: Vec<SettledVariable>,
    patterns: Vec<Pattern>,
    asking: BTreeSet<String>,
}

impl Ground {
    /// Makes the policy, and a temporary directory if the settings ask for one.
    pub(crate) fn new(settings: &Settings, request: &Request) -> Result<Self> {
        require_possible(settings)?;
        let mut rules = Rules {
            rules: Vec::new(),
            links: BTreeSet::new(),
            variables: Vec::new(),
            patterns: settings.patterns.clone(),
            asking: BTreeSet::new(),
        };
        for requested in &settings.rules {
            let absolute = std::path::absolute(&requested.path).map_err(|error| {
                Error::new(ErrorKind::Policy, "understand the path")
                    .at(&requested.path)
                    .because(error)
            })?;
            rules.requested(&jail_path(&absolute)?, requested.right, &requested.origin)?;
        }
        let cwd = rules.working_directory(settings, &request.cwd)?;
        if settings.base {
            rules.terminals();
            // The judge takes the entries of all processes of the jail for these.
            let rule = Rule::new(jail_path(Path::new("/proc/self"))?, Right::Write, Origin::Base);
            rules.rules.push(rule.with_reason("what the kernel tells of the jail's own processes"));
        }
        // What runs already has been told where to write.
        let wanted = settings.private_tmp && !request.program.is_empty();
        let scratch = if wanted { Some(Scratch::make(None)?) } else { None };
        // `/tmp` is a link on macOS.
        let temporary = match &scratch {
            Some(scratch) => {
                let found = resolve(&JailPath::root(), scratch.path()?.as_path(), true, None);
                let rule = Rule::new(found.path.clone(), Right::Write, Origin::Temporary);
                rules.rules.push(rule);
                Some(found.path)
            }
            None => None,
        };
        let values = variables(settings, &cwd, temporary.as_ref());
        let none = profiles::none()?;
        let stack = settings.profiles.as_ref().unwrap_or(&none);
        rules.profiles(profiles::settle(stack, settings.base, &values)?)?;
        if settings.base {
            rules.profiles(systems(&values)?)?;
        }
        let policy = rules.build(settings)?;
        protect_state(settings, &policy)?;
        if policy.rule_for(&cwd).is_none_or(|rule| !rule.right().allows()) && !policy.is_route(&cwd)
        {
            return Err(Error::new(ErrorKind::Policy, "start in").at(&cwd).with_hint(
                "the working directory is outside the jail; allow it with `--read` or `--write`, \
                 or leave `--no-cwd` away",
            ));
        }
        let environment = environment::inside(
            &request.environment,
            temporary.as_ref(),
            &cwd,
            &rules.variables,
            &request.offered,
            |folder| allows(&policy, folder),
        );
        let candidates = environment::candidates(&request.program, &environment);
        let asking = rules.asking;
        Ok(Self { policy, cwd, environment, candidates, asking, temporary, _scratch: scratch })
    }

    /// Fails if the command is certainly not there, or certainly cannot be run.
    pub(crate) fn find_command(&self, program: &OsString) -> Result<()> {
        let mut not_executable = None;
        for candidate in &self.candidates {
            let path = self.cwd.as_path().join(candidate);
            match std::fs::metadata(&path) {
                Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                    return Ok(());
                }
                Ok(_) => not_executable = Some(candidate),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(()),
                Err(_) => {}
            }
        }
        Err(match not_executable {
            Some(path) => Error::new(ErrorKind::NotExecutable, "execute the command")
                .at(path)
                .because(std::io::Error::from(std::io::ErrorKind::PermissionDenied)),
            None => Error::new(ErrorKind::NotFound, "find the command")
                .at(program)
                .because(std::io::Error::from(rustix::io::Errno::NOENT))
                .with_hint("look at the spelling; only directories of the jail are searched"),
        })
    }
}

/// What the variables of profiles stand for.
fn variables(settings: &Settings, cwd: &JailPath, temporary: Option<&JailPath>) -> Variables {
    let user = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let variables = Variables::new(cwd.as_path())
        .with_tmp(temporary.unwrap_or(cwd).as_path())
        .with_user(user.0, user.1);
    match &settings.home {
        Some(home) => variables.with_home(home),
        None => variables,
    }
}

/// What the base of the other systems has besides.
fn systems(variables: &Variables) -> Result<Settled> {
    let systems = Profile::parse("systems", None, SYSTEMS).map_err(Error::profile)?;
    profiles::none()?.settle(Some(&systems), variables).map_err(Error::profile)
}

/// Refuses what cannot be had from somebody who only watches.
fn require_possible(settings: &Settings) -> Result<()> {
    let refused = |what: &str, hint: &str| {
        Err(Error::new(ErrorKind::Unsupported, format!("{what} at strength `monitor`"))
            .because("a tracer tells what has happened; it refuses nothing")
            .with_hint(hint))
    };
    let rules = settings.on_jailbreak;
    if matches!(rules, OnJailbreak::Deny | OnJailbreak::Ask) {
        return refused(
            &format!("make a jailbreak `{}`", rules.as_str()),
            "use `--on-jailbreak kill`, or `log` to let everything happen",
        );
    }
    if settings.overlay {
        return refused(
            "throw away what is written outside",
            "learning by doing needs a strength that has walls",
        );
    }
    Ok(())
}

/// Tells whether a directory is one of the jail's.
fn allows(policy: &Policy, folder: &Path) -> bool {
    let Ok(path) = JailPath::new(folder) else { return false };
    let found = resolve(&JailPath::root(), path.as_path(), true, None);
    policy.rule_for(&found.path).is_some_and(|rule| rule.right().allows())
}

impl Rules {
    /// A rule of the caller: its path must be there.
    fn requested(&mut self, path: &JailPath, right: Right, origin: &Origin) -> Result<()> {
        let found = resolve(&JailPath::root(), path.as_path(), true, None);
        let must_exist = right.allows();
        if must_exist && found.presence == Presence::Missing {
            return Err(Error::new(ErrorKind::Policy, "find the path of a rule")
                .at(path)
                .because("no such file or directory")
                .with_hint("a rule's path must exist; create it first, or allow its parent"));
        }
        if right.allows() {
            self.links.extend(found.links);
        }
        self.rules.push(Rule::new(found.path, right, origin.clone()));
        Ok(())
    }

    fn working_directory(&mut self, settings: &Settings, cwd: &Path) -> Result<JailPath> {
        let failed = |error| {
            Error::new(ErrorKind::Policy, "find the working directory")
                .at(cwd)
                .because(error)
                .with_hint("create it first, or choose another one with `--cwd`")
        };
        let absolute = std::path::absolute(cwd).map_err(failed)?;
        let path = jail_path(&std::fs::canonicalize(&absolute).map_err(failed)?)?;
        let found = resolve(&JailPath::root(), &absolute, true, None);
        self.links.extend(found.links);
        if !settings.working_directory {
            return Ok(path);
        }
        if path == JailPath::root() {
            return Err(Error::new(ErrorKind::Policy, "make the working directory writable")
                .at("/")
                .with_hint(
                    "the whole system would be writable; choose another directory with `--cwd`, \
                     or add `--no-cwd`",
                ));
        }
        if !self.rules.iter().any(|rule| *rule.path() == path) {
            self.rules.push(Rule::new(path.clone(), Right::Write, Origin::WorkingDirectory));
        }
        Ok(path)
    }

    /// What profiles say, the base among them.
    fn profiles(&mut self, settled: Settled) -> Result<()> {
        for entry in settled.rules {
            let rule = entry.rule();
            if !rule.right().allows() {
                self.rules.push(rule);
            } else if !self.add(rule) && !entry.entry.optional {
                let place = entry.entry.path.place.clone();
                let error = ProfileError::new(place, "the path is not there");
                let help =
                    "create it, or say `optional = true` to pass it over where it is missing";
                return Err(Error::profile(error.with_help(help)));
            }
        }
        for copy in settled.copies {
            self.add(Rule::new(copy.path, Right::Read, copy.origin));
        }
        // The host's own file: there is nobody who could hand out another one.
        for file in settled.files {
            self.add(Rule::new(file.path, Right::Read, file.origin));
        }
        self.patterns.extend(settled.patterns.into_iter().map(|entry| entry.pattern));
        self.variables.extend(settled.variables);
        self.asking.extend(settled.askers.into_iter().flat_map(|askers| askers.programs));
        Ok(())
    }

    /// Adds a rule where its path leads; false if nothing is there.
    fn add(&mut self, rule: Rule) -> bool {
        let found = resolve(&JailPath::root(), rule.path().as_path(), true, None);
        if found.presence == Presence::Missing {
            return false;
        }
        self.links.extend(found.links);
        let rule = rule.at(found.path);
        let same = self
            .rules
            .iter()
            .any(|other| other.path() == rule.path() && other.origin() == rule.origin());
        if !same {
            self.rules.push(rule);
        }
        true
    }

    /// The terminals that this process has as its streams: the command has them too.
    fn terminals(&mut self) {
        let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        for stream in streams {
            let Ok(name) = rustix::termios::ttyname(stream, Vec::new()) else { continue };
            let Ok(path) =
                name.to_str().map_err(drop).and_then(|name| JailPath::new(name).map_err(drop))
            else {
                continue;
            };
            if !self.rules.iter().any(|rule| *rule.path() == path) {
                let rule = Rule::new(path, Right::Write, Origin::Base);
                self.rules.push(rule.with_reason("the terminal that the command runs in"));
            }
        }
    }

    fn build(&mut self, settings: &Settings) -> Result<Policy> {
        for link in std::mem::take(&mut self.links) {
            if !self.rules.iter().any(|rule| *rule.path() == link) {
                let rule = Rule::new(link, Right::Read, Origin::Base);
                self.rules.push(rule.with_reason("a link on the way to something allowed"));
            }
        }
        let mut policy =
            Policy::builder().strict(settings.strict).on_jailbreak(settings.on_jailbreak);
        for rule in self.rules.drain(..) {
            policy = policy.rule(rule);
        }
        for pattern in self.patterns.drain(..) {
            policy = policy.pattern(pattern);
        }
        policy.build().map_err(|error| {
            Error::new(ErrorKind::Policy, "make one policy of the rules")
                .because(error)
                .with_hint("give each path one right; a more specific path wins over its parent")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_of_other_systems_has_reasons_and_no_secrets() {
        let settled = systems(&profiles::any_values()).unwrap();
        let kept_out = ["/etc/passwd", "/home", "/root", "/var", "/tmp", "/Users", "/private/etc"];
        for entry in settled.rules.iter().filter(|entry| entry.entry.right.allows()) {
            assert!(entry.entry.reason.as_ref().is_some_and(|reason| reason.len() > 5));
            for secret in kept_out {
                let secret = JailPath::new(secret).unwrap();
                assert!(!entry.path.covers(&secret), "{entry:?} holds {secret:?}");
            }
        }
    }

    #[test]
    fn links_of_the_system_are_no_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request {
            program: "true".into(),
            arguments: Vec::new(),
            cwd: folder.path().to_owned(),
            environment: BTreeMap::new(),
            offered: BTreeMap::new(),
        };
        let ground = Ground::new(&Settings::default(), &request).unwrap();
        for text in ["/bin/sh", "/usr/bin/env", "/bin", "/lib"] {
            for follow in [true, false] {
                let found = resolve(&JailPath::root(), Path::new(text), follow, None);
                if found.presence == Presence::Exists {
                    let rule = ground.policy.rule_for(&found.path);
                    assert!(rule.is_some_and(|rule| rule.right() == Right::Read), "{found:?}");
                }
            }
        }
        let scratch = ground.temporary.clone().unwrap();
        assert!(scratch.as_path().is_dir());
        drop(ground);
        assert!(!scratch.as_path().exists());
    }
}
