//! Patterns over paths, and what they grant or deny.

use super::glob::{self, Glob};
use super::{OnJailbreak, Origin, Right};
use crate::path::JailPath;
use regex::bytes::{Regex, RegexBuilder};
use std::fmt::{self, Debug, Formatter};
use std::ops::Range;

/// How long a regular expression may be, in bytes.
const BYTES_AT_MOST: usize = 16 << 10;
/// How large a compiled expression may become, in bytes.
const SIZE_AT_MOST: usize = 1 << 20;

/// A glob or regular expression over absolute paths, and what it grants or denies.
///
/// Time is linear in the length of the path, whatever the pattern.
///
/// Kernel walls know only trees. What a pattern grants is opened by the supervisor and handed
/// over, and no wall is widened.
#[derive(Clone)]
pub struct Pattern {
    written: String,
    regex: Regex,
    /// The bytes with which every match begins.
    prefix: Vec<u8>,
    tree: Option<JailPath>,
    anywhere: bool,
    right: Right,
    origin: Origin,
    on_jailbreak: Option<OnJailbreak>,
}

/// Says why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    message: String,
    part: Range<usize>,
    help: Option<&'static str>,
}

impl PatternError {
    pub(super) fn new(message: impl Into<String>, part: Range<usize>) -> Self {
        Self { message: message.into(), part, help: None }
    }

    pub(super) fn with_help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    /// Returns which bytes of the text are wrong.
    #[must_use]
    pub fn part(&self) -> Range<usize> {
        self.part.clone()
    }

    /// Returns what to do.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        self.help
    }
}

impl Debug for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut pattern = f.debug_struct("Pattern");
        pattern.field("written", &self.written).field("right", &self.right);
        pattern.field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (self.regex.as_str(), self.right, &self.origin)
            == (other.regex.as_str(), other.right, &other.origin)
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Makes a pattern of a regular expression.
    ///
    /// It is searched for anywhere in the path, as written: an expression that is to match the
    /// whole path says so with `^` and `$`. Look-around and back-references do not exist.
    ///
    /// # Errors
    ///
    /// When the expression is none, has something that cannot be had, or becomes too large.
    pub fn new(expression: &str, right: Right, origin: Origin) -> Result<Self, PatternError> {
        let regex = compile(expression)?;
        let prefix = prefix(expression).to_vec();
        let written = expression.to_owned();
        let anywhere = !expression.starts_with('^');
        let tree = None;
        Ok(Self { written, regex, prefix, tree, anywhere, right, origin, on_jailbreak: None })
    }

    /// Makes a pattern of a glob.
    ///
    /// It is compared with the whole path. `*` is any part of a name and never has a slash in it,
    /// `?` one character, `[a-z]` and `[!a-z]` one character of a class, and `**` any number of
    /// whole names: `/x/**/y` matches `/x/y` too, and `/x/**` everything below `/x`, but not `/x`
    /// itself. `{a,b}` is one or the other. A backslash takes the meaning from the next character.
    /// Bytes that are not UTF-8 are matched by `*` and `**`, and by `?` and `[!a-z]` each on its
    /// own. A leading dot is nothing special.
    ///
    /// ```
    /// # use jailkeeper_model::{JailPath, Origin, Pattern, Right};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pattern = Pattern::glob("/srv/**/*.{csv,tsv}", Right::Read, Origin::Api)?;
    /// assert!(pattern.matches(&JailPath::new("/srv/2024/may/data.csv")?));
    /// assert!(!pattern.matches(&JailPath::new("/srv/data.csv/x")?));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When it begins with neither `/` nor `**/`, is no glob, or becomes too large.
    pub fn glob(glob: &str, right: Right, origin: Origin) -> Result<Self, PatternError> {
        Self::of_glob(&Glob::parse(None, glob)?, glob.to_owned(), right, origin)
    }

    /// Makes a pattern of a glob that goes on from a directory, whose name stands for itself.
    ///
    /// # Errors
    ///
    /// When the glob does not begin with `/`, is none, or becomes too large.
    pub fn glob_beneath(
        directory: &JailPath,
        glob: &str,
        right: Right,
        origin: Origin,
    ) -> Result<Self, PatternError> {
        let parsed = Glob::parse(Some(directory), glob)?;
        let written = format!("{}{glob}", directory.as_path().to_string_lossy());
        Self::of_glob(&parsed, written, right, origin)
    }

    fn of_glob(
        glob: &Glob,
        written: String,
        right: Right,
        origin: Origin,
    ) -> Result<Self, PatternError> {
        let whole = 0..written.len();
        let regex = build(&glob.regex()).map_err(|_| PatternError::new(TOO_LARGE, whole))?;
        let (prefix, tree, anywhere) = (glob.prefix(), glob.as_tree(), glob.is_anywhere());
        Ok(Self { written, regex, prefix, tree, anywhere, right, origin, on_jailbreak: None })
    }

    /// Says what follows a jailbreak that this pattern denies, if not what the policy says.
    #[must_use]
    pub fn with_on_jailbreak(self, choice: OnJailbreak) -> Self {
        Self { on_jailbreak: Some(choice), ..self }
    }

    /// Says whether it matches a path.
    #[must_use]
    pub fn matches(&self, path: &JailPath) -> bool {
        self.regex.is_match(path.as_bytes())
    }

    /// Says whether it could match a path below a directory; yes where that is not known.
    #[must_use]
    pub fn may_match_below(&self, directory: &JailPath) -> bool {
        let directory = directory.as_bytes();
        self.prefix.starts_with(directory) || directory.starts_with(&self.prefix)
    }

    /// Says whether it names no place: a glob that begins with `**`, or a regular expression that
    /// does not begin with `^`. If such a pattern denies, it denies nothing of the base.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.anywhere
    }

    /// Returns what it grants, or that it denies.
    #[must_use]
    pub fn right(&self) -> Right {
        self.right
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.written
    }

    /// Returns the directory of a glob that is nothing but `DIRECTORY/**`: it matches everything
    /// below, and not the directory itself.
    #[must_use]
    pub fn as_tree(&self) -> Option<&JailPath> {
        self.tree.as_ref()
    }

    /// Returns what follows a jailbreak that it denies; `None` for what the policy says.
    #[must_use]
    pub fn on_jailbreak(&self) -> Option<OnJailbreak> {
        self.on_jailbreak
    }

    /// Returns where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Writes text so that it stands for itself in a regular expression.
    pub(crate) fn quote(bytes: &[u8]) -> String {
        let mut quoted = String::new();
        glob::quote(&mut quoted, bytes);
        quoted
    }
}

