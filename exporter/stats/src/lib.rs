//! Feature statistics: mergeable profiles, frozen baselines, distances, limits, verdicts.
//!
//! Pure: no Arrow, no clock, no input or output. The way of a value through this crate:
//! [`Column`] → [`FeatureProfile`] (one feature, one window, bounded, mergeable) → [`Summary`] (closed, plain);
//! baseline windows → [`FrozenFeature`] → [`Reference`]; and `judge(&Reference, &[Option<&Summary>], &WindowSummary)` →
//! [`Report`]. Formulas, defaults and sources stand in `docs/statistics.md`.

mod baseline;
mod bins;
mod categories;
mod column;
mod constant;
mod grid;
mod hash;
mod hll;
mod imputed;
mod judge;
mod kept;
mod keys;
mod measure;
mod mid_ranks;
mod moments;
#[cfg(test)]
mod oracle;
mod outliers;
mod power_sums;
mod profile;
mod ranks;
mod references;
mod rows;
mod sample;
mod segments;
mod shift;
mod summary;
mod tail;
mod times;
mod unseen;
mod update;
mod validity;
mod verdict;
mod window;

pub mod association;
pub mod decomposition;
pub mod distance;
#[doc(hidden)]
pub mod kernels;
pub mod limits;
pub mod missingness;
pub mod multiplicity;
pub mod performance;
pub mod poisson;
pub mod predictive;
pub mod seasonal;
pub mod sequential;

pub use baseline::FrozenFeature;
pub use bins::{Bins, CategoryBins, NumericBins};
pub use column::{Categories, Column, ColumnError, Kind, Validity};
pub use constant::became_constant;
pub use distance::{Distance, NotComputed, Statistic};
pub use imputed::{Distortion, FILL_SHARE, Imputed, ImputedBy};
pub use judge::{
    AssociationReport, CheckSettings, CoMissingPair, Completeness, Difference, DriftSettings,
    FeatureReport, FeatureSplit, MIN_SEGMENT_ROWS, MOST_CHANGED, MOST_EVIDENT, MOST_TOLD,
    MissingnessReport, PairChange, PairSpread, PairTest, PatternChange, PerformanceReport, Power,
    QualitySettings, Reference, Report, Season, SegmentChange, SegmentsReport, Settings,
    ShiftState, Split, Usual, judge, judge_shift, laid_to, pooled_spreads,
};
pub use kept::KeptSummary;
pub use keys::{KeyHash, KeySample, Keys};
pub use limits::{Alpha, Limit, LimitPart};
pub use missingness::{CompleteEntities, CompleteRows, EntitySample, Gaps, Missingness, RowGaps};
pub use outliers::Fences;
pub use profile::{FeatureProfile, MergeError};
pub use references::ReferenceDistance;
pub use rows::{Choice, RowSample, RowSampler, RowValues};
pub use segments::{SegmentValues, Segmented, place};
pub use shift::{FrozenShift, Step};
pub use summary::{Counts, Moments, PROBABILITIES, Quantiles, Summary, Tail};
pub use times::{TIME_POINTS, TimeSample, Times};
pub use unseen::{Alone, NamesByWindow, WindowNames};
pub use update::{MIN_GAPS, UsualGap};
pub use validity::Acceptable;
pub use verdict::{ByCheck, BySeverity, Check, SCORE_MAX, Scope, Severity, Streak, Verdict, score};
pub use window::{Associations, MAX_FEATURES, PAIR_ROWS, WindowSummary};
