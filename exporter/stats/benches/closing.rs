//! What closing a window costs after its last row: everything that is made of the sample of its rows, the limits of a baseline of
//! eight windows that goes along, and judging by them, beside sorting each of the sampled numeric columns once on one core, measured in
//! the same run.
//!
//! The columns are 50 numeric ones in the shapes that features have and 10 categorical ones, each without 2 % of its rows,
//! and a target of three classes, which are the segments too.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::association::{ABSENT, Values};
use stats::performance::{Performance, Predictor, Target};
use stats::{
    Associations, Bins, ByCheck, BySeverity, Categories, Choice, Column, DriftSettings,
    FeatureProfile, FrozenFeature, Kind, Missingness, QualitySettings, Reference, RowSample,
    Segmented, Settings, Summary, Validity, WindowSummary, judge,
};

/// About as many as are sampled of a million.
const ROWS: usize = 31_000;
const ROUNDS: usize = 9;
/// Windows of the baseline.
const WINDOWS: usize = 8;
const NUMBERS: usize = 50;
const CATEGORIES: [u32; 10] = [3, 4, 6, 8, 12, 20, 50, 100, 200, 250];
const CLASSES: u32 = 3;

type Run<'a> = Box<dyn Fn() + 'a>;

/// The rows of a window.
struct Window {
    numbers: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    target: Vec<u32>,
}

impl Window {
    fn draw(rows: usize, random: &mut SmallRng) -> Self {
        let numbers = (0..NUMBERS).map(|shape| number(shape, rows, random));
        let numbers = numbers.collect();
        let codes = CATEGORIES.map(|categories| code(categories, rows, random));
        Window {
            numbers,
            codes: codes.into(),
            target: code(CLASSES, rows, random),
        }
    }

    fn profiles(&self, bins: impl Fn(usize) -> Option<Arc<Bins>>) -> Vec<FeatureProfile> {
        let numbers = self.numbers.iter().enumerate();
        let numbers = numbers.map(|(place, values)| numeric(values, bins(place)));
        let names = self.codes.iter().zip(CATEGORIES).enumerate();
        let names =
            names.map(|(place, (codes, count))| categorical(codes, count, bins(NUMBERS + place)));
        numbers.chain(names).collect()
    }

    fn values<'a>(&'a self, names: &'a [String]) -> Vec<(&'a str, Values<'a>)> {
        let numbers = self.numbers.iter().map(|values| Values::Numeric(values));
        let codes = self.codes.iter().zip(CATEGORIES);
        let codes = codes.map(|(codes, categories)| Values::Categorical { codes, categories });
        let names = names.iter().map(String::as_str);
        names.zip(numbers.chain(codes)).collect()
    }

    fn predictors<'a>(
        &'a self,
        names: &'a [String],
        features: &'a [FrozenFeature],
    ) -> Vec<(&'a str, Predictor<'a>)> {
        let numbers = self.numbers.iter().zip(features);
        let numbers = numbers.map(|(values, feature)| match feature.bins.as_ref() {
            Bins::Numeric(bins) => Predictor::Numeric { values, bins },
            Bins::Categorical(_) => unreachable!("the bins of numbers"),
        });
        let codes = self.codes.iter().zip(CATEGORIES);
        let codes = codes.map(|(codes, categories)| Predictor::Categorical {
            codes,
            categories: categories as usize,
        });
        let names = names.iter().map(String::as_str);
        names.zip(numbers.chain(codes)).collect()
    }

    fn samples(&self) -> Vec<RowSample> {
        self.numbers.iter().map(|values| sample(values)).collect()
    }
}

fn associations(window: &Window, names: &[String]) -> Associations {
    Associations::new(&window.values(names)).unwrap()
}

fn performance(window: &Window, names: &[String], features: &[FrozenFeature]) -> Performance {
    let target = Target::Classes {
        codes: &window.target,
        classes: CLASSES as usize,
    };
    Performance::new("target", target, &window.predictors(names, features))
}

fn missingness(names: &[String], samples: &[RowSample]) -> Missingness {
    let samples: Vec<_> = names.iter().map(String::as_str).zip(samples).collect();
    Missingness::new(&samples).unwrap()
}

fn segmented(window: &Window, names: &[String], features: &[FrozenFeature]) -> Segmented {
    let segments = ["a", "b", "c"].map(str::to_owned);
    let predictors = window.predictors(names, features);
    Segmented::new("target", &segments, &window.target, &predictors)
}

/// Bins and windows of all columns.
fn frozen(windows: &[Window], names: &[String]) -> Vec<FrozenFeature> {
    let bins: Vec<Arc<Bins>> = windows[0]
        .profiles(|_| None)
        .iter()
        .map(|profile| Arc::new(profile.freeze_bins()))
        .collect();
    let mut summaries: Vec<Vec<Summary>> = vec![Vec::new(); bins.len()];
    for window in windows {
        let profiles = window.profiles(|place| bins.get(place).cloned());
        for (own, profile) in summaries.iter_mut().zip(profiles) {
            own.push(profile.close());
        }
    }
    let all = names.iter().zip(bins).zip(summaries);
    all.map(|((name, bins), windows)| FrozenFeature::new(name, "column", bins, windows))
        .collect()
}

fn settings() -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 0.2,
        },
        on: ByCheck::from_fn(|_| true),
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: Default::default(),
        features: Default::default(),
        default: ByCheck::default(),
    }
}

