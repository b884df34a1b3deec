//! How each feature is distributed within the segments of a window, compared with the same segments of the baseline: one test
//! a feature, of the segment that is worst against its limit.
//!
//! A feature's α is divided by the number of its segments (Bonferroni), so that its test alarms falsely at most as often as any
//! other test of the budget. Beside it stands, for every feature, how much of its change as a whole is the segments' weights
//! (mix) and how much is within them, see [`decomposition`].

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counted::{shares, to_others};
use super::{ALWAYS, CheckSettings, Settings, verdict};
use crate::baseline::FrozenFeature;
use crate::decomposition::{self, Measure, Segment, SegmentCounts, SegmentMean};
use crate::distance::table::Table;
use crate::distance::{NotComputed, Statistic, jensen_shannon};
use crate::limits::{self, Alpha, Between, Limit, Parts, Pooled, floors};
use crate::segments::{SegmentValues, Segmented};
use crate::verdict::{BySeverity, Check, Verdict, score};
use crate::window::{WindowSummary, not_sampled};

/// The fewest rows that a window of the baseline has in a segment on average, for the segment to be compared.
pub const MIN_SEGMENT_ROWS: u64 = 50;
/// How many changes of a window are told of.
const MOST_TOLD: usize = 10;
/// The fewest rows that a window is expected to have in a bin: χ² is not the null of bins with fewer.
const EXPECTED: f64 = 5.0;

/// One feature in one segment, before and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentChange {
    /// The feature.
    pub feature: String,
    /// The column of the segment.
    pub column: String,
    /// The segment.
    pub segment: Segment,
    /// Rows of the window in it.
    pub rows: u64,
    /// Jensen–Shannon distance, missing values a bin among the others.
    pub distance: f64,
    /// Mean of its finite numbers in the baseline and in the window; nothing of categories.
    pub means: Option<(f64, f64)>,
    /// Share of missing values in the baseline and in the window.
    pub missing: (f64, f64),
    /// distance ÷ limit, see [`score`].
    pub scores: BySeverity<f64>,
}

/// A change of a feature, and its parts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The whole change.
    pub total: f64,
    /// What of it is that segments weigh more or less.
    pub mix: f64,
    /// What of it is within them.
    pub within: f64,
}

/// Why one feature changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSplit {
    /// The feature.
    pub feature: String,
    /// The change of its mean, which the parts add up to; nothing of categories, and without a number on either side.
    pub mean: Option<Split>,
    /// Its Jensen–Shannon distance over the coarse bins, missing values being one; the parts are together at least the whole.
    pub distance: Option<Split>,
}

/// What a window says about the segments of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentsReport {
    /// The column.
    pub column: String,
    /// Each segment with its rows in the baseline and in the window.
    pub segments: Vec<(Segment, u64, u64)>,
    /// Every feature that both sides have, of the same kind.
    pub features: Vec<FeatureSplit>,
    /// The features and segments with the highest scores, at most ten, highest first.
    pub most_changed: Vec<SegmentChange>,
}

/// What a feature's worst segment says.
pub(super) type Judged = Result<(Verdict, SegmentChange), NotComputed>;

/// The tests of all features.
#[derive(Debug, Clone)]
pub(super) struct SegmentTests {
    /// The features of the baseline.
    features: Vec<Feature>,
    columns: Vec<Column>,
    /// For each feature how many segments it is compared in.
    counts: BTreeMap<String, usize>,
}

/// A feature of the baseline.
#[derive(Debug, Clone)]
struct Feature {
    name: String,
    /// What the manifest says.
    settings: CheckSettings,
    /// It moves by construction.
    moving: bool,
}

/// The segments of one column.
#[derive(Debug, Clone)]
struct Column {
    reference: Segmented,
    /// By feature and segment.
    cells: BTreeMap<(String, Segment), Cell>,
    /// The mean of the variances between windows of all cells.
    pooled: Pooled,
}

/// One feature in one segment of the baseline.
#[derive(Debug, Clone)]
struct Cell {
    reference: SegmentValues,
    groups: Groups,
    between: Option<Between>,
}

/// Which bins are compared together: neighbours of which each alone expects too few rows. Missing values have a bin of their own.
#[derive(Debug, Clone, PartialEq)]
struct Groups(Vec<usize>);

