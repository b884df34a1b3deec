//! Variance inflation factors: how well the other numeric columns tell each of them.
//!
//! VIF_j = [R⁻¹]_jj = 1/(1 − R²_j) with R the Pearson correlations (Marquardt 1970); R²_j is that of the regression of
//! column j on all others with an intercept. A column that the others tell wholly has no factor but a relation, which
//! names the columns.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use serde::{Deserialize, Serialize};

use super::matrix::Matrix;
use super::measure::NotComputed;
use crate::column::Kind;

/// A column of which the others leave less than this share of the variance is told wholly: the correlations are
/// rounded to 1e-6, so a factor above 10,000 would be made of rounding.
const TOLERANCE: f64 = 1e-4;

/// How grave a factor is, by convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Band {
    /// Below 5.
    Low,
    /// From 5: the other columns tell at least 80 % of it.
    Collinear,
    /// From 10: at least 90 %.
    Severe,
}

impl Band {
    fn of(factor: f64) -> Self {
        match factor {
            high if high >= 10.0 => Band::Severe,
            high if high >= 5.0 => Band::Collinear,
            _ => Band::Low,
        }
    }
}

/// The factor of one column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Vif {
    /// The factor, at least 1.
    Factor {
        /// Its value.
        value: f64,
        /// How grave that is.
        band: Band,
    },
    /// The column is part of a [`Relation`]: the other columns tell it wholly.
    Dependent,
}

impl Vif {
    /// The factor; infinite of a column that the others tell wholly.
    pub fn value(self) -> f64 {
        match self {
            Vif::Factor { value, .. } => value,
            Vif::Dependent => f64::INFINITY,
        }
    }
}

/// Columns of which each follows from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Positions of the columns, rising; at least two.
    pub columns: Vec<usize>,
}

/// The factors of all columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Vifs {
    /// For each column of the matrix its factor.
    pub columns: Vec<Result<Vif, NotComputed>>,
    /// One relation for each column that could be left out without a loss. Empty when the correlations have full rank.
    pub relations: Vec<Relation>,
}

/// The factors of a matrix' numeric columns among each other. Columns are taken in their order; one without a
/// correlation to another is left out, the one with most such gaps first. Correlations of different rows may
/// contradict each other: the column in which that shows is [`NotComputed::Inconsistent`].
pub fn vif(matrix: &Matrix) -> Vifs {
    let mut columns = vec![Err(NotComputed::NotNumeric); matrix.kinds().len()];
    let mut set = |column: usize, found: Result<Vif, NotComputed>| {
        if let Some(slot) = columns.get_mut(column) {
            *slot = found;
        }
    };
    let (related, left_out) = related(matrix);
    for (column, reason) in left_out {
        set(column, Err(reason));
    }
    let mut relations = Vec::new();
    let mut basis = Basis::default();
    for column in related {
        match basis.add(matrix, column) {
            Added::Kept => {}
            Added::Told(relation) => relations.push(relation),
            Added::Inconsistent => set(column, Err(NotComputed::Inconsistent)),
        }
    }
    if let Some(cholesky) = &basis.cholesky {
        let inverse = cholesky.inverse();
        for (column, value) in basis.columns.iter().zip(inverse.diagonal().iter()) {
            let value = value.max(1.0);
            let band = Band::of(value);
            set(*column, Ok(Vif::Factor { value, band }));
        }
    }
    for column in relations.iter().flat_map(|relation| &relation.columns) {
        set(*column, Ok(Vif::Dependent));
    }
    Vifs { columns, relations }
}

fn correlation(matrix: &Matrix, i: usize, j: usize) -> Option<f64> {
    let pearson = matrix.pair(i, j)?.pearson?.ok()?;
    Some(pearson.value)
}

/// The numeric columns of which every pair has a correlation, and the others with a reason.
fn related(matrix: &Matrix) -> (Vec<usize>, Vec<(usize, NotComputed)>) {
    let numeric = matrix.kinds().iter().enumerate();
    let mut kept: Vec<usize> = numeric
        .filter(|(_, kind)| **kind == Kind::Numeric)
        .map(|(column, _)| column)
        .collect();
    let mut left_out = Vec::new();
    loop {
        let gaps = |column: &usize| {
            let others = kept.iter().filter(|other| *other != column);
            let gaps = others.filter(|other| correlation(matrix, *column, **other).is_none());
            gaps.count()
        };
        let worst = kept.iter().copied().max_by_key(gaps);
        let Some(worst) = worst.filter(|worst| gaps(worst) > 0) else {
            return (kept, left_out);
        };
        left_out.push((worst, reason(matrix, worst)));
        kept.retain(|column| *column != worst);
    }
}

/// Why a column has gaps: the one reason of all its pairs, if they have one.
fn reason(matrix: &Matrix, column: usize) -> NotComputed {
    let pairs = (0..matrix.kinds().len()).filter_map(|other| matrix.pair(column, other)?.pearson);
    let mut reasons = pairs.map(Result::err);
    let first = reasons.next().flatten();
    let constant = first == Some(NotComputed::Constant) && reasons.all(|other| other == first);
    if constant {
        NotComputed::Constant
    } else {
        NotComputed::Unrelated
    }
}

/// Columns of which none is told wholly by those before it.
#[derive(Default)]
struct Basis {
    columns: Vec<usize>,
    cholesky: Option<Cholesky<f64, Dyn>>,
}

enum Added {
    Kept,
    Told(Relation),
    Inconsistent,
}

impl Basis {
    fn add(&mut self, matrix: &Matrix, column: usize) -> Added {
        let Some(cholesky) = &self.cholesky else {
            self.cholesky = Cholesky::new(DMatrix::identity(1, 1));
            self.columns.push(column);
            return Added::Kept;
        };
        let among = self.columns.iter();
        let among = among.map(|other| correlation(matrix, column, *other).unwrap_or(0.0));
        let with = DVector::from_iterator(self.columns.len(), among);
        let weights = cholesky.solve(&with);
        let rest = 1.0 - with.dot(&weights);
        if rest < -TOLERANCE || !rest.is_finite() {
            return Added::Inconsistent;
        }
        if rest < TOLERANCE {
            // A column is part of the relation if without it more than the tolerance would be left: b²/[R⁻¹] is what
            // it takes off.
            let own = cholesky.inverse().diagonal();
            let parts = self.columns.iter().zip(weights.iter());
            let takes_off = parts.zip(own.iter());
            let mut columns: Vec<usize> = takes_off
                .filter(|((_, weight), own)| *weight * *weight / *own > TOLERANCE)
                .map(|((other, _), _)| *other)
                .collect();
            columns.push(column);
            columns.sort_unstable();
            return Added::Told(Relation { columns });
        }
        // The new column's own entry is the last.
        let at = self.columns.len();
        self.cholesky = Some(cholesky.insert_column(at, with.push(1.0)));
        self.columns.push(column);
        Added::Kept
    }
}
