//! The steps of a jail without namespaces: a reaper and the command.
//!
//! 1. The *reaper* adopts orphans, makes the command, becomes the jail's user and gives up all
//!    privileges. It hands the command's listener over, and stays to see to the end of all
//!    descendants.
//! 2. The *command* becomes the jail's user as well, shuts Landlock and seccomp behind itself,
//!    proves that they are shut, and executes.
//!
//! The listener is handed over by a process that the filter does not bind: containers often forbid
//! `pidfd_getfd`, and a message of the command's own would wait for an answer of the listener that
//! it carries. So the reaper shares the command's table of descriptors until it has it.

use super::command::{c_strings, environment, limit_files, use_terminal};
use super::{PROVEN, Prepared, SEALED, Stream, Workshop, c_string};
use crate::death::Group;
use crate::error::{Error, ErrorKind, Result, Step as _};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::scratch::Scratch;
use crate::walls;
use crate::walls::filter::Flat as Filtered;
use jailkeeper_sys::child::{Arguments, Launch, Program, Slot, Step};
use jailkeeper_sys::process::Namespaces;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};

/// What a jail without namespaces has besides.
#[derive(Debug)]
pub(crate) struct Flat {
    /// The reaper kills when something is written here, or when it is closed.
    pub(crate) life: Option<OwnedFd>,
    /// Kills everything in it.
    pub(crate) group: Option<Group>,
    /// The caller's side of the command's terminal.
    pub(crate) terminal: Option<OwnedFd>,
    /// Its private directory, removed at the end.
    #[expect(dead_code, reason = "it only has to be there until the end")]
    pub(crate) scratch: Option<Scratch>,
}

impl Prepared {
    /// Prepares the steps of a plan on the host's own files.
    pub(crate) fn flat(
        plan: &Plan,
        streams: Vec<Stream>,
        pace: Pace,
        scratch: Option<Scratch>,
    ) -> Result<Self> {
        let (mut workshop, control, executed) = Workshop::open(&streams, pace)?;
        for stream in &streams {
            refuse_datagrams(&stream.fd)?;
        }
        if let Some(scratch) = scratch.as_ref().filter(|_| plan.identity.changed) {
            scratch
                .give(plan.identity.user, plan.identity.group)
                .step("make the private directory over to the jail's user")?;
        }
        // Whoever filters here may take a new group for an attempt to get out. Landlock's scope
        // kills as well.
        let scoped = plan.landlock_abi >= walls::landlock::SCOPES_SINCE;
        let group = if scoped && crate::probe::is_filtered() { None } else { Group::make() };
        let filter = flat_filter(plan, group.is_some());
        let (reader, writer) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).step("make a pipe")?;
        let (reader, writer) = (workshop.hold(reader)?, workshop.hold(writer)?);
        let (death, life) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).step("make a pipe")?;
        let death = workshop.hold(death)?;
        let kill = match &group {
            Some(group) => Some(
                workshop
                    .hold(group.as_fd().try_clone_to_owned().step("duplicate a descriptor")?)?,
            ),
            None => None,
        };
        let directory = match &group {
            Some(group) => Some(workshop.hold(group.directory().step("open a control group")?)?),
            None => None,
        };
        let terminal = if plan.terminal.is_empty() { None } else { Some(open_terminal()?) };
        let canary = canary(plan, scratch.as_ref())?;
        let mut command = command(plan, &mut workshop, streams, (filter, writer), canary)?;
        let terminal = match terminal {
            Some((ours, theirs)) => {
                let slot = workshop.hold(theirs)?;
                use_terminal(&mut command, plan, slot, workshop.floor);
                Some(ours)
            }
            None => None,
        };
        let around = match walls::landlock::flat::around(plan)? {
            Some(ruleset) => Some(workshop.hold(ruleset)?),
            None => None,
        };
        let heir = scratch.as_ref().map(remover).transpose()?;
        let last = Step::Reap { life: death, group: kill, alone: around.is_some(), heir };
        let command = Step::SpawnSharing { group: directory, program: Box::new(command) };
        let program = reaper(plan, &workshop, command, reader, around, last);
        Ok(Self {
            launch: Launch { program, slots: workshop.slots, namespaces: Namespaces::NONE },
            control,
            executed,
            given: Vec::new(),
            memory_trees: Vec::new(),
            flat: Some(Flat { life: Some(life), group, terminal, scratch }),
            held: workshop.held,
        })
    }
}

/// Returns the filter of a plan.
pub(crate) fn flat_filter(plan: &Plan, has_group: bool) -> jailkeeper_sys::bpf::Program {
    if plan.unwatched {
        return walls::filter::unwatched_program(plan.nested);
    }
    walls::filter::flat_program(Filtered {
        looks: plan.hides(),
        forks: !has_group && plan.landlock_abi < walls::landlock::SCOPES_SINCE,
        signals: plan.landlock_abi < walls::landlock::SCOPES_SINCE,
        exits: false,
        nested: plan.nested,
    })
}