impl Groups {
    /// Of the counts of a baseline, for windows of so many rows.
    fn new(reference: &[u64], rows: f64) -> Self {
        let total = reference.iter().sum::<u64>().max(1) as f64;
        let expected = |count: f64| count / total * rows;
        let filled = reference
            .split_last()
            .map_or(reference, |(_, filled)| filled);
        let (mut group, mut count, mut groups) = (0, 0.0, Vec::with_capacity(reference.len()));
        for (bin, own) in filled.iter().enumerate() {
            groups.push(group);
            count += *own as f64;
            let left: u64 = filled.iter().skip(bin + 1).sum();
            if expected(count) >= EXPECTED && expected(left as f64) >= EXPECTED {
                (group, count) = (group + 1, 0.0);
            }
        }
        if filled.len() < reference.len() {
            groups.push(group + 1);
        }
        Groups(groups)
    }

    fn counts(&self, counts: &[u64]) -> Vec<u64> {
        let mut grouped = vec![0; self.0.iter().max().map_or(0, |last| last + 1)];
        for (group, count) in self.0.iter().zip(counts) {
            if let Some(sum) = grouped.get_mut(*group) {
                *sum += count;
            }
        }
        grouped
    }
}

impl SegmentTests {
    /// `moving` says of each feature whether it moves by construction.
    pub(super) fn new(
        features: &[FrozenFeature],
        moving: impl Iterator<Item = bool>,
        windows: &[WindowSummary],
        settings: &Settings,
    ) -> Result<Self, NotComputed> {
        if !settings.on.segments {
            return Err(NotComputed::Disabled);
        }
        let last = windows.last().ok_or(NotComputed::NotInBaseline)?;
        if last.segments.is_empty() {
            return Err(NotComputed::NoSegmentsInBaseline);
        }
        let known = |segmented: &Segmented| {
            let of: Option<Vec<&Segmented>> = windows
                .iter()
                .map(|window| window.segmented(segmented.column()))
                .collect();
            Column::new(&of?)
        };
        let columns: Vec<Column> = last.segments.iter().filter_map(known).collect();
        if columns.is_empty() {
            return Err(NotComputed::NoSegmentsInBaseline);
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (feature, _) in columns.iter().flat_map(|column| column.cells.keys()) {
            *counts.entry(feature.clone()).or_default() += 1;
        }
        let own = |(feature, moving): (&FrozenFeature, bool)| {
            let own = settings.features.get(&feature.name);
            Feature {
                name: feature.name.clone(),
                settings: own.unwrap_or(&settings.default).segments,
                moving,
            }
        };
        Ok(SegmentTests {
            features: features.iter().zip(moving).map(own).collect(),
            columns,
            counts,
        })
    }

    /// How many features take part in the budget: those with a segment.
    pub(super) fn count(&self) -> usize {
        let names = self.features.iter().map(|feature| &feature.name);
        names.filter(|name| self.counts.contains_key(*name)).count()
    }

    /// Judges a window: what each feature's worst segment says, in the baseline's order, and all of every column. `there` says of
    /// each feature whether the window has it, of the baseline's kind: one that it has not is without a value in every sampled row,
    /// which is no change within segments.
    pub(super) fn judge(
        &self,
        window: &WindowSummary,
        there: &[bool],
        alpha: BySeverity<Option<Alpha>>,
    ) -> (Vec<Judged>, Vec<SegmentsReport>) {
        if window.segments.is_empty() {
            return (
                vec![Err(NotComputed::NoSegments); self.features.len()],
                Vec::new(),
            );
        }
        let sides: Vec<(&Column, &Segmented)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column, window.segmented(column.reference.column())?)))
            .collect();
        let mut told = vec![Vec::new(); sides.len()];
        let features = self.features.iter().zip(there);
        let judged = features.clone().map(|(feature, there)| {
            if !there {
                return Err(NotComputed::Absent);
            }
            if !feature.settings.enabled {
                return Err(NotComputed::Disabled);
            }
            if feature.moving {
                return Err(NotComputed::Moving);
            }
            let segments = self.counts.get(&feature.name);
            let segments = *segments.ok_or_else(|| self.not_compared(&feature.name))?;
            let alpha = alpha.map(|alpha| Some(alpha?.value / segments as f64));
            let mut all = Vec::new();
            for ((column, current), told) in sides.iter().zip(&mut told) {
                let changes = column.changes(feature, current, alpha);
                told.extend(changes.iter().map(|(change, _)| change.clone()));
                all.extend(changes);
            }
            worst(all, feature.settings.min_rows)
        });
        let judged = judged.collect();
        let absent = features.filter(|(_, there)| !**there);
        let absent: Vec<&str> = absent.map(|(feature, _)| feature.name.as_str()).collect();
        let reports = sides.iter().zip(told);
        let reports =
            reports.map(|((column, current), told)| column.report(current, &absent, told));
        (judged, reports.collect())
    }
}

