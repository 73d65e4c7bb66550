//! Whether a process can be attached to: facts that `/proc` tells, and what follows from them.
//!
//! All of it is looked at before the process is touched, and once more when it is stopped. What is
//! an obstacle for one of its descendants is one for all.

use crate::error::{Error, ErrorKind, Result};
use rustix::fs::AtFlags;
use rustix::process::Pid;
use std::path::Path;

/// `PF_KTHREAD` and `PF_USER_WORKER` in the flags of `/proc/PID/stat`.
const KERNEL_THREAD: u64 = 0x0020_0000;
const USER_WORKER: u64 = 0x4000;
/// `PF_EXITING` there.
const EXITING: u64 = 0x4;
/// `CAP_SYS_PTRACE`.
const TRACE_ANYBODY: u64 = 1 << 19;

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) pid: u32,
    /// Whether this process has made it, or one of its ancestors.
    pub(super) descends: bool,
    /// The process that it is a thread of: itself, unless the number is a thread's.
    pub(super) process: u32,
    pub(super) ended: bool,
    pub(super) kernel_thread: bool,
    /// Real, effective, saved and for file systems.
    pub(super) users: [u32; 4],
    pub(super) groups: [u32; 4],
    pub(super) tracer: u32,
    /// How many seccomp filters it has.
    pub(super) filters: u32,
    /// Whether it has the namespaces of this process, as far as that may be known.
    pub(super) same_namespaces: Option<bool>,
    /// Whether its root directory is this process's.
    pub(super) same_root: Option<bool>,
    /// Whether others of its user may look into it.
    pub(super) dumpable: bool,
}

/// What is known of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) pid: u32,
    pub(super) ancestors: Vec<u32>,
    pub(super) user: u32,
    pub(super) group: u32,
    /// It may trace processes of everybody.
    pub(super) privileged: bool,
    pub(super) filters: u32,
    /// `kernel.yama.ptrace_scope`, 0 where there is no Yama.
    pub(super) scope: u32,
}

/// Why a process cannot be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    Ended,
    KernelThread,
    Thread(u32),
    Itself,
    Ancestor,
    Traced(u32),
    OtherUser(u32),
    SetUserId,
    Hidden,
    Filtered,
    OtherNamespaces,
    OtherRoot,
    /// Yama forbids it, at this scope.
    Scope(u32),
}

/// Finds what keeps a process from being attached to.
pub(super) fn obstacle(facts: &Facts, own: &Own) -> Option<Obstacle> {
    let same = |ids: [u32; 4]| ids.iter().all(|id| ids.first() == Some(id));
    let [user, ..] = facts.users;
    let [group, ..] = facts.groups;
    let descends = facts.descends;
    let checks = [
        (facts.ended, Obstacle::Ended),
        (facts.kernel_thread, Obstacle::KernelThread),
        (facts.pid == own.pid || facts.process == own.pid, Obstacle::Itself),
        (facts.process != facts.pid, Obstacle::Thread(facts.process)),
        (own.ancestors.contains(&facts.pid), Obstacle::Ancestor),
        (facts.tracer != 0, Obstacle::Traced(facts.tracer)),
        (!same(facts.users) || !same(facts.groups), Obstacle::SetUserId),
        (!own.privileged && (user != own.user || group != own.group), Obstacle::OtherUser(user)),
        (!facts.dumpable, Obstacle::Hidden),
        (
            match own.scope {
                0 => false,
                1 => !own.privileged && !descends,
                2 => !own.privileged,
                _ => true,
            },
            Obstacle::Scope(own.scope),
        ),
        (facts.same_namespaces == Some(false), Obstacle::OtherNamespaces),
        (facts.same_root == Some(false), Obstacle::OtherRoot),
        (facts.filters > own.filters, Obstacle::Filtered),
    ];
    checks.into_iter().find_map(|(holds, obstacle)| holds.then_some(obstacle))
}

