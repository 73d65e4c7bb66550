//! The runner. Everything in this file runs in the child before exec: no heap, no locks, no
//! formatting, no panics.

use super::control::child as say;
use super::reap;
use super::step::{Option as MountOption, Step, TreeSource};
use super::{Context, Program};
use crate::process::{Namespaces, Parent, Side};
use crate::resident::Constants;
use crate::{landlock, mount, process, seccomp};
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags,
};
use rustix::process::{Resource, Rlimit, Signal};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, RawFd};

/// The status with which a child that failed ends. The parent goes by the notice, not by this.
const FAILURE: i32 = 125;

/// Walks a program. Never returns.
pub(super) fn run(program: &Program, context: &Context<'_>) -> ! {
    run_at(0, program, context)
}

fn run_at(depth: i32, program: &Program, context: &Context<'_>) -> ! {
    for (index, step) in program.steps.iter().enumerate() {
        if let Err(error) = take(depth, step, context) {
            let number = i32::try_from(index).unwrap_or(i32::MAX);
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            say::failed(borrow(context.control), depth, number, errno);
            exit(FAILURE);
        }
    }
    exit(0)
}

fn take(depth: i32, step: &Step, context: &Context<'_>) -> io::Result<()> {
    let slots = context.slots;
    let slot = |slot| borrow(slots.get(slot));
    match step {
        Step::DieWithParent => die_with_parent(borrow(context.control)),
        Step::CloseOthers => close_others(context.keep),
        Step::CloseAll => close_others(&[context.control]),
        Step::Dumpable(yes) => prctl(libc::PR_SET_DUMPABLE, (*yes).into()),
        Step::AwaitGo => await_go(borrow(context.control)),
        Step::ProveNamespaces(parents) => {
            for (path, inode) in parents {
                if rustix::fs::stat(path.as_c_str())?.st_ino == *inode {
                    return Err(Errno::EXIST.into());
                }
            }
            Ok(())
        }
        Step::MakeMountsPrivate => Ok(rustix::mount::mount_change(
            c"/",
            MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
        )?),
        Step::TakeTree(into) => {
            slots.set(*into, say::take(borrow(context.control))?.into_raw_fd());
            Ok(())
        }
        Step::CloneTree { source, attributes, into } => {
            let tree = match source {
                TreeSource::Path { path, device, inode } => clone_path(path, *device, *inode)?,
                TreeSource::Below { mount, path } => {
                    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
                    rustix::mount::open_tree(slot(*mount), path.as_c_str(), flags)?.into_raw_fd()
                }
            };
            mount::set_raw(tree, *attributes, 0)?;
            slots.set(*into, tree);
            Ok(())
        }
        Step::OpenDevice(device) => {
            let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
            let fd = rustix::fs::open(device.path.as_c_str(), flags, Mode::empty())?;
            slots.set(device.into, fd.into_raw_fd());
            Ok(())
        }
        Step::NewMount { filesystem, options, attributes, into } => {
            let bits = u32::try_from(attributes.0).unwrap_or(0);
            let fd = new_mount(filesystem, options, bits, context)?;
            slots.set(*into, fd);
            Ok(())
        }
        Step::StatRoot(mount) => {
            let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC;
            rustix::fs::statx(slot(*mount), c"", flags, StatxFlags::BASIC_STATS)?;
            Ok(())
        }
        Step::EnterMount { mount, at } => {
            attach(slot(*mount), at)?;
            Ok(rustix::process::fchdir(slot(*mount))?)
        }
        Step::List(path) => list(path),
        Step::LookUp(path) => {
            let mut target = [MaybeUninit::uninit(); 256];
            let _ = rustix::fs::readlinkat_raw(rustix::fs::CWD, path.as_c_str(), &mut target[..]);
            Ok(())
        }
        Step::Attach { mount, to } => attach(slot(*mount), to),
        Step::MakeDirectory(path, mode) => {
            unless_there(rustix::fs::mkdir(path.as_c_str(), Mode::from_raw_mode(*mode)))
        }
        Step::MakeFile(path) => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            unless_there(rustix::fs::open(path.as_c_str(), flags, Mode::from(0o644)).map(drop))
        }
        Step::MakeLink { target, at } => {
            unless_there(rustix::fs::symlink(target.as_c_str(), at.as_c_str()))
        }
        Step::SealReadOnly(path) => seal_read_only(path),
        Step::WriteFile(path, bytes) => {
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let fd = rustix::fs::open(path.as_c_str(), flags, Mode::empty())?;
            rustix::io::write(fd, bytes).map(|_| ()).map_err(io::Error::from)
        }
        Step::Pivot => {
            rustix::process::pivot_root(c".", c".")?;
            rustix::mount::unmount(c".", UnmountFlags::DETACH)?;
            Ok(rustix::process::chdir(c"/")?)
        }
        Step::HostName(name) => Ok(rustix::system::sethostname(name)?),
        Step::SendFd(fd) => Ok(say::descriptor(borrow(context.control), slot(*fd))?),
        Step::OpenTerminal { multiplexer, into } => {
            let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
            let master = rustix::fs::open(multiplexer.as_c_str(), flags, Mode::empty())?;
            rustix::pty::unlockpt(&master)?;
            let open = rustix::pty::OpenptFlags::RDWR
                | rustix::pty::OpenptFlags::NOCTTY
                | rustix::pty::OpenptFlags::CLOEXEC;
            let own = rustix::pty::ioctl_tiocgptpeer(&master, open)?;
            say::descriptor(borrow(context.control), master.as_fd())?;
            slots.set(*into, own.into_raw_fd());
            Ok(())
        }
        Step::Report(what) => Ok(say::reached(borrow(context.control), *what)?),
        Step::Spawn { namespaces, parent, program } => {
            spawn(depth, *namespaces, *parent, program, context)
        }
        Step::SpawnSharing { group, program } => {
            spawn_sharing(depth, group.map(|group| slots.get(group)), program, context)
        }
        Step::PassListener { pipe } => pass_listener(slot(*pipe), borrow(context.control)),
        Step::UnshareDescriptors => process::unshare_descriptors(),
        Step::SetIds { user, group } => set_ids(*user, *group),
        Step::DropCapabilities => drop_capabilities(),
        Step::EmptyBoundingSet => {
            empty_bounding_set();
            Ok(())
        }
        Step::NoNewPrivileges => Ok(rustix::thread::set_no_new_privs(true)?),
        Step::ForgetArguments { start, length } => {
            // SAFETY: the range is the one in which the kernel put this process's arguments, as
            // `arguments()` read it from `/proc/self/stat`: mapped, writable and this process's
            // own copy. Nothing in the child reads it.
            unsafe { std::ptr::write_bytes(*start as *mut u8, 0, *length) };
            Ok(())
        }
        Step::NoCoreDumps => {
            let none = Rlimit { current: Some(0), maximum: Some(0) };
            Ok(rustix::process::setrlimit(Resource::Core, none)?)
        }
        Step::LimitFiles { soft, hard } => {
            let limit = Rlimit { current: Some(*soft), maximum: Some(*hard) };
            Ok(rustix::process::setrlimit(Resource::Nofile, limit)?)
        }
        Step::RunOn(processors) => {
            // It only makes things faster or slower.
            let _ = rustix::thread::sched_setaffinity(None, processors);
            Ok(())
        }
        Step::NewSession => Ok(rustix::process::setsid().map(drop)?),
        Step::ControllingTerminal(fd) => Ok(rustix::process::ioctl_tiocsctty(slot(*fd))?),
        Step::Lift(fd, at_least) => {
            let lifted = rustix::io::fcntl_dupfd_cloexec(slot(*fd), *at_least)?;
            slots.set(*fd, lifted.into_raw_fd());
            Ok(())
        }
        Step::Redirect(fd, number) => redirect(slots.get(*fd), *number),
        Step::Close(fd) => {
            let raw = slots.get(*fd);
            slots.set(*fd, -1);
            process::close_range(raw, raw, false)
        }
        Step::ChangeDirectory(path) => Ok(rustix::process::chdir(path.as_c_str())?),
        Step::DefaultSignals => {
            process::default_signals();
            Ok(())
        }
        Step::UnblockSignals => process::unblock_signals(),
        Step::CloseOnExecFrom(first) => process::close_range(*first, RawFd::MAX, true),
        Step::Grant { ruleset, path, rights } => {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let fd = rustix::fs::open(path.as_c_str(), flags, Mode::empty())?;
            landlock::add_path_raw(slots.get(*ruleset), fd.into_raw_fd(), *rights)
        }
        Step::Restrict(ruleset) => landlock::restrict_self(slots.get(*ruleset)),
        Step::Filter(filter) => {
            let listener = seccomp::install(filter)?;
            Ok(say::listener(borrow(context.control), listener)?)
        }
        Step::FilterAlone(filter) => seccomp::install_alone(filter),
        Step::FilterByPipe { filter, pipe } => {
            let listener = seccomp::install(filter)?;
            rustix::io::write(slot(*pipe), &listener.to_ne_bytes()).map(|_| ()).map_err(Into::into)
        }
        Step::Canary(path) => canary(path),
        Step::CanaryListing(path) => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            refused(rustix::fs::open(path.as_c_str(), flags, Mode::empty()))
        }
        Step::Execute { candidates, arguments, environment } => {
            let mut answer = Errno::NOENT;
            for candidate in candidates {
                // SAFETY: the pointers are those of prepared, zero-terminated vectors of C
                // strings that live until the process's memory is replaced.
                unsafe {
                    libc::execve(candidate.as_ptr(), arguments.as_ptr(), environment.as_ptr())
                };
                match io::Error::last_os_error().raw_os_error() {
                    Some(libc::ENOENT | libc::ENOTDIR) => {}
                    Some(libc::EACCES) => answer = Errno::ACCESS,
                    other => return Err(io::Error::from_raw_os_error(other.unwrap_or(libc::EIO))),
                }
            }
            Err(answer.into())
        }
        Step::Init(constants) => init(constants, context),
        Step::ProveScopedSignals => prove_scoped_signals(),
        Step::Subreaper => prctl(libc::PR_SET_CHILD_SUBREAPER, 1),
        Step::Reap { life, group, alone, heir } => {
            let group = group.map(|group| slots.get(group));
            let means = reap::Means { group, alone: *alone, heir: heir.as_ref() };
            reap::reap(context.spawned.get(), context.control, slots.get(*life), means)
        }
        Step::Exit => exit(0),
    }
}

