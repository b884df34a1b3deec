//! Weight of evidence and information value of each class against the rest, and mutual information, from a table of
//! bins by classes.

use serde::{Deserialize, Serialize};

use super::effect_size::second_order;
use super::{ClassTable, Estimate, NotComputed};

/// How much an information value is taken to say, by the conventional bands (Siddiqi 2006, Credit Risk Scorecards).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Band {
    /// Below 0.02.
    Unpredictive,
    /// From 0.02.
    Weak,
    /// From 0.1.
    Medium,
    /// From 0.3.
    Strong,
    /// From 0.5: so strong that the feature may know the target.
    Suspicious,
}

impl Band {
    /// The band of an information value.
    pub fn of(value: f64) -> Self {
        match value {
            value if value >= 0.5 => Band::Suspicious,
            value if value >= 0.3 => Band::Strong,
            value if value >= 0.1 => Band::Medium,
            value if value >= 0.02 => Band::Weak,
            _ => Band::Unpredictive,
        }
    }
}

/// What the bins tell about one class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassInformation {
    /// Weight of evidence of each bin in nats: ln of the bin's share of the class over its share of the rest.
    /// Positive speaks for the class. `None` for a bin without a row.
    pub weights: Vec<Option<f64>>,
    /// Information value, at least 0.
    pub value: f64,
    /// Standard error of the value, from sampling rows alone.
    pub standard_error: f64,
    /// What it is expected to be in so many rows when the bins tell nothing: (B−1)(1/G + 1/R), B bins with rows.
    /// A value that is not well above it says nothing, whatever its band.
    pub noise: f64,
    /// Its band.
    pub band: Band,
}

/// WoE and IV of each class against the rest; `None` for a class without a row inside or outside of it.
///
/// WoE_i = ln[((g_i+½)/G)/((r_i+½)/R)] and IV = Σ(g_i/G − r_i/R)·WoE_i (Siddiqi 2006, with ½ added where it would be
/// infinite): of the class G rows, g_i in bin i; of the rest R and r_i. Without a difference IV ≈ (1/G + 1/R)·χ²_{B−1},
/// as PSI, which it is between class and rest. The ½ can carry the sum of a small class slightly below 0: it is cut
/// there.
///
/// Its variance is that of the delta method: of the class's shares p_i the gradient is WoE_i + 1 − r_i/p_i, of the rest's
/// r_i it is −WoE_i + 1 − p_i/r_i, each multinomial. Where the bins tell nothing that is 0 in truth and the variance is that
/// of χ², 2(B−1)(1/G + 1/R)².
///
/// # Errors
/// Fewer than two classes with rows.
pub fn information_value(table: &ClassTable) -> Result<Vec<Option<ClassInformation>>, NotComputed> {
    let totals = table.class_totals();
    let rows: u64 = totals.iter().sum();
    if totals.iter().filter(|total| **total > 0).count() < 2 {
        return Err(NotComputed::OneClass);
    }
    let of_class = |(class, &total): (usize, &u64)| {
        let (inside, outside) = (total as f64, (rows - total) as f64);
        (inside > 0.0 && outside > 0.0).then(|| {
            let bins = || {
                table.by_bin().map(move |bin| {
                    let (g, all) = (
                        bin.get(class).copied().unwrap_or(0),
                        bin.iter().sum::<u64>(),
                    );
                    let (g, r) = (g as f64, (all - g) as f64);
                    let weight = ((g + 0.5) / inside).ln() - ((r + 0.5) / outside).ln();
                    let weight = (all > 0).then_some(weight);
                    (g / inside - r / outside, weight)
                })
            };
            let terms = bins().filter_map(|(share, weight)| Some(share * weight?));
            let value = terms.sum::<f64>().max(0.0);
            let filled = bins().filter(|(_, weight)| weight.is_some()).count();
            let degrees = filled.saturating_sub(1) as f64;
            let each = 1.0 / inside + 1.0 / outside;
            ClassInformation {
                weights: bins().map(|(_, weight)| weight).collect(),
                value,
                standard_error: second_order(
                    delta_variance(table, class, inside, outside),
                    2.0 * degrees * each * each,
                )
                .sqrt(),
                noise: degrees * each,
                band: Band::of(value),
            }
        })
    };
    Ok(totals.iter().enumerate().map(of_class).collect())
}

