//! One window as a whole: what is about all of its columns and not about one of them.

use serde::{Deserialize, Serialize};

use crate::association::{InputError, Matrix, Values, matrix};
use crate::keys::Keys;
use crate::missingness::Missingness;
use crate::performance::Performance;
use crate::segments::Segmented;

/// Features that are compared with each other: the first so many of the baseline.
pub const MAX_FEATURES: usize = 128;

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
    /// Of the columns of a sample of rows, each with its feature's name.
    ///
    /// # Errors
    /// When columns have different numbers of rows, or contradict themselves.
    pub fn new(columns: &[(&str, Values<'_>)]) -> Result<Self, InputError> {
        let values: Vec<Values<'_>> = columns.iter().map(|(_, values)| *values).collect();
        Ok(Associations {
            features: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            matrix: matrix(&values)?,
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
