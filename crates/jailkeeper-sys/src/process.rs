//! Making, watching and ending processes.

use crate::check;
use rustix::process::Pid;
use std::io;
use std::os::fd::RawFd;

/// Namespaces for a new process, `CLONE_NEW*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Namespaces(u64);

impl Namespaces {
    /// No namespace of its own.
    pub const NONE: Self = Self(0);
    /// Users and capabilities.
    pub const USER: Self = Self(0x1000_0000);
    /// Mounts.
    pub const MOUNT: Self = Self(0x0002_0000);
    /// Process ids.
    pub const PID: Self = Self(0x2000_0000);
    /// System V and POSIX message queues.
    pub const IPC: Self = Self(0x0800_0000);
    /// Host name.
    pub const UTS: Self = Self(0x0400_0000);
    /// Network.
    pub const NETWORK: Self = Self(0x4000_0000);

    /// Returns both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whose child a new process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// The caller's.
    Caller,
    /// The caller's parent's (`CLONE_PARENT`): the caller may exit and leave no orphan.
    Grandparent,
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Which side of a `clone3` one is on.
pub(crate) enum Side {
    Child,
    Parent(Pid),
}

/// Copies this process. Since Linux 5.3.
///
/// The exit signal is none: a host program that reaps its own children with `waitpid(-1)` never
/// sees ours, and gets no `SIGCHLD` for them.
///
/// # Safety
///
/// The child has one thread, and every lock that another thread of the parent held stays locked
/// in it for ever. Until it executes something else it must not allocate, lock, unwind or return
/// to code that does.
pub(crate) unsafe fn clone3(namespaces: Namespaces, parent: Parent) -> io::Result<Side> {
    const CLONE_PARENT: u64 = 0x8000;
    let flags = namespaces.0 | if parent == Parent::Grandparent { CLONE_PARENT } else { 0 };
    // SAFETY: the caller keeps to the same rules.
    unsafe { clone3_with(CloneArgs { flags, ..CloneArgs::default() }) }
}

/// Copies this process with a table of descriptors that both share. Its end is told by `SIGCHLD`.
///
/// It begins in a control group, given by its directory, if that is permitted (`CLONE_INTO_CGROUP`,
/// since Linux 5.7), and in the caller's own otherwise. Who has to know looks where it is.
///
/// # Safety
///
/// As for [`clone3`]; besides, neither process may close what the other owns.
pub(crate) unsafe fn clone3_sharing_descriptors(group: Option<RawFd>) -> io::Result<Side> {
    const CLONE_FILES: u64 = 0x400;
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
    if let Some(cgroup) = group.and_then(|group| u64::try_from(group).ok()) {
        let flags = CLONE_FILES | CLONE_INTO_CGROUP;
        let args = CloneArgs { flags, exit_signal, cgroup, ..CloneArgs::default() };
        // SAFETY: the caller keeps to the same rules.
        if let Ok(side) = unsafe { clone3_only(&args) } {
            return Ok(side);
        }
    }
    // SAFETY: the caller keeps to the same rules.
    unsafe { clone3_with(CloneArgs { flags: CLONE_FILES, exit_signal, ..CloneArgs::default() }) }
}

/// Gets a table of descriptors of its own. Runs in the child before exec.
pub(crate) fn unshare_descriptors() -> io::Result<()> {
    // Docker's default profile forbids `unshare(2)` whatever is unshared. This closes one
    // descriptor, which no process has.
    const UNSHARE: libc::c_uint = 1 << 1;
    let none = libc::c_uint::MAX;
    // SAFETY: takes numbers. Every descriptor keeps its number and its meaning.
    check(unsafe { libc::syscall(libc::SYS_close_range, none, none, UNSHARE) }).map(|_| ())
}

/// # Safety
///
/// As for [`clone3`], and without `CLONE_VM`.
unsafe fn clone3_with(args: CloneArgs) -> io::Result<Side> {
    // SAFETY: the caller keeps to the same rules.
    match unsafe { clone3_only(&args) } {
        // Containers answer so, because a filter cannot look at flags in memory.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            let (none, flags) = (0usize, args.flags | args.exit_signal);
            // SAFETY: memory is copied, and without a stack of its own the child has a copy of this
            // one.
            side(check(unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) })?)
        }
        other => other,
    }
}

/// # Safety
///
/// As for [`clone3`], and without `CLONE_VM`.
unsafe fn clone3_only(args: &CloneArgs) -> io::Result<Side> {
    // SAFETY: `args` is laid out as `struct clone_args` with its true size; a kernel that knows a
    // shorter one takes it if the rest is zero. Memory is copied (no CLONE_VM), so the child has a
    // stack and arguments of its own.
    side(check(unsafe {
        libc::syscall(libc::SYS_clone3, std::ptr::from_ref(args), size_of::<CloneArgs>())
    })?)
}

