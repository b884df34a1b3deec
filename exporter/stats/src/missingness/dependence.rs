//! Is a column different where another is missing? If so the values are not missing completely at random.
//!
//! For every column j with missing values and every numeric column k, [`welch`] compares x_k where x_j is missing
//! with x_k where it is not (Dixon 1988, as in BMDP). Many pairs are tested at once, so that p-values are adjusted
//! over all of them (Benjamini and Hochberg 1995).
//!
//! t is for means that are about normal. In small groups of skewed values it is not: of log-normal columns (σ = 1)
//! with 45 values in one group and 255 in the other it calls between 5 and 10 % different at a level of 5 %.

use serde::{Deserialize, Serialize};

use super::scaled::standardised;
use super::welch::{self, Group, Welch};
use super::{Indicator, NotComputed, rows};
use crate::multiplicity::benjamini_hochberg;

/// The fewest values of x_k in either group.
pub const GROUP_ROWS: u64 = 20;
/// Below this share of a column's sum of squares a group's own is summed anew and not taken as the difference.
const CANCELLED: f64 = 1e-4;

/// One column's values, split by whether another column is missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Position of the column that is missing or not.
    pub missing: usize,
    /// Position of the column whose values are compared.
    pub value: usize,
    /// Values where the other column is missing, and where it is not.
    pub groups: (u64, u64),
    /// The comparison; positive where the values are larger when the other column is missing.
    pub test: Welch,
    /// Its p-value adjusted over all tested pairs.
    pub adjusted_p_value: f64,
}

/// Which columns are different where others are missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// By rising p-value, then by falling |t|, then by columns; at most as many as were asked for.
    pub splits: Vec<Split>,
    /// Pairs that were tested, shown or not.
    pub tested: u64,
    /// Tested pairs whose adjusted p-value is at most α.
    pub significant: u64,
    /// Pairs with too few values in a group.
    pub too_few: u64,
    /// Pairs whose values are one constant in both groups.
    pub constant: u64,
    /// Pairs `(missing, value)` whose values are one constant where the other column is missing and another where
    /// it is not: the strongest dependence there is, but t is infinite, so that they are not among the tested. At
    /// most as many as were asked for, by columns.
    pub separated: Vec<(usize, usize)>,
    /// How many such pairs there are, shown or not.
    pub separated_pairs: u64,
}

/// Tests all pairs of a column with missing values and another column that has numbers, and shows the `most`
/// significant ones. `missing` and `values` are the same columns; those without numbers have `None`. Infinities
/// are left out.
///
/// # Errors
/// When there are too many columns, or lengths differ.
pub fn dependence(
    missing: &[Indicator],
    values: &[Option<&[f64]>],
    alpha: f64,
    most: usize,
) -> Result<Dependence, NotComputed> {
    if values.len() != missing.len() {
        return Err(NotComputed::OtherColumns {
            have: values.len(),
            need: missing.len(),
        });
    }
    let need = rows(missing.iter().map(Indicator::rows))?;
    let wrong = values.iter().enumerate().find_map(|(column, values)| {
        let have = values.map_or(need, <[f64]>::len);
        (have != need).then_some(NotComputed::Lengths { column, have, need })
    });
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let mut found = Dependence {
        splits: Vec::new(),
        tested: 0,
        significant: 0,
        too_few: 0,
        constant: 0,
        separated: Vec::new(),
        separated_pairs: 0,
    };
    let sides: Vec<Side<'_>> = missing.iter().map(Side::of).collect();
    let mut buffer = Vec::new();
    for (k, values) in values.iter().enumerate() {
        let Some(values) = values else { continue };
        let Some(column) = Standardised::of(values) else {
            // Constant or empty: its groups are either too small or the same.
            let usable = values.iter().filter(|value| value.is_finite()).count() as u64;
            let others = missing
                .iter()
                .enumerate()
                .filter(|(j, of_j)| *j != k && of_j.count() > 0);
            for (_, of_j) in others {
                let first = of_j
                    .missing()
                    .filter(|&row| values[row].is_finite())
                    .count() as u64;
                let few = first < GROUP_ROWS || usable - first < GROUP_ROWS;
                *(if few {
                    &mut found.too_few
                } else {
                    &mut found.constant
                }) += 1;
            }
            continue;
        };
        for (j, of_j) in sides.iter().enumerate() {
            if j == k || of_j.missing == 0 {
                continue;
            }
            let Some((first, second)) = column.split(of_j, &mut buffer) else {
                found.too_few += 1;
                continue;
            };
            match welch::test(&first, &second) {
                Ok(test) => found.splits.push(Split {
                    missing: j,
                    value: k,
                    groups: (first.count, second.count),
                    test,
                    adjusted_p_value: 1.0,
                }),
                // The column varies, so that two constant groups are two constants.
                Err(_) => found.separated.push((j, k)),
            }
        }
    }
    found.finish(alpha, most);
    Ok(found)
}

