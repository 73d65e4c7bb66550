//! The jail: a policy that commands are run under.

use crate::child::Child;
use crate::command::{Answerer, Command};
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::Tracer;
use crate::settings::{Outside, RequestedRule, Settings};
use jailkeeper_model::profile::{Stack, Tmp};
use jailkeeper_model::{Event, OnJailbreak, Origin, Pattern, Question, Reply, Right, Strength};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A policy that commands are run under.
///
/// A jail is made once and can run any number of commands, at the same time as well: each run
/// has walls, watches and events of its own.
///
/// ```no_run
/// use jailkeeper::Jail;
///
/// let jail = Jail::builder().read("/srv/data").write("/srv/out").build()?;
/// let mut child = jail.command("sh").args(["-c", "cat /etc/shadow"]).spawn()?;
/// let finished = child.wait()?;
/// assert!(finished.has_jailbreak());
/// # Ok::<(), jailkeeper::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Jail {
    pub(crate) settings: Arc<Settings>,
}

impl Jail {
    /// Starts from the defaults: the base and the command's working directory.
    #[must_use]
    pub fn builder() -> JailBuilder {
        JailBuilder { settings: Settings::default(), on_jailbreak: None, private_tmp: None }
    }

    /// Puts walls around a process that runs already, with all its threads and all that it has made.
    ///
    /// The walls are those of strength `flat`. The process is stopped for some milliseconds, and
    /// goes on in whatever it was waiting for. What it had open before stays open to it, if
    /// [`JailBuilder::outside`] says so. It keeps its user, and loses all capabilities. `current_dir`
    /// is where rules begin that are relative, and what is writable as the working directory of a
    /// command would be: it is the caller's word, whatever directory the process is in. `on_event`
    /// is called for every event, on the thread that saw it. Dropping the [`Child`] kills the
    /// process and all that it has made; if this process dies they live on inside their walls, and can
    /// open nothing.
    ///
    /// With [`Strength::Monitor`] no wall is raised: a tracer watches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process, [`ErrorKind::Unsupported`] when it
    /// cannot be attached to, [`ErrorKind::Policy`] when it has something already that the policy
    /// does not allow: it goes on as if nothing had been. [`ErrorKind::Setup`] when a wall could not
    /// be raised; if others stood already the process was killed, which the hint says.
    pub fn attach(
        &self,
        pid: u32,
        current_dir: impl AsRef<Path>,
        on_event: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Child> {
        Command::attach(self, pid, current_dir.as_ref(), Box::new(on_event), None)
    }

    /// Does the same as [`attach`](Self::attach), and has a function answer what the policy asks
    /// about, as [`Command::on_question`] does.
    ///
    /// # Errors
    ///
    /// Those of [`attach`](Self::attach).
    pub fn attach_and_ask(
        &self,
        pid: u32,
        current_dir: impl AsRef<Path>,
        on_event: impl Fn(&Event) + Send + Sync + 'static,
        on_question: impl Fn(&Question) -> Reply + Send + Sync + 'static,
    ) -> Result<Child> {
        let answerer = Some(Arc::new(on_question) as Answerer);
        Command::attach(self, pid, current_dir.as_ref(), Box::new(on_event), answerer)
    }

    /// Prepares a command to be run in this jail.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        Command::new(self.clone(), program.as_ref())
    }
}

/// Puts a [`Jail`] together.
#[derive(Debug, Clone)]
pub struct JailBuilder {
    settings: Settings,
    /// What was asked for here goes before what profiles say.
    on_jailbreak: Option<OnJailbreak>,
    private_tmp: Option<bool>,
}

impl JailBuilder {
    /// Lets the jail list, read and run what is beneath a path.
    ///
    /// Relative paths are taken from the directory of this process. A `read` rule never grants a
    /// write. The path must exist when a command is started.
    #[must_use]
    pub fn read(self, path: impl AsRef<Path>) -> Self {
        self.rule(path, Right::Read, Origin::Api)
    }

    /// Lets the jail read, create, change, rename and delete what is beneath a path.
    #[must_use]
    pub fn write(self, path: impl AsRef<Path>) -> Self {
        self.rule(path, Right::Write, Origin::Api)
    }

    /// Takes a path out of an allowed tree.
    ///
    /// Holds against the jail for what exists when a command is started, and against creating
    /// what does not. What something outside the jail creates there later is not covered.
    #[must_use]
    pub fn deny(self, path: impl AsRef<Path>) -> Self {
        self.rule(path, Right::Deny, Origin::Api)
    }

