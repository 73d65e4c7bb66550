//! The steps that a child can take.

use super::{Program, Slot};
use crate::bpf;
use crate::mount::Attributes;
use crate::process::{Namespaces, Parent};
use crate::resident::Constants;
use rustix::thread::CpuSet;
use std::ffi::{CStr, CString, c_char};

/// One kernel step, completely prepared.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Is killed when the parent's thread ends (`PR_SET_PDEATHSIG`), and ends at once if it
    /// ended already.
    DieWithParent,
    /// Closes every descriptor but those in slots and the control socket.
    CloseOthers,
    /// Closes every descriptor but the control socket.
    CloseAll,
    /// Lets the owner of the user namespace look into this process (`PR_SET_DUMPABLE`).
    Dumpable(bool),
    /// Waits until the parent says go.
    AwaitGo,
    /// Ends with `EEXIST` unless each of these namespaces differs from the parent's inode.
    ProveNamespaces(Vec<(CString, u64)>),
    /// Makes all mounts private (`MS_REC | MS_PRIVATE`).
    MakeMountsPrivate,
    /// Clones the mount of a file tree into a slot (`open_tree(2)`).
    CloneTree {
        /// What to clone.
        source: TreeSource,
        /// Attributes for it and all mounts below it.
        attributes: Attributes,
        /// Where the detached mount goes.
        into: Slot,
    },
    /// Takes the detached mount of a file tree that the parent [gives](super::Control::give).
    TakeTree(Slot),
    /// Opens a file or device into a slot.
    OpenDevice(Device),
    /// Mounts a new file system, detached, into a slot (`fsopen(2)`, `fsmount(2)`).
    NewMount {
        /// The file system's type.
        filesystem: CString,
        /// Its options.
        options: Vec<Option>,
        /// The mount's attributes.
        attributes: Attributes,
        /// Where the detached mount goes.
        into: Slot,
    },
    /// Asks for the attributes of a mount's root, past every cache.
    StatRoot(Slot),
    /// Attaches a mount at a path and makes it the working directory.
    EnterMount {
        /// The mount.
        mount: Slot,
        /// An existing directory.
        at: CString,
    },
    /// Lists a directory, relative to the working directory, for what the kernel then remembers.
    List(CString),
    /// Looks a name up below the working directory, and reads it if it is a link, for what the
    /// kernel then remembers. It only makes things faster, and never fails.
    LookUp(CString),
    /// Attaches a mount at a path below the working directory (`move_mount(2)`).
    Attach {
        /// The mount.
        mount: Slot,
        /// An existing file or directory, relative.
        to: CString,
    },
    /// Makes a directory, relative to the working directory, unless it is there.
    MakeDirectory(CString, u32),
    /// Makes an empty file, relative to the working directory, unless it is there.
    MakeFile(CString),
    /// Makes a symbolic link.
    MakeLink {
        /// What it says.
        target: CString,
        /// Where it stands.
        at: CString,
    },
    /// Mounts a path over itself, read-only, with everything below it; missing paths are passed.
    SealReadOnly(CString),
    /// Writes bytes to a file, relative to the working directory.
    WriteFile(CString, Vec<u8>),
    /// Makes the working directory the root and detaches the old one (`pivot_root(2)`).
    Pivot,
    /// Sets the host name.
    HostName(Vec<u8>),
    /// Sends a slot's descriptor to the parent.
    SendFd(Slot),
    /// Opens a new terminal of the jail's own devpts: one side is sent to the parent.
    OpenTerminal {
        /// The path of `ptmx` inside the jail.
        multiplexer: CString,
        /// Where the terminal's own side goes.
        into: Slot,
    },
    /// Tells the parent how far this child is.
    Report(u32),
    /// Makes another process.
    Spawn {
        /// Its namespaces.
        namespaces: Namespaces,
        /// Whose child it is.
        parent: Parent,
        /// What it does.
        program: Box<Program>,
    },
    /// Makes another process of the caller's that shares this one's table of descriptors.
    SpawnSharing {
        /// The directory of a control group that it begins in, if that is permitted.
        group: std::option::Option<Slot>,
        /// What it does.
        program: Box<Program>,
    },
    /// Waits for the number of a seccomp listener in a pipe and sends the listener, which is in
    /// the shared table of descriptors, to the parent.
    PassListener {
        /// The pipe's reading end.
        pipe: Slot,
    },
    /// Gets a table of descriptors of its own (`unshare(2)`).
    UnshareDescriptors,
    /// Sets the user and group, with no supplementary groups where that is permitted.
    SetIds {
        /// The user id, as the jail knows it.
        user: u32,
        /// The group id, as the jail knows it.
        group: u32,
    },
    /// Drops every capability, for ever.
    DropCapabilities,
    /// Empties the set of capabilities that executing a file could give, as far as that is
    /// permitted.
    EmptyBoundingSet,
    /// Renounces new privileges (`PR_SET_NO_NEW_PRIVS`).
    NoNewPrivileges,
    /// Overwrites the command line that `/proc/PID/cmdline` shows, from this address on.
    ForgetArguments {
        /// Where it begins in this process's memory.
        start: usize,
        /// How long it is.
        length: usize,
    },
    /// Forbids core dumps.
    NoCoreDumps,
    /// Sets how many descriptors this process may have open (`RLIMIT_NOFILE`).
    LimitFiles {
        /// As many as it has.
        soft: u64,
        /// As many as it may ask for.
        hard: u64,
    },
    /// Lets this process run on these processors again, if that can be had.
    RunOn(Box<CpuSet>),
    /// Starts a session of its own (`setsid(2)`).
    NewSession,
    /// Makes the terminal in a slot the session's own.
    ControllingTerminal(Slot),
    /// Moves a slot's descriptor to a number of at least this.
    Lift(Slot, i32),
    /// Makes a slot's descriptor available under this number (`dup2(2)`).
    Redirect(Slot, i32),
    /// Closes a slot's descriptor.
    Close(Slot),
    /// Changes the working directory.
    ChangeDirectory(CString),
    /// Gives every signal its default action.
    DefaultSignals,
    /// Unblocks all signals.
    UnblockSignals,
    /// Closes, at exec, every descriptor from this number on.
    CloseOnExecFrom(i32),
    /// Grants rights on a path in a Landlock ruleset.
    Grant {
        /// The ruleset.
        ruleset: Slot,
        /// The path.
        path: CString,
        /// `LANDLOCK_ACCESS_FS_*`.
        rights: u64,
    },
    /// Enforces a Landlock ruleset for ever.
    Restrict(Slot),
    /// Installs a seccomp filter and tells the parent the number of its listener.
    Filter(bpf::Program),
    /// Installs a seccomp filter that has no listener.
    FilterAlone(bpf::Program),
    /// Installs a seccomp filter and writes the number of its listener into a pipe.
    FilterByPipe {
        /// The filter.
        filter: bpf::Program,
        /// The pipe's writing end.
        pipe: Slot,
    },
    /// Tries to open a path for writing. Anything but `EACCES` is a failure.
    Canary(CString),
    /// Tries to open a directory for listing. Anything but `EACCES` is a failure.
    CanaryListing(CString),
    /// Executes the first of these files that is there.
    Execute {
        /// Where the program may be.
        candidates: Vec<CString>,
        /// Its arguments, the name first.
        arguments: Arguments,
        /// Its environment.
        environment: Arguments,
    },
    /// Is the init of a pid namespace: reaps, reports the end of the process that was spawned
    /// last, and ends with it. It gives back what it needs next to nothing of while it waits.
    Init(Constants),
    /// Ends with `EEXIST` unless it is kept from signalling its parent.
    ProveScopedSignals,
    /// Adopts the orphans among its descendants (`PR_SET_CHILD_SUBREAPER`).
    Subreaper,
    /// Reaps all descendants, tells the end of the process that was spawned last, kills the rest
    /// when the parent says so or is gone, and ends when nothing is left.
    Reap {
        /// A pipe whose other end the parent alone has: a word in it, or its end, is the time to
        /// kill.
        life: Slot,
        /// The file `cgroup.kill` of a group that all descendants are in.
        group: std::option::Option<Slot>,
        /// It is in a Landlock domain of its own that signals do not leave: whomever it may
        /// signal is one of the descendants.
        alone: bool,
        /// What it executes at the very end if the parent is gone: program, arguments.
        heir: std::option::Option<(CString, Arguments)>,
    },
    /// Ends without a word.
    Exit,
}

