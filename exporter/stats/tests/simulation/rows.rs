//! Rows of twenty features, some of which are categories, and of what they tell.

use std::sync::Arc;

use rand::Rng;
use rand::rngs::SmallRng;
use stats::{
    Acceptable, Bins, Categories, Column, FeatureProfile, Fences, KeyHash, KeySample, Keys, Kind,
    Validity,
};

use crate::normal::pair;

pub const FEATURES: usize = 20;
/// The first so many are numbers, the others categories.
pub const NUMBERS: usize = 16;
const NULLS: f64 = 0.05;

/// Beyond it on either side are 5 % of the values. They are refused, and of numbers with heavy tails they are the outliers too: of a
/// share near 0 the effect floor would make the limit.
const FAR: f64 = 1.96;
/// How heavy the tails are: Tukey's h, with which FAR is the robust z-score of 3.5.
const HEAVY: f64 = 0.3424;

/// Whether a feature is one of those numbers, the last ones, that have heavy tails.
fn is_heavy(feature: usize) -> bool {
    (NUMBERS / 2..NUMBERS).contains(&feature)
}

/// Whether a flag says of a feature which values were filled in.
pub fn is_flagged(feature: usize) -> bool {
    feature % 2 == 1
}

/// How many features have such a flag.
pub fn flagged() -> usize {
    (0..FEATURES).filter(|feature| is_flagged(*feature)).count()
}

/// Whether a feature has numbers of three digits, so that some come twice.
fn is_rounded(feature: usize) -> bool {
    feature < NUMBERS && feature % 4 == 2
}

/// A value of Tukey's h distribution in place of a normal one.
pub fn heavy(normal: f64) -> f64 {
    normal * (HEAVY * normal * normal / 2.0).exp()
}

/// The number of a feature in place of a normal one, with heavy tails where it has them. No rank changes.
fn number(feature: usize, normal: f64) -> f64 {
    match is_heavy(feature) {
        true => heavy(normal),
        false => normal,
    }
}

/// The categories of a value: the first up to this quantile of the normal values, and so on. The last is not among those that are
/// accepted.
pub const NAMES: [(&str, f64); 5] = [
    ("a", -0.2533),
    ("b", 0.3853),
    ("c", 0.8416),
    ("d", 1.6449),
    ("e", f64::INFINITY),
];

pub fn acceptable(feature: usize) -> Acceptable {
    let accepted = NAMES.iter().take(4).map(|(name, _)| (*name).to_owned());
    match feature < NUMBERS {
        true => Acceptable::Range {
            min: Some(number(feature, -FAR)),
            max: Some(number(feature, FAR)),
        },
        false => Acceptable::Names(accepted.collect()),
    }
}

pub fn name_of(feature: usize) -> String {
    format!("f{feature:02}")
}

/// Rows of one feature in one window.
pub struct Rows {
    values: Values,
    bits: Vec<u8>,
    /// Which values were filled in, where a flag says so.
    flags: Option<Vec<bool>>,
}

enum Values {
    Numbers(Vec<f64>),
    Names(Vec<i32>),
}

impl Values {
    fn named(values: &[f64]) -> Self {
        let code = |value: &f64| NAMES.iter().take_while(|(_, end)| value > end).count();
        Values::Names(values.iter().map(|value| code(value) as i32).collect())
    }
}

impl Rows {
    pub fn kind(&self) -> Kind {
        match self.values {
            Values::Numbers(_) => Kind::Numeric,
            Values::Names(_) => Kind::Categorical,
        }
    }

    pub fn column(&self) -> Column<'_> {
        let validity = |rows| Validity::bitmap(&self.bits, 0, rows).unwrap();
        match &self.values {
            Values::Numbers(values) => Column::Numeric {
                values,
                validity: validity(values.len()),
            },
            Values::Names(codes) => Column::Categorical {
                codes,
                validity: validity(codes.len()),
                categories: Categories {
                    generation: 0,
                    len: NAMES.len(),
                    name: &|code| NAMES.get(code).map(|(name, _)| *name),
                },
            },
        }
    }
}

/// The rows of a window.
pub struct Window {
    pub features: Vec<Rows>,
    /// What is to be told of each row: a number, and whether it is above its median.
    pub target: Vec<f64>,
    pub classes: Vec<u32>,
    /// The segment of each row, of four that are about as frequent.
    pub regions: Vec<u32>,
    pub keys: Keys,
}

/// What a window is drawn from.
#[derive(Clone, Copy)]
pub struct Drawn {
    /// The mean of each feature, whose standard deviation is 1.
    pub means: [f64; FEATURES],
    /// The share of nulls of every feature.
    pub nulls: f64,
    /// The share of rows whose key a row before them has.
    pub twice: f64,
    /// The correlation of the first feature with every other one; these have one of 0.5 with each other.
    pub correlation: f64,
    /// The correlation of what the first two features have for themselves: of 0 they have one of 0.5 as all others, of −0.3 one of 0.35.
    pub pair: f64,
    /// The AUC of the first feature about the classes; what the others tell, and of the number, follows from their correlations.
    pub auc: f64,
    /// The first so many features are missing in the same rows.
    pub together: usize,
    /// The share of values that a flag says were filled in, of features that have one.
    pub flagged: f64,
    /// The share of values that are filled in beside that, which a flag says where there is one.
    pub filled: f64,
    /// How far the values of the first segment are shifted.
    pub in_region: f64,
}

