//! Medians and spreads.

/// Where samples lie.
#[derive(Debug, Clone, Copy, PartialEq)]
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
pub(super) fn ratio(samples: &[(usize, f64)], others: &[(usize, f64)]) -> Option<f64> {
    let other = |round: usize| others.iter().find(|(number, _)| *number == round);
    let ratios: Vec<f64> = samples
        .iter()
        .filter_map(|(round, one)| other(*round).map(|(_, other)| one / other))
        .collect();
    Spread::of(&ratios).map(|spread| spread.median)
}

/// The mean of ratios.
pub(super) fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let count = u32::try_from(ratios.len()).ok().filter(|count| *count > 0)?;
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    Some((sum / f64::from(count)).exp())
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
        let native = [(1, 1.0), (2, 3.0), (3, 1.0)];
        assert_eq!(ratio(&[(1, 2.0), (2, 6.0), (3, 2.0)], &native), Some(2.0));
        // Whoever is slow takes part in few rounds.
        assert_eq!(ratio(&[(2, 6.0)], &native), Some(2.0));
        assert_eq!(ratio(&[(9, 6.0)], &native), None);
    }

    #[test]
    fn twice_and_half_are_one_on_average() {
        let mean = geometric_mean(&[2.0, 0.5]).expect("there are ratios");
        assert!((mean - 1.0).abs() < 1e-9);
        assert_eq!(geometric_mean(&[]), None);
    }
}
