//! Weight of evidence and information value of each class against the rest, and mutual information, from a table of
//! bins by classes.

use serde::{Deserialize, Serialize};

use super::chance::{Chance, Excess, Margins};
use super::estimate::Z_95;
use super::{ClassTable, Interval, MIN_CLASS_ROWS, NotComputed};

/// How much an information value is taken to say, by the conventional bands (Siddiqi 2006, Credit Risk Scorecards). They are
/// about the value itself, and not about what chance adds to it in a sample.
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
#[derive(Debug, Clone, PartialEq)]
pub struct ClassInformation {
    /// Weight of evidence of each bin in nats: ln of the bin's share of the class over its share of the rest.
    /// Positive speaks for the class. `None` for a bin without a row.
    pub weights: Vec<Option<f64>>,
    /// 95 % interval of each of them, in nats: ±1.96·√(1/(g_i+½) − 1/(G+½) + 1/(r_i+½) − 1/(R+½)), the standard error of the logarithm of
    /// a ratio of two shares (Walter 1975).
    pub intervals: Vec<Option<Interval>>,
    /// The plug-in value, at least 0, which is too large in small samples.
    pub plug_in: f64,
    /// Less what it is expected to be in so many rows when the bins tell nothing. By chance it may be below 0, so that its
    /// mean is 0 where they tell nothing; what is shown may be cut there.
    pub value: f64,
    /// 95 % interval of the true value, at least 0.
    pub interval: Interval,
    /// The band of what is shown.
    pub band: Band,
    /// Rows of the class.
    pub inside: u64,
    /// Rows of the other classes.
    pub outside: u64,
    pub(crate) excess: Excess,
}

impl ClassInformation {
    /// Whether it has rows enough for an average over classes, and to be shown: of three rows it would always be large.
    pub fn is_steady(&self) -> bool {
        self.inside.min(self.outside) >= MIN_CLASS_ROWS
    }
}

/// WoE and IV of each class against the rest; `None` for a class without a row inside or outside of it.
///
/// WoE_i = ln[((g_i+½)/G)/((r_i+½)/R)] and the plug-in IV = Σ(g_i/G − r_i/R)·WoE_i (Siddiqi 2006, with ½ added where it
/// would be infinite): of the class G rows, g_i in bin i; of the rest R and r_i. The ½ can carry the sum of a small class
/// slightly below 0: it is cut there.
///
/// Without a difference the plug-in is about (1/G + 1/R)·χ²_{B−1}, as PSI, which it is between class and rest: its mean is
/// not 0 but (B−1)(1/G + 1/R), which of 50 bins and 300 rows is 0.65. That is taken off, by the mean of each bin's term
/// under the hypergeometric law of its rows where it expects fewer than 50 rows of the class or of the rest. The interval
/// is one of a noncentral χ² ([`super::chance`]), with the variance of the delta method: of the class's shares p_i the
/// gradient is WoE_i + 1 − r_i/p_i, of the rest's r_i it is −WoE_i + 1 − p_i/r_i, each multinomial.
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
        (total > 0 && total < rows).then(|| of_class(table, class, total, rows))
    };
    Ok(totals.iter().enumerate().map(of_class).collect())
}

