//! Turning a plan into the steps of the jail's processes.
//!
//! Three processes set a jail up, each a prepared list of steps:
//!
//! 1. the *builder* is in the new user and mount namespaces but still in the supervisor's pid
//!    namespace. It mounts the view's root, because FUSE reports the pids of callers in the
//!    namespace of whoever mounted it;
//! 2. the *init* is the first process of the new pid namespace. It attaches everything, makes
//!    the view its root, gives up all privileges, and later is what dies when the jail dies;
//! 3. the *command* shuts the last doors behind itself (Landlock, seccomp), proves that they are
//!    shut, and executes.

mod command;
mod flat;
#[cfg(test)]
mod sabotage;
mod view;

use crate::error::{Error, ErrorKind, Result, Step as _};
use crate::pace::Pace;
use crate::plan::{Plan, Source};
use jailkeeper_sys::child::{Control, Device, Launch, MountOption, Program, Slot, Slots, Step};
use jailkeeper_sys::mount::Attributes;
use jailkeeper_sys::process::{Namespaces, Parent};
use jailkeeper_sys::resident::Constants;
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) use command::Stream;
pub(crate) use flat::{Flat, READY, flat_filter};
#[cfg(test)]
pub(crate) use sabotage::sabotage;
pub(crate) use view::mapped;

/// The name in the view's root under which a jail proves its walls.
pub(crate) const CANARY: &str = ".jailkeeper-canary";
/// The directory of the host over which the view is attached until it becomes the root. Every
/// system that runs a process has it.
const ATTACH_POINT: &str = "/proc";
/// What the init reports when it has given up everything.
pub(crate) const SEALED: u32 = 1;
/// What the command reports when the canary was refused.
pub(crate) const PROVEN: u32 = 2;

/// A jail that is completely prepared and has no process yet.
pub(crate) struct Prepared {
    pub(crate) launch: Launch,
    pub(crate) control: Control,
    /// Ends when the command was executed.
    pub(crate) executed: OwnedFd,
    /// The trees whose mounts the builder takes one by one, in its order.
    pub(crate) given: Vec<jailkeeper_model::JailPath>,
    /// The file systems in memory, in the order in which the init sends their descriptors.
    pub(crate) memory_trees: Vec<jailkeeper_model::JailPath>,
    /// What a jail without namespaces has besides.
    pub(crate) flat: Option<Flat>,
    /// The descriptors that the slots name. They must live until the child was made.
    held: Vec<OwnedFd>,
}

impl Prepared {
    /// Prepares everything that the plan says.
    pub(crate) fn new(plan: &Plan, streams: Vec<Stream>, pace: Pace) -> Result<Self> {
        let (mut workshop, control, executed) = Workshop::open(&streams, pace)?;
        let root = workshop.slots.empty();
        let mut mounts = view::mounts(plan, &mut workshop, root)?;
        let given = std::mem::take(&mut mounts.given);
        let command = command::program(plan, &mut workshop, streams)?;
        let program = builder(plan, &mut workshop, root, mounts, command)?;
        let memory_trees = plan
            .trees
            .iter()
            .filter(|tree| matches!(tree.source, Source::Memory))
            .map(|tree| tree.path.clone())
            .collect();
        let namespaces = Namespaces::USER
            .and(Namespaces::MOUNT)
            .and(Namespaces::IPC)
            .and(Namespaces::UTS)
            // Before Landlock could scope them, only a network namespace kept abstract unix
            // sockets apart.
            .and(if plan.landlock_abi < 6 { Namespaces::NETWORK } else { Namespaces::NONE });
        Ok(Self {
            launch: Launch { program, slots: workshop.slots, namespaces },
            control,
            executed,
            given,
            memory_trees,
            flat: None,
            held: workshop.held,
        })
    }

    /// Closes this process's copies of what was for the child.
    pub(crate) fn let_go(&mut self) {
        self.held.clear();
        self.control.close_child_end();
    }
}

/// Where the steps are put together.
struct Workshop {
    slots: Slots,
    held: Vec<OwnedFd>,
    /// Gives the jail its processors back when it is raised.
    pace: Pace,
    /// Smallest number for a descriptor of ours: the command's own lie below.
    floor: RawFd,
}

impl Workshop {
    /// Opens the workshop of a jail, with the control socket and the pipe that ends at exec.
    fn open(streams: &[Stream], pace: Pace) -> Result<(Self, Control, OwnedFd)> {
        let floor = streams.iter().map(|stream| stream.number).max().unwrap_or(2).max(2) + 1;
        let control = jailkeeper_sys::child::control_pair(floor).step("make a control socket")?;
        let (executed, at_exec) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).step("make a pipe")?;
        let mut workshop = Self { slots: Slots::default(), held: Vec::new(), pace, floor };
        workshop.hold(at_exec)?;
        Ok((workshop, control, executed))
    }

    /// The step with which a process runs everywhere again.
    fn run_everywhere(&self) -> Option<Step> {
        self.pace.processors().map(|processors| Step::RunOn(Box::new(processors)))
    }

    /// Takes a descriptor of this process along.
    fn hold(&mut self, fd: OwnedFd) -> Result<Slot> {
        let fd = match fd.as_raw_fd() >= self.floor {
            true => fd,
            false => rustix::io::fcntl_dupfd_cloexec(fd, self.floor).step("keep a descriptor")?,
        };
        let slot = self.slots.holding(fd.as_fd());
        self.held.push(fd);
        Ok(slot)
    }
}