fn main() {
    // `cargo test` runs benches once to see that they work; numbers are for `cargo bench`.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (rows, rounds) = if measured { (ROWS, ROUNDS) } else { (500, 1) };
    let mut random = SmallRng::seed_from_u64(5);
    let windows: Vec<Window> = (0..=WINDOWS)
        .map(|_| Window::draw(rows, &mut random))
        .collect();
    let names: Vec<String> = (0..NUMBERS + CATEGORIES.len())
        .map(|column| format!("f{column}"))
        .collect();
    let features = frozen(&windows[..WINDOWS], &names);
    let window = &windows[WINDOWS];
    let samples = window.samples();
    let wholes: Vec<WindowSummary> = windows
        .iter()
        .map(|window| WindowSummary {
            associations: Some(associations(window, &names)),
            missingness: Some(missingness(&names, &window.samples())),
            performance: Some(performance(window, &names, &features)),
            segments: vec![segmented(window, &names, &features)],
            ..WindowSummary::default()
        })
        .collect();
    let settings = settings();
    let reference = || Reference::new(&features, &wholes[..WINDOWS], &settings);
    let limits = reference();
    let summaries: Vec<Summary> = window
        .profiles(|place| features.get(place).map(|feature| feature.bins.clone()))
        .into_iter()
        .map(FeatureProfile::close)
        .collect();
    let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();

    let work: [(&str, Run<'_>); 7] = [
        (
            "sorting each numeric column once",
            Box::new(|| {
                for values in &window.numbers {
                    let mut sorted = values.clone();
                    sorted.sort_unstable_by(f64::total_cmp);
                    black_box(sorted);
                }
            }),
        ),
        (
            "associations",
            Box::new(|| {
                black_box(associations(window, &names));
            }),
        ),
        (
            "performance",
            Box::new(|| {
                black_box(performance(window, &names, &features));
            }),
        ),
        (
            "missing patterns",
            Box::new(|| {
                black_box(missingness(&names, &samples));
            }),
        ),
        (
            "segments",
            Box::new(|| {
                black_box(segmented(window, &names, &features));
            }),
        ),
        (
            "limits of eight windows",
            Box::new(|| {
                black_box(reference());
            }),
        ),
        (
            "judging by them",
            Box::new(|| {
                black_box(judge(&limits, &current, &wholes[WINDOWS]));
            }),
        ),
    ];
    let mut best = [f64::INFINITY; 7];
    for _ in 0..rounds {
        for (best, (_, run)) in best.iter_mut().zip(&work) {
            let start = Instant::now();
            run();
            *best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    if measured {
        println!(
            "{:<34} {:>8} {:>8}",
            "of the rows of one window", "ms", "× sort"
        );
        for (found, (name, _)) in best.iter().zip(&work) {
            println!("{name:<34} {found:>8.1} {:>8.2}", found / best[0]);
        }
    }
}

/// A bell, a long tail, mostly zero, counts and shares.
fn number(shape: usize, rows: usize, random: &mut SmallRng) -> Vec<f64> {
    let mut draw = || {
        if random.random::<f64>() < 0.02 {
            return f64::NAN;
        }
        let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        match shape % 5 {
            0 => normal,
            1 => normal.exp(),
            2 => {
                if v < 0.7 {
                    0.0
                } else {
                    -u.ln()
                }
            }
            3 => (9.0 + 3.0 * normal).round(),
            _ => u * v,
        }
    };
    (0..rows).map(|_| draw()).collect()
}

fn code(categories: u32, rows: usize, random: &mut SmallRng) -> Vec<u32> {
    let mut draw = || match random.random::<f64>() {
        u if u < 0.02 => ABSENT,
        u => ((u * u) * f64::from(categories)) as u32,
    };
    (0..rows).map(|_| draw()).collect()
}

fn numeric(values: &[f64], bins: Option<Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, bins);
    let validity = Validity::all(values.len());
    profile
        .update(&Column::Numeric { values, validity })
        .unwrap();
    profile
}

fn categorical(codes: &[u32], count: u32, bins: Option<Arc<Bins>>) -> FeatureProfile {
    let names: Vec<String> = (0..count).map(|code| format!("c{code}")).collect();
    let bits = bitmap(codes.iter().map(|code| *code != ABSENT));
    let codes: Vec<i32> = codes.iter().map(|code| *code as i32).collect();
    let mut profile = FeatureProfile::new(Kind::Categorical, bins);
    let column = Column::Categorical {
        codes: &codes,
        validity: Validity::bitmap(&bits, 0, codes.len()).unwrap(),
        categories: Categories {
            generation: 0,
            len: names.len(),
            name: &|code| names.get(code).map(String::as_str),
        },
    };
    profile.update(&column).unwrap();
    profile
}

fn bitmap(there: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    let mut bits = vec![0u8; there.len().div_ceil(8)];
    there
        .enumerate()
        .filter(|(_, there)| *there)
        .for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
    bits
}

/// What is NaN is null.
fn sample(values: &[f64]) -> RowSample {
    let bits = bitmap(values.iter().map(|value| !value.is_nan()));
    let column = Column::Numeric {
        values,
        validity: Validity::bitmap(&bits, 0, values.len()).unwrap(),
    };
    let all = Choice {
        stay: None,
        take: (0..values.len() as u32).collect(),
    };
    let mut sample = RowSample::new(Kind::Numeric);
    FeatureProfile::new(Kind::Numeric, None).pick(&column, &all, &mut sample);
    sample
}
