//! Area under the ROC curve of each class against the rest: the probability that a row of the class is ranked above
//! a row of another one, ties ½.
//!
//! AUC = U/(n₁n₀) from mid-ranks (Mann and Whitney 1947; Bamber 1975). Variances and covariances are those of
//! DeLong, DeLong and Clarke-Pearson (1988), with placements from ranks (Sun and Xu 2014). Classes against the rest
//! share all rows, so each row has an influence on each class's AUC: (V−A)/√(n₁(n₁−1)) inside of the class,
//! (V−A)/√(n₀(n₀−1)) outside, V its placement. The sum of their products over rows is the covariance; of one class
//! it is DeLong's variance to the digit.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::class_auc::ClassAuc;
use super::estimate::{Estimate, Interval};
use super::placements::one_class;
use super::table::{check_classes, check_lengths};
use super::{CategoryScores, ClassTable, NotComputed};
use crate::ranks::Ranks;

/// The variance that a single row on one side is taken to bring: the most that values within 0..1 can have
/// (Popoviciu 1935), since one row shows no spread.
const LARGEST_VARIANCE: f64 = 0.25;

/// Which values of a feature speak for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Orientation {
    /// The larger ones.
    Larger,
    /// The smaller ones.
    Smaller,
}

/// AUCs of all classes, with their covariances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Auc {
    classes: Vec<Option<ClassAuc>>,
    /// Lower triangle with the diagonal, row by row.
    covariances: Vec<f64>,
}

/// What was saved, before it is known to be whole.
#[derive(Deserialize)]
struct Saved {
    classes: Vec<Option<ClassAuc>>,
    covariances: Vec<f64>,
}

impl TryFrom<Saved> for Auc {
    type Error = NotComputed;

    /// Without its covariances an average would look surer than it is.
    fn try_from(saved: Saved) -> Result<Self, NotComputed> {
        check_classes(saved.classes.len())?;
        check_lengths(saved.covariances.len(), place(saved.classes.len(), 0))?;
        Ok(Auc {
            classes: saved.classes,
            covariances: saved.covariances,
        })
    }
}

/// AUC of a numeric feature, one row a value and target: larger values have larger ranks, infinities are the ends.
/// `classes` is the number of classes; `orientations` has one entry for each.
///
/// # Errors
/// Different lengths, NaN, a target beyond `classes`, fewer than two classes with rows.
pub fn numeric(
    values: &[f64],
    targets: &[u32],
    classes: usize,
    orientations: &[Orientation],
) -> Result<Auc, NotComputed> {
    check_lengths(orientations.len(), classes)?;
    Ok(larger(values, targets, classes)?.oriented(orientations))
}

/// AUC of a categorical feature whose categories are ranked by scores that were learnt from **other** rows: read on
/// the rows that the scores were learnt from it is too high, the more so the more categories there are
/// ([`super::cross_fit`] avoids that).
///
/// # Errors
/// Scores of another number of categories or classes, fewer than two classes with rows.
pub fn categorical(table: &ClassTable, scores: &CategoryScores) -> Result<Auc, NotComputed> {
    check_lengths(table.bins(), scores.categories())?;
    check_lengths(table.classes(), scores.classes())?;
    Auc::read(&Cells::categories(table), |class| {
        Cow::Owned(scores.levels(class))
    })
}

/// The orientation of each class by which its AUC is at least ½; `Larger` for a class that has no AUC.
///
/// The AUC of the same rows, so oriented, is at least ½ also where the feature says nothing; what later windows are
/// compared with comes from [`super::cross_fit`].
///
/// # Errors
/// As [`numeric`].
pub fn orientations(
    values: &[f64],
    targets: &[u32],
    classes: usize,
) -> Result<Vec<Orientation>, NotComputed> {
    let auc = larger(values, targets, classes)?;
    let of = |class: &Option<ClassAuc>| match class {
        Some(auc) if auc.estimate.value < 0.5 => Orientation::Smaller,
        _ => Orientation::Larger,
    };
    Ok(auc.classes.iter().map(of).collect())
}

/// AUC of a numeric feature with larger values speaking for every class.
///
/// # Errors
/// As [`numeric`].
pub fn larger(values: &[f64], targets: &[u32], classes: usize) -> Result<Auc, NotComputed> {
    Auc::of_ranks(&Cells::numeric(values, targets, classes)?)
}

