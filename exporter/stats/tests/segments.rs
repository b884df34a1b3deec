//! What features are within segments, judged against the same segments of the baseline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "simulation/normal.rs"]
mod normal;

use std::collections::BTreeMap;
use std::sync::Arc;

use normal::pair;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::association::ABSENT;
use stats::decomposition::Segment;
use stats::performance::Predictor;
use stats::{
    Bins, ByCheck, BySeverity, CheckSettings, Column, DriftSettings, FeatureProfile, FrozenFeature,
    Kind, LimitPart, MAX_FEATURES, NotComputed, NumericBins, QualitySettings, Reference, Report,
    Segmented, Settings, Statistic, Summary, Validity, WindowSummary, judge,
};

const ROWS: usize = 4_000;
const WINDOWS: usize = 8;
const REGIONS: [&str; 3] = ["north", "south", "west"];

/// What a window is drawn from.
#[derive(Clone, Copy)]
struct Drawn {
    /// The shares of the three regions that are told apart; a twentieth is in others, the rest has none.
    shares: [f64; 3],
    /// The mean of spend in each region; its deviation is 1.
    means: [f64; 3],
    /// The share of spend that is missing in each region.
    missing: [f64; 3],
    /// The share of the category "web" in each region; the other one is "shop".
    web: [f64; 3],
}

const UNCHANGED: Drawn = Drawn {
    shares: [0.5, 0.25, 0.1],
    means: [0.0, 1.0, 2.0],
    missing: [0.05; 3],
    web: [0.3; 3],
};

/// A window: the codes of the regions, spend, and the channel.
struct Rows {
    regions: Vec<u32>,
    spend: Vec<f64>,
    channel: Vec<u32>,
}

fn draw(rng: &mut SmallRng, rows: usize, from: Drawn) -> Rows {
    let mut drawn = Rows {
        regions: Vec::new(),
        spend: Vec::new(),
        channel: Vec::new(),
    };
    for _ in 0..rows {
        let mut at = rng.random::<f64>();
        let mut region = None;
        for (place, share) in from.shares.iter().chain(&[0.05]).enumerate() {
            if at < *share && region.is_none() {
                region = Some(place);
            }
            at -= share;
        }
        let (own, _) = pair(rng);
        // The fourth place is that of others.
        let of = |all: [f64; 3], rest: f64| match region {
            Some(place) if place < 3 => all[place],
            _ => rest,
        };
        let spend = of(from.means, 0.0) + own;
        let missing = rng.random::<f64>() < of(from.missing, 0.05);
        drawn
            .regions
            .push(region.map_or(ABSENT, |place| place as u32));
        drawn.spend.push(if missing { f64::NAN } else { spend });
        drawn
            .channel
            .push(u32::from(rng.random::<f64>() < of(from.web, 0.3)));
    }
    drawn
}

fn summary(rows: &Rows, bins: &NumericBins) -> WindowSummary {
    let predictors = [
        (
            "spend",
            Predictor::Numeric {
                values: &rows.spend,
                bins,
            },
        ),
        (
            "channel",
            Predictor::Categorical {
                codes: &rows.channel,
                categories: 2,
            },
        ),
        (
            "region",
            Predictor::Categorical {
                codes: &rows.regions,
                categories: 4,
            },
        ),
    ];
    let names = REGIONS.map(str::to_owned);
    WindowSummary {
        segments: vec![Segmented::new("region", &names, &rows.regions, &predictors)],
        ..WindowSummary::default()
    }
}

fn settings(own: CheckSettings) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            segments: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck {
            segments: own,
            ..ByCheck::default()
        },
    }
}

struct Baseline {
    bins: NumericBins,
    features: Vec<FrozenFeature>,
    windows: Vec<WindowSummary>,
}

impl Baseline {
    fn new(rng: &mut SmallRng, rows: usize) -> Self {
        let windows: Vec<Rows> = (0..WINDOWS).map(|_| draw(rng, rows, UNCHANGED)).collect();
        let all = windows.iter().flat_map(|window| &window.spend).copied();
        let bins = NumericBins::freeze(all.collect());
        let frozen =
            |name: &str, bins: Bins| FrozenFeature::new(name, "", Arc::new(bins), Vec::new());
        let names = || FeatureProfile::new(Kind::Categorical, None).freeze_bins();
        Baseline {
            features: vec![
                frozen("spend", Bins::Numeric(bins.clone())),
                frozen("channel", names()),
                frozen("region", names()),
            ],
            windows: windows.iter().map(|rows| summary(rows, &bins)).collect(),
            bins,
        }
    }

