//! How often the share of a number that a feature explains falls further than its sampling null, where nothing changed.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::performance::{Performance, Predictor, Target};
use stats::{
    Bins, ByCheck, BySeverity, Column, DriftSettings, FeatureProfile, FrozenFeature, Kind,
    QualitySettings, Reference, Settings, Summary, Validity, WindowSummary, judge,
};

use crate::rows::{heavy, normals};

/// Windows of a baseline.
const WINDOWS: usize = 8;
/// Windows that are judged by each.
const JUDGED: usize = 20;
/// Categories of a feature that is none of numbers.
const GROUPS: u32 = 5;

/// A feature and a number.
#[derive(Debug, Clone, Copy)]
pub enum Draw {
    /// Both normal, with this correlation.
    Normal(f64),
    /// Both Student's t with 5 degrees of freedom.
    Student(f64),
    /// Both normal with this correlation, the feature then with heavy tails.
    Heavy(f64),
    /// Five categories as frequent as each other, the means of a normal number so many standard deviations apart.
    Groups(f64),
    /// The same of the exponential of such a number.
    SkewedGroups(f64),
}

/// The rows of a window.
struct Rows {
    numbers: Vec<f64>,
    codes: Vec<u32>,
    target: Vec<f64>,
}

impl Draw {
    fn rows(self, rng: &mut SmallRng, rows: usize) -> Rows {
        let (mut numbers, mut own) = (normals(rng, rows), normals(rng, rows));
        if let Draw::Student(_) = self {
            for value in numbers.iter_mut().chain(&mut own) {
                let squares: f64 = normals(rng, 5).iter().map(|z| z * z).sum();
                *value /= (squares / 5.0).sqrt();
            }
        }
        let codes: Vec<u32> = (0..rows).map(|_| rng.random_range(0..GROUPS)).collect();
        let row = |((x, own), code): ((&f64, f64), &u32)| match self {
            Draw::Normal(r) | Draw::Student(r) | Draw::Heavy(r) => {
                r * x + (1.0 - r * r).sqrt() * own
            }
            Draw::Groups(apart) => apart * f64::from(*code) + own,
            Draw::SkewedGroups(apart) => (apart * f64::from(*code) + own).exp(),
        };
        let target = numbers.iter().zip(own).zip(&codes).map(row).collect();
        if let Draw::Heavy(_) = self {
            numbers.iter_mut().for_each(|value| *value = heavy(*value));
        }
        Rows {
            numbers,
            codes,
            target,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Draw::Normal(_) | Draw::Student(_) | Draw::Heavy(_) => Kind::Numeric,
            Draw::Groups(_) | Draw::SkewedGroups(_) => Kind::Categorical,
        }
    }
}

impl Rows {
    fn summary(&self, kind: Kind, bins: &Bins) -> WindowSummary {
        let predictor = match (kind, bins) {
            (Kind::Numeric, Bins::Numeric(bins)) => Predictor::Numeric {
                values: &self.numbers,
                bins,
            },
            _ => Predictor::Categorical {
                codes: &self.codes,
                categories: GROUPS as usize,
            },
        };
        let target = Target::Numbers(&self.target);
        WindowSummary {
            performance: Some(Performance::new(
                "number",
                target,
                &[("feature", predictor)],
            )),
            ..WindowSummary::default()
        }
    }
}

/// Bins of a normal feature, and summaries of windows that say nothing else of it.
fn frozen(rng: &mut SmallRng) -> FrozenFeature {
    let values = normals(rng, 300);
    let column = Column::Numeric {
        values: &values,
        validity: Validity::all(values.len()),
    };
    let profile = |bins| {
        let mut profile = FeatureProfile::new(Kind::Numeric, bins);
        profile.update(&column).unwrap();
        profile
    };
    let bins = Arc::new(profile(None).freeze_bins());
    let summaries: Vec<Summary> = (0..WINDOWS)
        .map(|_| profile(Some(bins.clone())).close())
        .collect();
    FrozenFeature::new("feature", "double", bins, summaries)
}

/// The rates at α = 0.05 and 0.01 as multiples of it: windows of so many rows against baselines of eight such.
pub fn rates(draw: Draw, rows: usize, baselines: u32) -> BySeverity<f64> {
    let mut rng = SmallRng::seed_from_u64(30);
    let features = [frozen(&mut rng)];
    let (bins, summary) = (features[0].bins.clone(), features[0].windows[0].clone());
    let alpha = BySeverity {
        warning: 0.05,
        critical: 0.01,
    };
    let settings = Settings {
        budget: alpha,
        on: ByCheck::from_fn(|check| check == stats::Check::Performance),
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: Default::default(),
        features: Default::default(),
        default: ByCheck::default(),
    };
    let mut beyond = BySeverity::<u32>::default();
    let mut judged = 0u32;
    for _ in 0..baselines {
        let mut window = || draw.rows(&mut rng, rows).summary(draw.kind(), &bins);
        let windows: Vec<WindowSummary> = (0..WINDOWS).map(|_| window()).collect();
        let reference = Reference::new(&features, &windows, &settings);
        for _ in 0..JUDGED {
            let report = judge(&reference, &[Some(&summary)], &window());
            // A baseline that tells too little is no test.
            if let Ok(verdict) = &report.features[0].verdicts.performance {
                let nulls = verdict.limits.map(|limit| limit.null.unwrap());
                let over = nulls.map(|null| u32::from(verdict.value >= null));
                beyond = beyond.zip(over).map(|(sum, more)| sum + more);
                judged += 1;
            }
        }
    }
    beyond
        .zip(alpha)
        .map(|(beyond, alpha)| f64::from(beyond) / f64::from(judged) / alpha)
}