/// Where a tree to be cloned comes from.
#[derive(Debug)]
pub enum TreeSource {
    /// A path without symbolic links, which must still be this device and inode.
    Path {
        /// The path.
        path: CString,
        /// The device that it is on.
        device: u64,
        /// The inode that it is.
        inode: u64,
    },
    /// A file or directory below a mount that a slot holds.
    Below {
        /// The mount.
        mount: Slot,
        /// The path, relative.
        path: CString,
    },
}

/// An option of a new mount.
#[derive(Debug)]
pub enum Option {
    /// A name alone.
    Flag(CString),
    /// A name and a value.
    Text(CString, CString),
    /// A name and the number of the descriptor in a slot.
    Descriptor(CString, Slot),
}

/// A file to open.
#[derive(Debug)]
pub struct Device {
    /// Its path.
    pub path: CString,
    /// Where the descriptor goes.
    pub into: Slot,
}

/// A vector of C strings with the pointers that `execve(2)` wants.
#[derive(Debug)]
pub struct Arguments {
    /// Owns what `pointers` points to.
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

// SAFETY: the pointers point into heap memory that `strings` owns and nobody changes.
unsafe impl Send for Arguments {}
// SAFETY: as above; there is no interior mutability.
unsafe impl Sync for Arguments {}

impl Arguments {
    /// Prepares a vector.
    #[must_use]
    pub fn new(strings: Vec<CString>) -> Self {
        let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Self { strings, pointers }
    }

