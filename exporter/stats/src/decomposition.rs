//! Why a feature changed: because segments weigh more or less (mix), or because it changed inside of them (within).
//!
//! For a mean Δ = Σ(w'_s − w_s)·x̄_s + Σw'_s·(x̄'_s − x̄_s), with w the shares of the values and x̄ the means of the
//! segments, ' the current window: Kitagawa's decomposition (1955) at the reference's means and the current weights. It
//! adds up exactly. For a distance q* = Σ w_s·q'_s is the current distribution if the segments weighed what they did:
//! within = d(p, q*), mix = d(q*, q). These do not add up, but where the distance is a metric (Kolmogorov–Smirnov,
//! Jensen–Shannon, Hellinger) they are together at least the whole.
//!
//! **Segments that come and go.** What appeared has no reference to differ from, and what vanished no present: all of
//! their change is mix. For the mean x̄_s := x̄'_s for a segment that appeared, in q* q'_s := p_s for one that vanished.
//!
//! **Small segments.** A segment with fewer than [`MIN_VALUES`] values on both sides is pooled with its like as
//! [`Segment::Other`]; rows whose segment is null are [`Segment::Null`], of whatever size.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::distance::table::Table;
use crate::distance::{NotComputed, hellinger, jensen_shannon, psi};

/// A segment with fewer values on both sides is pooled.
pub const MIN_VALUES: u64 = 30;

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Segment {
    /// Those with this value of the segment's column.
    Value(String),
    /// Those where it is null.
    Null,
    /// Those of all segments that are too small to stand alone.
    Other,
}

/// Whether a segment is on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Presence {
    /// It is.
    Both,
    /// Only in the current window.
    Appeared,
    /// Only in the reference.
    Vanished,
}

/// Values of a feature in one segment of one side: how many that are not null, and their mean.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentMean {
    /// The segment. One that is given twice is pooled.
    pub segment: Segment,
    /// Values.
    pub count: u64,
    /// Their mean; of no meaning without a value.
    pub mean: f64,
}

/// What one segment adds to the change of the mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanPart {
    /// The segment.
    pub segment: Segment,
    /// Whether it is on both sides.
    pub presence: Presence,
    /// w_s and w'_s, its shares of the values.
    pub weights: (f64, f64),
    /// (w'_s − w_s)·(x̄_s − x̄): a segment that grows adds by how much it lies above the reference's mean. Taking x̄ off
    /// changes no sum, and makes the part independent of where the feature's 0 is.
    pub mix: f64,
    /// w'_s·(x̄'_s − x̄_s).
    pub within: f64,
}

/// The parts of a mean's change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanChange {
    /// Current mean − reference mean; `mix + within` but for rounding.
    pub total: f64,
    /// Σ over the segments.
    pub mix: f64,
    /// Σ over the segments.
    pub within: f64,
    /// One for each segment, in their order.
    pub segments: Vec<MeanPart>,
    /// How many segments were pooled as [`Segment::Other`].
    pub pooled: u64,
}

