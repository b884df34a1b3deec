//! How far a window's distribution is from the baseline's, by six definitions.
//!
//! Each file holds one statistic: its value, its p-value where theory gives one, and its distribution under
//! "nothing changed". No threshold lives here; limits are made in [`crate::limits`].

pub mod chi_squared;
pub mod hellinger;
pub mod jensen_shannon;
pub mod ks;
pub mod kstwo;
pub mod psi;
pub mod table;
pub mod wasserstein;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::association::{self, MIN_ROWS};
use crate::column::Kind;
use crate::predictive;
use crate::seasonal;

/// A number that compares a window with its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Statistic {
    /// Population stability index over the coarse bins.
    #[serde(rename = "PSI")]
    Psi,
    /// Two-sample Kolmogorov–Smirnov distance over the fine bins.
    #[serde(rename = "KS")]
    Ks,
    /// Jensen–Shannon distance, base 2, over the coarse bins.
    JensenShannon,
    /// Wasserstein-1 distance in units of the baseline's interquartile range, over the fine bins.
    Wasserstein,
    /// Hellinger distance over the coarse bins.
    Hellinger,
    /// χ² statistic of homogeneity over the coarse bins.
    ChiSquared,
    /// Increase of the share of nulls.
    MissingShare,
    /// Increase of the share of values that are not acceptable.
    InvalidShare,
    /// Increase of the share of numbers far from the baseline's median.
    OutlierShare,
    /// Difference of the association of two features from the baseline's.
    AssociationChange,
    /// By how much the AUC about the target fell, macro average.
    AucFall,
    /// By how much the explained share of variance fell: R² of a line, ε² between groups.
    ExplainedFall,
    /// Distance of the mean from the median of its phase, in deviations of that phase.
    LevelDeviation,
    /// Exponentially weighted moving average of the innovations of the window means, in its standard deviations.
    Ewma,
    /// The larger side of the cumulative sum of the innovations of the window means, in their standard deviations.
    Cusum,
    /// Increase of the share of rows with the key of another row.
    DuplicateShare,
    /// Jensen–Shannon distance, base 2, of how often which features are missing in the same row.
    PatternDistance,
    /// Increase of the share of values that were filled in.
    ImputedShare,
    /// Jensen–Shannon distance, base 2, within a segment, missing values a bin among the others.
    SegmentDistance,
}

impl Statistic {
    /// The distances that are computed for a feature of this kind, in the order in which they are shown.
    pub fn distances(kind: Kind) -> &'static [Statistic] {
        use Statistic::*;
        match kind {
            Kind::Numeric => &[Ks, Wasserstein, Psi, JensenShannon, Hellinger, ChiSquared],
            Kind::Categorical => &[Psi, JensenShannon, Hellinger, ChiSquared],
        }
    }

    /// The least number of values, on either side, below which the statistic says nothing.
    pub fn minimum(self) -> u64 {
        match self {
            Statistic::Ks | Statistic::Wasserstein => 20,
            Statistic::Psi
            | Statistic::JensenShannon
            | Statistic::Hellinger
            | Statistic::PatternDistance
            | Statistic::SegmentDistance => 20,
            Statistic::AssociationChange | Statistic::AucFall | Statistic::ExplainedFall => {
                MIN_ROWS
            }
            Statistic::ChiSquared => 2,
            Statistic::MissingShare
            | Statistic::InvalidShare
            | Statistic::OutlierShare
            | Statistic::LevelDeviation
            | Statistic::Ewma
            | Statistic::Cusum
            | Statistic::DuplicateShare
            | Statistic::ImputedShare => 1,
        }
    }
}

