//! Paths as events write them.

use base64::{Engine, prelude::BASE64_STANDARD};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Holds the bytes of a path that is not UTF-8; written as base64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawBytes(Vec<u8>);

impl RawBytes {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for RawBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for RawBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for RawBytes {
    fn schema_name() -> Cow<'static, str> {
        "RawBytes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}

/// Splits a path into the two fields that events write: its text, and its bytes if they are not
/// UTF-8.
///
/// ```
/// # use jailkeeper_model::WirePath;
/// # use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
/// assert_eq!(WirePath::new("/tmp/x").bytes, None);
/// let odd = WirePath::new(OsStr::from_bytes(b"/tmp/\xff"));
/// assert_eq!(odd.text, "/tmp/\u{fffd}");
/// assert_eq!(odd.as_bytes(), b"/tmp/\xff");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WirePath {
    /// The path, with replacement characters for what is not UTF-8.
    pub text: String,
    /// The path's bytes, if they are not UTF-8.
    pub bytes: Option<RawBytes>,
}

impl WirePath {
    /// Splits a path.
    #[must_use]
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        Self::from_bytes(path.as_ref().as_bytes())
    }

    /// Splits a path that is given as bytes.
    #[must_use]
    pub fn from_bytes(path: &[u8]) -> Self {
        match str::from_utf8(path) {
            Ok(text) => Self { text: text.to_owned(), bytes: None },
            Err(_) => Self {
                text: String::from_utf8_lossy(path).into_owned(),
                bytes: Some(RawBytes(path.to_owned())),
            },
        }
    }

    /// Returns the path's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref().map_or(self.text.as_bytes(), RawBytes::as_bytes)
    }
}

/// Writes arguments as text, with replacement characters for what is not UTF-8.
pub(super) fn words<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Vec<String> {
    arguments.into_iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect()
}
