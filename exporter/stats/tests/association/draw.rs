//! Pairs of columns drawn from one law, and how often a window's association is further from its baseline's than the null says.
//!
//! A window is judged against many baselines and a baseline judges many windows: a rate is over all pairs of both,
//! whose number is what limits its precision to about that of as many independent windows.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::association::{Association, Matrix, Null, Values, matrix, null, pool};

use crate::normal::pair;

pub const ALPHAS: [f64; 3] = [0.05, 0.01, 0.001];
/// Windows of a baseline.
const WINDOWS: usize = 8;

/// How rows are drawn.
#[derive(Debug, Clone, Copy)]
pub enum Draw {
    /// Two normal columns with this correlation.
    Normal(f64),
    /// Two columns of Student's t with three degrees of freedom and one common scale: extremes come together.
    Student(f64),
    /// Two normal columns with this correlation, cut to a few values, most of them 0.
    Ties(f64),
    /// Two categorical columns: the second copies the first's code in this share of rows.
    Categories(f64),
    /// The same with two categories each.
    Binary(f64),
    /// The same with two categories each, of which one is rare.
    Rare(f64),
    /// The same with eight categories each, all as frequent.
    Eight(f64),
    /// Two normal columns with this correlation, each cut into four categories.
    Bands(f64),
    /// Two normal columns with this correlation, the first cut into four categories.
    Banded(f64),
    /// A normal column whose mean differs by this much from category to category.
    Groups(f64),
    /// The exponential of that column.
    SkewedGroups(f64),
}

fn category(rng: &mut SmallRng, shares: &[f64]) -> u32 {
    let mut left = rng.random::<f64>();
    for (code, share) in (0u32..).zip(shares) {
        left -= share;
        if left < 0.0 {
            return code;
        }
    }
    shares.len() as u32 - 1
}

/// Two codes, of which the second is that of the first in a share of rows.
fn copy(rng: &mut SmallRng, copied: f64, shares: &[f64], others: &[f64]) -> (u32, u32) {
    let first = category(rng, shares);
    let copy = rng.random::<f64>() < copied;
    (first, if copy { first } else { category(rng, others) })
}

/// The category of a normal number: the shares are 0.4, 0.25, 0.15 and 0.2.
fn band(value: f64) -> u32 {
    let ends = [-0.2533, 0.3853, 0.8416];
    ends.iter().take_while(|end| value > **end).count() as u32
}

const FIRST: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
const SECOND: [f64; 5] = [0.35, 0.25, 0.2, 0.12, 0.08];