/// The same by ranks, with [`ABSENT`](crate::association::ABSENT) for a target that is not known.
///
/// # Errors
/// Different lengths, a target beyond `classes`, fewer than two classes with rows.
pub(crate) fn ranked(ranks: &Ranks, targets: &[u32], classes: usize) -> Result<Auc, NotComputed> {
    Auc::of_ranks(&Cells::ranked(ranks, targets, classes)?)
}

impl Auc {
    fn of_ranks(cells: &Cells) -> Result<Auc, NotComputed> {
        let levels: Vec<usize> = (0..cells.groups).collect();
        Auc::read(cells, |_| Cow::Borrowed(&levels))
    }

    /// `levels` says for a class at which level each group of rows is ranked, below the number of groups.
    fn read<'a>(
        cells: &Cells,
        levels: impl Fn(usize) -> Cow<'a, [usize]>,
    ) -> Result<Auc, NotComputed> {
        let rows: u64 = cells.totals.iter().sum();
        if cells.totals.iter().filter(|total| **total > 0).count() < 2 {
            return Err(NotComputed::OneClass);
        }
        let (classes, influences): (Vec<_>, Vec<_>) = cells
            .totals
            .iter()
            .enumerate()
            .map(|(class, &inside)| {
                let outside = rows - inside;
                if inside == 0 || outside == 0 {
                    return (None, Vec::new());
                }
                let (value, influence) = one_class(cells, class, inside, outside, &levels(class));
                let estimate = Estimate {
                    value,
                    standard_error: 0.0,
                };
                let auc = ClassAuc {
                    estimate,
                    inside,
                    outside,
                };
                (Some(auc), influence)
            })
            .unzip();
        let product = |(a, b): (&f64, &f64)| a * b;
        let covariances = influences.iter().enumerate().flat_map(|(last, a)| {
            let before = influences.iter().take(last + 1);
            before.map(move |b| a.iter().zip(b).map(product).sum())
        });
        let mut auc = Auc {
            covariances: covariances.collect(),
            classes,
        };
        auc.add_single_rows();
        auc.set_standard_errors();
        Ok(auc)
    }

    /// A side of one row adds the largest variance to its class's.
    fn add_single_rows(&mut self) {
        for (class, auc) in self.classes.iter().enumerate() {
            let Some(auc) = auc else { continue };
            let single = u8::from(auc.inside == 1) + u8::from(auc.outside == 1);
            if let Some(variance) = self.covariances.get_mut(place(class, class)) {
                *variance += f64::from(single) * LARGEST_VARIANCE;
            }
        }
    }

    fn set_standard_errors(&mut self) {
        for class in 0..self.classes.len() {
            let variance = self.covariance(class, class);
            if let Some(Some(auc)) = self.classes.get_mut(class) {
                auc.estimate.standard_error = variance.max(0.0).sqrt();
            }
        }
    }

    /// Independent samples put together: of each class the mean weighted by n₁n₀/(n₁+n₀), which is how the variance
    /// of an AUC falls with its rows. `None` without a sample or with samples of different targets.
    pub(super) fn pooled(samples: &[Auc]) -> Option<Auc> {
        let count = samples.first()?.classes.len();
        if samples.iter().any(|sample| sample.classes.len() != count) {
            return None;
        }
        let total = |class| -> f64 { samples.iter().map(|auc| auc.weight(class)).sum() };
        let totals: Vec<f64> = (0..count).map(total).collect();
        let of = |class: usize, total: f64| {
            let known = || samples.iter().filter_map(move |auc| auc.class(class));
            (total > 0.0).then(|| ClassAuc {
                estimate: Estimate {
                    value: known()
                        .map(|auc| auc.weight() / total * auc.estimate.value)
                        .sum(),
                    standard_error: 0.0,
                },
                inside: known().map(|auc| auc.inside).sum(),
                outside: known().map(|auc| auc.outside).sum(),
            })
        };
        let classes: Vec<_> = (0..count).zip(&totals).map(|(k, t)| of(k, *t)).collect();
        let mut covariances = Vec::with_capacity(count * (count + 1) / 2);
        for (a, of_a) in totals.iter().enumerate() {
            for (b, of_b) in totals.iter().enumerate().take(a + 1) {
                let part = |auc: &Auc| auc.weight(a) * auc.weight(b) * auc.covariance(a, b);
                let sum: f64 = samples.iter().map(part).sum();
                covariances.push(if sum == 0.0 { 0.0 } else { sum / (of_a * of_b) });
            }
        }
        let mut pooled = Auc {
            classes,
            covariances,
        };
        pooled.set_standard_errors();
        Some(pooled)
    }

    /// The same rows, ranked the other way for the classes for which smaller values speak.
    pub fn oriented(mut self, orientations: &[Orientation]) -> Auc {
        let turned = |class: usize| orientations.get(class) == Some(&Orientation::Smaller);
        for (class, auc) in self.classes.iter_mut().enumerate() {
            if let Some(auc) = auc.as_mut().filter(|_| turned(class)) {
                auc.estimate.value = 1.0 - auc.estimate.value;
            }
        }
        for a in 0..self.classes.len() {
            for b in 0..a {
                if turned(a) != turned(b)
                    && let Some(covariance) = self.covariances.get_mut(place(a, b))
                {
                    *covariance = -*covariance;
                }
            }
        }
        self
    }

    /// AUC of each class; `None` for a class without a row inside or outside of it.
    pub fn classes(&self) -> &[Option<ClassAuc>] {
        &self.classes
    }

    /// AUC of one class.
    pub fn class(&self, class: usize) -> Option<&ClassAuc> {
        self.classes.get(class)?.as_ref()
    }

    /// Covariance of the AUCs of two classes.
    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        let at = place(a.max(b), a.min(b));
        self.covariances.get(at).copied().unwrap_or(0.0)
    }

    fn weight(&self, class: usize) -> f64 {
        self.class(class).map_or(0.0, ClassAuc::weight)
    }

    /// Mean over the classes that have an AUC, each alike (scikit-learn's `average="macro"`). Its standard error
    /// has the covariances of the classes in it.
    pub fn macro_average(&self) -> Option<Estimate> {
        self.macro_average_over(|_| true)
    }

    /// Mean over those of the classes that have an AUC. A class that is missing in one of two windows must be left
    /// out in both before their averages are compared.
    pub fn macro_average_over(&self, wanted: impl Fn(usize) -> bool) -> Option<Estimate> {
        let used: Vec<(usize, f64)> = self
            .classes
            .iter()
            .enumerate()
            .filter(|(class, _)| wanted(*class))
            .filter_map(|(class, auc)| Some((class, auc.as_ref()?.estimate.value)))
            .collect();
        let count = used.len() as f64;
        let pairs = used
            .iter()
            .flat_map(|(a, _)| used.iter().map(move |(b, _)| (*a, *b)));
        let variance: f64 = pairs.map(|(a, b)| self.covariance(a, b)).sum();
        (!used.is_empty()).then(|| Estimate {
            value: used.iter().map(|(_, value)| value).sum::<f64>() / count,
            standard_error: variance.max(0.0).sqrt() / count,
        })
    }

    /// Whether a class has rows enough to be judged by.
    pub fn is_steady(&self, class: usize) -> bool {
        self.class(class).is_some_and(ClassAuc::is_steady)
    }

    /// 95 % interval of the macro average, on the logit scale. Where the average has no standard error, since every
    /// class is separated without an overlap, its ends are the means of the classes' ends.
    pub fn macro_interval(&self) -> Option<Interval> {
        self.macro_interval_over(|_| true)
    }

    /// The same of the mean over those of the classes that have an AUC.
    pub fn macro_interval_over(&self, wanted: impl Fn(usize) -> bool) -> Option<Interval> {
        if let Some(interval) = self.macro_average_over(&wanted)?.logit_interval() {
            return Some(interval);
        }
        let ends = || {
            let classes = self.classes.iter().enumerate();
            let wanted = classes.filter(|(class, _)| wanted(*class));
            wanted.filter_map(|(_, auc)| auc.as_ref().map(ClassAuc::interval))
        };
        let count = ends().count() as f64;
        Some(Interval {
            low: ends().map(|end| end.low).sum::<f64>() / count,
            high: ends().map(|end| end.high).sum::<f64>() / count,
        })
    }
}

