//! Data in which nothing changes, or one thing does, judged as the program judges it.
//!
//! The baseline of eight windows is redrawn in each replication: one baseline alone estimates the spread between windows with
//! a large error, and would make any rate look right or wrong by luck.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use stats::performance::{Performance, Predictor, Target};
use stats::{
    Associations, Bins, ByCheck, BySeverity, Check, CheckSettings, DriftSettings, FeatureReport,
    FrozenFeature, MIN_SEGMENT_ROWS, Missingness, QualitySettings, Reference, RowSample,
    RowSampler, RowValues, Scope, Segmented, Settings, Summary, WindowSummary, judge,
};

use crate::rate::Rate;
use crate::rows::{
    Drawn, FEATURES, NAMES, NUMBERS, REGIONS, UNCHANGED, Window, acceptable, draw, flagged,
    is_flagged, name_of, normals, profile,
};

/// Windows of a baseline.
pub const WINDOWS: usize = 8;

/// The example's budget: one false warning in 7 days and one false critical alarm in 30, windows of 7 days.
pub const BUDGET: BySeverity<f64> = BySeverity {
    warning: 1.0,
    critical: 7.0 / 30.0,
};

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Everything, where the features tell classes.
    WithClasses,
    /// Everything, where they tell a number.
    WithNumber,
    /// The checks with one test a window alone: with so many others at the example's budget it would take a hundred times the windows
    /// to say something of them.
    Whole,
}

impl Judged {
    fn budget(self) -> BySeverity<f64> {
        match self {
            Judged::WithClasses | Judged::WithNumber => BUDGET,
            Judged::Whole => BySeverity {
                warning: 0.1,
                critical: 0.02,
            },
        }
    }

    fn judges(self, check: Check) -> bool {
        self != Judged::Whole || check.scope() == Scope::Window
    }

    /// The checks that have tests: those of time have none without a seasonal baseline or a long one.
    pub fn checks(self) -> Vec<Check> {
        let of_time = [Check::Level, Check::Shift];
        let checks = Check::ALL.into_iter();
        checks
            .filter(|check| self.judges(*check) && !of_time.contains(check))
            .collect()
    }
}

/// What the features say together, and about the target.
fn whole(window: &Window, bins: &[Arc<Bins>], judged: Judged) -> WindowSummary {
    let mut columns = Vec::new();
    for (feature, rows) in window.features.iter().enumerate() {
        let (mut sampler, mut sample) = (RowSampler::default(), RowSample::new(rows.kind()));
        let choice = sampler.choose(window.target.len());
        let own = profile(feature, rows, bins.get(feature).cloned(), None);
        own.pick(&rows.column(), &choice, &mut sample);
        columns.push(sample);
    }
    let names: Vec<String> = (0..FEATURES).map(name_of).collect();
    let named = || names.iter().map(String::as_str);
    let samples: Vec<_> = named().zip(&columns).collect();
    let summary = WindowSummary {
        keys: Some(window.keys),
        missingness: Some(Missingness::new(&samples).unwrap()),
        ..WindowSummary::default()
    };
    let predictors = columns.iter().zip(bins);
    let predictors = predictors.map(|(column, bins)| match (column.values(), bins.as_ref()) {
        (RowValues::Numeric(values), Bins::Numeric(bins)) => Predictor::Numeric { values, bins },
        (RowValues::Categorical(codes), _) => Predictor::Categorical {
            codes,
            categories: NAMES.len(),
        },
        _ => unreachable!("a number has bins of numbers"),
    });
    let predictors: Vec<_> = named().zip(predictors).collect();
    let target = match judged {
        Judged::WithClasses => Target::Classes {
            codes: &window.classes,
            classes: 2,
        },
        Judged::WithNumber => Target::Numbers(&window.target),
        Judged::Whole => return summary,
    };
    let values: Vec<_> = named()
        .zip(columns.iter().map(|column| column.values().values()))
        .collect();
    WindowSummary {
        associations: Some(Associations::new(&values).unwrap()),
        performance: Some(Performance::new("class", target, &predictors)),
        segments: vec![Segmented::new(
            "region",
            &REGIONS.map(str::to_owned),
            &window.regions,
            &predictors,
        )],
        ..summary
    }
}

/// A baseline of eight windows with `rows` rows each.
struct Baseline {
    features: Vec<FrozenFeature>,
    reference: Reference,
    judged: Judged,
}

