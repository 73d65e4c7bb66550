//! A command to be run in a jail, with the builder of [`std::process::Command`].

use crate::child::Child;
#[cfg(feature = "full")]
use crate::child::Ended;
#[cfg(feature = "full")]
use crate::error::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::jail::Jail;
#[cfg(feature = "full")]
use crate::launch::{Prepared as Steps, Stream};
use crate::monitor::{Ground, Order, Request};
#[cfg(feature = "full")]
use crate::pace::Pace;
#[cfg(feature = "full")]
use crate::plan::{self, Checked, Ground as Standing, Plan, Summary, Wanted};
#[cfg(feature = "full")]
use crate::prepared::Prepared;
#[cfg(feature = "full")]
use crate::probe::Probe;
use crate::recorder::{Callback, Recorder};
#[cfg(feature = "full")]
use crate::remedy;
#[cfg(feature = "full")]
use crate::scratch::Scratch;
use crate::stdio::Stdio;
#[cfg(feature = "full")]
use crate::stdio::{Streams, refuse_directory};
#[cfg(feature = "full")]
use crate::supervisor::{Gate, Held, Running, Supervisor};
#[cfg(feature = "full")]
use crate::ward::Ward;
#[cfg(feature = "full")]
use crate::watch::ask::Asking;
#[cfg(feature = "full")]
use jailkeeper_model::Mode;
use jailkeeper_model::{Event, JailId, Question, Reply, Strength};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
#[cfg(feature = "full")]
use std::sync::mpsc::channel;
#[cfg(feature = "full")]
use std::thread::JoinHandle;

/// The variables that [`Command::inherit_environment`] takes over from the caller's environment;
/// all that begin with `LC_` besides.
pub const INHERITED_VARIABLES: [&str; 9] =
    ["PATH", "LANG", "LANGUAGE", "TERM", "COLORTERM", "NO_COLOR", "TZ", "COLUMNS", "LINES"];

/// Answers questions: it may take its time.
pub(crate) type Answerer = Arc<dyn Fn(&Question) -> Reply + Send + Sync>;

/// A command to be run in a jail.
///
/// It mirrors [`std::process::Command`] with three differences: the environment starts empty (see
/// [`env`](Self::env)), the child has a session of its own, and dropping the
/// [`Child`] kills it.
pub struct Command {
    pub(crate) jail: Jail,
    program: OsString,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    offered: BTreeMap<OsString, OsString>,
    cwd: Option<PathBuf>,
    pub(crate) streams: [Stdio; 3],
    extra: Vec<(OwnedFd, RawFd)>,
    #[cfg(feature = "full")]
    files: Option<(u64, u64)>,
    callback: Option<Arc<Callback>>,
    answerer: Option<Answerer>,
    pub(crate) id: Option<String>,
    /// There is nothing to run: only the walls are tried.
    #[cfg(feature = "full")]
    trial: bool,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

impl Command {
    pub(crate) fn new(jail: Jail, program: &OsStr) -> Self {
        Self {
            jail,
            program: program.to_owned(),
            arguments: vec![program.to_owned()],
            environment: BTreeMap::new(),
            offered: BTreeMap::new(),
            cwd: None,
            streams: [Stdio::Inherit, Stdio::Inherit, Stdio::Inherit],
            extra: Vec::new(),
            #[cfg(feature = "full")]
            files: None,
            callback: None,
            answerer: None,
            id: None,
            #[cfg(feature = "full")]
            trial: false,
        }
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> &mut Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets the name under which the program sees itself, which is the program by default.
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        if let Some(first) = self.arguments.first_mut() {
            *first = name.as_ref().to_owned();
        }
        self
    }

    /// Sets a variable of the environment.
    ///
    /// Nothing of this process's environment reaches the jail unless it is set here. `HOME`,
    /// `SHELL`, `TMPDIR`, `USER`, `LOGNAME` and `PWD` get values of the jail unless they are set;
    /// `PATH` keeps only directories that the jail has.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Sets variables of the environment.
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        for (name, value) in variables {
            self.env(name, value);
        }
        self
    }

    /// Takes the harmless variables of an environment over: [`INHERITED_VARIABLES`] and `LC_*`.
    /// What was set already stays. Profiles may pass on others of them by name.
    pub fn inherit_environment(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> &mut Self {
        for (name, value) in variables {
            let harmless = name
                .to_str()
                .is_some_and(|name| name.starts_with("LC_") || INHERITED_VARIABLES.contains(&name));
            if harmless {
                self.environment.entry(name.clone()).or_insert(value.clone());
            }
            self.offered.insert(name, value);
        }
        self
    }

    /// Sets the working directory; by default that of this process.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.cwd = Some(directory.as_ref().to_owned());
        self
    }

