//! `jailkeeper run`: a command in a jail.

use crate::arguments::{
    CommandArguments, Consequence, Net, PolicyArguments, RunArguments, Tmp, Watch, Whom,
};
use crate::ask::{Channel, Prompter};
use crate::events::{Destination, Writer, inherited, write_report};
use crate::page::Page;
use crate::shelf::{home, shelf};
use crate::status::Status;
use crate::terminal::{Keys, Relay};
use crate::{account, ui};
use jailkeeper::model::{ActionTaken, Event, Failure, Header, JailId, Question, Reply, Strength};
use jailkeeper::{
    Child, Command, Error, Finished, Jail, JailBuilder, Origin, Right, Signal, Stdio, WALL_LOST,
};
use signal_hook::consts::signal as number;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The signals that are passed on to the command. What else can be sent ends this process, and
/// with it the jail.
const PASSED_ON: [i32; 8] = [
    number::SIGHUP,
    number::SIGINT,
    number::SIGQUIT,
    number::SIGTERM,
    number::SIGUSR1,
    number::SIGUSR2,
    number::SIGALRM,
    number::SIGCONT,
];

/// How long a jail has to live to be one that lives long.
const LONG: Duration = Duration::from_secs(1);

/// How many jailbreaks are told of at the end; the events and the report have more.
const ACCOUNTS_AT_MOST: usize = 100;

/// Runs the command and waits for the end of its jail.
pub(crate) fn run(arguments: &RunArguments) -> Result<Status, Error> {
    let events = arguments.events.as_deref().map(Destination::parse).transpose()?;
    // A file is opened only when the policy is found good: a mistake must not empty it.
    let writer = match &events {
        Some(destination @ Destination::Descriptor(_)) => Some(destination.open()?),
        _ => None,
    };
    let mut writer = writer.map(|file| Arc::new(Writer::new(file)));
    let result = run_jailed(arguments, events.as_ref(), &mut writer);
    if let (Err(error), Some(writer)) = (&result, &writer) {
        // A jail that had begun has said so itself.
        let told = writer.has_written() || writer.write(&failure(error)).is_ok();
        if told && arguments.quiet {
            return Ok(ui::status(error));
        }
    }
    result
}

