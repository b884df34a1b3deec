//! How the columns of one window hang together, and how that changed since the baseline.
//!
//! Every pair of columns has one measure that alarms: two numeric columns Spearman's rank correlation (Pearson's is
//! shown beside it), two categorical ones Cramér's V, a numeric and a categorical one the correlation ratio. The way
//! of a value: [`Values`] of a sample of rows → [`matrix`](fn@matrix) of a window → [`pool`](fn@pool) of the baseline's windows →
//! [`Changes`] of a window against it, each of which [`null`](fn@null) says how large chance makes.
//!
//! Rows are deleted pairwise: a pair rests on the rows in which both columns have a value, and says how many these
//! are. No threshold lives here.

mod change;
mod collapse;
mod correlation;
mod correlation_ratio;
mod cramers_v;
mod matrix;
mod measure;
mod null;
mod pool;
mod saved;
mod values;
mod vif;

pub use change::{Change, Changes};
pub use collapse::Collapse;
pub use matrix::{Matrix, Pair, matrix};
pub use measure::{
    Association, Independence, InputError, MAX_CATEGORIES, MIN_ROWS, Measure, NotComputed,
};
pub use null::{Null, null};
pub use pool::{Pooled, pool};
pub use values::{ABSENT, Values};
pub use vif::{Band, Relation, Vif, Vifs, vif};

#[cfg(test)]
mod tests;
