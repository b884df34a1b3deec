//! A snapshot in which every state and every kind of finding occurs, from profiles of made-up columns.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crds::valid::{Over, ResolvedCheck, Rule, Severity};
use exporter::freshness;
use exporter::quality::{FeatureQuality, MonitorQuality};
use exporter::rules::{AggregateValue, Fault, Judgement, Outcome, Position, RuleError, Unjudged};
use exporter::schema::Problem;
use exporter::segments::SegmentTimes;
use exporter::settings::settings;
use exporter::snapshot::{
    BaselineInfo, BaselineState, Breaches, Budget, EntitiesState, Evaluation, FeatureState, Judged,
    JudgedWindow, OpenWindow, PairsState, RuleState, Snapshot, Standing, UpdatesState, WholeState,
};
use exporter::target::FrozenTarget;
use exporter::updates::Updates;
use exporter::window::Span;
use jiff::Timestamp;
use stats::association::{self, Change, Changes, vif};
use stats::decomposition::Segment;
use stats::performance::{BinEvidence, Evidence, Measured, PowerMeasure};
use stats::predictive::Interval;
use stats::sequential::{ChartReading, Direction};
use stats::{
    AssociationReport, Associations, BySeverity, Categories, Check, Column, CompleteEntities,
    FeatureProfile, FeatureReport, FeatureSplit, FrozenFeature, KeyHash, KeySample, Kind, Limit,
    LimitPart, Missingness, NotComputed, PairChange, PerformanceReport, Power, Reference,
    RowSample, RowSampler, SegmentChange, SegmentsReport, Split, Statistic, Summary, TIME_POINTS,
    TimeSample, Usual, Validity, Verdict, WindowSummary, judge, score,
};

/// A name in which everything that markup or the text formats must escape occurs.
pub const HOSTILE: &str = "spend\"</title><script>alert(1)</script>\\\n&amp;";

/// Stands in every category of the sensitive features, and nowhere else.
pub const CANARY: &str = "canary-3f1d";

/// A number that is a value, an edge and an extreme of the sensitive numeric feature, and nowhere else.
pub const CANARY_NUMBER: f64 = 7_318_241.0;

const ROWS: usize = 2_000;
const WINDOWS: usize = 6;

/// When the snapshot was taken.
pub fn now() -> Timestamp {
    at("2017-06-04T12:00:03Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a literal timestamp")
}

/// One column in one window.
enum Values {
    Numbers(Vec<Option<f64>>),
    Names(Vec<Option<String>>),
}

impl Values {
    fn kind(&self) -> Kind {
        match self {
            Values::Numbers(_) => Kind::Numeric,
            Values::Names(_) => Kind::Categorical,
        }
    }
}

/// Evenly spread numbers in (0, 1) that look random.
fn uniform(seed: usize) -> impl Iterator<Item = f64> {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    (0..ROWS).map(move |i| ((i + 1 + seed * 997) as f64 * golden).fract())
}

fn numbers(seed: usize, of: impl Fn(f64) -> f64) -> Values {
    Values::Numbers(uniform(seed).map(|u| Some(of(u))).collect())
}

fn names(seed: usize, of: impl Fn(f64) -> String) -> Values {
    Values::Names(uniform(seed).map(|u| Some(of(u))).collect())
}

fn with_nulls(values: Values, share: f64) -> Values {
    let drops = |i: usize| ((i * 7919) % ROWS) as f64 <= share * ROWS as f64 - 1.0;
    match values {
        Values::Numbers(values) => Values::Numbers(
            values
                .into_iter()
                .enumerate()
                .map(|(i, v)| v.filter(|_| !drops(i)))
                .collect(),
        ),
        Values::Names(values) => Values::Names(
            values
                .into_iter()
                .enumerate()
                .map(|(i, v)| v.filter(|_| !drops(i)))
                .collect(),
        ),
    }
}

