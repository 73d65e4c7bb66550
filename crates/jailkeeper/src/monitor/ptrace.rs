//! Tracing by this library itself, on Linux: each call is stopped before it runs.
//!
//! The numbers in registers are those that the kernel will use. Text in memory is read in the stop,
//! and the kernel reads it again afterwards: another thread of the program, or another process that
//! shares the memory, can change it in between. So a program with one thread cannot do what it is
//! not allowed to; one with several can try to be faster, and sometimes will. There is no wall.
//!
//! io_uring opens files without a call that could be stopped; a program that sets it up is told of
//! in a warning.

use super::attached;
use super::judge::{Decision, Judge};
use super::run::{DEATH, Parts, Ready, Used};
use super::{kernel_pid, stub};
use crate::child::{Ended, Ending};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::walls::filter;
use jailkeeper_model::JailPath;
use jailkeeper_sys::memory;
use jailkeeper_sys::ptrace::{self, Entry, Stop};
use jailkeeper_trace::vocabulary::{self, State};
use jailkeeper_trace::{
    Arguments, Call, Dialect, End, Happening, Outcome, Processes, Text, Trace, Value,
};
use rustix::process::Pid;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};
use syscalls::Sysno;

/// Longest path that the kernel takes, with its zero byte.
const PATH_MAX: usize = 4096;
/// Longest address of a socket that is looked at.
const ADDRESS_MAX: usize = 128;

/// Runs one run, on the thread that traces.
pub(super) fn run(
    mut parts: Parts,
    shell: Option<std::process::Child>,
    family: &[u32],
    ready: &Ready,
) -> Option<Result<Ended>> {
    let attached = shell.is_none();
    let directory = Some(parts.ground.cwd.clone()).filter(|_| !attached);
    let trace = Trace::new(Dialect::Strace, parts.judge.root, directory);
    let raised = match &shell {
        Some(_) => raise(&parts),
        None => seize_family(&parts, family),
    };
    if let Err(error) = raised {
        parts.judge.tree.kill();
        if let Some(mut shell) = shell {
            let _ = shell.wait();
        }
        parts.judge.recorder.close();
        let _ = ready.send(Err(error));
        return None;
    }
    // The kernel names the thread.
    let thread = rustix::thread::gettid().as_raw_pid().unsigned_abs();
    parts.judge.tree.traced_by(thread);
    parts.announce("ptrace");
    parts.started = Instant::now();
    let clock = Clock::start(&parts);
    let (stopped, used) = (VecDeque::new(), Used::default());
    let mut tracing = Tracing { parts, trace, stopped, ending: None, used, told: false };
    if attached {
        attached::introduce(&mut tracing.trace, family, true);
        tracing.parts.judge.begin();
        tracing.tell(ready, Ok(()));
    } else if let Some(root) = kernel_pid(tracing.parts.judge.root) {
        stub::go(root);
    }
    let outcome = tracing.follow(ready);
    let limited = clock.stop();
    if limited {
        tracing.parts.record_limit();
    }
    if let Err(error) = outcome {
        tracing.parts.judge.tree.kill();
        tracing.parts.judge.recorder.close();
        return Some(Err(error));
    }
    if !tracing.told {
        // It ended without having executed anything.
        tracing.parts.judge.recorder.close();
        let name = tracing.parts.arguments.first().cloned().unwrap_or_default();
        let error = Error::new(ErrorKind::NotExecutable, "execute the command").at(name);
        tracing.tell(ready, Err(error));
        return None;
    }
    tracing.parts.judge.tree.count();
    Some(Ok(tracing.parts.finish(tracing.ending, limited, tracing.used)))
}

/// Takes hold of the stopped shell.
fn raise(parts: &Parts) -> Result<()> {
    let pid = kernel_pid(parts.judge.root)
        .ok_or_else(|| Error::new(ErrorKind::Setup, "find the command's process"))?;
    stub::until_stopped(pid)?;
    seize(pid)
}