    fn reference(&self) -> Reference {
        let settings = settings(CheckSettings {
            min_rows: 50,
            ..CheckSettings::default()
        });
        Reference::new(&self.features, &self.windows, &settings)
    }

    fn judge(&self, rows: &Rows) -> Report {
        self.judge_by(&self.reference(), rows)
    }

    fn judge_by(&self, reference: &Reference, rows: &Rows) -> Report {
        let numbers = self.summary(Kind::Numeric);
        let names = self.summary(Kind::Categorical);
        let current = [Some(&numbers), Some(&names), Some(&names)];
        judge(reference, &current, &summary(rows, &self.bins))
    }

    /// Of a column that is there.
    fn summary(&self, kind: Kind) -> Summary {
        let mut profile = FeatureProfile::new(kind, None);
        if kind == Kind::Numeric {
            let column = Column::Numeric {
                values: &[1.0],
                validity: Validity::all(1),
            };
            profile.update(&column).unwrap();
        }
        profile.close()
    }
}

fn named(name: &str) -> Segment {
    Segment::Value(name.to_owned())
}

#[test]
fn what_changes_in_one_segment_is_found_there() {
    let mut rng = SmallRng::seed_from_u64(1);
    let baseline = Baseline::new(&mut rng, ROWS);
    // spend and channel in four regions and where there is none; the region itself is the same in all of a segment.
    assert_eq!(baseline.reference().tests(), 2);
    let same = baseline.judge(&draw(&mut rng, ROWS, UNCHANGED));
    for feature in &same.features[..2] {
        let verdict = feature.verdicts.segments.as_ref().unwrap();
        assert_eq!(verdict.statistic, Statistic::SegmentDistance);
        assert!(!verdict.over.warning, "{verdict:?}");
    }
    assert_eq!(
        same.features[2].verdicts.segments,
        Err(NotComputed::NoSegmentOfBaseline { need: 50 })
    );

    let shifted = Drawn {
        means: [0.0, 1.0, 3.0],
        ..UNCHANGED
    };
    let report = baseline.judge(&draw(&mut rng, ROWS, shifted));
    let spend = &report.features[0];
    assert!(spend.verdicts.segments.as_ref().unwrap().over.critical);
    let change = spend.segment.as_ref().unwrap();
    assert_eq!(
        (change.segment.clone(), &*change.column),
        (named("west"), "region")
    );
    assert!(change.rows > 300 && change.rows < 500, "{change:?}");
    let (before, now) = change.means.unwrap();
    assert!(
        (before - 2.0).abs() < 0.1 && (now - 3.0).abs() < 0.2,
        "{change:?}"
    );
    let channel = report.features[1].verdicts.segments.as_ref().unwrap();
    assert!(!channel.over.warning, "{channel:?}");
    let told = &report.segments[0];
    assert_eq!(told.most_changed[0], *change);
    assert!(told.most_changed.len() <= 10);
    assert!(
        told.most_changed
            .is_sorted_by(|a, b| a.scores.warning >= b.scores.warning)
    );

    let lost = Drawn {
        missing: [0.05, 0.05, 1.0],
        ..UNCHANGED
    };
    let report = baseline.judge(&draw(&mut rng, ROWS, lost));
    let change = report.features[0].segment.as_ref().unwrap();
    assert_eq!(change.segment, named("west"));
    assert_eq!((change.missing.1, change.means), (1.0, None));
    assert!(
        report.features[0]
            .verdicts
            .segments
            .as_ref()
            .unwrap()
            .over
            .critical
    );

    let other_channel = Drawn {
        web: [0.3, 0.8, 0.3],
        ..UNCHANGED
    };
    let report = baseline.judge(&draw(&mut rng, ROWS, other_channel));
    let change = report.features[1].segment.as_ref().unwrap();
    assert_eq!(
        (change.segment.clone(), change.means),
        (named("south"), None)
    );
    assert!(
        report.features[1]
            .verdicts
            .segments
            .as_ref()
            .unwrap()
            .over
            .critical
    );
}