    /// Returns the strings.
    #[must_use]
    pub fn strings(&self) -> &[CString] {
        &self.strings
    }

    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}

impl Step {
    /// Returns what the step does, to complete "failed to ...".
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::DieWithParent => "tie the jail's life to the supervisor",
            Self::CloseOthers | Self::CloseAll => "close inherited descriptors",
            Self::Dumpable(_) => "set whether the process may be looked into",
            Self::AwaitGo => "wait for the supervisor",
            Self::ProveNamespaces(_) => "prove that the namespaces are new",
            Self::MakeMountsPrivate => "make mounts private",
            Self::CloneTree { .. } => "clone the mount of an allowed tree",
            Self::TakeTree(_) => "take the mount of an allowed tree",
            Self::OpenDevice(_) => "open a device",
            Self::NewMount { .. } => "mount a new file system",
            Self::StatRoot(_) => "look at the root of the view",
            Self::EnterMount { .. } => "enter the view",
            Self::List(_) => "list a directory of the view",
            Self::LookUp(_) => "look up a name of the view",
            Self::Attach { .. } => "attach a mount in the view",
            Self::MakeDirectory(..) => "make a directory in the view",
            Self::MakeFile(_) => "make a file in the view",
            Self::MakeLink { .. } => "make a symbolic link in the view",
            Self::SealReadOnly(_) => "seal a part of `/proc`",
            Self::WriteFile(..) => "write a kernel setting of the jail",
            Self::Pivot => "make the view the root",
            Self::HostName(_) => "set the host name",
            Self::SendFd(_) => "hand a descriptor to the supervisor",
            Self::OpenTerminal { .. } => "open a terminal",
            Self::Report(_) => "report to the supervisor",
            Self::Spawn { .. } | Self::SpawnSharing { .. } => "make a process",
            Self::PassListener { .. } => "hand the seccomp listener to the supervisor",
            Self::UnshareDescriptors => "get descriptors of its own",
            Self::EmptyBoundingSet => "empty the bounding set of capabilities",
            Self::ProveScopedSignals => "prove that signals stay inside",
            Self::Subreaper => "adopt orphans",
            Self::Reap { .. } => "watch over the jail as its reaper",
            Self::SetIds { .. } => "change to the jail's user",
            Self::DropCapabilities => "drop capabilities",
            Self::NoNewPrivileges => "renounce new privileges",
            Self::ForgetArguments { .. } => "forget the caller's command line",
            Self::NoCoreDumps => "forbid core dumps",
            Self::LimitFiles { .. } => "limit open descriptors",
            Self::RunOn(_) => "choose processors",
            Self::NewSession => "start a session",
            Self::ControllingTerminal(_) => "take the terminal",
            Self::Lift(..) | Self::Redirect(..) | Self::Close(_) => "connect the standard streams",
            Self::ChangeDirectory(_) => "change to the working directory",
            Self::DefaultSignals | Self::UnblockSignals => "reset signals",
            Self::CloseOnExecFrom(_) => "close descriptors on exec",
            Self::Grant { .. } => "add a Landlock rule",
            Self::Restrict(_) => "enforce Landlock",
            Self::Filter(_) | Self::FilterAlone(_) | Self::FilterByPipe { .. } => {
                "install the seccomp filter"
            }
            Self::Canary(_) | Self::CanaryListing(_) => "prove the walls with a forbidden canary",
            Self::Execute { .. } => "execute the command",
            Self::Init(_) => "watch over the jail as its init",
            Self::Exit => "exit",
        }
    }

    /// Returns the path that the step is about.
    #[must_use]
    pub fn path(&self) -> std::option::Option<&CStr> {
        match self {
            Self::CloneTree { source: TreeSource::Path { path, .. }, .. }
            | Self::CloneTree { source: TreeSource::Below { path, .. }, .. }
            | Self::OpenDevice(Device { path, .. })
            | Self::NewMount { filesystem: path, .. }
            | Self::EnterMount { at: path, .. }
            | Self::Attach { to: path, .. }
            | Self::List(path)
            | Self::LookUp(path)
            | Self::MakeDirectory(path, _)
            | Self::MakeFile(path)
            | Self::MakeLink { at: path, .. }
            | Self::SealReadOnly(path)
            | Self::WriteFile(path, _)
            | Self::OpenTerminal { multiplexer: path, .. }
            | Self::ChangeDirectory(path)
            | Self::Grant { path, .. }
            | Self::Canary(path)
            | Self::CanaryListing(path) => Some(path),
            Self::Execute { candidates, .. } => candidates.first().map(CString::as_c_str),
            _ => None,
        }
    }
}