impl Obstacle {
    /// Makes the sentence, and says what to do.
    pub(super) fn error(self, pid: u32) -> Error {
        const MONITOR: &str = "it can be watched with `--strength monitor`, which enforces nothing";
        let (kind, because, hint) = match self {
            Self::Ended => (
                ErrorKind::NotFound,
                "there is no such process".to_owned(),
                "look at the number; it may have ended".to_owned(),
            ),
            Self::KernelThread => (
                ErrorKind::Unsupported,
                "it is a thread of the kernel".to_owned(),
                "no program can be jailed in it".to_owned(),
            ),
            Self::Thread(process) => (
                ErrorKind::Unsupported,
                format!("it is a thread of process {process}"),
                format!("attach to process {process}: all of its threads are jailed"),
            ),
            Self::Itself => (
                ErrorKind::Unsupported,
                "it is the process that attaches".to_owned(),
                "attach to another one".to_owned(),
            ),
            Self::Ancestor => (
                ErrorKind::Unsupported,
                "the process that attaches descends from it and would be jailed with it".to_owned(),
                "start jailkeeper from somewhere else, such as another terminal".to_owned(),
            ),
            Self::Traced(tracer) => (
                ErrorKind::Unsupported,
                format!("process {tracer} traces it already"),
                "end that debugger or tracer first".to_owned(),
            ),
            Self::OtherUser(user) => (
                ErrorKind::Unsupported,
                format!("it belongs to user {user}"),
                "run jailkeeper as that user and group, or as root".to_owned(),
            ),
            Self::SetUserId => (
                ErrorKind::Unsupported,
                "it acts as more than one user or group, as set-user-id programs do".to_owned(),
                MONITOR.to_owned(),
            ),
            Self::Hidden => (
                ErrorKind::Unsupported,
                "it does not let others of its user look into it (PR_SET_DUMPABLE)".to_owned(),
                "start the program in a jail instead: `jailkeeper run`".to_owned(),
            ),
            Self::Filtered => (
                ErrorKind::Unsupported,
                "it has a seccomp filter of its own, which could end it for the calls that make walls"
                    .to_owned(),
                "start the program in a jail instead: `jailkeeper run`".to_owned(),
            ),
            Self::OtherNamespaces => (
                ErrorKind::Unsupported,
                "it is in other namespaces, where names mean other files".to_owned(),
                "run jailkeeper inside of that container".to_owned(),
            ),
            Self::OtherRoot => (
                ErrorKind::Unsupported,
                "it has another root directory, where names mean other files".to_owned(),
                "start the program in a jail instead: `jailkeeper run`".to_owned(),
            ),
            Self::Scope(scope) => (
                ErrorKind::Unsupported,
                format!("`kernel.yama.ptrace_scope` is {scope}"),
                match scope {
                    1 => "run jailkeeper as root, or sysctl -w kernel.yama.ptrace_scope=0",
                    2 => "run jailkeeper as root",
                    _ => "this lasts until the next boot: start the program with `jailkeeper run`",
                }
                .to_owned(),
            ),
        };
        Error::new(kind, format!("attach to process {pid}")).because(because).with_hint(hint)
    }
}

impl Facts {
    /// Looks at a process.
    pub(super) fn of(pid: Pid) -> Self {
        let number = pid.as_raw_pid().unsigned_abs();
        let status = read(pid, "status");
        let numbers = |name: &str| numbers(&status, name);
        let flags = flags(pid);
        let users = four(&numbers("Uid:"));
        let state = line(&status, "State:").unwrap_or("X").trim_start().chars().next();
        let dumpable = is_dumpable(pid, users);
        // The memory of a process that ends is gone before the process is, and then its entries
        // belong to root as well. It is asked in this order because it may have begun in between.
        let ending = !dumpable && (has_ended(pid) || self::flags(pid) & EXITING != 0);
        Self {
            pid: number,
            descends: ancestors(number)
                .contains(&rustix::process::getpid().as_raw_pid().unsigned_abs()),
            process: numbers("Tgid:").first().copied().unwrap_or(number),
            ended: ending || status.is_empty() || matches!(state, Some('Z' | 'X')),
            kernel_thread: flags & KERNEL_THREAD != 0,
            users,
            groups: four(&numbers("Gid:")),
            tracer: numbers("TracerPid:").first().copied().unwrap_or(0),
            filters: numbers("Seccomp_filters:").first().copied().unwrap_or(0),
            same_namespaces: same_namespaces(pid),
            same_root: same_root(pid),
            dumpable,
        }
    }
}