/// Splits the change of a mean.
///
/// # Errors
/// When a side has no value, or a mean, or the difference of two, is not finite.
pub fn mean(reference: &[SegmentMean], current: &[SegmentMean]) -> Result<MeanChange, NotComputed> {
    let mut sides: BTreeMap<Segment, [Cell; 2]> = BTreeMap::new();
    for (side, given) in [reference, current].into_iter().enumerate() {
        for part in given.iter().filter(|part| part.count > 0) {
            let cells = sides.entry(part.segment.clone()).or_default();
            if let Some(cell) = cells.get_mut(side) {
                cell.add(part.count, part.mean);
            }
        }
    }
    let count = |cells: &[Cell; 2]| cells.each_ref().map(|cell| cell.count);
    let join = |into: &mut [Cell; 2], cells: [Cell; 2]| {
        for (into, cell) in into.iter_mut().zip(cells) {
            into.add(cell.count, cell.mean);
        }
    };
    let (sides, pooled) = pool(sides, count, join);
    let whole = |side: usize| {
        let mut whole = Cell::default();
        let cells = sides.values().filter_map(|cells| cells.get(side));
        cells.for_each(|cell| whole.add(cell.count, cell.mean));
        whole
    };
    let (before, after) = (whole(0), whole(1));
    both_sides(before.count, after.count)?;
    let segments: Vec<MeanPart> = sides
        .into_iter()
        .map(|(segment, [old, new])| {
            let weights = (
                old.count as f64 / before.count as f64,
                new.count as f64 / after.count as f64,
            );
            let presence = presence(old.count, new.count);
            let (mix, within) = match presence {
                Presence::Both => (
                    (weights.1 - weights.0) * (old.mean - before.mean),
                    weights.1 * (new.mean - old.mean),
                ),
                Presence::Appeared => (weights.1 * (new.mean - before.mean), 0.0),
                Presence::Vanished => (-weights.0 * (old.mean - before.mean), 0.0),
            };
            MeanPart {
                segment,
                presence,
                weights,
                mix,
                within,
            }
        })
        .collect();
    let change = MeanChange {
        total: after.mean - before.mean,
        mix: segments.iter().map(|part| part.mix).sum(),
        within: segments.iter().map(|part| part.within).sum(),
        segments,
        pooled,
    };
    let parts = change
        .segments
        .iter()
        .flat_map(|part| [part.mix, part.within]);
    let finite = parts
        .chain([change.total, change.mix, change.within])
        .all(f64::is_finite);
    if finite {
        Ok(change)
    } else {
        Err(NotComputed::Overflow)
    }
}

/// Values and their mean, pooled pairwise.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    count: u64,
    mean: f64,
}

impl Cell {
    fn add(&mut self, count: u64, mean: f64) {
        if count == 0 {
            return;
        }
        self.count = self.count.saturating_add(count);
        self.mean += (mean - self.mean) * (count as f64 / self.count as f64);
    }
}

/// Counts of a feature in one segment of one side, over the same ordered bins everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentCounts {
    /// The segment. One that is given twice is pooled.
    pub segment: Segment,
    /// Values in each bin.
    pub counts: Vec<u64>,
}

/// A distance of counts over bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Measure {
    /// Population stability index.
    Psi,
    /// Jensen–Shannon distance, base 2.
    JensenShannon,
    /// Hellinger distance.
    Hellinger,
    /// Kolmogorov–Smirnov distance at the bins' edges; the bins are in the order of their values.
    Ks,
}

/// How far one segment's distribution moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistancePart {
    /// The segment.
    pub segment: Segment,
    /// Whether it is on both sides.
    pub presence: Presence,
    /// w_s and w'_s, its shares of the values.
    pub weights: (f64, f64),
    /// d(p_s, q'_s); `None` for a segment that is on one side only.
    pub distance: Option<f64>,
}

/// The parts of a distance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistanceChange {
    /// Which distance.
    pub measure: Measure,
    /// d(p, q).
    pub total: f64,
    /// d(q*, q).
    pub mix: f64,
    /// d(p, q*).
    pub within: f64,
    /// One for each segment, in their order.
    pub segments: Vec<DistancePart>,
    /// How many segments were pooled as [`Segment::Other`].
    pub pooled: u64,
}

