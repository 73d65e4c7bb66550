//! The words in which the table of system calls is written.

use super::flags;
use jailkeeper_model::{Class, Mode};
use syscalls::x86_64::Sysno;

/// Operation not permitted.
pub(super) const EPERM: u16 = 1;
/// Invalid argument.
pub(super) const EINVAL: u16 = 22;
/// Function not implemented.
pub(super) const ENOSYS: u16 = 38;
/// Address family not supported.
pub(super) const EAFNOSUPPORT: u16 = 97;

/// A system call and what the filter does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) number: Sysno,
    pub(crate) treatment: Treatment,
}

/// What the filter does with a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Runs, unseen.
    Allow,
    /// Is refused in the kernel, quietly.
    Refuse { errno: u16 },
    /// Never runs: the listener reports a jailbreak with mode `syscall`.
    Breach,
    /// Names files by paths.
    Path(PathCall),
    /// Changes the file behind a descriptor, whatever the descriptor was opened for.
    Descriptor(DescriptorCall),
    /// Reaches out through a socket.
    Socket(SocketCall),
    /// Is decided by one argument. What reaches the listener is a jailbreak like [`Self::Breach`].
    Arguments(ArgumentRule),
    /// Acts on a process that a number names. At strength `flat`, where numbers also name processes
    /// of others; at strength `full` for priorities alone, which are not the init's to lose.
    Process(ProcessCall),
}

/// A call that makes a process or acts on one by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessCall {
    /// Makes one. It is let go on as long as the jail lives, and held from its end on.
    Fork(ArgumentRule),
    /// Changes the process or thread with the number in argument 0; zero is the caller itself.
    Settings(ArgumentRule),
    /// `setpriority`, `ioprio_set`: argument 0 says what kind of number argument 1 is, of which
    /// this is a process's.
    Priority { process: u32 },
    /// Sends a signal to the process, group or thread with the number in this argument. Governed
    /// by Landlock from ABI 6 on.
    Signal { argument: u8 },
    /// Ends the caller's process, or its thread.
    Exit,
}

/// A call that names files by paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathCall {
    /// What events call it: `open`, `rename`, `stat`.
    pub(crate) operation: &'static str,
    /// The right it takes. For calls with open flags, that of a plain read; with write intent it
    /// is [`Mode::Write`].
    pub(crate) mode: Mode,
    pub(crate) class: Class,
    pub(crate) intent: Intent,
    pub(crate) paths: &'static [PathArgument],
}

/// Whether a call means to change something, and so goes to the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Never trapped: the tripwire sees it.
    Reads,
    /// Always trapped.
    Writes,
    /// Trapped if the open flags in this argument [have write intent](flags::has_write_intent).
    OpenFlags { argument: u8 },
    /// Always trapped, because the flags are in memory: this argument points to the
    /// `struct open_how`. The listener reads them once and decides as for open flags.
    OpenHow { argument: u8 },
}

/// Where a path stands among the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathArgument {
    /// The argument with the descriptor of the directory that a relative path starts from; none
    /// if it starts from the working directory.
    pub(crate) directory: Option<u8>,
    /// The argument with the address of the path. A null address or an empty path can stand for
    /// the file behind `directory` itself (`utimensat`, `AT_EMPTY_PATH`).
    pub(crate) path: u8,
    pub(crate) follow: Follow,
    /// The call makes the name if it is missing; with open flags, only if `O_CREAT` is among
    /// them.
    pub(crate) creates: bool,
}

/// Whether a symlink as the last component is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    Always,
    Never,
    /// Followed unless the argument has the bit (`AT_SYMLINK_NOFOLLOW`).
    UnlessFlag {
        argument: u8,
        bit: u32,
    },
    /// Followed if the argument has the bit (`AT_SYMLINK_FOLLOW`).
    IfFlag {
        argument: u8,
        bit: u32,
    },
    /// Followed unless the open flags have `O_NOFOLLOW`, or both `O_CREAT` and `O_EXCL`.
    Open,
}

