//! Looking at what stopped processes have.

use super::super::family::{Process, threads};
use super::super::target;
use super::found::{Found, Weight, is_granted};
use crate::error::{Error, ErrorKind, Result};
use crate::watch::caller::file_path;
use jailkeeper_model::{Access, JailPath, OutsideKind, Policy, Presence, Verdict, decide};
use rustix::fs::OFlags;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, sockopt};
use rustix::process::{Pid, PidfdGetfdFlags};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// What the kernel calls a ring of io_uring, among descriptors and in memory.
const RING: &str = "anon_inode:[io_uring]";

/// Things without a name that open nothing and reach nobody by themselves. (A pidfd can send a
/// signal, which the watch governs.)
const HARMLESS: [&str; 7] = [
    "anon_inode:[eventfd]",
    "anon_inode:[eventpoll]",
    "anon_inode:[signalfd]",
    "anon_inode:[timerfd]",
    "anon_inode:inotify",
    "anon_inode:[pidfd]",
    "anon_inode:[landlock-ruleset]",
];

/// The threads that the kernel runs for rings.
pub(in super::super) struct Rings(Vec<Pid>);

impl Rings {
    /// Tells whether a thread of the kernel's still works for one of the processes.
    pub(in super::super) fn are_at_work(&self) -> bool {
        self.0.iter().any(|process| threads(*process).into_iter().any(target::is_worker))
    }
}

/// Lists what processes have that a policy would not give them.
pub(in super::super) fn look(policy: &Policy, all: &[Process]) -> Result<(Vec<Found>, Rings)> {
    let family: BTreeSet<_> = all.iter().map(|process| process.pid.as_raw_pid()).collect();
    let mut found = Vec::new();
    for process in all {
        for (index, table) in process.tables.iter().enumerate() {
            let Some(first) = table.threads.first() else { continue };
            let looker = Looker { policy, family: &family, process: process.pid };
            looker.descriptors(first.thread(), index, &table.pidfd, &mut found)?;
        }
        let looker = Looker { policy, family: &family, process: process.pid };
        looker.mappings(&mut found)?;
        looker.directory(&mut found);
    }
    let rings = Rings(all.iter().map(|process| process.pid).collect());
    let ringing = found.iter().any(|found| found.kind == OutsideKind::Ring);
    if !ringing && rings.are_at_work() {
        let pid = all.first().map_or(0, |process| process.pid.as_raw_pid());
        return Err(Error::new(ErrorKind::Unsupported, format!("attach to process {pid}"))
            .because("the kernel works for it on a ring of io_uring that cannot be found")
            .with_hint("start the program in a jail instead: `jailkeeper run`"));
    }
    Ok((found, rings))
}

struct Looker<'a> {
    policy: &'a Policy,
    family: &'a BTreeSet<i32>,
    process: Pid,
}

