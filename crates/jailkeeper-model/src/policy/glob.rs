//! Globs, made into regular expressions.
//!
//! Crates that do this were written for other ends: in the usual one `[!a]` matches a slash, `?`
//! half a letter, and `a**` is silently `a*`. A pattern that grants must say exactly what it
//! matches, so the translation is done here, and compared with that crate where the two agree.

use super::glob_signs::{Part, Sign, Token, signs};
use super::pattern::PatternError;
use crate::path::JailPath;
use std::ffi::OsString;
use std::fmt::Write;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How many bytes a glob may have, as a path in the kernel.
const BYTES_AT_MOST: usize = 4096;
/// How many globs the braces of one may stand for.
const ALTERNATIVES_AT_MOST: usize = 64;
/// How many signs these may have together: they are compiled all at once.
const SIGNS_AT_MOST: usize = 4096;

/// One level of a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    /// One name.
    Name(Vec<Part>),
    /// Any number of names: `**`.
    Names,
}

/// A glob that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// The directory that it begins in; empty for the root.
    beneath: Vec<u8>,
    /// It begins with `**`, in no directory.
    anywhere: bool,
    /// One for each choice of alternatives.
    alternatives: Vec<Vec<Level>>,
}

impl Glob {
    /// Reads a glob; one that goes on from a directory begins with a slash.
    pub(super) fn parse(beneath: Option<&JailPath>, text: &str) -> Result<Self, PatternError> {
        let whole = 0..text.len();
        if text.len() > BYTES_AT_MOST {
            let message = format!("a glob has more than {BYTES_AT_MOST} bytes");
            return Err(PatternError::new(message, whole));
        }
        let anywhere = beneath.is_none() && (text == "**" || text.starts_with("**/"));
        if !anywhere && !text.starts_with('/') {
            return Err(PatternError::new("a glob begins with neither `/` nor `**/`", whole)
                .with_help("it is compared with whole paths; write `**/` before a mere name"));
        }
        let alternatives = alternatives(signs(text)?, text.len())?;
        if alternatives.iter().map(Vec::len).sum::<usize>() > SIGNS_AT_MOST {
            return Err(PatternError::new("the braces stand for too much", whole)
                .with_help("write several patterns"));
        }
        let levels = alternatives.iter().map(|signs| levels(signs, text.len()));
        let beneath = beneath.map(JailPath::as_bytes).filter(|path| *path != b"/");
        Ok(Self {
            beneath: beneath.unwrap_or_default().to_vec(),
            anywhere,
            alternatives: levels.collect::<Result<_, _>>()?,
        })
    }

    /// Says whether it names no place to begin at.
    pub(super) fn is_anywhere(&self) -> bool {
        self.anywhere
    }

    /// Writes it as a regular expression over bytes.
    pub(super) fn regex(&self) -> String {
        let mut regex = String::from("^");
        quote(&mut regex, &self.beneath);
        regex.push_str("(?:");
        for (index, levels) in self.alternatives.iter().enumerate() {
            if index > 0 {
                regex.push('|');
            }
            write_levels(&mut regex, levels);
        }
        regex.push_str(")$");
        regex
    }

    /// Returns the bytes with which every match begins.
    pub(super) fn prefix(&self) -> Vec<u8> {
        let prefixes = self.alternatives.iter().map(|levels| literal_prefix(levels));
        let common = prefixes.reduce(|mut one, other| {
            let common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
            one.truncate(common);
            one
        });
        [self.beneath.clone(), common.unwrap_or_default()].concat()
    }

    /// Returns the directory of which it matches everything below, if that is all it does.
    pub(super) fn as_tree(&self) -> Option<JailPath> {
        let [levels] = self.alternatives.as_slice() else { return None };
        let (Level::Names, names) = levels.split_last()? else { return None };
        let plain = |level: &Level| match level {
            Level::Name(parts) => parts.iter().all(|part| matches!(part, Part::Character(_))),
            Level::Names => false,
        };
        if !names.iter().all(plain) {
            return None;
        }
        let path = [&*self.beneath, &literal_prefix(names), b"/"].concat();
        JailPath::new(PathBuf::from(OsString::from_vec(path))).ok()
    }
}