fn side(pid: i64) -> io::Result<Side> {
    let pid = i32::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ERANGE))?;
    Ok(Pid::from_raw(pid).map_or(Side::Child, Side::Parent))
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

impl Ending {
    /// Reads a status as `wait(2)` gives it.
    #[must_use]
    pub fn from_status(status: i32) -> Self {
        if libc::WIFEXITED(status) {
            Self::Code(libc::WEXITSTATUS(status))
        } else {
            Self::Signal(libc::WTERMSIG(status))
        }
    }
}

/// What a process and the children that it waited for have used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Seconds of processor time in user mode.
    pub user: f64,
    /// Seconds of processor time in the kernel.
    pub system: f64,
    /// The largest resident set of any one process, in bytes.
    pub peak_memory: u64,
}

/// Waits for a child that was made by this crate and reaps it.
///
/// # Errors
///
/// `ECHILD` when it is no child of this process.
pub fn wait(pid: Pid) -> io::Result<(Ending, Usage)> {
    let mut status = 0;
    // SAFETY: an all-zero `rusage` is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to locals that outlive the call.
        let result = check(unsafe {
            libc::wait4(pid.as_raw_pid(), &mut status, libc::__WALL, &mut usage).into()
        });
        match result {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((Ending::from_status(status), usage_of(&usage)))
}

/// Reads what the kernel says has been used.
pub(crate) fn usage_of(usage: &libc::rusage) -> Usage {
    let seconds = |time: libc::timeval| {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years of microseconds")]
        let micros = (time.tv_sec * 1_000_000 + time.tv_usec) as f64;
        micros / 1e6
    };
    let peak = u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024);
    Usage { user: seconds(usage.ru_utime), system: seconds(usage.ru_stime), peak_memory: peak }
}

/// Returns how a process ended that may be somebody else's child, as `wait(2)` would have told it.
///
/// The kernel knows once the process was reaped by its parent (`PIDFD_GET_INFO`, Linux 6.15);
/// `None` before that, and on kernels that forget it.
#[must_use]
pub fn status_of_dead(pidfd: impl std::os::fd::AsFd) -> Option<i32> {
    use std::os::fd::AsRawFd;
    const GET_INFO: libc::c_ulong = 0xC040_FF0B;
    const EXIT: u64 = 1 << 3;
    /// `struct pidfd_info` in its first version.
    #[repr(C)]
    #[derive(Default)]
    struct Info {
        mask: u64,
        group: u64,
        ids: [u32; 11],
        status: i32,
    }
    let mut info = Info { mask: EXIT, ..Info::default() };
    let fd = pidfd.as_fd().as_raw_fd();
    // SAFETY: `info` is laid out as the kernel's structure of the size that the request names.
    let result = unsafe { libc::ioctl(fd, GET_INFO, std::ptr::from_mut(&mut info)) };
    (result >= 0 && info.mask & EXIT != 0).then_some(info.status)
}

/// What two threads can share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Shared {
    /// Their memory.
    Memory = 1,
    /// Their table of descriptors.
    Descriptors = 2,
}

/// Tells whether two threads share something (`kcmp(2)`).
///
/// # Errors
///
/// `EPERM` when they may not be looked at, `ENOSYS` on kernels without the call.
pub fn share(one: Pid, other: Pid, what: Shared) -> io::Result<bool> {
    let (one, other) = (one.as_raw_pid(), other.as_raw_pid());
    // SAFETY: takes numbers.
    let order = check(unsafe { libc::syscall(libc::SYS_kcmp, one, other, what as i32, 0, 0) })?;
    Ok(order == 0)
}

/// A signal mask to go back to.
#[derive(Clone, Copy)]
pub struct SignalMask(libc::sigset_t);

impl std::fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignalMask")
    }
}

/// Blocks every signal on this thread and returns the mask that was in force.
///
/// # Errors
///
/// None are known; the kernel's answer is passed on.
pub fn block_signals() -> io::Result<SignalMask> {
    // SAFETY: an all-zero `sigset_t` is valid.
    let (mut all, mut old): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
    // SAFETY: `all` is a valid set to fill.
    unsafe { libc::sigfillset(&mut all) };
    // SAFETY: both sets are valid for the call.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old) };
    if error == 0 { Ok(SignalMask(old)) } else { Err(io::Error::from_raw_os_error(error)) }
}