impl std::fmt::Display for Statistic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Statistic::Psi => "PSI",
            Statistic::Ks => "KS",
            Statistic::JensenShannon => "Jensen-Shannon distance",
            Statistic::Wasserstein => "Wasserstein distance",
            Statistic::Hellinger => "Hellinger distance",
            Statistic::ChiSquared => "chi-squared",
            Statistic::MissingShare => "missing share",
            Statistic::InvalidShare => "invalid share",
            Statistic::OutlierShare => "outlier share",
            Statistic::AssociationChange => "change of association",
            Statistic::AucFall => "fall of AUC",
            Statistic::ExplainedFall => "fall of the explained share",
            Statistic::LevelDeviation => "deviation of the level",
            Statistic::Ewma => "EWMA",
            Statistic::Cusum => "CUSUM",
            Statistic::DuplicateShare => "duplicate share",
            Statistic::PatternDistance => "distance of the missing patterns",
            Statistic::ImputedShare => "imputed share",
            Statistic::SegmentDistance => "distance within a segment",
        })
    }
}

/// One statistic's reading of one feature in one window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// Which statistic.
    pub statistic: Statistic,
    /// Its value, in its own unit.
    pub value: f64,
    /// How large the change is once the noise of two finite samples is taken off; each statistic's page says how.
    pub effect: f64,
    /// Probability of a value at least as large when nothing changed; `None` where theory gives none.
    pub p_value: Option<f64>,
    /// The p-value adjusted over all features of this evaluation (Benjamini–Hochberg). Shown only, decides nothing.
    pub adjusted_p_value: Option<f64>,
    /// The value on unbinned data differs by at most this: for KS it lies in `value ..= value + error`, for
    /// Wasserstein in `value − error ..= value + error` (when the tail means are exact, that is up to 80,000
    /// values); 0 where the statistic is defined on the bins.
    pub error: f64,
    /// Values of the baseline and of the window that were compared.
    pub compared: (u64, u64),
    /// The least number of values on either side for this statistic.
    pub minimum: u64,
}