    /// Sets the standard input.
    pub fn stdin(&mut self, stdio: Stdio) -> &mut Self {
        let [stdin, ..] = &mut self.streams;
        *stdin = stdio;
        self
    }

    /// Sets the standard output.
    pub fn stdout(&mut self, stdio: Stdio) -> &mut Self {
        let [_, stdout, _] = &mut self.streams;
        *stdout = stdio;
        self
    }

    /// Sets the standard error.
    pub fn stderr(&mut self, stdio: Stdio) -> &mut Self {
        let [.., stderr] = &mut self.streams;
        *stderr = stdio;
        self
    }

    /// Gives the command a descriptor under a number from 3 on.
    ///
    /// What the descriptor leads to can be used in the jail, wherever it is.
    pub fn descriptor(&mut self, fd: OwnedFd, number: RawFd) -> &mut Self {
        self.extra.push((fd, number));
        self
    }

    /// Sets how many descriptors the command may have open at first (soft) and on its own wish
    /// (hard), which is this process's own limit by default. Without walls it is always that.
    ///
    /// A rule takes the supervisor a descriptor, and as root one for a directory takes two. Who has many
    /// rules raises the limit of this process, and says here what it was before.
    #[cfg(feature = "full")]
    pub fn files_limit(&mut self, soft: u64, hard: u64) -> &mut Self {
        self.files = Some((soft, hard));
        self
    }

    /// Calls a function for every event, on the thread that saw it: the jail waits meanwhile.
    pub fn on_event(&mut self, callback: impl Fn(&Event) + Send + Sync + 'static) -> &mut Self {
        self.callback = Some(Arc::new(Box::new(callback)));
        self
    }

    /// Has a function answer what the policy asks about ([`OnJailbreak::Ask`](crate::OnJailbreak::Ask)). The program waits
    /// meanwhile, but the rest of the jail goes on: the function is called on a thread of its own,
    /// and several times at once if several calls are asked about.
    ///
    /// Only opening a regular file can be asked about; anything else is denied. What is allowed is
    /// opened from outside and handed over, and no wall is widened.
    pub fn on_question(
        &mut self,
        answer: impl Fn(&Question) -> Reply + Send + Sync + 'static,
    ) -> &mut Self {
        self.answerer = Some(Arc::new(answer));
        self
    }

    /// Names the jail in its events; by default a name that is unique on this machine.
    pub fn id(&mut self, id: impl Into<String>) -> &mut Self {
        self.id = Some(id.into());
        self
    }

    /// Tells how strong the jail would be on this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the machine has nothing that is strong enough.
    #[cfg(feature = "full")]
    pub fn strength(&self, probe: &Probe) -> Result<Strength> {
        plan::choose(&self.jail.settings, probe)
    }

    /// Tells what would be set up, without running anything.
    ///
    /// ```
    /// use jailkeeper::{Jail, Probe};
    ///
    /// let jail = Jail::builder().working_directory(false).build()?;
    /// let plan = jail.command("true").current_dir("/usr").plan(&Probe::of_this_machine());
    /// match plan {
    ///     Ok(plan) => assert!(plan.trees.iter().any(|tree| tree.path == "/usr")),
    ///     Err(error) => eprintln!("{}; {:?}", error.sentence(), error.hint()),
    /// }
    /// # Ok::<(), jailkeeper::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn) that come up before a process is made.
    #[cfg(feature = "full")]
    pub fn plan(&self, probe: &Probe) -> Result<Summary> {
        let strength = plan::choose(&self.jail.settings, probe)?;
        if strength == Strength::Monitor {
            return Err(Error::new(ErrorKind::Unsupported, "plan walls at strength `monitor`")
                .because("it has none")
                .with_hint("ask for `flat` or `full` to see what would be set up"));
        }
        Ok(self.make_plan(probe, ground(strength, None)?)?.summary())
    }

    /// Says what would be decided about a use of a file, and why.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan), and when the path is none.
    #[cfg(feature = "full")]
    pub fn check(&self, probe: &Probe, mode: Mode, path: &Path) -> Result<Checked> {
        let strength = plan::choose(&self.jail.settings, probe)?;
        let plan = self.make_plan(probe, ground(strength, None)?)?;
        plan.check(mode, path)
    }