    /// Adds a rule and says where it comes from, for messages.
    #[must_use]
    pub fn rule(mut self, path: impl AsRef<Path>, right: Right, origin: Origin) -> Self {
        let path = path.as_ref().to_owned();
        self.settings.rules.push(RequestedRule { path, right, origin });
        self
    }

    /// Lets the jail open regular files whose absolute path matches a regular expression, for reading
    /// (`Right::Read`) or also for writing and creating (`Right::Write`).
    ///
    /// The expression is searched for as written; `^` and `$` anchor it. The path must have no
    /// symbolic link in it. Only opening is granted, each time by the supervisor (some 20 us more
    /// for every `open` in this jail); `stat` does not see such files, and they cannot be run.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Policy`](crate::ErrorKind::Policy) for an expression that cannot be matched in
    /// linear time, such as one with look-around or back-references.
    pub fn pattern(mut self, expression: &str, right: Right, origin: Origin) -> Result<Self> {
        let pattern = Pattern::new(expression, right, origin).map_err(|error| {
            Error::new(ErrorKind::Policy, format!("use the pattern `{expression}`"))
                .because(error)
                .with_hint("look-around and back-references cannot be had; use several patterns")
        })?;
        self.settings.patterns.push(pattern);
        Ok(self)
    }

    /// Answers a path as if it were not there; reading it is then no jailbreak.
    #[must_use]
    pub fn quiet(self, path: impl AsRef<Path>) -> Self {
        self.rule(path, Right::Quiet, Origin::Api)
    }

    /// Names a file of the caller (events, reports, policies) that the jail must not be able to
    /// change. Starting a command fails if the file lies inside a writable tree.
    #[must_use]
    pub fn protect(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.protected.push(file.into());
        self
    }

    /// Adds profiles, with all that they extend. What is asked for here goes before what they say.
    #[must_use]
    pub fn profiles(mut self, stack: Stack) -> Self {
        self.settings.profiles = Some(stack);
        self
    }