fn reaper(
    plan: &Plan,
    workshop: &Workshop,
    command: Step,
    pipe: Slot,
    around: Option<Slot>,
    last: Step,
) -> Program {
    let mut steps =
        vec![Step::DieWithParent, Step::CloseOthers, Step::EmptyBoundingSet, Step::NoNewPrivileges];
    if let Some(around) = around {
        // While it is the supervisor's user still: then nothing but the domain can keep its
        // signals from the supervisor.
        steps.extend([Step::Restrict(around), Step::ProveScopedSignals]);
    }
    steps.extend([Step::NoCoreDumps, Step::Subreaper]);
    steps.extend(jailkeeper_sys::child::forget_arguments());
    // Only who may write to the group above can let a process begin in the jail's.
    steps.push(command);
    steps.extend(become_nobody(plan));
    // The change of user made the kernel forget it.
    steps.push(Step::DieWithParent);
    if !plan.unwatched {
        steps.push(Step::PassListener { pipe });
    }
    steps.extend([Step::UnshareDescriptors, Step::Dumpable(plan.unwatched), Step::Report(SEALED)]);
    steps.extend(workshop.run_everywhere());
    steps.push(last);
    Program { name: "reaper", steps }
}

/// Becomes the jail's user, without privileges.
fn become_nobody(plan: &Plan) -> impl Iterator<Item = Step> {
    let identity = plan.identity;
    let ids = Step::SetIds { user: identity.user, group: identity.group };
    let ids = identity.changed.then_some(ids);
    ids.into_iter().chain([Step::DropCapabilities, Step::Dumpable(true)])
}

fn command(
    plan: &Plan,
    workshop: &mut Workshop,
    streams: Vec<Stream>,
    (filter, pipe): (jailkeeper_sys::bpf::Program, Slot),
    canary: CString,
) -> Result<Program> {
    let ruleset = walls::landlock::flat::prepare(plan)?;
    for stream in &streams {
        walls::landlock::let_reopen(&ruleset, &stream.fd)?;
    }
    let ruleset = workshop.hold(ruleset)?;
    let mut steps: Vec<_> = become_nobody(plan).collect();
    steps.extend([Step::NewSession, Step::CloseOnExecFrom(0)]);
    for stream in streams {
        let slot = workshop.hold(stream.fd)?;
        steps.push(Step::Redirect(slot, stream.number));
    }
    steps.extend([
        Step::ChangeDirectory(c_string(plan.cwd.as_path().as_os_str())?),
        Step::Report(READY),
        Step::AwaitGo,
        Step::Restrict(ruleset),
        if plan.unwatched {
            Step::FilterAlone(filter)
        } else {
            Step::FilterByPipe { filter, pipe }
        },
        Step::AwaitGo,
        Step::CanaryListing(canary),
        Step::Report(PROVEN),
        Step::AwaitGo,
    ]);
    steps.extend(workshop.run_everywhere());
    steps.extend(limit_files(plan));
    steps.extend([
        Step::DefaultSignals,
        Step::UnblockSignals,
        Step::Execute {
            candidates: c_strings(plan.candidates.iter().map(|path| path.as_os_str()))?,
            arguments: Arguments::new(c_strings(plan.arguments.iter().map(OsString::as_os_str))?),
            environment: environment(plan)?,
        },
    ]);
    Ok(Program { name: "command", steps })
}

/// Finds a directory that this process may list and the jail may not: what proves Landlock must not
/// be refused by something else, as the root is inside another jail.
fn canary(plan: &Plan, scratch: Option<&Scratch>) -> Result<CString> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let lists = |path: &std::path::Path| rustix::fs::open(path, flags, Mode::empty()).is_ok();
    let around = scratch.and_then(|scratch| scratch.path().ok()).and_then(|path| path.parent());
    let around =
        around.filter(|around| plan.policy.rule_for(around).is_none_or(|r| !r.right().allows()));
    let root = std::path::Path::new("/");
    let path = match &around {
        _ if !plan.unwatched || lists(root) => root,
        Some(around) if lists(around.as_path()) => around.as_path(),
        _ => {
            return Err(Error::new(ErrorKind::Setup, "find a canary to prove Landlock with")
                .because("nothing that can be listed here is forbidden to the jail")
                .with_hint("let the jail have a private directory for temporary files"));
        }
    };
    c_string(path.as_os_str())
}

/// What the command reports when it is there.
pub(crate) const READY: u32 = 3;

/// What removes the private directory when there is no supervisor to do it any more.
fn remover(scratch: &Scratch) -> Result<(CString, Arguments)> {
    let path = scratch.path()?;
    let words = ["rm", "-rf", "--"].map(OsStr::new).into_iter();
    let words = words.chain(std::iter::once(path.as_path().as_os_str()));
    Ok((c"/bin/rm".into(), Arguments::new(c_strings(words)?)))
}

/// Opens a terminal of the host's for the jail: the caller's side and its own.
fn open_terminal() -> Result<(OwnedFd, OwnedFd)> {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    const STEP: &str = "open a terminal";
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).step(STEP)?;
    grantpt(&ours).step(STEP)?;
    unlockpt(&ours).step(STEP)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags).step(STEP)?;
    crate::stdio::fit(&ours);
    Ok((ours, theirs))
}

/// Refuses a unix socket for datagrams: each message on it names its receiver, which may be
/// anybody of the host, and no wall of this strength governs that.
fn refuse_datagrams(fd: &OwnedFd) -> Result<()> {
    use rustix::net::{AddressFamily, SocketType, sockopt};
    let kind = sockopt::socket_type(fd);
    let domain = sockopt::socket_domain(fd);
    if kind == Ok(SocketType::DGRAM) && domain == Ok(AddressFamily::UNIX) {
        return Err(Error::new(ErrorKind::Policy, "hand a unix datagram socket into the jail")
            .because("at strength `flat` nothing governs whom it could send to")
            .with_hint("hand in a stream socket or a pipe"));
    }
    Ok(())
}