/// The columns in window `w`; the last window is the one that is judged.
fn columns(w: usize) -> Vec<(&'static str, &'static str, Values)> {
    let last = w == WINDOWS;
    let skewed = |u: f64| (1.0 / (1.001 - u)).ln() * 40.0;
    let mut columns = vec![
        ("monetary_28d", "float64", numbers(w, skewed)),
        (
            "basket_mean",
            "float64",
            // Of the last ones some are filled in.
            numbers(w + 10, move |u| match (last, (0.5..0.53).contains(&u)) {
                (true, true) => 61.5,
                (true, false) => 1.5 * skewed(u),
                (false, _) => skewed(u),
            }),
        ),
        (
            "share_produce",
            "float64",
            numbers(w + 20, move |u| u * u * if last { 0.86 } else { 1.0 }),
        ),
        (
            "campaigns_active",
            "int64",
            numbers(w + 30, move |u| {
                let active = if last { 0.47 } else { 0.066 };
                if u < active {
                    1.0 + (u / active * 3.0).floor()
                } else {
                    0.0
                }
            }),
        ),
        (
            "tenure_days",
            "int64",
            numbers(w + 40, move |u| (u * 90.0).floor() + 14.0 * w as f64),
        ),
        (
            "home_store",
            "string",
            names(w + 50, |u| format!("store {:02}", (u * u * 30.0) as usize)),
        ),
        (
            "age",
            "string",
            with_nulls(
                names(w + 60, move |u| {
                    let band = (u * if last { 4.0 } else { 6.0 }) as usize;
                    format!("{CANARY} {band}")
                }),
                0.667,
            ),
        ),
        (
            "income",
            "float64",
            numbers(w + 70, move |u| {
                if u > 0.9 {
                    CANARY_NUMBER
                } else {
                    CANARY_NUMBER - (u * 40.0).floor()
                }
            }),
        ),
        (
            "discount_share",
            "float64",
            with_nulls(
                // Of the last ones every tenth is far from all that the baseline has.
                numbers(w + 80, move |u| match last && (u * 20.0).fract() < 0.1 {
                    true => u + 9.0,
                    false => u,
                }),
                if last { 0.34 } else { 0.02 },
            ),
        ),
        (
            "visits_7d",
            "int64",
            with_nulls(numbers(w + 90, |u| (u * 12.0).floor()), 0.96),
        ),
        ("constant", "float64", numbers(w, |_| 1.0)),
        (HOSTILE, "float64", numbers(w + 110, |u| u * 9.0)),
    ];
    if last {
        columns.push(("coupon_ratio", "float64", numbers(w + 100, |u| u)));
    } else {
        columns.push(("coupon_share", "float64", numbers(w + 100, |u| u)));
        columns.push((
            "weekday",
            "string",
            names(w + 120, |u| format!("day {}", (u * 7.0) as usize)),
        ));
    }
    columns
}

fn profile(values: &Values, bins: Option<Arc<stats::Bins>>) -> FeatureProfile {
    counted(values, FeatureProfile::new(values.kind(), bins))
}

/// A profile that has taken in these values.
fn counted(values: &Values, mut profile: FeatureProfile) -> FeatureProfile {
    let validity = |valid: Vec<bool>| {
        let mut bits = vec![0u8; valid.len().div_ceil(8)];
        for (i, valid) in valid.into_iter().enumerate() {
            bits[i / 8] |= u8::from(valid) << (i % 8);
        }
        bits
    };
    match values {
        Values::Numbers(values) => {
            let bits = validity(values.iter().map(Option::is_some).collect());
            let values: Vec<f64> = values.iter().map(|v| v.unwrap_or(0.0)).collect();
            let validity = Validity::bitmap(&bits, 0, values.len()).expect("as many bits as rows");
            let column = Column::Numeric {
                values: &values,
                validity,
            };
            profile
                .update(&column)
                .expect("a column of the profile's kind");
            profile
        }
        Values::Names(values) => {
            let bits = validity(values.iter().map(Option::is_some).collect());
            let known: Vec<&str> = values
                .iter()
                .flatten()
                .map(String::as_str)
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect();
            let code = |name: &Option<String>| {
                let name = name.as_deref().unwrap_or_default();
                known.binary_search(&name).map_or(0, |code| code as i32)
            };
            let codes: Vec<i32> = values.iter().map(code).collect();
            let column = Column::Categorical {
                codes: &codes,
                validity: Validity::bitmap(&bits, 0, codes.len()).expect("as many bits as rows"),
                categories: Categories {
                    generation: 1,
                    len: known.len(),
                    name: &|code| known.get(code).copied(),
                },
            };
            profile
                .update(&column)
                .expect("a column of the profile's kind");
            profile
        }
    }
}

