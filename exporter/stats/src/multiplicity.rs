//! Benjamini–Hochberg-adjusted p-values: shown beside p, deciding nothing.

/// Adjusted p-values in the order given: p̃₍i₎ = min over j ≥ i of min(1, p₍j₎·k/j), with k p-values in rising
/// order (Benjamini and Hochberg 1995). NaN counts as 1.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let p = |index: usize| {
        if p_values[index].is_nan() {
            1.0
        } else {
            p_values[index]
        }
    };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| p(a).total_cmp(&p(b)));
    let mut adjusted = vec![1.0; count];
    let mut least = 1.0f64;
    for (rank, &index) in order.iter().enumerate().rev() {
        // The factor is at least 1, also when rounded.
        least = least.min(p(index) * (count as f64 / (rank + 1) as f64));
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn adjusting_keeps_order_and_only_raises(p in prop::collection::vec(0.0..=1.0f64, 0..40)) {
            let adjusted = benjamini_hochberg(&p);
            for i in 0..p.len() {
                prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }

    #[test]
    fn the_values_are_scipys() {
        let p = [
            0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216,
        ];
        for (found, expected) in benjamini_hochberg(&p).iter().zip(crate::oracle::row("BH")) {
            crate::oracle::check(*found, expected, 1e-12);
        }
    }
}