impl Own {
    /// Looks at this process.
    pub(super) fn look() -> Self {
        let me = rustix::process::getpid();
        let status = read(me, "status");
        let capabilities = line(&status, "CapEff:").unwrap_or("0").trim();
        let capabilities = u64::from_str_radix(capabilities, 16).unwrap_or(0);
        let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
        Self {
            pid: me.as_raw_pid().unsigned_abs(),
            ancestors: ancestors(me.as_raw_pid().unsigned_abs()),
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
            privileged: capabilities & TRACE_ANYBODY != 0,
            filters: numbers(&status, "Seccomp_filters:").first().copied().unwrap_or(0),
            scope: scope.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0),
        }
    }
}

/// Returns the processes above one, the nearest first.
fn ancestors(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut at = pid;
    while let Some(above) = i32::try_from(at).ok().and_then(Pid::from_raw) {
        at = numbers(&read(above, "status"), "PPid:").first().copied().unwrap_or(0);
        if at == 0 || found.contains(&at) {
            break;
        }
        found.push(at);
    }
    found
}

/// Refuses a process that cannot be attached to; it may be traced here already.
pub(super) fn require(pid: Pid, own: &Own, traced_here: bool) -> Result<Facts> {
    let mut facts = Facts::of(pid);
    if traced_here {
        facts.tracer = 0;
    }
    match obstacle(&facts, own) {
        Some(obstacle) => Err(obstacle.error(facts.pid)),
        None => Ok(facts),
    }
}

/// Tells whether a thread is one that the kernel itself runs for io_uring or vhost.
pub(super) fn is_worker(thread: Pid) -> bool {
    flags(thread) & USER_WORKER != 0
}

/// Tells whether a thread has ended although its process has not.
pub(super) fn has_ended(thread: Pid) -> bool {
    let text = read(thread, "stat");
    let state = text.rsplit_once(')').map(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, Some(Some(state)) if state != 'Z' && state != 'X')
}

fn flags(pid: Pid) -> u64 {
    let text = read(pid, "stat");
    let fields = text.rsplit_once(')').map(|(_, fields)| fields);
    let flags = fields.and_then(|fields| fields.split_ascii_whitespace().nth(6)?.parse().ok());
    flags.unwrap_or(0)
}

pub(super) fn read(pid: Pid, entry: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{}/{entry}", pid.as_raw_pid())).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn line<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))
}

fn numbers(status: &str, name: &str) -> Vec<u32> {
    let words = line(status, name).unwrap_or_default().split_ascii_whitespace();
    words.filter_map(|word| word.parse().ok()).collect()
}

fn four(numbers: &[u32]) -> [u32; 4] {
    numbers.try_into().unwrap_or([u32::MAX; 4])
}

fn same_namespaces(pid: Pid) -> Option<bool> {
    let inode = |process: &str, kind: &str| {
        rustix::fs::stat(format!("/proc/{process}/ns/{kind}")).ok().map(|stat| stat.st_ino)
    };
    let theirs = pid.as_raw_pid().to_string();
    ["mnt", "user", "pid"]
        .into_iter()
        .try_fold(true, |same, kind| Some(same && inode(&theirs, kind)? == inode("self", kind)?))
}

fn same_root(pid: Pid) -> Option<bool> {
    let root = |process: &str| {
        let link = format!("/proc/{process}/root");
        let stat = rustix::fs::statat(rustix::fs::CWD, link, AtFlags::empty()).ok()?;
        Some((stat.st_dev, stat.st_ino))
    };
    Some(root(&pid.as_raw_pid().to_string())? == root("self")?)
}

