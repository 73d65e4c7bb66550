//! The notify watch: calls with write intent, and calls on sockets.
//!
//! A write to a read-only mount fails with `EROFS` before the tripwire could see anything, so the
//! filter hands over every call that could write. What is read here from the caller's memory can
//! be changed by another thread before the kernel reads it again. So a call is *resumed* only
//! where a wall gives the same answer, whatever it then says: mounts and Landlock for files. For
//! sockets there is no such wall, so INET sockets never exist in a jail: a caller gets a stand-in
//! of another family, and whatever it does with an address can only fail.

use super::ask::{self, Opening};
use super::caller::{Caller, ParkedCall, file_path, register_to_fd};
use super::grant::{self, Wanted};
use super::rename;
use super::walk::{End, Walk};
use crate::walls::filter::{self, Call, Intent, PathCall, ProcessCall, SocketCall, Treatment};
use crate::ward::{Attempt, CANARY_NOTIFY, Phase, Ward, is_directory, presence};
use crate::watch::socket::{self, Address};
use jailkeeper_model::{Access, Class, JailPath, Mode, Presence, Right, Verdict, decide};
use jailkeeper_sys::seccomp::{self, Notification};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EPERM: i32 = 1;
const EFAULT: i32 = 14;
const ENAMETOOLONG: i32 = 36;
const ENOSYS: i32 = 38;
const EACCES: i32 = 13;
const EADDRNOTAVAIL: i32 = 99;
const EROFS: i32 = 30;
/// Set in the third argument of a `socket` call.
const SOCK_CLOEXEC: u64 = 0o2_000_000;

/// What is answered.
enum Answer {
    /// The kernel may look again: a wall stands behind whatever it sees.
    Resume,
    Refuse(i32),
    /// Somebody is asked, on another thread.
    Later,
    Descriptor {
        fd: OwnedFd,
        close_on_exec: bool,
    },
}

/// Answers parked calls until the jail is gone.
pub(crate) fn serve(ward: &Arc<Ward>, listener: OwnedFd) {
    let listener = &Arc::new(listener);
    // It only saves time where the kernel has it.
    let _ = seccomp::wake_synchronously(listener);
    let mut free = false;
    let receiving_ends = seccomp::receiving_ends();
    while receiving_ends || is_called(listener) {
        let call = match seccomp::receive(listener) {
            Ok(call) => call,
            Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::INTR) => continue,
                // The caller died before it was heard, or it was the last one.
                Some(Errno::NOENT) if is_called(listener) => continue,
                _ => return,
            },
        };
        free = free || ward.run_everywhere();
        let _busy = ward.busy();
        let answer = answer(ward, listener, &call);
        // The caller may be dead by now; then there is nobody to answer.
        let _ = match answer {
            Answer::Later => Ok(()),
            Answer::Resume => seccomp::resume(listener, call.id),
            Answer::Refuse(errno) => seccomp::refuse(listener, call.id, errno),
            Answer::Descriptor { fd, close_on_exec } => {
                seccomp::answer_with_fd(listener, call.id, &fd, close_on_exec)
            }
        };
    }
}

/// Waits for a call; false when no process has the filter any more. Before Linux 6.11 receiving
/// alone would then wait for ever.
pub(super) fn is_called(listener: &OwnedFd) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::IN)];
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            Ok(_) => return fds.iter().any(|fd| fd.revents().contains(PollFlags::IN)),
            Err(_) => return false,
        }
    }
}

fn answer(ward: &Arc<Ward>, listener: &Arc<OwnedFd>, notification: &Notification) -> Answer {
    let Some(caller) = Caller::new(notification.thread) else { return Answer::Refuse(EPERM) };
    if ward.phase() != Phase::Sealed {
        ward.saw_canary(CANARY_NOTIFY);
        return Answer::Resume;
    }
    if filter::is_foreign(notification.architecture, notification.number) {
        let name = format!("call {} of a foreign ABI", notification.number);
        return refuse_call(ward, caller, name);
    }
    let parked = ParkedCall { number: notification.number, arguments: notification.arguments };
    let watch = Watch { ward, listener, id: notification.id, caller, parked };
    let Some(call) = filter::call(parked.number) else {
        return refuse_call(ward, caller, parked.number.to_string());
    };
    if ward.sets_ids(call.name(), &parked.arguments) {
        return Answer::Refuse(EPERM);
    }
    match &call.treatment {
        Treatment::Path(path_call) => watch.paths(call, path_call),
        Treatment::Descriptor(descriptor) => {
            let number = watch.argument(descriptor.descriptor);
            watch.descriptor(call, descriptor.operation, number).unwrap_or(Answer::Resume)
        }
        Treatment::Socket(socket_call) => watch.socket(call, socket_call),
        Treatment::Process(ProcessCall::Priority { process }) => watch.priority(*process),
        _ => refuse_call(ward, caller, call.name().to_owned()),
    }
}