/// Takes hold of running processes, with all their threads.
fn seize_family(parts: &Parts, family: &[u32]) -> Result<()> {
    for pid in family {
        parts.judge.tree.born(*pid);
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).step("list the threads")?;
        let numbers =
            threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        for thread in numbers.filter_map(Pid::from_raw) {
            seize(thread)?;
            let _ = ptrace::interrupt(thread);
        }
    }
    Ok(())
}

fn seize(thread: Pid) -> Result<()> {
    ptrace::seize(thread).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "trace the command").because(error).with_hint(
            "somebody traces it already, or tracing is forbidden: in a container allow `ptrace`; \
             for running processes `kernel.yama.ptrace_scope` must be 0, or you root",
        )
    })
}

/// Ends a run whose time is up: the tracing thread waits for stops alone.
struct Clock {
    stopped: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<bool>>,
}

impl Clock {
    fn start(parts: &Parts) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let limit = parts.settings.wall_time;
        let tree = Arc::clone(&parts.judge.tree);
        let thread = limit.map(|limit| {
            let stopped = Arc::clone(&stopped);
            let deadline = Instant::now() + limit;
            std::thread::spawn(move || {
                while !stopped.load(Ordering::Acquire) {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        tree.kill();
                        return true;
                    }
                    std::thread::park_timeout(left);
                }
                false
            })
        });
        Self { stopped, thread }
    }

    /// Tells whether the time was up.
    fn stop(self) -> bool {
        self.stopped.store(true, Ordering::Release);
        self.thread.is_some_and(|thread| {
            thread.thread().unpark();
            thread.join().unwrap_or(false)
        })
    }
}

struct Tracing {
    parts: Parts,
    trace: Trace,
    /// Who has stopped and was not dealt with yet, in the order of hearing.
    stopped: VecDeque<ptrace::Waited>,
    ending: Option<Ending>,
    used: Used,
    /// The caller was told that the run has begun.
    told: bool,
}

impl Tracing {
    fn tell(&mut self, ready: &Ready, what: Result<()>) {
        if !std::mem::replace(&mut self.told, true) {
            let heard = ready.send(what).is_ok();
            if !heard {
                self.parts.judge.tree.kill();
            }
        }
    }

