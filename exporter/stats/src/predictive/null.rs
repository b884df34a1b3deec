//! By how much a measure falls from the baseline to a window when nothing changed.

use serde::{Deserialize, Serialize};

use super::{Auc, Estimate, NotComputed};
use crate::tail::{self, PearsonIii};

/// The largest correlation that has a place on Fisher's scale.
const NEARLY_ONE: f64 = 1.0 - 1e-12;
/// ε² is taken to be at least this where z of it is needed: with less there is no test.
const LEAST_SHARE: f64 = 0.01;

/// What a window, or all of the baseline, says of the straight line of a feature: of its correlation and of how that varies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The correlation.
    pub r: f64,
    /// Variance of z = atanh r, times rows.
    pub variance: f64,
    /// Third moment of z, times the square of rows.
    pub third: f64,
    /// Rows.
    pub rows: f64,
}

/// What a window, or all of the baseline, says of ε² of a feature's groups, and of how much it varies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Groups {
    /// ε² itself.
    pub share: f64,
    /// Variance of ε² times rows, without that of χ².
    pub variance: f64,
    /// Groups less one.
    pub degrees: f64,
    /// Windows.
    pub windows: f64,
    /// Their rows.
    pub rows: f64,
}

impl Line {
    /// r₀² − s·|s| with s = tanh(atanh |r₀| − d), d the quantile of Pearson's type III with the variance v/N + v/M and the third moment
    /// t/N² − t/M²: the fall of R², negative where the slope turned, from N rows to a window of M that is exceeded with probability `alpha`
    /// when nothing changed. Fisher's z is as steady near 0 as elsewhere; the standard error of R² itself is 0 there, and smaller the
    /// further a window has fallen. v and t are the means over the rows of both: where tails are heavy few rows make up v, and a window
    /// that has one of them is the one that falls.
    pub fn drop(&self, alpha: f64, now: &Line) -> f64 {
        let pooled = |of: fn(&Line) -> f64| pooled((self.rows, of(self)), (now.rows, of(now)));
        let (variance, third) = (pooled(|line| line.variance), pooled(|line| line.third));
        let r = self.r.abs().min(NEARLY_ONE);
        let upwards = third * self.r.signum();
        let moments = |rows: f64| (variance / rows, upwards / rows.powi(2));
        let least = (r.atanh() - quantile(alpha, moments(self.rows), moments(now.rows))).tanh();
        r * r - least * least.abs()
    }
}

impl Groups {
    /// The fall of ε² from N rows to a window of M that is exceeded with probability `alpha` when nothing changed: that of Pearson's type
    /// III with the second and third moments of the difference. ε² is about a χ² of k − 1 degrees over the rows, less its mean, and tanh²
    /// of a normal z: of M rows its variance is v/M + 2(k−1)(1 − ε²)²/M² and its third moment
    /// 6v·v_z(1 − ε²)(1 − 3ε²)/M² + 8(k−1)(1 − ε²)³/M³, with v_z = v/4ε²(1 − ε²)² the variance of z. The baseline has those of the mean
    /// of its windows. ε² and v are the means over the rows of both: a baseline that has more of ε² by chance has more of v too, and would
    /// allow just the window after it more.
    pub fn drop(&self, alpha: f64, now: &Groups) -> f64 {
        let pooled = |of: fn(&Groups) -> f64| pooled((self.rows, of(self)), (now.rows, of(now)));
        let variance = pooled(|groups| groups.variance);
        let share = pooled(|groups| groups.share).clamp(LEAST_SHARE, NEARLY_ONE);
        let left = 1.0 - share;
        let of_z = variance / (4.0 * share * left * left);
        let third = 6.0 * variance * of_z * left * (1.0 - 3.0 * share);
        let moments = |windows: f64, rows: f64| {
            let degrees = self.degrees * windows;
            (
                variance / rows + 2.0 * degrees * (left / rows).powi(2),
                third / rows.powi(2) + 8.0 * degrees * (left / rows).powi(3),
            )
        };
        quantile(
            alpha,
            moments(self.windows, self.rows),
            moments(now.windows, now.rows),
        )
    }
}

/// The mean of two values by their rows.
fn pooled(before: (f64, f64), now: (f64, f64)) -> f64 {
    (before.0 * before.1 + now.0 * now.1) / (before.0 + now.0)
}