impl SegmentTests {
    /// Why a feature is compared in no segment.
    fn not_compared(&self, feature: &str) -> NotComputed {
        let need = MIN_SEGMENT_ROWS;
        let none = NotComputed::NoSegmentOfBaseline { need };
        let sampled = self
            .columns
            .iter()
            .map(|column| column.reference.features());
        let without = sampled.filter(|sampled| !sampled.iter().any(|name| name == feature));
        without
            .map(|sampled| not_sampled(sampled.len(), none))
            .next()
            .unwrap_or(none)
    }
}

/// The verdict of the segment that is worst against its limit: of those that may alarm, where there are some.
fn worst(changes: Vec<(SegmentChange, BySeverity<Limit>)>, min_rows: u64) -> Judged {
    let enough = |change: &SegmentChange| change.rows >= min_rows;
    let worst = changes.into_iter().max_by(|(a, _), (b, _)| {
        let by_rows = enough(a).cmp(&enough(b));
        by_rows.then_with(|| compare(a, b))
    });
    let (change, limits) = worst.ok_or(NotComputed::NoSegmentOfWindow)?;
    let verdict = verdict(
        Check::Segments,
        Statistic::SegmentDistance,
        change.distance,
        change.rows,
        min_rows,
        limits,
        ALWAYS,
    );
    Ok((verdict, change))
}

impl Column {
    /// Of the same column in every window of a baseline.
    fn new(windows: &[&Segmented]) -> Option<Self> {
        let reference = Segmented::pool(windows.iter().copied())?;
        let rows = |rows: u64| rows as f64 / windows.len().max(1) as f64;
        let large: Vec<(Segment, f64)> = reference
            .segments()
            .map(|(segment, own)| (segment.clone(), rows(own)))
            .filter(|(_, rows)| *rows >= MIN_SEGMENT_ROWS as f64)
            .collect();
        let mut cells = BTreeMap::new();
        let mut series: Vec<Vec<f64>> = Vec::new();
        // The column itself is the same in all of a segment.
        let features = reference.features().iter();
        for feature in features.filter(|feature| *feature != reference.column()) {
            let by_window: Vec<Vec<(&Segment, &SegmentValues)>> = windows
                .iter()
                .map(|window| window.of(feature).collect())
                .collect();
            for (segment, values) in reference.of(feature) {
                let Some((_, rows)) = large.iter().find(|(large, _)| large == segment) else {
                    continue;
                };
                let groups = Groups::new(&values.counts, *rows);
                let all = groups.counts(&values.counts);
                let own = by_window.iter().filter_map(|window| {
                    let values = window.iter().find(|(own, _)| *own == segment);
                    values.map(|(_, values)| groups.counts(&values.counts))
                });
                let own: Vec<Vec<u64>> = own.collect();
                series.extend(shares(&own, all.len()));
                let cell = Cell {
                    between: Between::distances(&to_others(&all, &own)),
                    reference: values.clone(),
                    groups,
                };
                cells.insert((feature.clone(), segment.clone()), cell);
            }
        }
        let alike = limits::autocorrelation(series.iter().map(Vec::as_slice));
        for cell in cells.values_mut() {
            cell.between = cell.between.map(|between| between.stretched(alike));
        }
        let all = cells.values().filter_map(|cell| cell.between.as_ref());
        Some(Column {
            pooled: Pooled::of(all),
            reference,
            cells,
        })
    }

