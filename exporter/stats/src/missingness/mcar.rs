//! Little's test of whether values are missing completely at random (MCAR).
//!
//! d² = Σ_j n_j·(ȳ_j − μ̂_j)ᵀ·Σ̂_j⁻¹·(ȳ_j − μ̂_j) over the patterns of missing values, each with n_j rows and its p_j
//! observed columns; χ² with Σp_j − p degrees of freedom when values are missing completely at random (Little
//! 1988). μ̂ and Σ̂ are the maximum-likelihood estimates of a multivariate normal distribution.
//!
//! *Which covariance.* Σ̂ has denominator n. With denominator n − 1, as some programs have it, d² is (n−1)/n times
//! as large: [`Mcar::with_unbiased_covariance`].
//!
//! *What it takes.* At most [`COLUMNS`] numeric columns: those with missing values first, by falling number of
//! missing values, then complete ones, each in the order given; constant columns have no part. Of the patterns of
//! these columns those with at least [`PATTERN_ROWS`] rows, the [`PATTERNS`] most frequent of them. Estimate and
//! test see the rows of these patterns only; [`LeftOut`] says what they do not see.
//!
//! *Columns that depend on others.* Where Σ̂_j has no inverse, redundant columns of the pattern are passed over (a
//! generalised inverse), and the degrees of freedom are Σ rank(Σ̂_j) − rank(Σ̂). [`Mcar::collinear`] says which.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::em::{self, PatternMoments};
use super::scaled::standardised;
use super::semidefinite::Factor;
use super::{NotComputed, rows};
use crate::tail;

/// The most columns that take part.
pub const COLUMNS: usize = 30;
/// The most patterns that take part.
pub const PATTERNS: usize = 100;
/// The fewest rows of a pattern.
pub const PATTERN_ROWS: u64 = 20;
/// The fewest rows for each column: Σ̂ from fewer is too uncertain for χ².
pub const ROWS_PER_COLUMN: u64 = 10;

/// The test's outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mcar {
    /// d², with the covariance's denominator n.
    pub statistic: f64,
    /// Degrees of freedom.
    pub degrees: u64,
    /// Probability of a statistic at least as large when values are missing completely at random.
    pub p_value: f64,
    /// Rows that took part.
    pub rows: u64,
    /// Patterns that took part.
    pub patterns: u64,
    /// Positions of the columns that took part, in rising order.
    pub columns: Vec<usize>,
    /// Those of them that are a linear combination of other columns, or constant, in the rows that took part.
    pub collinear: Vec<usize>,
    /// Iterations until the estimate settled.
    pub iterations: u32,
    /// What took no part.
    pub left_out: LeftOut,
}

/// What took no part in the test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Columns that are constant or have fewer than two finite values.
    pub constant: Vec<usize>,
    /// Columns beyond the first [`COLUMNS`].
    pub beyond: Vec<usize>,
    /// Columns that no pattern with enough rows has.
    pub unobserved: Vec<usize>,
    /// Rows that hold an infinity.
    pub infinite_rows: u64,
    /// Rows in which all columns are missing: they say nothing.
    pub empty_rows: u64,
    /// Patterns with too few rows.
    pub rare_patterns: u64,
    /// Patterns with enough rows beyond the first [`PATTERNS`].
    pub capped_patterns: u64,
    /// Rows of the rare and the capped patterns.
    pub pattern_rows: u64,
}

impl Mcar {
    /// d² and its p-value with the covariance's denominator n − 1.
    pub fn with_unbiased_covariance(&self) -> (f64, f64) {
        let n = self.rows as f64;
        let statistic = self.statistic * (n - 1.0) / n;
        (
            statistic,
            tail::chi_squared_sf(statistic, self.degrees as f64),
        )
    }
}

/// Tests numeric columns, NaN where a value is missing.
///
/// # Errors
/// When lengths differ, there is nothing to compare, there are too few rows, or the estimate did not settle.
pub fn test(values: &[&[f64]]) -> Result<Mcar, NotComputed> {
    test_with(values, PATTERN_ROWS, em::TOLERANCE)
}