/// Of a class with `total` of all `rows`.
fn of_class(table: &ClassTable, class: usize, total: u64, rows: u64) -> ClassInformation {
    let (inside, outside) = (total as f64, (rows - total) as f64);
    let each = 1.0 / inside + 1.0 / outside;
    let evidence = |g: u64, r: u64| {
        let (g, r) = (g as f64, r as f64);
        ((g + 0.5) / inside).ln() - ((r + 0.5) / outside).ln()
    };
    let term = |g: u64, r: u64| (g as f64 / inside - r as f64 / outside) * evidence(g, r);
    let (mut sum, mut chance, mut filled) = (0.0, Chance::default(), 0usize);
    let part = |count: f64| 1.0 / (count + 0.5);
    let interval = |g: u64, r: u64| {
        let own = part(g as f64) - part(inside);
        let others = part(r as f64) - part(outside);
        let (weight, half) = (evidence(g, r), Z_95 * (own + others).max(0.0).sqrt());
        Interval {
            low: weight - half,
            high: weight + half,
        }
    };
    let (mut weights, mut intervals) = (Vec::new(), Vec::new());
    for bin in table.by_bin() {
        let all: u64 = bin.iter().sum();
        if all == 0 {
            weights.push(None);
            intervals.push(None);
            continue;
        }
        let g = bin.get(class).copied().unwrap_or(0);
        weights.push(Some(evidence(g, all - g)));
        intervals.push(Some(interval(g, all - g)));
        sum += term(g, all - g);
        filled += 1;
        let margins = Margins {
            bin: all,
            class: total,
            all: rows,
        };
        let expected = margins.expected();
        let plain = each * (1.0 - all as f64 / rows as f64);
        let fewest = expected.min(all as f64 - expected);
        chance.add(margins, fewest, plain, |count| term(count, all - count));
    }
    let degrees = filled.saturating_sub(1) as f64;
    let (noise, noise_variance) = chance.total(2.0 * degrees * each * each);
    let excess = Excess {
        plug_in: sum.max(0.0),
        noise,
        noise_variance,
        linear_variance: delta_variance(table, class, inside, outside),
    };
    ClassInformation {
        weights,
        intervals,
        plug_in: excess.plug_in,
        value: excess.value(),
        interval: excess.interval(),
        band: Band::of(excess.value()),
        inside: total,
        outside: rows - total,
        excess,
    }
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MutualInformation {
    /// The plug-in value, which is too large in small samples.
    pub plug_in: f64,
    /// Less what it is expected to be in so many rows when bins and classes are independent. By chance it may be below 0, so
    /// that its mean is 0 there; what is shown may be cut there.
    pub value: f64,
    /// 95 % interval of the true value, at least 0.
    pub interval: Interval,
    /// Uncertainty coefficient U(class | bin) = plug-in / H(class), in 0..=1 (Theil 1970): the part of the class's
    /// entropy that the bin takes away. As large in small samples as the plug-in.
    pub uncertainty_coefficient: f64,
}

/// Mutual information of bins and classes.
///
/// The plug-in is I = Σ p_ij ln(p_ij/(p_i p_j)). Where bins and classes are independent 2nI is about χ² with
/// d = (m_i−1)(m_j−1) degrees of freedom, m the bins and classes that have rows, so that its mean is d/2n (Miller 1955).
/// That is taken off, by the mean of each cell's term under the hypergeometric law of its rows where it expects fewer than
/// 50. The interval is one of a noncentral χ² ([`super::chance`]), with the variance V/n, V the variance of
/// ln(p_ij/(p_i p_j)) over rows (Moddemeijer 1989).
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
    let (mut chance, mut bins) = (Chance::default(), 0usize);
    for bin in table.by_bin() {
        let of_bin = bin.iter().sum::<u64>();
        if of_bin == 0 {
            continue;
        }
        bins += 1;
        for (&count, &total) in bin.iter().zip(&totals).filter(|(_, total)| **total > 0) {
            let margins = Margins {
                bin: of_bin,
                class: total,
                all: rows,
            };
            let expected = margins.expected();
            // Over all cells count − expected is 0, and without it each term would vary by that.
            let term = |count: u64| {
                let count = count as f64;
                let log = if count > 0.0 {
                    (count / expected).ln()
                } else {
                    0.0
                };
                (count * log - count + expected) / n
            };
            let outside = (1.0 - of_bin as f64 / n) * (1.0 - total as f64 / n);
            chance.add(margins, expected, outside / (2.0 * n), term);
            if count > 0 {
                let count = count as f64;
                let log = (count / of_bin as f64).ln() - (total as f64 / n).ln();
                sum += count / n * log;
                squares += count / n * log * log;
            }
        }
    }
    let entropy: f64 = totals
        .iter()
        .filter(|total| **total > 0)
        .map(|&total| total as f64 / n)
        .map(|share| -share * share.ln())
        .sum();
    let degrees = bins.saturating_sub(1) as f64 * (classes as f64 - 1.0);
    let (noise, noise_variance) = chance.total(degrees / (2.0 * n * n));
    let excess = Excess {
        plug_in: sum.clamp(0.0, entropy),
        noise,
        noise_variance,
        linear_variance: (squares - sum * sum).max(0.0) / n,
    };
    Ok(MutualInformation {
        plug_in: excess.plug_in,
        value: excess.value(),
        interval: excess.interval(),
        uncertainty_coefficient: excess.plug_in / entropy,
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
        check(events.plug_in, number("IV"), 1e-12);
        check(others.plug_in, number("IV"), 1e-12);
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
        // 10 of 100 against 40 of 100: √(1/10.5 + 1/40.5 − 2/100.5) each side of it.
        let first = events.intervals[0].unwrap();
        let half = Z_95 * (1.0 / 10.5 + 1.0 / 40.5 - 2.0 / 100.5f64).sqrt();
        check(first.high - first.low, 2.0 * half, 1e-12);
        check(first.high + first.low, 2.0 * row("WoE")[0], 1e-12);
        let other = others.intervals[0].unwrap();
        check(other.low, -first.high, 1e-12);
        // Chance puts about (B−1)(1/G + 1/R) there.
        check(events.plug_in - events.value, 3.0 * 0.02, 0.03);
        assert_eq!(events.band, Band::Suspicious);

        let found = mutual_information(&table(&[&[10, 20, 30], &[25, 15, 20]])).unwrap();
        check(found.plug_in, number("MI"), 1e-12);
        // Chance puts about (2−1)(3−1)/(2·120) there, a little more in so few rows.
        let noise = found.plug_in - found.value;
        assert!((1.0..1.03).contains(&(noise * 120.0)), "{noise}");
        let half = 1.96 * number("MI variance").sqrt();
        let interval = found.interval;
        check(interval.high - interval.low, 2.0 * half, 0.1);
        check(
            found.uncertainty_coefficient,
            number("uncertainty coefficient"),
            1e-12,
        );
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
            prop_assert!(found.plug_in >= 0.0 && found.interval.contains(found.value.max(0.0)), "{:?}", found);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found.uncertainty_coefficient));
            let classes = information_value(&table).unwrap();
            for class in classes.iter().flatten() {
                prop_assert!(class.plug_in >= 0.0 && class.interval.contains(class.value.max(0.0)), "{:?}", class);
                prop_assert!(class.weights.iter().flatten().all(|weight| weight.is_finite()));
            }
            // The order of bins does not matter.
            let mut turned = counts.clone();
            turned.rotate_left(turn % counts.len());
            let turned = ClassTable::new(&turned).unwrap();
            let again = mutual_information(&turned).unwrap();
            prop_assert!((again.plug_in - found.plug_in).abs() < 1e-12);
            for (a, b) in classes.iter().zip(information_value(&turned).unwrap()) {
                prop_assert!((a.as_ref().map_or(0.0, |c| c.value) - b.map_or(0.0, |c| c.value)).abs() < 1e-8);
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
        let nothing = Interval {
            low: 0.0,
            high: 0.0,
        };
        assert_eq!(
            (found.plug_in, found.value, found.interval),
            (0.0, 0.0, nothing)
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
        assert_eq!(class.as_ref().unwrap().plug_in, 0.0);
    }

    /// Shares of rows by bin and class: `bins` bins, classes with these shares, of which the first one leans to the last bins by
    /// `strength` and the last one to the first bins.
    fn shares(bins: usize, classes: &[f64], strength: f64) -> Vec<Vec<f64>> {
        let place = |at: usize, of: usize| 2.0 * at as f64 / (of as f64 - 1.0) - 1.0;
        (0..bins)
            .map(|bin| {
                let lean = |class: usize| -strength * place(class, classes.len());
                let of = |(class, share): (usize, &f64)| {
                    share * (1.0 + lean(class) * place(bin, bins)) / bins as f64
                };
                classes.iter().enumerate().map(of).collect()
            })
            .collect()
    }

    /// What of the samples holds for the value of all classes, and for mutual information.
    struct Held {
        covered: [f64; 2],
        mean: [f64; 2],
        truth: [f64; 2],
    }

    fn hold(random: &mut Rows, shares: &[Vec<f64>], rows: f64) -> Held {
        let samples = 1000;
        let mut draw = |n: f64| {
            let counts: Vec<Vec<u64>> = shares
                .iter()
                .map(|bin| bin.iter().map(|share| random.poisson(share * n)).collect())
                .collect();
            let table = ClassTable::new(&counts).unwrap();
            let classes = information_value(&table).unwrap();
            let all: Vec<Excess> = classes.iter().flatten().map(|class| class.excess).collect();
            (
                Excess::mean(&all).unwrap(),
                mutual_information(&table).unwrap(),
            )
        };
        let truth = match shares.iter().all(|bin| bin == &shares[0]) {
            true => [0.0, 0.0],
            false => {
                let (value, mutual) = draw(1e10);
                [value.plug_in, mutual.plug_in]
            }
        };
        let drawn: Vec<(Excess, MutualInformation)> = (0..samples).map(|_| draw(rows)).collect();
        let share = |held: &dyn Fn(&(Excess, MutualInformation)) -> bool| {
            drawn.iter().filter(|one| held(one)).count() as f64 / f64::from(samples)
        };
        let mean = |of: &dyn Fn(&(Excess, MutualInformation)) -> f64| {
            spread(&drawn.iter().map(of).collect::<Vec<_>>()).0
        };
        Held {
            covered: [
                share(&|one| one.0.interval().contains(truth[0])),
                share(&|one| one.1.interval.contains(truth[1])),
            ],
            mean: [mean(&|one| one.0.value()), mean(&|one| one.1.value)],
            truth,
        }
    }

    /// Of a class with 60 rows in the window 95 % of the time, in each bin; of one with twelve less often, since ½ draws in what a bin
    /// with few rows of it says.
    #[test]
    fn the_intervals_of_weights_cover_them() {
        let mut random = Rows::new(23);
        for (classes, rows, least) in [
            ([0.5, 0.5], 300.0, 0.94),
            ([0.1, 0.9], 5000.0, 0.935),
            ([0.2, 0.8], 300.0, 0.93),
            ([0.04, 0.96], 300.0, 0.88),
        ] {
            let shares = shares(5, &classes, 0.5);
            let truth = |bin: &Vec<f64>| ((bin[0] / classes[0]) / (bin[1] / classes[1])).ln();
            let truths: Vec<f64> = shares.iter().map(truth).collect();
            let mut covered = [0u32; 5];
            for _ in 0..2000 {
                let of_bin = |bin: &Vec<f64>, random: &mut Rows| {
                    bin.iter()
                        .map(|share| random.poisson(share * rows))
                        .collect()
                };
                let counts: Vec<Vec<u64>> =
                    shares.iter().map(|bin| of_bin(bin, &mut random)).collect();
                let found = information_value(&ClassTable::new(&counts).unwrap()).unwrap();
                let intervals = &found[0].as_ref().unwrap().intervals;
                for ((interval, truth), covered) in intervals.iter().zip(&truths).zip(&mut covered)
                {
                    *covered += u32::from(interval.is_some_and(|found| found.contains(*truth)));
                }
            }
            let covered = covered.map(|covered| f64::from(covered) / 2000.0);
            println!("{classes:?}, {rows} rows: {covered:?}");
            assert!(
                covered.iter().all(|covered| *covered >= least),
                "{covered:?}"
            );
        }
    }

    /// The intervals cover 0 where the bins tell nothing, however many they are and however few the rows.
    #[test]
    fn intervals_cover_where_there_is_nothing_to_tell() {
        let mut random = Rows::new(21);
        let cases: [&[f64]; 3] = [&[0.5, 0.5], &[0.1, 0.9], &[0.4, 0.3, 0.2, 0.1]];
        for classes in cases {
            for bins in [10, 50] {
                for rows in [300.0, 5000.0] {
                    let found = hold(&mut random, &shares(bins, classes, 0.0), rows);
                    let Held { covered, mean, .. } = found;
                    let case =
                        format!("{bins} bins, {rows} rows, {classes:?}: {covered:?} {mean:?}");
                    println!("{case}");
                    assert!(covered.iter().all(|covered| *covered >= 0.96), "{case}");
                    // What is left of chance is much less than there was.
                    let degrees = (bins - 1) as f64;
                    let each = classes.iter().map(|share| 1.0 / (share * (1.0 - share)));
                    let each = each.sum::<f64>() / classes.len() as f64;
                    let noise = [each * degrees, 0.5 * degrees * (classes.len() - 1) as f64];
                    for (mean, noise) in mean.iter().zip(noise) {
                        assert!(mean.abs() < 0.05 * noise / rows, "{case}");
                    }
                }
            }
        }
    }

    /// And what there is to tell; of a class that expects three rows in each bin somewhat less often, since ½ draws in what it says.
    #[test]
    fn intervals_cover_what_is_told() {
        let mut random = Rows::new(22);
        let cases: [&[f64]; 3] = [&[0.5, 0.5], &[0.1, 0.9], &[0.4, 0.3, 0.2, 0.1]];
        for classes in cases {
            for strength in [0.2, 0.5, 0.8] {
                for (bins, rows) in [(10, 300.0), (10, 5000.0), (50, 5000.0)] {
                    let found = hold(&mut random, &shares(bins, classes, strength), rows);
                    let Held {
                        covered,
                        mean,
                        truth,
                    } = found;
                    let case = format!(
                        "{bins} bins, {rows} rows, {classes:?}, {strength}: {covered:?} {mean:?} {truth:?}"
                    );
                    println!("{case}");
                    let sparse = classes[0] * rows / (bins as f64) < 5.0;
                    let least = if sparse { 0.895 } else { 0.92 };
                    assert!(covered.iter().all(|covered| *covered >= least), "{case}");
                }
            }
        }
    }
}