impl Draw {
    fn window(self, rng: &mut SmallRng, rows: usize) -> Matrix {
        let correlated = |rng: &mut SmallRng, rho: f64| {
            let (x, e) = pair(rng);
            (x, rho * x + (1.0 - rho * rho).sqrt() * e)
        };
        let numeric = |row: &mut dyn FnMut() -> (f64, f64)| {
            let (x, y): (Vec<f64>, Vec<f64>) = (0..rows).map(|_| row()).unzip();
            matrix(&[Values::Numeric(&x), Values::Numeric(&y)]).unwrap()
        };
        let categorical = |row: &mut dyn FnMut() -> (u32, u32)| {
            let (x, y): (Vec<u32>, Vec<u32>) = (0..rows).map(|_| row()).unzip();
            let column = |codes| Values::Categorical {
                codes,
                categories: 8,
            };
            matrix(&[column(&x), column(&y)]).unwrap()
        };
        let grouped = |row: &mut dyn FnMut() -> (u32, f64)| {
            let (x, y): (Vec<u32>, Vec<f64>) = (0..rows).map(|_| row()).unzip();
            let groups = Values::Categorical {
                codes: &x,
                categories: 5,
            };
            matrix(&[groups, Values::Numeric(&y)]).unwrap()
        };
        let group = |rng: &mut SmallRng, step: f64| {
            let code = category(rng, &SECOND);
            (code, step * f64::from(code) + pair(rng).0)
        };
        match self {
            Draw::Normal(rho) => numeric(&mut || correlated(rng, rho)),
            Draw::Student(rho) => numeric(&mut || {
                let (x, y) = correlated(rng, rho);
                let ((a, b), (c, _)) = (pair(rng), pair(rng));
                let scale = ((a * a + b * b + c * c) / 3.0).sqrt();
                (x / scale, y / scale)
            }),
            Draw::Ties(rho) => numeric(&mut || {
                let (x, y) = correlated(rng, rho);
                let cut = |value: f64| (1.5 * value).floor().max(0.0);
                (cut(x), cut(y))
            }),
            Draw::Categories(copied) => categorical(&mut || copy(rng, copied, &FIRST, &SECOND)),
            Draw::Binary(copied) => {
                categorical(&mut || copy(rng, copied, &[0.5, 0.5], &[0.7, 0.3]))
            }
            Draw::Rare(copied) => {
                categorical(&mut || copy(rng, copied, &[0.94, 0.06], &[0.9, 0.1]))
            }
            Draw::Eight(copied) => categorical(&mut || copy(rng, copied, &[0.125; 8], &[0.125; 8])),
            Draw::Bands(rho) => categorical(&mut || {
                let (x, y) = correlated(rng, rho);
                (band(x), band(y))
            }),
            Draw::Banded(rho) => grouped(&mut || {
                let (x, y) = correlated(rng, rho);
                (band(x), y)
            }),
            Draw::Groups(step) => grouped(&mut || group(rng, step)),
            Draw::SkewedGroups(step) => grouped(&mut || {
                let (code, value) = group(rng, step);
                (code, value.exp())
            }),
        }
    }

    pub fn reading(self, rng: &mut SmallRng, rows: usize) -> Association {
        alarming(&self.window(rng, rows))
    }
}

fn alarming(matrix: &Matrix) -> Association {
    matrix.pair(0, 1).unwrap().alarming.unwrap()
}

/// What a baseline is made of.
#[derive(Debug, Clone, Copy)]
pub enum Baseline {
    /// Eight windows as large as the one that is judged.
    Windows,
    /// One of eight times its rows.
    Whole,
}

impl Baseline {
    fn draw(self, draw: Draw, rng: &mut SmallRng, rows: usize) -> Association {
        match self {
            Baseline::Windows => {
                let windows: Vec<Matrix> = (0..WINDOWS).map(|_| draw.window(rng, rows)).collect();
                alarming(&pool(&windows).unwrap().matrix)
            }
            Baseline::Whole => draw.reading(rng, WINDOWS * rows),
        }
    }
}

/// Achieved rates as multiples of each α.
pub fn rates(
    draw: Draw,
    baseline: Baseline,
    rows: usize,
    baselines: usize,
    windows: usize,
) -> [f64; 3] {
    let mut rng = SmallRng::seed_from_u64(11);
    let limits: Vec<(f64, [Null; 3])> = (0..baselines)
        .map(|_| {
            let reference = baseline.draw(draw, &mut rng, rows);
            let limit = |alpha| null(&reference, rows as u64, alpha).unwrap();
            (reference.value, ALPHAS.map(limit))
        })
        .collect();
    let mut exceeded = [0u64; 3];
    for _ in 0..windows {
        let current = draw.reading(&mut rng, rows).value;
        for (reference, limits) in &limits {
            let change = current - reference;
            for (count, limit) in exceeded.iter_mut().zip(limits) {
                *count += u64::from(change.abs() > limit.of(change));
            }
        }
    }
    let of = (baselines * windows) as f64;
    let mut rates = [0.0; 3];
    for ((rate, count), alpha) in rates.iter_mut().zip(exceeded).zip(ALPHAS) {
        *rate = count as f64 / of / alpha;
    }
    rates
}
