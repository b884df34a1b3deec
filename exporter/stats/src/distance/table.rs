//! Reference and current counts over the same bins, without the bins that are empty on both sides.

/// The bins that count: B of them, with N reference and M current values.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Reference counts.
    pub reference: Vec<f64>,
    /// Current counts.
    pub current: Vec<f64>,
    /// N.
    pub reference_total: f64,
    /// M.
    pub current_total: f64,
}

impl Table {
    /// Pairs both counts bin by bin; what one side has no bin for counts 0.
    pub fn new(reference: &[u64], current: &[u64]) -> Self {
        let at = |counts: &[u64], bin: usize| counts.get(bin).copied().unwrap_or(0);
        let used = (0..reference.len().max(current.len()))
            .map(|bin| (at(reference, bin), at(current, bin)))
            .filter(|(a, c)| a + c > 0);
        let (reference, current): (Vec<f64>, Vec<f64>) =
            used.map(|(a, c)| (a as f64, c as f64)).unzip();
        Table {
            reference_total: reference.iter().sum(),
            current_total: current.iter().sum(),
            reference,
            current,
        }
    }

    /// B.
    pub fn bins(&self) -> usize {
        self.reference.len()
    }

    /// B − 1, 0 without a bin.
    pub fn degrees(&self) -> f64 {
        self.bins().saturating_sub(1) as f64
    }

    /// 1/N + 1/M, the variance that two samples add.
    pub fn noise(&self) -> f64 {
        1.0 / self.reference_total + 1.0 / self.current_total
    }

    /// How few values bins expect: s = (1/N + 1/M)·Σ1/p ÷ (B−1) over the shares p of both sides together, ¼ where it is four or five
    /// values a bin of a much smaller side.
    pub fn sparseness(&self) -> f64 {
        let all = self.reference_total + self.current_total;
        let both = self.reference.iter().zip(&self.current);
        let reciprocals: f64 = both.map(|(a, c)| all / (a + c)).sum();
        self.noise() * reciprocals / self.degrees().max(1.0)
    }

    /// Reference and current shares, bin by bin.
    pub fn shares(&self) -> impl Iterator<Item = (f64, f64)> {
        self.reference
            .iter()
            .zip(&self.current)
            .map(|(a, c)| (a / self.reference_total, c / self.current_total))
    }
}