/// Splits a distance on binned counts: PSI, Jensen–Shannon, Hellinger, or Kolmogorov–Smirnov at the bins' edges. The values
/// are as they are, with the noise of finite samples in them; q* has as many values as the current window, so that PSI
/// smooths both alike.
///
/// # Errors
/// When a side has no value, or the bins are not the same everywhere.
pub fn distance(
    measure: Measure,
    reference: &[SegmentCounts],
    current: &[SegmentCounts],
) -> Result<DistanceChange, NotComputed> {
    let all = || reference.iter().chain(current);
    let bins = all().next().map_or(0, |part| part.counts.len());
    if all().any(|part| part.counts.len() != bins) {
        return Err(NotComputed::OtherBins);
    }
    let empty = || [vec![0.0; bins], vec![0.0; bins]];
    let mut sides: BTreeMap<Segment, [Vec<f64>; 2]> = BTreeMap::new();
    for (side, given) in [reference, current].into_iter().enumerate() {
        for part in given
            .iter()
            .filter(|part| part.counts.iter().any(|count| *count > 0))
        {
            let counts = sides.entry(part.segment.clone()).or_insert_with(empty);
            if let Some(counts) = counts.get_mut(side) {
                let given = part.counts.iter().map(|count| *count as f64);
                counts
                    .iter_mut()
                    .zip(given)
                    .for_each(|(sum, count)| *sum += count);
            }
        }
    }
    let count = |counts: &[Vec<f64>; 2]| counts.each_ref().map(|counts| sum(counts) as u64);
    let join = |into: &mut [Vec<f64>; 2], counts: [Vec<f64>; 2]| {
        for (into, counts) in into.iter_mut().zip(counts) {
            into.resize(counts.len(), 0.0);
            into.iter_mut()
                .zip(counts)
                .for_each(|(sum, count)| *sum += count);
        }
    };
    let (sides, pooled) = pool(sides, count, join);
    let (mut p, mut q, mut star) = (vec![0.0; bins], vec![0.0; bins], vec![0.0; bins]);
    for [old, new] in sides.values() {
        p.iter_mut().zip(old).for_each(|(sum, count)| *sum += count);
        q.iter_mut().zip(new).for_each(|(sum, count)| *sum += count);
    }
    let (n, m) = (sum(&p), sum(&q));
    both_sides(n as u64, m as u64)?;
    for [old, new] in sides.values() {
        let inside = if sum(new) > 0.0 { new } else { old };
        let scale = sum(old) / n * m / sum(inside);
        star.iter_mut()
            .zip(inside)
            .for_each(|(sum, count)| *sum += scale * count);
    }
    let between = |a: &[f64], c: &[f64]| value(measure, &table(a, c));
    let segments = sides
        .iter()
        .map(|(segment, [old, new])| {
            let presence = presence(sum(old) as u64, sum(new) as u64);
            let distance = match presence {
                Presence::Both => Some(between(old, new)),
                _ => None,
            };
            DistancePart {
                segment: segment.clone(),
                presence,
                weights: (sum(old) / n, sum(new) / m),
                distance,
            }
        })
        .collect();
    Ok(DistanceChange {
        measure,
        total: between(&p, &q),
        mix: between(&star, &q),
        within: between(&p, &star),
        segments,
        pooled,
    })
}

fn sum(counts: &[f64]) -> f64 {
    counts.iter().sum()
}

fn table(reference: &[f64], current: &[f64]) -> Table {
    let used = reference
        .iter()
        .zip(current)
        .filter(|(a, c)| **a + **c > 0.0);
    let (reference, current): (Vec<f64>, Vec<f64>) = used.unzip();
    Table {
        reference_total: sum(&reference),
        current_total: sum(&current),
        reference,
        current,
    }
}

fn value(measure: Measure, table: &Table) -> f64 {
    match measure {
        Measure::Psi => psi::distance(table),
        Measure::JensenShannon => jensen_shannon::distance(table),
        Measure::Hellinger => hellinger::distance(table),
        Measure::Ks => {
            let (mut below, mut most) = (0.0, 0.0f64);
            for (p, q) in table.shares() {
                below += p - q;
                most = most.max(f64::abs(below));
            }
            most.min(1.0)
        }
    }
}

fn presence(reference: u64, current: u64) -> Presence {
    match (reference, current) {
        (0, _) => Presence::Appeared,
        (_, 0) => Presence::Vanished,
        _ => Presence::Both,
    }
}

fn both_sides(reference: u64, current: u64) -> Result<(), NotComputed> {
    match (reference, current) {
        (0, _) => Err(NotComputed::NoReference { have: 0, need: 1 }),
        (_, 0) => Err(NotComputed::TooFewRows { have: 0, need: 1 }),
        _ => Ok(()),
    }
}