/// The variance of a class's information value by the delta method.
fn delta_variance(table: &ClassTable, class: usize, inside: f64, outside: f64) -> f64 {
    // Mean and mean square of a gradient over the rows of a side: their variance over its rows.
    let (mut of_class, mut of_rest) = ((0.0f64, 0.0f64), (0.0f64, 0.0f64));
    for bin in table.by_bin() {
        let g = bin.get(class).copied().unwrap_or(0);
        let r = bin.iter().sum::<u64>() - g;
        let (p, q) = ((g as f64 + 0.5) / inside, (r as f64 + 0.5) / outside);
        let weight = (p / q).ln();
        let add = |side: &mut (f64, f64), count: u64, rows: f64, gradient: f64| {
            side.0 += count as f64 / rows * gradient;
            side.1 += count as f64 / rows * gradient * gradient;
        };
        add(&mut of_class, g, inside, weight + 1.0 - q / p);
        add(&mut of_rest, r, outside, -weight + 1.0 - p / q);
    }
    let spread = |(mean, square): (f64, f64)| (square - mean * mean).max(0.0);
    spread(of_class) / inside + spread(of_rest) / outside
}

/// How much bins and classes tell about each other, in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MutualInformation {
    /// The plug-in value, which is too large in small samples.
    pub plug_in: f64,
    /// With Miller and Madow's correction and its standard error. By chance it may be below 0, so that its mean is 0
    /// where bins and classes are independent; what is shown may be cut there.
    pub corrected: Estimate,
    /// Uncertainty coefficient U(class | bin) = plug-in / H(class), in 0..=1 (Theil 1970): the part of the class's
    /// entropy that the bin takes away. As large in small samples as the plug-in.
    pub uncertainty_coefficient: f64,
}