/// Why there is no number. "No data" is not "no drift".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum NotComputed {
    /// The window holds too little.
    #[error("too few rows in this window: {have} where at least {need} {} needed", are(*.need))]
    TooFewRows {
        /// Values or rows in the window.
        have: u64,
        /// Values or rows that are needed.
        need: u64,
    },
    /// The baseline holds too little.
    #[error("too few rows in the baseline: {have} where at least {need} {} needed", are(*.need))]
    NoReference {
        /// Values or rows in the baseline.
        have: u64,
        /// Values or rows that are needed.
        need: u64,
    },
    /// The baseline's values are all the same, so that there is no unit of length.
    #[error("the baseline has no spread: interquartile range and standard deviation are both 0")]
    ZeroSpread,
    /// More than half of the baseline's values are one value.
    #[error(
        "half of the baseline's values or more are one value: the median absolute deviation is 0, and nothing can be said to be far out"
    )]
    ZeroDeviation,
    /// The window's keys were not counted.
    #[error(
        "the window has no keys: a column of spec.data.entityKeys is not in it, or has a type without an order"
    )]
    NoKeys,
    /// The keys of no window of the baseline were counted.
    #[error(
        "the columns of spec.data.entityKeys were not in the baseline's windows, or cannot be read: write those that are there, and raise spec.baseline.revision to freeze it anew"
    )]
    NoKeysInBaseline,
    /// The column that says which values were filled in is not in the window, or cannot be read.
    #[error(
        "the column that spec.data.features.overrides names as imputedFlag is not in the window, or is no flag"
    )]
    NoFlag,
    /// The features of the window were not compared with each other.
    #[error("no rows of this window were sampled to compare its features with each other")]
    NoSample,
    /// Only so many features are compared with each other, with the target and within segments.
    #[error(
        "only the first {most} features of the baseline, by name, are compared with each other, with the target and within segments"
    )]
    TooManyFeatures {
        /// The most.
        most: usize,
    },
    /// There is no other feature to compare it with.
    #[error("there is no other feature to compare it with")]
    NoOtherFeature,
    /// It has no association with any other feature.
    #[error("compared with every other feature: {0}")]
    Pairs(association::NotComputed),
    /// The window has no target to tell of.
    #[error(
        "no target: this window does not have the column of spec.data.target, or the baseline was frozen with another one (raise spec.baseline.revision to freeze it anew)"
    )]
    NoTarget,
    /// No window of the baseline has a target.
    #[error(
        "no target: the baseline was frozen without the column of spec.data.target (raise spec.baseline.revision to freeze it anew)"
    )]
    NoTargetInBaseline,
    /// Nothing divides the rows of the window.
    #[error(
        "no segments: this window does not have the columns of spec.data.segments, or the baseline was frozen with others (raise spec.baseline.revision to freeze it anew)"
    )]
    NoSegments,
    /// Nothing divides the rows of the baseline.
    #[error(
        "no segments: the baseline was frozen without the columns of spec.data.segments (raise spec.baseline.revision to freeze it anew)"
    )]
    NoSegmentsInBaseline,
    /// It is compared in no segment.
    #[error(
        "the feature divides the rows itself, or no segment has {need} rows in a window of the baseline on average"
    )]
    NoSegmentOfBaseline {
        /// Rows that are needed.
        need: u64,
    },
    /// No segment that is compared is in the window.
    #[error("no segment of the baseline has 20 rows in this window")]
    NoSegmentOfWindow,
    /// The target is known later.
    #[error(
        "the target is not known yet: a window is judged by it spec.data.target.delay after it is complete"
    )]
    TargetPending,
    /// In the baseline the feature tells nothing about the target.
    #[error("in the baseline the feature tells nothing about the target, so it cannot tell less")]
    TellsNothing,
    /// What it tells about the target in the window is not known.
    #[error("{0}")]
    Predictive(predictive::NotComputed),
    /// What it tells about the target in the baseline is not known.
    #[error("in the baseline: {0}")]
    PredictiveInBaseline(predictive::NotComputed),
    /// Too few windows of the same phase came before.
    #[error(
        "too few days with a window of the same hour, day or class came before: {have} where {need} are needed"
    )]
    TooFewCycles {
        /// Days with such a window.
        have: u64,
        /// Days that are needed.
        need: u64,
    },
    /// Nothing says what is usual at this time.
    #[error("what is usual of its mean at this time cannot be said: {0}")]
    Season(seasonal::Absent),
    /// The baseline has too few windows for a chart.
    #[error(
        "the baseline has too few windows in a row with a value to tell a slow shift from chance: {have} where {need} are needed"
    )]
    TooFewWindows {
        /// Windows with a value, or pairs of neighbours.
        have: u64,
        /// Windows that are needed.
        need: u64,
    },
    /// The means of the baseline's windows are all the same.
    #[error(
        "the means of the baseline's windows have no spread, so that there is no unit of a shift"
    )]
    NoSpreadOfMeans,
    /// A window is so much like the one before that the baseline is too short.
    #[error(
        "a window is so much like the one before that a baseline of this length does not tell a shift from that: more windows are needed"
    )]
    TooPersistent,
    /// The window's phase is not known from the time when the charts were made.
    #[error(
        "nothing was known of this hour, day or class when the charts were made: raise spec.baseline.revision to make them anew"
    )]
    UnknownPhase,
    /// The baseline does not know the time.
    #[error(
        "the baseline is not seasonal, so that nothing is known of this hour or day: drift compares the distributions"
    )]
    NotSeasonal,
    /// Windows of a seasonal baseline are too many for that.
    #[error(
        "against a seasonal baseline features are not compared with each other, nor with a target"
    )]
    Seasonal,
    /// The baseline was frozen by a release that did not count this.
    #[error(
        "the baseline was frozen before this was counted: raise spec.baseline.revision to freeze it anew"
    )]
    NotInBaseline,
    /// The statistic is not defined for this kind of feature.
    #[error("{statistic} is not defined for a {kind} feature")]
    NotForKind {
        /// Which statistic.
        statistic: Statistic,
        /// The feature's kind.
        kind: Kind,
    },
    /// What is acceptable is written for features of another kind.
    #[error(
        "the manifest says which {given} values are acceptable, and the feature is {kind}: write range for numbers, allowed for categories"
    )]
    GivenForOtherKind {
        /// What it is written for.
        given: Kind,
        /// The feature's kind.
        kind: Kind,
    },
    /// The baseline has more categories than are remembered, so that none can be told to be new.
    #[error("the baseline has more categories than are remembered; write down which are allowed")]
    TooManyCategories,
    /// The window's column has another kind than the baseline's.
    #[error("the baseline is {baseline}, but this window is {window}")]
    KindChanged {
        /// Kind in the baseline.
        baseline: Kind,
        /// Kind in the window.
        window: Kind,
    },
    /// The window was not counted over this baseline's bins.
    #[error("the window was not counted over this baseline's bins")]
    OtherBins,
    /// The column is not in the window.
    #[error("the column is not in this window")]
    Absent,
    /// The feature moves by construction, and no number in the manifest says how far it may.
    #[error(
        "the feature moves by construction: its windows within the baseline already differ more than the warning floor; \
         exclude it, monitor its change per time, or give it a limit"
    )]
    Moving,
    /// The check is switched off.
    #[error("the check is switched off")]
    Disabled,
    /// The value is beyond the range of floating-point numbers.
    #[error("the value is beyond the range of floating-point numbers")]
    Overflow,
}

