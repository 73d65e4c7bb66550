//! Profiles that extend others, put on top of each other.

use super::document::Profile;
use super::error::ProfileError;
use super::place::Located;
use super::suggest::shown;
use crate::policy::Rank;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How many profiles a stack may have.
const PROFILES_AT_MOST: usize = 64;
/// How long a chain of profiles may be of which each extends the next.
const DEPTH_AT_MOST: usize = 16;

/// Finds a profile that another one extends: gets the name or path as it is written there, and
/// the profile in which it is.
pub type Load<'l> = dyn FnMut(&Located<String>, &Profile) -> Result<Profile, ProfileError> + 'l;

/// Holds the profiles that somebody wants, with all that they extend.
#[derive(Debug, Clone)]
pub struct Stack {
    pub(super) layers: Vec<Layer>,
}

/// A profile in a stack.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) profile: Profile,
    /// The greatest rank of the profile and those that it extends.
    pub(super) rank: Rank,
    /// The indices of all that it extends, directly or not.
    pub(super) below: BTreeSet<usize>,
}

/// Puts profiles on top of all that they extend.
///
/// What two of them extend is there once. A profile is known by its file, or, if it is built in,
/// by its name.
///
/// # Errors
///
/// When a profile extends itself, directly or not, when there are too many, or when one cannot be
/// loaded.
pub fn stack(wanted: Vec<Profile>, load: &mut Load<'_>) -> Result<Stack, ProfileError> {
    let mut builder = Builder { layers: Vec::new(), chain: Vec::new(), load };
    for profile in wanted {
        builder.add(profile, None)?;
    }
    Ok(Stack { layers: builder.layers })
}

impl Stack {
    /// Returns the profiles; each comes after those that it extends, and otherwise they are in the
    /// order in which they were wanted.
    pub fn profiles(&self) -> impl DoubleEndedIterator<Item = &Profile> + ExactSizeIterator {
        self.layers.iter().map(|layer| &layer.profile)
    }
}

/// What a profile is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    File(PathBuf),
    Name(String),
}

impl Identity {
    fn of(profile: &Profile) -> Self {
        match profile.file() {
            Some(file) => Self::File(file.to_owned()),
            None => Self::Name(profile.name().to_owned()),
        }
    }
}

struct Builder<'b, 'l> {
    layers: Vec<Layer>,
    /// The profiles of which each extends the next, and for which the last one is looked at.
    chain: Vec<(Identity, String)>,
    load: &'b mut Load<'l>,
}

impl Builder<'_, '_> {
    /// Adds a profile that is not in the chain, and returns its index.
    fn add(
        &mut self,
        profile: Profile,
        wanted: Option<&Located<String>>,
    ) -> Result<usize, ProfileError> {
        let identity = Identity::of(&profile);
        let known = |layer: &Layer| Identity::of(&layer.profile) == identity;
        if let Some(index) = self.layers.iter().position(known) {
            return Ok(index);
        }
        let too_many = |message: String| {
            let start = super::Place::new(&profile.source, 0..0);
            Err(ProfileError::new(wanted.map_or(start, |wanted| wanted.place.clone()), message))
        };
        if self.layers.len() + self.chain.len() >= PROFILES_AT_MOST {
            return too_many(format!("more than {PROFILES_AT_MOST} profiles are extended"));
        }
        if self.chain.len() >= DEPTH_AT_MOST {
            let message = format!("more than {DEPTH_AT_MOST} profiles each extend the next");
            return too_many(message);
        }
        self.chain.push((identity, profile.source.title()));
        let mut below = BTreeSet::new();
        let mut rank = if profile.file().is_some() { Rank::File } else { Rank::Profile };
        for name in &profile.extends {
            let extended = (self.load)(name, &profile)?;
            self.refuse_circle(name, &extended)?;
            let index = self.add(extended, Some(name))?;
            if let Some(layer) = self.layers.get(index) {
                rank = rank.max(layer.rank);
                below.extend(&layer.below);
                below.insert(index);
            }
        }
        self.chain.pop();
        self.layers.push(Layer { profile, rank, below });
        Ok(self.layers.len() - 1)
    }

    fn refuse_circle(
        &self,
        name: &Located<String>,
        extended: &Profile,
    ) -> Result<(), ProfileError> {
        let identity = Identity::of(extended);
        let Some(start) = self.chain.iter().position(|(above, _)| *above == identity) else {
            return Ok(());
        };
        let circle = self.chain.iter().skip(start).map(|(_, title)| title.as_str());
        let titles: Vec<_> =
            circle.chain([extended.source.title().as_str()]).map(String::from).collect();
        let message = format!("a profile extends itself: {}", titles.join(" -> "));
        Err(ProfileError::new(name.place.clone(), message)
            .with_label(format!("`{}` closes the circle", shown(name))))
    }
}