fn run_jailed(
    arguments: &RunArguments,
    events: Option<&Destination>,
    writer: &mut Option<Arc<Writer>>,
) -> Result<Status, Error> {
    let report = arguments.report.as_deref().map(Destination::parse).transpose()?;
    let protected: Vec<PathBuf> = [events, report.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(Destination::file)
        .map(PathBuf::from)
        .collect();
    let jail = jail(&arguments.policy, &protected, arguments.report_probes)?;
    let mut command = command(&jail, &arguments.command)?;
    for number in &arguments.pass_fd {
        command.descriptor(inherited(*number)?, *number);
    }
    #[cfg(feature = "full")]
    let probe = jailkeeper::Probe::for_a_start();
    #[cfg(feature = "full")]
    let monitored = command.strength(&probe)? == Strength::Monitor;
    #[cfg(not(feature = "full"))]
    let monitored = true;
    #[cfg(feature = "full")]
    if !monitored {
        let (soft, hard) = crate::limit::raise();
        command.files_limit(soft, hard);
    }
    if let (Some(tether), false) = (&arguments.tether, monitored) {
        crate::events::tether(tether, || std::process::exit(Status::Failed.number().into()))?;
    }
    if !protected.is_empty() {
        match monitored {
            true => command.check_monitored()?,
            #[cfg(feature = "full")]
            false => drop(command.plan(&probe)?),
            #[cfg(not(feature = "full"))]
            false => {}
        }
    }
    if let (Some(destination), None) = (events, &writer) {
        *writer = Some(Arc::new(Writer::new(destination.open()?)));
    }
    let mut report = report.as_ref().map(Destination::open).transpose()?;
    // With walls nothing is taken along anyway.
    if monitored {
        jailkeeper::keep_from_children(3, &arguments.pass_fd)
            .map_err(|error| Error::io("keep descriptors from the command", error))?;
    }
    let lost = Arc::new(AtomicBool::new(false));
    if let Some(writer) = writer {
        // From the thread that sees an event: it is written before the jail goes on.
        let (writer, lost) = (Arc::clone(writer), Arc::clone(&lost));
        command.on_event(move |event| {
            // A question is written by whoever waits for its answer.
            let asked = matches!(event, Event::Question(_));
            if !asked && writer.write(event).is_err() {
                lost.store(true, Ordering::Relaxed);
            }
        });
    }
    let keys = Keys::default();
    if let Some(answerer) = answerer(&arguments.policy, writer.as_ref(), &keys)? {
        command.on_question(answerer);
    }
    // Without walls there is no terminal of the jail's own.
    let relay = if monitored { None } else { Relay::prepare(&keys) };
    // Signals are caught before the command runs, so that none is lost in between.
    let mut signals = signal_hook::iterator::Signals::new(PASSED_ON)
        .map_err(|error| Error::io("catch signals", error))?;
    #[cfg(feature = "full")]
    let mut child = command.spawn_on(&probe)?;
    #[cfg(not(feature = "full"))]
    let mut child = command.spawn()?;
    if let (Some(tether), true) = (&arguments.tether, monitored) {
        // No parent's death takes such a jail along: it is killed first.
        let signaller = child.signaller();
        crate::events::tether(tether, move || signaller.kill_all())?;
    }
    let signaller = child.signaller();
    std::thread::spawn(move || {
        for number in signals.forever() {
            if let Some(signal) = Signal::from_named_raw(number) {
                let _ = signaller.signal(signal);
            }
        }
    });
    let relaying = relay.map(|relay| relay.start(&child)).transpose();
    let relaying = relaying.map_err(|error| Error::io("relay the terminal", error))?;
    let page = Page::stderr();
    let mut told = listen(page, &child);
    let finished = child.wait()?;
    if let Some(relaying) = relaying {
        relaying.finish();
    }
    if lost.load(Ordering::Relaxed) {
        told.push_str(&account::warning(page, account::EVENTS_LOST));
    }
    if arguments.show_forgiven {
        told.push_str(&account::forgiven(page, &finished.report));
    }
    if !arguments.quiet {
        ui::say(&told);
    }
    if let Some(file) = &mut report {
        write_report(file, &finished.report)
            .map_err(|error| Error::io("write the report", error))?;
    }
    if let (true, Some(signal)) = (arguments.mirror_signal, finished.signal) {
        end_by(signal);
    }
    Ok(status(&finished))
}

/// Who answers a question.
pub(crate) type Answerer = Box<dyn Fn(&Question) -> Reply + Send + Sync>;

/// Returns who answers what the policy asks about; none if it may not ask.
pub(crate) fn answerer(
    policy: &PolicyArguments,
    writer: Option<&Arc<Writer>>,
    keys: &Keys,
) -> Result<Option<Answerer>, Error> {
    let flag = policy.on_jailbreak == Some(Consequence::Ask);
    if !flag && policy.profile.is_empty() {
        return Ok(None);
    }
    match (policy.ask, writer) {
        (Whom::Terminal, _) => {
            let prompter = match Prompter::open(keys.clone()) {
                Ok(prompter) => prompter,
                // A profile may ask; if it does, the engine says that there is nobody.
                Err(_) if !flag => return Ok(None),
                Err(error) => return Err(error),
            };
            Ok(Some(Box::new(move |question| prompter.ask(question))))
        }
        (Whom::Events, Some(writer)) => {
            let answers = writer
                .other_direction()
                .map_err(|error| Error::io("read answers from the event channel", error))?;
            let channel = Channel::listen(answers, Arc::clone(writer));
            Ok(Some(Box::new(move |question| channel.ask(question))))
        }
        (Whom::Events, None) => Err(Error::usage("ask through the events")
            .with_hint("give them a descriptor that can be read too: `--events fd:N`")),
    }
}

/// The event of a jail that was not started.
pub(crate) fn failure(error: &Error) -> Event {
    let id = JailId::new(std::process::id().to_string());
    let header = Header::new(0, SystemTime::now(), id);
    let hint = error.hint().map(str::to_owned);
    Event::Failure(Failure::new(header, error.kind().code(), error.sentence(), hint))
}

/// Ends this process by a signal, so that whoever waits for it sees what happened to the command.
fn end_by(signal: i32) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Collects what is to be told at the end, when the terminal is the caller's again.
pub(crate) fn listen(page: Page, child: &Child) -> String {
    let mut told = String::new();
    let (mut accounts, mut untold) = (0, 0u64);
    for event in events(child) {
        match &event {
            // A jail that is denied rather than killed can go on trying.
            Event::Jailbreak(jailbreak)
                if accounts >= ACCOUNTS_AT_MOST && jailbreak.action != ActionTaken::Killed =>
            {
                untold += 1;
            }
            Event::Jailbreak(jailbreak) => {
                accounts += 1;
                told.push_str(&account::jailbreak(page, jailbreak));
            }
            Event::Limit(limit) => told.push_str(&account::limit(page, limit)),
            Event::Warning(warning) => {
                told.push_str(&account::warning(page, &warning.message));
            }
            _ => {}
        }
    }
    if untold > 0 {
        let more =
            account::counted(untold, "more jailbreak like this", "more jailbreaks like these");
        told.push_str(&page.line(0, &format!("jailkeeper: and {more}")));
    }
    told
}

/// Goes through the events. A jail that lives on after a while is only waited for: what the start
/// needed is given back then.
fn events(child: &Child) -> impl Iterator<Item = Event> + '_ {
    let begun = Instant::now();
    let between = std::iter::from_fn(move || {
        if begun.elapsed() >= LONG {
            crate::itself::rest();
        }
        None
    });
    child.events_for(LONG).chain(between).chain(child.events())
}