/// How the numbers of a window are missing together.
fn missingness(w: usize) -> Missingness {
    let columns = columns(w);
    let samples: Vec<(&str, RowSample)> = columns
        .iter()
        .filter_map(|(name, _, values)| {
            let Values::Numbers(values) = values else {
                return None;
            };
            let mut bits = vec![0u8; values.len().div_ceil(8)];
            let there = values.iter().enumerate().filter(|(_, v)| v.is_some());
            there.for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
            let values: Vec<f64> = values.iter().map(|v| v.unwrap_or(0.0)).collect();
            let column = Column::Numeric {
                values: &values,
                validity: Validity::bitmap(&bits, 0, values.len()).expect("as many bits as rows"),
            };
            let mut sample = RowSample::new(Kind::Numeric);
            let choice = RowSampler::default().choose(values.len());
            FeatureProfile::new(Kind::Numeric, None).pick(&column, &choice, &mut sample);
            Some((*name, sample))
        })
        .collect();
    let columns: Vec<(&str, &RowSample)> = samples.iter().map(|(name, s)| (*name, s)).collect();
    Missingness::new(&columns).expect("columns of one length")
}

fn freeze(name: &str, data_type: &str) -> FrozenFeature {
    let window = |w: usize| {
        let mut columns = columns(w).into_iter();
        let found = columns.find(|(other, ..)| *other == name);
        found.expect("every baseline window has the column").2
    };
    let mut pooled = profile(&window(0), None);
    for w in 1..WINDOWS {
        pooled
            .merge(profile(&window(w), None))
            .expect("the same kind");
    }
    let bins = Arc::new(pooled.freeze_bins());
    let windows = (0..WINDOWS)
        .map(|w| profile(&window(w), Some(bins.clone())).close())
        .collect();
    FrozenFeature::new(name, data_type, bins, windows)
}

/// The monitor of the fixture.
pub fn monitor() -> Arc<crds::valid::Monitor> {
    let manifest = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crds/examples/customer-segmentation.yaml"
    ));
    let loaded = crds::manifest::load(&manifest.expect("the example is there"));
    loaded.expect("the example holds").monitor.into()
}

/// A snapshot before the first evaluation.
pub fn empty() -> Snapshot {
    Snapshot {
        monitor: monitor(),
        config_hash: "0".repeat(64),
        evaluation: None,
        last_failure: None,
        last_success: None,
        source_up: None,
        baseline: BaselineState::Absent,
        budget: None,
        judged: None,
        open: None,
        windows_pending: 0,
        freshness: None,
        future_events: None,
        served: None,
        updates: None,
        whole: WholeState::default(),
        rules: vec![rule("not-yet", Over::Rows, Severity::Warning, None)],
        unmatched: Vec::new(),
        features: Vec::new(),
    }
}