impl Looker<'_> {
    fn found(&self, kind: OutsideKind, what: impl Into<OsString>, weight: Weight) -> Found {
        let pid = self.process.as_raw_pid().unsigned_abs();
        Found { pid, kind, descriptor: None, range: None, what: what.into(), weight }
    }

    fn failed(&self, what: &str, error: std::io::Error) -> Error {
        let pid = self.process.as_raw_pid();
        Error::new(ErrorKind::Unsupported, format!("look at the {what} of process {pid}"))
            .because(error)
            .with_hint("in a container, allow the `ptrace` and `pidfd_getfd` system calls")
    }

    fn descriptors(
        &self,
        thread: Pid,
        table: usize,
        pidfd: &OwnedFd,
        all: &mut Vec<Found>,
    ) -> Result<()> {
        let folder = format!("/proc/{}/fd", thread.as_raw_pid());
        let entries =
            std::fs::read_dir(&folder).map_err(|error| self.failed("descriptors", error))?;
        for entry in entries.flatten() {
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let target = std::fs::read_link(entry.path())
                .map_err(|error| self.failed("descriptors", error))?;
            let found = if target.as_os_str().as_bytes().starts_with(b"socket:") {
                self.socket(pidfd, number)?
            } else {
                self.descriptor(thread, number, &target)
            };
            if let Some(mut found) = found {
                found.descriptor = Some((table, number));
                // Whoever started the process gave it these, and they go on being its streams.
                if number <= 2 && found.weight == Weight::Open {
                    found.weight = Weight::Listed;
                }
                all.push(found);
            }
        }
        Ok(())
    }

    /// Judges what is no socket.
    fn descriptor(&self, thread: Pid, number: i32, target: &Path) -> Option<Found> {
        let bytes = target.as_os_str().as_bytes();
        let text = target.to_string_lossy();
        if text == RING {
            return Some(self.found(OutsideKind::Ring, RING, Weight::Forbidden));
        }
        if bytes.starts_with(b"pipe:") || bytes.starts_with(b"/memfd:") {
            return None;
        }
        if !bytes.starts_with(b"/") {
            let harmless = HARMLESS.contains(&text.as_ref());
            return (!harmless).then(|| self.found(OutsideKind::Descriptor, target, Weight::Open));
        }
        let flags = open_flags(thread, number);
        // Such a descriptor opens nothing by itself, and what is opened through it is judged.
        if flags.contains(OFlags::PATH) {
            return None;
        }
        let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        let granted = file_path(target)
            .is_some_and(|path| is_granted(self.policy, &path, writes) && !self.is_strange(&path));
        // A shell keeps its terminal under another number too.
        let terminal = target.starts_with("/dev/pts") || target.starts_with("/dev/tty");
        let weight = if terminal { Weight::Listed } else { Weight::Open };
        (!granted).then(|| self.found(OutsideKind::Descriptor, target, weight))
    }

    /// Tells whether a path is an entry of a process that is no part of the jail.
    fn is_strange(&self, path: &JailPath) -> bool {
        let mut names = path.components();
        let in_proc = names.next().is_some_and(|name| name == "proc");
        let number = names.next().and_then(|name| name.to_str()?.parse().ok());
        in_proc && number.is_some_and(|number: i32| !self.family.contains(&number))
    }

    /// Judges a socket by its kind and its names.
    fn socket(&self, pidfd: &OwnedFd, number: i32) -> Result<Option<Found>> {
        let flags = PidfdGetfdFlags::empty();
        let socket = match rustix::process::pidfd_getfd(pidfd, number, flags) {
            Ok(socket) => socket,
            Err(error) => return Err(self.failed("sockets", error.into())),
        };
        let found = |what: String| Some(self.found(OutsideKind::Socket, what, Weight::Open));
        let (domain, kind) = (sockopt::socket_domain(&socket), sockopt::socket_type(&socket));
        match (domain, kind) {
            (Ok(AddressFamily::UNIX), Ok(SocketType::STREAM | SocketType::SEQPACKET)) => {
                Ok(self.stream(&socket))
            }
            (Ok(AddressFamily::UNIX), _) => {
                Ok(found("unix socket for datagrams, which can be sent to anybody".to_owned()))
            }
            (Ok(AddressFamily::INET | AddressFamily::INET6), _) => {
                let address = |name: rustix::io::Result<SocketAddrAny>| {
                    name.ok().and_then(|name| std::net::SocketAddr::try_from(name).ok())
                };
                let local = address(rustix::net::getsockname(&socket));
                let peer = rustix::net::getpeername(&socket).ok().flatten();
                let peer = peer.and_then(|peer| std::net::SocketAddr::try_from(peer).ok());
                Ok(found(match (local, peer) {
                    (_, Some(peer)) => format!("internet socket connected to {peer}"),
                    (Some(local), None) => format!("internet socket at {local}"),
                    (None, None) => "internet socket".to_owned(),
                }))
            }
            (Ok(family), _) => Ok(found(format!("socket of family {}", family.as_raw()))),
            (Err(_), _) => Ok(found("socket".to_owned())),
        }
    }

    /// A stream is inside if neither end has a name outside.
    fn stream(&self, socket: impl AsFd) -> Option<Found> {
        let name = |any: SocketAddrAny| SocketAddrUnix::try_from(any).ok();
        let own = rustix::net::getsockname(&socket).ok().and_then(name);
        let peer = rustix::net::getpeername(&socket).ok().flatten().and_then(name);
        if let Some(peer) = &peer {
            if peer.abstract_name().is_some_and(|name| !name.is_empty()) {
                return self.connected("an abstract name");
            }
            if let Some(path) = peer.path_bytes().filter(|path| !path.is_empty()) {
                let path = Path::new(std::ffi::OsStr::from_bytes(path));
                let granted = match JailPath::new(path) {
                    Ok(path) => {
                        let access = Access::connect_path(path, Presence::Exists);
                        matches!(decide(self.policy, &access), Verdict::Allow | Verdict::Grant)
                    }
                    // It begins where the other end was when it took the name; so it counts who
                    // that is.
                    Err(_) => sockopt::socket_peercred(&socket)
                        .is_ok_and(|peer| self.family.contains(&peer.pid.as_raw_pid())),
                };
                return if granted { None } else { self.connected(&path.to_string_lossy()) };
            }
        }
        let path =
            own.as_ref().and_then(SocketAddrUnix::path_bytes).filter(|path| !path.is_empty())?;
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let here = std::fs::read_link(format!("/proc/{}/cwd", self.process.as_raw_pid()));
        let absolute = here.unwrap_or_default().join(path);
        let granted =
            JailPath::new(&absolute).is_ok_and(|path| is_granted(self.policy, &path, true));
        let what = OsString::from_vec(path.as_os_str().as_bytes().to_vec());
        (!granted).then(|| self.found(OutsideKind::Socket, what, Weight::Open))
    }

    fn connected(&self, to: &str) -> Option<Found> {
        let what = format!("unix socket connected to {to}");
        Some(self.found(OutsideKind::Socket, what, Weight::Open))
    }

    /// Files in memory: what can be written goes on being written, what was read was read.
    fn mappings(&self, all: &mut Vec<Found>) -> Result<()> {
        let maps = std::fs::read(format!("/proc/{}/maps", self.process.as_raw_pid()))
            .map_err(|error| self.failed("memory", error))?;
        let mut listed = BTreeSet::new();
        for line in maps.split(|byte| *byte == b'\n') {
            let Some(mapping) = Mapping::parse(line) else { continue };
            let text = String::from_utf8_lossy(mapping.name);
            if text == RING {
                let mut found = self.found(OutsideKind::Ring, RING, Weight::Forbidden);
                found.range = Some((mapping.start, mapping.end));
                all.push(found);
                continue;
            }
            // Without a name, or of the kernel's: heap, stack, vdso.
            if !mapping.name.starts_with(b"/") || mapping.name.starts_with(b"/memfd:") {
                continue;
            }
            let path = Path::new(std::ffi::OsStr::from_bytes(mapping.name));
            // Shared memory without a name has this one.
            if path.starts_with("/dev/zero") {
                continue;
            }
            let granted =
                |writes| file_path(path).is_some_and(|path| is_granted(self.policy, &path, writes));
            let weight = match mapping.shared_for_writing {
                true if !granted(true) => Weight::Stuck,
                false if !granted(false) => Weight::Listed,
                _ => continue,
            };
            if listed.insert((path.to_owned(), weight == Weight::Stuck)) {
                all.push(self.found(OutsideKind::Mapping, path, weight));
            }
        }
        Ok(())
    }

    fn directory(&self, all: &mut Vec<Found>) {
        let link = format!("/proc/{}/cwd", self.process.as_raw_pid());
        let Ok(target) = std::fs::read_link(link) else { return };
        if file_path(&target).is_none_or(|path| !is_granted(self.policy, &path, false)) {
            all.push(self.found(OutsideKind::Directory, target, Weight::Listed));
        }
    }
}