fn die_with_parent(control: BorrowedFd<'_>) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before that call; then its end of the socket is closed already.
    let mut poll = [rustix::event::PollFd::new(&control, rustix::event::PollFlags::HUP)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::event::poll(&mut poll, Some(&now)) {
        Ok(0) => Ok(()),
        _ => exit(FAILURE),
    }
}

fn await_go(control: BorrowedFd<'_>) -> io::Result<()> {
    let mut byte = [0u8; 1];
    loop {
        match rustix::net::recv(control, &mut byte, rustix::net::RecvFlags::empty()) {
            Ok((1, _)) => return Ok(()),
            Err(Errno::INTR) => {}
            // The supervisor is gone: nothing must run.
            _ => exit(FAILURE),
        }
    }
}

pub(super) fn close_others(keep: &[RawFd]) -> io::Result<()> {
    let mut from = 0;
    for fd in keep {
        if *fd > from {
            process::close_range(from, *fd - 1, false)?;
        }
        from = *fd + 1;
    }
    process::close_range(from, RawFd::MAX, false)
}

fn clone_path(path: &CStr, device: u64, inode: u64) -> io::Result<RawFd> {
    // By a path without symbolic links, and compared with what the parent saw: what was checked
    // is what is mounted.
    let fd = rustix::fs::openat2(
        rustix::fs::CWD,
        path,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        rustix::fs::ResolveFlags::NO_SYMLINKS,
    )?;
    let stat = rustix::fs::fstat(&fd)?;
    if stat.st_dev != device || stat.st_ino != inode {
        return Err(Errno::STALE.into());
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(&fd, c"", flags)?;
    Ok(tree.into_raw_fd())
}

fn new_mount(
    filesystem: &CStr,
    options: &[MountOption],
    attributes: u32,
    context: &Context<'_>,
) -> io::Result<RawFd> {
    let fs = rustix::mount::fsopen(filesystem, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for option in options {
        match option {
            MountOption::Flag(name) => {
                rustix::mount::fsconfig_set_flag(&fs, name.as_c_str())?;
            }
            MountOption::Text(name, value) => {
                rustix::mount::fsconfig_set_string(&fs, name.as_c_str(), value.as_c_str())?;
            }
            MountOption::Descriptor(name, slot) => {
                let mut digits = [0u8; 12];
                let value = decimal(context.slots.get(*slot), &mut digits)?;
                rustix::mount::fsconfig_set_string(&fs, name.as_c_str(), value)?;
            }
        }
    }
    rustix::mount::fsconfig_create(&fs)?;
    let attributes = MountAttrFlags::from_bits_retain(attributes);
    let mount = rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    Ok(mount.into_raw_fd())
}

/// Writes a number as decimal text, without an allocation.
fn decimal(number: i32, digits: &mut [u8; 12]) -> io::Result<&CStr> {
    let mut rest = number.unsigned_abs();
    let mut at = digits.len() - 1;
    loop {
        at -= 1;
        if let Some(place) = digits.get_mut(at) {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        }
        rest /= 10;
        if rest == 0 || at == 0 {
            break;
        }
    }
    CStr::from_bytes_with_nul(digits.get(at..).unwrap_or_default()).map_err(|_| Errno::INVAL.into())
}

fn attach(mount: BorrowedFd<'_>, to: &CStr) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(rustix::mount::move_mount(mount, c"", rustix::fs::CWD, to, flags)?)
}

fn list(path: &CStr) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(path, flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = rustix::fs::RawDir::new(&folder, &mut buffer);
    // One request: whatever does not fit into it is asked for later, when it is needed.
    match entries.next() {
        Some(Err(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

fn seal_read_only(path: &CStr) -> io::Result<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = match rustix::mount::open_tree(rustix::fs::CWD, path, flags) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?.into_raw_fd(),
    };
    let attributes = mount::Attributes::READ_ONLY
        .and(mount::Attributes::NO_SETUID)
        .and(mount::Attributes::NO_DEVICES)
        .and(mount::Attributes::NO_EXECUTE);
    mount::set_raw(tree, attributes, 0)?;
    attach(borrow(tree), path)
}

fn unless_there(result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Err(Errno::EXIST) => Ok(()),
        other => Ok(other?),
    }
}

fn spawn(
    depth: i32,
    namespaces: Namespaces,
    parent: Parent,
    program: &Program,
    context: &Context<'_>,
) -> io::Result<()> {
    // SAFETY: this process already keeps to the rules of this module, and so does the new one,
    // which starts with the first step of its own program and never returns.
    match unsafe { process::clone3(namespaces, parent) }? {
        Side::Child => run_at(depth + 1, program, context),
        Side::Parent(pid) => {
            context.spawned.set(pid.as_raw_pid());
            Ok(())
        }
    }
}

fn spawn_sharing(
    depth: i32,
    group: Option<RawFd>,
    program: &Program,
    context: &Context<'_>,
) -> io::Result<()> {
    // SAFETY: as in `spawn`. Descriptors are shared, and nothing in either process owns one that
    // the other closes: this one only waits until it has unshared them.
    match unsafe { process::clone3_sharing_descriptors(group) }? {
        Side::Child => run_at(depth + 1, program, context),
        Side::Parent(pid) => {
            context.spawned.set(pid.as_raw_pid());
            Ok(())
        }
    }
}

fn prove_scoped_signals() -> io::Result<()> {
    let parent = rustix::process::getppid().ok_or(Errno::SRCH)?;
    match rustix::process::test_kill_process(parent) {
        Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => Err(Errno::EXIST.into()),
    }
}

fn pass_listener(pipe: BorrowedFd<'_>, control: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags};
    loop {
        let mut fds =
            [PollFd::new(&pipe, PollFlags::IN), PollFd::new(&control, PollFlags::empty())];
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let [number, parent] = &fds;
                if number.revents().contains(PollFlags::IN) {
                    break;
                }
                if !parent.revents().is_empty() {
                    // The supervisor is gone: nothing must run.
                    exit(FAILURE);
                }
            }
        }
    }
    let mut bytes = [0; 4];
    if rustix::io::read(pipe, &mut bytes)? != bytes.len() {
        return Err(Errno::PROTO.into());
    }
    let listener = RawFd::from_ne_bytes(bytes);
    say::descriptor(control, borrow(listener))?;
    Ok(())
}

fn set_ids(user: u32, group: u32) -> io::Result<()> {
    match rustix::thread::set_thread_groups(&[]) {
        // Without privileges over the parent's groups the kernel forbids setgroups(2) for ever
        // (user_namespaces(7)); the groups that stay are the caller's own.
        Ok(()) | Err(Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    let group = rustix::process::Gid::from_raw(group);
    rustix::thread::set_thread_res_gid(group, group, group)?;
    let user = rustix::process::Uid::from_raw(user);
    Ok(rustix::thread::set_thread_res_uid(user, user, user)?)
}

fn empty_bounding_set() {
    for capability in 0..64 {
        // SAFETY: PR_CAPBSET_DROP takes a number; one that the kernel does not know is EINVAL.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } < 0 {
            break;
        }
    }
}

fn drop_capabilities() -> io::Result<()> {
    empty_bounding_set();
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL.unsigned_abs().into())?;
    let none = rustix::thread::CapabilitySets {
        effective: rustix::thread::CapabilitySet::empty(),
        permitted: rustix::thread::CapabilitySet::empty(),
        inheritable: rustix::thread::CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, none)?)
}

fn redirect(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: `to` is the number of a standard stream or of a descriptor that the caller asked
    // for; nothing in this process owns what was there before.
    if unsafe { libc::dup2(from, to) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// One call that meets three walls: the filter hands it to the listener (write intent), the
/// tripwire sees its look-up, and Landlock refuses what the look-up found.
fn canary(path: &CStr) -> io::Result<()> {
    refused(rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()))
}

fn refused(opened: Result<std::os::fd::OwnedFd, Errno>) -> io::Result<()> {
    match opened {
        Err(Errno::ACCESS) => Ok(()),
        Err(other) => Err(other.into()),
        Ok(_) => Err(Errno::NOTRECOVERABLE.into()),
    }
}

fn init(constants: &Constants, context: &Context<'_>) -> io::Result<()> {
    let command = context.spawned.get();
    // Here and not in a step of its own: to find the next step is to touch constants.
    constants.give_back();
    loop {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        let pid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL) };
        if pid == command && pid > 0 {
            say::ended(borrow(context.control), status);
            exit(0);
        }
        if pid < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::EINTR) {
                return Err(error);
            }
        }
    }
}

pub(super) fn prctl(option: i32, value: u64) -> io::Result<()> {
    // SAFETY: the options used here take plain numbers.
    let result = unsafe { libc::prctl(option, value, 0u64, 0u64, 0u64) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub(super) fn borrow<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // A slot that was never filled is -1, which BorrowedFd must not hold; an impossible number
    // makes the next call fail with EBADF instead.
    let fd = if fd < 0 { RawFd::MAX } else { fd };
    // SAFETY: nothing in the child closes a descriptor that a slot still names, and the number
    // is not -1.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

pub(super) fn exit(status: i32) -> ! {
    // SAFETY: `_exit` runs no handlers and does not return.
    unsafe { libc::_exit(status) }
}
