//! What chance alone puts into a statistic of a table, and the interval of what is left when that is taken off.
//!
//! A sum over the cells of a table that is 0 where bins and classes are independent, as information value and mutual
//! information are, is about a multiple of χ² in samples there, and of a noncentral χ² where there is something to tell: its
//! mean is the truth and that of chance, and its variance grows with the truth. An interval around the sum itself does not
//! hold the truth where the bins are many and the rows few.

use crate::tail::{self, PearsonIii};

use super::Interval;

/// A cell that expects so many rows has the moments of χ² to within a few percent.
const MANY: f64 = 50.0;
/// Terms of a law that are this much smaller than its largest are left out.
const NEGLIGIBLE: f64 = 1e-12;
/// Below each end of a 95 % interval, and above the other.
const BEYOND: f64 = 0.025;

/// A statistic with what chance puts into it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Excess {
    /// The statistic, at least 0.
    pub plug_in: f64,
    /// Its mean where there is nothing to tell.
    pub noise: f64,
    /// Its variance there.
    pub noise_variance: f64,
    /// Its variance by the delta method, which in truth is 0 where there is nothing to tell.
    pub linear_variance: f64,
}

impl Excess {
    /// The statistic less what chance puts there. By chance it may be below 0, so that its mean is right.
    pub fn value(&self) -> f64 {
        self.plug_in - self.noise
    }

    /// The mean of statistics of the same rows. How they hang together is not known: its standard deviations are taken to be
    /// the means of theirs, the most that they can be. `None` of none.
    pub fn mean(all: &[Excess]) -> Option<Excess> {
        let count = all.len() as f64;
        let mean = |of: fn(&Excess) -> f64| all.iter().map(of).sum::<f64>() / count;
        (!all.is_empty()).then(|| Excess {
            plug_in: mean(|own| own.plug_in),
            noise: mean(|own| own.noise),
            noise_variance: mean(|own| own.noise_variance.sqrt()).powi(2),
            linear_variance: mean(|own| own.linear_variance.sqrt()).powi(2),
        })
    }

    /// 95 % interval of what is told, at least 0: all truths τ for which the statistic is within the middle 95 % of its law.
    /// That has the mean τ + m and the variance v + sτ, m and v those of chance, and the third moment 2v²/m + 6csτ with
    /// c = v/2m. With s = 4c these are the moments of cχ² with 2m²/v degrees of freedom and the noncentrality τ/c; s is the
    /// variance of the delta method over the statistic, which is 4c near no effect, and what holds where that is far. The law is
    /// Pearson's type III with these moments (Pearson 1959, Biometrika 46, for the noncentral χ²).
    pub fn interval(&self) -> Interval {
        let (noise, variance) = (self.noise, self.noise_variance);
        if !(noise > 0.0 && variance > 0.0) {
            let value = self.value().max(0.0);
            return Interval {
                low: value,
                high: value,
            };
        }
        let unit = variance / (2.0 * noise);
        let slope = match self.plug_in > 0.0 {
            true => self.linear_variance / self.plug_in,
            false => 4.0 * unit,
        };
        let below = |told: f64| {
            let third = 2.0 * variance * variance / noise + 6.0 * unit * slope * told;
            let deviation = (variance + slope * told).sqrt();
            let law = PearsonIii::new(third / deviation.powi(3));
            law.cdf((self.plug_in - noise - told) / deviation)
        };
        // The more is told, the less likely is so small a statistic.
        let most = self.plug_in + variance.sqrt();
        let end = |share: f64| tail::invert(below, share, (0.0, most));
        Interval {
            low: end(1.0 - BEYOND),
            high: end(BEYOND),
        }
    }
}

/// What chance puts into a sum over cells: moments of the terms given the rows of each bin and each class.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chance {
    mean: f64,
    variance: f64,
    /// The variances that the terms have as multiples of χ² of one degree of freedom.
    plain: f64,
}

/// The rows that a cell's bin and class have, of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Margins {
    pub bin: u64,
    pub class: u64,
    pub all: u64,
}

impl Margins {
    /// The rows that are expected in the cell where bin and class are independent.
    pub fn expected(&self) -> f64 {
        self.bin as f64 / self.all as f64 * self.class as f64
    }

