//! Lines of every dialect.

mod dtruss;
mod freebsd;
mod outcome;
mod plausible;
mod prefix;
mod strace;
mod sysv;

use crate::dialect::Dialect;
use crate::record::{Record, What};
use std::collections::HashMap;

pub(crate) use dtruss::path as macos_path;

/// How many calls that have begun and not ended are remembered.
const PENDING_AT_MOST: usize = 4096;
/// How much of a call that has begun is remembered, in bytes.
const PENDING_BYTES_AT_MOST: usize = 64 * 1024;

/// Understands lines, one after the other.
///
/// It remembers the calls that have begun and not ended, so that both parts become one.
#[derive(Debug)]
pub struct Parser {
    dialect: Dialect,
    /// What was written of calls that have begun, by process.
    pending: HashMap<Option<u32>, Vec<u8>>,
    /// A line that a message of strace's broke in two.
    broken: Vec<u8>,
    /// Where two parts are put together.
    whole: Vec<u8>,
}

impl Parser {
    /// Makes a parser that has seen nothing.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, pending: HashMap::new(), broken: Vec::new(), whole: Vec::new() }
    }

    /// Returns the dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Understands a line, without its end.
    pub fn line<'a>(&'a mut self, line: &'a [u8]) -> Record<'a> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.dialect {
            Dialect::Strace => self.strace(line),
            Dialect::IllumosTruss | Dialect::SolarisTruss => sysv::line(line, self.dialect),
            Dialect::FreeBsdTruss => freebsd::line(line),
            Dialect::Dtruss => dtruss::line(line),
        }
    }

    /// Remembers the beginning of a call.
    fn remember(&mut self, pid: Option<u32>, text: &[u8]) {
        if self.pending.len() >= PENDING_AT_MOST && !self.pending.contains_key(&pid) {
            return;
        }
        let kept = text.get(..PENDING_BYTES_AT_MOST).unwrap_or(text);
        let slot = self.pending.entry(pid).or_default();
        slot.clear();
        slot.extend_from_slice(kept);
    }
}

/// A line of nothing.
const fn noise(pid: Option<u32>) -> Record<'static> {
    Record { pid, time: None, what: What::Noise }
}

/// Cuts the name of a call off a line; what follows it begins with the parenthesis.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length =
        text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let (name, rest) = text.split_at(length);
    let arguments = rest.strip_prefix(b"(")?;
    (!name.is_empty()).then_some((name, arguments))
}