    /// Says where the caller's home directory is, which profiles name as `${home}`.
    #[must_use]
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.settings.home = Some(home.into());
        self
    }

    /// Adds a glob: what it matches is granted by being opened from outside, or denied.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Policy`](crate::ErrorKind::Policy) for what is no glob.
    pub fn glob(mut self, glob: &str, right: Right, origin: Origin) -> Result<Self> {
        let pattern = Pattern::glob(glob, right, origin).map_err(|error| {
            Error::new(ErrorKind::Policy, format!("use the glob `{glob}`")).because(error)
        })?;
        self.settings.patterns.push(pattern);
        Ok(self)
    }

    /// Whether the jail has the base: system directories and devices. On by default.
    #[must_use]
    pub fn base(mut self, yes: bool) -> Self {
        self.settings.base = yes;
        self
    }

    /// Whether the working directory is writable. On by default.
    #[must_use]
    pub fn working_directory(mut self, yes: bool) -> Self {
        self.settings.working_directory = yes;
        self
    }

    /// Whether the jail has an empty `/tmp` of its own. On by default.
    #[must_use]
    pub fn private_tmp(mut self, yes: bool) -> Self {
        self.private_tmp = Some(yes);
        self
    }

    /// Whether looking at something outside (`stat`, `access`, `chdir`) is a jailbreak too. Off by
    /// default: such a probe is answered as if nothing were there, and counted.
    #[must_use]
    pub fn strict(mut self, yes: bool) -> Self {
        self.settings.strict = yes;
        self
    }

    /// Whether every forgiven probe becomes an event. Off by default; the report always has them.
    #[must_use]
    pub fn report_probes(mut self, yes: bool) -> Self {
        self.settings.report_probes = yes;
        self
    }

    /// What happens on a jailbreak. By default the whole jail is killed.
    #[must_use]
    pub fn on_jailbreak(mut self, what: OnJailbreak) -> Self {
        self.on_jailbreak = Some(what);
        self
    }

    /// Lets the jail read everything that the caller can but secrets, and write to a layer that is
    /// thrown away: to learn what a program needs. What no rule allows is written down
    /// ([`OnJailbreak::Log`]).
    #[must_use]
    pub fn learn(mut self) -> Self {
        self.settings.overlay = true;
        self.on_jailbreak(OnJailbreak::Log)
    }

    /// How long an answer to a question is waited for; no answer is a no. One minute by default.
    #[must_use]
    pub fn ask_timeout(mut self, timeout: Duration) -> Self {
        self.settings.ask_timeout = timeout;
        self
    }

    /// How long a command may run before its jail is killed.
    #[must_use]
    pub fn wall_time(mut self, limit: Duration) -> Self {
        self.settings.wall_time = Some(limit);
        self
    }

    /// Who watches at strength `monitor`.
    ///
    /// That strength is for systems that have nothing else. Nothing is enforced; what a command
    /// reads before the tracer has told of it, it has read. A command that belongs to root runs as
    /// root.
    #[must_use]
    pub fn tracer(mut self, tracer: Tracer) -> Self {
        self.settings.tracer = tracer;
        self
    }

    /// The strength below which nothing is run. A jail is as strong as the machine allows; by
    /// default [`Strength::Flat`] is enough.
    #[must_use]
    pub fn strength(mut self, at_least: Strength) -> Self {
        self.settings.strength = at_least;
        self
    }

    /// The strength above which nothing is built, for tests and comparisons.
    #[must_use]
    pub fn strength_at_most(mut self, at_most: Strength) -> Self {
        self.settings.strength_at_most = at_most;
        self
    }

    /// Whether looking at something outside is answered as if nothing were there at strength
    /// `flat` as well, where this costs some microseconds for each look. Off by default: there,
    /// metadata of the outside can be seen. At strength `full` it never can.
    #[must_use]
    pub fn hide(mut self, yes: bool) -> Self {
        self.settings.hide = yes;
        self
    }

    /// What becomes of what a process has already when it is attached to. By default it is a reason
    /// not to attach.
    #[must_use]
    pub fn outside(mut self, what: Outside) -> Self {
        self.settings.outside = what;
        self
    }

    /// Whether the walls stand alone, at strength `flat`. Off by default.
    ///
    /// For places where no seccomp listener can be had, because a sandbox around this one has it.
    /// What the walls refuse is refused, but it has no event, and the jail goes on: nobody sees it.
    /// What needs somebody who sees is an error (patterns, exceptions inside allowed trees,
    /// [`strict`](Self::strict), [`hide`](Self::hide), questions) or closed by the filter: changing
    /// mode, owner, times and attributes of files, sockets but for pairs, entries of processes in
    /// `/proc`. Needs ABI 6 of Landlock.
    #[must_use]
    pub fn unwatched(mut self, yes: bool) -> Self {
        self.settings.unwatched = yes;
        self
    }

    /// Whether the jail may put sandboxes of its own inside itself, by Landlock and seccomp filters. Off by
    /// default.
    ///
    /// A filter of the program's own outranks the watch: what it refuses, nobody is told. It never
    /// allows anything. Namespaces, mounts and listeners are refused as ever. What the
    /// supervisor would open and hand over is not to be had, since that would lead past the inner walls:
    /// patterns, questions, and at strength `flat` exceptions inside allowed trees.
    #[must_use]
    pub fn nested(mut self, yes: bool) -> Self {
        self.settings.nested = yes;
        self
    }

    /// Makes the jail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Policy`](crate::ErrorKind::Policy) when profiles contradict each other. Paths
    /// are looked at when a command is started, because the working directory is the command's.
    pub fn build(self) -> Result<Jail> {
        let mut settings = self.settings;
        if let Some(stack) = &settings.profiles {
            let said = crate::profiles::settle(stack, false, &crate::profiles::any_values())?;
            settings.base &= stack.base().is_none_or(|base| base.value);
            settings.strict |= said.strict.is_some_and(|strict| strict.value);
            settings.nested |= said.nested.is_some_and(|nested| nested.value);
            settings.wall_time = settings.wall_time.or(said.wall_time.map(|time| time.value));
            if let Some(what) = said.on_jailbreak {
                settings.on_jailbreak = what.value;
            }
            if let Some(tmp) = said.tmp {
                settings.private_tmp = tmp.value == Tmp::Private;
            }
            settings.protected.extend(crate::profiles::files(stack));
        }
        settings.on_jailbreak = self.on_jailbreak.unwrap_or(settings.on_jailbreak);
        settings.private_tmp = self.private_tmp.unwrap_or(settings.private_tmp);
        Ok(Jail { settings: Arc::new(settings) })
    }
}
