//! Whether a line can be what it looks like, where names are written with their quotes in them.
//!
//! A program may call a file `in", O_RDONLY) = 3`, and the line of opening it then looks like
//! another call. Every such name leaves a quote too many behind, or a text where this call has
//! none. So a line is taken for what it looks like only if each of its texts stands where the call
//! has one and there is no other quote; a name with a quote in it is never trusted.

use crate::dialect::Quoting;
use crate::record::Call;
use crate::value::Value;
use crate::vocabulary::State;

/// So many texts no call has: one of them stands where there is none.
const STRAY: usize = 1 << 20;

/// Tells whether the arguments can be those of the call.
pub(super) fn is_plausible(call: &Call<'_>, quoting: Quoting) -> bool {
    let entry = call.entry;
    if entry.paths.is_empty() {
        return true;
    }
    // No call does anything with an empty path, but for one with a descriptor on FreeBSD.
    let is_empty = |index| {
        let text = call.arguments.get(index).text();
        text.is_some_and(|text| text.bytes().is_empty() && !text.is_cut())
    };
    let has_empty = entry
        .paths
        .iter()
        .any(|path| is_empty(path.path) && (quoting == Quoting::Raw || path.directory.is_none()));
    if has_empty {
        return false;
    }
    let texts: usize = (0..8)
        .filter(|index| matches!(call.arguments.get(*index), Value::Text(_)))
        .map(|index| {
            let is_path = entry.paths.iter().any(|path| path.path == index);
            if is_path || is_answer(entry.name, index) { 1 } else { STRAY }
        })
        .sum();
    // The lists of an execve have texts of their own.
    if entry.state == State::Executes && quoting == Quoting::Vis {
        return texts == 1 && call.arguments.get(3) == Value::Missing;
    }
    quotes(call.arguments.raw, quoting) == texts * 2
}

/// Tells whether an argument is text without being a path that is used: an answer, or the target of
/// a link.
fn is_answer(name: &str, index: u8) -> bool {
    match name {
        "symlink" | "symlinkat" => index == 0,
        "readlink" | "resolvepath" | "getxattr" | "setxattr" | "removexattr" | "attropen" => {
            index == 1
        }
        "readlinkat" | "__realpathat" => index == 2,
        _ => name.starts_with("extattr_") && index == 2,
    }
}

/// Counts the quotes that are not a part of an escape.
fn quotes(text: &[u8], quoting: Quoting) -> usize {
    let mut count = 0;
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'"' {
            count += 1;
        } else if *byte == b'\\' && quoting == Quoting::Vis {
            let length = crate::value::escape_length(after);
            rest = after.get(length..).unwrap_or_default();
        }
    }
    count
}
