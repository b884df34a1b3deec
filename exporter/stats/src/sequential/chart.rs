//! The two charts on standardised values: what each remembers, and its update in constant time.

use serde::{Deserialize, Serialize};

use super::run_length::{LAMBDA, REFERENCE_VALUE, ewma_deviation};

/// Where the series went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// To larger values.
    Up,
    /// To smaller values.
    Down,
}

/// Exponentially weighted moving average Z ← (1−λ)Z + λx with λ = 0.1 (Roberts 1959). It signals when
/// |Z| > L·√(λ/(2−λ)): the limit of the steady state from the first window on, as in the run lengths of Lucas and
/// Saccucci (1990). After a signal Z is 0 again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    limit: f64,
    value: f64,
}

impl Ewma {
    /// A chart at 0 with L = `limit`.
    pub fn new(limit: f64) -> Self {
        Ewma { limit, value: 0.0 }
    }

    /// L.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Takes in a finite standardised value; returns Z in units of its standard deviation, as it was judged, and the
    /// signal.
    pub fn update(&mut self, x: f64) -> (f64, Option<Direction>) {
        self.value = (1.0 - LAMBDA) * self.value + LAMBDA * x;
        let judged = self.value / ewma_deviation();
        let signal = (judged.abs() > self.limit).then(|| {
            self.value = 0.0;
            if judged > 0.0 {
                Direction::Up
            } else {
                Direction::Down
            }
        });
        (judged, signal)
    }
}

/// Two-sided tabular CUSUM C⁺ ← max(0, C⁺ + x − k), C⁻ ← max(0, C⁻ − x − k) with k = 0.5 (Page 1954; Montgomery,
/// *Introduction to Statistical Quality Control*, 9.1). It signals when one of them is > h. After a signal both are 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    limit: f64,
    upper: f64,
    lower: f64,
}

impl Cusum {
    /// A chart at 0 with h = `limit`.
    pub fn new(limit: f64) -> Self {
        Cusum {
            limit,
            upper: 0.0,
            lower: 0.0,
        }
    }

    /// h.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Takes in a finite standardised value; returns C⁺ and C⁻ as they were judged, and the signal.
    pub fn update(&mut self, x: f64) -> ((f64, f64), Option<Direction>) {
        let upper = (self.upper + x - REFERENCE_VALUE).max(0.0);
        let lower = (self.lower - x - REFERENCE_VALUE).max(0.0);
        let signal = if upper > self.limit {
            Some(Direction::Up)
        } else if lower > self.limit {
            Some(Direction::Down)
        } else {
            None
        };
        (self.upper, self.lower) = if signal.is_some() {
            (0.0, 0.0)
        } else {
            (upper, lower)
        };
        ((upper, lower), signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_turned_round_signals_the_other_way(values in prop::collection::vec(-4.0..4.0f64, 1..200)) {
            let turned = |signal: Option<Direction>| signal.map(|direction| match direction {
                Direction::Up => Direction::Down,
                Direction::Down => Direction::Up,
            });
            let (mut ewma, mut mirrored) = (Ewma::new(2.0), Ewma::new(2.0));
            let (mut cusum, mut turned_cusum) = (Cusum::new(3.0), Cusum::new(3.0));
            for value in values {
                let ((z, signal), (minus, other)) = (ewma.update(value), mirrored.update(-value));
                prop_assert_eq!((z, signal), (-minus, turned(other)));
                let (((up, down), signal), ((down2, up2), other)) = (cusum.update(value), turned_cusum.update(-value));
                prop_assert_eq!((up, down, signal), (up2, down2, turned(other)));
                prop_assert!(up >= 0.0 && down >= 0.0);
            }
        }
    }

    /// Montgomery's example of a CUSUM (table 9.2): twenty observations around 10, then ten around 11.
    #[test]
    fn the_values_are_montgomerys() {
        let observations = [
            9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51,
            9.40, 10.08, 9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08,
            10.38, 11.62, 11.31, 10.52,
        ];
        let mut cusum = Cusum::new(5.0);
        let found: Vec<_> = observations
            .iter()
            .map(|value| cusum.update(value - 10.0))
            .collect();
        let at = |window: usize| found[window - 1];
        for (window, upper, lower) in [
            (2, 0.0, 1.56),
            (5, 2.82, 0.0),
            (24, 2.79, 0.0),
            (28, 4.47, 0.0),
            (29, 5.28, 0.0),
        ] {
            let (up, down) = at(window).0;
            assert!(
                (up - upper).abs() < 1e-9 && (down - lower).abs() < 1e-9,
                "{window} {up} {down}"
            );
        }
        assert_eq!((at(28).1, at(29).1), (None, Some(Direction::Up)));
        assert_eq!(
            found.iter().filter(|(_, signal)| signal.is_some()).count(),
            1
        );
    }

    #[test]
    fn after_a_signal_a_chart_is_as_new() {
        let mut ewma = Ewma::new(2.0);
        let first: Vec<_> = (0..20).map(|_| ewma.update(1.5).1).collect();
        let signals: Vec<usize> = (0..20).filter(|i| first[*i].is_some()).collect();
        let delay = signals[0] + 1;
        assert!(
            signals.len() > 1 && signals[1] == 2 * delay - 1,
            "{signals:?}"
        );
        let mut cusum = Cusum::new(4.0);
        cusum.update(4.6);
        assert_eq!(cusum.update(-9.0).1, Some(Direction::Down));
        assert_eq!(cusum, Cusum::new(4.0));
    }
}