    /// Starts the command in its jail.
    ///
    /// When this returns, the walls were proven and the program runs. May be called again for
    /// another run, unless streams of a given descriptor were used up.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Policy`] for paths that are not there and rules that contradict each other,
    /// [`ErrorKind::Unsupported`] for a wall that this machine does not have,
    /// [`ErrorKind::NotFound`] and [`ErrorKind::NotExecutable`] for the command. Nothing runs then.
    #[cfg(feature = "full")]
    pub fn spawn(&mut self) -> Result<Child> {
        self.spawn_on(&Probe::for_a_start())
    }

    /// Does everything that can be done once for many runs of this command.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn) that come up before a process is made, and
    /// [`ErrorKind::Policy`] for a stream that is a descriptor, which one run uses up.
    #[cfg(feature = "full")]
    pub fn prepare(self) -> Result<Prepared> {
        Prepared::new(self)
    }

    /// Starts the command, which this build can do at strength `monitor` alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the jail was not made with
    /// [`Strength::Monitor`], and those of finding and tracing the command.
    #[cfg(not(feature = "full"))]
    pub fn spawn(&mut self) -> Result<Child> {
        match self.jail.settings.strength {
            Strength::Monitor => self.spawn_monitored(),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "build the walls of strength `full`: this system has none of them",
            )
            .with_hint(
                "a tracer can watch, and enforces nothing: ask for it with `--strength monitor`, \
                 in Node with `strength: 'monitor'`",
            )),
        }
    }

    /// Fails for what [`spawn`](Self::spawn) at strength `monitor` fails for before anything is
    /// made.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn).
    pub fn check_monitored(&self) -> Result<()> {
        let request = self.request()?;
        Ground::new(&self.jail.settings, &request)?.find_command(&self.program)
    }

    fn request(&self) -> Result<Request> {
        Ok(Request {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            cwd: self.directory()?,
            offered: self.offered.clone(),
            environment: self.environment.clone(),
        })
    }

    fn recorder(&self) -> (Recorder, Receiver<Event>) {
        let id = JailId::new(self.id.clone().unwrap_or_else(unique_id));
        let callback = self.callback.clone();
        let callback =
            callback.map(|callback| -> Callback { Box::new(move |event| callback(event)) });
        Recorder::new(id, callback)
    }

    fn spawn_monitored(&mut self) -> Result<Child> {
        let request = self.request()?;
        let settings = Arc::clone(&self.jail.settings);
        let ground = Ground::new(&settings, &request)?;
        let (recorder, events) = self.recorder();
        let [stdin, stdout, stderr] = &mut self.streams;
        crate::monitor::start(Order {
            settings: &settings,
            ground,
            program: &self.program,
            arguments: request.arguments,
            streams: [stdin, stdout, stderr],
            extra: &self.extra,
            recorder,
            events,
        })
    }

    pub(crate) fn attach(
        jail: &Jail,
        pid: u32,
        directory: &Path,
        callback: Callback,
        answerer: Option<Answerer>,
    ) -> Result<Child> {
        if jail.settings.strength != Strength::Monitor {
            #[cfg(feature = "full")]
            {
                let channel = Recorder::new(JailId::new(unique_id()), Some(callback));
                return crate::attach::attach(&jail.settings, pid, directory, channel, answerer);
            }
            #[cfg(not(feature = "full"))]
            return Err(Error::new(ErrorKind::Unsupported, format!("attach to process {pid}"))
                .because("no walls are known here that a running process could get")
                .with_hint("attaching without walls is strength `monitor`: ask for it"));
        }
        let request = Request {
            program: OsString::new(),
            arguments: Vec::new(),
            cwd: directory.to_owned(),
            environment: BTreeMap::new(),
            offered: BTreeMap::new(),
        };
        // A tracer tells when everything has happened.
        drop(answerer);
        let ground = Ground::new(&jail.settings, &request)?;
        let (recorder, events) = Recorder::new(JailId::new(unique_id()), Some(callback));
        crate::monitor::attach(&jail.settings, pid, ground, recorder, events)
    }

    /// Starts the command on a machine that was probed before, which saves doing it again.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn).
    #[cfg(feature = "full")]
    pub fn spawn_on(&mut self, probe: &Probe) -> Result<Child> {
        match plan::choose(&self.jail.settings, probe)? {
            Strength::Monitor => self.spawn_monitored(),
            Strength::Full if plan::may_be_flat(&self.jail.settings, probe) => {
                self.spawn_full_or_flat(probe)
            }
            strength => self.spawn_at(strength, probe, None),
        }
        .map_err(|error| {
            if !error.is_of_the_machine() {
                return error;
            }
            let hint =
                error.hint().unwrap_or("run `jailkeeper doctor` to see what is missing here");
            let hint = match remedy::for_full(probe.surroundings) {
                Some(advice) => format!("{hint}; in this container: {advice}"),
                None => hint.to_owned(),
            };
            error.with_hint(hint)
        })
    }

    /// Starts the command at strength `full`; if this machine refuses a step of that, which shows
    /// before anything of the command ran, at strength `flat`.
    #[cfg(feature = "full")]
    fn spawn_full_or_flat(&mut self, probe: &Probe) -> Result<Child> {
        // The first try uses them up.
        let callback = self.callback.clone();
        let mut kept = [const { None }; 3];
        for (kept, stream) in kept.iter_mut().zip(&self.streams) {
            if let Stdio::Descriptor(fd) = stream {
                *kept = Some(fd.try_clone().step("duplicate a descriptor")?);
            }
        }
        let first = match self.spawn_at(Strength::Full, probe, None) {
            Err(error) if error.is_of_the_machine() => error,
            other => return other,
        };
        self.callback = callback;
        for (kept, stream) in kept.into_iter().zip(&mut self.streams) {
            if let Some(fd) = kept {
                *stream = Stdio::Descriptor(fd);
            }
        }
        // What is wrong with this strength is no answer to what was wrong with the other.
        self.spawn_at(Strength::Flat, probe, Some(&first)).map_err(|second| {
            first.with_hint(format!("strength `flat` was tried as well: {}", second.sentence()))
        })
    }

    #[cfg(feature = "full")]
    fn spawn_at(
        &mut self,
        strength: Strength,
        probe: &Probe,
        stronger: Option<&Error>,
    ) -> Result<Child> {
        let scratch = match strength {
            Strength::Flat if self.jail.settings.private_tmp => {
                // Inside another jail `/tmp` may be outside of that.
                let own = self.offered.get(OsStr::new("TMPDIR")).map(PathBuf::from);
                let own = own.filter(|own| self.jail.settings.unwatched && own.is_absolute());
                Some(Scratch::make(own.as_deref())?)
            }
            _ => None,
        };
        let ground = ground(strength, scratch.as_ref())?;
        let mut plan = self.checked_plan(probe, ground)?;
        if let Some(error) = stronger {
            plan.falls_back(format!("tried and {}", error.sentence()));
        }
        self.begin(Arc::new(plan), scratch, None)?.child()
    }

    /// Makes a plan on a machine, if the command can be run there with walls.
    #[cfg(feature = "full")]
    pub(crate) fn checked_plan(&self, probe: &Probe, ground: Standing) -> Result<Plan> {
        let plan = self.make_plan(probe, ground)?;
        if !self.trial {
            plan.find_command()?;
        }
        if plan.policy.asks() && self.answerer.is_none() {
            return Err(Error::new(ErrorKind::Policy, "ask about jailbreaks")
                .because("there is nobody to ask")
                .with_hint("give the command somebody who answers (`on_question`)"));
        }
        Ok(plan)
    }

    /// Begins to raise a jail, up to a gate if there is one.
    #[cfg(feature = "full")]
    pub(crate) fn begin(
        &mut self,
        plan: Arc<Plan>,
        scratch: Option<Scratch>,
        gate: Option<Gate>,
    ) -> Result<Begun> {
        let owner = plan.identity.changed.then_some((plan.identity.user, plan.identity.group));
        let [stdin, stdout, stderr] = &mut self.streams;
        let mut streams = Streams::open([stdin, stdout, stderr], owner)?;
        for (fd, number) in &self.extra {
            if *number < 3 {
                return Err(Error::new(ErrorKind::Policy, "give the command a descriptor")
                    .with_hint("use `stdin`, `stdout` and `stderr` for the numbers 0 to 2"));
            }
            let fd = fd.try_clone().step("duplicate a descriptor")?;
            refuse_directory(&fd)?;
            streams.inside.push(Stream { fd, number: *number });
        }
        let (recorder, events) = self.recorder();
        let pace = Pace::of_this_thread();
        let prepared = match plan.strength() {
            Strength::Flat => Steps::flat(&plan, streams.inside, pace, scratch)?,
            _ => Steps::new(&plan, streams.inside, pace)?,
        };
        #[cfg(test)]
        let prepared = crate::launch::sabotage(prepared);
        let settings = &self.jail.settings;
        let asking =
            self.answerer.clone().map(|answerer| Asking::new(answerer, settings.ask_timeout));
        let ward = Arc::new(Ward::new(plan, recorder, pace, settings.report_probes, asking));
        let mut supervisor = Supervisor::new(Arc::clone(&ward), prepared, settings.wall_time, gate);
        let (ready, is_ready) = channel();
        let (end, is_ended) = channel();
        // The thread is the parent of the jail's processes and lives as long as they do.
        let thread = std::thread::Builder::new()
            .name("jail supervisor".into())
            .stack_size(256 * 1024)
            .spawn(move || {
                let raised = supervisor.raise();
                let runs = raised.is_ok();
                let heard = ready.send(raised).is_ok();
                if runs && heard {
                    let (ended, remains) = match supervisor.finish() {
                        Ok((ended, remains)) => (Ok(ended), Some(remains)),
                        Err(error) => (Err(error), None),
                    };
                    // Nobody has to wait for the end.
                    let _ = end.send(ended);
                    drop(remains);
                }
            })
            .step("start the supervising thread")?;
        Ok(Begun {
            ward,
            ready: is_ready,
            ended: is_ended,
            outside: streams.outside,
            events,
            thread,
        })
    }

    /// The numbers of the streams that are the jail's own terminal.
    #[cfg(feature = "full")]
    fn terminal_streams(&self) -> Vec<RawFd> {
        let numbered = (0..).zip(&self.streams);
        numbered
            .filter(|(_, stdio)| matches!(stdio, Stdio::Terminal))
            .map(|(number, _)| number)
            .collect()
    }

    fn directory(&self) -> Result<PathBuf> {
        match &self.cwd {
            Some(cwd) => Ok(cwd.clone()),
            None => std::env::current_dir().map_err(|error| {
                Error::new(ErrorKind::Policy, "find the working directory").because(error)
            }),
        }
    }

    #[cfg(feature = "full")]
    fn make_plan(&self, probe: &Probe, ground: Standing) -> Result<Plan> {
        let cwd = self.directory()?;
        let wanted = Wanted {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            cwd,
            environment: self.environment.clone(),
            offered: self.offered.clone(),
            terminal: self.terminal_streams(),
            files: self.files,
            attached: None,
        };
        Plan::new(&self.jail.settings, wanted, probe, ground)
    }
}