impl NotComputed {
    /// Whether the window is the reason, so that the next one may have a number. Else it is the baseline or the manifest, and
    /// stays.
    pub fn is_of_the_window(&self) -> bool {
        match self {
            NotComputed::TooFewRows { .. }
            | NotComputed::NoKeys
            | NotComputed::NoFlag
            | NotComputed::NoSample
            | NotComputed::Pairs(association::NotComputed::TooFewRows { .. })
            | NotComputed::NoTarget
            | NotComputed::NoSegments
            | NotComputed::NoSegmentOfWindow
            | NotComputed::Predictive(_)
            | NotComputed::TooFewCycles { .. }
            | NotComputed::Season(_)
            | NotComputed::UnknownPhase
            | NotComputed::KindChanged { .. }
            | NotComputed::OtherBins
            | NotComputed::Absent
            | NotComputed::Overflow => true,
            NotComputed::NoReference { .. }
            | NotComputed::ZeroSpread
            | NotComputed::ZeroDeviation
            | NotComputed::TooManyFeatures { .. }
            | NotComputed::NoOtherFeature
            | NotComputed::Pairs(_)
            | NotComputed::NoTargetInBaseline
            | NotComputed::NoSegmentsInBaseline
            | NotComputed::NoSegmentOfBaseline { .. }
            | NotComputed::TargetPending
            | NotComputed::TellsNothing
            | NotComputed::PredictiveInBaseline(_)
            | NotComputed::TooFewWindows { .. }
            | NotComputed::NoSpreadOfMeans
            | NotComputed::TooPersistent
            | NotComputed::NotSeasonal
            | NotComputed::Seasonal
            | NotComputed::NotInBaseline
            | NotComputed::NoKeysInBaseline
            | NotComputed::NotForKind { .. }
            | NotComputed::GivenForOtherKind { .. }
            | NotComputed::TooManyCategories
            | NotComputed::Moving
            | NotComputed::Disabled => false,
        }
    }
}

/// The verb that goes with a number of rows.
fn are(rows: u64) -> &'static str {
    if rows == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_is_needed_and_more_are() {
        let few = |need| NotComputed::TooFewRows { have: 0, need }.to_string();
        assert_eq!(
            few(1),
            "too few rows in this window: 0 where at least 1 is needed"
        );
        assert_eq!(
            few(30),
            "too few rows in this window: 0 where at least 30 are needed"
        );
        let none = NotComputed::NoReference { have: 0, need: 1 }.to_string();
        assert_eq!(
            none,
            "too few rows in the baseline: 0 where at least 1 is needed"
        );
    }
}
