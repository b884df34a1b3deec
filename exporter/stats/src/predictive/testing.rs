//! Random rows for the tests of this folder.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub(super) struct Rows(SmallRng);

impl Rows {
    pub(super) fn new(seed: u64) -> Self {
        Rows(SmallRng::seed_from_u64(seed))
    }

    pub(super) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A Poisson count: by inversion for small means, rounded normal for large ones.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 100.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (mut left, mut count, mut term) = (self.uniform(), 0u64, (-mean).exp());
        while left >= term && count < 1000 {
            left -= term;
            count += 1;
            term *= mean / count as f64;
        }
        count
    }

    /// A class by its shares.
    pub(super) fn class(&mut self, shares: &[f64]) -> u32 {
        let mut left = self.uniform();
        for (class, share) in (0u32..).zip(shares) {
            left -= share;
            if left < 0.0 {
                return class;
            }
        }
        0
    }

    /// Normal values whose mean is that of their class.
    pub(super) fn sample(
        &mut self,
        rows: usize,
        shares: &[f64],
        means: &[f64],
    ) -> (Vec<f64>, Vec<u32>) {
        (0..rows)
            .map(|_| {
                let class = self.class(shares);
                (means[class as usize] + self.normal(), class)
            })
            .unzip()
    }
}

/// Mean and standard deviation.
pub(super) fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0)).sqrt())
}