    /// Mean and variance of a function of the cell's rows, by the hypergeometric law.
    fn moments(&self, term: impl Fn(u64) -> f64) -> (f64, f64) {
        let Margins { bin, class, all } = *self;
        let (least, most) = ((bin + class).saturating_sub(all), bin.min(class));
        let largest = ((bin as f64 + 1.0) * (class as f64 + 1.0) / (all as f64 + 2.0)) as u64;
        let largest = largest.clamp(least, most);
        // How much more likely one row more is.
        let ratio = |count: u64| {
            let (left_of_bin, left_of_class) = ((bin - count) as f64, (class - count) as f64);
            let others = (all - bin) as f64 - left_of_class + 1.0;
            left_of_bin * left_of_class / ((count as f64 + 1.0) * others)
        };
        let (mut weights, mut sum, mut squares) = (0.0, 0.0, 0.0);
        let mut add = |count: u64, weight: f64| {
            let value = term(count);
            weights += weight;
            sum += weight * value;
            squares += weight * value * value;
        };
        let (mut count, mut weight) = (largest, 1.0);
        add(count, weight);
        while count < most && weight > NEGLIGIBLE {
            weight *= ratio(count);
            count += 1;
            add(count, weight);
        }
        (count, weight) = (largest, 1.0);
        while count > least && weight > NEGLIGIBLE {
            count -= 1;
            weight /= ratio(count);
            add(count, weight);
        }
        let mean = sum / weights;
        (mean, (squares / weights - mean * mean).max(0.0))
    }
}

impl Chance {
    /// A cell whose `term` says what it brings by its rows; `plain` is what that is on average of many rows. `fewest` are the
    /// rows that are expected where the fewest are, in the cell or beside it.
    pub fn add(&mut self, margins: Margins, fewest: f64, plain: f64, term: impl Fn(u64) -> f64) {
        let of_many = (plain, 2.0 * plain * plain);
        let (mean, variance) = match fewest >= MANY {
            true => of_many,
            false => margins.moments(term),
        };
        self.mean += mean;
        self.variance += variance;
        self.plain += of_many.1;
    }

    /// Mean and variance of the sum. `plain` is its variance with many rows, in which is how the terms hang together; with few
    /// it is taken to differ from that as those of the terms by themselves do.
    pub fn total(self, plain: f64) -> (f64, f64) {
        match self.plain > 0.0 {
            true => (self.mean, plain * self.variance / self.plain),
            false => (0.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::check;

    #[test]
    fn moments_are_those_of_the_hypergeometric_law() {
        for (bin, class, all) in [(7, 12, 40), (30, 25, 40), (1, 3, 9), (300, 900, 2000)] {
            let margins = Margins { bin, class, all };
            let (mean, variance) = margins.moments(|count| count as f64);
            let [n, k, m] = [bin, class, all].map(|count| count as f64);
            check(mean, n * k / m, 1e-9);
            check(margins.expected(), n * k / m, 1e-12);
            let expected = n * k / m * (1.0 - k / m) * (m - n) / (m - 1.0);
            check(variance, expected, 1e-9);
        }
        // One way only.
        let margins = Margins {
            bin: 5,
            class: 9,
            all: 9,
        };
        assert_eq!(margins.moments(|count| count as f64), (5.0, 0.0));
    }

    /// Where the law is one of a noncentral χ² P(χ² < 30) with 9 degrees and these noncentralities is 0.975 and 0.025.
    #[test]
    fn ends_are_those_of_a_noncentral_chi_squared() {
        let statistic = Excess {
            plug_in: 30.0,
            noise: 9.0,
            noise_variance: 18.0,
            linear_variance: 4.0 * 30.0,
        };
        let interval = statistic.interval();
        check(interval.low, 6.035, 0.01);
        check(interval.high, 45.95, 0.01);
        assert_eq!(statistic.value(), 21.0);
        // Less than chance puts there.
        let nothing = Excess {
            plug_in: 2.0,
            linear_variance: 8.0,
            ..statistic
        };
        assert_eq!(
            nothing.interval(),
            Interval {
                low: 0.0,
                high: 0.0
            }
        );
        assert!(Excess::mean(&[]).is_none());
        let mean = Excess::mean(&[statistic; 3]).unwrap();
        check(mean.value(), 21.0, 1e-12);
        check(mean.interval().low, interval.low, 1e-6);
    }
}