impl Baseline {
    fn of(windows: Vec<Window>, judged: Judged) -> Self {
        let features: Vec<FrozenFeature> = (0..FEATURES)
            .map(|feature| {
                let windows = || windows.iter().map(|window| &window.features[feature]);
                let pooled = windows().map(|window| profile(feature, window, None, None));
                let pooled = pooled.reduce(|mut sum, more| {
                    sum.merge(more).unwrap();
                    sum
                });
                let bins = Arc::new(pooled.unwrap().freeze_bins());
                let summaries = windows()
                    .map(|window| profile(feature, window, Some(bins.clone()), None).close())
                    .collect();
                FrozenFeature::new(name_of(feature), "double", bins, summaries)
            })
            .collect();
        let bins = bins_of(&features);
        let wholes: Vec<WindowSummary> = windows
            .iter()
            .map(|window| whole(window, &bins, judged))
            .collect();
        let reference = Reference::new(&features, &wholes, &settings(judged));
        Baseline {
            features,
            reference,
            judged,
        }
    }

    /// What a window says that is drawn from this: of each feature, and last of itself as a whole.
    fn judge(&self, rng: &mut SmallRng, rows: usize, from: Drawn) -> Vec<FeatureReport> {
        let window = draw(rng, rows, from);
        let features = self.features.iter().zip(&window.features).enumerate();
        let summaries: Vec<Summary> = features
            .map(|(place, (feature, rows))| {
                let fences = self.reference.fences(place).ok();
                profile(place, rows, Some(feature.bins.clone()), fences).close()
            })
            .collect();
        let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
        let whole = whole(&window, &bins_of(&self.features), self.judged);
        let report = judge(&self.reference, &current, &whole);
        let whole = std::iter::once(report.window);
        report.features.into_iter().chain(whole).collect()
    }
}

fn bins_of(features: &[FrozenFeature]) -> Vec<Arc<Bins>> {
    features
        .iter()
        .map(|feature| feature.bins.clone())
        .collect()
}

fn settings(judged: Judged) -> Settings {
    Settings {
        budget: judged.budget(),
        on: ByCheck::from_fn(|check| judged.judges(check)),
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: (0..FEATURES)
            .map(|feature| (name_of(feature), acceptable(feature)))
            .collect(),
        features: BTreeMap::new(),
        default: ByCheck {
            // As by default: a segment is a part of the rows.
            segments: CheckSettings {
                min_rows: MIN_SEGMENT_ROWS,
                ..CheckSettings::default()
            },
            ..ByCheck::default()
        },
    }
}

/// What wanders: each is 0.6 times what it was in the window before, and something new.
struct Wandering {
    wanders: Wanders,
    /// Standard normal over all windows: of each feature's mean, and of [`Wandering::OTHERS`].
    states: [f64; FEATURES + 4],
}

impl Wandering {
    const RHO: f64 = 0.6;
    /// The standard deviation of each feature's mean over all windows.
    const MEANS: f64 = 0.08;
    /// Those of the share of nulls and of what a flag says was filled in, of keys that come twice, both as parts of them, of the first
    /// feature's correlation with the others, and of its AUC: each about as much as chance makes of it in 1,000 rows.
    const OTHERS: [f64; 4] = [0.14, 0.14, 0.02, 0.01];

    fn start(rng: &mut SmallRng, wanders: Wanders) -> Self {
        let start = normals(rng, FEATURES + 4);
        Wandering {
            wanders,
            states: std::array::from_fn(|state| start[state]),
        }
    }

    fn next(&mut self, rng: &mut SmallRng) -> Drawn {
        let new = normals(rng, FEATURES + 4);
        for (state, new) in self.states.iter_mut().zip(new) {
            *state = Self::RHO * *state + (1.0 - Self::RHO.powi(2)).sqrt() * new;
        }
        let other = |place: usize| match self.wanders {
            Wanders::Everything => Self::OTHERS[place] * self.states[FEATURES + place],
            _ => 0.0,
        };
        if self.wanders == Wanders::Nothing {
            return UNCHANGED;
        }
        Drawn {
            means: std::array::from_fn(|feature| Self::MEANS * self.states[feature]),
            nulls: UNCHANGED.nulls * other(0).exp(),
            flagged: UNCHANGED.flagged * other(0).exp(),
            twice: UNCHANGED.twice * other(1).exp(),
            correlation: UNCHANGED.correlation + other(2),
            auc: UNCHANGED.auc + other(3),
            ..UNCHANGED
        }
    }
}