fn builder(
    plan: &Plan,
    workshop: &mut Workshop,
    root: Slot,
    mounts: view::Mounts,
    command: Program,
) -> Result<Program> {
    let device = workshop.slots.empty();
    let mut steps = vec![Step::DieWithParent, Step::CloseOthers, Step::Dumpable(true)];
    steps.extend(maps(plan));
    steps.extend([
        Step::ProveNamespaces(vec![parents("mnt")?, parents("user")?]),
        Step::MakeMountsPrivate,
        Step::HostName(b"jail".to_vec()),
    ]);
    steps.extend(mounts.clone_steps);
    steps.extend([
        Step::OpenDevice(Device { path: c"/dev/fuse".into(), into: device }),
        // Whoever asks the view must be somebody whom its user namespace knows. Changing users
        // makes the kernel forget the signal at the parent's death, so that is asked for again.
        Step::SetIds { user: plan.identity.user, group: plan.identity.group },
        Step::DieWithParent,
    ]);
    if !mounts.overlay_steps.is_empty() {
        let layers = workshop.slots.empty();
        steps.push(Step::NewMount {
            filesystem: c"tmpfs".into(),
            options: vec![MountOption::Text(c"source".into(), c"jailkeeper".into())],
            attributes: Attributes::NO_SETUID.and(Attributes::NO_DEVICES),
            into: layers,
        });
        steps.push(Step::EnterMount { mount: layers, at: attach_point()? });
        steps.extend(mounts.overlay_steps);
        steps.push(Step::Close(layers));
    }
    steps.extend([
        Step::NewMount {
            filesystem: c"fuse".into(),
            options: vec![
                MountOption::Descriptor(c"fd".into(), device),
                MountOption::Text(c"source".into(), c"jailkeeper".into()),
                MountOption::Text(c"rootmode".into(), c"40000".into()),
                MountOption::Text(c"user_id".into(), number(plan.identity.user)?),
                MountOption::Text(c"group_id".into(), number(plan.identity.group)?),
                MountOption::Flag(c"allow_other".into()),
            ],
            attributes: Attributes::NO_SETUID.and(Attributes::NO_DEVICES),
            into: root,
        },
        Step::SendFd(device),
        Step::Close(device),
        // Until its attributes are known the root belongs to nobody, and the kernel refuses
        // creations in it before the tripwire sees them.
        Step::StatRoot(root),
        Step::Spawn {
            namespaces: Namespaces::PID,
            parent: Parent::Grandparent,
            program: Box::new(init(plan, workshop, root, mounts.attach_steps, command)?),
        },
        Step::Exit,
    ]);
    Ok(Program { name: "builder", steps })
}

fn init(
    plan: &Plan,
    workshop: &mut Workshop,
    root: Slot,
    attach_steps: Vec<Step>,
    command: Program,
) -> Result<Program> {
    let mut steps =
        vec![Step::DieWithParent, Step::EnterMount { mount: root, at: attach_point()? }];
    steps.extend(view::listings(plan)?);
    steps.extend(view::look_ups(plan)?);
    steps.extend(attach_steps);
    steps.push(Step::Pivot);
    let mut command = command;
    if !plan.terminal.is_empty() {
        let terminal = workshop.slots.empty();
        steps.push(Step::OpenTerminal { multiplexer: c"/dev/pts/ptmx".into(), into: terminal });
        command::use_terminal(&mut command, plan, terminal, workshop.floor);
    }
    let everywhere = workshop.run_everywhere();
    steps.extend(jailkeeper_sys::child::forget_arguments());
    steps.extend([
        Step::DropCapabilities,
        Step::NoNewPrivileges,
        Step::NoCoreDumps,
        Step::Spawn {
            namespaces: Namespaces::NONE,
            parent: Parent::Caller,
            program: Box::new(command),
        },
        Step::CloseAll,
        Step::Dumpable(false),
        Step::Report(SEALED),
    ]);
    steps.extend(everywhere);
    steps.push(Step::Init(Constants::of_this_program()));
    Ok(Program { name: "init", steps })
}

/// How the builder gets its user: everybody may map himself, but only the supervisor, as root,
/// may map somebody else.
fn maps(plan: &Plan) -> Vec<Step> {
    let identity = plan.identity;
    if identity.changed {
        return vec![Step::AwaitGo];
    }
    let line = |id: u32| id_map(id).into_bytes();
    vec![
        Step::WriteFile(c"/proc/self/setgroups".into(), b"deny".to_vec()),
        Step::WriteFile(c"/proc/self/gid_map".into(), line(identity.group)),
        Step::WriteFile(c"/proc/self/uid_map".into(), line(identity.user)),
    ]
}

/// The map of an id to itself, as `user_namespaces(7)` writes it.
pub(crate) fn id_map(id: u32) -> String {
    format!("{id} {id} 1\n")
}

/// A directory of the host over which the view is attached until it becomes the root.
fn attach_point() -> Result<CString> {
    c_string(OsStr::new(ATTACH_POINT))
}

/// This process's own namespace of a kind, to be compared with the child's.
fn parents(kind: &str) -> Result<(CString, u64)> {
    let path = format!("/proc/self/ns/{kind}");
    let stat = rustix::fs::stat(path.as_str()).step("look at this process's namespaces")?;
    Ok((c_string(OsStr::new(&path))?, stat.st_ino))
}

/// Makes a C string of text that comes from the caller.
fn c_string(text: &OsStr) -> Result<CString> {
    CString::new(text.as_bytes()).map_err(|error| {
        Error::new(ErrorKind::Policy, "pass on text with a zero byte in it").because(error)
    })
}

fn number(number: u32) -> Result<CString> {
    c_string(OsStr::new(&number.to_string()))
}

/// A path relative to the view's root.
fn relative(path: &Path) -> Result<CString> {
    c_string(path.strip_prefix("/").unwrap_or(path).as_os_str())
}