/// The snapshot in which everything occurs.
pub fn snapshot() -> Snapshot {
    let monitor = monitor();
    let frozen: Vec<FrozenFeature> = columns(0)
        .into_iter()
        .map(|(name, data_type, _)| freeze(name, data_type))
        .collect();
    let bins: BTreeMap<&str, _> = frozen
        .iter()
        .map(|f| (f.name.as_str(), f.bins.clone()))
        .collect();
    let settings = settings(&monitor, &frozen);
    let window = |w: usize, twice: usize| {
        let mut keys = KeySample::default();
        for row in (0..ROWS - twice).chain(0..twice) {
            keys.insert(Some(KeyHash::of(&row.to_be_bytes())));
        }
        WindowSummary {
            keys: Some(keys.close()),
            missingness: Some(missingness(w)),
            ..WindowSummary::default()
        }
    };
    let wholes: Vec<WindowSummary> = (0..WINDOWS).map(|w| window(w, 0)).collect();
    let reference = Reference::new(&frozen, &wholes, &settings);
    let places: BTreeMap<&str, usize> = frozen.iter().map(|f| f.name.as_str()).zip(0..).collect();
    let current: BTreeMap<&str, (&str, Summary)> = columns(WINDOWS)
        .iter()
        .map(|(name, data_type, values)| {
            let mut profile = FeatureProfile::new(values.kind(), bins.get(name).cloned());
            if let Some(place) = places.get(name) {
                if let Ok(acceptable) = reference.acceptable(*place) {
                    profile = profile.accepting(acceptable);
                }
                if let Ok(fences) = reference.fences(*place) {
                    profile = profile.fenced(fences);
                }
            }
            (*name, (*data_type, counted(values, profile).close()))
        })
        .collect();
    let windows: Vec<Option<&Summary>> = frozen
        .iter()
        .map(|f| current.get(f.name.as_str()).map(|(_, summary)| summary))
        .collect();
    let whole = window(WINDOWS, 36);
    let report = judge(&reference, &windows, &whole);
    let breached = |verdict: &Result<Verdict, NotComputed>| verdict.as_ref().ok().map(|v| v.over);

    let (pairs, segments) = (pairs(), segments());
    let mut features: Vec<FeatureState> = frozen
        .iter()
        .enumerate()
        .zip(report.features)
        .map(|((place, frozen), mut report)| {
            report.power = power(&frozen.name);
            if frozen.name == "monetary_28d" {
                judged_by_others(&mut report, &pairs, &segments);
            }
            let found = current.get(frozen.name.as_str());
            let problem = match frozen.name.as_str() {
                "coupon_share" => Some(Problem::Renamed {
                    to: "coupon_ratio".to_owned(),
                }),
                "weekday" => Some(Problem::Missing),
                _ => None,
            };
            FeatureState {
                name: frozen.name.clone(),
                kind: Some(frozen.kind),
                data_type: Some(frozen.data_type.clone()),
                sensitive: monitor.data.features.sensitive(&frozen.name),
                expected: true,
                present: Some(found.is_some()),
                quality: FeatureQuality::of(found.map(|(_, summary)| summary), problem.as_ref()),
                problem,
                summary: found.map(|(_, summary)| summary.clone()),
                reference: Some(frozen.reference.clone()),
                bins: Some(frozen.bins.clone()),
                collapse: frozen.collapse.clone(),
                acceptable: reference.acceptable(place).ok().cloned(),
                fences: reference.fences(place).ok(),
                // As of a seasonal baseline with charts.
                usual: (place == 0).then(usual),
                charts: (place == 0).then(charts),
                standard: None,
                left_out: u32::from(place == 0),
                breached: Breaches::from_fn(|check| breached(report.verdicts.get(check))),
                standing: Standing::default(),
                report: Some(report),
                freshness: found.map(|_| fresh("2017-06-03T21:14:00Z")),
            }
        })
        .collect();
    let (data_type, summary) = &current["coupon_ratio"];
    features.push(FeatureState {
        name: "coupon_ratio".to_owned(),
        kind: Some(Kind::Numeric),
        data_type: Some((*data_type).to_owned()),
        sensitive: false,
        expected: false,
        present: Some(true),
        problem: Some(Problem::New),
        summary: Some(summary.clone()),
        reference: None,
        bins: None,
        collapse: None,
        acceptable: None,
        fences: None,
        usual: None,
        charts: None,
        standard: None,
        left_out: 0,
        quality: FeatureQuality::of(Some(summary), Some(&Problem::New)),
        report: None,
        breached: Breaches::default(),
        standing: Standing::default(),
        freshness: Some(fresh("2017-05-23T08:00:00Z")),
    });
    features.push(FeatureState {
        name: "loyalty_tier".to_owned(),
        kind: None,
        data_type: None,
        present: Some(false),
        problem: Some(Problem::Missing),
        summary: None,
        quality: FeatureQuality::of(None, Some(&Problem::Missing)),
        expected: true,
        freshness: None,
        ..features[features.len() - 1].clone()
    });
    features.sort_by(|a, b| a.name.cmp(&b.name));
    let expected = features.iter().filter(|feature| feature.expected);
    let scores = expected.filter_map(|feature| Some(feature.quality?.score()));
    let entities = |complete| CompleteEntities {
        sampled: 400,
        complete,
        columns: 10,
    };
    let entities = EntitiesState {
        reference: Some(entities(120)),
        current: entities(100),
    };
    let whole = WholeState {
        pairs: Some(pairs),
        performance: Some(performance()),
        target: Some(target(&["occasional", "loyal"])),
        labelled: Some(Span {
            start: at("2017-05-14T06:00:00Z"),
            end: at("2017-05-21T06:00:00Z"),
        }),
        complete_in: report
            .missingness
            .as_ref()
            .map(|report| report.features as u64),
        missingness: report.missingness,
        entities: Some(entities),
        segments: vec![segments],
        left_out: 2,
        keys: whole.keys,
        quality: MonitorQuality::of(scores, whole.keys.as_ref()),
        breached: Breaches::from_fn(|check| breached(report.window.verdicts.get(check))),
        standing: Standing::default(),
        report: Some(report.window),
    };

    let week = |start: &str, end: &str| Span {
        start: at(start),
        end: at(end),
    };
    Snapshot {
        config_hash: "9b1d".repeat(16),
        evaluation: Some(Evaluation {
            at: at("2017-06-04T12:00:00Z"),
            duration_seconds: 0.41,
            failure: None,
        }),
        last_failure: None,
        last_success: Some(at("2017-06-04T12:00:00Z")),
        source_up: Some(true),
        baseline: BaselineState::Ready(BaselineInfo {
            kind: "Pinned",
            version: 2,
            revision: 1,
            digest: format!("sha256:{}", "4e07408562bedb8b60ce05c1decfe3ad".repeat(2)),
            frozen_at: at("2017-05-07T12:00:05Z"),
            reloaded: true,
            span: week("2017-03-26T06:00:00Z", "2017-05-07T06:00:00Z"),
            windows: WINDOWS as u32,
            rows: (WINDOWS * ROWS) as u64,
            features: frozen.len() as u32,
            phase: None,
        }),
        budget: Some(Budget {
            per_window: settings.budget,
            tests: reference.tests(),
            alpha: reference.alpha(),
        }),
        judged: Some(JudgedWindow {
            span: week("2017-05-28T06:00:00Z", "2017-06-04T06:00:00Z"),
            rows: ROWS as u64,
        }),
        open: Some(OpenWindow {
            span: week("2017-06-04T06:00:00Z", "2017-06-11T06:00:00Z"),
            rows: 311,
        }),
        windows_pending: 1,
        freshness: Some(fresh("2017-06-03T23:58:30Z")),
        future_events: Some(0.002),
        served: Some(served()),
        updates: Some(updates()),
        whole,
        rules: rules(),
        features,
        ..empty()
    }
}