/// What is like it was in the window before, see [`Wandering`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanders {
    Nothing,
    /// The means of the features.
    Means,
    /// And shares, a correlation and an AUC, each of all features together.
    Everything,
}

/// What is tried.
#[derive(Clone, Copy)]
pub struct Trial {
    /// Rows of each window.
    pub rows: usize,
    pub judged: Judged,
    pub wanders: Wanders,
    /// Baselines that are drawn.
    pub baselines: u32,
    /// Windows that are judged by each, one after the other.
    pub windows: u32,
}

/// Checks whose null is a bound, reached less often than α allows: a feature's pairs by Bonferroni.
pub const BOUNDS: [Check; 1] = [Check::Correlation];

/// What is tried at length, with the heading of each on the page of the documentation.
pub const TRIALS: [(&str, Trial); 8] = [
    (
        "Windows of 300 rows",
        Trial {
            rows: 300,
            judged: Judged::WithClasses,
            wanders: Wanders::Nothing,
            baselines: 300,
            windows: 5,
        },
    ),
    (
        "Windows of 300 rows, and a number to tell",
        Trial {
            rows: 300,
            judged: Judged::WithNumber,
            wanders: Wanders::Nothing,
            baselines: 200,
            windows: 5,
        },
    ),
    (
        "Windows of 5,000 rows",
        Trial {
            rows: 5_000,
            judged: Judged::WithClasses,
            wanders: Wanders::Nothing,
            baselines: 70,
            windows: 5,
        },
    ),
    (
        "Windows of 1,000 rows that resemble the one before",
        Trial {
            rows: 1_000,
            judged: Judged::WithClasses,
            wanders: Wanders::Means,
            baselines: 100,
            windows: 12,
        },
    ),
    (
        "Windows of 1,000 rows that resemble the one before in everything",
        Trial {
            rows: 1_000,
            judged: Judged::WithClasses,
            wanders: Wanders::Everything,
            baselines: 400,
            windows: 6,
        },
    ),
    (
        "Windows of 1,000 rows that resemble the one before in everything, and a number to tell",
        Trial {
            rows: 1_000,
            judged: Judged::WithNumber,
            wanders: Wanders::Everything,
            baselines: 150,
            windows: 6,
        },
    ),
    (
        "What has one test a window, in windows of 300 rows",
        Trial {
            rows: 300,
            judged: Judged::Whole,
            wanders: Wanders::Nothing,
            baselines: 400,
            windows: 10,
        },
    ),
    (
        "What has one test a window, in windows of 1,000 rows that resemble the one before",
        Trial {
            rows: 1_000,
            judged: Judged::Whole,
            wanders: Wanders::Everything,
            baselines: 400,
            windows: 10,
        },
    ),
];

/// What came of it.
pub struct Outcome {
    /// Windows judged.
    pub windows: u32,
    /// What of them.
    pub judged: Judged,
    /// Alarms of each baseline: runs of windows of one feature over the limit.
    pub alarms: Vec<ByCheck<BySeverity<u32>>>,
    /// Tests of each window.
    pub tests: ByCheck<usize>,
    /// Verdicts of each check: a test without one can alarm for nothing.
    verdicts: ByCheck<u64>,
    /// How many of each check's tests were beyond their sampling null alone, of each baseline; of imputation those of features with a
    /// flag.
    beyond_null: Vec<ByCheck<BySeverity<u32>>>,
    /// The same of imputation of features without one.
    beyond_null_without_flag: Vec<ByCheck<BySeverity<u32>>>,
    /// The probability at which one test may alarm falsely.
    alpha: BySeverity<f64>,
}

impl Outcome {
    /// The alarms that the budget expects of a check.
    pub fn expected(&self, check: Check) -> BySeverity<f64> {
        let all: usize = self.tests.iter().map(|(_, tests)| tests).sum();
        let part = *self.tests.get(check) as f64 / all as f64;
        self.judged
            .budget()
            .map(|budget| budget * part * f64::from(self.windows))
    }

    /// The checks with a test. Those of time have none here.
    pub fn tested(&self) -> Vec<Check> {
        let tested = Check::ALL.into_iter();
        tested.filter(|check| *self.tests.get(*check) > 0).collect()
    }