/// Joins what is small on both sides as `Other`, and says how many segments that were.
fn pool<T: Default>(
    sides: BTreeMap<Segment, T>,
    count: impl Fn(&T) -> [u64; 2],
    join: impl Fn(&mut T, T),
) -> (BTreeMap<Segment, T>, u64) {
    let mut kept: BTreeMap<Segment, T> = BTreeMap::new();
    let mut pooled = 0;
    for (segment, side) in sides {
        let small = count(&side).iter().all(|count| *count < MIN_VALUES);
        let named = matches!(segment, Segment::Value(_));
        if small && named {
            pooled += 1;
            join(kept.entry(Segment::Other).or_default(), side);
        } else {
            join(kept.entry(segment).or_default(), side);
        }
    }
    (kept, pooled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bins::NumericBins;
    use crate::distance::ks;
    use crate::oracle::{check, number, row};
    use proptest::prelude::*;

    fn named(name: &str) -> Segment {
        Segment::Value(name.to_owned())
    }

    fn means(of: &[(Segment, u64, f64)]) -> Vec<SegmentMean> {
        let part = |(segment, count, mean): &(Segment, u64, f64)| SegmentMean {
            segment: segment.clone(),
            count: *count,
            mean: *mean,
        };
        of.iter().map(part).collect()
    }

    fn counts(of: &[(Segment, &[u64])]) -> Vec<SegmentCounts> {
        let part = |(segment, counts): &(Segment, &[u64])| SegmentCounts {
            segment: segment.clone(),
            counts: counts.to_vec(),
        };
        of.iter().map(part).collect()
    }

    fn segment() -> impl Strategy<Value = Segment> {
        prop_oneof![
            Just(Segment::Null),
            (0..6u8).prop_map(|name| named(&name.to_string()))
        ]
    }

    fn side() -> impl Strategy<Value = Vec<SegmentMean>> {
        let part = (
            segment(),
            prop_oneof![0..3u64, 0..100u64, 0..100_000u64],
            -1e3..1e3f64,
        );
        let parts = prop::collection::vec(
            part.prop_map(|(segment, count, mean)| SegmentMean {
                segment,
                count,
                mean,
            }),
            1..9,
        );
        parts.prop_filter("a side without values has no mean", |side| {
            side.iter().any(|part| part.count > 0)
        })
    }

    fn counted() -> impl Strategy<Value = Vec<SegmentCounts>> {
        let part = (
            segment(),
            prop::collection::vec(prop_oneof![Just(0u64), 0..20u64, 0..10_000u64], 5),
        );
        let parts = prop::collection::vec(
            part.prop_map(|(segment, counts)| SegmentCounts { segment, counts }),
            1..9,
        );
        parts.prop_filter("a side without values has no shares", |side| {
            side.iter()
                .flat_map(|part| &part.counts)
                .any(|count| *count > 0)
        })
    }

    proptest! {
        #[test]
        fn the_parts_of_a_mean_add_up(reference in side(), current in side(), offset in -1e6..1e6f64) {
            let found = mean(&reference, &current).unwrap();
            let whole = |side: &[SegmentMean]| {
                let n: u64 = side.iter().map(|part| part.count).sum();
                side.iter().map(|part| part.count as f64 / n as f64 * part.mean).sum::<f64>()
            };
            prop_assert!((found.total - (whole(&current) - whole(&reference))).abs() < 1e-9);
            prop_assert!((found.mix + found.within - found.total).abs() < 1e-9, "{:?}", found);
            // The same rows once more change nothing of the shares; the order of segments changes nothing.
            let mut turned = current.clone();
            turned.reverse();
            let again = mean(&reference, &turned).unwrap();
            prop_assert!((again.mix - found.mix).abs() < 1e-9);
            let moved = |side: &[SegmentMean]| side.iter().map(|part| SegmentMean { mean: part.mean + offset, ..part.clone() }).collect::<Vec<_>>();
            let moved = mean(&moved(&reference), &moved(&current)).unwrap();
            for (a, b) in found.segments.iter().zip(&moved.segments) {
                prop_assert!((a.mix - b.mix).abs() < 1e-7 && (a.within - b.within).abs() < 1e-7, "{:?} {:?}", a, b);
            }
            let weights = found.segments.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.weights.0, sum.1 + part.weights.1));
            prop_assert!((weights.0 - 1.0).abs() < 1e-12 && (weights.1 - 1.0).abs() < 1e-12);
        }

        #[test]
        fn the_parts_of_a_distance(reference in counted(), current in counted()) {
            for measure in [Measure::Psi, Measure::JensenShannon, Measure::Hellinger, Measure::Ks] {
                let found = distance(measure, &reference, &current).unwrap();
                prop_assert!([found.total, found.mix, found.within].iter().all(|part| part.is_finite() && *part >= 0.0));
                // The inequality of the triangle.
                if measure != Measure::Psi {
                    prop_assert!(found.total <= found.mix + found.within + 1e-7, "{:?}", found);
                }
                let mut turned = reference.clone();
                turned.reverse();
                prop_assert_eq!(&distance(measure, &turned, &current).unwrap(), &found);
                let same = distance(measure, &reference, &reference).unwrap();
                prop_assert!(same.total < 1e-6 && same.mix < 1e-6 && same.within < 1e-6);
            }
        }

        #[test]
        fn any_means_have_an_answer(reference in prop::collection::vec((segment(), any::<u64>(), any::<f64>()), 0..6), current in prop::collection::vec((segment(), any::<u64>(), any::<f64>()), 0..6)) {
            if let Ok(found) = mean(&means(&reference), &means(&current)) {
                prop_assert!(found.total.is_finite() && found.segments.iter().all(|part| part.mix.is_finite() && part.within.is_finite()));
            }
        }
    }

    #[test]
    fn the_values_are_numpys() {
        let (a, b, null) = (named("a"), named("b"), Segment::Null);
        let found = mean(
            &means(&[
                (a.clone(), 500, 10.0),
                (b.clone(), 300, 14.0),
                (null.clone(), 200, 11.5),
            ]),
            &means(&[
                (a.clone(), 200, 10.5),
                (b.clone(), 600, 13.0),
                (null.clone(), 100, 12.0),
            ]),
        )
        .unwrap();
        check(found.mix, number("mix of means"), 1e-12);
        check(found.within, number("within of means"), 1e-12);
        let reference = counts(&[
            (a.clone(), &[100, 200, 300]),
            (b.clone(), &[300, 200, 100]),
            (null.clone(), &[50, 50, 60]),
        ]);
        let current = counts(&[
            (a, &[150, 150, 150]),
            (b, &[500, 300, 200]),
            (null, &[10, 40, 20]),
        ]);
        for (measure, name) in [
            (Measure::Psi, "PSI"),
            (Measure::JensenShannon, "JS"),
            (Measure::Hellinger, "Hellinger"),
            (Measure::Ks, "KS"),
        ] {
            let expected = row(&format!("{name} in parts"));
            let found = distance(measure, &reference, &current).unwrap();
            check(found.total, expected[0], 1e-9);
            check(found.mix, expected[1], 1e-9);
            check(found.within, expected[2], 1e-9);
        }
    }

    #[test]
    fn without_segments_it_is_the_distance_itself() {
        let (reference, current) = ([100, 200, 300, 400], [30, 90, 60, 120]);
        let of = |side: &[u64]| counts(&[(Segment::Null, side)]);
        let bins = NumericBins::freeze((0..4).map(f64::from).collect());
        let found = distance(Measure::Ks, &of(&reference), &of(&current)).unwrap();
        check(
            found.total,
            ks::distance(&bins, &reference, &current).0,
            1e-12,
        );
        assert_eq!(
            (found.mix, found.segments[0].distance),
            (0.0, Some(found.total))
        );
        check(found.within, found.total, 1e-12);
    }

    #[test]
    fn only_weights_move_or_only_values() {
        let (a, b) = (named("a"), named("b"));
        let before = means(&[(a.clone(), 500, 1.0), (b.clone(), 500, 3.0)]);
        let weights = mean(
            &before,
            &means(&[(a.clone(), 200, 1.0), (b.clone(), 800, 3.0)]),
        )
        .unwrap();
        assert!(weights.within == 0.0 && (weights.mix - 0.6).abs() < 1e-12);
        let values = mean(
            &before,
            &means(&[(a.clone(), 50, 1.0), (b.clone(), 50, 4.0)]),
        )
        .unwrap();
        assert!(values.mix == 0.0 && (values.within - 0.5).abs() < 1e-12);
        let before = counts(&[(a.clone(), &[90, 10]), (b.clone(), &[10, 90])]);
        let grown = distance(
            Measure::Ks,
            &before,
            &counts(&[(a.clone(), &[45, 5]), (b.clone(), &[100, 900])]),
        )
        .unwrap();
        assert!(
            grown.within < 1e-12 && (grown.mix - grown.total).abs() < 1e-12 && grown.total > 0.3
        );
        let shifted = distance(
            Measure::Ks,
            &before,
            &counts(&[(a, &[90, 10]), (b, &[90, 10])]),
        )
        .unwrap();
        assert!(shifted.mix < 1e-12 && (shifted.within - 0.4).abs() < 1e-12);
    }

    #[test]
    fn what_comes_or_goes_is_mix_and_is_said() {
        let (a, b, c) = (named("a"), named("b"), named("c"));
        let found = mean(
            &means(&[(a.clone(), 500, 1.0), (b.clone(), 500, 3.0)]),
            &means(&[(a.clone(), 500, 1.0), (c.clone(), 500, 7.0)]),
        )
        .unwrap();
        let presences: Vec<Presence> = found.segments.iter().map(|part| part.presence).collect();
        assert_eq!(
            presences,
            [Presence::Both, Presence::Vanished, Presence::Appeared]
        );
        assert_eq!((found.total, found.mix, found.within), (2.0, 2.0, 0.0));
        assert_eq!((found.segments[1].mix, found.segments[2].mix), (-0.5, 2.5));
        let found = distance(
            Measure::Hellinger,
            &counts(&[(a.clone(), &[50, 50]), (b, &[100, 0])]),
            &counts(&[(a, &[50, 50]), (c, &[0, 100])]),
        )
        .unwrap();
        assert!(
            found.within < 1e-12 && (found.mix - found.total).abs() < 1e-12 && found.total > 0.3
        );
        assert_eq!(
            (found.segments[1].distance, found.segments[2].distance),
            (None, None)
        );
    }

    #[test]
    fn small_segments_are_pooled_and_nulls_are_not() {
        let (x, y) = (named("x"), named("y"));
        let found = mean(
            &means(&[
                (named("a"), 500, 1.0),
                (x.clone(), 29, 1.0),
                (y.clone(), 10, 2.0),
                (Segment::Null, 1, 5.0),
            ]),
            &means(&[(named("a"), 500, 1.0), (x, 29, 2.0), (named("z"), 30, 2.0)]),
        )
        .unwrap();
        let names: Vec<&Segment> = found.segments.iter().map(|part| &part.segment).collect();
        assert_eq!(
            names,
            [&named("a"), &named("z"), &Segment::Null, &Segment::Other]
        );
        assert_eq!(found.pooled, 2);
        // One of 29 values by then, the other gone: their pool is on both sides.
        assert_eq!(found.segments[3].presence, Presence::Both);
        check(found.segments[3].weights.0, 39.0 / 540.0, 1e-12);
        let found = distance(
            Measure::Psi,
            &counts(&[(y.clone(), &[3, 4]), (named("a"), &[50, 60])]),
            &counts(&[(y, &[4, 4]), (named("a"), &[50, 60])]),
        )
        .unwrap();
        assert_eq!(
            (found.pooled, &found.segments[1].segment),
            (1, &Segment::Other)
        );
    }

    #[test]
    fn what_cannot_be_split_says_why() {
        let some = means(&[(Segment::Null, 40, 1.0)]);
        let none = means(&[(Segment::Null, 0, f64::NAN)]);
        assert_eq!(
            mean(&none, &some),
            Err(NotComputed::NoReference { have: 0, need: 1 })
        );
        assert_eq!(
            mean(&some, &none),
            Err(NotComputed::TooFewRows { have: 0, need: 1 })
        );
        for strange in [f64::NAN, f64::INFINITY] {
            assert_eq!(
                mean(&some, &means(&[(Segment::Null, 40, strange)])),
                Err(NotComputed::Overflow)
            );
        }
        assert_eq!(
            mean(
                &means(&[(Segment::Null, 40, f64::MAX)]),
                &means(&[(Segment::Null, 40, -f64::MAX)])
            ),
            Err(NotComputed::Overflow)
        );
        let (two, three) = (
            counts(&[(Segment::Null, &[1, 2])]),
            counts(&[(Segment::Null, &[1, 2, 3])]),
        );
        assert_eq!(
            distance(Measure::Ks, &two, &three),
            Err(NotComputed::OtherBins)
        );
        assert_eq!(
            distance(Measure::Ks, &[], &[]),
            Err(NotComputed::NoReference { have: 0, need: 1 })
        );
        assert_eq!(
            distance(Measure::Ks, &two, &[]),
            Err(NotComputed::TooFewRows { have: 0, need: 1 })
        );
    }
}