fn rule(name: &str, over: Over, severity: Severity, outcome: Option<Outcome>) -> RuleState {
    let rule = Rule {
        name: name.to_owned(),
        expr: "monetary_28d < 100 and \"<b>\" <> '&'".to_owned(),
        over,
        severity,
        tolerance: 0.001,
        sample_keys: 0,
    };
    RuleState { rule, outcome }
}

/// Rules in every state.
fn rules() -> Vec<RuleState> {
    let rows = |violations, breached| {
        Some(Outcome::Judged(Judgement::Rows {
            rows: 1_990,
            violations,
            unknown: 10,
            breached,
        }))
    };
    let window = |breached| {
        Some(Outcome::Judged(Judgement::Window {
            breached,
            values: vec![AggregateValue {
                aggregate: "count(*)".to_owned(),
                now: Some("2000".to_owned()),
                before: Some("4100".to_owned()),
            }],
        }))
    };
    let broken = RuleError {
        fault: Fault::Column,
        position: Some(Position {
            line: 1,
            column: 24,
        }),
        found: "the source has no column <b>".to_owned(),
        write: "write a column that the source has, by its exact name".to_owned(),
    };
    let (critical, warning) = (Severity::Critical, Severity::Warning);
    let not_judged = |reason| Some(Outcome::NotJudged(reason));
    vec![
        rule("holds", Over::Rows, critical, rows(1, false)),
        rule("violated", Over::Rows, critical, rows(199, true)),
        rule("volume", Over::Window, warning, window(true)),
        rule("volume-holds", Over::Window, warning, window(false)),
        rule(
            "broken",
            Over::Rows,
            critical,
            Some(Outcome::Broken(broken)),
        ),
        rule(
            "first-window",
            Over::Window,
            warning,
            not_judged(Unjudged::NoPrevious),
        ),
        rule(
            "all-null",
            Over::Rows,
            warning,
            not_judged(Unjudged::Unknown),
        ),
    ]
}

