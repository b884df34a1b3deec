//! Seasonal band: what is usual at this phase of the day, the week or the month.
//!
//! Pure in time: the caller says of each window which phases it has, from the finest to the coarsest ([`Phase`], or any
//! ordered type), and on which day it is. A phase's band is median ± k·1.4826·MAD of the values that had it; where fewer
//! than [`MIN_CYCLES`] days did, the next coarser phase is taken, and at last all values ([`Level::All`]).
//!
//! **How often k = 4 is crossed.** Median and MAD of few values are rough, and far more values lie beyond four deviations
//! than the 0.006 % of the normal distribution. Of independent normal values are beyond: 11 % with 4 values, 5.6 % with 6,
//! 3.3 % with 8, 1.4 % with 13, 0.3 % with 26, 0.1 % with 52. Who needs a rate asks for it ([`Width::Alpha`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::tail;

/// Fewest cycles, that is days with a usable value, for a band of a phase.
pub const MIN_CYCLES: usize = 4;
/// Half-width in deviations where nothing else is asked for.
pub const DEVIATIONS: f64 = 4.0;
/// A MAD is at least this part of the MAD of all values around their own phase's median: few values may lie close by luck.
pub const FLOOR: f64 = 0.25;
/// σ of a normal distribution in units of its MAD.
const CONSISTENCY: f64 = 1.4826;
/// A spread below this part of the values is rounding.
const ROUNDING: f64 = 1e-12;

/// What the phase of a window may be. Which of them a window has, and in which order they are asked, is the caller's
/// choice: an ordinary window may have hour of week, then hour of day; one on a holiday its class alone, and is then no part
/// of the ordinary hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// A class of the calendar, a holiday or a sale, by the caller's number; with the hour of the day where it has any.
    Class(u16, Option<u8>),
    /// Hour of the local week, 0..168.
    HourOfWeek(u8),
    /// Hour of the local day, 0..24.
    HourOfDay(u8),
    /// Day of the local week, 0..7.
    DayOfWeek(u8),
    /// Day of the local month, 1..=31.
    DayOfMonth(u8),
}

/// One window of the past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point<'a, P> {
    /// Number of the local day. Values of one phase on one day are one cycle.
    pub day: i64,
    /// The phases that the window has, from the finest to the coarsest.
    pub phases: &'a [P],
    /// Its value; what is not finite does not count.
    pub value: f64,
    /// It lies in a labelled incident and does not count.
    pub excluded: bool,
}

/// How wide the band is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Width {
    /// k·1.4826·MAD on either side.
    Deviations(f64),
    /// As wide as this share of values, on both sides together, lies beyond when nothing changes and values are normal:
    /// b_n·√(1 + π/(2n))·t times 1.4826·MAD, with t the quantile of Student's distribution, not the normal one, at
    /// 0.9·⌊n/2⌋ degrees of freedom; the root is the error of the median of n, and b_n makes the MAD unbiased (Croux and
    /// Rousseeuw 1992). The degrees are chosen by us: the tail of a value over the MAD of n falls with the power ⌊n/2⌋.
    /// From 4 to 104 values and for 0.05 to 0.001 the share is 0.6 to 1.15 times what is asked, below 20 values at most
    /// 1.1 times; where the floor of the MAD holds, as it often does with 4 or 5 values, it is less.
    Alpha(f64),
}

impl Default for Width {
    fn default() -> Self {
        Width::Deviations(DEVIATIONS)
    }
}

impl Width {
    /// Half-width in units of 1.4826·MAD of `count` values.
    pub(crate) fn factor(self, count: usize) -> Option<f64> {
        match self {
            Width::Deviations(k) => (k > 0.0 && k.is_finite()).then_some(k),
            Width::Alpha(alpha) if alpha > 0.0 && alpha < 1.0 => {
                let n = count as f64;
                let t = tail::student_isf(0.5 * alpha, 0.9 * (count / 2) as f64);
                let root = (1.0 + 0.5 * std::f64::consts::PI / n).sqrt();
                Some(unbiased(count) * root * t).filter(|factor| factor.is_finite())
            }
            Width::Alpha(_) => None,
        }
    }
}

