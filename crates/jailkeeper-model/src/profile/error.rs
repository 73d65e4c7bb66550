//! What is wrong with a profile, and where.

use super::picture::Picture;
use super::place::Place;
use std::fmt::{self, Display, Formatter};

/// Says what is wrong with a profile, where, and what to do about it.
///
/// Prints as one line, `file:line:column: what is wrong`; [`ProfileError::picture`] has the text
/// with the place underlined. Further errors of the same file come with the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError(Box<Wrong>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wrong {
    message: String,
    place: Place,
    label: Option<String>,
    second: Option<Box<Second>>,
    help: Option<String>,
    others: Vec<ProfileError>,
}

/// Another place that has to do with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Second {
    place: Place,
    label: String,
}

impl ProfileError {
    /// Says what is wrong, in words that complete "failed to read the profile:".
    #[must_use]
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self(Box::new(Wrong {
            message: message.into(),
            place,
            label: None,
            second: None,
            help: None,
            others: Vec::new(),
        }))
    }

    /// Says in few words what stands at the place.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.0.label = Some(label.into());
        self
    }

    /// Points to another place, perhaps of another profile.
    #[must_use]
    pub fn with_second(mut self, place: Place, label: impl Into<String>) -> Self {
        self.0.second = Some(Box::new(Second { place, label: label.into() }));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Joins the errors of one text, in the order of their places; `None` if there is none.
    pub(super) fn join(mut errors: Vec<Self>) -> Option<Self> {
        errors.sort_by_key(|error| error.0.place.span().start);
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        first.0.others.extend(errors);
        Some(first)
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Returns the places that have to do with it, the first of them [`ProfileError::place`],
    /// each with a few words if there are any.
    pub fn labels(&self) -> impl Iterator<Item = (&Place, Option<&str>)> {
        let second = self.0.second.as_deref().map(|second| (&second.place, Some(&*second.label)));
        std::iter::once((&self.0.place, self.0.label.as_deref())).chain(second)
    }

    /// Returns what to do.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Returns it for a terminal: this error and the others, each with the text underlined, and
    /// what to do.
    #[must_use]
    pub fn picture(&self) -> Picture<'_> {
        Picture::new(self)
    }

    /// Returns what else is wrong in the same text.
    #[must_use]
    pub fn others(&self) -> &[Self] {
        &self.0.others
    }
}

impl Display for ProfileError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.place, self.0.message)
    }
}

impl std::error::Error for ProfileError {}