    /// What a feature is in each segment that both sides have, against its limits.
    fn changes(
        &self,
        feature: &Feature,
        current: &Segmented,
        alpha: BySeverity<Option<f64>>,
    ) -> Vec<(SegmentChange, BySeverity<Limit>)> {
        let values = current.of(&feature.name);
        let change = |(segment, values): (&Segment, &SegmentValues)| {
            let key = (feature.name.clone(), segment.clone());
            let cell = self.cells.get(&key)?;
            let counts = cell.groups.counts(&values.counts);
            let rows: u64 = counts.iter().sum();
            if rows < Statistic::SegmentDistance.minimum() {
                return None;
            }
            let table = Table::new(&cell.groups.counts(&cell.reference.counts), &counts);
            let distance = jensen_shannon::distance(&table);
            let limits = self.limits(cell, &table, alpha, &feature.settings);
            let change = SegmentChange {
                feature: key.0,
                column: self.reference.column().to_owned(),
                segment: key.1,
                rows,
                distance,
                means: cell.reference.mean().zip(values.mean()),
                missing: (cell.reference.missing()?, values.missing()?),
                scores: limits.map(|limit| score(distance, limit.value)),
            };
            Some((change, limits))
        };
        values.filter_map(change).collect()
    }

    fn limits(
        &self,
        cell: &Cell,
        table: &Table,
        alpha: BySeverity<Option<f64>>,
        settings: &CheckSettings,
    ) -> BySeverity<Limit> {
        let floors = floors(Statistic::SegmentDistance).unwrap_or_default();
        let null = alpha.map(|alpha| Some(jensen_shannon::null(table, alpha?)));
        let bound = alpha.map(|alpha| Some(cell.between?.bound(self.pooled, alpha?)));
        limits::limits(floors, Parts::both(null, bound, settings.limits))
    }

    /// What is told of a window, whose changes these are; nothing of the features that are absent.
    fn report(
        &self,
        current: &Segmented,
        absent: &[&str],
        mut changes: Vec<SegmentChange>,
    ) -> SegmentsReport {
        changes.sort_by(|a, b| compare(b, a));
        changes.truncate(MOST_TOLD);
        let mut segments: BTreeMap<&Segment, (u64, u64)> = BTreeMap::new();
        for (segment, rows) in self.reference.segments() {
            segments.entry(segment).or_default().0 = rows;
        }
        for (segment, rows) in current.segments() {
            segments.entry(segment).or_default().1 = rows;
        }
        let segments = segments.into_iter();
        SegmentsReport {
            column: self.reference.column().to_owned(),
            segments: segments
                .map(|(segment, (before, now))| (segment.clone(), before, now))
                .collect(),
            features: self
                .reference
                .features()
                .iter()
                .filter(|feature| current.features().contains(*feature))
                .filter(|feature| !absent.contains(&feature.as_str()))
                .map(|feature| split(feature, &self.reference, current))
                .collect(),
            most_changed: changes,
        }
    }
}

/// Over the critical limit is worse than over the warning one, by however much.
fn compare(a: &SegmentChange, b: &SegmentChange) -> Ordering {
    let rank = |change: &SegmentChange| change.scores.critical >= 1.0;
    let by_score = || a.scores.warning.total_cmp(&b.scores.warning);
    rank(a).cmp(&rank(b)).then_with(by_score)
}

/// Why a feature changed.
fn split(feature: &str, reference: &Segmented, current: &Segmented) -> FeatureSplit {
    let means = |side: &Segmented| -> Vec<SegmentMean> {
        let parts = side.of(feature).map(|(segment, values)| SegmentMean {
            segment: segment.clone(),
            count: values.finite,
            mean: values.mean,
        });
        parts.collect()
    };
    let counts = |side: &Segmented| -> Vec<SegmentCounts> {
        let parts = side.of(feature).map(|(segment, values)| SegmentCounts {
            segment: segment.clone(),
            counts: values.counts.clone(),
        });
        parts.collect()
    };
    let mean = decomposition::mean(&means(reference), &means(current));
    let measure = Measure::JensenShannon;
    let distance = decomposition::distance(measure, &counts(reference), &counts(current));
    FeatureSplit {
        feature: feature.to_owned(),
        mean: mean.ok().map(|change| Split {
            total: change.total,
            mix: change.mix,
            within: change.within,
        }),
        distance: distance.ok().map(|change| Split {
            total: change.total,
            mix: change.mix,
            within: change.within,
        }),
    }
}