    /// Goes from stop to stop until nothing is left to trace.
    fn follow(&mut self, ready: &Ready) -> Result<()> {
        let mut dying_since = None;
        loop {
            let (pid, stop, usage) = match self.next() {
                Ok(waited) => waited,
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::CHILD.raw_os_error()) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error).step("wait for the traced processes"),
            };
            let number = pid.as_raw_pid().unsigned_abs();
            self.deal_with(pid, number, stop);
            if let Stop::Ended(status) = stop
                && number == self.parts.judge.root
            {
                self.ending = Some(match jailkeeper_sys::process::Ending::from_status(status) {
                    jailkeeper_sys::process::Ending::Code(code) => Ending::Code(code),
                    jailkeeper_sys::process::Ending::Signal(signal) => Ending::Signal(signal),
                });
                self.used = Used {
                    user: usage.user,
                    system: usage.system,
                    peak_memory: Some(usage.peak_memory),
                };
                self.parts.judge.tree.reaped();
                // The end of the command is the end of all.
                if self.parts.judge.tree.known() > 0 {
                    self.parts.judge.tree.kill();
                }
            }
            if self.parts.judge.has_begun() || self.parts.judge.tree.is_dying() && !self.told {
                let begun = self.parts.judge.has_begun()
                    || self.parts.judge.recorder.report(|report| !report.jailbreaks.is_empty());
                if begun {
                    self.tell(ready, Ok(()));
                }
            }
            if self.parts.judge.tree.is_dying() {
                let since = *dying_since.get_or_insert_with(Instant::now);
                self.parts.judge.tree.kill();
                if since.elapsed() > DEATH {
                    return Ok(());
                }
            }
        }
    }

    /// Returns the next stop. All that have stopped are taken in before one of them goes on: with the
    /// kernel naming the youngest first, a few that are busy would starve the others.
    fn next(&mut self) -> std::io::Result<ptrace::Waited> {
        if let Some(waited) = self.stopped.pop_front() {
            return Ok(waited);
        }
        let first = ptrace::wait()?;
        // Nobody left is heard of when this one was dealt with.
        while let Ok(Some(waited)) = ptrace::wait_no_longer() {
            self.stopped.push_back(waited);
        }
        Ok(first)
    }

    /// Deals with one stop, and lets the tracee go on if it may.
    fn deal_with(&mut self, pid: Pid, number: u32, stop: Stop) {
        // A tracee that is being killed is gone before it can go on.
        let resume = |signal| {
            let _ = ptrace::resume(pid, signal);
        };
        match stop {
            Stop::Syscall => {
                let decision = match ptrace::entry(pid) {
                    Ok(Some(entry)) => self.call(pid, number, &entry),
                    _ => Decision::Go,
                };
                // It never comes to the call: its next step is its death.
                if decision == Decision::Go || !self.parts.judge.tree.is_dying() {
                    resume(0);
                }
            }
            Stop::Born(child) => {
                let child = child.as_raw_pid().unsigned_abs();
                self.born(child, Some(number));
                resume(0);
            }
            Stop::Executed(former) => {
                let former = former.as_raw_pid().unsigned_abs();
                self.trace.processes_mut().supersede(number, former);
                self.trace.processes_mut().execute(number, None, Vec::new());
                let happening = Happening::Executed { pid: number };
                self.parts.judge.take(self.trace.processes(), &happening);
                resume(0);
            }
            Stop::Signal(signal) => resume(signal),
            Stop::Group => {
                let _ = ptrace::listen(pid);
            }
            Stop::Trap => {
                // The first stop of a child can come before its parent tells of it.
                self.born(number, None);
                resume(0);
            }
            Stop::Ended(_) => {
                let end = End::Exited(None);
                let happening = Happening::Ended { pid: number, end };
                self.parts.judge.take(self.trace.processes(), &happening);
                self.trace.processes_mut().remove(number);
            }
        }
    }

    /// A process or thread is there.
    fn born(&mut self, pid: u32, maker: Option<u32>) {
        let group = group_of(pid).unwrap_or(pid);
        let processes = self.trace.processes_mut();
        let known = processes.holds(pid);
        if !known {
            processes.add(pid, None);
        }
        let parent = maker.and_then(|maker| processes.get(maker)).map(|maker| maker.group);
        if let Some(process) = processes.get_mut(pid) {
            process.group = group;
            if group == pid && process.parent.is_none() {
                process.parent = parent.filter(|parent| *parent != pid);
            }
        }
        if !known {
            let happening = Happening::Born { pid, parent: maker };
            self.parts.judge.take(self.trace.processes(), &happening);
        }
    }

    /// A call that is about to run.
    fn call(&mut self, pid: Pid, number: u32, entry: &Entry) -> Decision {
        let judge = &self.parts.judge;
        let is_foreign = |call| filter::is_foreign(entry.architecture, call);
        if i32::try_from(entry.number).map_or(true, is_foreign) {
            return if judge.has_begun() {
                foreign(judge, &self.trace, number)
            } else {
                Decision::Go
            };
        }
        let name = usize::try_from(entry.number).ok().and_then(Sysno::new).map(|call| call.name());
        let Some(known) = name.and_then(|name| vocabulary::find(name.as_bytes())) else {
            return Decision::Go;
        };
        if matches!(
            known.state,
            State::Closes | State::ClosesRange | State::Makes | State::Exits | State::Forks
        ) {
            return Decision::Go;
        }
        let mut memory = Memory::default();
        for path in known.paths {
            memory.text(pid, entry, path.path);
        }
        if let State::Socket(_, index) = known.state {
            memory.address(pid, entry, known.name, index);
        }
        if known.name == "openat2" {
            memory.how(pid, entry);
        }
        if matches!(known.state, State::Clones | State::Unshares) {
            memory.namespaces(pid, entry, known.name);
        }
        // Where it stands is what the kernel says in the stop.
        look_around(self.trace.processes_mut(), pid, number, entry, known);
        let values = memory.values(entry);
        let arguments = Arguments::of(&values, &memory.raw);
        // What hides is told when it has worked; here it is about to.
        let outcome = match known.state {
            State::Hides => Outcome::Returned(0),
            _ => Outcome::Unknown,
        };
        let call = Call { entry: known, arguments, outcome, opened: None };
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        let mut decision = Decision::Go;
        self.trace.call(number, time, &call, &mut |processes, happening| {
            if judge.take(processes, &happening) == Decision::Kill {
                decision = Decision::Kill;
            }
        });
        decision
    }
}

