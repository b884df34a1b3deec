//! How values are missing together in one window: all that is kept of it once it is closed.
//!
//! It is made of the sample of rows, so that it is bounded: at most [`KEPT`](super::patterns::KEPT) patterns, a count for each
//! pair of columns, [`SPLITS`] splits, and one test.

use serde::{Deserialize, Serialize};

use super::co_missing::JointCounts;
use super::dependence::{self, Dependence};
use super::patterns::Patterns;
use super::{Indicator, NotComputed, mcar};
use crate::rows::{RowSample, RowValues};

/// The level at which a split counts as significant, after adjustment.
pub const SIGNIFICANT: f64 = 0.05;
/// The most splits that are kept.
pub const SPLITS: usize = 10;

/// How the columns of a window are missing together. A null is missing; NaN is a value here, but has none for the tests that
/// compute with values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missingness {
    features: Vec<String>,
    patterns: Patterns,
    joint: JointCounts,
    mcar: Result<McarTest, NotComputed>,
    dependence: Dependence,
}

/// Little's test of whether values are missing completely at random, over the numeric columns; see [`mcar`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McarTest {
    /// d².
    pub statistic: f64,
    /// Its degrees of freedom.
    pub degrees: u64,
    /// Probability of a statistic at least as large when values are missing completely at random.
    pub p_value: f64,
    /// Rows that took part.
    pub rows: u64,
    /// Patterns that took part.
    pub patterns: u64,
    /// Columns that took part.
    pub columns: u64,
}

impl Missingness {
    /// Of the sampled columns of a window, each with its feature's name.
    ///
    /// # Errors
    /// When there are too many columns, or they have different numbers of rows.
    pub fn new(columns: &[(&str, &RowSample)]) -> Result<Self, NotComputed> {
        let nulls: Vec<Indicator> = columns
            .iter()
            .map(|(_, sample)| sample.nulls.clone())
            .collect();
        let numbers: Vec<Option<&[f64]>> = columns
            .iter()
            .map(|(_, sample)| match &sample.values {
                RowValues::Numeric(values) => Some(values.as_slice()),
                RowValues::Categorical(_) => None,
            })
            .collect();
        let numeric: Vec<&[f64]> = numbers.iter().flatten().copied().collect();
        let (mcar, (patterns, dependence)) = rayon::join(
            || little(&numeric),
            || {
                let patterns = Patterns::count(&nulls);
                let dependence = dependence::dependence(&nulls, &numbers, SIGNIFICANT, SPLITS);
                (patterns, dependence)
            },
        );
        Ok(Missingness {
            features: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            patterns: patterns?,
            joint: JointCounts::count(&nulls)?,
            mcar,
            dependence: dependence?,
        })
    }

    /// The columns, by their features' names.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Which columns are missing at once.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// How many rows each pair of columns misses together.
    pub fn joint(&self) -> &JointCounts {
        &self.joint
    }

    /// Whether values are missing completely at random.
    ///
    /// # Errors
    /// Why that was not tested.
    pub fn mcar(&self) -> Result<McarTest, NotComputed> {
        self.mcar
    }

    /// Which numeric columns are different where other columns are missing, by their positions.
    pub fn dependence(&self) -> &Dependence {
        &self.dependence
    }

    /// The patterns and pairs of these features, in this order, without those that are not here.
    pub fn of(&self, features: &[String]) -> (Patterns, JointCounts) {
        let column = |name: &String| self.features.iter().position(|own| own == name);
        let columns: Vec<usize> = features.iter().filter_map(column).collect();
        of(&self.patterns, &self.joint, &columns)
    }
}

/// The patterns and pairs of some columns, in this order.
pub(crate) fn of(
    patterns: &Patterns,
    joint: &JointCounts,
    columns: &[usize],
) -> (Patterns, JointCounts) {
    let joint = joint.of(columns);
    let missing = (0..columns.len()).map(|column| joint.pair(column, column).both);
    let cells = patterns.rows() * columns.len() as u64;
    let filled = cells.saturating_sub(missing.sum());
    (patterns.of(columns, filled), joint)
}