fn refuse_call(ward: &Ward, caller: Caller, name: String) -> Answer {
    let _ = ward.judge(caller, &Attempt::forbidden_call(name));
    Answer::Refuse(EPERM)
}

/// One parked call.
struct Watch<'a> {
    ward: &'a Arc<Ward>,
    listener: &'a Arc<OwnedFd>,
    id: u64,
    caller: Caller,
    parked: ParkedCall,
}

impl Watch<'_> {
    fn argument(&self, index: u8) -> u64 {
        self.parked.arguments.get(usize::from(index)).copied().unwrap_or(0)
    }

    /// A call that takes paths and may write.
    fn paths(&self, call: &Call, path_call: &PathCall) -> Answer {
        let flags = match path_call.intent {
            Intent::OpenFlags { argument } => Some(self.argument(argument)),
            // A structure that cannot be read is EFAULT, which the caller may hear as well.
            Intent::OpenHow { argument } => match self.how(self.argument(argument)) {
                Some(flags) => Some(flags),
                None => return Answer::Refuse(EFAULT),
            },
            _ => None,
        };
        let in_memory = matches!(path_call.intent, Intent::OpenHow { .. });
        let writes = match path_call.intent {
            Intent::Writes => true,
            Intent::Reads => false,
            _ => flags.is_some_and(filter::has_write_intent),
        };
        let widened = self.ward.plan.is_widened();
        let mut from = None;
        for path in path_call.paths {
            let address = self.argument(path.path);
            let directory = path.directory.map(|index| self.argument(index));
            let text = match self.path_text(address) {
                Ok(text) => text,
                Err(EPERM) => return self.refuse_hidden(call),
                // The kernel would say the same now. By the time it looks another thread could
                // have put something there.
                Err(errno) => return Answer::Refuse(errno),
            };
            if text.as_os_str().is_empty() {
                // No path and AT_EMPTY_PATH stand for the file behind the descriptor; without
                // one the kernel says EFAULT or ENOENT.
                if let Some(number) = directory
                    && writes
                    && let Some(refused) = self.descriptor(call, path_call.operation, number)
                {
                    return refused;
                }
                continue;
            }
            let Some(start) = self.caller.start(&text, directory) else {
                if self.caller.hides() {
                    return self.refuse_hidden(call);
                }
                let follow = path.follow.follows(&self.parked.arguments, flags.unwrap_or(0));
                if !writes || (!follow && self.stays_there(&text)) {
                    continue;
                }
                return Answer::Refuse(self.caller.no_start(directory).raw_os_error());
            };
            let follow = path.follow.follows(&self.parked.arguments, flags.unwrap_or(0));
            let mut walk = self.ward.walk(self.caller, &start, &text, follow);
            if let End::Nowhere(errno) = walk.end {
                if !writes || (!follow && self.stays_there(&text)) {
                    continue;
                }
                return Answer::Refuse(errno.raw_os_error());
            }
            let creates = match flags {
                Some(flags) => filter::creates(flags),
                None => path.creates,
            };
            let wanted = flags.and_then(|flags| Wanted::new(flags, self.mode(path_call)));
            if let (Some(flags), Some(wanted)) = (flags, wanted)
                && let Some(fd) = grant::open(self.ward, self.caller, &walk, wanted)
            {
                return match fd {
                    Ok(fd) => {
                        Answer::Descriptor { fd, close_on_exec: filter::closes_on_exec(flags) }
                    }
                    Err(errno) => Answer::Refuse(errno.raw_os_error()),
                };
            }
            let named_here = in_memory && matches!(walk.end, End::Outside(_));
            if !writes && !named_here {
                // Walls stand behind reading; here it is asked about or written down.
                let attempt = self.reading(call, path_call, flags.is_some(), &start, &text, &walk);
                if let Some(answer) = self.ask(&attempt, wanted, flags) {
                    return answer;
                }
                if widened && self.ward.lets_pass(&attempt.access) {
                    let _ = self.ward.judge(self.caller, &attempt);
                }
                continue;
            }
            if let End::Descriptor(number) = walk.end {
                match self.reopened(number) {
                    // A file of a tree: it is judged by its own name.
                    Ok(path) => (walk.path, walk.end) = (path, End::Tree),
                    Err(answer) => return answer,
                }
            }
            match &walk.end {
                End::Tree if is_of_own_process(&walk.path) => continue,
                // Making what is there already is EEXIST and changes nothing: `mkdir -p` does it
                // with every directory on its way.
                _ if creates
                    && walk.presence == Presence::Exists
                    && is_exclusive(path_call, flags) =>
                {
                    continue;
                }
                _ => {}
            }
            if walk.astray && walk.presence == Presence::Unknown {
                walk.presence = presence(&walk.path);
            }
            // It is on the way through the view alone.
            let left_to_tripwire =
                matches!(walk.end, End::Outside(_)) && !walk.astray && !creates && !in_memory;
            let renames = path_call.operation == "rename";
            let fails = (renames && creates)
                .then(|| {
                    let flags = rename::flags(call, self.argument(4));
                    rename::fails_anyway(self.ward, flags, from.as_ref(), &walk)
                })
                .flatten();
            if renames && !creates {
                from = Some(walk.path.clone());
            }
            let access = match (creates, writes) {
                (true, _) if renames || path_call.operation == "symlink" => {
                    // A directory that is moved there, or that a link leads to, could bring along
                    // what is denied or may only be read.
                    let below = self.ward.plan.policy.kept_below(&walk.path);
                    Access::create(below.cloned().unwrap_or(walk.path))
                }
                (true, _) => Access::create(walk.path),
                (_, true) => Access::write(walk.path, walk.presence),
                _ => Access::read(walk.path, walk.presence),
            };
            let attempt = Attempt {
                access,
                file: JailPath::resolve(&start, &text).ok(),
                operation: path_call.operation,
                syscall: call.name().to_owned(),
                flags: flags.map(filter::open_flag_names).unwrap_or_default(),
                mode: if writes { Mode::Write } else { Mode::Read },
            };
            if let Some(errno) = fails
                && matches!(decide(&self.ward.plan.policy, &attempt.access), Verdict::Jailbreak(_))
            {
                return Answer::Refuse(errno.raw_os_error());
            }
            if let Some(answer) = self.ask(&attempt, wanted, flags) {
                return answer;
            }
            // Existing names outside are the tripwire's, which knows them better.
            if left_to_tripwire {
                continue;
            }
            if matches!(self.ward.judge(self.caller, &attempt), Verdict::Jailbreak(_)) {
                return Answer::Refuse(EROFS);
            }
        }
        if in_memory {
            // Its flags and permissions are in memory, where another thread could change them
            // before the kernel reads them again: to make a set-user-id file, for example. A
            // kernel without this call says ENOSYS, and programs use `openat` then.
            Answer::Refuse(ENOSYS)
        } else {
            Answer::Resume
        }
    }

    /// A call that only looks, reads or executes.
    fn reading(
        &self,
        call: &Call,
        path_call: &PathCall,
        opens: bool,
        start: &JailPath,
        text: &Path,
        walk: &Walk,
    ) -> Attempt {
        let path = walk.path.clone();
        let lists = opens && is_directory(&path);
        let access = match (path_call.class, path_call.mode) {
            (_, Mode::Execute) => Access::execute(path, walk.presence),
            (Class::Content, _) if !lists => Access::read(path, walk.presence),
            _ => Access::probe(path, walk.presence),
        };
        Attempt {
            mode: access.mode(),
            access,
            file: JailPath::resolve(start, text).ok(),
            operation: if lists { "list" } else { path_call.operation },
            syscall: call.name().to_owned(),
            flags: Vec::new(),
        }
    }

    /// Asks about an attempt if that is what follows it and the file could be handed over; `None`
    /// if nobody is asked.
    fn ask(&self, attempt: &Attempt, wanted: Option<Wanted>, flags: Option<u64>) -> Option<Answer> {
        let close_on_exec = filter::closes_on_exec(flags?);
        let opening = Opening { id: self.id, caller: self.caller, wanted: wanted?, close_on_exec };
        ask::about(self.ward, self.listener, attempt, opening).then_some(Answer::Later)
    }

    /// Refuses a call of a process that the supervisor may not look into.
    fn refuse_hidden(&self, call: &Call) -> Answer {
        let name = format!("{} by a process that hides itself", call.name());
        refuse_call(self.ward, self.caller, name)
    }

    /// The text of a path argument, empty for a null pointer; `EPERM` if the process hides its
    /// memory.
    fn path_text(&self, address: u64) -> Result<PathBuf, i32> {
        if address == 0 {
            return Ok(PathBuf::new());
        }
        self.caller.path(address).map_err(|error| match error.raw_os_error() {
            Some(errno @ (EPERM | ENAMETOOLONG)) => errno,
            _ => EFAULT,
        })
    }

    /// Tells whether a path from a directory whose own is too long to be told stays in it, where
    /// nothing can be denied by its name: so that `rm -r` gets to the bottom of everything.
    fn stays_there(&self, text: &Path) -> bool {
        let name = text.as_os_str().as_bytes();
        !name.contains(&b'/')
            && name != b".."
            && !self.ward.plan.policy.patterns().iter().any(|each| each.right() == Right::Deny)
    }

    /// The permissions that a call gives a file that it creates.
    fn mode(&self, call: &PathCall) -> u64 {
        match call.intent {
            Intent::OpenFlags { argument } => self.argument(argument + 1),
            Intent::OpenHow { argument } => {
                self.how(self.argument(argument).wrapping_add(8)).unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The flags in the structure that `openat2` takes.
    fn how(&self, address: u64) -> Option<u64> {
        let bytes = self.caller.bytes(address, 8).ok()?;
        Some(u64::from_ne_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// Opening `/proc/self/fd/N` for writing. A file of a tree is one like any other, and its name
    /// is returned. What was handed in from outside has no name in the jail, and the kernel would
    /// ask for rights on it; so the caller gets the descriptor that it has already.
    fn reopened(&self, number: i32) -> Result<JailPath, Answer> {
        let named = self.caller.descriptor(number).and_then(|target| file_path(&target));
        if let Some(path) = named
            && self.is_in_tree(&path, number)
        {
            return Ok(path);
        }
        let duplicate = self.caller.process().and_then(|process| {
            let pidfd =
                rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()?;
            let flags = rustix::process::PidfdGetfdFlags::empty();
            rustix::process::pidfd_getfd(&pidfd, number, flags).ok()
        });
        match duplicate {
            Some(fd) if is_writable(&fd) => Err(Answer::Descriptor { fd, close_on_exec: false }),
            _ => Err(Answer::Refuse(EACCES)),
        }
    }

    /// Tells whether a descriptor leads into a tree. The jail's own `/tmp` and the host's have the
    /// same name, but not the same device.
    fn is_in_tree(&self, path: &JailPath, number: i32) -> bool {
        let Some((_, tree)) = self.ward.tree_descriptor(path) else { return false };
        let devices = rustix::fs::fstat(tree).ok().zip(self.caller.stat_descriptor(number));
        devices.is_some_and(|(tree, file)| tree.st_dev == file.st_dev)
    }

    /// A call that changes the file behind a descriptor; `None` lets it go on.
    fn descriptor(&self, call: &Call, operation: &'static str, register: u64) -> Option<Answer> {
        let Some(target) = self.caller.descriptor(register_to_fd(register)) else {
            return self.caller.hides().then(|| self.refuse_hidden(call));
        };
        // Pipes, sockets and files without a name belong to whoever has them.
        let path = file_path(&target)?;
        let attempt = Attempt {
            access: Access::write(path.clone(), Presence::Exists),
            file: Some(path),
            operation,
            syscall: call.name().to_owned(),
            flags: Vec::new(),
            mode: Mode::Write,
        };
        match self.ward.judge(self.caller, &attempt) {
            Verdict::Jailbreak(_) => Some(Answer::Refuse(EROFS)),
            _ => None,
        }
    }

    /// A priority. All of it is in registers. The init is of the jail's user and has the number one,
    /// so neither it nor all processes of a user lose theirs.
    fn priority(&self, process: u32) -> Answer {
        let [which, who] = [0, 1].map(|index| self.argument(index) & u64::from(u32::MAX));
        let user = u64::from(process) + 2;
        let init = which == u64::from(process) && who == 1;
        if init || which == user { Answer::Refuse(EPERM) } else { Answer::Resume }
    }

    fn socket(&self, call: &Call, kind: &SocketCall) -> Answer {
        if matches!(kind, SocketCall::Create | SocketCall::Pair) {
            let wanted = self.argument(1);
            return match socket::stand_in(wanted) {
                Ok(fd) => Answer::Descriptor { fd, close_on_exec: wanted & SOCK_CLOEXEC != 0 },
                Err(errno) => Answer::Refuse(errno.raw_os_error()),
            };
        }
        for address in socket::addresses(self.caller, kind, &self.parked) {
            if let Some(answer) = self.address(call, kind, &address) {
                return answer;
            }
        }
        Answer::Resume
    }

    /// Judges one address; `None` lets the call go on.
    fn address(&self, call: &Call, kind: &SocketCall, address: &Address) -> Option<Answer> {
        let binds = matches!(kind, SocketCall::Bind);
        let (operation, mode) = match kind {
            SocketCall::Bind => ("bind", Mode::Bind),
            SocketCall::Connect => ("connect", Mode::Connect),
            _ => ("send", Mode::Connect),
        };
        let attempt = |access, file| Attempt {
            access,
            file,
            operation,
            syscall: call.name().to_owned(),
            flags: Vec::new(),
            mode,
        };
        match address {
            Address::Network(text) => {
                let access = if binds {
                    Access::bind_address(text.clone())
                } else {
                    Access::connect_address(text.clone())
                };
                // Never resumed: no wall of files stands behind an address.
                Some(match self.ward.judge(self.caller, &attempt(access, None)) {
                    Verdict::Refuse(_) => Answer::Refuse(EADDRNOTAVAIL),
                    _ => Answer::Refuse(EACCES),
                })
            }
            Address::Hidden => Some(self.refuse_hidden(call)),
            // Abstract names are kept inside by Landlock's scope.
            Address::Other => None,
            Address::Path(text) => {
                let Some(start) = self.caller.start(text, None) else {
                    return Some(Answer::Refuse(ENAMETOOLONG));
                };
                let walk = self.ward.walk(self.caller, &start, text, !binds);
                if let End::Nowhere(errno) = walk.end {
                    return Some(Answer::Refuse(errno.raw_os_error()));
                }
                if matches!(walk.end, End::Outside(_)) && !binds {
                    return None;
                }
                let access = if binds {
                    Access::bind_path(walk.path)
                } else {
                    Access::connect_path(walk.path, walk.presence)
                };
                let file = JailPath::resolve(&start, text).ok();
                match self.ward.judge(self.caller, &attempt(access, file)) {
                    Verdict::Jailbreak(_) => Some(Answer::Refuse(EACCES)),
                    _ => None,
                }
            }
        }
    }
}

/// Tells whether a path is one of a process's own files below `/proc`, which the kernel lets
/// only the process itself write. What belongs to the system there is mounted read-only. A path
/// through one of the links there leads elsewhere, and is judged.
fn is_of_own_process(path: &JailPath) -> bool {
    let mut names = path.components();
    let in_proc = names.next().is_some_and(|name| name == "proc");
    in_proc
        && names.next().and_then(|name| name.to_str()).is_some_and(|owner| {
            owner == "self"
                || owner == "thread-self"
                || owner.bytes().all(|byte| byte.is_ascii_digit())
        })
        && !names.any(|name| {
            ["root", "cwd", "exe", "fd", "map_files", "ns"].iter().any(|link| name == *link)
        })
}

/// Tells whether a call makes a name or fails, and never opens what is there.
fn is_exclusive(call: &PathCall, flags: Option<u64>) -> bool {
    match flags {
        Some(flags) => filter::is_exclusive(flags),
        None => matches!(call.operation, "mkdir" | "mknod" | "symlink" | "link"),
    }
}

fn is_writable(fd: &OwnedFd) -> bool {
    use rustix::fs::OFlags;
    rustix::fs::fcntl_getfl(fd).is_ok_and(|flags| flags.intersects(OFlags::WRONLY | OFlags::RDWR))
}