/// A call of another ABI: its numbers mean something else.
fn foreign(judge: &Judge, trace: &Trace, pid: u32) -> Decision {
    let syscall = "call of a foreign ABI";
    judge.take(trace.processes(), &Happening::Garbled { pid, syscall })
}

/// Learns from the kernel what a relative path in this call starts from.
fn look_around(
    processes: &mut Processes,
    pid: Pid,
    number: u32,
    entry: &Entry,
    known: &vocabulary::Entry,
) {
    let link = |name: &str| {
        let target = std::fs::read_link(format!("/proc/{}/{name}", pid.as_raw_pid())).ok()?;
        let text = target.as_os_str().as_encoded_bytes();
        let text = text.strip_suffix(b" (deleted)").unwrap_or(text);
        use std::os::unix::ffi::OsStrExt;
        JailPath::new(std::ffi::OsStr::from_bytes(text)).ok()
    };
    if !processes.holds(number) {
        processes.add(number, None);
    }
    processes.change_directory(number, link("cwd"));
    let descriptors = known.paths.iter().filter_map(|path| path.directory);
    let touched = matches!(known.state, State::TouchesDescriptor).then_some(0);
    for index in descriptors.chain(touched) {
        let register = entry.arguments.get(usize::from(index)).copied().unwrap_or(0);
        let number_of = u32::try_from(register & 0xffff_ffff).unwrap_or(0).cast_signed();
        if number_of >= 0 {
            processes.open(number, number_of, link(&format!("fd/{number_of}")), false);
        }
    }
}

fn group_of(pid: u32) -> Option<u32> {
    let text = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

/// What was read of a tracee's memory for one call.
#[derive(Default)]
struct Memory {
    texts: Vec<(u8, Vec<u8>)>,
    words: Vec<(u8, Vec<u8>)>,
    /// The names of flags that are looked for in the whole call.
    raw: Vec<u8>,
}

impl Memory {
    fn text(&mut self, pid: Pid, entry: &Entry, index: u8) {
        let address = entry.arguments.get(usize::from(index)).copied().unwrap_or(0);
        if address == 0 {
            return;
        }
        // What cannot be read is EFAULT or ENAMETOOLONG for the kernel too.
        if let Ok(text) = memory::read_string(pid, address, PATH_MAX) {
            self.texts.push((index, text));
        }
    }

    /// The flags of `openat2` are in memory.
    fn how(&mut self, pid: Pid, entry: &Entry) {
        let mut bytes = [0; 8];
        let address = entry.arguments.get(2).copied().unwrap_or(0);
        if memory::read(pid, address, &mut bytes).is_ok_and(|count| count == bytes.len()) {
            self.raw = u64::from_ne_bytes(bytes).to_string().into_bytes();
        }
    }

    /// The flags that make namespaces: of `clone` and `unshare` in a register, of `clone3` in memory.
    fn namespaces(&mut self, pid: Pid, entry: &Entry, name: &str) {
        const MOUNT: u64 = 0x0002_0000;
        const USER: u64 = 0x1000_0000;
        let first = entry.arguments.first().copied().unwrap_or(0);
        let flags = if name == "clone3" {
            let mut bytes = [0; 8];
            match memory::read(pid, first, &mut bytes) {
                Ok(_) => u64::from_ne_bytes(bytes),
                Err(_) => 0,
            }
        } else {
            first
        };
        for (bit, flag) in [(MOUNT, &b"CLONE_NEWNS "[..]), (USER, b"CLONE_NEWUSER ")] {
            if flags & bit != 0 {
                self.raw.extend_from_slice(flag);
            }
        }
    }

    /// The address of a socket, in the words of strace.
    fn address(&mut self, pid: Pid, entry: &Entry, name: &str, index: u8) {
        let register = |index: usize| entry.arguments.get(index).copied().unwrap_or(0);
        let (address, length) = match name {
            "sendmsg" | "sendmmsg" => {
                // The header begins with the pointer to the address and its length.
                let mut header = [0; 16];
                if !memory::read(pid, register(1), &mut header).is_ok_and(|count| count == 16) {
                    return;
                }
                let header = u128::from_ne_bytes(header);
                let low = u64::try_from(header & u128::from(u64::MAX)).unwrap_or(0);
                let high = u64::try_from(header >> 64).unwrap_or(0);
                (low, high & 0xffff_ffff)
            }
            "sendto" => (register(4), register(5)),
            _ => (register(usize::from(index)), register(2)),
        };
        if address == 0 {
            return;
        }
        let length = usize::try_from(length).unwrap_or(0).min(ADDRESS_MAX);
        let mut bytes = vec![0; length];
        if let Ok(count) = memory::read(pid, address, &mut bytes) {
            bytes.truncate(count);
            if let Some(word) = address_in_words(&bytes) {
                self.words.push((index, word));
            }
        }
    }

    fn values<'a>(&'a self, entry: &Entry) -> Vec<Value<'a>> {
        let registers = entry.arguments.iter().enumerate().map(|(index, register)| {
            let at = |list: &'a [(u8, Vec<u8>)]| {
                list.iter()
                    .find(|(place, _)| usize::from(*place) == index)
                    .map(|(_, text)| &text[..])
            };
            if let Some(text) = at(&self.texts) {
                return Value::Text(Text::plain(text));
            }
            if let Some(word) = at(&self.words) {
                return Value::Word(word);
            }
            if index == 2
                && let Some(flags) =
                    std::str::from_utf8(&self.raw).ok().and_then(|raw| raw.parse().ok())
            {
                return Value::Number(flags, None);
            }
            // Descriptors and flags are `int`s.
            Value::Number(i64::from(u32::try_from(register & 0xffff_ffff).unwrap_or(0)), None)
        });
        registers.collect()
    }
}