/// What the first of two independent values is above the second with probability `alpha`, of the variance and third moment of each and
/// one mean.
fn quantile(alpha: f64, before: (f64, f64), now: (f64, f64)) -> f64 {
    let error = (before.0 + now.0).sqrt();
    match error > 0.0 {
        true => PearsonIii::new((before.1 - now.1) / error.powi(3)).isf(alpha) * error,
        false => 0.0,
    }
}

/// z₁₋α·√(SE₀² + SE₁²): the fall from the baseline's value to the window's that is exceeded with probability `alpha`
/// when nothing changed, both values being about normal around one truth, and from different rows.
fn drop(alpha: f64, baseline: Estimate, current: Estimate) -> f64 {
    tail::normal_isf(alpha) * baseline.standard_error.hypot(current.standard_error)
}

/// The fall of an AUC that is exceeded with probability `alpha` when nothing changed, by z₁₋α·√(SE₀² + SE₁²) of its logit.
///
/// The distribution of a small window's AUC leans towards ½, and its standard error grows as it falls. On the plain
/// scale the second outweighs: at an AUC of 0.9, 300 rows and α = 0.01 half of the promised alarms come. The logit
/// evens out both. Where an AUC is 0 or 1 it has no logit, and z₁₋α·√(SE₀² + SE₁²) holds.
///
/// # Errors
/// α not between 0 and 1; a value that is not finite or a standard error that is negative or not finite
/// ([`NotComputed::NotANumber`], 0 for the baseline, 1 for the window).
pub fn auc_drop(alpha: f64, baseline: Estimate, current: Estimate) -> Result<f64, NotComputed> {
    check(alpha, &[baseline, current])?;
    let spread = |auc: Estimate| auc.value * (1.0 - auc.value);
    let (before, now) = (spread(baseline), spread(current));
    if !(before > 0.0 && now > 0.0) {
        return Ok(drop(alpha, baseline, current));
    }
    let error = (baseline.standard_error / before).hypot(current.standard_error / now);
    let logit = (baseline.value / (1.0 - baseline.value)).ln();
    let least = logit - tail::normal_isf(alpha) * error;
    Ok(baseline.value - 1.0 / (1.0 + (-least).exp()))
}

/// A window's AUC against the baseline's, over the classes that both have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Degradation {
    /// Macro average of the baseline.
    pub baseline: Estimate,
    /// Macro average of the window.
    pub current: Estimate,
    /// By how much it fell; below 0 when it rose.
    pub drop: f64,
    /// Number of classes compared.
    pub classes: usize,
}

impl Degradation {
    /// The fall that is exceeded with probability `alpha` when nothing changed: see [`auc_drop`].
    ///
    /// # Errors
    /// α not between 0 and 1.
    pub fn null(&self, alpha: f64) -> Result<f64, NotComputed> {
        auc_drop(alpha, self.baseline, self.current)
    }
}

/// Compares the macro averages over the classes that have rows enough on both sides ([`MIN_CLASS_ROWS`]
/// (super::MIN_CLASS_ROWS)): one class more or less would move the average though no class changed. `baseline` is that of [`super::cross_fit`], `current` is read by its
/// orientations or scores.
///
/// # Errors
/// No such class in common; a value that is not finite or a standard error that is negative or not finite.
pub fn degradation(baseline: &Auc, current: &Auc) -> Result<Degradation, NotComputed> {
    let common = |class: usize| baseline.is_steady(class) && current.is_steady(class);
    let averages = (
        baseline.macro_average_over(common),
        current.macro_average_over(common),
    );
    let (Some(before), Some(now)) = averages else {
        return Err(NotComputed::NoCommonClass);
    };
    finite(&[before, now])?;
    Ok(Degradation {
        baseline: before,
        current: now,
        drop: before.value - now.value,
        classes: (0..baseline.classes().len())
            .filter(|class| common(*class))
            .count(),
    })
}

fn check(alpha: f64, estimates: &[Estimate]) -> Result<(), NotComputed> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(NotComputed::NotAProbability);
    }
    finite(estimates)
}