#[test]
fn segments_that_weigh_otherwise_change_nothing_within_them() {
    let mut rng = SmallRng::seed_from_u64(2);
    let baseline = Baseline::new(&mut rng, ROWS);
    let turned = Drawn {
        shares: [0.1, 0.25, 0.5],
        ..UNCHANGED
    };
    let report = baseline.judge(&draw(&mut rng, ROWS, turned));
    for feature in &report.features[..2] {
        assert!(!feature.verdicts.segments.as_ref().unwrap().over.warning);
    }
    let told = &report.segments[0];
    let split = &told.features[0];
    let mean = split.mean.unwrap();
    // 0.4 of the rows lie 2 higher.
    assert!((mean.total - 0.8).abs() < 0.1, "{mean:?}");
    assert!(
        (mean.mix - 0.8).abs() < 0.05 && mean.within.abs() < 0.08,
        "{mean:?}"
    );
    assert!((mean.mix + mean.within - mean.total).abs() < 1e-12);
    let distance = split.distance.unwrap();
    assert!(distance.mix > 0.2 && distance.within < 0.08, "{distance:?}");
    assert!(distance.mix + distance.within >= distance.total);
    let rows: Vec<(Segment, u64)> = told
        .segments
        .iter()
        .map(|(segment, _, now)| (segment.clone(), *now))
        .collect();
    let north = rows.iter().find(|(segment, _)| *segment == named("north"));
    assert!(north.unwrap().1.abs_diff(400) < 80, "{rows:?}");
    assert_eq!(rows.iter().map(|(_, rows)| rows).sum::<u64>(), ROWS as u64);
    assert!(rows.iter().any(|(segment, _)| *segment == Segment::Other));
    assert!(rows.iter().any(|(segment, _)| *segment == Segment::Null));
}

#[test]
fn a_mean_within_segments_is_told_apart_from_their_weights() {
    let mut rng = SmallRng::seed_from_u64(3);
    let baseline = Baseline::new(&mut rng, ROWS);
    let all = Drawn {
        means: [0.5, 1.5, 2.5],
        ..UNCHANGED
    };
    let report = baseline.judge(&draw(&mut rng, ROWS, all));
    let mean = report.segments[0].features[0].mean.unwrap();
    // Of the rest, in no or in another region, nothing changed.
    assert!((mean.within - 0.5 * 0.85).abs() < 0.08, "{mean:?}");
    assert!(mean.mix.abs() < 0.05, "{mean:?}");
}

/// A column that is gone, or of another kind, has no value in any segment. That is no change within segments, and takes the place
/// of none.
#[test]
fn a_column_that_is_gone_has_not_changed_within_segments() {
    let mut rng = SmallRng::seed_from_u64(8);
    let baseline = Baseline::new(&mut rng, ROWS);
    let lost = Rows {
        spend: vec![f64::NAN; ROWS],
        ..draw(&mut rng, ROWS, UNCHANGED)
    };
    let window = summary(&lost, &baseline.bins);
    let names = baseline.summary(Kind::Categorical);
    let numbers = baseline.summary(Kind::Numeric);
    let reference = baseline.reference();
    let told = |spend: Option<&Summary>| {
        let report = judge(&reference, &[spend, Some(&names), Some(&names)], &window);
        let verdict = report.features[0].verdicts.segments.clone();
        let named = report.features[0].segment.is_some();
        let told = &report.segments[0];
        let of_spend = |name: &String| name == "spend";
        let changed = told.most_changed.iter().map(|change| &change.feature);
        let split = told.features.iter().map(|split| &split.feature);
        let listed = changed.filter(|name| of_spend(name)).count();
        assert!(
            told.most_changed
                .iter()
                .any(|change| change.feature == "channel")
        );
        (
            verdict.map(|_| ()),
            named,
            listed,
            split.filter(|name| of_spend(name)).count(),
        )
    };
    // There, and null in all rows.
    assert_eq!(told(Some(&numbers)), (Ok(()), true, 5, 1));
    let absent = Err(NotComputed::Absent);
    assert_eq!(told(None), (absent, false, 0, 0));
    let changed = Err(NotComputed::KindChanged {
        baseline: Kind::Numeric,
        window: Kind::Categorical,
    });
    assert_eq!(told(Some(&names)), (changed, false, 0, 0));
}

/// Windows with few rows in each segment: noise and not the effect floor makes the limits, and nothing is found.
#[test]
fn few_rows_of_a_segment_make_wide_limits() {
    let mut rng = SmallRng::seed_from_u64(4);
    let (mut over, mut judged, mut by_noise) = (0, 0, 0);
    for _ in 0..40 {
        let baseline = Baseline::new(&mut rng, 520);
        let reference = baseline.reference();
        for _ in 0..10 {
            let report = baseline.judge_by(&reference, &draw(&mut rng, 520, UNCHANGED));
            for feature in &report.features[..2] {
                let verdict = feature.verdicts.segments.as_ref().unwrap();
                let noise = verdict.limits.warning.part != LimitPart::EffectFloor;
                by_noise += u32::from(noise);
                over += u32::from(verdict.over.warning);
                judged += 1;
            }
        }
    }
    // α is 0.05, the most that a test may have, of which 40 are expected.
    assert_eq!(judged, 800);
    assert!(by_noise > 400, "{by_noise}");
    println!("{over} alarms where 40 are expected");
    assert!(over <= 50, "{over} of {judged}");
}