impl Dependence {
    /// Adjusts, counts, sorts and cuts what was found.
    fn finish(&mut self, alpha: f64, most: usize) {
        let p: Vec<f64> = self.splits.iter().map(|split| split.test.p_value).collect();
        for (split, adjusted) in self.splits.iter_mut().zip(benjamini_hochberg(&p)) {
            split.adjusted_p_value = adjusted;
        }
        let significant = self
            .splits
            .iter()
            .filter(|split| split.adjusted_p_value <= alpha);
        self.significant = significant.count() as u64;
        self.tested = self.splits.len() as u64;
        self.splits.sort_unstable_by(|a, b| {
            let (s, t) = (&a.test, &b.test);
            s.p_value
                .total_cmp(&t.p_value)
                .then_with(|| t.t.abs().total_cmp(&s.t.abs()))
                .then_with(|| (a.missing, a.value).cmp(&(b.missing, b.value)))
        });
        self.splits.truncate(most);
        self.separated_pairs = self.separated.len() as u64;
        self.separated.sort_unstable();
        self.separated.truncate(most);
    }
}

/// A column in units of its standard deviation, NaN where it has no finite value.
struct Standardised {
    values: Vec<f64>,
    all: Group,
}

impl Standardised {
    fn of(values: &[f64]) -> Option<Self> {
        let values = standardised(values)?;
        let present: Vec<f64> = values
            .iter()
            .copied()
            .filter(|value| !value.is_nan())
            .collect();
        let all = group(&present)?;
        Some(Standardised { values, all })
    }

    /// The values where `missing` says so, and the others; `None` when a group is too small.
    ///
    /// Only the smaller group is summed. The other is the whole less that, by the pairwise formula of Chan, Golub
    /// and LeVeque (1983), unless so little is left that the difference would be rounding.
    fn split(&self, side: &Side<'_>, buffer: &mut Vec<f64>) -> Option<(Group, Group)> {
        let summed = self.gather(&side.rows, buffer);
        let count = summed.len() as u64;
        if count < GROUP_ROWS || self.all.count - count < GROUP_ROWS {
            return None;
        }
        let summed = group(summed)?;
        let (n, s) = (self.all.count as f64, summed.count as f64);
        let rest = n - s;
        let mean = self.all.mean + (self.all.mean - summed.mean) * s / rest;
        let all = self.all.variance * (n - 1.0);
        let between = (mean - summed.mean).powi(2) * s * rest / n;
        let squares = all - summed.variance * (s - 1.0) - between;
        let other = if squares > CANCELLED * all {
            Group {
                count: self.all.count - summed.count,
                mean,
                variance: squares / (rest - 1.0),
            }
        } else {
            group(self.gather(&side.others(), buffer))?
        };
        Some(if side.is_missing {
            (summed, other)
        } else {
            (other, summed)
        })
    }

    /// The values of these rows, put into a buffer.
    fn gather<'a>(&self, rows: &[usize], buffer: &'a mut Vec<f64>) -> &'a [f64] {
        buffer.resize(buffer.len().max(rows.len()), 0.0);
        let mut found = 0;
        for &row in rows {
            // Written in any case and counted if it is a value: without a branch.
            let value = self.values[row];
            buffer[found] = value;
            found += usize::from(!value.is_nan());
        }
        &buffer[..found]
    }
}

/// The rows in which a column is missing, or those in which it is not, whichever are fewer.
struct Side<'a> {
    indicator: &'a Indicator,
    missing: u64,
    is_missing: bool,
    rows: Vec<usize>,
}

impl<'a> Side<'a> {
    fn of(indicator: &'a Indicator) -> Self {
        let missing = indicator.count();
        let is_missing = missing <= indicator.rows() as u64 / 2;
        Side {
            indicator,
            missing,
            is_missing,
            rows: if is_missing {
                indicator.missing().collect()
            } else {
                indicator.present().collect()
            },
        }
    }

    /// The other rows.
    fn others(&self) -> Vec<usize> {
        if self.is_missing {
            self.indicator.present().collect()
        } else {
            self.indicator.missing().collect()
        }
    }
}