/// A line of `/proc/PID/maps`.
struct Mapping<'a> {
    start: u64,
    end: u64,
    shared_for_writing: bool,
    name: &'a [u8],
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        // Five fields and spaces, then the name, which may have spaces in it.
        let mut rest = line;
        let mut fields = Vec::new();
        for _ in 0..5 {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            fields.push(std::str::from_utf8(field).ok()?);
            rest = after.trim_ascii_start();
        }
        let [range, rights, ..] = fields.as_slice() else { return None };
        let (start, end) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let shared_for_writing = rights.get(1..2) == Some("w") && rights.ends_with('s');
        Some(Self { start: number(start)?, end: number(end)?, shared_for_writing, name: rest })
    }
}

fn open_flags(thread: Pid, number: i32) -> OFlags {
    let text = target::read(thread, &format!("fdinfo/{number}"));
    let line = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let bits = line.and_then(|bits| u32::from_str_radix(bits.trim(), 8).ok());
    // What cannot be told is taken for the worst.
    OFlags::from_bits_retain(bits.unwrap_or(OFlags::RDWR.bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_read() {
        let line = b"7f00-7f10 rw-s 00000000 08:01 77    /a b/c (deleted)";
        let mapping = Mapping::parse(line).unwrap();
        assert_eq!(
            (mapping.start, mapping.end, mapping.shared_for_writing),
            (0x7f00, 0x7f10, true)
        );
        assert_eq!(mapping.name, b"/a b/c (deleted)");
        let private = Mapping::parse(b"7f00-7f10 rw-p 00000000 00:00 0 ").unwrap();
        assert!(!private.shared_for_writing && private.name.is_empty());
        assert!(Mapping::parse(b"").is_none());
    }

    #[test]
    fn flags_of_an_open_descriptor_are_known() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let flags = open_flags(rustix::process::getpid(), number);
        assert!(!flags.intersects(OFlags::WRONLY | OFlags::RDWR));
        assert_eq!(open_flags(rustix::process::getpid(), 9999), OFlags::RDWR);
    }
}