/// The factor b_n by which 1.4826·MAD of n normal values is too small on average (Croux and Rousseeuw 1992).
fn unbiased(count: usize) -> f64 {
    const FEW: [f64; 10] = [
        1.0, 1.0, 1.196, 1.196, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107,
    ];
    let n = count as f64;
    FEW.get(count).copied().unwrap_or(n / (n - 0.8))
}

/// Which values made a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level<P> {
    /// Those that had this phase.
    Phase(P),
    /// All, since no phase of the window had enough cycles.
    All,
}

/// What is usual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band<P> {
    /// Median.
    pub centre: f64,
    /// By how much a value may be larger or smaller.
    pub half_width: f64,
    /// Which values made it.
    pub level: Level<P>,
    /// How many values.
    pub values: u64,
    /// On how many days.
    pub cycles: u64,
    /// Whether the floor of the MAD made the width.
    pub floored: bool,
}

impl<P> Band<P> {
    /// Whether a value lies within. NaN does not.
    pub fn contains(&self, value: f64) -> bool {
        (value - self.centre).abs() <= self.half_width
    }
}

/// Why there is no band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Absent {
    /// Not even all values together are from enough days.
    #[error("too few days with a value: {have} where {need} are needed")]
    TooFewCycles {
        /// Days with a usable value.
        have: u64,
        /// Days that are needed.
        need: u64,
    },
    /// Neither the phase nor the series has any noise.
    #[error("the values of each phase are all the same, so that there is no unit of deviation")]
    ZeroSpread,
    /// The band is beyond the range of floating-point numbers.
    #[error("the band is beyond the range of floating-point numbers")]
    Overflow,
    /// A width that is none: deviations must be positive, a share between 0 and 1.
    #[error("the width is not a positive number of deviations, or not a share between 0 and 1")]
    Width,
}

/// Centre and spread of the values of one phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Spread {
    median: f64,
    mad: f64,
    values: u64,
    cycles: u64,
}

/// What is usual at every phase of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Seasons<P> {
    phases: BTreeMap<P, Spread>,
    all: Option<Spread>,
    /// MAD of all values around their own phase's median.
    noise: f64,
    days: u64,
}

impl<P: Ord + Clone> Seasons<P> {
    /// From the windows before the one that is judged, in any order: the one itself must not be among them, or it widens
    /// the band that it is judged by. [`before`](Self::before) sees to that.
    pub fn new(history: &[Point<P>]) -> Self {
        let mut groups: BTreeMap<&P, Vec<(i64, f64)>> = BTreeMap::new();
        let usable = || {
            history
                .iter()
                .filter(|point| !point.excluded && point.value.is_finite())
        };
        for point in usable() {
            // A phase that is named twice is one.
            let names: BTreeSet<&P> = point.phases.iter().collect();
            for phase in names {
                groups
                    .entry(phase)
                    .or_default()
                    .push((point.day, point.value));
            }
        }
        let phases: BTreeMap<P, Spread> = groups
            .into_iter()
            .filter_map(|(phase, values)| Some((phase.clone(), spread(&values)?)))
            .collect();
        let all: Vec<(i64, f64)> = usable().map(|point| (point.day, point.value)).collect();
        let days = cycles(&all);
        let all = spread(&all);
        let deviations = usable().filter_map(|point| {
            let own = point.phases.iter().find_map(|phase| phases.get(phase));
            Some((point.value - own.or(all.as_ref())?.median).abs())
        });
        let noise = median(&mut deviations.collect::<Vec<f64>>()).unwrap_or(0.0);
        Seasons {
            phases,
            all,
            noise,
            days,
        }
    }

    /// From the points that stand before `at` in a series in order of time.
    pub fn before(series: &[Point<P>], at: usize) -> Self {
        Self::new(series.get(..at).unwrap_or(series))
    }

