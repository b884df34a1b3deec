//! Correlation ratio of the mid-ranks of a numeric by a categorical column.
//!
//! η² = 1 − W/T with W the sum of squares within the categories and T the whole one, corrected for bias as ε² = 1 −
//! (1 − η²)(n−1)/(n−k) (Kelley 1935); the value is √max(0, ε²). Of ranks η² is H/(n−1) with H of Kruskal and Wallis
//! (1952), corrected for ties. Ranks, since no sample tells the fourth moment of a column with heavy tails, and with it how
//! much the ratio of its values varies. The variance of η² is that of its influence function L in a sample of rows,
//! (1 − η²)u² − (u − μ_g)² for the standardised value u in a category of mean μ_g, as if ranks were values. Its third cumulant is
//! E L³ + 3·D², D² the second derivative of η² where every row's weight grows as L (Hall 1992).

use super::measure::{
    Association, Independence, MAX_CATEGORIES, MIN_ROWS, Measure, NotComputed, round,
    round_variance,
};
use super::values::{ABSENT, Categorical, Numeric};
use crate::mid_ranks::MidRanks;

/// Sums of a category that are kept side by side, so that one row need not wait for the one before it.
const SIDES: usize = 4;

/// Power sums of the standardised ranks of one category, from the first to the sixth.
#[derive(Clone, Default)]
struct Sums {
    count: f64,
    powers: [f64; 6],
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, value: f64) {
        let square = value * value;
        let cube = square * value;
        self.count += 1.0;
        let powers = [
            value,
            square,
            cube,
            square * square,
            cube * square,
            cube * cube,
        ];
        for (sum, power) in self.powers.iter_mut().zip(powers) {
            *sum += power;
        }
    }

    fn of(sides: &[Sums; SIDES]) -> Sums {
        sides.iter().fold(Sums::default(), |mut all, side| {
            all.count += side.count;
            for (sum, side) in all.powers.iter_mut().zip(side.powers) {
                *sum += side;
            }
            all
        })
    }

    /// Its share of `n` rows, and the means of u, u², … for its standardised values u.
    fn group(&self, n: f64) -> Group {
        Group {
            share: self.count / n,
            means: self.powers.map(|sum| sum / self.count),
        }
    }
}

/// A category: its share of the rows, and the means of u, u², … u⁶ for its standardised values u.
struct Group {
    share: f64,
    means: [f64; 6],
}

impl Group {
    /// The mean of (au² + bu + c)·uⁱ for i of 0, 1 and 2.
    fn weighted(&self, [a, b, c]: [f64; 3]) -> [f64; 3] {
        let [first, second, third, fourth, ..] = self.means;
        [
            a * second + b * first + c,
            a * third + b * second + c * first,
            a * fourth + b * third + c * second,
        ]
    }

    /// The means of the square and of the cube of au² + bu + c.
    fn moments(&self, [a, b, c]: [f64; 3]) -> [f64; 2] {
        let [first, second, third, fourth, fifth, sixth] = self.means;
        let square = a * a * fourth
            + 2.0 * a * b * third
            + (b * b + 2.0 * a * c) * second
            + 2.0 * b * c * first
            + c * c;
        let cube = a.powi(3) * sixth
            + 3.0 * a * a * b * fifth
            + 3.0 * a * (a * c + b * b) * fourth
            + b * (6.0 * a * c + b * b) * third
            + 3.0 * c * (a * c + b * b) * second
            + 3.0 * b * c * c * first
            + c.powi(3);
        [square, cube]
    }
}

/// n times the variance of η², and n² times its third cumulant.
fn cumulants(groups: &[Group], eta: f64) -> (f64, f64) {
    let (mut variance, mut cubes) = (0.0, 0.0);
    // What the sums within the groups and in all, of u and of u², change by where weights grow as L, and twice how fast these do.
    let (mut all, mut between, mut twice) = ([0.0; 3], 0.0, 0.0);
    for group in groups {
        let mean = group.means[0];
        let influence = [-eta, 2.0 * mean, -mean * mean];
        let [square, cube] = group.moments(influence);
        variance += group.share * square;
        cubes += group.share * cube;
        let grown = group.weighted(influence);
        let apart = grown[1] - mean * grown[0];
        between += group.share * (2.0 * grown[1] - mean * grown[0]) * mean;
        twice += 2.0 * group.share * apart * apart;
        for (sum, grown) in all.iter_mut().zip(grown) {
            *sum += group.share * grown;
        }
    }
    let shift = 2.0 * all[1] * all[1];
    let second =
        (twice - shift) - 2.0 * between * all[2] + eta * shift + 2.0 * eta * all[2] * all[2];
    (variance, cubes + 3.0 * second)
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
    let standard: Vec<Group> = sums.iter().map(|sums| sums.group(n)).collect();
    let within: f64 = standard
        .iter()
        .map(|group| group.share * (group.means[1] - group.means[0].powi(2)).max(0.0))
        .sum();
    let eta = (1.0 - within).clamp(0.0, 1.0);
    let epsilon = 1.0 - within * (n - 1.0) / (n - k as f64);
    let (variance, third) = cumulants(&standard, eta);
    Ok(Association {
        measure: Measure::CorrelationRatio,
        value: round(epsilon.max(0.0).sqrt()),
        n: count,
        variance: round_variance(variance),
        independence: Some(Independence {
            degrees: (k - 1) as u32,
            scale: 1,
            square: round(epsilon),
            third: round_variance(third),
            cells: (0, 0),
            windows: 1,
        }),
    })
}
