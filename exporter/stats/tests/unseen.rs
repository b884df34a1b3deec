//! Names that no other window of the baseline has: what they are taken for, and that where new names always come no alarm does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::{
    Bins, ByCheck, BySeverity, Categories, CheckSettings, Column, Counts, DriftSettings,
    FeatureProfile, FeatureReport, FrozenFeature, Kind, NamesByWindow, QualitySettings, Reference,
    Settings, Statistic, Summary, Validity, judge,
};

const ROWS: usize = 2000;

/// The probability of a false alarm of each test.
const ALPHA: BySeverity<f64> = BySeverity {
    warning: 0.02,
    critical: 0.005,
};

fn settings(categorical: Statistic) -> Settings {
    Settings {
        // Of two tests.
        budget: ALPHA.map(|alpha| 2.0 * alpha),
        on: ByCheck {
            drift: true,
            quality: true,
            ..ByCheck::default()
        },
        drift: DriftSettings {
            categorical,
            ..DriftSettings::default()
        },
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck::from_fn(|_| CheckSettings::default()),
    }
}

fn update(profile: &mut FeatureProfile, rows: &[u32]) {
    let mut dictionary = rows.to_vec();
    dictionary.sort_unstable();
    dictionary.dedup();
    let names: Vec<String> = dictionary.iter().map(|name| format!("n{name}")).collect();
    let code = |row: &u32| dictionary.binary_search(row).unwrap() as i32;
    let codes: Vec<i32> = rows.iter().map(code).collect();
    let column = Column::Categorical {
        codes: &codes,
        validity: Validity::all(codes.len()),
        categories: Categories {
            generation: rows.as_ptr() as u64,
            len: names.len(),
            name: &|code| names.get(code).map(String::as_str),
        },
    };
    profile.update(&column).unwrap();
}

/// A baseline as the program makes one: bins of all windows, then the counts of each, then what each has alone.
fn frozen(windows: &[Vec<u32>]) -> FrozenFeature {
    let mut all = FeatureProfile::new(Kind::Categorical, None);
    windows.iter().for_each(|rows| update(&mut all, rows));
    let bins = Arc::new(all.freeze_bins());
    let mut names = NamesByWindow::default();
    let summaries = windows.iter().map(|rows| {
        let profile = FeatureProfile::new(Kind::Categorical, Some(bins.clone()));
        let mut profile = profile.remembering();
        update(&mut profile, rows);
        let (summary, seen) = profile.close_with_names();
        names.take(seen);
        summary
    });
    let summaries = summaries.collect();
    let mut feature = FrozenFeature::new("city", "Utf8", bins.clone(), summaries);
    feature.set_alone(&names.alone(&bins), true);
    feature
}

fn window(bins: &Arc<Bins>, rows: &[u32]) -> Summary {
    let mut profile = FeatureProfile::new(Kind::Categorical, Some(bins.clone()));
    update(&mut profile, rows);
    profile.close()
}

fn judged(reference: &Reference, window: &Summary) -> FeatureReport {
    judge(reference, &[Some(window)], &Default::default())
        .features
        .remove(0)
}

/// Top names, other, unseen, alone.
fn counts(window: &Summary) -> (u64, u64, u64, u64) {
    match window.counts.as_ref().unwrap() {
        Counts::Categorical {
            top,
            other,
            unseen,
            alone,
        } => (top.iter().sum(), *other, *unseen, *alone),
        Counts::Numeric { .. } => panic!("numbers"),
    }
}

/// Names of which the k-th is k^−`power` times as frequent as the first.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(names: u32, power: f64) -> Self {
        let mut sum = 0.0;
        let shares = (1..=names).map(|k| {
            sum += f64::from(k).powf(-power);
            sum
        });
        Zipf(shares.collect())
    }

    fn rows(&self, rng: &mut SmallRng, rows: usize) -> Vec<u32> {
        let total = *self.0.last().unwrap();
        let mut name = || {
            let at = total * rng.random::<f64>();
            self.0.partition_point(|sum| *sum < at) as u32
        };
        (0..rows).map(|_| name()).collect()
    }
}

/// So many times `name`, from `first` on by `step`.
fn run(first: u32, names: u32, times: usize) -> Vec<u32> {
    let names = (first..first + names).flat_map(|name| std::iter::repeat_n(name, times));
    names.collect()
}

