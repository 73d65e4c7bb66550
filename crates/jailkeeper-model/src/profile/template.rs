//! Text with variables in it.

use super::suggest;
use crate::path::{JailPath, PathError};
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Names a variable of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Variable {
    /// The directory in which the program starts.
    Cwd,
    /// The home directory of whoever starts the jail.
    Home,
    /// The jail's temporary directory.
    Tmp,
    /// The user's number inside the jail.
    Uid,
    /// The group's number inside the jail.
    Gid,
}

impl Variable {
    const ALL: [Self; 5] = [Self::Cwd, Self::Home, Self::Tmp, Self::Uid, Self::Gid];
    /// The names of all.
    pub(super) const NAMES: [&'static str; 5] = ["cwd", "home", "tmp", "uid", "gid"];

    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cwd => "cwd",
            Self::Home => "home",
            Self::Tmp => "tmp",
            Self::Uid => "uid",
            Self::Gid => "gid",
        }
    }

    /// Says whether it stands for a directory, so that a path can begin with it.
    #[must_use]
    pub fn is_directory(self) -> bool {
        match self {
            Self::Cwd | Self::Home | Self::Tmp => true,
            Self::Uid | Self::Gid => false,
        }
    }
}

/// Prints it as it is written, `${cwd}`.
impl Display for Variable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}}}", self.as_str())
    }
}

/// Holds what variables stand for.
///
/// ```
/// # use jailkeeper_model::profile::Variables;
/// let variables = Variables::new("/home/u/work").with_home("/home/u").with_tmp("/tmp");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    cwd: PathBuf,
    home: Option<PathBuf>,
    tmp: Option<PathBuf>,
    user: Option<(u32, u32)>,
}

impl Variables {
    /// Begins with the directory in which the program starts.
    #[must_use]
    pub fn new(cwd: impl Into<PathBuf>) -> Self {
        Self { cwd: cwd.into(), home: None, tmp: None, user: None }
    }

    /// Sets the home directory.
    #[must_use]
    pub fn with_home(self, home: impl Into<PathBuf>) -> Self {
        Self { home: Some(home.into()), ..self }
    }

    /// Sets the temporary directory.
    #[must_use]
    pub fn with_tmp(self, tmp: impl Into<PathBuf>) -> Self {
        Self { tmp: Some(tmp.into()), ..self }
    }

    /// Sets the numbers of user and group inside the jail.
    #[must_use]
    pub fn with_user(self, uid: u32, gid: u32) -> Self {
        Self { user: Some((uid, gid)), ..self }
    }

    /// Returns what a variable stands for, if anything.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<OsString> {
        let path = |path: &Path| path.as_os_str().to_owned();
        match variable {
            Variable::Cwd => Some(path(&self.cwd)),
            Variable::Home => self.home.as_deref().map(path),
            Variable::Tmp => self.tmp.as_deref().map(path),
            Variable::Uid => self.user.map(|(uid, _)| uid.to_string().into()),
            Variable::Gid => self.user.map(|(_, gid)| gid.to_string().into()),
        }
    }
}

/// Says why a template cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// The variable stands for nothing.
    #[error("`{0}` has no value here")]
    NoValue(Variable),
    /// What came out is no path of a rule.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Variable(Variable),
}

/// Holds text in which `${cwd}`, `${home}`, `${tmp}`, `${uid}` and `${gid}` stand for something.
/// `$${` is written for a plain `${`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    written: String,
    pieces: Vec<Piece>,
}

/// Says what is wrong with a template, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadTemplate {
    pub(super) message: String,
    pub(super) help: String,
    pub(super) part: Range<usize>,
}

impl Template {
    /// Reads a template.
    pub(super) fn parse(written: &str) -> Result<Self, BadTemplate> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = written;
        while let Some(at) = rest.find("${") {
            let (before, found) = rest.split_at(at);
            let offset = written.len() - found.len();
            let (_, inside) = found.split_at(2);
            if let Some(before) = before.strip_suffix('$') {
                text.push_str(before);
                text.push_str("${");
                rest = inside;
                continue;
            }
            let Some((name, after)) = inside.split_once('}') else {
                return Err(BadTemplate {
                    message: "a variable is not closed".to_owned(),
                    help: "write `${cwd}`; a plain `${` is written `$${`".to_owned(),
                    part: offset..written.len(),
                });
            };
            let part = offset..offset + 2 + name.len() + 1;
            text.push_str(before);
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Variable(variable(name, part)?));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self { written: written.to_owned(), pieces })
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Returns its pieces.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the variables in it.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(*variable),
            Piece::Text(_) => None,
        })
    }

    /// Puts in what the variables stand for.
    ///
    /// # Errors
    ///
    /// [`ExpandError::NoValue`] when one stands for nothing.
    pub fn expand(&self, variables: &Variables) -> Result<OsString, ExpandError> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Piece::Variable(variable) => {
                    let value = variables.get(*variable).ok_or(ExpandError::NoValue(*variable))?;
                    bytes.extend_from_slice(value.as_bytes());
                }
            }
        }
        Ok(OsString::from_vec(bytes))
    }

    /// Puts in what the variables stand for, and makes a path of it.
    ///
    /// # Errors
    ///
    /// When a variable stands for nothing, or for something that is not absolute.
    pub fn expand_path(&self, variables: &Variables) -> Result<JailPath, ExpandError> {
        Ok(JailPath::new(Path::new(OsStr::from_bytes(self.expand(variables)?.as_bytes())))?)
    }
}

impl Display for Template {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn variable(name: &str, part: Range<usize>) -> Result<Variable, BadTemplate> {
    let known = Variable::ALL.into_iter().find(|variable| variable.as_str() == name);
    known.ok_or_else(|| BadTemplate {
        message: format!("unknown variable `{}`", suggest::shown(name)),
        help: match suggest::nearest(name, Variable::NAMES) {
            Some(near) => format!("did you mean `${{{near}}}`?"),
            None => "there are `${cwd}`, `${home}`, `${tmp}`, `${uid}` and `${gid}`; a plain \
                     `${` is written `$${`"
                .to_owned(),
        },
        part,
    })
}
