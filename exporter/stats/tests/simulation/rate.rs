//! What was counted against what is expected.

/// Alarms, or tests beyond their null, as a multiple of what is expected, with an interval that holds it with 95 % confidence.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub count: u32,
    pub expected: f64,
    pub share: f64,
    pub low: f64,
    pub high: f64,
}

impl Rate {
    /// The most that is promised.
    pub const MOST: f64 = 1.25;
    /// Of fewer an estimate alone says nothing.
    const FEW: u32 = 10;

    /// From the counts of each baseline. Within one they come together: features share a target, and windows a baseline. So the
    /// interval is the wider one of that which the counts of the baselines tell, and the exact one of alarms that are independent
    /// (Garwood 1936), which also tells something where there are none.
    pub fn of(counts: &[u32], expected: f64) -> Self {
        let n = counts.len() as f64;
        let count: u32 = counts.iter().sum();
        let mean = f64::from(count) / n;
        let squares: f64 = counts.iter().map(|c| (f64::from(*c) - mean).powi(2)).sum();
        let half = 1.96 * (squares * n / (n - 1.0)).sqrt();
        let independent = stats::poisson::interval(u64::from(count), 0.95);
        let (low, high) = (f64::from(count) - half, f64::from(count) + half);
        Rate {
            count,
            expected,
            share: f64::from(count) / expected,
            low: low.min(independent.low).max(0.0) / expected,
            high: high.max(independent.high) / expected,
        }
    }

    /// Surely more than is promised.
    pub fn surely_broken(&self) -> bool {
        self.low > Self::MOST
    }

    /// Surely more than is promised, or so by more than a few.
    pub fn broken(&self) -> bool {
        self.surely_broken() || (self.share > Self::MOST && self.count >= Self::FEW)
    }

    /// Surely less than a null within a quarter of α would be.
    pub fn surely_too_few(&self) -> bool {
        self.high < 2.0 - Self::MOST
    }

    /// Whether so many were expected that their number says something.
    pub fn tells(&self) -> bool {
        self.expected >= f64::from(Self::FEW)
    }
}