/// What two of the features tell about the target.
fn power(feature: &str) -> Option<Power> {
    let measured = |value, low, high| Measured { value, low, high };
    match feature {
        "monetary_28d" => Some(Power {
            judged: Some(PowerMeasure::Auc),
            reference: Some(0.74),
            values: vec![
                (PowerMeasure::Auc, measured(0.68, 0.65, 0.71)),
                (PowerMeasure::EpsilonSquared, measured(0.12, 0.09, 0.15)),
                (PowerMeasure::OmegaSquared, measured(0.119, 0.089, 0.149)),
                (PowerMeasure::InformationValue, measured(0.42, 0.33, 0.51)),
                (PowerMeasure::MutualInformation, measured(0.06, 0.04, 0.08)),
            ],
            uncertainty: Some(0.055),
            rows: 1_980,
        }),
        "weekday" => Some(Power {
            judged: None,
            reference: None,
            values: vec![
                (PowerMeasure::Auc, measured(0.93, 0.91, 0.95)),
                (PowerMeasure::InformationValue, measured(0.01, 0.0, 0.02)),
            ],
            uncertainty: None,
            rows: 1_990,
        }),
        _ => None,
    }
}

/// What all of them together tell about the target.
fn performance() -> PerformanceReport {
    PerformanceReport {
        target: "segment".to_owned(),
        rows: 2_000,
        r_squared: Ok(0.31),
        contributions: vec![
            ("monetary_28d".to_owned(), 0.22),
            ("recency_days".to_owned(), 0.09),
        ],
        rank_stability: Some(0.97),
        evidence: vec![("monetary_28d".to_owned(), evidence())],
    }
}

/// Ten bins, of which the last ones speak for the second class.
fn evidence() -> Evidence {
    let share = |part: u32| f64::from(part) / 55.0;
    let bins = (1..=10).map(|bin| {
        let (of_class, of_rest) = (share(bin), share(11 - bin));
        let weight = (of_class / of_rest).ln();
        BinEvidence {
            of_class,
            of_rest,
            weight: Some(weight),
            interval: Some(Interval {
                low: weight - 0.25,
                high: weight + 0.25,
            }),
        }
    });
    Evidence {
        class: 1,
        value: 0.42,
        bins: bins.collect(),
    }
}

/// A target of some classes, of which the first one is the most frequent.
pub fn target(classes: &[&str]) -> FrozenTarget {
    let class = |u: f64| classes[(u * u * classes.len() as f64) as usize];
    let profile = profile(&names(130, |u| class(u).to_owned()), None);
    FrozenTarget {
        column: "segment".to_owned(),
        kind: Kind::Categorical,
        bins: Arc::new(profile.freeze_bins()),
        classes: profile.classes(0.02),
    }
}

