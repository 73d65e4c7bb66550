//! Which of several layers goes before another.

use super::document::Profile;
use super::place::Located;
use super::stack::{Layer, Stack};

/// The base, if there is one, and the layers of a stack upon it.
pub(super) struct Layers<'s> {
    base: Option<&'s Profile>,
    layers: &'s [Layer],
}

/// The index of a layer; the base has none.
pub(super) type Index = Option<usize>;

impl<'s> Layers<'s> {
    pub(super) fn new(base: Option<&'s Profile>, stack: &'s Stack) -> Self {
        Self { base, layers: &stack.layers }
    }

    pub(super) fn indexed(&self) -> impl Iterator<Item = (Index, &'s Profile)> {
        let layers = self.layers.iter().enumerate();
        let layers = layers.map(|(index, layer)| (Some(index), &layer.profile));
        self.base.map(|base| (None, base)).into_iter().chain(layers)
    }

    pub(super) fn profiles(&self) -> impl Iterator<Item = &'s Profile> {
        self.indexed().map(|(_, profile)| profile)
    }

    /// Says whether an entry of one layer goes before one of another.
    fn beats(&self, one: Index, other: Index) -> bool {
        let (Some(one), Some(other)) = (one, other) else {
            return one.is_some() && other.is_none();
        };
        let (Some(first), Some(second)) = (self.layers.get(one), self.layers.get(other)) else {
            return false;
        };
        let is_derived = first.below.contains(&other);
        is_derived || (first.rank > second.rank && !second.below.contains(&one))
    }

    /// Keeps those that no other beats, in the order of their layers.
    pub(super) fn unbeaten<T>(&self, candidates: Vec<(Index, T)>) -> Vec<(Index, T)> {
        let indices: Vec<Index> = candidates.iter().map(|(index, _)| *index).collect();
        let unbeaten =
            |(index, _): &(Index, T)| !indices.iter().any(|other| self.beats(*other, *index));
        candidates.into_iter().filter(unbeaten).collect()
    }

    /// Returns the strictest of what the unbeaten profiles say.
    pub(super) fn scalar<T: Clone, K: Ord>(
        &self,
        get: impl Fn(&Profile) -> Option<&Located<T>>,
        strictness: impl Fn(&T) -> K,
    ) -> Option<Located<T>> {
        let said = self.indexed().filter_map(|(index, profile)| Some((index, get(profile)?)));
        let unbeaten = self.unbeaten(said.collect());
        // Of equals the first stands.
        unbeaten
            .into_iter()
            .map(|(_, value)| value)
            .reduce(
                |best, other| {
                    if strictness(&other.value) > strictness(&best.value) { other } else { best }
                },
            )
            .cloned()
    }
}
