//! Addresses that a jail names, and the stand-in for sockets that it does not get.

use super::caller::{Caller, ParkedCall};
use crate::walls::filter::SocketCall;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Largest address that is looked at: `struct sockaddr_un` has 110 bytes.
const ADDRESS_MAX: u64 = 128;
/// How many messages a `sendmmsg` call sends at most: the kernel's own limit.
const MESSAGES_MAX: u64 = 1024;
/// Size of `struct mmsghdr`.
const MESSAGE_SIZE: u64 = 64;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// An address in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// An internet address with its port.
    Network(String),
    /// A unix socket with a name in the file system.
    Path(PathBuf),
    /// The caller's memory may not be read.
    Hidden,
    /// No address, an abstract one, or one that the kernel refuses by itself.
    Other,
}

/// Makes what a caller gets that asks for an INET socket: a unix socket of the same type. Every
/// use of an internet address on it fails in the kernel, whatever the caller's memory says then.
pub(super) fn stand_in(wanted: u64) -> Result<OwnedFd, Errno> {
    const TYPE: u64 = 0xf;
    const NONBLOCK: u64 = 0o4000;
    let kind = match wanted & TYPE {
        1 => SocketType::STREAM,
        2 => SocketType::DGRAM,
        // Raw sockets need a capability that no jail has.
        3 => return Err(Errno::PERM),
        _ => return Err(Errno::PROTONOSUPPORT),
    };
    let mut flags = SocketFlags::CLOEXEC;
    if wanted & NONBLOCK != 0 {
        flags |= SocketFlags::NONBLOCK;
    }
    rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)
}

/// Reads the addresses that a parked call names.
pub(super) fn addresses(caller: Caller, kind: &SocketCall, parked: &ParkedCall) -> Vec<Address> {
    let [_, second, third, _, fifth, sixth] = parked.arguments;
    match kind {
        SocketCall::Create | SocketCall::Pair => Vec::new(),
        SocketCall::Connect | SocketCall::Bind => vec![address(caller, second, third)],
        SocketCall::SendTo => vec![address(caller, fifth, sixth)],
        SocketCall::SendMessage => vec![message(caller, second)],
        SocketCall::SendMessages => (0..third.min(MESSAGES_MAX))
            .map(|index| message(caller, second.wrapping_add(index * MESSAGE_SIZE)))
            .collect(),
    }
}

/// The address in a `struct msghdr`.
fn message(caller: Caller, at: u64) -> Address {
    let bytes = match caller.bytes(at, 16) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&error),
    };
    let word = |at: usize| {
        bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
    };
    address(caller, word(0), word(8) & u64::from(u32::MAX))
}

fn address(caller: Caller, at: u64, length: u64) -> Address {
    let Ok(length) = usize::try_from(length.min(ADDRESS_MAX)) else { return Address::Other };
    if at == 0 {
        return Address::Other;
    }
    caller.bytes(at, length).map_or_else(|error| unreadable(&error), |bytes| parse(&bytes))
}

/// What is not mapped the kernel refuses by itself; what the caller hides is not let pass.
fn unreadable(error: &std::io::Error) -> Address {
    let hidden = error.raw_os_error() == Some(Errno::PERM.raw_os_error());
    if hidden { Address::Hidden } else { Address::Other }
}

fn parse(bytes: &[u8]) -> Address {
    let half = |at: usize, big: bool| {
        let pair: Option<[u8; 2]> = bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok());
        pair.map_or(0, if big { u16::from_be_bytes } else { u16::from_ne_bytes })
    };
    match half(0, false) {
        AF_INET => {
            let octets: [u8; 4] =
                bytes.get(4..8).and_then(|octets| octets.try_into().ok()).unwrap_or_default();
            let address = SocketAddrV4::new(Ipv4Addr::from(octets), half(2, true));
            Address::Network(address.to_string())
        }
        AF_INET6 => {
            let octets: [u8; 16] =
                bytes.get(8..24).and_then(|octets| octets.try_into().ok()).unwrap_or_default();
            let address = SocketAddrV6::new(Ipv6Addr::from(octets), half(2, true), 0, 0);
            Address::Network(address.to_string())
        }
        AF_UNIX => {
            let name = bytes.get(2..).unwrap_or_default();
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            match name.get(..end) {
                None | Some([]) => Address::Other,
                Some(name) => Address::Path(PathBuf::from(OsStr::from_bytes(name))),
            }
        }
        _ => Address::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_named_as_people_write_them() {
        let four = [2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parse(&four), Address::Network("127.0.0.1:8080".into()));
        let mut six = vec![10, 0, 0, 53, 0, 0, 0, 0];
        six.extend([0; 15]);
        six.push(1);
        assert_eq!(parse(&six), Address::Network("[::1]:53".into()));
        assert_eq!(parse(b"\x01\0/run/x\0rest"), Address::Path("/run/x".into()));
        assert_eq!(parse(b"\x01\0\0abstract"), Address::Other);
        assert_eq!(parse(&[2]), Address::Other);
        assert_eq!(parse(&[]), Address::Other);
    }

    #[test]
    fn a_stand_in_cannot_connect_to_an_internet_address() {
        let socket = stand_in(1).unwrap();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
        assert_eq!(rustix::net::connect(&socket, &address).unwrap_err(), Errno::INVAL);
        let datagrams = stand_in(2).unwrap();
        let flags = rustix::net::SendFlags::empty();
        assert!(rustix::net::sendto(&datagrams, b"x", flags, &address).is_err());
        assert_eq!(stand_in(3).unwrap_err(), Errno::PERM);
    }
}
