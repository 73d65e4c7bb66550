//! The names of descriptors.

use crate::dialect::Quoting;
use crate::text::Text;
use crate::value::{Value, annotation};
use jailkeeper_model::JailPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What strace's `-y` says of a descriptor.
pub(super) fn annotated(value: Value<'_>) -> Option<&[u8]> {
    match value {
        Value::Number(_, named) => named,
        Value::Word(word) => annotation(word.strip_prefix(b"AT_FDCWD")?),
        _ => None,
    }
}

/// Makes a path of the name of a descriptor, unless it is that of a pipe, socket or the like.
pub(super) fn name_of_descriptor(name: &[u8]) -> Option<JailPath> {
    let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
    if name.starts_with(b"/memfd:") {
        return None;
    }
    let text = Text::new(name, Quoting::C, false);
    let bytes = text.bytes();
    JailPath::new(Path::new(OsStr::from_bytes(&bytes))).ok()
}