    /// The band for a window with these phases, from the finest to the coarsest.
    ///
    /// # Errors
    /// When there are too few days, no noise at all, numbers beyond the range, or a width that is none.
    pub fn band(&self, phases: &[P], width: Width) -> Result<Band<P>, Absent> {
        let found = phases.iter().find_map(|phase| {
            let spread = self.phases.get(phase)?;
            Some((spread, Level::Phase(phase.clone())))
        });
        let too_few = Absent::TooFewCycles {
            have: self.days,
            need: MIN_CYCLES as u64,
        };
        let (spread, level) = match found {
            Some(found) => found,
            None => (self.all.as_ref().ok_or(too_few)?, Level::All),
        };
        let factor = width.factor(spread.values as usize).ok_or(Absent::Width)?;
        let floor = FLOOR * self.noise;
        let mad = spread.mad.max(floor);
        if mad <= ROUNDING * spread.median.abs() {
            return Err(Absent::ZeroSpread);
        }
        let half_width = factor * CONSISTENCY * mad;
        if !half_width.is_finite() {
            return Err(Absent::Overflow);
        }
        // The product of tiny numbers may be 0.
        if half_width <= 0.0 {
            return Err(Absent::ZeroSpread);
        }
        Ok(Band {
            centre: spread.median,
            half_width,
            level,
            values: spread.values,
            cycles: spread.cycles,
            floored: spread.mad < floor,
        })
    }
}

fn cycles(values: &[(i64, f64)]) -> u64 {
    values
        .iter()
        .map(|(day, _)| day)
        .collect::<BTreeSet<_>>()
        .len() as u64
}

/// `None` below [`MIN_CYCLES`] days.
fn spread(values: &[(i64, f64)]) -> Option<Spread> {
    let cycles = cycles(values);
    if cycles < MIN_CYCLES as u64 {
        return None;
    }
    let mut sorted: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    let centre = median(&mut sorted)?;
    let mut deviations: Vec<f64> = sorted.iter().map(|value| (value - centre).abs()).collect();
    Some(Spread {
        median: centre,
        mad: median(&mut deviations)?,
        values: values.len() as u64,
        cycles,
    })
}