fn finite(estimates: &[Estimate]) -> Result<(), NotComputed> {
    let wrong = estimates.iter().position(|e| {
        !(e.value.is_finite() && e.standard_error.is_finite() && e.standard_error >= 0.0)
    });
    match wrong {
        Some(index) => Err(NotComputed::NotANumber { index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::correlation::correlation;
    use super::super::testing::Rows;
    use super::super::{CategoryScores, ClassTable, NotComputed, Orientation, auc, cross_fit};
    use super::*;
    use proptest::prelude::*;

    fn estimate(value: f64, standard_error: f64) -> Estimate {
        Estimate {
            value,
            standard_error,
        }
    }

    #[test]
    fn what_has_no_null_says_why() {
        for alpha in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
            let none = auc_drop(alpha, estimate(0.7, 0.1), estimate(0.7, 0.1));
            assert_eq!(none, Err(NotComputed::NotAProbability));
        }
        for wrong in [
            estimate(f64::NAN, 0.1),
            estimate(0.7, f64::INFINITY),
            estimate(0.7, -0.1),
        ] {
            let none = auc_drop(0.01, estimate(0.7, 0.1), wrong);
            assert_eq!(none, Err(NotComputed::NotANumber { index: 1 }));
        }
        // Without a logit it is that of two normal values.
        let found = auc_drop(0.025, estimate(1.0, 3.0), estimate(1.0, 4.0)).unwrap();
        crate::oracle::check(found, 5.0 * 1.959963984540054, 1e-9);
    }

    proptest! {
        #[test]
        fn laws(a in 0.0..=1.0f64, b in 0.0..=1.0f64, s in 0.0..0.3f64, t in 0.0..0.3f64, alpha in 1e-9..0.5f64) {
            let found = auc_drop(alpha, estimate(a, s), estimate(b, t)).unwrap();
            prop_assert!(found.is_finite() && found >= -1e-12);
            prop_assert!(auc_drop(alpha / 2.0, estimate(a, s), estimate(b, t)).unwrap() >= found - 1e-12);
            prop_assert!(auc_drop(alpha, estimate(a, s), estimate(b, t + 0.01)).unwrap() >= found - 1e-12);
        }

        #[test]
        fn laws_of_explained_shares(
            (r, other) in (-1.0..=1.0f64, -1.0..=1.0f64), (variance, of_now) in (0.0..4.0f64, 0.0..400.0f64), skewness in -20.0..20.0f64,
            degrees in 1u8..50, rows in 40.0..1e6f64, share in 0.02..1.0f64, alpha in 1e-9..0.2f64
        ) {
            let line = Line { r, variance, third: skewness * variance.powf(1.5), rows };
            let groups = Groups { share: r * r, variance, degrees: f64::from(degrees), windows: 8.0, rows };
            let line_now = Line { r: other, variance: of_now, third: skewness * of_now.powf(1.5), rows: share * rows };
            let groups_now = Groups { share: other * other, variance: of_now, windows: 1.0, rows: share * rows, ..groups };
            for (found, rarer) in [
                (line.drop(alpha, &line_now), line.drop(alpha / 2.0, &line_now)),
                (groups.drop(alpha, &groups_now), groups.drop(alpha / 2.0, &groups_now)),
            ] {
                prop_assert!(found.is_finite() && rarer >= found - 1e-9, "{} {}", found, rarer);
            }
            prop_assert!(line.drop(alpha, &line_now) >= -1e-9);
        }
    }

    #[test]
    fn falls_of_explained_shares_are_scipys() {
        let line = |of: &[f64]| Line {
            r: of[0],
            variance: of[1],
            third: of[2],
            rows: of[3],
        };
        for row in crate::oracle::rows("fall of R2") {
            let found = line(&row[..4]).drop(row[8], &line(&row[4..8]));
            crate::oracle::check(found, row[9], 1e-7);
        }
        for row in crate::oracle::rows("fall of epsilon2") {
            let groups = |of: &[f64]| Groups {
                share: of[0],
                variance: of[1],
                degrees: row[0],
                windows: of[2],
                rows: of[3],
            };
            let found = groups(&row[1..5]).drop(row[9], &groups(&row[5..9]));
            crate::oracle::check(found, row[10], 1e-7);
        }
    }

    /// A row far out that alone turned the line is no critical alarm at once: the null grows with what it makes vary.
    #[test]
    fn a_fall_that_one_row_makes_is_no_sure_one() {
        let mut random = Rows::new(9);
        let mut window = |rows: usize, out: usize| {
            let (x, y): (Vec<f64>, Vec<f64>) = (0..rows)
                .map(|row| {
                    let x = random.normal();
                    let y = 0.8 * x + 0.6 * random.normal();
                    (if row < out { 1e4 * random.normal() } else { x }, y)
                })
                .unzip();
            let found = correlation(&x, &y).unwrap();
            Line {
                r: found.r,
                variance: rows as f64 * found.z_error.powi(2),
                third: (rows as f64).powi(2) * found.z_error.powi(3) * found.z_skewness,
                rows: rows as f64,
            }
        };
        let baseline = window(2400, 0);
        let mut over = |out: usize| {
            let now = window(300, out);
            baseline.r.powi(2) - now.r * now.r.abs() > baseline.drop(0.001, &now)
        };
        assert!(!over(0) && !over(1) && over(30));
    }

    /// d′ of two normal classes with an AUC: √2·z.
    const D_75: f64 = 0.953_872_552_4;
    const D_70: f64 = 0.741_614_295_1;

    fn rows(random: &mut Rows, rows: usize, prevalence: f64, d: f64) -> Auc {
        let (values, targets) = random.sample(rows, &[1.0 - prevalence, prevalence], &[0.0, d]);
        let orientations = [Orientation::Smaller, Orientation::Larger];
        auc::numeric(&values, &targets, 2, &orientations).unwrap()
    }

    /// Rows counted in 64 bins: many windows of many rows in little time.
    struct Binned {
        shares: Vec<[f64; 2]>,
        scores: CategoryScores,
    }

    impl Binned {
        fn new(prevalence: f64, d: f64) -> Self {
            let weight = |x: f64| (-0.5 * x * x).exp();
            let at = |bin: u32| -4.0 + 9.0 * (f64::from(bin) + 0.5) / 64.0;
            let weights: Vec<[f64; 2]> = (0..64)
                .map(|bin| [weight(at(bin)), weight(at(bin) - d)])
                .collect();
            let total = |class: usize| weights.iter().map(|w| w[class]).sum::<f64>();
            let (a, b) = ((1.0 - prevalence) / total(0), prevalence / total(1));
            let shares: Vec<[f64; 2]> = weights.iter().map(|w| [w[0] * a, w[1] * b]).collect();
            let expected = shares.iter().map(|s| s.map(|s| (s * 1e15) as u64).to_vec());
            let expected = ClassTable::new(&expected.collect::<Vec<_>>()).unwrap();
            Binned {
                scores: CategoryScores::learn(&expected).unwrap(),
                shares,
            }
        }

        fn draw(&self, random: &mut Rows, rows: usize) -> Auc {
            let of_bin = |s: &[f64; 2]| s.map(|s| random.poisson(s * rows as f64)).to_vec();
            let counts: Vec<Vec<u64>> = self.shares.iter().map(of_bin).collect();
            auc::categorical(&ClassTable::new(&counts).unwrap(), &self.scores).unwrap()
        }
    }

    /// Two windows are read against each baseline of eight times their rows, and alarm falsely as often as α says.
    fn false_alarms(baselines: u32, rows: usize, mut draw: impl FnMut(usize) -> Auc) {
        let (mut at_5, mut at_1) = (0u32, 0u32);
        for _ in 0..baselines {
            let baseline = draw(8 * rows);
            for _ in 0..2 {
                let current = draw(rows);
                let found = degradation(&baseline, &current).unwrap();
                let over = |alpha| u32::from(found.drop > found.null(alpha).unwrap());
                at_5 += over(0.05);
                at_1 += over(0.01);
            }
        }
        for (count, alpha) in [(at_5, 0.05), (at_1, 0.01)] {
            let achieved = f64::from(count) / f64::from(2 * baselines) / alpha;
            println!("{rows} rows: {achieved} of {alpha}");
            assert!((0.75..=1.25).contains(&achieved), "{achieved} of {alpha}");
        }
    }

    #[test]
    fn false_alarms_of_300_rows_half_of_them_of_the_class() {
        let mut random = Rows::new(1);
        false_alarms(4000, 300, |n| rows(&mut random, n, 0.5, D_75));
    }

    #[test]
    fn false_alarms_of_600_rows_a_twentieth_of_them_of_the_class() {
        let mut random = Rows::new(2);
        false_alarms(4000, 600, |n| rows(&mut random, n, 0.05, D_75));
    }

    #[test]
    fn false_alarms_of_5000_rows() {
        for (seed, prevalence) in [(3, 0.5), (4, 0.05)] {
            let (mut random, binned) = (Rows::new(seed), Binned::new(prevalence, D_75));
            false_alarms(8000, 5000, |n| binned.draw(&mut random, n));
        }
    }

    /// At an AUC of 0.9 the plain scale falls short of α by a third and more, the logit holds it.
    #[test]
    fn false_alarms_at_an_auc_of_0_9() {
        let (mut random, binned) = (Rows::new(5), Binned::new(0.5, 1.812_387_604_9));
        false_alarms(8000, 300, |n| binned.draw(&mut random, n));
        let mut plain = 0;
        for _ in 0..8000 {
            let baseline = binned.draw(&mut random, 2400).macro_average().unwrap();
            let current = binned.draw(&mut random, 300).macro_average().unwrap();
            let null = drop(0.01, baseline, current);
            plain += u32::from(baseline.value - current.value > null);
        }
        assert!(plain < 60, "{plain} where 80 were promised");
    }

    /// A feature that tells nothing, read by five classes: orientations from the baseline's own rows would make a
    /// drop of nearly every window.
    #[test]
    fn a_feature_that_tells_nothing_alarms_no_more_than_promised() {
        let (mut random, mut over) = (Rows::new(6), [0u32; 2]);
        let baselines = 1200;
        for _ in 0..baselines {
            let (values, targets) = random.sample(1200, &[0.2; 5], &[0.0; 5]);
            let folds = values.chunks(150).zip(targets.chunks(150));
            let folds: Vec<Auc> = folds
                .map(|(values, targets)| auc::larger(values, targets, 5).unwrap())
                .collect();
            let found = cross_fit::numeric(&folds.iter().collect::<Vec<_>>()).unwrap();
            let (orientations, baseline) = (found.learnt, found.baseline);
            let own = auc::orientations(&values, &targets, 5).unwrap();
            let flattered = auc::numeric(&values, &targets, 5, &own).unwrap();
            for _ in 0..2 {
                let (values, targets) = random.sample(150, &[0.2; 5], &[0.0; 5]);
                let current = auc::numeric(&values, &targets, 5, &orientations).unwrap();
                for (baseline, over) in [&baseline, &flattered].into_iter().zip(&mut over) {
                    let found = degradation(baseline, &current).unwrap();
                    *over += u32::from(found.drop > found.null(0.05).unwrap());
                }
            }
        }
        let rate = over.map(|over| f64::from(over) / f64::from(2 * baselines));
        println!("{rate:?}");
        assert!((0.03..=0.0625).contains(&rate[0]), "{rate:?}");
        assert!(rate[1] > 0.08, "{rate:?}");
    }

    #[test]
    fn a_fall_from_0_75_to_0_70_is_found() {
        let (mut random, mut found) = (Rows::new(7), 0);
        for _ in 0..40 {
            let baseline = rows(&mut random, 40_000, 0.5, D_75);
            let current = rows(&mut random, 5000, 0.5, D_70);
            let degradation = degradation(&baseline, &current).unwrap();
            found += u32::from(degradation.drop > degradation.null(0.025).unwrap().max(0.02));
        }
        assert!(found >= 38, "{found} of 40");
    }

    #[test]
    fn a_flip_is_a_drop_and_a_class_that_is_gone_is_left_out() {
        let mut random = Rows::new(8);
        let (shares, means) = ([0.5, 0.4, 0.1], [0.0, 1.0, 3.0]);
        let (values, targets) = random.sample(4000, &shares, &means);
        let orientations = auc::orientations(&values, &targets, 3).unwrap();
        let read = |values: &[f64], targets: &[u32]| {
            auc::numeric(values, targets, 3, &orientations).unwrap()
        };
        let baseline = read(&values, &targets);
        let (values, targets) = random.sample(1000, &shares, &means);
        let flipped: Vec<f64> = values.iter().map(|value| -value).collect();
        let found = degradation(&baseline, &read(&flipped, &targets)).unwrap();
        assert!(found.drop > 0.3 && found.drop > found.null(1e-6).unwrap() && found.classes == 3);
        // Without the third class the average of the others is compared with the average of the others.
        let (values, targets) = random.sample(2000, &[0.5, 0.5], &means);
        let current = read(&values, &targets);
        let found = degradation(&baseline, &current).unwrap();
        assert_eq!(found.classes, 2);
        assert_eq!(
            Some(found.baseline),
            baseline.macro_average_over(|class| class < 2)
        );
        assert_eq!(Some(found.current), current.macro_average());
        let other = auc::numeric(&[1.0, 2.0], &[3, 4], 5, &[Orientation::Larger; 5]).unwrap();
        assert_eq!(
            degradation(&baseline, &other),
            Err(NotComputed::NoCommonClass)
        );
    }
}
