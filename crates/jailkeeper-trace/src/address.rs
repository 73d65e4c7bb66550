//! Addresses of sockets, as tracers write them.

use crate::dialect::{Dialect, Quoting};
use crate::flags::field;
use crate::text::Text;
use crate::value::{number, quote_end, value};

/// An address in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket with a name in the file system; whether all of the name is there.
    Path(Vec<u8>, bool),
    /// An internet address with its port.
    Network(String),
}

impl Address {
    /// Finds an address in an argument. `None` if there is none, or one that leads to nobody
    /// outside, such as an abstract name or a socket of the kernel's.
    pub(crate) fn find(text: &[u8], dialect: Dialect) -> Option<Self> {
        match dialect {
            Dialect::Strace => strace(text),
            Dialect::FreeBsdTruss => freebsd(text),
            Dialect::IllumosTruss | Dialect::SolarisTruss => sysv(text),
            Dialect::Dtruss => None,
        }
    }
}

fn strace(text: &[u8]) -> Option<Address> {
    let path = [&b"sun_path="[..], b"sa_family=AF_FILE, path=", b"AF_UNIX, path="];
    for name in path {
        if let Some(at) = position(text, name) {
            let written = text.get(at + name.len()..)?;
            return quoted(written, Quoting::C);
        }
    }
    if position(text, b"AF_INET6").is_some() {
        let host = after(text, b"inet_pton(AF_INET6, ").and_then(plain)?;
        return Some(Address::Network(format!("[{host}]:{}", port(text, b"sin6_port=")?)));
    }
    if position(text, b"AF_INET").is_some() {
        let host = after(text, b"inet_addr(").and_then(plain)?;
        return Some(Address::Network(format!("{host}:{}", port(text, b"sin_port=")?)));
    }
    None
}

/// `{ AF_UNIX "/x" }`, `{ AF_INET 1.2.3.4:80 }`, `{ AF_INET6 [::1]:80 }`.
fn freebsd(text: &[u8]) -> Option<Address> {
    if let Some(written) = after(text, b"AF_UNIX ").or_else(|| after(text, b"AF_LOCAL ")) {
        return quoted(written, Quoting::Vis);
    }
    let written = after(text, b"AF_INET6 ").or_else(|| after(text, b"AF_INET "))?;
    Some(Address::Network(word(written)))
}

/// `AF_UNIX  name = /x`, `AF_INET  name = 1.2.3.4  port = 80`, in a line of their own.
fn sysv(text: &[u8]) -> Option<Address> {
    let name = after(text, b"name = ")?;
    if position(text, b"AF_UNIX").is_some() {
        return Some(Address::Path(name.trim_ascii_end().to_vec(), true));
    }
    position(text, b"AF_INET")?;
    let (host, port) = (word(name), word(after(text, b"port = ")?));
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Some(Address::Network(format!("{host}:{port}")))
}

fn quoted(written: &[u8], quoting: Quoting) -> Option<Address> {
    // An abstract name (`@"x"`) is none in the file system.
    if written.first() != Some(&b'"') {
        return None;
    }
    let end = quote_end(written, 0, quoting).unwrap_or(written.len());
    let dots = written.get(end..).unwrap_or_default().starts_with(b"..");
    let written = written.get(..end)?;
    let text: Text<'_> = value(written, quoting).text()?;
    let bytes = text.bytes().into_owned();
    // An empty name is that of an unnamed socket.
    let named = bytes.first().is_some_and(|byte| *byte != 0);
    named.then_some(Address::Path(bytes, !dots && !text.is_cut()))
}

/// The text between the quotes that begin here.
fn plain(written: &[u8]) -> Option<String> {
    let inner = written.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| *byte == b'"')?;
    Some(String::from_utf8_lossy(inner.get(..end)?).into_owned())
}

fn port(text: &[u8], name: &[u8]) -> Option<i64> {
    let written = field(text, name)?;
    number(written.strip_prefix(b"htons(").unwrap_or(written)).map(|(port, _)| port)
}

fn word(text: &[u8]) -> String {
    let end =
        text.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'}')).unwrap_or(text.len());
    String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned()
}

fn after<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    text.get(position(text, name)? + name.len()..)
}

fn position(text: &[u8], name: &[u8]) -> Option<usize> {
    text.windows(name.len()).position(|window| window == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<Address> {
        Some(Address::Path(text.as_bytes().to_vec(), true))
    }

    fn network(text: &str) -> Option<Address> {
        Some(Address::Network(text.to_owned()))
    }

    #[test]
    fn addresses_are_found_in_every_dialect() {
        use Dialect::{FreeBsdTruss, IllumosTruss, Strace};
        for (dialect, text, expected) in [
            (Strace, r#"{sa_family=AF_UNIX, sun_path="/run/a\"b"}"#, path("/run/a\"b")),
            (Strace, r#"{sa_family=AF_FILE, path="/dev/log"}"#, path("/dev/log")),
            (Strace, r#"{sa_family=AF_UNIX, sun_path=@"abs"}"#, None),
            (Strace, "{sa_family=AF_UNIX}", None),
            (Strace, "{sa_family=AF_NETLINK, nl_pid=0}", None),
            (
                Strace,
                r#"{sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}"#,
                network("127.0.0.1:9"),
            ),
            (
                Strace,
                r#"{sa_family=AF_INET6, sin6_port=htons(9), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}"#,
                network("[::1]:9"),
            ),
            (FreeBsdTruss, r#"{ AF_UNIX "/var/run/logpriv" }"#, path("/var/run/logpriv")),
            (FreeBsdTruss, "{ AF_INET 127.0.0.1:53 }", network("127.0.0.1:53")),
            (FreeBsdTruss, "{ AF_INET6 [::1]:53 }", network("[::1]:53")),
            (IllumosTruss, "AF_UNIX  name = /var/run/x", path("/var/run/x")),
            (IllumosTruss, "AF_INET  name = 10.0.0.1  port = 80", network("10.0.0.1:80")),
            (IllumosTruss, "AF_INET6  name = ::1  port = 80", network("[::1]:80")),
        ] {
            assert_eq!(Address::find(text.as_bytes(), dialect), expected, "{dialect}: {text}");
        }
    }
}
