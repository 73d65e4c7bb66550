//! Patterns of a profile, made into patterns of a policy.

use super::entry::{PatternEntry, PatternKind};
use super::error::ProfileError;
use super::template::{ExpandError, Piece, Variables};
use crate::path::JailPath;
use crate::policy::{Origin, Pattern, PatternError};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Says why a pattern of a profile cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A variable has no value that can be used.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// With the values of its variables it is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl PatternEntry {
    /// Puts in what the variables stand for, each of them for itself alone, and makes a pattern.
    ///
    /// # Errors
    ///
    /// When a variable stands for nothing, or the pattern becomes too large.
    pub fn compile(&self, variables: &Variables, origin: Origin) -> Result<Pattern, CompileError> {
        match self.kind {
            PatternKind::Glob => self.compile_glob(variables, origin),
            PatternKind::Regex => self.compile_regex(variables, origin),
        }
    }

    fn compile_glob(&self, variables: &Variables, origin: Origin) -> Result<Pattern, CompileError> {
        // The check has seen to it that a variable stands at the beginning alone.
        match self.pattern.pieces() {
            [Piece::Variable(variable), rest @ ..] => {
                let value = variables.get(*variable).ok_or(ExpandError::NoValue(*variable))?;
                let directory = JailPath::new(Path::new(&value)).map_err(ExpandError::from)?;
                let rest = text(rest);
                Ok(Pattern::glob_beneath(&directory, &rest, self.right, origin)?)
            }
            pieces => Ok(Pattern::glob(&text(pieces), self.right, origin)?),
        }
    }

    fn compile_regex(
        &self,
        variables: &Variables,
        origin: Origin,
    ) -> Result<Pattern, CompileError> {
        let mut expression = String::new();
        for piece in self.pattern.pieces() {
            match piece {
                Piece::Text(text) => expression.push_str(text),
                Piece::Variable(variable) => {
                    let value = variables.get(*variable).ok_or(ExpandError::NoValue(*variable))?;
                    // The value is one thing to what stands behind it, such as a `?`.
                    expression.push_str("(?:");
                    expression.push_str(&Pattern::quote(value.as_bytes()));
                    expression.push(')');
                }
            }
        }
        Ok(Pattern::new(&expression, self.right, origin)?)
    }

    /// Checks it before any variable has a value.
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let written = self.pattern.as_str();
        let wrong = |error: &PatternError, shift: usize| {
            let part = error.part();
            let part = part.start + shift..part.end + shift;
            let place = self.pattern.place.part(written, part);
            let wrong = ProfileError::new(place, error.to_string());
            match error.help() {
                Some(help) => wrong.with_help(help),
                None => wrong,
            }
        };
        match (self.kind, self.pattern.pieces()) {
            (PatternKind::Glob, [Piece::Variable(variable), rest @ ..])
                if variable.is_directory() && no_variable(rest) =>
            {
                let shift = variable.to_string().len();
                let glob = text(rest);
                Pattern::glob_beneath(&JailPath::root(), &glob, self.right, Origin::Api)
                    .map_err(|error| wrong(&error, shift))?;
            }
            (PatternKind::Glob, pieces) if no_variable(pieces) => {
                Pattern::glob(&text(pieces), self.right, Origin::Api)
                    .map_err(|error| wrong(&error, 0))?;
            }
            (PatternKind::Glob, _) => {
                let message = "in a glob, a variable is a directory and stands at the beginning";
                let error = ProfileError::new(self.pattern.place.clone(), message);
                return Err(error.with_help("such as `${cwd}/**/*.txt`"));
            }
            (PatternKind::Regex, pieces) => {
                // Something as long as the variable takes its place, so that an error is found
                // where it is.
                let pieces = pieces.iter().map(|piece| match piece {
                    Piece::Text(text) => text.clone(),
                    Piece::Variable(variable) => "v".repeat(variable.to_string().len()),
                });
                Pattern::new(&pieces.collect::<String>(), self.right, Origin::Api)
                    .map_err(|error| wrong(&error, 0))?;
            }
        }
        Ok(())
    }
}

fn no_variable(pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
}

/// Returns what stands between variables.
fn text(pieces: &[Piece]) -> String {
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        Piece::Variable(_) => None,
    });
    texts.collect()
}
