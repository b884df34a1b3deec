//! Which two columns are missing together: φ of their missing indicators.
//!
//! φ = (n₁₁n₀₀ − n₁₀n₀₁)/√(n₁·n₀·n·₁n·₀), the correlation of two indicators, in −1..=1 (Yule 1912). 1: missing in
//! the same rows; 0: independent; below 0: one is missing where the other is not. A column that is never or always
//! missing has no φ.

use serde::{Deserialize, Serialize};

use super::{Indicator, NotComputed, rows};

/// How many rows each pair of columns misses together. Exact, and merged in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointCounts {
    rows: u64,
    columns: usize,
    /// Rows that columns `j ≤ k` both miss, at `k(k+1)/2 + j`; on the diagonal those that one column misses.
    both: Vec<u64>,
}

impl JointCounts {
    /// Counts one window, one indicator a column.
    ///
    /// # Errors
    /// When there are more than [`super::MAX_COLUMNS`] columns or their lengths differ.
    pub fn count(columns: &[Indicator]) -> Result<Self, NotComputed> {
        let rows = rows(columns.iter().map(Indicator::rows))? as u64;
        let both = columns
            .iter()
            .enumerate()
            .flat_map(|(k, of_k)| columns.iter().take(k + 1).map(move |of_j| of_j.both(of_k)))
            .collect();
        Ok(JointCounts {
            rows,
            columns: columns.len(),
            both,
        })
    }

    /// Adds the counts of another window.
    ///
    /// # Errors
    /// When it has another number of columns; nothing is added then.
    pub fn merge(&mut self, other: &JointCounts) -> Result<(), NotComputed> {
        if (other.columns, other.both.len()) != (self.columns, self.both.len()) {
            return Err(NotComputed::OtherColumns {
                have: other.columns,
                need: self.columns,
            });
        }
        self.rows += other.rows;
        self.both
            .iter_mut()
            .zip(&other.both)
            .for_each(|(a, b)| *a += b);
        Ok(())
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The counts of some columns, in this order; one beyond the end is never missing.
    pub fn of(&self, columns: &[usize]) -> Self {
        let both = columns.iter().enumerate().flat_map(|(k, second)| {
            let before = columns.iter().take(k + 1);
            before.map(|first| self.pair(*first, *second).both)
        });
        JointCounts {
            rows: self.rows,
            columns: columns.len(),
            both: both.collect(),
        }
    }

    /// The table of a pair of columns, in any order; a column beyond the end is never missing.
    pub fn pair(&self, first: usize, second: usize) -> PairCounts {
        let (j, k) = (first.min(second), first.max(second));
        let at = |j: usize, k: usize| {
            let index = k.saturating_mul(k.saturating_add(1)) / 2;
            let count = self.both.get(index.saturating_add(j)).copied();
            count.filter(|_| k < self.columns).unwrap_or(0)
        };
        PairCounts {
            rows: self.rows,
            first: at(first, first),
            second: at(second, second),
            both: at(j, k),
        }
    }
}

/// The table of two missing indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// All rows.
    pub rows: u64,
    /// Rows that the first column misses.
    pub first: u64,
    /// Rows that the second column misses.
    pub second: u64,
    /// Rows that both miss.
    pub both: u64,
}

impl PairCounts {
    /// φ of both indicators.
    ///
    /// # Errors
    /// When one of the columns is never or always missing.
    pub fn phi(&self) -> Result<f64, NotComputed> {
        let (n, a, b) = (self.rows as f64, self.first as f64, self.second as f64);
        let spread = (a * (n - a)).sqrt() * (b * (n - b)).sqrt();
        if spread.is_nan() || spread <= 0.0 {
            return Err(NotComputed::ConstantIndicator);
        }
        // n₁₁n₀₀ − n₁₀n₀₁ = n·n₁₁ − n₁·n·₁, as integers, so that independent columns have 0.
        let product = |x: u64, y: u64| i128::from(x) * i128::from(y);
        let joint = product(self.rows, self.both) - product(self.first, self.second);
        Ok((joint as f64 / spread).clamp(-1.0, 1.0))
    }
}

/// Two columns and how they are missing together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Positions of both columns, in rising order.
    pub columns: (usize, usize),
    /// φ in the window.
    pub phi: f64,
    /// The table behind it.
    pub counts: PairCounts,
    /// φ in the baseline, of the same columns; why not, where there is none.
    pub baseline: Result<f64, NotComputed>,
    /// The baseline's table.
    pub baseline_counts: PairCounts,
}

/// The pairs of columns that are most strongly missing together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoMissing {
    /// By falling |φ|, then by columns; at most as many as were asked for.
    pub pairs: Vec<Pair>,
    /// Pairs that have a φ, shown or not.
    pub defined: u64,
    /// Columns that are never missing, and so in no pair.
    pub never: u64,
    /// Columns that are always missing, and so in no pair.
    pub always: u64,
}

