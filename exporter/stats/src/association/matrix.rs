//! Every pair of the columns of one window.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::correlation::{Apart, Together, pearson, spearman};
use super::correlation_ratio::correlation_ratio;
use super::cramers_v::cramers_v;
use super::measure::{Association, InputError, Measure, NotComputed};
use super::saved::Saved;
use super::values::{MAX_ROWS, Numeric, Prepared, Values};
use crate::column::Kind;
use crate::mid_ranks::MidRanks;
use crate::missingness::Indicator;

/// Pairs that one thread takes at once, with the same room for ranks.
const TOGETHER: usize = 16;

/// How one pair of columns hangs together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The measure that alarms: see [`Measure::of`].
    pub alarming: Result<Association, NotComputed>,
    /// Pearson's correlation, shown beside Spearman's; `None` unless both columns are numeric. The rows that it leaves
    /// out for an infinite value are its n less than Spearman's.
    pub pearson: Option<Result<Association, NotComputed>>,
}

/// All pairs of p columns, the upper triangle row by row. Saved as JSON it takes some 170 kB
/// for 128 numeric columns, and twice that where each lacks values in other rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct Matrix {
    pub(super) kinds: Vec<Kind>,
    pub(super) pairs: Vec<Pair>,
}

impl Matrix {
    /// What each column is.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The pair of two columns, in either order; `None` for a column with itself or beyond the last.
    pub fn pair(&self, i: usize, j: usize) -> Option<&Pair> {
        self.pairs.get(self.position(i, j)?)
    }

    /// Where the pair of two columns, in either order, stands among all pairs.
    pub(crate) fn position(&self, i: usize, j: usize) -> Option<usize> {
        let (low, high, p) = (i.min(j), i.max(j), self.kinds.len());
        // Rows before `low` hold p−1, p−2, … pairs.
        (low < high && high < p).then(|| low * (2 * p - low - 1) / 2 + high - low - 1)
    }

    /// The matrix of some of the columns, in this order.
    pub(crate) fn of(&self, columns: &[usize]) -> Matrix {
        let kinds = columns.iter().filter_map(|column| self.kinds.get(*column));
        let pair = |(i, j): (usize, usize)| {
            let (first, second) = (columns.get(i)?, columns.get(j)?);
            self.pair(*first, *second).copied()
        };
        Matrix {
            kinds: kinds.copied().collect(),
            pairs: positions(columns.len()).filter_map(pair).collect(),
        }
    }

    /// All pairs with the positions of their columns, the first below the second.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, &Pair)> {
        let at = positions(self.kinds.len());
        at.zip(&self.pairs).map(|((i, j), pair)| (i, j, pair))
    }
}

/// Positions of the pairs of p columns, in their order.
pub(super) fn positions(p: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..p).flat_map(move |i| (i + 1..p).map(move |j| (i, j)))
}

/// All pairs of columns of the same rows, over all cores. Correlations of columns that have values in the same rows are matrix
/// products, and so are Pearson's of those that have not; two numeric columns that lack values in different rows are ranked
/// anew for each other, without being sorted again.
///
/// # Errors
/// When columns have different numbers of rows, too many, or a code that no category has.
pub fn matrix(columns: &[Values<'_>]) -> Result<Matrix, InputError> {
    let expected = columns.first().map_or(0, Values::rows);
    for (column, values) in columns.iter().enumerate() {
        let rows = values.rows();
        if rows != expected {
            return Err(InputError::Rows {
                column,
                rows,
                expected,
            });
        }
    }
    if expected > MAX_ROWS {
        return Err(InputError::TooManyRows {
            rows: expected,
            most: MAX_ROWS,
        });
    }
    let prepared = columns
        .par_iter()
        .enumerate()
        .map(|(column, values)| Prepared::new(column, values))
        .collect::<Result<Vec<_>, _>>()?;
    let spearmans = ByRows::new(Measure::Spearman, &prepared, |column| &column.absent);
    let pearsons = ByRows::new(Measure::Pearson, &prepared, |column| &column.not_finite);
    let apart = (pearsons.groups.len() > 1).then(|| Apart::new(&prepared));
    type Room = (MidRanks, MidRanks);
    let pair = |room: &mut Room, (i, j): (usize, usize)| {
        let (first, second) = (prepared.get(i)?, prepared.get(j)?);
        use Prepared::{Categorical, Numeric};
        Some(match (first, second) {
            (Numeric(x), Numeric(y)) => Pair {
                alarming: spearmans.pair(i, j).unwrap_or_else(|| spearman(x, y, room)),
                pearson: Some(
                    pearsons
                        .pair(i, j)
                        .or_else(|| apart.as_ref()?.pair(i, j))
                        .unwrap_or_else(|| pearson(x, y)),
                ),
            },
            (Categorical(x), Categorical(y)) => alone(cramers_v(x, y)),
            (Numeric(x), Categorical(groups)) | (Categorical(groups), Numeric(x)) => {
                alone(correlation_ratio(x, groups, &mut room.0))
            }
        })
    };
    let places: Vec<(usize, usize)> = positions(columns.len()).collect();
    let pairs = places
        .into_par_iter()
        .with_min_len(TOGETHER)
        .map_init(Room::default, pair);
    Ok(Matrix {
        kinds: columns.iter().map(Values::kind).collect(),
        pairs: pairs.flatten_iter().collect(),
    })
}

fn alone(alarming: Result<Association, NotComputed>) -> Pair {
    Pair {
        alarming,
        pearson: None,
    }
}

/// Correlations of the numeric columns, together where they have values in the same rows.
struct ByRows {
    /// For each column its group and its place there.
    places: Vec<Option<(usize, usize)>>,
    groups: Vec<Together>,
}

impl ByRows {
    fn new(measure: Measure, columns: &[Prepared], rows: impl Fn(&Numeric) -> &Indicator) -> Self {
        let mut groups: Vec<Vec<&Numeric>> = Vec::new();
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let Prepared::Numeric(column) = column else {
                places.push(None);
                continue;
            };
            let same = |group: &Vec<&Numeric>| {
                group
                    .first()
                    .is_some_and(|first| rows(first) == rows(column))
            };
            let at = groups.iter().position(same).unwrap_or(groups.len());
            if at == groups.len() {
                groups.push(Vec::new());
            }
            if let Some(group) = groups.get_mut(at) {
                places.push(Some((at, group.len())));
                group.push(column);
            }
        }
        let together = |group: &Vec<&Numeric>| {
            let n = group
                .first()
                .map_or(0, |first| rows(first).neither(rows(first)));
            // A column alone has no pair here.
            let columns = if group.len() > 1 { &group[..] } else { &[] };
            Together::new(measure, columns, n)
        };
        ByRows {
            places,
            groups: groups.iter().map(together).collect(),
        }
    }

    /// `None` where the columns have values in different rows.
    fn pair(&self, i: usize, j: usize) -> Option<Result<Association, NotComputed>> {
        let ((group, first), (other, second)) = ((*self.places.get(i)?)?, (*self.places.get(j)?)?);
        if group != other {
            return None;
        }
        Some(self.groups.get(group)?.pair(first, second))
    }
}