impl SignalMask {
    /// Puts the mask in force again on this thread.
    pub fn restore(&self) {
        // SAFETY: the set was filled by the kernel.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}

/// Gives every signal its default action. Runs in the child before exec.
pub(crate) fn default_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL with no flags is a valid action for every signal; the C library
        // refuses the ones it keeps for itself, and the kernel refuses KILL and STOP.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Unblocks all signals. Runs in the child before exec.
pub(crate) fn unblock_signals() -> io::Result<()> {
    // SAFETY: an all-zero `sigset_t` is the empty set.
    let none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is valid for the call.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &none, std::ptr::null_mut()) };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// Closes all descriptors in a range. Since Linux 5.9. Runs in the child before exec.
pub(crate) fn close_range(first: RawFd, last: RawFd, only_on_exec: bool) -> io::Result<()> {
    let flags: u32 = if only_on_exec { 4 } else { 0 };
    // SAFETY: takes integers; the child uses none of these descriptors afterwards.
    check(unsafe {
        libc::syscall(libc::SYS_close_range, first.unsigned_abs(), last.unsigned_abs(), flags)
    })
    .map(|_| ())
}

/// Keeps all descriptors from a number on from what this process executes, but for some.
///
/// This is for a program that owns its process: descriptors that it inherited from somebody careless
/// go no further.
///
/// # Errors
///
/// `ENOSYS` or `EINVAL` before Linux 5.11.
pub fn keep_from_children(first: RawFd, except: &[RawFd]) -> io::Result<()> {
    let mut except: Vec<_> = except.iter().copied().filter(|number| *number >= first).collect();
    except.sort_unstable();
    let mut from = first;
    for number in except {
        if from < number {
            close_range(from, number - 1, true)?;
        }
        from = number.saturating_add(1);
    }
    close_range(from, RawFd::MAX, true)
}

/// Tells whether this process may have capabilities in namespaces of its own.
///
/// Making them is not enough: AppArmor on Ubuntu 24.04 lets everybody make a user namespace and
/// gives no capability in it. So the child asks for a file system in memory, which is never
/// mounted: nothing is changed anywhere.
///
/// # Errors
///
/// Those of `clone3(2)`; `EPERM` or `EACCES` if there are no capabilities; `ENOSYS` if there is no
/// `fsopen(2)`.
pub fn try_namespaces() -> io::Result<()> {
    // SAFETY: the child makes one system call and ends.
    match unsafe { clone3(Namespaces::USER.and(Namespaces::MOUNT), Parent::Caller) }? {
        Side::Child => {
            let flags = rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC;
            let errno =
                rustix::mount::fsopen(c"tmpfs", flags).err().map_or(0, |e| e.raw_os_error());
            // SAFETY: `_exit` runs no handlers and does not return.
            unsafe { libc::_exit(errno) }
        }
        Side::Parent(pid) => wait(pid).and_then(|(ending, _)| told_by(ending)),
    }
}

/// Reads the errno that a child ended with.
pub(crate) fn told_by(ending: Ending) -> io::Result<()> {
    match ending {
        Ending::Code(0) => Ok(()),
        Ending::Code(errno) => Err(io::Error::from_raw_os_error(errno)),
        Ending::Signal(signal) => Err(io::Error::other(format!("killed by signal {signal}"))),
    }
}

/// Makes a user namespace with these id maps, kept alive by the descriptor alone.
///
/// The maps are lines as `user_namespaces(7)` describes them.
///
/// # Errors
///
/// `EPERM` without privileges over the mapped ids.
pub fn user_namespace(users: &str, groups: &str) -> io::Result<std::os::fd::OwnedFd> {
    // The child only lends its namespace. It shares no descriptor with anybody on purpose: other
    // threads may make children at the same time, which would hold the other end of a pipe open.
    //
    // SAFETY: the child only makes system calls and never returns.
    let pid = match unsafe { clone3(Namespaces::USER, Parent::Caller) }? {
        Side::Child => lend_namespace(),
        Side::Parent(pid) => pid,
    };
    let made = write_maps(pid, users, groups).and_then(|()| {
        let path = format!("/proc/{}/ns/user", pid.as_raw_pid());
        Ok(std::os::fd::OwnedFd::from(std::fs::File::open(path)?))
    });
    // Not reaped, so the pid is still the child's own.
    rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
    wait(pid)?;
    made
}

/// Waits to be killed, by the parent or by its end. Runs in the child.
fn lend_namespace() -> ! {
    // SAFETY: takes numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
    loop {
        // SAFETY: takes nothing and returns only on a signal.
        unsafe { libc::pause() };
    }
}

/// Writes the id maps of a process that is in a new user namespace.
///
/// # Errors
///
/// `EPERM` when this process may not map these ids.
pub fn write_maps(pid: Pid, users: &str, groups: &str) -> io::Result<()> {
    let pid = pid.as_raw_pid();
    std::fs::write(format!("/proc/{pid}/gid_map"), groups)?;
    std::fs::write(format!("/proc/{pid}/uid_map"), users)
}

/// Duplicates a descriptor that this process inherited under a number.
///
/// # Errors
///
/// `EBADF` when nothing is open under the number.
pub fn inherited(number: RawFd) -> io::Result<std::os::fd::OwnedFd> {
    if number < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the number is only looked up, in this one call, and is not -1; a number that is
    // not open is refused by the kernel.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    Ok(rustix::io::fcntl_dupfd_cloexec(borrowed, 3)?)
}

/// Makes this thread, and no other one of the process, act as another user with no supplementary
/// groups and no capabilities.
///
/// The kernel makes the whole process undumpable when the user changes.
///
/// # Errors
///
/// `EPERM` without privileges.
pub fn act_as(user: u32, group: u32) -> io::Result<()> {
    rustix::thread::set_thread_groups(&[])?;
    let group = rustix::process::Gid::from_raw(group);
    rustix::thread::set_thread_res_gid(group, group, group)?;
    let user = rustix::process::Uid::from_raw(user);
    Ok(rustix::thread::set_thread_res_uid(user, user, user)?)
}

/// Gives this thread a working directory and a mask of permissions of its own; the mask is empty
/// from then on, so that files get the permissions that are asked for.
///
/// # Errors
///
/// `EPERM` where a filter forbids `unshare(2)`, as Docker's default profile does.
pub fn own_mask() -> io::Result<()> {
    // SAFETY: takes a number; what this thread shares with others is copied first.
    check(unsafe { libc::unshare(libc::CLONE_FS) }.into())?;
    rustix::process::umask(rustix::fs::Mode::empty());
    Ok(())
}

/// Makes this thread's turns on a processor short, so that it gets them soon: when it is woken up, it
/// goes before whoever works there with longer ones. Its share of the time stays the same.
///
/// Since Linux 6.12; before, and for a thread with a real-time or idle policy, nothing changes.
///
/// # Errors
///
/// Those of [sched_setattr(2)](https://man7.org/linux/man-pages/man2/sched_setattr.2.html).
pub fn take_short_turns() -> io::Result<()> {
    let mut attributes = own_attributes()?;
    let policy = i32::try_from(attributes.sched_policy);
    if matches!(policy, Ok(libc::SCHED_OTHER | libc::SCHED_BATCH)) {
        attributes.sched_runtime = SHORT_TURN;
        let this_thread = 0;
        // SAFETY: the kernel reads `attributes`, which says how long it is.
        check(unsafe {
            libc::syscall(libc::SYS_sched_setattr, this_thread, &raw const attributes, 0)
        })?;
    }
    Ok(())
}

/// The shortest turn that the kernel knows, in nanoseconds.
const SHORT_TURN: u64 = 100_000;

/// Reads how this thread is scheduled.
fn own_attributes() -> io::Result<libc::sched_attr> {
    let this_thread = 0;
    let size = size_of::<libc::sched_attr>();
    // SAFETY: an all-zero `sched_attr` is valid.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes at most `size` bytes, as many as `attributes` has.
    check(unsafe {
        libc::syscall(libc::SYS_sched_getattr, this_thread, &raw mut attributes, size, 0)
    })?;
    Ok(attributes)
}

/// Takes every capability from this thread, and from no other one of the process.
///
/// # Errors
///
/// None are known; the kernel's answer is passed on.
pub fn renounce_capabilities() -> io::Result<()> {
    let none = rustix::thread::CapabilitySets {
        effective: rustix::thread::CapabilitySet::empty(),
        permitted: rustix::thread::CapabilitySet::empty(),
        inheritable: rustix::thread::CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, none)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_short_where_the_kernel_has_them() {
        let before = turn();
        take_short_turns().unwrap();
        // Before Linux 6.12 there are none.
        assert_eq!(turn(), if before == 0 { 0 } else { SHORT_TURN });
        let made = std::thread::spawn(turn).join().unwrap();
        assert_eq!(made, turn(), "who is made by such a thread has them as well");
    }

    /// Of this thread.
    fn turn() -> u64 {
        own_attributes().unwrap().sched_runtime
    }
}
