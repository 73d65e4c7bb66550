//! Who is calling, and what the caller says it wants.
//!
//! While a caller is parked its `/proc` entries stand still: the number of its call and the
//! arguments in its registers can be trusted. Text in its memory cannot, because another thread
//! may write there; it is read once, bounded, and used as a name.

use crate::proc_entry;
use jailkeeper_model::{Ancestor, JailPath};
use rustix::io::Errno;
use rustix::process::Pid;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest path that the kernel takes, with its zero byte.
const PATH_MAX: usize = 4096;
/// How much of a command line goes into an event, and of those of all ancestors together.
const COMMAND_LINE_MAX: usize = 16 * 1024;
/// How many arguments of a command line go into an event.
const ARGUMENTS_MAX: usize = 64;
/// How many ancestors go into an event.
const ANCESTORS_MAX: usize = 32;
/// How many threads of an ancestor are looked at.
const THREADS_MAX: usize = 64;
/// `AT_FDCWD` as it stands in a register.
const CURRENT_DIRECTORY: i32 = -100;

/// How long a caller may take from its request to its sleep. It has only to give up the processor,
/// but on a busy machine another one may take it first.
const FALLING_ASLEEP: Duration = Duration::from_secs(1);

/// The thread that is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) thread: Pid,
}

/// The system call that a thread is parked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParkedCall {
    pub(crate) number: i32,
    pub(crate) arguments: [u64; 6],
}

/// What the kernel says about a thread that should be parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parked {
    /// It waits in this call.
    In(ParkedCall),
    /// The supervisor may not know.
    Hidden,
    /// It does not wait any more: it was killed, and its request is answered to nobody.
    Gone,
}

impl Parked {
    /// Returns the call, if it is known.
    pub(crate) fn call(self) -> Option<ParkedCall> {
        match self {
            Self::In(call) => Some(call),
            Self::Hidden | Self::Gone => None,
        }
    }
}

impl ParkedCall {
    /// Reads `/proc/PID/syscall`: a number and six arguments, or "running", or a negative number
    /// for a thread that is in no call.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let number = words.next()?.parse().ok()?;
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
        }
        Some(Self { number, arguments })
    }
}

/// A process in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) pid: u32,
    pub(crate) jail_pid: Option<u32>,
    pub(crate) program: PathBuf,
    pub(crate) argv: Vec<OsString>,
    pub(crate) ancestors: Vec<Ancestor>,
}

/// The numbers of a process in `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Numbers {
    process: u32,
    parent: u32,
    innermost: Option<u32>,
}

impl Caller {
    /// Names the caller by its thread id.
    pub(crate) fn new(thread: u32) -> Option<Self> {
        let raw = i32::try_from(thread).ok()?;
        Some(Self { thread: Pid::from_raw(raw)? })
    }

    fn proc(self, entry: &str) -> String {
        format!("/proc/{}/{entry}", self.thread.as_raw_pid())
    }