/// Verdicts of checks that these windows are too few or too bare for.
fn judged_by_others(report: &mut FeatureReport, pairs: &PairsState, segments: &SegmentsReport) {
    report.verdicts.level = Ok(verdict(
        (Check::Level, Statistic::LevelDeviation, 11.01, 2_000),
        limit(LimitPart::BetweenWindows, 3.0, None, Some(9.5)),
        limit(LimitPart::BetweenWindows, 4.0, None, Some(31.8)),
    ));
    report.verdicts.shift = Ok(verdict(
        (Check::Shift, Statistic::Cusum, 6.5, 2_000),
        of_chart(6.1),
        of_chart(8.3),
    ));
    let pair = pairs.report.most_changed.first().expect("a pair changed");
    let (first, second) = pair.features.clone();
    report.verdicts.correlation = Ok(verdict(
        (
            Check::Correlation,
            Statistic::AssociationChange,
            pair.delta().abs(),
            pair.rows,
        ),
        limit(LimitPart::SamplingNull, 0.1, Some(PAIR.warning), Some(0.04)),
        limit(
            LimitPart::SamplingNull,
            0.2,
            Some(PAIR.critical),
            Some(0.05),
        ),
    ));
    report.pair = Some(PairChange {
        features: (second, first),
        ..pair.clone()
    });
    report.verdicts.performance = Ok(verdict(
        (Check::Performance, Statistic::AucFall, 0.06, 1_980),
        limit(LimitPart::SamplingNull, 0.02, Some(0.043), Some(0.011)),
        limit(LimitPart::SamplingNull, 0.05, Some(0.052), Some(0.014)),
    ));
    let change = segments.most_changed.first().expect("a segment changed");
    report.verdicts.segments = Ok(verdict(
        (
            Check::Segments,
            Statistic::SegmentDistance,
            change.distance,
            change.rows,
        ),
        limit(
            LimitPart::BetweenWindows,
            0.1,
            Some(0.15),
            Some(SEGMENT.warning),
        ),
        limit(
            LimitPart::BetweenWindows,
            0.2,
            Some(0.18),
            Some(SEGMENT.critical),
        ),
    ));
    report.segment = Some(change.clone());
}

/// A limit that is one of its parts.
/// A chart's limit, which has no parts.
fn of_chart(value: f64) -> Limit {
    Limit {
        value,
        ..limit(LimitPart::RunLength, 0.0, None, None)
    }
}

fn limit(part: LimitPart, floor: f64, null: Option<f64>, bound: Option<f64>) -> Limit {
    Limit {
        value: floor.max(null.unwrap_or(0.0)).max(bound.unwrap_or(0.0)),
        part,
        floor,
        null,
        bound,
        capped: false,
    }
}

/// What a check says of a value that was measured on so many rows.
fn verdict(
    (check, statistic, value, rows): (Check, Statistic, f64, u64),
    warning: Limit,
    critical: Limit,
) -> Verdict {
    let limits = BySeverity { warning, critical };
    let scores = limits.map(|limit| score(value, limit.value));
    Verdict {
        check,
        statistic,
        value,
        rows,
        min_rows: 200,
        limits,
        scores,
        over: scores.map(|score| score >= 1.0),
    }
}

/// The limits of all pairs, and those of all segments.
const PAIR: BySeverity<f64> = BySeverity {
    warning: 0.25,
    critical: 0.31,
};
const SEGMENT: BySeverity<f64> = BySeverity {
    warning: 0.2,
    critical: 0.25,
};