#[test]
fn what_does_not_divide_is_not_judged() {
    let mut rng = SmallRng::seed_from_u64(5);
    let baseline = Baseline::new(&mut rng, ROWS);
    let numbers = baseline.summary(Kind::Numeric);
    let current = [Some(&numbers)];
    let verdict = |reference: &Reference, window: &WindowSummary| {
        let report = judge(reference, &current, window);
        report.features[0].verdicts.segments.clone()
    };
    let nothing = WindowSummary::default();
    assert_eq!(
        verdict(&baseline.reference(), &nothing),
        Err(NotComputed::NoSegments)
    );
    // No row, and therefore no segment.
    let bins = Arc::new(Bins::Numeric(baseline.bins.clone()));
    let none = FeatureProfile::new(Kind::Numeric, Some(bins)).close();
    let report = judge(&baseline.reference(), &[Some(&none)], &nothing);
    assert_eq!(
        report.features[0].verdicts.segments,
        Err(NotComputed::TooFewRows { have: 0, need: 20 })
    );
    let on = settings(CheckSettings::default());
    let without = vec![nothing.clone(); WINDOWS];
    let reference = Reference::new(&baseline.features, &without, &on);
    assert_eq!(reference.tests(), 0);
    assert_eq!(
        verdict(&reference, &baseline.windows[0]),
        Err(NotComputed::NoSegmentsInBaseline)
    );
    assert!(NotComputed::NoSegments.is_of_the_window());
    assert!(!NotComputed::NoSegmentsInBaseline.is_of_the_window());
    let off = Settings {
        on: ByCheck::default(),
        ..on
    };
    let reference = Reference::new(&baseline.features, &baseline.windows, &off);
    assert_eq!(
        verdict(&reference, &baseline.windows[0]),
        Err(NotComputed::Disabled)
    );
    // Too few of every segment.
    let few = summary(&draw(&mut rng, 19, UNCHANGED), &baseline.bins);
    assert_eq!(
        verdict(&baseline.reference(), &few),
        Err(NotComputed::NoSegmentOfWindow)
    );
}

/// Only the first features by name are looked at, and of the others that is said.
#[test]
fn features_beyond_the_most_are_told() {
    let mut rng = SmallRng::seed_from_u64(7);
    let rows = draw(&mut rng, 400, UNCHANGED);
    let bins = NumericBins::freeze(
        rows.spend
            .iter()
            .copied()
            .filter(|v| v.is_finite())
            .collect(),
    );
    let names: Vec<String> = (0..=MAX_FEATURES)
        .map(|place| format!("f{place:03}"))
        .collect();
    let predictor = Predictor::Numeric {
        values: &rows.spend,
        bins: &bins,
    };
    let sampled: Vec<(&str, Predictor<'_>)> = names[..MAX_FEATURES]
        .iter()
        .map(|name| (name.as_str(), predictor))
        .collect();
    let regions = REGIONS.map(str::to_owned);
    let window = WindowSummary {
        segments: vec![Segmented::new("region", &regions, &rows.regions, &sampled)],
        ..WindowSummary::default()
    };
    let frozen = Arc::new(Bins::Numeric(bins.clone()));
    let features: Vec<FrozenFeature> = names
        .iter()
        .map(|name| FrozenFeature::new(name, "", frozen.clone(), Vec::new()))
        .collect();
    let windows = vec![window.clone(); 3];
    let reference = Reference::new(&features, &windows, &settings(CheckSettings::default()));
    let mut profile = FeatureProfile::new(Kind::Numeric, Some(frozen));
    let column = Column::Numeric {
        values: &rows.spend,
        validity: Validity::all(rows.spend.len()),
    };
    profile.update(&column).unwrap();
    let summary = profile.close();
    let report = judge(&reference, &vec![Some(&summary); names.len()], &window);
    assert!(report.features[0].verdicts.segments.is_ok());
    let most = MAX_FEATURES;
    assert_eq!(
        report.features[MAX_FEATURES].verdicts.segments,
        Err(NotComputed::TooManyFeatures { most })
    );
}
