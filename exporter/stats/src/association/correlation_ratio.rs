//! Correlation ratio of the mid-ranks of a numeric by a categorical column.
//!
//! η² = 1 − W/T with W the sum of squares within the categories and T the whole one, corrected for bias as ε² = 1 −
//! (1 − η²)(n−1)/(n−k) (Kelley 1935); the value is √max(0, ε²). Of ranks η² is H/(n−1) with H of Kruskal and Wallis
//! (1952), corrected for ties. Ranks, since no sample tells the fourth moment of a column with heavy tails, and with it how
//! much the ratio of its values varies. The variance of η² is that of its influence function in a sample of rows,
//! (1 − η²)u² − (u − μ_g)² for the standardised value u in a category of mean μ_g, as if ranks were values.

use super::measure::{
    Association, Independence, MAX_CATEGORIES, MIN_ROWS, Measure, NotComputed, influence_noise,
    round, round_variance,
};
use super::values::{ABSENT, Categorical, Numeric};
use crate::mid_ranks::MidRanks;

/// Sums of a category that are kept side by side, so that one row need not wait for the one before it.
const SIDES: usize = 4;

/// Power sums of the standardised ranks of one category.
#[derive(Clone, Default)]
struct Sums {
    count: f64,
    first: f64,
    second: f64,
    third: f64,
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, value: f64) {
        let square = value * value;
        self.count += 1.0;
        self.first += value;
        self.second += square;
        self.third += square * value;
    }

    fn of(sides: &[Sums; SIDES]) -> Sums {
        let sum = |of: fn(&Sums) -> f64| sides.iter().map(of).sum();
        Sums {
            count: sum(|side| side.count),
            first: sum(|side| side.first),
            second: sum(|side| side.second),
            third: sum(|side| side.third),
        }
    }

    /// Means of u, u² and u³ for the standardised values u.
    fn means(&self) -> [f64; 3] {
        [self.first, self.second, self.third].map(|sum| sum / self.count)
    }
}

/// The ratio over the rows with a category and a value, with room for the mid-ranks.
pub(super) fn correlation_ratio(
    x: &Numeric,
    groups: &Categorical,
    ranks: &mut MidRanks,
) -> Result<Association, NotComputed> {
    if groups.levels > MAX_CATEGORIES {
        return Err(NotComputed::TooManyCategories {
            have: groups.levels,
            most: MAX_CATEGORIES,
        });
    }
    let count = x.absent.neither(&groups.absent);
    let n = count as f64;
    ranks.of(&x.ranks, &groups.absent, count);
    let (unit, table) = (ranks.unit(), ranks.table());
    let mut sides = vec![[(); SIDES].map(|()| Sums::default()); groups.levels as usize];
    for (row, (rank, code)) in x.ranks.rows.iter().zip(&groups.codes).enumerate() {
        // The code for no value is beyond all.
        let sides = sides.get_mut(*code as usize).filter(|_| *rank != ABSENT);
        if let Some(sides) = sides {
            let value = f64::from(table.twice(*rank)) * unit.unwrap_or(0.0);
            sides[row % SIDES].add(value);
        }
    }
    let mut sums: Vec<Sums> = sides.iter().map(Sums::of).collect();
    sums.retain(|sums| sums.count > 0.0);
    let k = sums.len() as u64;
    let need = MIN_ROWS.max(2 * k);
    if count < need {
        return Err(NotComputed::TooFewRows { have: count, need });
    }
    if k < 2 || unit.is_none() {
        return Err(NotComputed::Constant);
    }
    let standard: Vec<(f64, [f64; 3])> = sums
        .iter()
        .map(|sums| (sums.count / n, sums.means()))
        .collect();
    let within: f64 = standard
        .iter()
        .map(|(share, [mean, square, _])| share * (square - mean * mean).max(0.0))
        .sum();
    let eta = (1.0 - within).clamp(0.0, 1.0);
    let epsilon = 1.0 - within * (n - 1.0) / (n - k as f64);
    // The mean square of −η²u² + 2μu − μ², which is the influence with its brackets opened.
    let influence: f64 = standard
        .iter()
        .map(|(share, [mu, square, cube])| {
            share
                * (4.0 * mu * mu * square - 4.0 * eta * mu * cube + 2.0 * eta * mu * mu * square
                    - 3.0 * mu.powi(4))
        })
        .sum::<f64>()
        + eta * eta * ranks.mean_fourth();
    let degrees = (k - 1) as u32;
    Ok(Association {
        measure: Measure::CorrelationRatio,
        value: round(epsilon.max(0.0).sqrt()),
        n: count,
        variance: round_variance(influence - influence_noise(degrees, n * epsilon, count)),
        independence: Some(Independence {
            degrees,
            scale: 1,
            square: round(epsilon),
            reciprocal_shares: 0,
        }),
    })
}