pub const UNCHANGED: Drawn = Drawn {
    means: [0.0; FEATURES],
    nulls: NULLS,
    twice: 0.05,
    correlation: 0.5,
    pair: 0.0,
    auc: 0.75,
    together: 0,
    flagged: 0.05,
    filled: 0.0,
    in_region: 0.0,
};

pub const REGIONS: [&str; 4] = ["east", "north", "south", "west"];

/// The number that is filled in.
const FILL: f64 = 0.25;

/// So many standard normal values.
pub fn normals(rng: &mut SmallRng, rows: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(rows + 1);
    while values.len() < rows {
        let (one, other) = pair(rng);
        values.extend([one, other]);
    }
    values.truncate(rows);
    values
}

/// All features, normal values that have one factor in common, some of them in categories; and the target, a normal value that is
/// correlated with the first feature.
pub fn draw(rng: &mut SmallRng, rows: usize, from: Drawn) -> Window {
    let factor = normals(rng, rows);
    let of_others = 0.5f64.sqrt();
    let there = |rng: &mut SmallRng| {
        let mut bits = vec![0u8; rows.div_ceil(8)];
        (0..rows)
            .filter(|_| rng.random::<f64>() >= from.nulls)
            .for_each(|row| bits[row / 8] |= 1 << (row % 8));
        bits
    };
    let regions: Vec<u32> = (0..rows).map(|_| rng.random_range(0..4)).collect();
    let shared = (from.together > 0).then(|| there(rng));
    // What the first feature has for itself is a part of what the second has.
    let mut first = Vec::new();
    let features: Vec<Rows> = (0..FEATURES)
        .map(|feature| {
            let bits = match &shared {
                Some(shared) if feature < from.together => shared.clone(),
                _ => there(rng),
            };
            let part = match feature {
                0 => from.correlation / of_others,
                _ => of_others,
            };
            let mut own = normals(rng, rows);
            match feature {
                0 => first = own.clone(),
                1 if from.pair != 0.0 => {
                    let rest = (1.0 - from.pair * from.pair).sqrt();
                    let both = own.iter_mut().zip(&first);
                    both.for_each(|(own, first)| *own = from.pair * first + rest * *own);
                }
                _ => {}
            }
            let values = factor.iter().zip(own);
            let values = values.map(|(factor, own)| {
                from.means[feature] + part * factor + (1.0 - part * part).sqrt() * own
            });
            let mut values: Vec<f64> = values.collect();
            let first = values.iter_mut().zip(&regions);
            let first = first.filter(|(_, region)| **region == 0);
            first.for_each(|(value, _)| *value += from.in_region);
            if is_rounded(feature) {
                let digits = |value: &mut f64| *value = (*value * 1_000.0).round() / 1_000.0;
                values.iter_mut().for_each(digits);
            }
            let flagged = match is_flagged(feature) {
                true => from.flagged,
                false => 0.0,
            };
            let flags: Vec<bool> = (0..rows)
                .map(|_| rng.random::<f64>() < flagged + from.filled)
                .collect();
            let filled = values.iter_mut().zip(&flags).filter(|(_, flag)| **flag);
            filled.for_each(|(value, _)| *value = FILL);
            let values = match feature < NUMBERS {
                true => {
                    let numbers = values.iter().map(|value| number(feature, *value));
                    Values::Numbers(numbers.collect())
                }
                false => Values::named(&values),
            };
            Rows {
                values,
                bits,
                flags: is_flagged(feature).then_some(flags),
            }
        })
        .collect();
    // The probability that three normal values are positive gives AUC = ½ + 2·asin(r/√2)/π.
    let r = std::f64::consts::SQRT_2 * (std::f64::consts::FRAC_PI_2 * (from.auc - 0.5)).sin();
    let own = normals(rng, rows);
    let Values::Numbers(first) = &features[0].values else {
        unreachable!("the first feature is a number");
    };
    let target = first.iter().zip(own);
    let target: Vec<f64> = target
        .map(|(value, own)| r * (value - from.means[0]) + (1.0 - r * r).sqrt() * own)
        .collect();
    let classes = target.iter().map(|value| u32::from(*value > 0.0)).collect();
    let mut keys = KeySample::default();
    for row in 0..rows as u64 {
        let twice = row > 0 && rng.random::<f64>() < from.twice;
        let key = if twice { rng.random_range(0..row) } else { row };
        keys.insert(Some(KeyHash::of(&key.to_be_bytes())));
    }
    Window {
        target,
        classes,
        regions,
        features,
        keys: keys.close(),
    }
}

/// As the program makes it: the outliers are counted by the fences that the baseline gives, where there is one.
pub fn profile(
    feature: usize,
    rows: &Rows,
    bins: Option<Arc<Bins>>,
    fences: Option<Fences>,
) -> FeatureProfile {
    let mut profile = FeatureProfile::new(rows.kind(), bins).accepting(&acceptable(feature));
    if let Some(fences) = fences {
        profile = profile.fenced(fences);
    }
    if rows.flags.is_some() {
        profile = profile.flagged(true);
    }
    let column = rows.column();
    profile.update(&column).unwrap();
    if let Some(flags) = &rows.flags {
        profile.flag(&column, |row| flags[row]);
    }
    profile
}
