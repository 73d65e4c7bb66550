//! Reaching out through sockets.

use crate::call::{Words, address, call, keep};
use std::net::SocketAddr;

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    let stream = libc::SOCK_STREAM;
    let datagram = libc::SOCK_DGRAM;
    Some(match name {
        // ADDRESS is a path, @NAME for an abstract one, or IP:PORT
        "connect" => with(words.word(), stream, |socket, bytes, length| {
            call!(SYS_connect, socket, bytes, length)
        }),
        "bind" => with(words.word(), stream, |socket, bytes, length| {
            call!(SYS_bind, socket, bytes, length)
        }),
        "connect-datagram" => with(words.word(), datagram, |socket, bytes, length| {
            call!(SYS_connect, socket, bytes, length)
        }),
        "bind-datagram" => with(words.word(), datagram, |socket, bytes, length| {
            call!(SYS_bind, socket, bytes, length)
        }),
        "sendto" => with(words.word(), datagram, |socket, bytes, length| {
            call!(SYS_sendto, socket, c"x", 1, 0, bytes, length)
        }),
        "sendmsg" => with(words.word(), datagram, |socket, bytes, length| {
            let (message, _data) = message(bytes, length);
            call!(SYS_sendmsg, socket, &message[..], 0)
        }),
        "sendmmsg" => with(words.word(), datagram, |socket, bytes, length| {
            let (mut message, _data) = message(bytes, length);
            message.extend([0; 8]);
            call!(SYS_sendmmsg, socket, &mut message[..], 1, 0)
        }),
        // socket FAMILY TYPE
        "socket" => call!(SYS_socket, words.number(), words.number(), 0),
        // listen ADDRESS MILLISECONDS: for others to connect to
        "listen" => {
            let listening = with(words.word(), stream, |socket, bytes, length| {
                let bound = call!(SYS_bind, socket, bytes, length);
                if bound < 0 { bound } else { keep("listener", call!(SYS_listen, socket, 8)) }
            });
            std::thread::sleep(std::time::Duration::from_millis(words.number().unsigned_abs()));
            listening
        }
        // loopback-up: a new network namespace has its loopback down
        "loopback-up" => loopback_up(),
        _ => return None,
    })
}

/// Makes a socket for an address and uses it.
fn with(text: &str, kind: i32, use_it: impl Fn(i64, &[u8], i64) -> i64) -> i64 {
    let (family, bytes) = bytes(text);
    let socket = call!(SYS_socket, family, kind, 0);
    if socket < 0 {
        return socket;
    }
    use_it(socket, &bytes, i64::try_from(bytes.len()).unwrap_or(0))
}

/// An address as the kernel reads it.
fn bytes(text: &str) -> (i32, Vec<u8>) {
    let half = |family: i32| u16::try_from(family).unwrap_or(0).to_ne_bytes().to_vec();
    if let Ok(address) = text.parse::<SocketAddr>() {
        let port = address.port().to_be_bytes();
        return match address {
            SocketAddr::V4(four) => {
                let mut bytes = half(libc::AF_INET);
                bytes.extend(port.into_iter().chain(four.ip().octets()).chain([0; 8]));
                (libc::AF_INET, bytes)
            }
            SocketAddr::V6(six) => {
                let mut bytes = half(libc::AF_INET6);
                bytes.extend(port.into_iter().chain([0; 4]).chain(six.ip().octets()));
                bytes.extend([0; 4]);
                (libc::AF_INET6, bytes)
            }
        };
    }
    let mut bytes = half(libc::AF_UNIX);
    match text.strip_prefix('@') {
        Some(name) => {
            bytes.push(0);
            bytes.extend(name.bytes());
        }
        None => {
            bytes.extend(text.bytes());
            bytes.push(0);
        }
    }
    (libc::AF_UNIX, bytes)
}

/// A `struct msghdr` with one byte of data for an address, and what it points to.
fn message(name: &[u8], length: i64) -> (Vec<u8>, Box<[i64; 2]>) {
    let data = Box::new([address(c"x".as_ptr()), 1]);
    let words = [address(name.as_ptr()), length, address(data.as_ptr()), 1, 0, 0, 0];
    (words.map(i64::to_ne_bytes).concat(), data)
}

fn loopback_up() -> i64 {
    const SET_FLAGS: i64 = 0x8914;
    let socket = call!(SYS_socket, libc::AF_INET, libc::SOCK_DGRAM, 0);
    // struct ifreq: a name of 16 bytes, then flags: IFF_UP | IFF_RUNNING
    let mut request = [0_u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&0x41_u16.to_ne_bytes());
    call!(SYS_ioctl, socket, SET_FLAGS, &request[..])
}