/// Place of row `a` and column `b` ≤ `a` in the lower triangle.
fn place(a: usize, b: usize) -> usize {
    a * (a + 1) / 2 + b
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rows, spread};
    use super::*;
    use crate::oracle::{check, number, row, rows, u};
    use Orientation::{Larger, Smaller};
    use proptest::prelude::*;

    /// The rows of the reference values: 20 tied values, three classes.
    fn three_classes() -> (Vec<f64>, Vec<u32>) {
        let ties = u(300, 3).iter().map(|u| (u * 20.0).floor()).collect();
        let mixed = u(300, 3).into_iter().zip(u(300, 7));
        let class = mixed.map(|(a, b)| (3.0 * ((0.7 * a + 0.5 * b) % 1.0)).floor() as u32);
        (ties, class.collect())
    }

    #[test]
    fn the_values_are_scipys_and_scikit_learns() {
        let x = u(60, 0);
        let both = u(60, 5).into_iter().zip(&x);
        let label: Vec<u32> = both.map(|(a, b)| u32::from(a + b > 1.0)).collect();
        let auc = numeric(&x, &label, 2, &[Smaller, Larger]).unwrap();
        for class in auc.classes() {
            check(class.unwrap().estimate.value, number("AUC"), 1e-14);
        }
        // Two classes say the same twice, which makes the average no surer.
        let (one, both) = (auc.class(1).unwrap().estimate, auc.macro_average().unwrap());
        check(both.standard_error, one.standard_error, 1e-12);

        let (values, targets) = three_classes();
        let auc = numeric(&values, &targets, 3, &[Larger; 3]).unwrap();
        let expected = row("AUC by class");
        for (class, covariances) in rows("AUC covariances").iter().enumerate() {
            let found = auc.class(class).unwrap().estimate;
            check(found.value, expected[class], 1e-13);
            check(found.standard_error, covariances[class].sqrt(), 1e-11);
            for (other, expected) in covariances.iter().enumerate() {
                check(auc.covariance(class, other), *expected, 1e-11);
            }
        }
        let average = auc.macro_average().unwrap();
        check(average.standard_error, number("AUC macro SE"), 1e-11);
        check(average.value, expected.iter().sum::<f64>() / 3.0, 1e-13);
    }

    #[test]
    fn scores_of_categories_are_read_on_other_rows() {
        let (values, targets) = three_classes();
        let codes: Vec<u32> = values.iter().map(|value| *value as u32).collect();
        let table = |at: std::ops::Range<usize>| {
            ClassTable::count(&codes[at.clone()], 20, &targets[at], 3).unwrap()
        };
        let scores = CategoryScores::learn(&table(0..150)).unwrap();
        let found = categorical(&table(150..300), &scores).unwrap();
        let average = found.macro_average().unwrap();
        check(average.value, number("AUC by scores, macro"), 1e-12);
        check(
            average.standard_error,
            number("AUC by scores, macro SE"),
            1e-11,
        );
        // Ranking the rows by their scores is the same.
        let later = scores.apply(&codes[150..], 1).unwrap();
        let by_rows = numeric(&later, &targets[150..], 3, &[Larger; 3]).unwrap();
        let (a, b) = (found.class(1).unwrap(), by_rows.class(1).unwrap());
        check(a.estimate.value, b.estimate.value, 1e-14);
        check(a.estimate.standard_error, b.estimate.standard_error, 1e-12);
        let other = ClassTable::new(&vec![vec![1, 1, 1]; 19]).unwrap();
        assert!(matches!(
            categorical(&other, &scores),
            Err(NotComputed::LengthsDiffer { .. })
        ));
    }

    proptest! {
        #[test]
        fn laws(pairs in prop::collection::vec((-6i8..6, 0u32..4), 2..120), turn in 0usize..120) {
            let (values, targets): (Vec<f64>, Vec<u32>) = pairs.iter().map(|(value, class)| (f64::from(*value), *class)).unzip();
            let orientations = orientations(&values, &targets, 4);
            prop_assume!(orientations.is_ok());
            let orientations = orientations.unwrap();
            let auc = numeric(&values, &targets, 4, &orientations).unwrap();
            for class in auc.classes().iter().flatten() {
                let Estimate { value, standard_error } = class.estimate;
                prop_assert!((0.5..=1.0).contains(&value));
                prop_assert!(standard_error >= 0.0 && standard_error.is_finite());
                let interval = class.interval();
                prop_assert!(interval.low >= 0.0 && interval.high <= 1.0 && interval.contains(value), "{:?} {:?}", class, interval);
            }
            let average = auc.macro_average().unwrap();
            prop_assert!(auc.macro_interval().unwrap().contains(average.value));
            // Ranks alone count, and no order of rows.
            let bent: Vec<f64> = values.iter().map(|value| value.exp()).collect();
            prop_assert_eq!(&numeric(&bent, &targets, 4, &orientations).unwrap(), &auc);
            let turned = |at: usize| -> (Vec<f64>, Vec<u32>) { (0..values.len()).map(|row| (values[(row + at) % values.len()], targets[(row + at) % values.len()])).unzip() };
            let (v, t) = turned(turn);
            prop_assert_eq!(&numeric(&v, &t, 4, &orientations).unwrap(), &auc);
            // The other way round is the complement, as sure.
            let negative: Vec<f64> = values.iter().map(|value| -value).collect();
            let other = numeric(&negative, &targets, 4, &orientations).unwrap();
            for (a, b) in auc.classes().iter().flatten().zip(other.classes().iter().flatten()) {
                prop_assert!((a.estimate.value + b.estimate.value - 1.0).abs() < 1e-12);
                prop_assert!((a.estimate.standard_error - b.estimate.standard_error).abs() < 1e-12);
            }
            let macro_other = other.macro_average().unwrap();
            prop_assert!((macro_other.standard_error - average.standard_error).abs() < 1e-9);
            let saved = serde_json::to_string(&auc).unwrap();
            prop_assert_eq!(serde_json::from_str::<Auc>(&saved).unwrap(), auc);
        }

        /// One table cell a row is what is counted in bulk.
        #[test]
        fn a_table_is_its_rows(counts in prop::collection::vec(prop::collection::vec(0u64..6, 3), 1..8)) {
            let table = ClassTable::new(&counts).unwrap();
            let mut rows: Vec<(u32, u32)> = Vec::new();
            for (bin, bin_counts) in (0u32..).zip(&counts) {
                for (class, count) in (0u32..).zip(bin_counts) {
                    rows.extend(std::iter::repeat_n((bin, class), *count as usize));
                }
            }
            let (codes, targets): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
            if let Ok(scores) = CategoryScores::learn(&table) {
                let found = categorical(&table, &scores);
                for class in 0..3 {
                    let by_rows = numeric(&scores.apply(&codes, class).unwrap(), &targets, 3, &[Larger; 3]);
                    let pick = |auc: &Result<Auc, NotComputed>| auc.as_ref().ok().and_then(|auc| auc.class(class as usize).copied());
                    let (a, b) = (pick(&found), pick(&by_rows));
                    prop_assert_eq!(a.map(|auc| (auc.inside, auc.outside)), b.map(|auc| (auc.inside, auc.outside)));
                    if let (Some(a), Some(b)) = (a, b) {
                        prop_assert!((a.estimate.value - b.estimate.value).abs() < 1e-12);
                        prop_assert!((a.estimate.standard_error - b.estimate.standard_error).abs() < 1e-9);
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_saved_in_part_is_refused() {
        let whole = numeric(&[1.0, 2.0, 2.0], &[0, 1, 0], 2, &[Larger; 2]).unwrap();
        let saved = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Auc>(&saved).unwrap(), whole);
        let (head, _) = saved.split_once("\"covariances\":[").unwrap();
        let damaged = format!("{head}\"covariances\":[0.1]}}");
        let error = serde_json::from_str::<Auc>(&damaged).unwrap_err();
        assert!(
            error.to_string().starts_with("1 values stand against 3"),
            "{error}"
        );
    }

    #[test]
    fn what_has_no_auc_is_said() {
        use NotComputed::*;
        let of = |values: &[f64], targets: &[u32], classes| {
            numeric(values, targets, classes, &vec![Larger; classes])
        };
        assert_eq!(of(&[], &[], 2), Err(OneClass));
        assert_eq!(of(&[], &[], 0), Err(OneClass));
        assert_eq!(of(&[1.0, 2.0], &[1, 1], 2), Err(OneClass));
        assert_eq!(
            of(&[1.0], &[0, 1], 2),
            Err(LengthsDiffer { left: 1, right: 2 })
        );
        assert_eq!(
            of(&[1.0, f64::NAN], &[0, 1], 2),
            Err(NotANumber { index: 1 })
        );
        assert_eq!(
            of(&[1.0, 2.0], &[0, 2], 2),
            Err(UnknownCode { code: 2, count: 2 })
        );
        assert_eq!(
            of(&[1.0], &[0], 51),
            Err(TooManyClasses { have: 51, most: 50 })
        );
        assert_eq!(
            numeric(&[1.0, 2.0], &[0, 1], 2, &[Larger]),
            Err(LengthsDiffer { left: 1, right: 2 })
        );
    }

    #[test]
    fn the_ends() {
        // A constant tells nothing, and is sure of it.
        let auc = numeric(&[7.0; 40], &[[0; 20], [1; 20]].concat(), 2, &[Larger; 2]).unwrap();
        let class = auc.class(1).unwrap();
        assert_eq!(
            (class.estimate.value, class.estimate.standard_error),
            (0.5, 0.0)
        );
        // Separated by infinities; the interval still knows how few rows that were.
        let values = [[f64::NEG_INFINITY; 20], [f64::INFINITY; 20]].concat();
        let targets = [[0; 20], [1; 20]].concat();
        let auc = numeric(&values, &targets, 2, &[Smaller, Larger]).unwrap();
        let class = auc.class(1).unwrap();
        assert_eq!(
            (class.estimate.value, class.estimate.standard_error),
            (1.0, 0.0)
        );
        let interval = class.interval();
        assert!(
            interval.high == 1.0 && (0.8..0.95).contains(&interval.low),
            "{interval:?}"
        );
        assert_eq!(auc.macro_interval(), Some(interval));
        // A single row on one side shows no spread, so that the largest is taken.
        let auc = numeric(&[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 0], 3, &[Larger; 3]).unwrap();
        let class = auc.class(1).unwrap();
        check(class.estimate.value, 2.0 / 3.0, 1e-15);
        assert!(class.estimate.standard_error > 0.5);
        assert_eq!(auc.class(2), None);
        check(auc.macro_average().unwrap().value, 0.5, 1e-15);
        assert!(auc.macro_average_over(|class| class == 2).is_none());
    }

    /// Hanley and McNeil's (1982) form is of another model, and somewhat larger for normal classes of equal spread.
    #[test]
    fn delongs_standard_error_is_near_hanley_and_mcneils() {
        let (values, targets) = Rows::new(1).sample(4000, &[0.7, 0.3], &[0.0, 1.0]);
        let auc = numeric(&values, &targets, 2, &[Larger; 2]).unwrap();
        let class = auc.class(1).unwrap();
        let Estimate {
            value: a,
            standard_error,
        } = class.estimate;
        let (n1, n0) = (class.inside as f64, class.outside as f64);
        let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
        let variance =
            (a * (1.0 - a) + (n1 - 1.0) * (q1 - a * a) + (n0 - 1.0) * (q2 - a * a)) / (n1 * n0);
        check(standard_error, variance.sqrt(), 0.1);
    }

    /// The standard errors are what the values spread by, and the intervals cover: of a class and of the average
    /// over four classes, whose AUCs depend on each other.
    #[test]
    fn standard_errors_and_intervals_hold() {
        let mut random = Rows::new(2);
        let shares = [0.4, 0.3, 0.2, 0.1];
        let means = [0.0, 0.5, 1.0, 2.0];
        let orientations = [Smaller, Smaller, Larger, Larger];
        let mut read = |n: usize| {
            let (values, targets) = random.sample(n, &shares, &means);
            numeric(&values, &targets, 4, &orientations).unwrap()
        };
        let truth = read(200_000);
        let drawn: Vec<Auc> = (0..1500).map(|_| read(300)).collect();
        let hold = |of: &dyn Fn(&Auc) -> Option<(Estimate, Interval)>| {
            let truth = of(&truth).unwrap().0.value;
            let found: Vec<_> = drawn.iter().filter_map(of).collect();
            let (mean, deviation) = spread(&found.iter().map(|f| f.0.value).collect::<Vec<_>>());
            let errors = found.iter().map(|f| f.0.standard_error);
            let error = errors.sum::<f64>() / found.len() as f64;
            assert!((mean - truth).abs() < 0.005, "{mean} {truth}");
            assert!(
                (0.93..1.07).contains(&(error / deviation)),
                "{error} {deviation}"
            );
            let covered = found.iter().filter(|f| f.1.contains(truth)).count();
            let covered = covered as f64 / found.len() as f64;
            assert!((0.93..=0.97).contains(&covered), "{covered}");
        };
        for class in 0..4 {
            hold(&|auc| auc.class(class).map(|auc| (auc.estimate, auc.interval())));
        }
        hold(&|auc| Some((auc.macro_average()?, auc.macro_interval()?)));
    }
}