    /// Returns the call that the thread is parked in.
    ///
    /// The race: the request of a look-up is there before its caller sleeps, and may be read on
    /// another processor first. The kernel says `running` of such a thread, and it is waited for.
    pub(crate) fn parked(self) -> Parked {
        let deadline = Instant::now() + FALLING_ASLEEP;
        loop {
            match proc_entry::text(&self.proc("syscall")) {
                Ok(text) if text.starts_with("running") && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_micros(20));
                }
                Ok(text) => return ParkedCall::parse(&text).map_or(Parked::Gone, Parked::In),
                Err(Errno::ACCESS | Errno::PERM) => return Parked::Hidden,
                Err(_) => return Parked::Gone,
            }
        }
    }

    /// Returns the process that the thread belongs to.
    pub(crate) fn process(self) -> Option<Pid> {
        let numbers = numbers(self.thread.as_raw_pid().unsigned_abs())?;
        Pid::from_raw(i32::try_from(numbers.process).ok()?)
    }

    /// Returns the inode of the pid namespace that the thread is in.
    pub(crate) fn pid_namespace(self) -> Option<u64> {
        rustix::fs::stat(self.proc("ns/pid")).ok().map(|stat| stat.st_ino)
    }

    /// Reads a path from the caller's memory.
    pub(crate) fn path(self, address: u64) -> io::Result<PathBuf> {
        let bytes = jailkeeper_sys::memory::read_string(self.thread, address, PATH_MAX)?;
        Ok(PathBuf::from(OsString::from_vec(bytes)))
    }

    /// Reads bytes from the caller's memory; fewer where it ends.
    pub(crate) fn bytes(self, address: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let count = jailkeeper_sys::memory::read(self.thread, address, &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Returns the directory that a relative path starts from: the caller's own, or the one
    /// behind a directory descriptor.
    pub(crate) fn directory(self, descriptor: Option<u64>) -> Option<JailPath> {
        match descriptor.map(register_to_fd) {
            None | Some(CURRENT_DIRECTORY) => file_path(&self.link("cwd")?),
            Some(number) => file_path(&self.descriptor(number)?),
        }
    }

    /// Returns where a path starts from: the root, or a [directory](Self::directory).
    pub(crate) fn start(self, text: &Path, descriptor: Option<u64>) -> Option<JailPath> {
        if text.is_absolute() { Some(JailPath::root()) } else { self.directory(descriptor) }
    }

    /// Says why a relative path has nothing to [start](Self::start) from. A directory can lie deeper
    /// than a path can be long; what is done from there could not be told from what is done
    /// elsewhere.
    pub(crate) fn no_start(self, descriptor: Option<u64>) -> Errno {
        match descriptor.map(register_to_fd) {
            Some(number) if number >= 0 && self.descriptor(number).is_some() => Errno::NOTDIR,
            Some(number) if number >= 0 && self.stat_descriptor(number).is_none() => Errno::BADF,
            _ => Errno::NAMETOOLONG,
        }
    }

    /// Returns what a descriptor of the caller leads to, as `/proc` says it.
    pub(crate) fn descriptor(self, number: i32) -> Option<PathBuf> {
        self.link(&format!("fd/{number}"))
    }

    /// Returns the attributes of what a descriptor of the caller leads to.
    pub(crate) fn stat_descriptor(self, number: i32) -> Option<rustix::fs::Stat> {
        rustix::fs::stat(self.proc(&format!("fd/{number}"))).ok()
    }

    /// Reads one of the links in the caller's `/proc` directory.
    pub(crate) fn link(self, name: &str) -> Option<PathBuf> {
        let target = rustix::fs::readlink(self.proc(name), Vec::new()).ok()?;
        Some(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Returns the permissions that the caller takes away from files that it creates.
    pub(crate) fn umask(self) -> u32 {
        let text = proc_entry::text(&self.proc("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Umask:"));
        line.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o077)
    }

    /// Tells whether the supervisor may not look into the caller. A program that an ordinary user
    /// runs can bring that about: by executing a file that its user may not read, for example.
    pub(crate) fn hides(self) -> bool {
        let answer = rustix::fs::readlink(self.proc("cwd"), Vec::new());
        matches!(answer, Err(Errno::ACCESS | Errno::PERM))
    }

    /// Returns the pid by which the caller knows itself.
    pub(crate) fn inner_pid(self) -> Option<u32> {
        numbers(self.thread.as_raw_pid().unsigned_abs())?.innermost
    }

    /// Describes the calling process and its ancestors up to the jail's init.
    pub(crate) fn describe(self, init: Option<Pid>) -> Description {
        let thread = self.thread.as_raw_pid().unsigned_abs();
        let own = numbers(thread).unwrap_or(Numbers { process: thread, ..Numbers::default() });
        let init = init.map(|init| init.as_raw_pid().unsigned_abs());
        let mut ancestors = Vec::new();
        let mut left = COMMAND_LINE_MAX;
        let mut at = own.parent;
        while at > 1 && Some(at) != init && ancestors.len() < ANCESTORS_MAX {
            let living = living_thread(at);
            let argv = arguments(living, left);
            left -= argv.iter().map(|argument| argument.len() + 1).sum::<usize>().min(left);
            ancestors.push(Ancestor::new(at, program(living), argv));
            at = numbers(at).map_or(0, |numbers| numbers.parent);
        }
        Description {
            pid: own.process,
            jail_pid: own.innermost,
            // The thread's own entries: those of its process are empty once its first thread has
            // ended.
            program: program(thread),
            argv: arguments(thread, COMMAND_LINE_MAX),
            ancestors,
        }
    }
}

/// Reads a descriptor number as the kernel does: the register's low half.
pub(crate) fn register_to_fd(register: u64) -> i32 {
    let low = u32::try_from(register & u64::from(u32::MAX)).unwrap_or(0);
    low.cast_signed()
}

/// Makes a path of a link's text; `None` for pipes, sockets and other things without a name.
pub(crate) fn file_path(target: &Path) -> Option<JailPath> {
    let bytes = target.as_os_str().as_bytes();
    let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    if bytes.starts_with(b"/memfd:") {
        return None;
    }
    JailPath::new(Path::new(std::ffi::OsStr::from_bytes(bytes))).ok()
}

fn numbers(pid: u32) -> Option<Numbers> {
    let text = proc_entry::text(&format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().last()?.parse().ok()
    };
    Some(Numbers {
        process: field("Tgid:")?,
        parent: field("PPid:").unwrap_or(0),
        innermost: field("NSpid:"),
    })
}

/// Returns the process, or another of its threads if its first one has ended: then that has neither
/// a program nor arguments any more.
fn living_thread(pid: u32) -> u32 {
    let has_program = |thread: &u32| {
        rustix::fs::readlink(format!("/proc/{thread}/exe"), Vec::new()) != Err(Errno::NOENT)
    };
    if has_program(&pid) {
        return pid;
    }
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .take(THREADS_MAX)
        .find(has_program)
        .unwrap_or(pid)
}

fn program(pid: u32) -> PathBuf {
    rustix::fs::readlink(format!("/proc/{pid}/exe"), Vec::new())
        .map(|target| OsString::from_vec(target.into_bytes()).into())
        .unwrap_or_default()
}

fn arguments(pid: u32, at_most: usize) -> Vec<OsString> {
    let Ok(file) = std::fs::File::open(format!("/proc/{pid}/cmdline")) else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    if file.take(at_most as u64).read_to_end(&mut bytes).is_err() {
        return Vec::new();
    }
    if bytes.last() == Some(&0) {
        bytes.pop();
    } else if bytes.is_empty() {
        return Vec::new();
    }
    bytes
        .split(|byte| *byte == 0)
        .take(ARGUMENTS_MAX)
        .map(|argument| OsString::from_vec(argument.to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_this_process() {
        let me = Caller::new(std::process::id()).unwrap();
        let description = me.describe(None);
        assert_eq!(description.pid, std::process::id());
        assert_eq!(description.program, std::env::current_exe().unwrap());
        assert_eq!(description.ancestors.first().unwrap().pid, std::os::unix::process::parent_id());
    }

    #[test]
    fn a_caller_is_waited_for_until_it_sleeps() {
        // It is busy first, and then waits in a call.
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; read -r line";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let caller = Caller::new(child.id()).unwrap();
        let reading = syscalls::Sysno::read.id();
        let parked = loop {
            // On its way to the script it waits for other things.
            match caller.parked() {
                Parked::In(call) if call.number == reading && call.arguments[0] == 0 => break true,
                Parked::In(_) => {}
                _ => break false,
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(parked, "a busy caller was taken for one that is gone");
        assert_eq!(caller.parked(), Parked::Gone);
    }

    #[test]
    fn descriptors_are_read_from_the_low_half_of_a_register() {
        assert_eq!(register_to_fd(0xffff_ff9c), CURRENT_DIRECTORY);
        assert_eq!(register_to_fd(0xffff_ffff_ffff_ff9c), CURRENT_DIRECTORY);
        assert_eq!(register_to_fd(0xdead_0000_0000_0005), 5);
    }

    #[test]
    fn things_without_a_name_are_no_files() {
        assert_eq!(file_path(Path::new("pipe:[123]")), None);
        assert_eq!(file_path(Path::new("/memfd:x (deleted)")), None);
        assert_eq!(file_path(Path::new("/a/b (deleted)")), JailPath::new("/a/b").ok());
    }
}