/// Mutual information of bins and classes.
///
/// I = Σ p_ij ln(p_ij/(p_i p_j)); corrected by (m_ij − m_i − m_j + 1)/(2n) with m the cells, bins and classes that
/// have rows (Miller 1955; Roulston 1999). Variance: V/n, V the variance of ln(p_ij/(p_i p_j)) over rows (Moddemeijer
/// 1989). Where bins and classes are independent 2nI is χ² with d = (m_i−1)(m_j−1) degrees of freedom: then V/n is
/// d/n² by chance and the variance d/(2n²), so that d/(2n²) is taken off V/n, and d/(2n²) is the least (which makes the
/// standard error up to 1.4 times too large where there is nothing to tell).
///
/// # Errors
/// Fewer than two classes with rows.
pub fn mutual_information(table: &ClassTable) -> Result<MutualInformation, NotComputed> {
    let totals = table.class_totals();
    let rows: u64 = totals.iter().sum();
    let classes = totals.iter().filter(|total| **total > 0).count();
    if classes < 2 {
        return Err(NotComputed::OneClass);
    }
    let n = rows as f64;
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    let (mut cells, mut bins) = (0usize, 0usize);
    for bin in table.by_bin() {
        let of_bin = bin.iter().sum::<u64>() as f64;
        bins += usize::from(of_bin > 0.0);
        for (&count, &total) in bin.iter().zip(&totals).filter(|(count, _)| **count > 0) {
            let count = count as f64;
            let log = (count / of_bin).ln() - (total as f64 / n).ln();
            cells += 1;
            sum += count / n * log;
            squares += count / n * log * log;
        }
    }
    let entropy: f64 = totals
        .iter()
        .filter(|total| **total > 0)
        .map(|&total| total as f64 / n)
        .map(|share| -share * share.ln())
        .sum();
    let plug_in = sum.clamp(0.0, entropy);
    let (cells, bins, classes) = (cells as f64, bins as f64, classes as f64);
    let variance = (squares - sum * sum).max(0.0) / n;
    let null = (bins - 1.0) * (classes - 1.0) / (2.0 * n * n);
    Ok(MutualInformation {
        plug_in,
        corrected: Estimate {
            value: plug_in - (cells - bins - classes + 1.0) / (2.0 * n),
            standard_error: second_order(variance, null).sqrt(),
        },
        uncertainty_coefficient: plug_in / entropy,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rows, spread};
    use super::*;
    use crate::oracle::{check, number, row};
    use proptest::prelude::*;

    fn table(bins: &[&[u64]]) -> ClassTable {
        ClassTable::new(&bins.iter().map(|bin| bin.to_vec()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_values_are_numpys_and_scikit_learns() {
        // Class 0 are the events.
        let classes = information_value(&table(&[&[10, 40], &[20, 30], &[30, 20], &[40, 10]]));
        let classes = classes.unwrap();
        let (events, others) = (classes[0].as_ref().unwrap(), classes[1].as_ref().unwrap());
        check(events.value, number("IV"), 1e-12);
        check(others.value, number("IV"), 1e-12);
        for ((weight, other), expected) in
            events.weights.iter().zip(&others.weights).zip(row("WoE"))
        {
            check(weight.unwrap(), expected, 1e-12);
            check(other.unwrap(), -expected, 1e-12);
        }
        assert!(
            events.weights[3] > Some(1.0),
            "large bins speak for the events"
        );
        check(events.noise, 3.0 * 0.02, 1e-12);
        assert_eq!(events.band, Band::Suspicious);

        let found = mutual_information(&table(&[&[10, 20, 30], &[25, 15, 20]])).unwrap();
        check(found.plug_in, number("MI"), 1e-12);
        // Miller and Madow's bias is (2−1)(3−1)/(2·120) here.
        check(found.corrected.value, number("MI") - 1.0 / 120.0, 1e-12);
        let variance = number("MI variance") - 2.0 / (2.0 * 120.0 * 120.0);
        check(found.corrected.standard_error, variance.sqrt(), 1e-12);
        check(
            found.uncertainty_coefficient,
            number("uncertainty coefficient"),
            1e-12,
        );
    }

    /// The standard error is the spread of the value over samples of the same rows' distribution.
    #[test]
    fn the_standard_error_of_an_information_value() {
        let mut random = Rows::new(11);
        for shares in [[0.25; 4], [0.1, 0.2, 0.3, 0.4], [0.02, 0.18, 0.4, 0.4]] {
            let (mut values, mut errors) = (Vec::new(), Vec::new());
            for _ in 0..2000 {
                let counts: Vec<Vec<u64>> = shares
                    .iter()
                    .map(|share| vec![random.poisson(share * 400.0), random.poisson(250.0)])
                    .collect();
                let found = information_value(&table_of(&counts)).unwrap();
                let found = found[1].as_ref().unwrap();
                values.push(found.value);
                errors.push(found.standard_error);
            }
            let ratio = spread(&errors).0 / spread(&values).1;
            println!("{shares:?}: {ratio}");
            assert!((0.9..1.45).contains(&ratio), "{shares:?}: {ratio}");
        }
    }

    fn table_of(counts: &[Vec<u64>]) -> ClassTable {
        ClassTable::new(counts).unwrap()
    }

    #[test]
    fn bands() {
        use Band::*;
        let of = [0.0, 0.019, 0.02, 0.1, 0.29, 0.3, 0.49, 0.5, f64::INFINITY].map(Band::of);
        assert_eq!(
            of,
            [
                Unpredictive,
                Unpredictive,
                Weak,
                Medium,
                Medium,
                Strong,
                Strong,
                Suspicious,
                Suspicious
            ]
        );
    }

    proptest! {
        #[test]
        fn laws(counts in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0u64), 0u64..9, 0u64..10_000], 3), 1..20), turn in 0usize..20) {
            let table = ClassTable::new(&counts).unwrap();
            let found = mutual_information(&table);
            prop_assert_eq!(found.is_ok(), information_value(&table).is_ok());
            prop_assume!(found.is_ok());
            let found = found.unwrap();
            prop_assert!(found.plug_in >= 0.0 && found.corrected.value.is_finite() && found.corrected.standard_error.is_finite());
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found.uncertainty_coefficient));
            let classes = information_value(&table).unwrap();
            for class in classes.iter().flatten() {
                prop_assert!(class.value >= 0.0 && class.value.is_finite() && class.noise.is_finite() && class.standard_error.is_finite());
                prop_assert!(class.weights.iter().flatten().all(|weight| weight.is_finite()));
            }
            // The order of bins does not matter.
            let mut turned = counts.clone();
            turned.rotate_left(turn % counts.len());
            let turned = ClassTable::new(&turned).unwrap();
            let again = mutual_information(&turned).unwrap();
            prop_assert!((again.plug_in - found.plug_in).abs() < 1e-12);
            for (a, b) in classes.iter().zip(information_value(&turned).unwrap()) {
                prop_assert!((a.as_ref().map_or(0.0, |c| c.value) - b.map_or(0.0, |c| c.value)).abs() < 1e-9);
            }
            // Joining two bins tells no more.
            if let [first, second, rest @ ..] = &counts[..] {
                let joined: Vec<u64> = first.iter().zip(second).map(|(a, b)| a + b).collect();
                let joined = ClassTable::new(&[&[joined], rest].concat()).unwrap();
                prop_assert!(mutual_information(&joined).unwrap().plug_in <= found.plug_in + 1e-12);
            }
        }
    }

    #[test]
    fn the_ends() {
        assert_eq!(
            mutual_information(&table(&[&[3, 0], &[4, 0]])),
            Err(NotComputed::OneClass)
        );
        assert_eq!(
            information_value(&table(&[&[0, 0]])),
            Err(NotComputed::OneClass)
        );
        // One bin tells nothing.
        let found = mutual_information(&table(&[&[30, 70]])).unwrap();
        assert_eq!(
            (
                found.plug_in,
                found.corrected.value,
                found.corrected.standard_error
            ),
            (0.0, 0.0, 0.0)
        );
        // Perfect separation stays finite, takes all of the entropy away, and is suspicious.
        let apart = table(&[&[500, 0, 0], &[0, 500, 0], &[0, 0, 0]]);
        check(
            mutual_information(&apart).unwrap().uncertainty_coefficient,
            1.0,
            1e-12,
        );
        let classes = information_value(&apart).unwrap();
        let first = classes[0].as_ref().unwrap();
        assert_eq!(
            (first.band, first.weights[2], &classes[2]),
            (Band::Suspicious, None, &None)
        );
        // Here the plain sum is below 0, since ½ weighs more on ten rows than on a thousand.
        let class = &information_value(&table(&[&[1, 101], &[9, 899]])).unwrap()[0];
        assert_eq!(class.as_ref().unwrap().value, 0.0);
    }

    /// The correction takes off what chance puts there, and the standard error is what it spreads by, with and
    /// without something to tell.
    #[test]
    fn correction_and_standard_error_hold() {
        for (seed, strength, truth) in [(1, 0.0, 0.0), (2, 0.5, f64::NAN), (3, 0.15, f64::NAN)] {
            let shares: Vec<Vec<f64>> = (0..8)
                .map(|bin| {
                    let tilt = strength * (f64::from(bin) / 3.5 - 1.0);
                    vec![(1.0 + tilt) / 24.0, 1.0 / 24.0, (1.0 - tilt) / 24.0]
                })
                .collect();
            let mut random = Rows::new(seed);
            let mut draw = |n: f64| {
                let counts: Vec<Vec<u64>> = shares
                    .iter()
                    .map(|bin| bin.iter().map(|share| random.poisson(share * n)).collect())
                    .collect();
                mutual_information(&ClassTable::new(&counts).unwrap()).unwrap()
            };
            let truth = if truth == 0.0 { 0.0 } else { draw(1e9).plug_in };
            let drawn: Vec<MutualInformation> = (0..4000).map(|_| draw(800.0)).collect();
            let (mean, deviation) =
                spread(&drawn.iter().map(|d| d.corrected.value).collect::<Vec<_>>());
            let squares = drawn.iter().map(|d| d.corrected.standard_error.powi(2));
            let error = (squares.sum::<f64>() / 4000.0).sqrt();
            let (plug_in, _) = spread(&drawn.iter().map(|d| d.plug_in).collect::<Vec<_>>());
            assert!((mean - truth).abs() < 0.0005, "{mean} {truth}");
            assert!(plug_in - truth > 0.007, "{plug_in} {truth}");
            assert!(
                (0.9..1.2).contains(&(error / deviation)),
                "{strength}: {error} {deviation}"
            );
        }
    }
}