/// Raises a jail of strength `full` in which nothing is run.
#[cfg(feature = "full")]
pub(crate) fn try_full(probe: &Probe) -> Result<()> {
    const NOTHING: &str = "/usr/.jailkeeper-trial";
    let jail = Jail::builder()
        .base(false)
        .working_directory(false)
        .strength(Strength::Full)
        .read("/usr")
        .build()?;
    let mut command = jail.command(NOTHING);
    command.trial = true;
    command.current_dir("/usr").stdin(Stdio::Null).stdout(Stdio::Null).stderr(Stdio::Null);
    match command.spawn_on(probe) {
        // The walls stood when it was looked for.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::new(ErrorKind::Setup, "find nothing to run").at(NOTHING)),
    }
}

/// A jail that is being raised.
#[cfg(feature = "full")]
pub(crate) struct Begun {
    pub(crate) ward: Arc<Ward>,
    ready: Receiver<Result<Running>>,
    ended: Receiver<Result<Ended>>,
    outside: [Option<OwnedFd>; 3],
    events: Receiver<Event>,
    pub(crate) thread: JoinHandle<()>,
}

#[cfg(feature = "full")]
impl Begun {
    /// Waits until its program runs.
    pub(crate) fn child(self) -> Result<Child> {
        let running = self.ready.recv().map_err(|error| {
            Error::new(ErrorKind::Setup, "hear from the supervising thread").because(error)
        })??;
        let held = Arc::new(Held { ward: self.ward, running });
        Ok(Child::new(held, self.outside, self.events, self.ended))
    }
}

/// What a jail of a strength stands on.
#[cfg(feature = "full")]
pub(crate) fn ground(strength: Strength, scratch: Option<&Scratch>) -> Result<Standing> {
    Ok(match strength {
        Strength::Full => Standing::View,
        _ => Standing::Host { scratch: scratch.map(Scratch::path).transpose()? },
    })
}

/// A name for a jail: the process, and how many it had before.
fn unique_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", std::process::id())
}
