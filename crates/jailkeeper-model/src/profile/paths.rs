//! Checking the paths that people write.

use super::error::ProfileError;
use super::place::{Located, Place};
use super::suggest::shown;
use super::template::{BadTemplate, Piece, Template};
use std::ops::Range;

/// How many bytes a path may have, as in the kernel (`PATH_MAX`).
const BYTES_AT_MOST: usize = 4096;

/// Reads text with variables.
pub(super) fn template(text: Located<String>) -> Result<Located<Template>, ProfileError> {
    let Located { value, place } = text;
    match Template::parse(&value) {
        Ok(template) => Ok(Located::new(template, place)),
        Err(BadTemplate { message, help, part }) => {
            Err(ProfileError::new(place.part(&value, part), message).with_help(help))
        }
    }
}

/// Reads a path: absolute, or beginning with a variable that stands for a directory.
pub(super) fn path(text: Located<String>) -> Result<Located<Template>, ProfileError> {
    let path = template(text)?;
    match wrong(&path.value) {
        None => Ok(path),
        Some(Wrong { message, help, part }) => {
            let place = match part {
                Some(part) => path.place.part(path.value.as_str(), part),
                None => path.place,
            };
            let error = ProfileError::new(place, message);
            Err(if help.is_empty() { error } else { error.with_help(help) })
        }
    }
}

/// What is wrong with a path.
struct Wrong {
    message: String,
    help: String,
    /// Which part of it is wrong, if not all.
    part: Option<Range<usize>>,
}

impl Wrong {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Option<Self> {
        Some(Self { message: message.into(), help: help.into(), part: None })
    }

    fn part(
        message: impl Into<String>,
        help: impl Into<String>,
        part: Range<usize>,
    ) -> Option<Self> {
        Some(Self { part: Some(part), ..Self::new(message, help)? })
    }
}

fn wrong(path: &Template) -> Option<Wrong> {
    let written = path.as_str();
    if written.is_empty() {
        return Wrong::new("a path is empty", "the working directory is `${cwd}`");
    }
    if written.len() > BYTES_AT_MOST {
        return Wrong::new(format!("a path has more than {BYTES_AT_MOST} bytes"), "");
    }
    if let Some(wrong) = misplaced_variable(path) {
        return Some(wrong);
    }
    let begins_with_variable = matches!(path.pieces().first(), Some(Piece::Variable(_)));
    if !begins_with_variable && !written.starts_with('/') {
        return relative(written);
    }
    let mut at = 0;
    for name in written.split('/') {
        if name == ".." {
            let help = "write the path that it leads to: `..` after a symbolic link goes elsewhere \
                        than it looks";
            return Wrong::part("a path has `..` in it", help, at..at + 2);
        }
        at += name.len() + 1;
    }
    wildcard(written)
}

const BEGINNINGS: &str = "a path begins with `/`, `${cwd}`, `${home}` or `${tmp}`";

fn relative(written: &str) -> Option<Wrong> {
    let message = format!("the path `{}` is not absolute", shown(written));
    let home = ["~/", "$HOME/"].iter().find_map(|home| written.strip_prefix(home));
    let help = match (home, written) {
        (Some(rest), _) => format!("write `${{home}}/{}`", shown(rest)),
        (None, "~" | "$HOME") => "write `${home}`".to_owned(),
        (None, "." | "./" | "$PWD") => "write `${cwd}`".to_owned(),
        (None, _) if written.split('/').any(|name| name == "..") => BEGINNINGS.to_owned(),
        (None, _) => {
            let rest = written.strip_prefix("./").unwrap_or(written);
            format!("`${{cwd}}/{}` is below the directory in which the program starts", shown(rest))
        }
    };
    Wrong::new(message, help)
}

/// A variable that stands for a directory begins a path, and a slash follows; the others are
/// numbers of users, which no path needs.
fn misplaced_variable(path: &Template) -> Option<Wrong> {
    let mut pieces = path.pieces().iter();
    if let Some(Piece::Variable(variable)) = pieces.next()
        && variable.is_directory()
    {
        match pieces.next() {
            None => return None,
            Some(Piece::Text(text)) if text.starts_with('/') => {}
            Some(_) => {
                let end = variable.to_string().len();
                let help = format!("write `{variable}/...`");
                return Wrong::part(format!("no `/` follows `{variable}`"), help, 0..end);
            }
        }
    } else {
        pieces = path.pieces().iter();
    }
    pieces.find_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Variable(variable) => {
            let name = variable.to_string();
            let at = path.as_str().rfind(&name)?;
            let message = if variable.is_directory() {
                format!("`{name}` is not at the beginning of the path")
            } else {
                format!("`{name}` is no directory")
            };
            Wrong::part(message, BEGINNINGS, at..at + name.len())
        }
    })
}

/// Finds signs of a pattern. `[` alone is none: there is a program of that name.
fn wildcard(written: &str) -> Option<Wrong> {
    let braces = written.find("{").filter(|at| {
        let inside = written.get(at + 1..).unwrap_or_default().split('}').next();
        !written.get(..*at).unwrap_or_default().ends_with('$')
            && inside.is_some_and(|inside| inside.contains(','))
    });
    let at = written.find(['*', '?']).or(braces)?;
    let sign = written.get(at..=at).unwrap_or_default();
    let help = "write `patterns = [{ glob = \"...\", right = \"read\" }]`; in a glob, `\\` takes \
                the meaning from the character after it";
    Wrong::part(
        format!("a path has `{sign}` in it, which stands for itself here"),
        help,
        at..at + 1,
    )
}

/// Checks a name in `extends`: the name of a profile, or the path of a file.
pub(super) fn extended(name: Located<String>) -> Result<Located<String>, ProfileError> {
    let wrong = |place: Place, message: String, help: &str| {
        Err(ProfileError::new(place, message).with_help(help))
    };
    let is_name = |character: char| character.is_ascii_alphanumeric() || "-_.+".contains(character);
    if name.contains('/') {
        if name.value.contains("${") {
            return wrong(name.place, "no variable can be used here".to_owned(), PATH_OR_NAME);
        }
        return Ok(name);
    }
    if !name.chars().all(is_name) || name.starts_with('.') {
        let message = format!("`{}` is no name of a profile", shown(&name));
        return wrong(name.place, message, PATH_OR_NAME);
    }
    if name.ends_with(".toml") {
        let help = format!("write `./{}` for the file beside this one", shown(&name));
        let message = "the path of a file has a `/`".to_owned();
        return wrong(name.place, message, &help);
    }
    Ok(name)
}

const PATH_OR_NAME: &str = "write a name, such as `git`, or a path with a `/`, which is relative to \
                            this file";