/// Little's test, without the names of what took no part.
fn little(numeric: &[&[f64]]) -> Result<McarTest, NotComputed> {
    let found = mcar::test(numeric)?;
    // What is saved must be a number.
    if !found.statistic.is_finite() {
        return Err(NotComputed::ZeroSpread);
    }
    Ok(McarTest {
        statistic: found.statistic,
        degrees: found.degrees,
        p_value: found.p_value,
        rows: found.rows,
        patterns: found.patterns,
        columns: found.columns.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Column, Kind, Validity};
    use crate::missingness::tests::little as reference;
    use crate::oracle::{check, row};
    use crate::profile::FeatureProfile;
    use crate::rows::RowSampler;

    /// A numeric column in which NaN stands for a null.
    fn sampled(values: &[f64]) -> RowSample {
        let mut bits = vec![0u8; values.len().div_ceil(8)];
        let there = values.iter().enumerate().filter(|(_, v)| !v.is_nan());
        there.for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
        let column = Column::Numeric {
            values,
            validity: Validity::bitmap(&bits, 0, values.len()).unwrap(),
        };
        let mut sample = RowSample::new(Kind::Numeric);
        let choice = RowSampler::default().choose(values.len());
        FeatureProfile::new(Kind::Numeric, None).pick(&column, &choice, &mut sample);
        sample
    }

    fn of_reference() -> Missingness {
        let columns: Vec<RowSample> = reference(2800).iter().map(|c| sampled(c)).collect();
        let named: Vec<(&str, &RowSample)> = ["x", "y", "z"].into_iter().zip(&columns).collect();
        Missingness::new(&named).unwrap()
    }

    #[test]
    fn the_sample_of_rows_says_what_its_columns_say() {
        let found = of_reference();
        let little = found.mcar().unwrap();
        let expected = row("Little of 2,800");
        assert_eq!(
            (
                little.degrees as f64,
                little.rows,
                little.patterns,
                little.columns
            ),
            (expected[1], 2800, 4, 3)
        );
        check(little.statistic, expected[0], 1e-4);
        // y misses every fifth row, z the fourth of every seven: one row in 35 misses both.
        assert_eq!(found.patterns().complete_share(), Some(1920.0 / 2800.0));
        assert_eq!(found.joint().pair(1, 2).both, 80);
        assert_eq!(found.dependence().tested, 4);
        let saved = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Missingness>(&saved).unwrap(), found);
    }

    #[test]
    fn some_columns_are_as_if_there_were_no_others() {
        let found = of_reference();
        let names = ["z", "nobody", "y"].map(str::to_owned);
        let (patterns, joint) = found.of(&names);
        let columns = reference(2800);
        let alone = [sampled(&columns[2]), sampled(&columns[1])];
        let alone = Missingness::new(&[("z", &alone[0]), ("y", &alone[1])]).unwrap();
        assert_eq!((&patterns, &joint), (alone.patterns(), alone.joint()));
        assert_eq!(
            found.of(found.features()),
            (found.patterns().clone(), found.joint().clone())
        );
        let (none, _) = found.of(&[]);
        assert_eq!((none.rows(), none.complete_share()), (2800, None));
    }

    /// A NaN is no null: its row is complete, and for the tests that compute with values it has none.
    #[test]
    fn what_is_not_a_number_is_not_missing() {
        let values: Vec<f64> = (0..100)
            .map(|row| if row < 30 { f64::NAN } else { f64::from(row) })
            .collect();
        let mut sample = sampled(&values);
        sample.nulls = (0..100).map(|_| false).collect();
        let found = Missingness::new(&[("a", &sample)]).unwrap();
        assert_eq!(found.patterns().complete_share(), Some(1.0));
        assert_eq!(found.dependence().tested, 0);
    }
}
