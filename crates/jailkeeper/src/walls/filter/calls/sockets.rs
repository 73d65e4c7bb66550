//! Sockets: the way to helper daemons and to the net.
//!
//! Data on a connected socket runs natively. What names a peer goes to the listener: neither the
//! view nor Landlock (before ABI 9) governs the connection to a unix socket by its path.

use super::super::treatment::{
    ArgumentRule, Call, Case, Condition::Equals, EAFNOSUPPORT, Outcome, SocketCall, Treatment,
    allow,
};
use syscalls::x86_64::Sysno;

const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

const NO_SUCH_FAMILY: Outcome = Outcome::Refuse { errno: EAFNOSUPPORT };

/// The families a socket may have.
///
/// Unix sockets can only reach what `connect` and its kin allow. For an internet socket the
/// listener may hand over a stand-in. All others (netlink, packet, vsock, kernel crypto) are the
/// kernel's least tested corners, and programs know kernels without them: the resolver goes on
/// without netlink.
pub(crate) static DOMAIN: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[
        Case { when: Equals(AF_UNIX), outcome: Outcome::Allow },
        Case { when: Equals(AF_INET), outcome: Outcome::Notify },
        Case { when: Equals(AF_INET6), outcome: Outcome::Notify },
    ],
    otherwise: NO_SUCH_FAMILY,
};

/// Pairs are connected to each other alone; only unix sockets and TIPC have them.
const PAIR: ArgumentRule = ArgumentRule {
    argument: 0,
    cases: &[Case { when: Equals(AF_UNIX), outcome: Outcome::Allow }],
    otherwise: NO_SUCH_FAMILY,
};

const fn socket(number: Sysno, call: SocketCall) -> Call {
    Call::new(number, Treatment::Socket(call))
}

pub(super) static CALLS: &[Call] = &[
    socket(Sysno::socket, SocketCall::Create),
    Call::new(Sysno::socketpair, Treatment::Arguments(PAIR)),
    socket(Sysno::connect, SocketCall::Connect),
    socket(Sysno::bind, SocketCall::Bind),
    // Can name a peer of its own. The first has the address in a register, so that plain send
    // runs; the others have it in memory.
    socket(Sysno::sendto, SocketCall::SendTo),
    socket(Sysno::sendmsg, SocketCall::SendMessage),
    socket(Sysno::sendmmsg, SocketCall::SendMessages),
    // Act on a socket that is there.
    allow(Sysno::listen),
    allow(Sysno::accept),
    allow(Sysno::accept4),
    allow(Sysno::recvfrom),
    allow(Sysno::recvmsg),
    allow(Sysno::recvmmsg),
    allow(Sysno::shutdown),
    allow(Sysno::getsockname),
    allow(Sysno::getpeername),
    allow(Sysno::setsockopt),
    allow(Sysno::getsockopt),
];