#[test]
fn what_one_window_alone_has_counts_as_not_seen_by_the_others() {
    // Sixty names that both have; then one that only the first has in two rows, and one that only the second has in thirty.
    let first = [run(0, 60, 10), run(100, 1, 2)].concat();
    let second = [run(0, 60, 10), run(101, 1, 30)].concat();
    let feature = frozen(&[first, second]);
    // Forty-nine of the common names have a bin, and so has the frequent one of the second. They have it by luck in 22.19 % of these
    // rows (scipy's binomial).
    assert_eq!(counts(&feature.windows[0]), (381, 219, 2, 0));
    assert_eq!(counts(&feature.windows[1]), (405, 225, 0, 30));
    assert_eq!(counts(&feature.reference), (786, 444, 2, 30));
    let invalid: Vec<u64> = feature.windows.iter().map(|w| w.invalid).collect();
    assert_eq!((invalid, feature.reference.invalid), (vec![2, 30], 32));
    // A window that comes later is counted by what the baseline has seen.
    let later = window(&feature.bins, &[run(0, 60, 1), run(100, 3, 1)].concat());
    assert_eq!(counts(&later), (50, 12, 1, 0));
}

#[test]
fn names_that_lie_in_one_window_by_chance_are_not_taken_out() {
    // Of a hundred names that occur twice half lie in one of two windows, as they do where rows are independent.
    let common = run(0, 50, 20);
    let first = [common.clone(), run(100, 50, 1), run(200, 25, 2)].concat();
    let second = [common, run(100, 50, 1), run(300, 25, 2)].concat();
    let feature = frozen(&[first.clone(), second]);
    assert_eq!(counts(&feature.reference), (2000, 200, 0, 0));
    // Where all do, rows of a name come together.
    let third = [run(0, 50, 20), run(400, 50, 2)].concat();
    let feature = frozen(&[[run(0, 50, 20), run(200, 50, 2)].concat(), third]);
    assert_eq!(counts(&feature.reference), (2000, 0, 200, 0));
}

#[test]
fn of_many_names_rare_ones_have_no_bin() {
    let feature = frozen(&[[run(0, 20, 5), run(50, 10, 4), run(100, 60, 1)].concat()]);
    // With one row less hardly any of them would have one: by luck they have it in 67.20 % of their rows (scipy's binomial).
    assert_eq!(counts(&feature.windows[0]), (33, 107, 60, 0));
    // Nothing but new names, before and after.
    let all_new = frozen(&[run(0, 500, 1), run(500, 500, 1)]);
    assert_eq!(counts(&all_new.reference), (0, 0, 1000, 0));
    let reference = Reference::new(
        std::slice::from_ref(&all_new),
        &[],
        &settings(Statistic::Psi),
    );
    let verdicts = judged(&reference, &window(&all_new.bins, &run(2000, 500, 1))).verdicts;
    assert_eq!(verdicts.quality.unwrap().value, 0.0);
    assert!(!verdicts.drift.unwrap().over.warning);
}

#[test]
fn of_a_single_window_it_is_what_occurs_once() {
    let feature = frozen(&[[run(0, 60, 6), run(100, 7, 1)].concat()]);
    // Of sixty names that are as frequent fifty have a bin, by luck in 39.62 % of their rows (scipy's binomial).
    assert_eq!(counts(&feature.windows[0]), (181, 179, 7, 0));
    assert_eq!(counts(&feature.reference), (181, 179, 7, 0));
}

#[test]
fn where_every_name_has_a_bin_nothing_is_taken_out() {
    let feature = frozen(&[run(0, 50, 1), run(0, 49, 4)]);
    assert_eq!(counts(&feature.windows[0]), (50, 0, 0, 0));
    assert_eq!(counts(&feature.reference), (246, 0, 0, 0));
    assert_eq!(feature.reference.invalid, 0);
}

#[test]
fn with_more_names_than_are_remembered_nothing_is_taken_out() {
    let feature = frozen(&[run(0, 40_000, 1), run(40_000, 40_000, 1)]);
    let (top, other, unseen, alone) = counts(&feature.reference);
    assert_eq!((top + other, unseen, alone), (80_000, 0, 0));
}

#[test]
fn a_baseline_that_was_saved_before_reads_back() {
    let saved = r#"{"Categorical":{"top":[3],"other":2,"unseen":1}}"#;
    let counts: Counts = serde_json::from_str(saved).unwrap();
    assert_eq!(serde_json::to_string(&counts).unwrap(), saved);
}

/// False alarms, and how many the budget gives.
#[derive(Debug, Default)]
struct Alarms {
    windows: usize,
    drift: BySeverity<u64>,
    quality: BySeverity<u64>,
}

fn count(total: &mut BySeverity<u64>, over: BySeverity<bool>) {
    *total = total.zip(over).map(|(total, over)| total + u64::from(over));
}