impl Follow {
    /// Tells whether a call with these arguments follows a symlink as the last component.
    ///
    /// `open_flags` are those of a call with open flags, wherever they came from; no other call
    /// looks at them.
    pub(crate) fn follows(self, arguments: &[u64; 6], open_flags: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::UnlessFlag { argument, bit } => low_half(arguments, argument) & bit == 0,
            Self::IfFlag { argument, bit } => low_half(arguments, argument) & bit != 0,
            Self::Open => {
                open_flags & u64::from(flags::O_NOFOLLOW) == 0 && !flags::is_exclusive(open_flags)
            }
        }
    }
}

/// A call that changes the file behind a descriptor; its mode is [`Mode::Write`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DescriptorCall {
    /// What events call it.
    pub(crate) operation: &'static str,
    /// The argument with the descriptor.
    pub(crate) descriptor: u8,
}

/// A call that makes a socket or gives it an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketCall {
    /// `socket`: internet sockets go to the listener; at strength `flat` all do.
    Create,
    /// `socketpair`, at strength `flat` alone: domain and type are in arguments 0 and 1.
    Pair,
    /// `connect`: address in argument 1, its length in 2.
    Connect,
    /// `bind`: address in argument 1, its length in 2.
    Bind,
    /// `sendto`: address in argument 4, its length in 5; trapped only if there is one.
    SendTo,
    /// `sendmsg`: the address is behind the `struct msghdr` in argument 1.
    SendMessage,
    /// `sendmmsg`: argument 1 is an array of `struct mmsghdr`, argument 2 its length.
    SendMessages,
}

/// A decision by the low half of one argument.
///
/// Half is enough, and a test of 64 bits would be wrong: the kernel takes these arguments as an
/// `int`, so garbage in the upper half would pass it (CVE-2019-10063). `unshare` alone takes a
/// `long`, and refuses every bit of the upper half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArgumentRule {
    pub(crate) argument: u8,
    /// The first one that holds decides.
    pub(crate) cases: &'static [Case],
    pub(crate) otherwise: Outcome,
}

/// One line of an [`ArgumentRule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) when: Condition,
    pub(crate) outcome: Outcome,
}

/// A test of an argument's low half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Equals(u32),
    AnyBit(u32),
    /// Equals the constant in the bits of the mask.
    Masked {
        mask: u32,
        value: u32,
    },
}

/// What an [`ArgumentRule`] decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allow,
    Refuse { errno: u16 },
    Notify,
}

impl Call {
    /// Returns the kernel's name of the call.
    pub(crate) const fn name(&self) -> &'static str {
        self.number.name()
    }

    pub(super) const fn new(number: Sysno, treatment: Treatment) -> Self {
        Self { number, treatment }
    }
}

impl PathArgument {
    /// A path that starts from the working directory.
    pub(super) const fn plain(path: u8, follow: Follow) -> Self {
        Self { directory: None, path, follow, creates: false }
    }

    /// A path that starts from the directory descriptor in the argument before it.
    pub(super) const fn at(directory: u8, follow: Follow) -> Self {
        Self { directory: Some(directory), path: directory + 1, follow, creates: false }
    }

    /// The same path of a call that makes a missing name.
    pub(super) const fn creating(self) -> Self {
        Self { creates: true, ..self }
    }
}

/// Returns the half of an argument that the kernel takes as an `int`.
fn low_half(arguments: &[u64; 6], index: u8) -> u32 {
    let value = arguments.get(usize::from(index)).copied().unwrap_or(0);
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

pub(super) const fn allow(number: Sysno) -> Call {
    Call::new(number, Treatment::Allow)
}

pub(super) const fn refuse(number: Sysno, errno: u16) -> Call {
    Call::new(number, Treatment::Refuse { errno })
}

pub(super) const fn breach(number: Sysno) -> Call {
    Call::new(number, Treatment::Breach)
}
