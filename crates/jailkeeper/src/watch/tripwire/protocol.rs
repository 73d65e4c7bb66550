//! The FUSE protocol, as far as a root that only leads elsewhere needs it.
//!
//! Requests come from the kernel, so they are well formed; names in them come from the jail.
//! Everything is read with bounds all the same: what cannot be understood is `None`.
//!
//! # References
//!
//! * `include/uapi/linux/fuse.h`, protocol 7.45

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Size of a request's header.
const HEADER: usize = 40;
/// Room for a request: a header, two names of a rename, or the text of a link. Larger ones, such
/// as setting a large attribute, are refused by the kernel.
pub(super) const REQUEST_MAX: usize = 16 * 1024;
/// How much one write could carry, if anything could be written here.
const WRITE_MAX: u32 = 4096;
/// Seconds after which the kernel asks again: never.
const FOREVER: u64 = 1 << 40;

/// A request's header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) unique: u64,
    pub(super) node: u64,
    /// The thread that asks, as the supervisor's pid namespace knows it.
    pub(super) thread: u32,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Request<'a> {
    Init {
        minor: u32,
        readahead: u32,
        flags: u32,
    },
    /// Nothing is to be answered.
    Forget,
    Lookup(&'a OsStr),
    GetAttributes,
    StatExtended,
    ReadLink,
    OpenDirectory,
    ReadDirectory {
        offset: u64,
        size: usize,
        plus: bool,
    },
    StatFileSystem,
    /// Closing and flushing: always fine.
    Release,
    Access,
    ReadXattr,
    Open {
        flags: u32,
    },
    Read {
        offset: u64,
        size: usize,
    },
    /// Changes a node: mode, owner, times, size, attributes.
    Change {
        operation: &'static str,
    },
    /// Makes, removes or renames a name.
    Name {
        operation: &'static str,
        name: &'a OsStr,
    },
    Destroy,
    /// An operation that a directory on the way has no use for.
    Other,
}

/// Takes a request apart.
pub(super) fn parse(bytes: &[u8]) -> Option<(Header, Request<'_>)> {
    let header =
        Header { unique: u64_at(bytes, 8)?, node: u64_at(bytes, 16)?, thread: u32_at(bytes, 32)? };
    let body = bytes.get(HEADER..)?;
    let named = |operation, skip: usize| {
        Some(Request::Name { operation, name: c_string(body.get(skip..)?) })
    };
    let request = match u32_at(bytes, 4)? {
        1 => Request::Lookup(c_string(body)),
        2 | 36 | 42 => Request::Forget,
        3 => Request::GetAttributes,
        4 => Request::Change { operation: "setattr" },
        5 => Request::ReadLink,
        6 => named("symlink", 0)?,
        8 => named("mknod", 16)?,
        9 => named("mkdir", 8)?,
        10 => named("unlink", 0)?,
        11 => named("rmdir", 0)?,
        12 => named("rename", 8)?,
        13 => named("link", 8)?,
        14 => Request::Open { flags: u32_at(body, 0)? },
        15 => Request::Read {
            offset: u64_at(body, 8)?,
            size: usize::try_from(u32_at(body, 16)?).ok()?,
        },
        17 => Request::StatFileSystem,
        18 | 25 | 29 => Request::Release,
        21 => Request::Change { operation: "setxattr" },
        22 | 23 => Request::ReadXattr,
        24 => Request::Change { operation: "removexattr" },
        26 => Request::Init {
            minor: u32_at(body, 4)?,
            readahead: u32_at(body, 8)?,
            flags: u32_at(body, 12)?,
        },
        27 => Request::OpenDirectory,
        28 | 44 => Request::ReadDirectory {
            offset: u64_at(body, 8)?,
            size: usize::try_from(u32_at(body, 16)?).ok()?,
            plus: u32_at(bytes, 4)? == 44,
        },
        34 => Request::Access,
        35 => named("create", 16)?,
        38 => Request::Destroy,
        45 => named("rename", 16)?,
        // O_TMPFILE: the kernel sends a name that is empty.
        51 => Request::Name { operation: "tmpfile", name: OsStr::new("") },
        52 => Request::StatExtended,
        _ => Request::Other,
    };
    Some((header, request))
}