/// Count, mean and variance of standardised values, none of them NaN, by the corrected two-pass algorithm (Chan, Golub and LeVeque
/// 1983); equal values have no variance.
fn group(values: &[f64]) -> Option<Group> {
    let first = *values.first()?;
    let n = values.len() as f64;
    let mut group = Group {
        count: values.len() as u64,
        mean: first,
        variance: 0.0,
    };
    if values.iter().all(|value| *value == first) {
        return Some(group);
    }
    let rough = values.iter().sum::<f64>() / n;
    let (deviation, squares) = values.iter().fold((0.0, 0.0), |(sum, squares), value| {
        let from = value - rough;
        (sum + from, squares + from * from)
    });
    group.mean = rough + deviation / n;
    group.variance = (squares - deviation * deviation / n).max(0.0) / (n - 1.0);
    Some(group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::scaled::moments;
    use crate::oracle::{check, rows as reference};
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    fn normal(rng: &mut SmallRng) -> f64 {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    fn of(columns: &[Vec<f64>], alpha: f64) -> Dependence {
        let missing: Vec<Indicator> = columns
            .iter()
            .map(|column| Indicator::of_values(column))
            .collect();
        let values: Vec<Option<&[f64]>> = columns.iter().map(|column| Some(&column[..])).collect();
        dependence(&missing, &values, alpha, 1000).unwrap()
    }

    /// A column of numbers with gaps, and three that say which rows are missing.
    fn table() -> impl Strategy<Value = Vec<Vec<f64>>> {
        let value = prop_oneof![6 => -1e3..1e3f64, 2 => (0..3i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)];
        (20usize..150).prop_flat_map(move |rows| {
            prop::collection::vec(prop::collection::vec(value.clone(), rows), 2..5)
        })
    }

    proptest! {
        /// Every pair is what Welch's test says of the two groups summed one by one.
        #[test]
        fn a_split_is_the_test_of_its_groups(columns in table(), unit in prop::sample::select(vec![1e-290, 1.0, 1e290])) {
            let columns: Vec<Vec<f64>> = columns.iter().map(|column| column.iter().map(|value| value * unit).collect()).collect();
            let found = of(&columns, 0.05);
            let gaps = columns.iter().filter(|column| column.iter().any(|value| value.is_nan())).count();
            let pairs = gaps * (columns.len() - 1);
            prop_assert_eq!((found.tested + found.too_few + found.constant + found.separated_pairs) as usize, pairs);
            // A group of fewer rows is never tested, and one of as many always.
            let large = |j: usize, k: usize, missing: bool| {
                let rows = columns[j].iter().zip(&columns[k]);
                rows.filter(|(m, x)| m.is_nan() == missing && x.is_finite()).count() as u64 >= GROUP_ROWS
            };
            let all = (0..columns.len()).flat_map(|j| (0..columns.len()).map(move |k| (j, k)));
            let enough = all.filter(|&(j, k)| j != k && large(j, k, true) && large(j, k, false)).count() as u64;
            prop_assert_eq!(found.tested + found.constant + found.separated_pairs, enough);
            for split in &found.splits {
                let side = |missing: bool| {
                    let rows = columns[split.missing].iter().zip(&columns[split.value]);
                    group(&rows.filter(|(m, x)| m.is_nan() == missing && x.is_finite()).map(|(_, x)| x / unit).collect::<Vec<_>>()).unwrap()
                };
                let (first, second) = (side(true), side(false));
                prop_assert_eq!(split.groups, (first.count, second.count));
                let expected = welch::test(&first, &second).unwrap();
                prop_assert!((split.test.t - expected.t).abs() < 1e-8 * (1.0 + expected.t.abs()), "{:?} {:?}", split, expected);
                prop_assert!((split.test.p_value - expected.p_value).abs() < 1e-8);
                prop_assert!(split.adjusted_p_value >= split.test.p_value);
            }
        }
    }

    /// scipy's `ttest_ind(equal_var=False)` of every pair of the table that Little's test is held on.
    #[test]
    fn the_values_are_scipys() {
        let columns = crate::missingness::tests::little(300);
        let found = of(&columns, 0.05);
        let expected = reference("Welch by missing");
        assert_eq!(found.splits.len(), expected.len());
        for row in expected {
            let split = found
                .splits
                .iter()
                .find(|split| (split.missing as f64, split.value as f64) == (row[0], row[1]))
                .unwrap();
            check(split.test.t, row[2], 1e-9);
            check(split.test.degrees, row[3], 1e-9);
            check(split.test.p_value, row[4], 1e-9);
            check(split.adjusted_p_value, row[5], 1e-9);
        }
    }

    #[test]
    fn what_little_is_left_is_summed_anew() {
        // Beside 10¹², the other group's own spread would be lost in the difference.
        let rows = 400;
        let gaps: Vec<f64> = (0..rows)
            .map(|row| if row < 40 { f64::NAN } else { 1.0 })
            .collect();
        let values: Vec<f64> = (0..rows)
            .map(|row| f64::from(row % 7) + if row < 40 { 1e12 * f64::from(row) } else { 0.0 })
            .collect();
        let found = Standardised::of(&values)
            .unwrap()
            .split(&Side::of(&Indicator::of_values(&gaps)), &mut Vec::new())
            .unwrap();
        let unit = moments(&values).unwrap().variance.unwrap();
        check(
            found.1.variance * unit,
            moments(&values[40..]).unwrap().variance.unwrap(),
            1e-3,
        );
    }

    #[test]
    fn constants_and_perfect_separation() {
        let gap: Vec<f64> = (0..60)
            .map(|row| if row < 25 { f64::NAN } else { f64::from(row) })
            .collect();
        let apart: Vec<f64> = (0..60).map(|row| f64::from(u8::from(row < 25))).collect();
        let found = of(
            &[gap.clone(), apart, vec![3.0; 60], vec![f64::NAN; 60]],
            0.05,
        );
        assert_eq!(found.separated, [(0, 1)]);
        assert_eq!(
            (found.separated_pairs, found.constant, found.tested),
            (1, 1, 0)
        );
        // Of the column without values against the first, and of every column against the one that is all missing.
        assert_eq!(found.too_few, 4);
        assert_eq!(of(&[], 0.05).tested, 0);
        let lengths = dependence(&[Indicator::of_values(&gap)], &[Some(&gap[1..])], 0.05, 9);
        assert_eq!(
            lengths,
            Err(NotComputed::Lengths {
                column: 0,
                have: 59,
                need: 60
            })
        );
        assert_eq!(
            dependence(&[], &[None], 0.05, 9),
            Err(NotComputed::OtherColumns { have: 1, need: 0 })
        );
    }

    /// Share of tested pairs with p < 0.05, and of windows with a significant pair, of columns that are missing at
    /// random in 15 % of 300 rows.
    fn rates(rng: &mut SmallRng, value: fn(f64) -> f64) -> (f64, f64) {
        let (mut rejected, mut tested, mut windows) = (0, 0, 0);
        for _ in 0..200 {
            let mut cell = || {
                let (missing, value) = (rng.random::<f64>() < 0.15, value(normal(rng)));
                if missing { f64::NAN } else { value }
            };
            let columns: Vec<Vec<f64>> =
                (0..4).map(|_| (0..300).map(|_| cell()).collect()).collect();
            let found = of(&columns, 0.05);
            tested += found.tested;
            let below = |split: &&Split| split.test.p_value < 0.05;
            rejected += found.splits.iter().filter(below).count();
            windows += u32::from(found.significant > 0);
        }
        (rejected as f64 / tested as f64, f64::from(windows) / 200.0)
    }

    /// About 2,400 tests and 200 windows: standard deviations of 0.005 and 0.015.
    #[test]
    fn the_level_holds_when_columns_are_independent() {
        let mut rng = SmallRng::seed_from_u64(3);
        let (pairs, windows) = rates(&mut rng, |z| z);
        assert!(
            (0.035..0.065).contains(&pairs) && (0.005..0.1).contains(&windows),
            "{pairs} {windows}"
        );
        // What the head of this file says of skewed columns.
        let (pairs, _) = rates(&mut rng, f64::exp);
        assert!((0.05..0.1).contains(&pairs), "{pairs}");
    }

    /// A column that is missing more often where another is large.
    #[test]
    fn a_real_dependence_is_found() {
        let mut rng = SmallRng::seed_from_u64(4);
        let x: Vec<f64> = (0..2000).map(|_| normal(&mut rng)).collect();
        let y = x.iter().map(|x| {
            if rng.random::<f64>() < 0.1 + 0.1 * f64::from(u8::from(*x > 0.0)) {
                f64::NAN
            } else {
                1.0 + rng.random::<f64>()
            }
        });
        let found = of(&[x.clone(), y.collect()], 1e-6);
        let split = found.splits[0];
        assert_eq!((split.missing, split.value, found.significant), (1, 0, 1));
        assert!(
            split.test.effect > 0.2 && split.test.effect < 0.6,
            "{split:?}"
        );
    }
}