/// The middle value, or the mean of the middle two; `None` without a value.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(half.checked_sub(1)?)?;
    // Halved first: their sum may be beyond the range.
    Some(0.5 * lower + 0.5 * upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, rows};
    use proptest::prelude::*;

    const ONE: &[u8] = &[1];

    fn points(values: &[f64]) -> Vec<Point<'static, u8>> {
        let point = |(day, value): (usize, &f64)| Point {
            day: day as i64,
            phases: ONE,
            value: *value,
            excluded: false,
        };
        values.iter().enumerate().map(point).collect()
    }

    #[test]
    fn median_and_mad_are_scipys() {
        for row in rows("median and MAD") {
            let (expected, values) = row.split_at(2);
            let band = Seasons::new(&points(values))
                .band(ONE, Width::Deviations(1.0))
                .unwrap();
            check(band.centre, expected[0], 1e-14);
            check(band.half_width, 1.4826 * expected[1], 1e-12);
        }
    }

    #[test]
    fn the_finest_phase_with_four_cycles_is_taken() {
        let (fine, coarse): (&[Phase], &[Phase]) = (
            &[Phase::HourOfWeek(37), Phase::HourOfDay(13)],
            &[Phase::HourOfWeek(61), Phase::HourOfDay(13)],
        );
        let other: &[Phase] = &[Phase::Class(1, None)];
        let at = |day, phases, value| Point {
            day,
            phases,
            value,
            excluded: false,
        };
        let mut history: Vec<Point<Phase>> = (0..3i64)
            .map(|week| at(7 * week, fine, week as f64))
            .collect();
        history.extend((0..2i64).map(|week| at(7 * week + 1, coarse, 10.0 + week as f64)));
        let band =
            |history: &[Point<Phase>], phases| Seasons::new(history).band(phases, Width::default());
        let found = band(&history, fine).unwrap();
        assert_eq!(
            (found.level, found.values, found.cycles),
            (Level::Phase(Phase::HourOfDay(13)), 5, 5)
        );
        assert_eq!(band(&history, other).unwrap().level, Level::All);
        // Four values within one day are one cycle.
        history.extend((0..4).map(|i| at(14, fine, f64::from(i))));
        assert_eq!(
            band(&history, fine).unwrap().level,
            Level::Phase(Phase::HourOfDay(13))
        );
        history.push(at(21, fine, 3.0));
        let found = band(&history, fine).unwrap();
        assert_eq!(
            (found.level, found.cycles),
            (Level::Phase(Phase::HourOfWeek(37)), 4)
        );
    }

    #[test]
    fn incidents_and_what_is_not_finite_do_not_count() {
        let mut history = points(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let clean = Seasons::new(&history);
        let strange = [
            (f64::NAN, false),
            (f64::INFINITY, false),
            (1e6, true),
            (2e6, true),
        ];
        history.extend(
            strange
                .iter()
                .zip(5..)
                .map(|((value, excluded), day)| Point {
                    day,
                    phases: ONE,
                    value: *value,
                    excluded: *excluded,
                }),
        );
        assert_eq!(Seasons::new(&history), clean);
        assert_eq!(Seasons::before(&history, 5), clean);
        assert_ne!(Seasons::before(&history, 4), clean);
    }

    #[test]
    fn what_has_no_band_says_why() {
        let of =
            |values: &[f64], width| Seasons::new(&points(values)).band(ONE, width).unwrap_err();
        assert_eq!(
            of(&[], Width::default()),
            Absent::TooFewCycles { have: 0, need: 4 }
        );
        assert_eq!(
            of(&[1.0, 2.0, 3.0], Width::default()),
            Absent::TooFewCycles { have: 3, need: 4 }
        );
        assert_eq!(of(&[0.1; 9], Width::default()), Absent::ZeroSpread);
        assert_eq!(of(&[0.0; 9], Width::default()), Absent::ZeroSpread);
        assert_eq!(
            of(
                &[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX],
                Width::default()
            ),
            Absent::Overflow
        );
        for width in [
            Width::Alpha(0.0),
            Width::Alpha(1.0),
            Width::Alpha(f64::NAN),
            Width::Deviations(0.0),
            Width::Deviations(f64::NAN),
        ] {
            assert_eq!(of(&[1.0, 2.0, 3.0, 4.0], width), Absent::Width);
        }
    }

    #[test]
    fn a_phase_without_spread_has_a_quarter_of_the_others() {
        let two: &[u8] = &[2];
        let mut history = points(&[5.0; 8]);
        history.extend((0..24i32).map(|day| Point {
            day: i64::from(day),
            phases: two,
            value: f64::from(day),
            excluded: false,
        }));
        let seasons = Seasons::new(&history);
        let band = seasons.band(ONE, Width::Deviations(1.0)).unwrap();
        assert!(band.floored && band.centre == 5.0);
        check(band.half_width, 1.4826 * FLOOR * seasons.noise, 1e-12);
        assert!(!seasons.band(two, Width::Deviations(1.0)).unwrap().floored);
    }

    proptest! {
        #[test]
        fn laws(values in prop::collection::vec(-1.0..1.0f64, 4..60), scale in 0.1..100.0f64, offset in -100.0..100.0f64, seed in any::<u64>()) {
            let band = |values: &[f64]| Seasons::new(&points(values)).band(ONE, Width::default()).unwrap();
            let found = band(&values);
            let moved = band(&values.iter().map(|value| scale * value + offset).collect::<Vec<_>>());
            prop_assert!((moved.centre - (scale * found.centre + offset)).abs() < 1e-9);
            prop_assert!((moved.half_width / (scale * found.half_width) - 1.0).abs() < 1e-6);
            let mut turned = points(&values);
            let cut = (seed % values.len() as u64) as usize;
            turned.rotate_left(cut);
            prop_assert_eq!(Seasons::new(&turned).band(ONE, Width::default()).unwrap(), found);
            prop_assert!(found.contains(found.centre) && !found.contains(f64::NAN) && !found.contains(f64::INFINITY));
            // With few values the outermost pairs cannot all lie beyond the band.
            let within = values.iter().filter(|value| found.contains(**value)).count();
            prop_assert!(2 * within >= values.len());
        }

        #[test]
        fn any_history_has_an_answer(values in prop::collection::vec((0i64..9, any::<f64>(), any::<bool>()), 0..40), k in any::<f64>()) {
            let history: Vec<Point<u8>> = values.into_iter().map(|(day, value, excluded)| Point { day, phases: ONE, value, excluded }).collect();
            for width in [Width::Deviations(k), Width::Alpha(k), Width::default(), Width::Alpha(0.001)] {
                if let Ok(band) = Seasons::new(&history).band(ONE, width) {
                    prop_assert!(band.centre.is_finite() && band.half_width.is_finite() && band.half_width > 0.0);
                }
            }
        }
    }
}