/// Returns the text with which every match of an expression begins, as far as it can be told
/// without compiling it.
fn prefix(expression: &str) -> &[u8] {
    let Some(text) = expression.strip_prefix('^') else { return b"" };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_-".contains(byte);
    let length = text.bytes().take_while(|byte| plain(byte)).count();
    let quantified = text.as_bytes().get(length).is_some_and(|next| b"?*{".contains(next));
    let length = length.saturating_sub(usize::from(quantified));
    if text.contains('|') { b"" } else { text.as_bytes().get(..length).unwrap_or_default() }
}

const TOO_LARGE: &str = "the pattern becomes too large";

fn build(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression).size_limit(SIZE_AT_MOST).build()
}

fn compile(expression: &str) -> Result<Regex, PatternError> {
    if expression.len() > BYTES_AT_MOST {
        return Err(PatternError::new(TOO_LARGE, 0..expression.len()));
    }
    build(expression).map_err(|error| {
        let whole = 0..expression.len();
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return PatternError::new(TOO_LARGE, whole);
        }
        // The same parser says where, which the matcher's error does not.
        let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(expression);
        let (message, span) = match parsed {
            Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), *error.span()),
            Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), *error.span()),
            _ => return PatternError::new("the regular expression cannot be used", whole),
        };
        let message = message.lines().next().unwrap_or_default().to_owned();
        PatternError::new(message, span.start.offset..span.end.offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_as_written() {
        let pattern = |text| Pattern::new(text, Right::Read, Origin::Api).unwrap();
        let path = |text| JailPath::new(text).unwrap();
        assert!(pattern(r"\.txt$").matches(&path("/a/b.txt")));
        assert!(!pattern(r"\.txt$").matches(&path("/a/b.txt/c")));
        assert!(pattern("b").matches(&path("/a/b.txt")));
        assert!(!pattern("^b").matches(&path("/a/b.txt")));
    }

    #[test]
    fn directories_without_a_match_are_passed_over() {
        let regex = |text: &str| Pattern::new(text, Right::Deny, Origin::Api).unwrap();
        let glob = |text: &str| Pattern::glob(text, Right::Deny, Origin::Api).unwrap();
        for (pattern, at, expected) in [
            (regex("^/srv/data/.*x$"), "/srv", true),
            (regex("^/srv/data/.*x$"), "/srv/data/deep", true),
            (regex("^/srv/data/.*x$"), "/usr", false),
            (regex("^/srv?/x"), "/sr", true),
            (regex("^/srv/x|/y"), "/usr", true),
            (regex("x"), "/usr", true),
            (glob("/srv/*/x"), "/srv", true),
            (glob("/srv/*/x"), "/srv/data", true),
            (glob("/srv/*/x"), "/usr", false),
            (glob("/srv/d*"), "/srv/e", false),
            (glob("/srv/{a,ab/c}/x"), "/srv/ab", true),
            (glob("/srv/{a,ab/c}/x"), "/srv/b", false),
            (glob("**/.env"), "/usr", true),
            (glob("/{a,b}"), "/", true),
        ] {
            let below = pattern.may_match_below(&JailPath::new(at).unwrap());
            assert_eq!(below, expected, "{pattern:?} {at}");
        }
    }

    #[test]
    fn what_cannot_be_matched_in_linear_time_is_refused() {
        for (text, message, part) in [
            ("x(?=x)", "look-around, including look-ahead and look-behind, is not supported", 1..4),
            (r"(a)\1", "backreferences are not supported", 3..5),
            ("ab(", "unclosed group", 2..3),
            ("(?:a{1000}){1000}", TOO_LARGE, 0..17),
        ] {
            let error = Pattern::new(text, Right::Read, Origin::Api).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.part()), (message, part), "{text}");
        }
    }
}