/// The `most` pairs with the largest |φ| in the window, each with its value in the baseline.
///
/// # Errors
/// When both sides have different numbers of columns, or the window has no row.
pub fn co_missing(
    baseline: &JointCounts,
    current: &JointCounts,
    most: usize,
) -> Result<CoMissing, NotComputed> {
    if baseline.columns != current.columns {
        return Err(NotComputed::OtherColumns {
            have: baseline.columns,
            need: current.columns,
        });
    }
    if current.rows == 0 {
        return Err(NotComputed::TooFewRows { have: 0, need: 1 });
    }
    let missing: Vec<u64> = (0..current.columns)
        .map(|k| current.pair(k, k).both)
        .collect();
    let mut pairs: Vec<((usize, usize), f64)> = (0..current.columns)
        .flat_map(|k| (0..k).map(move |j| (j, k)))
        .filter_map(|(j, k)| Some(((j, k), current.pair(j, k).phi().ok()?)))
        .collect();
    let defined = pairs.len() as u64;
    pairs.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    pairs.truncate(most);
    let shown = pairs.into_iter().map(|((j, k), phi)| Pair {
        columns: (j, k),
        phi,
        counts: current.pair(j, k),
        baseline: baseline.pair(j, k).phi(),
        baseline_counts: baseline.pair(j, k),
    });
    Ok(CoMissing {
        pairs: shown.collect(),
        defined,
        never: missing.iter().filter(|count| **count == 0).count() as u64,
        always: missing
            .iter()
            .filter(|count| **count == current.rows)
            .count() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::tests::{columns, indicators};
    use crate::oracle::{check, rows as reference};
    use proptest::prelude::*;

    fn count(columns: &[Indicator]) -> JointCounts {
        JointCounts::count(columns).unwrap()
    }

    proptest! {
        #[test]
        fn laws(masks in prop::collection::vec(0u8..32, 1..80), cut in 0usize..80) {
            let of = |masks: &[u8]| count(&columns(5, masks.len(), |column, row| masks[row] >> column & 1 == 1));
            let (a, b) = masks.split_at(cut % masks.len());
            let whole = of(&masks);
            for (mut left, right) in [(of(a), of(b)), (of(b), of(a))] {
                left.merge(&right).unwrap();
                prop_assert_eq!(&left, &whole);
            }
            let found = co_missing(&whole, &whole, 100).unwrap();
            prop_assert_eq!(found.defined as usize, found.pairs.len());
            let varying = 5 - found.never - found.always;
            prop_assert_eq!(found.defined, varying * varying.saturating_sub(1) / 2);
            for pair in &found.pairs {
                prop_assert!((-1.0..=1.0).contains(&pair.phi));
                prop_assert_eq!(pair.baseline, Ok(pair.phi));
                let (j, k) = pair.columns;
                prop_assert_eq!(whole.pair(k, j).phi(), Ok(pair.phi));
                // Missing turned into present changes no correlation.
                let turned = PairCounts { first: pair.counts.rows - pair.counts.first, second: pair.counts.rows - pair.counts.second, both: pair.counts.rows + pair.counts.both - pair.counts.first - pair.counts.second, ..pair.counts };
                prop_assert!((turned.phi().unwrap() - pair.phi).abs() < 1e-12);
            }
            prop_assert!(found.pairs.windows(2).all(|two| two[0].phi.abs() >= two[1].phi.abs()));
        }
    }

    #[test]
    fn the_values_are_numpys_correlations() {
        for row in reference("phi") {
            let table = PairCounts {
                rows: row[0] as u64,
                first: row[1] as u64,
                second: row[2] as u64,
                both: row[3] as u64,
            };
            check(table.phi().unwrap(), row[4], 1e-12);
        }
    }

    #[test]
    fn together_apart_never_and_always() {
        let now = count(&indicators(&[
            "xx..", "xx..", "..xx", "....", "xxxx", ".xx.",
        ]));
        let before = count(&indicators(&[
            "x.x.", "xx..", "....", "....", "xxxx", "....",
        ]));
        let found = co_missing(&before, &now, 2).unwrap();
        assert_eq!((found.defined, found.never, found.always), (6, 1, 1));
        let pairs: Vec<_> = found
            .pairs
            .iter()
            .map(|p| (p.columns, p.phi, p.baseline))
            .collect();
        let none = Err(NotComputed::ConstantIndicator);
        assert_eq!(pairs, [((0, 1), 1.0, Ok(0.0)), ((0, 2), -1.0, none)]);
        assert_eq!(
            found.pairs[0].counts,
            PairCounts {
                rows: 4,
                first: 2,
                second: 2,
                both: 2
            }
        );
        assert_eq!(now.pair(0, 5).phi(), Ok(0.0));
        assert_eq!(now.pair(0, 9).phi(), none);
        assert_eq!(now.pair(usize::MAX, 1).phi(), none);
    }

    #[test]
    fn what_cannot_be_compared_says_so() {
        let (two, none) = (
            count(&indicators(&["..", "x."])),
            count(&indicators(&["", ""])),
        );
        assert_eq!(
            co_missing(&two, &none, 3),
            Err(NotComputed::TooFewRows { have: 0, need: 1 })
        );
        assert_eq!(co_missing(&none, &two, 3).unwrap().pairs, []);
        let mut one = count(&indicators(&[".."]));
        let other = Err(NotComputed::OtherColumns { have: 2, need: 1 });
        assert_eq!(one.merge(&two), other);
        assert_eq!(co_missing(&two, &one, 3).map(|_| ()), other);
    }
}