/// Says an address as strace does.
fn address_in_words(bytes: &[u8]) -> Option<Vec<u8>> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    let port = |rest: &[u8]| rest.first_chunk::<2>().map(|port| u16::from_be_bytes(*port));
    Some(match u16::from_ne_bytes(*family) {
        1 => {
            // An abstract name begins with a zero.
            let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            let name = rest.get(..end).filter(|name| !name.is_empty())?;
            let mut word = b"{sa_family=AF_UNIX, sun_path=\"".to_vec();
            for byte in name {
                word.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            word.extend_from_slice(b"\"}");
            word
        }
        2 => {
            let host: [u8; 4] = *rest.get(2..)?.first_chunk()?;
            let (port, host) = (port(rest)?, std::net::Ipv4Addr::from(host));
            format!("{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"{host}\")}}")
                .into_bytes()
        }
        10 => {
            let host: [u8; 16] = *rest.get(6..)?.first_chunk()?;
            let (port, host) = (port(rest)?, std::net::Ipv6Addr::from(host));
            format!(
                "{{sa_family=AF_INET6, sin6_port=htons({port}), inet_pton(AF_INET6, \"{host}\", &x)}}"
            )
            .into_bytes()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_said_as_strace_says_them() {
        let unix = [&1_u16.to_ne_bytes()[..], b"/run/x\0rest"].concat();
        let word = address_in_words(&unix).unwrap();
        assert_eq!(word, br#"{sa_family=AF_UNIX, sun_path="\x2f\x72\x75\x6e\x2f\x78"}"#);
        let inet = [&2_u16.to_ne_bytes()[..], &[0, 80, 127, 0, 0, 1, 0, 0]].concat();
        let word = String::from_utf8(address_in_words(&inet).unwrap()).unwrap();
        assert!(word.contains("htons(80)") && word.contains("\"127.0.0.1\""), "{word}");
        let nameless = [&1_u16.to_ne_bytes()[..], b"\0abstract"].concat();
        assert_eq!(address_in_words(&nameless), None);
    }
}