/// Three features, of which one hung together with the others, and does no more.
fn pairs() -> PairsState {
    let row = |of: fn(u32) -> u32| -> Vec<f64> { (0..200).map(|row| f64::from(of(row))).collect() };
    let (rising, mixed) = (row(|row| row), row(|row| row * 77 % 200));
    // Half of the rows on: Spearman's correlation with what rises is −0.5.
    let turned = row(|row| (row + 100) % 200);
    let features = ["basket_mean", "monetary_28d", "share_produce"];
    let matrix = |second: &[f64]| {
        let columns = [
            (features[0], association::Values::Numeric(&rising)),
            (features[1], association::Values::Numeric(second)),
            (features[2], association::Values::Numeric(&turned)),
        ];
        Associations::new(&columns)
            .expect("columns of 200 rows")
            .matrix()
            .clone()
    };
    let (reference, current) = (matrix(&rising), matrix(&mixed));
    let changes = Changes::new(&reference, &current).expect("the same columns");
    let told = |change: &Change| {
        let (first, second) = change.columns;
        PairChange {
            features: (features[first].to_owned(), features[second].to_owned()),
            measure: change.current.measure,
            reference: change.reference.value,
            current: change.current.value,
            rows: change.current.n,
            scores: PAIR.map(|limit| score(change.delta().abs(), limit)),
            laid_to: None,
        }
    };
    let mut most_changed: Vec<PairChange> = changes.computed.iter().map(told).collect();
    most_changed.sort_by(|a, b| b.scores.warning.total_cmp(&a.scores.warning));
    PairsState {
        report: AssociationReport {
            pairs: most_changed.len(),
            largest: changes.largest().expect("there are pairs").delta().abs(),
            frobenius: changes.frobenius().expect("there are pairs"),
            most_changed,
            relations: Vec::new(),
            inflation: features
                .iter()
                .map(|name| (*name).to_owned())
                .zip(vif(&current).columns)
                .collect(),
        },
        features: features.map(str::to_owned).to_vec(),
        reference,
        current,
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn check() -> ResolvedCheck<Duration> {
    ResolvedCheck {
        enabled: true,
        warning: Some(10 * DAY),
        critical: Some(14 * DAY),
        min_rows: 1,
        consecutive: NonZeroU32::MIN,
    }
}

fn fresh(newest: &str) -> Judged<freshness::Freshness> {
    let value = freshness::judge(at(newest), now(), &check());
    let breached = value.over;
    Judged { value, breached }
}

/// One row every quarter of an hour, for the last twenty days.
fn served() -> freshness::Served {
    let mut times = TimeSample::default();
    let newest = at("2017-06-03T23:58:30Z").as_microsecond();
    times.update((0..20 * 96).map(|row| Some(newest - row * 900_000_000)));
    // One of the regions stands still.
    let mut south = TimeSample::default();
    south.update((0..40).map(|row| Some(newest - (15 * 96 + row) * 900_000_000)));
    let segments = [("region=north", times.clone()), ("region=south", south)];
    let segments = segments.map(|(name, times)| SegmentTimes {
        name: name.to_owned(),
        times: times.close(100).expect("there are rows"),
    });
    let times = times.close(TIME_POINTS).expect("there are rows");
    freshness::served(times, segments.to_vec(), now(), &check())
}

/// Two regions, of which one has lost half of a feature.
fn segments() -> SegmentsReport {
    let named = |name: &str| Segment::Value(name.to_owned());
    let split = |total, mix| Split {
        total,
        mix,
        within: total - mix,
    };
    SegmentsReport {
        column: "region".to_owned(),
        segments: vec![
            (named("north"), 9_000, 1_400),
            (named("south"), 3_000, 600),
            (Segment::Null, 240, 30),
        ],
        features: vec![
            FeatureSplit {
                feature: "monetary_28d".to_owned(),
                mean: Some(split(4.5, 3.75)),
                distance: Some(split(0.14, 0.05)),
            },
            FeatureSplit {
                feature: "home_store".to_owned(),
                mean: None,
                distance: Some(split(0.06, 0.01)),
            },
        ],
        most_changed: vec![SegmentChange {
            feature: "monetary_28d".to_owned(),
            column: "region".to_owned(),
            segment: named("south"),
            rows: 600,
            distance: 0.41,
            means: Some((87.0, 93.5)),
            missing: (0.02, 0.51),
            scores: SEGMENT.map(|limit| score(0.41, limit)),
        }],
    }
}

/// What is usual of a mean at its time.
fn usual() -> Usual {
    Usual {
        centre: 31.5,
        deviation: 0.75,
        windows: 6,
    }
}

/// Charts of a mean that has shifted.
fn charts() -> ChartReading {
    ChartReading {
        innovation: 1.25,
        ewma: 3.5,
        upper: 6.5,
        lower: 0.0,
        shifted: BySeverity {
            warning: Some(Direction::Up),
            critical: None,
        },
    }
}

/// A source that is updated every evening, and has not been for three days.
fn updates() -> UpdatesState {
    let mut updates = Updates::default();
    let hour = Duration::from_secs(3600);
    let begin = at("2017-05-20T20:00:00Z");
    for looked in 0..15 * 24 {
        let now = begin + hour * looked;
        let day = (looked / 24).min(11);
        let event = begin + DAY * day - Duration::from_secs(90);
        updates.look(Some(event), now, hour);
    }
    UpdatesState {
        supply: updates.supply(311, BySeverity::default(), now(), hour),
        seen: updates.seen(),
        interval: updates.interval(hour),
    }
}