    /// The share of a check's tests that came to a verdict.
    pub fn judged_share(&self, check: Check) -> f64 {
        let tests = *self.tests.get(check) as f64 * f64::from(self.windows);
        *self.verdicts.get(check) as f64 / tests
    }

    /// How often a check's tests were beyond their sampling null alone, as a multiple of α; of imputation those of features with a flag.
    pub fn beyond_null(&self, check: Check) -> BySeverity<Rate> {
        let tests = match check {
            Check::Imputation => flagged(),
            _ => *self.tests.get(check),
        };
        rates(&self.beyond_null, &[check], self.beyond(tests))
    }

    /// The same of imputation of features without a flag.
    pub fn beyond_null_without_flag(&self) -> BySeverity<Rate> {
        let tests = self.tests.get(Check::Imputation).saturating_sub(flagged());
        rates(
            &self.beyond_null_without_flag,
            &[Check::Imputation],
            self.beyond(tests),
        )
    }

    /// How many of so many tests are expected beyond their null.
    fn beyond(&self, tests: usize) -> BySeverity<f64> {
        let judged = tests as f64 * f64::from(self.windows);
        self.alpha.map(|alpha| alpha * judged)
    }

    /// What these checks together make of their part of the budget.
    pub fn used(&self, checks: &[Check]) -> BySeverity<Rate> {
        let expected = checks.iter().map(|check| self.expected(*check));
        let expected = expected.fold(BySeverity::default(), |sum: BySeverity<f64>, more| {
            sum.zip(more).map(|(sum, more)| sum + more)
        });
        rates(&self.alarms, checks, expected)
    }
}

/// What was counted of these checks, of each baseline, beside what is expected of all.
fn rates(
    counted: &[ByCheck<BySeverity<u32>>],
    checks: &[Check],
    expected: BySeverity<f64>,
) -> BySeverity<Rate> {
    let of = |severity: fn(&BySeverity<u32>) -> u32, expected: f64| {
        let counts = counted.iter().map(|counted| {
            let counts = checks.iter().map(|check| severity(counted.get(*check)));
            counts.sum::<u32>()
        });
        Rate::of(&counts.collect::<Vec<u32>>(), expected)
    };
    BySeverity {
        warning: of(|counted| counted.warning, expected.warning),
        critical: of(|counted| counted.critical, expected.critical),
    }
}

/// Judges windows in which nothing changed.
pub fn undrifted(seed: u64, trial: Trial) -> Outcome {
    let mut rng = SmallRng::seed_from_u64(seed);
    let (mut all, mut all_beyond, mut without_flag) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tests, mut alpha) = (ByCheck::default(), BySeverity::default());
    let mut verdicts = ByCheck::<u64>::default();
    for _ in 0..trial.baselines {
        let mut wandering = Wandering::start(&mut rng, trial.wanders);
        let windows = (0..WINDOWS).map(|_| {
            let from = wandering.next(&mut rng);
            draw(&mut rng, trial.rows, from)
        });
        let baseline = Baseline::of(windows.collect(), trial.judged);
        tests = ByCheck::from_fn(|check| baseline.reference.tests_of(check));
        alpha = baseline.reference.alpha().map(|alpha| alpha.unwrap().value);
        let mut alarms = ByCheck::<BySeverity<u32>>::default();
        let mut beyond_null = ByCheck::<BySeverity<u32>>::default();
        let mut beyond_without_flag = ByCheck::<BySeverity<u32>>::default();
        let mut before = vec![ByCheck::<BySeverity<bool>>::default(); FEATURES + 1];
        for _ in 0..trial.windows {
            let from = wandering.next(&mut rng);
            let reports = baseline.judge(&mut rng, trial.rows, from);
            for (feature, (before, report)) in before.iter_mut().zip(&reports).enumerate() {
                let now = ByCheck::from_fn(|check| {
                    let verdict = report.verdicts.get(check).as_ref();
                    verdict.map_or_else(|_| BySeverity::default(), |verdict| verdict.over)
                });
                for (check, over) in now.iter() {
                    let begins = over.zip(*before.get(check));
                    let begins = begins.map(|(is, was)| u32::from(is && !was));
                    let alarms = alarms.get_mut(check);
                    *alarms = alarms.zip(begins).map(|(sum, more)| sum + more);
                }
                *before = now;
                for (check, verdict) in report.verdicts.iter() {
                    if let Ok(verdict) = verdict {
                        *verdicts.get_mut(check) += 1;
                        let over =
                            |null: Option<f64>| null.is_some_and(|null| verdict.value >= null);
                        let over = verdict.limits.map(|limit| u32::from(over(limit.null)));
                        let guessed = check == Check::Imputation && !is_flagged(feature);
                        let beyond = match guessed {
                            true => beyond_without_flag.get_mut(check),
                            false => beyond_null.get_mut(check),
                        };
                        *beyond = beyond.zip(over).map(|(sum, more)| sum + more);
                    }
                }
            }
        }
        all.push(alarms);
        all_beyond.push(beyond_null);
        without_flag.push(beyond_without_flag);
    }
    Outcome {
        windows: trial.baselines * trial.windows,
        judged: trial.judged,
        alarms: all,
        tests,
        verdicts,
        beyond_null: all_beyond,
        beyond_null_without_flag: without_flag,
        alpha,
    }
}