fn test_with(values: &[&[f64]], least: u64, tolerance: f64) -> Result<Mcar, NotComputed> {
    rows(values.iter().map(|column| column.len()))?;
    let mut left_out = LeftOut::default();
    let mut columns = choose(values, &mut left_out);
    let patterns = patterns(values, &columns, least, &mut left_out);
    // A bit is set where a column is there.
    let seen = patterns.iter().fold(0, |seen, (mask, _)| seen | mask);
    let unseen = |at: usize| seen >> at & 1 == 0;
    left_out.unobserved = (0..columns.len())
        .filter(|&at| unseen(at))
        .map(|at| columns[at])
        .collect();
    let places: Vec<usize> = (0..columns.len()).filter(|&at| !unseen(at)).collect();
    columns = places.iter().map(|&at| columns[at]).collect();
    if patterns.len() < 2 {
        return Err(NotComputed::NoComparison);
    }
    let used: Vec<usize> = patterns
        .iter()
        .flat_map(|(_, rows)| rows.iter().copied())
        .collect();
    let (have, need) = (used.len() as u64, ROWS_PER_COLUMN * columns.len() as u64);
    if have < need {
        return Err(NotComputed::TooFewRows { have, need });
    }
    let scaled: Vec<Vec<f64>> = columns
        .iter()
        .map(|&column| {
            let values: Vec<f64> = used.iter().map(|&row| values[column][row]).collect();
            // A constant has a variance of 0 and is passed over as redundant.
            standardised(&values).unwrap_or_else(|| vec![0.0; values.len()])
        })
        .collect();
    let mut first = 0;
    let moments: Vec<PatternMoments> = patterns
        .iter()
        .map(|(mask, rows)| {
            let observed = places
                .iter()
                .enumerate()
                .filter(|(_, place)| mask >> **place & 1 == 1);
            let here: Vec<usize> = (first..first + rows.len()).collect();
            first += rows.len();
            PatternMoments::of(
                columns.len(),
                observed.map(|(at, _)| at).collect(),
                &here,
                &scaled,
            )
        })
        .collect();
    let normal = em::fit(&moments, columns.len(), tolerance)?;
    let all: Vec<usize> = (0..columns.len()).collect();
    let kept = Factor::of(&normal.covariance, &all).map_or_else(Vec::new, |factor| factor.kept);
    let (mut statistic, mut ranks) = (0.0, 0);
    for pattern in &moments {
        let Some(Factor { kept, cholesky }) = Factor::of(&normal.covariance, &pattern.observed)
        else {
            continue;
        };
        let from = pattern.mean.select_rows(&kept) - normal.mean.select_rows(&kept);
        statistic += pattern.rows * from.dot(&cholesky.solve(&from));
        ranks += kept.len();
    }
    let degrees = ranks.saturating_sub(kept.len()) as u64;
    if degrees == 0 {
        return Err(NotComputed::NoComparison);
    }
    let mut collinear: Vec<usize> = all
        .iter()
        .filter(|at| !kept.contains(at))
        .map(|&at| columns[at])
        .collect();
    collinear.sort_unstable();
    columns.sort_unstable();
    Ok(Mcar {
        statistic,
        degrees,
        p_value: tail::chi_squared_sf(statistic, degrees as f64),
        rows: have,
        patterns: moments.len() as u64,
        columns,
        collinear,
        iterations: normal.iterations,
        left_out,
    })
}