/// Returns what stands before the first part that is not a plain character.
fn literal_prefix(levels: &[Level]) -> Vec<u8> {
    let mut prefix = Vec::new();
    for level in levels {
        let Level::Name(parts) = level else { break };
        prefix.push(b'/');
        for part in parts {
            let Part::Character(character) = part else { return prefix };
            prefix.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    prefix
}

/// Braces that are open.
struct Open {
    at: Range<usize>,
    /// What stands before them.
    before: Vec<Vec<Sign>>,
    /// The alternatives in them that are finished.
    finished: Vec<Vec<Sign>>,
}

/// Writes out the braces: `a{b,c}` is `ab` and `ac`.
fn alternatives(signs: Vec<Sign>, end: usize) -> Result<Vec<Vec<Sign>>, PatternError> {
    let mut open: Vec<Open> = Vec::new();
    // What is written since the last brace or comma: several, where braces were in it.
    let mut current: Vec<Vec<Sign>> = vec![Vec::new()];
    for sign in signs {
        let at = sign.at.clone();
        match sign.token {
            Token::Open => {
                let before = std::mem::replace(&mut current, vec![Vec::new()]);
                open.push(Open { at, before, finished: Vec::new() });
            }
            Token::Comma => {
                let finished = std::mem::replace(&mut current, vec![Vec::new()]);
                let Some(open) = open.last_mut() else { continue };
                open.finished.extend(finished);
            }
            Token::Close => {
                let Some(Open { at: began, before, mut finished }) = open.pop() else {
                    return Err(PatternError::new("no `{` belongs to the `}`", at)
                        .with_help("write `\\}` for the character itself"));
                };
                finished.append(&mut current);
                if before.len().saturating_mul(finished.len()) > ALTERNATIVES_AT_MOST {
                    let message =
                        format!("the braces stand for more than {ALTERNATIVES_AT_MOST} globs");
                    return Err(PatternError::new(message, began.start..at.end)
                        .with_help("write several patterns"));
                }
                let pairs = before.iter().flat_map(|before| {
                    finished.iter().map(|after| [before.as_slice(), after].concat())
                });
                current = pairs.collect();
            }
            _ => current.iter_mut().for_each(|current| current.push(sign.clone())),
        }
    }
    match open.pop() {
        None => Ok(current),
        Some(open) => Err(PatternError::new("the `{` is not closed", open.at.start..end)
            .with_help("write `\\{` for the character itself")),
    }
}

/// Splits at the slashes.
fn levels(signs: &[Sign], end: usize) -> Result<Vec<Level>, PatternError> {
    let mut levels: Vec<_> = signs.split(|sign| sign.token == Token::Slash).collect();
    if levels.first().is_some_and(|first| first.is_empty()) {
        levels.remove(0);
    } else if levels.first().is_none_or(|first| !is_names(first)) {
        // Braces can hide how a glob begins: `/{a,b}` is fine, `{/a,b}` is not.
        return Err(PatternError::new("an alternative does not begin with `/`", 0..end));
    }
    levels.into_iter().map(|signs| level(signs, end)).collect()
}

fn is_names(level: &[Sign]) -> bool {
    matches!(level, [Sign { token: Token::Names, .. }])
}

fn level(signs: &[Sign], end: usize) -> Result<Level, PatternError> {
    if is_names(signs) {
        return Ok(Level::Names);
    }
    let mut parts = Vec::with_capacity(signs.len());
    for sign in signs {
        match &sign.token {
            Token::Part(part) => parts.push(part.clone()),
            _ => {
                let help = "`**` is any number of names, `*` any part of one";
                let message = "`**` stands beside other characters of a name";
                return Err(PatternError::new(message, sign.at.clone()).with_help(help));
            }
        }
    }
    let dots = parts.iter().all(|part| *part == Part::Character('.')) && parts.len() < 3;
    match (parts.is_empty(), dots, signs) {
        (true, ..) => Err(PatternError::new("a name between slashes is empty", 0..end)
            .with_help("write `/**` for everything below a directory")),
        (false, true, [first, .., last] | [first @ last]) => {
            let message = "no path has `.` or `..` in it when it is compared";
            Err(PatternError::new(message, first.at.start..last.at.end))
        }
        _ => Ok(Level::Name(parts)),
    }
}

fn write_levels(regex: &mut String, levels: &[Level]) {
    for (index, level) in levels.iter().enumerate() {
        match level {
            Level::Name(parts) => {
                regex.push('/');
                parts.iter().for_each(|part| write_part(regex, part));
                // No name is empty: `/*` does not match the root.
                if parts.iter().all(|part| *part == Part::Any) {
                    regex.push_str("(?-u:[^/])");
                }
            }
            Level::Names if index + 1 == levels.len() => regex.push_str("(?:/(?-u:[^/])+)+"),
            Level::Names => regex.push_str("(?:/(?-u:[^/])+)*"),
        }
    }
}

fn write_part(regex: &mut String, part: &Part) {
    match part {
        Part::Character(character) => {
            quote(regex, character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Part::Any => regex.push_str("(?-u:[^/])*"),
        Part::One => regex.push_str("(?:[^/]|(?-u:[\\x80-\\xff]))"),
        Part::Class { negated, ranges } => {
            regex.push_str(if *negated { "(?:[^/" } else { "[" });
            for (first, last) in ranges {
                let (first, last) = (u32::from(*first), u32::from(*last));
                // Writing to a string never fails.
                let _ = write!(regex, "\\x{{{first:x}}}-\\x{{{last:x}}}");
            }
            regex.push_str(if *negated { "]|(?-u:[\\x80-\\xff]))" } else { "]" });
        }
    }
}

/// Writes bytes that stand for themselves.
pub(super) fn quote(regex: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        regex_syntax::escape_into(chunk.valid(), regex);
        for byte in chunk.invalid() {
            let _ = write!(regex, "(?-u:\\x{byte:02x})");
        }
    }
}

#[cfg(test)]
#[path = "glob_tests.rs"]
mod tests;