/// The entries of a process that hides itself belong to root, but for its directory itself.
fn is_dumpable(pid: Pid, users: [u32; 4]) -> bool {
    let entry = format!("/proc/{}/fd", pid.as_raw_pid());
    let owner = rustix::fs::stat(Path::new(&entry)).map(|stat| stat.st_uid);
    let [_, effective, ..] = users;
    owner.is_ok_and(|owner| owner == effective)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordinary() -> Facts {
        Facts {
            pid: 500,
            descends: false,
            process: 500,
            ended: false,
            kernel_thread: false,
            users: [1000; 4],
            groups: [1000; 4],
            tracer: 0,
            filters: 0,
            same_namespaces: Some(true),
            same_root: Some(true),
            dumpable: true,
        }
    }

    fn user() -> Own {
        Own {
            pid: 600,
            ancestors: vec![400, 300, 1],
            user: 1000,
            group: 1000,
            privileged: false,
            filters: 0,
            scope: 0,
        }
    }

    #[test]
    fn what_keeps_a_process_from_being_attached_to() {
        let root = || Own { user: 0, group: 0, privileged: true, ..user() };
        let scoped = |scope, own: Own| Own { scope, ..own };
        let child = || Facts { descends: true, ..ordinary() };
        let set = [1000, 0, 0, 0];
        for (facts, own, expected) in [
            (ordinary(), user(), None),
            (ordinary(), root(), None),
            (Facts { ended: true, ..ordinary() }, root(), Some(Obstacle::Ended)),
            (Facts { kernel_thread: true, ..ordinary() }, root(), Some(Obstacle::KernelThread)),
            (Facts { pid: 600, process: 600, ..ordinary() }, root(), Some(Obstacle::Itself)),
            (Facts { process: 499, ..ordinary() }, root(), Some(Obstacle::Thread(499))),
            (Facts { pid: 300, process: 300, ..ordinary() }, root(), Some(Obstacle::Ancestor)),
            (Facts { pid: 1, process: 1, ..ordinary() }, root(), Some(Obstacle::Ancestor)),
            (Facts { tracer: 7, ..ordinary() }, root(), Some(Obstacle::Traced(7))),
            (Facts { users: set, ..ordinary() }, user(), Some(Obstacle::SetUserId)),
            (Facts { users: set, ..ordinary() }, root(), Some(Obstacle::SetUserId)),
            (Facts { groups: set, ..ordinary() }, root(), Some(Obstacle::SetUserId)),
            (Facts { users: [7; 4], ..ordinary() }, user(), Some(Obstacle::OtherUser(7))),
            (Facts { groups: [7; 4], ..ordinary() }, user(), Some(Obstacle::OtherUser(1000))),
            (Facts { users: [7; 4], ..ordinary() }, root(), None),
            (Facts { dumpable: false, ..ordinary() }, root(), Some(Obstacle::Hidden)),
            (Facts { filters: 1, ..ordinary() }, root(), Some(Obstacle::Filtered)),
            (Facts { filters: 1, ..ordinary() }, Own { filters: 1, ..user() }, None),
            (
                Facts { same_namespaces: Some(false), ..ordinary() },
                root(),
                Some(Obstacle::OtherNamespaces),
            ),
            (Facts { same_namespaces: None, ..ordinary() }, root(), None),
            (Facts { same_root: Some(false), ..ordinary() }, root(), Some(Obstacle::OtherRoot)),
            (ordinary(), scoped(1, user()), Some(Obstacle::Scope(1))),
            (child(), scoped(1, user()), None),
            (ordinary(), scoped(1, root()), None),
            (child(), scoped(2, user()), Some(Obstacle::Scope(2))),
            (ordinary(), scoped(2, root()), None),
            (ordinary(), scoped(3, root()), Some(Obstacle::Scope(3))),
        ] {
            assert_eq!(obstacle(&facts, &own), expected, "{facts:?} {own:?}");
            if let Some(obstacle) = expected {
                let error = obstacle.error(500);
                assert!(error.hint().is_some() && error.sentence().contains("process 500"));
            }
        }
    }

    #[test]
    fn this_process_and_its_parent_are_known() {
        let own = Own::look();
        let me = Facts::of(rustix::process::getpid());
        assert_eq!(obstacle(&me, &own), Some(Obstacle::Itself));
        assert_eq!((me.users, me.ended), ([own.user; 4], false));
        assert_eq!((me.same_namespaces, me.same_root), (Some(true), Some(true)));
        let parent = Facts::of(rustix::process::getppid().unwrap());
        assert_eq!(obstacle(&parent, &own), Some(Obstacle::Ancestor));
        let none = Facts::of(Pid::from_raw(i32::MAX).unwrap());
        assert_eq!(obstacle(&none, &own), Some(Obstacle::Ended));
    }
}