/// What is to be found.
#[derive(Clone, Copy)]
pub struct Change {
    /// In words.
    pub what: &'static str,
    /// By which check.
    pub check: Check,
    from: Drawn,
    /// Of how many features, the first.
    features: usize,
}

/// Changes that are to be found as warnings.
pub const CHANGES: [Change; 8] = [
    Change {
        what: "a shift by 0.2 standard deviations",
        check: Check::Drift,
        from: Drawn {
            means: [0.2; FEATURES],
            ..UNCHANGED
        },
        features: NUMBERS,
    },
    Change {
        what: "10 % missing values instead of 5 %",
        check: Check::Missing,
        from: Drawn {
            nulls: 0.1,
            ..UNCHANGED
        },
        features: FEATURES,
    },
    Change {
        what: "a correlation of 0.35 instead of 0.5 of one pair",
        check: Check::Correlation,
        from: Drawn {
            pair: -0.3,
            ..UNCHANGED
        },
        features: 2,
    },
    Change {
        what: "one of 0.35 instead of 0.5 of a feature with all others",
        check: Check::Correlation,
        from: Drawn {
            correlation: 0.35,
            ..UNCHANGED
        },
        features: 1,
    },
    Change {
        what: "an AUC of 0.70 instead of 0.75, half of the rows of each class",
        check: Check::Performance,
        from: Drawn {
            auc: 0.70,
            ..UNCHANGED
        },
        features: 1,
    },
    Change {
        what: "four features missing in the same rows, each as often as before",
        check: Check::MissingPatterns,
        from: Drawn {
            together: 4,
            ..UNCHANGED
        },
        features: 1,
    },
    Change {
        what: "a shift by 0.5 standard deviations in one of four segments",
        check: Check::Segments,
        from: Drawn {
            in_region: 0.5,
            ..UNCHANGED
        },
        features: FEATURES,
    },
    Change {
        what: "4 % of the values filled in with one number",
        check: Check::Imputation,
        from: Drawn {
            filled: 0.04,
            ..UNCHANGED
        },
        features: NUMBERS,
    },
];

/// Of how many of the changed features it is found in windows of 5,000 rows, as a share in each of so many runs: one window against
/// a baseline of 40,000 rows of its own.
pub fn found(seed: u64, change: Change, runs: u32) -> Vec<f64> {
    let (mut rng, rows) = (SmallRng::seed_from_u64(seed), 5_000);
    let mut shares = Vec::new();
    for _ in 0..runs {
        let windows = (0..WINDOWS).map(|_| draw(&mut rng, rows, UNCHANGED));
        let baseline = Baseline::of(windows.collect(), Judged::WithClasses);
        let reports = baseline.judge(&mut rng, rows, change.from);
        let over: Vec<&str> = reports
            .iter()
            .filter(|report| {
                let verdict = report.verdicts.get(change.check).as_ref();
                verdict.is_ok_and(|verdict| verdict.over.warning)
            })
            .map(|report| report.name.as_str())
            .collect();
        let changed: Vec<String> = match change.check.scope() {
            Scope::Feature => (0..change.features).map(name_of).collect(),
            Scope::Window => vec![String::new()],
        };
        let is_changed = |name: &&&str| changed.iter().any(|own| own == **name);
        let found = over.iter().filter(is_changed).count();
        // Nobody is told of the features that have the one which changed for a partner.
        assert!(
            change.check != Check::Correlation || found == over.len(),
            "{over:?}"
        );
        shares.push(found as f64 / change.features as f64);
    }
    shares
}
