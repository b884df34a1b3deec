//! One window as a whole: what is about all of its columns and not about one of them.

use serde::{Deserialize, Serialize};

use crate::association::{InputError, Matrix, Values, matrix};
use crate::distance::NotComputed;
use crate::keys::Keys;
use crate::missingness::{CompleteEntities, CompleteRows, Missingness};
use crate::performance::Performance;
use crate::rows::RowValues;
use crate::segments::Segmented;

/// Features that are compared with each other, with the target and within segments: the first so many of the baseline, by name.
pub const MAX_FEATURES: usize = 128;

/// Why a feature is not among the `sampled` ones: there are as many as may be, or what `otherwise` says.
pub(crate) fn not_sampled(sampled: usize, otherwise: NotComputed) -> NotComputed {
    match sampled >= MAX_FEATURES {
        true => NotComputed::TooManyFeatures { most: MAX_FEATURES },
        false => otherwise,
    }
}

/// The most rows that pairs of features rest on: of more every second one is taken, or every third. With 8,193 rows and as
/// many in the baseline chance alone moves a correlation by 0.0156 (one standard error), far below the 0.10 from which a change
/// matters, so that more rows would make no limit lower.
pub const PAIR_ROWS: usize = 1 << 14;

/// A window as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowSummary {
    /// Its entity keys; `None` where none are named, or one is not in the window.
    #[serde(default)]
    pub keys: Option<Keys>,
    /// How its features hang together; `None` where no rows were sampled for it.
    #[serde(default)]
    pub associations: Option<Associations>,
    /// What its features tell about the target; `None` where there is none.
    #[serde(default)]
    pub performance: Option<Performance>,
    /// How its features are missing together; `None` where no rows were sampled for it.
    #[serde(default)]
    pub missingness: Option<Missingness>,
    /// How complete its rows are, over all features of the baseline that it has; `None` where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<CompleteRows>,
    /// How complete its entities are, over the same features; `None` where that was not asked for, and where no keys are named or
    /// one is not in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entities: Option<CompleteEntities>,
    /// Its features by the segments of each column that divides its rows; none where there is no such column.
    #[serde(default)]
    pub segments: Vec<Segmented>,
}

impl WindowSummary {
    /// Its features by the segments of this column.
    pub fn segmented(&self, column: &str) -> Option<&Segmented> {
        let mut all = self.segments.iter();
        all.find(|segmented| segmented.column() == column)
    }
}

/// How the features of a window hang together, over a sample of its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Associations {
    features: Vec<String>,
    matrix: Matrix,
}

impl Associations {
    /// Of the columns of a sample of rows, each with its feature's name; of more than [`PAIR_ROWS`] a part of them.
    ///
    /// # Errors
    /// When columns have different numbers of rows.
    pub fn new(columns: &[(&str, Values<'_>)]) -> Result<Self, InputError> {
        let rows = columns.first().map_or(0, |(_, values)| values.rows());
        let step = rows.div_ceil(PAIR_ROWS).max(1);
        let some: Vec<RowValues> = columns
            .iter()
            .map(|(_, values)| RowValues::every(step, *values))
            .collect();
        let some: Vec<Values<'_>> = some.iter().map(RowValues::values).collect();
        Ok(Associations {
            features: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            matrix: matrix(&some)?,
        })
    }

    /// The features, in the order of the matrix.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Every pair of them.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// A feature's column in the matrix.
    pub fn column(&self, feature: &str) -> Option<usize> {
        self.features.iter().position(|name| name == feature)
    }

    /// The matrix of these features, without those that are not here.
    pub fn of(&self, features: &[String]) -> Matrix {
        let columns: Vec<usize> = features
            .iter()
            .filter_map(|name| self.column(name))
            .collect();
        self.matrix.of(&columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::u;

    #[test]
    fn of_many_rows_a_part_is_taken_evenly() {
        let numbers = u(40_000, 3);
        let codes: Vec<u32> = u(40_000, 5).iter().map(|u| (3.0 * u) as u32).collect();
        let coded = |codes| Values::Categorical {
            codes,
            categories: 9,
        };
        let found = [("a", Values::Numeric(&numbers)), ("b", coded(&codes))];
        let found = Associations::new(&found).unwrap();
        let third: Vec<f64> = numbers.iter().step_by(3).copied().collect();
        let their: Vec<u32> = codes.iter().step_by(3).copied().collect();
        let expected = matrix(&[Values::Numeric(&third), coded(&their)]).unwrap();
        assert_eq!(found.matrix(), &expected);
        assert_eq!(expected.pair(0, 1).unwrap().alarming.unwrap().n, 13_334);
        let all = [("a", Values::Numeric(&numbers[..PAIR_ROWS])); 2];
        let found = Associations::new(&all).unwrap();
        let n = found.matrix().pair(0, 1).unwrap().alarming.unwrap().n;
        assert_eq!(n, PAIR_ROWS as u64);
    }
}