/// The columns that take part: with missing values first, by falling number of them.
fn choose(values: &[&[f64]], left_out: &mut LeftOut) -> Vec<usize> {
    let varies = |column: &usize| {
        let mut finite = values[*column].iter().filter(|value| value.is_finite());
        let first = finite.next();
        first.is_some_and(|first| finite.any(|value| value != first))
    };
    let (mut columns, constant): (Vec<usize>, Vec<usize>) = (0..values.len()).partition(varies);
    left_out.constant = constant;
    let missing = |column: usize| values[column].iter().filter(|value| value.is_nan()).count();
    columns.sort_by_cached_key(|&column| Reverse(missing(column)));
    left_out.beyond = columns.split_off(COLUMNS.min(columns.len()));
    left_out.beyond.sort_unstable();
    columns
}

/// The patterns that take part, as bits of the columns that are there, with their rows; by falling number of rows.
fn patterns(
    values: &[&[f64]],
    columns: &[usize],
    least: u64,
    left_out: &mut LeftOut,
) -> Vec<(u32, Vec<usize>)> {
    let mut found: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let chosen: Vec<&[f64]> = columns.iter().map(|&column| values[column]).collect();
    for row in 0..chosen.first().map_or(0, |column| column.len()) {
        let (mut mask, mut infinite) = (0u32, false);
        for (at, column) in chosen.iter().enumerate() {
            let value = column[row];
            mask |= u32::from(!value.is_nan()) << at;
            infinite |= value.is_infinite();
        }
        if infinite {
            left_out.infinite_rows += 1;
        } else if mask == 0 {
            left_out.empty_rows += 1;
        } else {
            found.entry(mask).or_default().push(row);
        }
    }
    let (mut kept, rare): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|(_, rows)| rows.len() as u64 >= least);
    kept.sort_by_key(|(_, rows)| Reverse(rows.len()));
    let capped = kept.split_off(PATTERNS.min(kept.len()));
    left_out.rare_patterns = rare.len() as u64;
    left_out.capped_patterns = capped.len() as u64;
    left_out.pattern_rows = rare
        .iter()
        .chain(&capped)
        .map(|(_, rows)| rows.len() as u64)
        .sum();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::tests::little;
    use crate::oracle::{check, row, u};
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    fn views(columns: &[Vec<f64>]) -> Vec<&[f64]> {
        columns.iter().map(Vec::as_slice).collect()
    }

    fn hold(found: &Mcar, key: &str, precision: f64) {
        let expected = row(key);
        assert_eq!(found.degrees as f64, expected[1]);
        check(found.statistic, expected[0], precision);
        check(found.p_value, expected[2], precision);
        let (statistic, p_value) = found.with_unbiased_covariance();
        check(statistic, expected[3], precision);
        check(p_value, expected[4], precision);
    }

    /// Columns x, y, z and x + 2z with gaps of its own.
    fn with_sum(rows: u32) -> Vec<Vec<f64>> {
        let mut columns = little(rows);
        let mut sum: Vec<f64> = columns[0]
            .iter()
            .zip(u(rows, 29))
            .map(|(x, z)| x + 6.0 * z)
            .collect();
        sum.iter_mut()
            .skip(1)
            .step_by(4)
            .for_each(|value| *value = f64::NAN);
        columns.push(sum);
        columns
    }

    #[test]
    fn the_values_are_those_of_numpys_em_on_rows() {
        let small = little(60);
        assert_eq!(test(&views(&small)), Err(NotComputed::NoComparison));
        hold(
            &test_with(&views(&small), 1, 1e-12).unwrap(),
            "Little",
            1e-8,
        );
        let large = little(2800);
        let found = test(&views(&large)).unwrap();
        hold(&found, "Little of 2,800", 1e-4);
        assert_eq!(
            (found.rows, found.patterns, found.columns, found.left_out),
            (2800, 4, vec![0, 1, 2], LeftOut::default())
        );
    }

    #[test]
    fn a_column_that_is_a_sum_of_others_is_named_and_changes_nothing_else() {
        let found = test_with(&views(&with_sum(2800)), 1, 1e-12).unwrap();
        hold(&found, "Little with a sum", 1e-6);
        // The first to be passed over is the last of those with missing values and the complete one.
        assert_eq!((found.collinear, found.patterns), (vec![0], 8));
    }

    fn normal(rng: &mut SmallRng) -> f64 {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Four correlated columns; of the first two, cells are missing with a probability that may follow the third.
    fn draw(rng: &mut SmallRng, rows: usize, share: f64, slope: f64) -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::new(); 4];
        for _ in 0..rows {
            let common = normal(rng);
            let row: Vec<f64> = (0..4).map(|_| 0.7 * common + 0.7 * normal(rng)).collect();
            let p = (share + slope * row[2]).clamp(0.0, 1.0);
            for (at, (column, value)) in columns.iter_mut().zip(&row).enumerate() {
                column.push(if at < 2 && rng.random::<f64>() < p {
                    f64::NAN
                } else {
                    *value
                });
            }
        }
        columns
    }

    proptest! {
        #[test]
        fn laws(seed in any::<u64>(), turn in 0usize..4, unit in prop::sample::select(vec![1e-200, 1.0, 1e200]), share in 0.2..0.5f64) {
            let mut rng = SmallRng::seed_from_u64(seed);
            let columns = draw(&mut rng, 400, share, 0.05);
            let found = test_with(&views(&columns), PATTERN_ROWS, 1e-10).unwrap();
            prop_assert!(found.statistic >= 0.0 && (0.0..=1.0).contains(&found.p_value));
            prop_assert_eq!(found.rows + found.left_out.pattern_rows, 400);
            // Neither unit nor offset nor the order of columns and rows changes it.
            let mut other: Vec<Vec<f64>> = columns.iter().map(|column| column.iter().rev().map(|value| (3.0 - value) * unit).collect()).collect();
            other.rotate_left(turn);
            let other = test_with(&views(&other), PATTERN_ROWS, 1e-10).unwrap();
            prop_assert_eq!(other.degrees, found.degrees);
            prop_assert!((other.statistic - found.statistic).abs() <= 1e-6 * (1.0 + found.statistic), "{:?} {:?}", other, found);
        }

        #[test]
        fn no_input_breaks_it(rows in prop::collection::vec(prop::collection::vec(prop_oneof![4 => (0..3i32).prop_map(f64::from), 2 => Just(f64::NAN), 1 => prop::sample::select(vec![f64::INFINITY, f64::MAX, -f64::MAX, 5e-324, 0.0])], 3), 0..300)) {
            let columns: Vec<Vec<f64>> = (0..3).map(|column| rows.iter().map(|row| row[column]).collect()).collect();
            if let Ok(found) = test(&views(&columns)) {
                prop_assert!(found.statistic.is_finite() && found.p_value.is_finite(), "{:?}", found);
            }
        }
    }

    #[test]
    fn the_level_holds_when_values_are_missing_completely_at_random() {
        let mut rng = SmallRng::seed_from_u64(11);
        let p: Vec<f64> = (0..400)
            .map(|_| {
                test(&views(&draw(&mut rng, 400, 0.25, 0.0)))
                    .unwrap()
                    .p_value
            })
            .collect();
        let below = |limit: f64| p.iter().filter(|p| **p < limit).count() as f64 / 400.0;
        // Standard deviations: 0.011, 0.025, 0.025.
        assert!((0.02..0.09).contains(&below(0.05)), "{}", below(0.05));
        assert!((0.42..0.58).contains(&below(0.5)), "{}", below(0.5));
        assert!((0.72..0.88).contains(&below(0.8)), "{}", below(0.8));
    }

    /// About the least that is asked for: ten rows a column. The level holds there too.
    #[test]
    fn the_level_holds_with_few_rows() {
        let mut rng = SmallRng::seed_from_u64(12);
        let (mut rejected, mut tested) = (0, 0);
        for _ in 0..300 {
            let mut columns = draw(&mut rng, 150, 0.5, 0.0);
            (0..10).for_each(|_| columns.push((0..150).map(|_| normal(&mut rng)).collect()));
            // Where a pattern is rare, too few rows are left.
            if let Ok(found) = test(&views(&columns)) {
                tested += 1;
                rejected += u32::from(found.p_value < 0.05);
            }
        }
        let rate = f64::from(rejected) / f64::from(tested);
        assert!(
            tested > 200 && (0.01..0.1).contains(&rate),
            "{rate} {tested}"
        );
    }

    #[test]
    fn values_missing_where_another_column_is_large_are_found() {
        let mut rng = SmallRng::seed_from_u64(13);
        let found = (0..50)
            .filter(|_| {
                test(&views(&draw(&mut rng, 1000, 0.3, 0.08)))
                    .unwrap()
                    .p_value
                    < 0.001
            })
            .count();
        assert!(found >= 48, "{found}");
    }

    #[test]
    fn what_takes_no_part_is_said() {
        let rows = 1000;
        let mut rng = SmallRng::seed_from_u64(14);
        let mut columns: Vec<Vec<f64>> = (0..33)
            .map(|_| (0..rows).map(|_| normal(&mut rng)).collect())
            .collect();
        // 0 and 1 miss the same 100 rows, 2 misses 10; 5 is constant; 7 has an infinity; 8 is there in 5 rows only.
        columns[0][..100].fill(f64::NAN);
        columns[1][..100].fill(f64::NAN);
        columns[2][200..210].fill(f64::NAN);
        columns[5].fill(1.0);
        columns[7][500] = f64::INFINITY;
        columns[8][..995].fill(f64::NAN);
        let found = test(&views(&columns)).unwrap();
        let expected = LeftOut {
            constant: vec![5],
            beyond: vec![31, 32],
            unobserved: vec![8],
            infinite_rows: 1,
            empty_rows: 0,
            rare_patterns: 2,
            capped_patterns: 0,
            pattern_rows: 15,
        };
        assert_eq!(found.left_out, expected);
        assert_eq!(
            (found.rows, found.patterns, found.columns.len()),
            (984, 2, 29)
        );
        // 27 columns in both patterns, two in one of them.
        assert_eq!(found.degrees, 27);
        let p = found.p_value;
        assert!(p > 1e-4, "{p}");
    }

    #[test]
    fn without_two_patterns_there_is_no_test() {
        let whole: Vec<f64> = (0..100).map(f64::from).collect();
        let halves = [
            [&whole[..50], &[f64::NAN; 50]].concat(),
            [&[f64::NAN; 50], &whole[50..]].concat(),
        ];
        let none = Err(NotComputed::NoComparison);
        assert_eq!(test(&[&whole, &whole]), none);
        assert_eq!(test(&views(&halves)), none);
        assert_eq!(test(&[]), none);
        assert_eq!(test(&[&[], &[]]), none);
        assert_eq!(test(&[&[f64::NAN; 50], &[1.0; 50]]), none);
        assert_eq!(
            test(&[&whole, &whole[1..]]),
            Err(NotComputed::Lengths {
                column: 1,
                have: 99,
                need: 100
            })
        );
        let many: Vec<Vec<f64>> = (0..12).map(|s| u(100, s * 17)).collect();
        let mut many = many;
        many[0][..40].fill(f64::NAN);
        assert_eq!(
            test(&views(&many)),
            Err(NotComputed::TooFewRows {
                have: 100,
                need: 120
            })
        );
    }

    /// A copy of another column that is missing where the other is large: the pair has one dimension, and the
    /// complete column's means in both patterns are still compared.
    #[test]
    fn a_copy_with_gaps_still_tells() {
        let x = u(1000, 3);
        let copy: Vec<f64> = x
            .iter()
            .map(|x| if *x > 0.7 { f64::NAN } else { 5.0 - 2.0 * x })
            .collect();
        let found = test(&[&x, &copy]).unwrap();
        assert_eq!((found.degrees, &found.collinear[..]), (1, &[0][..]));
        assert!(found.p_value < 1e-9, "{found:?}");
    }
}