/// Baselines of so many windows, and four later ones for each, nothing of which changes.
fn false_alarms(
    zipf: &Zipf,
    (windows, rows): (usize, usize),
    statistic: Statistic,
    baselines: u64,
) -> Alarms {
    let mut alarms = Alarms::default();
    for seed in 0..baselines {
        let mut rng = SmallRng::seed_from_u64(seed);
        let baseline: Vec<Vec<u32>> = (0..windows).map(|_| zipf.rows(&mut rng, rows)).collect();
        let feature = frozen(&baseline);
        let reference = Reference::new(std::slice::from_ref(&feature), &[], &settings(statistic));
        assert_eq!(reference.tests(), 2);
        // Two small windows may differ by so much that nothing is judged by them.
        if reference.moving(0) {
            continue;
        }
        for _ in 0..4 {
            let later = window(&feature.bins, &zipf.rows(&mut rng, rows));
            let report = judged(&reference, &later);
            alarms.windows += 1;
            count(&mut alarms.drift, report.verdicts.drift.unwrap().over);
            count(&mut alarms.quality, report.verdicts.quality.unwrap().over);
        }
    }
    alarms
}

#[track_caller]
fn within_budget(windows: usize, alarms: BySeverity<u64>) {
    for (severity, count) in alarms.iter() {
        let expected = ALPHA.get(severity) * windows as f64;
        let low = stats::poisson::interval(*count, 0.95).low;
        assert!(low <= 1.25 * expected, "{alarms:?} in {windows} windows");
    }
}

/// Cities: a long tail, of which one value in seven is new in every window.
fn cities() -> Zipf {
    Zipf::new(200_000, 1.1)
}

/// Merchants: a shorter one.
fn merchants() -> Zipf {
    Zipf::new(3_000, 1.2)
}

#[test]
fn where_new_names_always_come_no_alarm_does() {
    for zipf in [cities(), merchants()] {
        for size in [
            (1, ROWS),
            (2, 250),
            (2, ROWS),
            (4, 250),
            (4, ROWS),
            (8, 250),
            (8, ROWS),
        ] {
            let alarms = false_alarms(&zipf, size, Statistic::Psi, 60);
            println!("{size:?} {alarms:?}");
            assert!(alarms.windows >= 120, "nearly all move: {alarms:?}");
            within_budget(alarms.windows, alarms.drift);
            within_budget(alarms.windows, alarms.quality);
        }
    }
    for statistic in [Statistic::JensenShannon, Statistic::Hellinger] {
        let alarms = false_alarms(&cities(), (8, ROWS), statistic, 60);
        println!("{statistic:?} {alarms:?}");
        assert!(alarms.windows >= 120, "nearly all move: {alarms:?}");
        within_budget(alarms.windows, alarms.drift);
        within_budget(alarms.windows, alarms.quality);
    }
}

/// Of names about as frequent those with a bin have it by luck, and a later window has less of them.
#[test]
fn which_of_many_names_have_a_bin_is_no_alarm() {
    for names in [60, 100, 200, 500] {
        for size in [
            (1, 1_000),
            (1, 5_000),
            (2, 1_000),
            (4, 1_000),
            (8, 300),
            (8, 5_000),
        ] {
            let alarms = false_alarms(&Zipf::new(names, 0.0), size, Statistic::Psi, 40);
            println!("{names} {size:?} {alarms:?}");
            assert!(alarms.windows >= 120, "nearly all move: {alarms:?}");
            within_budget(alarms.windows, alarms.drift);
        }
    }
}

#[test]
fn more_new_names_than_usual_are_told() {
    let mut rng = SmallRng::seed_from_u64(7);
    for zipf in [cities(), merchants()] {
        let baseline: Vec<Vec<u32>> = (0..8).map(|_| zipf.rows(&mut rng, ROWS)).collect();
        let feature = frozen(&baseline);
        let reference = Reference::new(
            std::slice::from_ref(&feature),
            &[],
            &settings(Statistic::Psi),
        );
        // So many rows have names that nobody has ever seen.
        let mut with_new = |new: usize| {
            let mut rows = zipf.rows(&mut rng, ROWS);
            let strangers = (1 << 30)..;
            for (row, name) in rows.iter_mut().take(new).zip(strangers) {
                *row = name;
            }
            judged(&reference, &window(&feature.bins, &rows)).verdicts
        };
        for _ in 0..20 {
            let quality = with_new(ROWS / 6).quality.unwrap();
            assert!(quality.value > 0.1 && quality.over.critical, "{quality:?}");
            assert!(with_new(ROWS / 3).drift.unwrap().over.warning);
        }
    }
}
