//! What closing a window costs after its last row: everything that is made of the sample of its rows, beside sorting each of
//! the sampled numeric columns once on one core, measured in the same run.
//!
//! The columns are 50 numeric ones in the shapes that features have and 10 categorical ones, each without 2 % of its rows,
//! and a target of three classes.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::association::{ABSENT, Values};
use stats::performance::{Performance, Predictor, Target};
use stats::{
    Associations, Bins, Choice, Column, FeatureProfile, Kind, Missingness, RowSample, Segmented,
    Validity,
};

/// About as many as are sampled of a million.
const ROWS: usize = 31_000;
const ROUNDS: usize = 9;

type Run<'a> = Box<dyn Fn() + 'a>;

fn main() {
    // `cargo test` runs benches once to see that they work; numbers are for `cargo bench`.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (rows, rounds) = if measured { (ROWS, ROUNDS) } else { (500, 1) };
    let mut random = SmallRng::seed_from_u64(5);
    let numbers: Vec<Vec<f64>> = (0..50)
        .map(|shape| number(shape, rows, &mut random))
        .collect();
    let categories = [3u32, 4, 6, 8, 12, 20, 50, 100, 200, 250];
    let codes = categories.map(|categories| code(categories, rows, &mut random));
    let target = code(3, rows, &mut random);
    let bins: Vec<Bins> = numbers.iter().map(|values| bins(values)).collect();
    let samples: Vec<RowSample> = numbers.iter().map(|values| sample(values)).collect();
    let names: Vec<String> = (0..60).map(|column| format!("f{column}")).collect();

    let categorical = codes.iter().zip(categories);
    let values = categorical.map(|(codes, categories)| Values::Categorical { codes, categories });
    let values = numbers
        .iter()
        .map(|values| Values::Numeric(values))
        .chain(values);
    let columns: Vec<(&str, Values<'_>)> = names.iter().map(String::as_str).zip(values).collect();
    let numeric = numbers.iter().zip(&bins).map(|(values, bins)| match bins {
        Bins::Numeric(bins) => Predictor::Numeric { values, bins },
        Bins::Categorical(_) => unreachable!("the bins of numbers"),
    });
    let categorical = codes.iter().zip(categories).map(|(codes, categories)| {
        let categories = categories as usize;
        Predictor::Categorical { codes, categories }
    });
    let features: Vec<(&str, Predictor<'_>)> = names
        .iter()
        .map(String::as_str)
        .zip(numeric.chain(categorical))
        .collect();
    let missing: Vec<(&str, &RowSample)> = names.iter().map(String::as_str).zip(&samples).collect();
    let segments = ["a", "b", "c"].map(str::to_owned);

    let work: [(&str, Run<'_>); 5] = [
        (
            "sorting each numeric column once",
            Box::new(|| {
                for values in &numbers {
                    let mut sorted = values.clone();
                    sorted.sort_unstable_by(f64::total_cmp);
                    black_box(sorted);
                }
            }),
        ),
        (
            "associations",
            Box::new(|| {
                black_box(Associations::new(&columns).unwrap());
            }),
        ),
        (
            "performance",
            Box::new(|| {
                let target = Target::Classes {
                    codes: &target,
                    classes: 3,
                };
                black_box(Performance::new("target", target, &features));
            }),
        ),
        (
            "missing patterns",
            Box::new(|| {
                black_box(Missingness::new(&missing).unwrap());
            }),
        ),
        (
            "segments",
            Box::new(|| {
                black_box(Segmented::new("target", &segments, &target, &features));
            }),
        ),
    ];
    let mut best = [f64::INFINITY; 5];
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

fn bins(values: &[f64]) -> Bins {
    let mut profile = FeatureProfile::new(Kind::Numeric, None);
    let validity = Validity::all(values.len());
    profile
        .update(&Column::Numeric { values, validity })
        .unwrap();
    profile.freeze_bins()
}

/// What is NaN is null.
fn sample(values: &[f64]) -> RowSample {
    let mut bits = vec![0u8; values.len().div_ceil(8)];
    let there = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_nan());
    there.for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
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