/// What a node looks like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    pub(super) node: u64,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) owner: (u32, u32),
    /// Seconds since 1970.
    pub(super) modified: u64,
}

/// The kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    Link,
    File,
    /// What is mounted over a denied directory or file: it can be seen, and nothing else.
    Closed {
        directory: bool,
    },
}

impl Kind {
    fn mode(self) -> u32 {
        match self {
            Self::Directory => 0o040_555,
            Self::Link => 0o120_777,
            Self::File => 0o100_444,
            Self::Closed { directory: true } => 0o040_000,
            Self::Closed { directory: false } => 0o100_000,
        }
    }

    fn entry_type(self) -> u32 {
        match self {
            Self::Directory | Self::Closed { directory: true } => 4,
            Self::Link => 10,
            Self::File | Self::Closed { directory: false } => 8,
        }
    }

    fn links(self) -> u32 {
        if self.entry_type() == 4 { 2 } else { 1 }
    }
}

/// Builds the body of an answer.
#[derive(Debug, Default)]
pub(super) struct Body(Vec<u8>);

impl Body {
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// The answer to reading a link.
    pub(super) fn text(text: &OsStr) -> Self {
        Self(text.as_bytes().to_vec())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    fn zeroes(&mut self, count: usize) -> &mut Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    /// `struct fuse_attr`
    fn attributes(&mut self, attributes: &Attributes) {
        let Attributes { node, kind, size, owner, modified } = *attributes;
        self.u64(node).u64(size).u64(size.div_ceil(512));
        self.u64(modified).u64(modified).u64(modified).zeroes(12);
        self.u32(kind.mode()).u32(kind.links()).u32(owner.0).u32(owner.1);
        self.u32(0).u32(4096).u32(0);
    }

    /// `struct fuse_entry_out`
    fn entry_fields(&mut self, attributes: &Attributes, forever: bool) {
        let valid = if forever { FOREVER } else { 0 };
        self.u64(attributes.node).u64(1).u64(valid).u64(valid).u32(0).u32(0);
        self.attributes(attributes);
    }

    /// The answer to a look-up that finds something.
    pub(super) fn entry(attributes: &Attributes, forever: bool) -> Self {
        let mut body = Self::default();
        body.entry_fields(attributes, forever);
        body
    }

    /// The answer to a look-up that finds nothing, which the kernel remembers for ever.
    pub(super) fn absent_forever() -> Self {
        let mut body = Self::default();
        body.u64(0).u64(0).u64(FOREVER).u64(0).u32(0).u32(0).zeroes(88);
        body
    }

    pub(super) fn get_attributes(attributes: &Attributes, forever: bool) -> Self {
        let mut body = Self::default();
        body.u64(if forever { FOREVER } else { 0 }).u32(0).u32(0);
        body.attributes(attributes);
        body
    }

    /// `struct fuse_statx_out`
    pub(super) fn stat_extended(attributes: &Attributes, forever: bool) -> Self {
        const BASIC_STATS: u32 = 0x7ff;
        let Attributes { node, kind, size, owner, .. } = *attributes;
        let mut body = Self::default();
        body.u64(if forever { FOREVER } else { 0 }).u32(0).u32(0).u64(0).u64(0);
        body.u32(BASIC_STATS).u32(4096).u64(0).u32(kind.links()).u32(owner.0).u32(owner.1);
        body.u16(u16::try_from(kind.mode()).unwrap_or(0)).u16(0);
        body.u64(node).u64(size).u64(size.div_ceil(512)).u64(0);
        body.zeroes(4 * 16 + 16 + 14 * 8);
        body
    }

    /// The answer to opening a file that never changes.
    pub(super) fn opened_file() -> Self {
        const KEEP_CACHE: u32 = 1 << 1;
        let mut body = Self::default();
        body.u64(0).u32(KEEP_CACHE).u32(0);
        body
    }

    /// The answer to reading a part of a file.
    pub(super) fn data(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn file_system() -> Self {
        let mut body = Self::default();
        body.zeroes(40).u32(4096).u32(255).u32(4096).zeroes(4 + 24);
        body
    }

    /// `struct fuse_init_out`
    pub(super) fn init(minor: u32, readahead: u32, offered: u32) -> Self {
        const ATOMIC_O_TRUNC: u32 = 1 << 3;
        const DO_READDIRPLUS: u32 = 1 << 13;
        const NO_OPEN_SUPPORT: u32 = 1 << 17;
        const PARALLEL_DIROPS: u32 = 1 << 18;
        const CACHE_SYMLINKS: u32 = 1 << 23;
        const NO_OPENDIR_SUPPORT: u32 = 1 << 24;
        let wanted = ATOMIC_O_TRUNC
            | DO_READDIRPLUS
            | NO_OPEN_SUPPORT
            | PARALLEL_DIROPS
            | CACHE_SYMLINKS
            | NO_OPENDIR_SUPPORT;
        let mut body = Self::default();
        body.u32(7).u32(minor.min(38)).u32(readahead).u32(offered & wanted);
        body.u16(16).u16(12).u32(WRITE_MAX).u32(1).u16(0).u16(0).u32(0).zeroes(28);
        body
    }

    /// Adds an entry to a listing, unless it would grow beyond `size`. Tells whether it fit.
    pub(super) fn listed(
        &mut self,
        size: usize,
        offset: u64,
        name: &OsStr,
        attributes: &Attributes,
        plus: bool,
    ) -> bool {
        let name = name.as_bytes();
        let extra = if plus { 128 } else { 0 };
        let length = extra + (24 + name.len()).next_multiple_of(8);
        if self.0.len() + length > size {
            return false;
        }
        let end = self.0.len() + length;
        if plus {
            // "." and ".." must not be instantiated; a node id of 0 says so.
            if name == b"." || name == b".." {
                self.zeroes(128);
            } else {
                self.entry_fields(attributes, true);
            }
        }
        self.u64(attributes.node).u64(offset);
        self.u32(u32::try_from(name.len()).unwrap_or(0)).u32(attributes.kind.entry_type());
        self.0.extend_from_slice(name);
        self.0.resize(end, 0);
        true
    }
}

/// Puts an answer together: a header, and a body unless it is an error.
pub(super) fn answer(unique: u64, result: Result<Vec<u8>, i32>) -> Vec<u8> {
    let (errno, body) = match result {
        Ok(body) => (0, body),
        Err(errno) => (errno, Vec::new()),
    };
    let length = u32::try_from(16 + body.len()).unwrap_or(16);
    let mut bytes = Vec::with_capacity(16 + body.len());
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&(-errno).to_ne_bytes());
    bytes.extend_from_slice(&unique.to_ne_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn c_string(bytes: &[u8]) -> &OsStr {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    OsStr::from_bytes(bytes.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes() -> Attributes {
        Attributes { node: 7, kind: Kind::Directory, size: 0, owner: (1, 2), modified: 0 }
    }

    #[test]
    fn bodies_have_the_sizes_of_the_kernel_header() {
        assert_eq!(Body::entry(&attributes(), true).bytes().len(), 128);
        assert_eq!(Body::absent_forever().bytes().len(), 128);
        assert_eq!(Body::get_attributes(&attributes(), true).bytes().len(), 104);
        assert_eq!(Body::stat_extended(&attributes(), true).bytes().len(), 288);
        assert_eq!(Body::opened_file().bytes().len(), 16);
        assert_eq!(Body::file_system().bytes().len(), 80);
        assert_eq!(Body::init(40, 1, 0).bytes().len(), 64);
    }

    #[test]
    fn a_listing_stops_at_its_size() {
        let mut body = Body::default();
        assert!(body.listed(64, 1, OsStr::new("usr"), &attributes(), false));
        assert!(body.listed(64, 2, OsStr::new("usr"), &attributes(), false));
        assert!(!body.listed(64, 3, OsStr::new("usr"), &attributes(), false));
        assert_eq!(body.bytes().len(), 64);
    }

    #[test]
    fn short_requests_are_no_requests() {
        for length in 0..HEADER {
            assert!(parse(&vec![0; length]).is_none());
        }
        let mut open = vec![0; HEADER];
        open[4] = 14;
        assert!(parse(&open).is_none());
    }
}
