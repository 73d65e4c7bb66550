//! Medians and spreads.

use serde::Serialize;

/// Where samples lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) min: f64,
    /// A quarter of the samples are below this, and a quarter above [`Self::upper_quartile`].
    pub(super) lower_quartile: f64,
    pub(super) median: f64,
    pub(super) upper_quartile: f64,
    pub(super) p90: f64,
    pub(super) max: f64,
    pub(super) count: usize,
}

impl Spread {
    /// Returns nothing when there are no samples.
    pub(super) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            min: *sorted.first()?,
            lower_quartile: quantile(&sorted, 1, 4)?,
            median: quantile(&sorted, 1, 2)?,
            upper_quartile: quantile(&sorted, 3, 4)?,
            p90: quantile(&sorted, 9, 10)?,
            max: *sorted.last()?,
            count: sorted.len(),
        })
    }
}

/// The median of the ratios of samples that were taken in the same round.
pub(super) fn ratio(samples: &[f64], others: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = samples.iter().zip(others).map(|(one, other)| one / other).collect();
    Spread::of(&ratios).map(|spread| spread.median)
}

/// The sample at a fraction of the way, or the middle of the two that are next to it.
fn quantile(sorted: &[f64], numerator: usize, denominator: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = last * numerator;
    let below = *sorted.get(place / denominator)?;
    let above = *sorted.get(place.div_ceil(denominator))?;
    Some(f64::midpoint(below, above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        let spread = Spread::of(&[5.0, 1.0, 3.0, 2.0]).expect("there are samples");
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.5, 5.0));
        assert_eq!(Spread::of(&[7.0]).map(|spread| spread.p90), Some(7.0));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine was three times slower in the second round: the ratio stays.
        assert_eq!(ratio(&[2.0, 6.0, 2.0], &[1.0, 3.0, 1.0]), Some(2.0));
    }
}
