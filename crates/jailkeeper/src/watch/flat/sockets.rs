//! Sockets, where no view keeps the host's helpers away.
//!
//! The race: the address of `connect` is in memory, and before ABI 9 Landlock governs no connection
//! to a unix socket by its path. So no such call is resumed: the supervisor connects the caller's
//! own socket, to what it holds by a descriptor. Abstract names can be resumed no better, because
//! the memory may name a path by then; they are refused.
//!
//! A datagram names its receiver each time, even on a socket that is connected, so no unix socket
//! for datagrams comes to be. What stands in for an internet socket for datagrams is one for
//! sequenced packets: on it the kernel ignores names.

use super::super::socket::{self, Address};
use super::super::walk::End;
use super::behalf::{held, own_name};
use super::{Answer, Watch};
use crate::walls::filter::SocketCall;
use crate::ward::Attempt;
use jailkeeper_model::{Access, JailPath, Mode, Verdict};
use jailkeeper_sys::seccomp;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};

const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const SOCKET_TYPE: u32 = 0xF;
const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
const RAW: u32 = 3;
const SEQUENCED: u32 = 5;
const NONBLOCK: u32 = 0o4000;
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// How many connections to busy servers are waited for.
const CONNECTIONS_AT_MOST: usize = 64;

impl Watch<'_> {
    pub(super) fn socket(&self, kind: &SocketCall) -> Answer {
        match kind {
            SocketCall::Create => return self.create(),
            SocketCall::Pair => return self.pair(),
            _ => {}
        }
        let addresses = socket::addresses(self.caller, kind, &self.parked);
        for address in &addresses {
            if let Some(answer) = self.address(kind, address) {
                return answer;
            }
        }
        match kind {
            // To connect to nothing is to do nothing, or to be disconnected.
            SocketCall::Connect => Answer::Refuse(Errno::INVAL),
            // A name is made where Landlock lets sockets be made. What is sent goes where the
            // socket is connected to: on those that there are, names are ignored.
            _ => Answer::Resume,
        }
    }

    fn create(&self) -> Answer {
        let kind = self.int(1) & SOCKET_TYPE;
        match (self.int(0), kind) {
            (AF_UNIX, DATAGRAM) => Answer::Refuse(Errno::PROTONOSUPPORT),
            // Both are in registers.
            (AF_UNIX, _) => Answer::Resume,
            // Raw sockets need a capability that no jail has.
            (AF_INET | AF_INET6, RAW) => Answer::Refuse(Errno::PERM),
            (AF_INET | AF_INET6, STREAM | DATAGRAM) => self.stand_in(kind),
            (AF_INET | AF_INET6, _) => Answer::Refuse(Errno::PROTONOSUPPORT),
            _ => Answer::Refuse(Errno::AFNOSUPPORT),
        }
    }

    fn stand_in(&self, kind: u32) -> Answer {
        let mut flags = SocketFlags::CLOEXEC;
        if self.int(1) & NONBLOCK != 0 {
            flags |= SocketFlags::NONBLOCK;
        }
        let kind = if kind == DATAGRAM { SocketType::SEQPACKET } else { SocketType::STREAM };
        match rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None) {
            Ok(fd) => Answer::Descriptor { fd, close_on_exec: self.int(1) & CLOSE_ON_EXEC != 0 },
            Err(errno) => Answer::Refuse(errno),
        }
    }

    fn pair(&self) -> Answer {
        match (self.int(0), self.int(1) & SOCKET_TYPE) {
            (AF_UNIX, STREAM | SEQUENCED) => Answer::Resume,
            (AF_UNIX, _) => Answer::Refuse(Errno::PROTONOSUPPORT),
            _ => Answer::Refuse(Errno::AFNOSUPPORT),
        }
    }

    /// Judges one address; `None` lets the call go on.
    fn address(&self, kind: &SocketCall, address: &Address) -> Option<Answer> {
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
            syscall: self.call.name().to_owned(),
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
                Some(match self.ward.judge(self.caller, &attempt(access, None)) {
                    Verdict::Refuse(_) => Answer::Refuse(Errno::ADDRNOTAVAIL),
                    _ => Answer::Refuse(Errno::ACCESS),
                })
            }
            Address::Hidden => Some(self.refuse_hidden()),
            // Abstract names: binding is scoped by Landlock, or kept to oneself.
            Address::Other if matches!(kind, SocketCall::Connect) => {
                Some(Answer::Refuse(Errno::PERM))
            }
            Address::Other => None,
            Address::Path(text) => {
                let Some(start) = self.caller.start(text, None) else {
                    return Some(self.refuse_this());
                };
                let walk = self.ward.walk(self.caller, &start, text, !binds);
                if let End::Nowhere(errno) = walk.end {
                    return Some(Answer::Refuse(errno));
                }
                let access = if binds {
                    Access::bind_path(walk.path.clone())
                } else {
                    Access::connect_path(walk.path.clone(), walk.presence)
                };
                let file = JailPath::resolve(&start, text).ok();
                let refused = self.refused(&attempt(access, file));
                match kind {
                    _ if refused.is_some() => refused,
                    SocketCall::Bind => self.bind(&walk.path),
                    SocketCall::Connect => Some(self.connect(&walk.path)),
                    _ => None,
                }
            }
        }
    }

    /// A name that Landlock lets be made goes on; another one is not made.
    fn bind(&self, path: &JailPath) -> Option<Answer> {
        let plan = &self.ward.plan;
        let granted = path.parent().is_some_and(|parent| {
            plan.native.grants(&plan.trees, &parent, jailkeeper_model::Right::Write)
        });
        (!granted).then_some(Answer::Refuse(Errno::ACCESS))
    }

    /// Connects the caller's socket to one that was judged.
    fn connect(&self, path: &JailPath) -> Answer {
        match self.start_connecting(path) {
            Ok(()) => Answer::Later,
            Err(errno) => Answer::Refuse(errno),
        }
    }

    /// Begins to connect. A server that accepts nobody must not stop the watch, so a thread does
    /// it and answers.
    fn start_connecting(&self, path: &JailPath) -> Result<(), Errno> {
        let number = self.int(0).cast_signed();
        let target = held(path, OFlags::empty())?;
        let name = own_name(&target)?;
        if name.as_path() != path.as_path() {
            return Err(Errno::ACCESS);
        }
        let socket = self.duplicate(number).ok_or(Errno::ACCESS)?;
        let link = format!("/proc/self/fd/{}", target.as_raw_fd());
        let address = SocketAddrUnix::new(link)?;
        if rustix::net::sockopt::socket_domain(&socket)? != AddressFamily::UNIX {
            return Err(Errno::INVAL);
        }
        let listener = std::sync::Arc::clone(self.listener);
        let (id, place) = (self.id, Place::take().ok_or(Errno::AGAIN)?);
        let connecting = move || {
            let _ = match rustix::net::connect(&socket, &address) {
                Ok(()) => seccomp::answer(&listener, id, 0),
                Err(errno) => seccomp::refuse(&listener, id, errno.raw_os_error()),
            };
            drop((target, place));
        };
        let thread = std::thread::Builder::new().name("jail connection".into());
        let started = thread.stack_size(64 * 1024).spawn(connecting);
        started.map(drop).map_err(|_| Errno::AGAIN)
    }
}

/// One of the connections that may be waited for at a time.
struct Place;

static PLACES: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn take() -> Option<Self> {
        let before = PLACES.fetch_add(1, Ordering::AcqRel);
        let place = Self;
        (before < CONNECTIONS_AT_MOST).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        PLACES.fetch_sub(1, Ordering::AcqRel);
    }
}
