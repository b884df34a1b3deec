//! Feature statistics: mergeable profiles, frozen baselines, distances, limits, verdicts.
//!
//! Pure: no Arrow, no clock, no input or output. The way of a value through this crate:
//! [`Column`] → [`FeatureProfile`] (one feature, one window, bounded, mergeable) → [`Summary`] (closed, plain);
//! baseline windows → [`FrozenFeature`] → [`Reference`]; and `judge(&Reference, &[Option<&Summary>])` →
//! [`FeatureReport`]s. Formulas, defaults and sources stand in `docs/statistics.md`.

mod baseline;
mod bins;
mod categories;
mod column;
mod grid;
mod hash;
mod hll;
mod judge;
mod measure;
mod moments;
#[cfg(test)]
mod oracle;
mod profile;
mod sample;
mod summary;
mod tail;
mod validity;
mod verdict;

pub mod distance;
#[doc(hidden)]
pub mod kernels;
pub mod limits;
pub mod multiplicity;
pub mod poisson;

pub use baseline::FrozenFeature;
pub use bins::{Bins, CategoryBins, NumericBins};
pub use column::{Categories, Column, ColumnError, Kind, Validity};
pub use distance::{Distance, NotComputed, Statistic};
pub use judge::{
    CheckSettings, DriftSettings, FeatureReport, QualitySettings, Reference, Settings, judge,
};
pub use limits::{Alpha, Limit, LimitPart};
pub use profile::{FeatureProfile, MergeError};
pub use summary::{Counts, Moments, PROBABILITIES, Quantiles, Summary, Tail};
pub use validity::Acceptable;
pub use verdict::{ByCheck, BySeverity, Check, SCORE_MAX, Severity, Streak, Verdict, score};