pub(crate) fn status(finished: &Finished) -> Status {
    let killed = finished.report.jailbreaks.iter().any(|event| event.action == ActionTaken::Killed);
    let lost = finished.report.warnings.iter().any(|event| event.kind == WALL_LOST);
    if lost {
        Status::Failed
    } else if killed {
        Status::Jailbreak
    } else if finished.exceeded_limit() {
        Status::Limit
    } else {
        match (finished.code, finished.signal) {
            (Some(code), _) => Status::Code(code),
            (None, Some(signal)) => Status::Signal(signal),
            // Nobody was told how it ended: it was somebody else's child.
            (None, None) => Status::Code(0),
        }
    }
}

/// Makes the jail that the flags describe.
pub(crate) fn jail(
    policy: &PolicyArguments,
    protected: &[PathBuf],
    report_probes: bool,
) -> Result<Jail, Error> {
    builder(policy, protected, report_probes)?.build()
}

/// Begins the jail that the flags describe.
pub(crate) fn builder(
    policy: &PolicyArguments,
    protected: &[PathBuf],
    report_probes: bool,
) -> Result<JailBuilder, Error> {
    let Net::None = policy.net;
    let mut builder = Jail::builder()
        .base(!policy.no_base)
        .working_directory(!policy.no_cwd)
        .strict(policy.strict)
        .hide(policy.hide)
        .nested(policy.nested)
        .unwatched(policy.watch == Watch::None)
        .strength(policy.strength.into())
        .strength_at_most(policy.strength_at_most.into())
        .report_probes(report_probes)
        .ask_timeout(policy.ask_timeout);
    if let Some(tmp) = policy.tmp {
        builder = builder.private_tmp(tmp == Tmp::Private);
    }
    if let Some(home) = home() {
        builder = builder.home(home);
    }
    if !policy.profile.is_empty() {
        builder = builder.profiles(shelf().stack(&policy.profile)?);
    }
    if let Some(consequence) = policy.on_jailbreak {
        builder = builder.on_jailbreak(consequence.into());
    }
    let flags = [
        (&policy.read, Right::Read, "--read"),
        (&policy.write, Right::Write, "--write"),
        (&policy.deny, Right::Deny, "--deny"),
    ];
    for (paths, right, flag) in flags {
        for path in paths {
            builder = builder.rule(path, right, Origin::Flag(format!("{flag} {}", path.display())));
        }
    }
    let globs = [
        (&policy.read_glob, Right::Read, "--read-glob"),
        (&policy.write_glob, Right::Write, "--write-glob"),
        (&policy.deny_glob, Right::Deny, "--deny-glob"),
    ];
    for (globs, right, flag) in globs {
        for glob in globs {
            builder = builder.glob(glob, right, Origin::Flag(format!("{flag} {glob}")))?;
        }
    }
    let patterns = [
        (&policy.read_pattern, Right::Read, "--read-pattern"),
        (&policy.write_pattern, Right::Write, "--write-pattern"),
    ];
    for (expressions, right, flag) in patterns {
        for expression in expressions {
            let origin = Origin::Flag(format!("{flag} {expression}"));
            builder = builder.pattern(expression, right, origin)?;
        }
    }
    builder = match &policy.tracer {
        None => builder,
        Some(_) if Strength::from(policy.strength) != Strength::Monitor => {
            return Err(Error::usage("use a tracer at a strength that has walls")
                .with_hint("`--tracer` belongs to `--strength monitor`"));
        }
        // Who names a tracer wants no walls.
        Some(tracer) => builder.tracer(tracer.parse()?).strength_at_most(Strength::Monitor),
    };
    if let Some(limit) = policy.wall_time {
        builder = builder.wall_time(limit);
    }
    for file in protected {
        builder = builder.protect(file);
    }
    Ok(builder)
}

/// Makes the command that the arguments describe.
pub(crate) fn command(jail: &Jail, arguments: &CommandArguments) -> Result<Command, Error> {
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(Error::usage("find the command on the command line"));
    };
    let mut command = jail.command(program);
    command.args(rest);
    if let Some(name) = &arguments.argv0 {
        command.arg0(name);
    }
    if let Some(cwd) = &arguments.cwd {
        command.current_dir(cwd);
    }
    for variable in &arguments.env {
        let (name, value) = split_variable(variable);
        match value.or_else(|| std::env::var_os(&name)) {
            Some(value) => command.env(name, value),
            None => &mut command,
        };
    }
    if arguments.env_all {
        for (name, value) in std::env::vars_os() {
            if !arguments.env.iter().any(|variable| split_variable(variable).0 == name) {
                command.env(name, value);
            }
        }
    } else {
        command.inherit_environment(std::env::vars_os());
    }
    if std::io::stdin().is_terminal() {
        command.stdin(Stdio::Terminal);
        if std::io::stdout().is_terminal() {
            command.stdout(Stdio::Terminal);
        }
        if std::io::stderr().is_terminal() {
            command.stderr(Stdio::Terminal);
        }
    }
    Ok(command)
}

fn split_variable(variable: &OsStr) -> (OsString, Option<OsString>) {
    let bytes = variable.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (name, value) = bytes.split_at(at);
            let value = value.get(1..).unwrap_or_default();
            (OsString::from_vec(name.to_vec()), Some(OsString::from_vec(value.to_vec())))
        }
        None => (variable.to_owned(), None),
    }
}
