//! What a baseline tells about later windows: AUC read on rows that orientation and scores were not learnt from.
//!
//! An orientation that makes AUC at least ½ on its own rows, or scores of categories on theirs, make a baseline look
//! better than any later window will be, and each later window a drop. So each fold (a window of the baseline, or a
//! part of one) is read by what the other folds teach, and the readings are pooled (cross-fitting: Chernozhukov and
//! others 2018). What later windows are read by is learnt from all folds.

use super::auc::{Auc, Orientation, categorical as read};
use super::{CategoryScores, ClassTable, NotComputed};

/// Least number of folds: one cannot be read by the others.
pub const MIN_FOLDS: usize = 2;

/// What folds teach, and what each says by what the others teach.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossFit<L> {
    /// What later windows are read by, from all folds.
    pub learnt: L,
    /// What later windows are compared with: all readings pooled.
    pub baseline: Auc,
    /// The reading of each fold, in their order; folds without a row of two classes have none.
    pub folds: Vec<Auc>,
}

/// Orientation of each class from all folds, each the AUC of its rows with larger values speaking for every class
/// ([`super::auc::larger`]).
///
/// # Errors
/// Fewer than [`MIN_FOLDS`] folds, folds of different numbers of classes.
pub fn numeric(folds: &[&Auc]) -> Result<CrossFit<Vec<Orientation>>, NotComputed> {
    if folds.len() < MIN_FOLDS {
        return Err(too_few(folds.len()));
    }
    let classes = folds.first().map_or(0, |fold| fold.classes().len());
    // By how much larger values speak for each class: Σ weight·(AUC − ½).
    let lean = |auc: &&Auc| -> Vec<f64> {
        let of = |class: usize| {
            auc.class(class).map_or(0.0, |auc| {
                let (inside, outside) = (auc.inside as f64, auc.outside as f64);
                inside * outside / (inside + outside) * (auc.estimate.value - 0.5)
            })
        };
        (0..classes).map(of).collect()
    };
    let leans: Vec<Vec<f64>> = folds.iter().map(lean).collect();
    let orientations = |left_out: Option<usize>| -> Vec<Orientation> {
        let used = || {
            leans
                .iter()
                .enumerate()
                .filter(move |(fold, _)| Some(*fold) != left_out)
        };
        let sum = |class: usize| -> f64 { used().filter_map(|(_, lean)| lean.get(class)).sum() };
        let of = |class| match sum(class) {
            sum if sum < 0.0 => Orientation::Smaller,
            _ => Orientation::Larger,
        };
        (0..classes).map(of).collect()
    };
    let read = folds
        .iter()
        .enumerate()
        .map(|(fold, auc)| (*auc).clone().oriented(&orientations(Some(fold))))
        .collect();
    CrossFit::new(orientations(None), read)
}

/// Scores of the categories from all folds. Folds without a row of two classes teach, but are not read.
///
/// # Errors
/// Fewer than [`MIN_FOLDS`] folds with rows of two classes, folds of different shapes.
pub fn categorical(folds: &[&ClassTable]) -> Result<CrossFit<CategoryScores>, NotComputed> {
    let others = |left_out: Option<usize>| -> Result<CategoryScores, NotComputed> {
        let mut rest = folds
            .iter()
            .enumerate()
            .filter(|(fold, _)| Some(*fold) != left_out)
            .map(|(_, table)| *table);
        let mut sum = rest.next().ok_or(too_few(folds.len()))?.clone();
        rest.try_for_each(|table| sum.add(table))?;
        CategoryScores::learn(&sum)
    };
    let read = folds
        .iter()
        .enumerate()
        .map(|(fold, table)| read(table, &others(Some(fold))?))
        .filter(|fold| !matches!(fold, Err(NotComputed::OneClass)))
        .collect::<Result<_, _>>()?;
    CrossFit::new(others(None)?, read)
}

impl<L> CrossFit<L> {
    fn new(learnt: L, folds: Vec<Auc>) -> Result<Self, NotComputed> {
        if folds.len() < MIN_FOLDS {
            return Err(too_few(folds.len()));
        }
        let classes = folds.first().map_or(0, |fold| fold.classes().len());
        let other = folds.iter().find(|fold| fold.classes().len() != classes);
        if let Some(other) = other {
            return Err(NotComputed::LengthsDiffer {
                left: classes,
                right: other.classes().len(),
            });
        }
        let baseline = Auc::pooled(&folds).ok_or(too_few(folds.len()))?;
        Ok(CrossFit {
            learnt,
            baseline,
            folds,
        })
    }

    /// Macro average of each fold less that of the others pooled, over the classes that have rows enough in both: by how much
    /// windows differ in which nothing changed.
    pub fn differences(&self) -> Vec<f64> {
        let one = |at: usize| {
            let mut others = self.folds.clone();
            let own = others.remove(at);
            let others = Auc::pooled(&others)?;
            let common = |class: usize| own.is_steady(class) && others.is_steady(class);
            let average = |auc: &Auc| Some(auc.macro_average_over(common)?.value);
            Some(average(&own)? - average(&others)?)
        };
        (0..self.folds.len()).filter_map(one).collect()
    }
}

fn too_few(have: usize) -> NotComputed {
    NotComputed::TooFewFolds {
        have,
        need: MIN_FOLDS,
    }
}

#[cfg(test)]
mod tests {
    use super::super::auc;
    use super::super::auc::larger;
    use super::super::testing::{Rows, spread};
    use super::*;

    fn parts(
        values: &[f64],
        targets: &[u32],
        rows: usize,
        classes: usize,
    ) -> CrossFit<Vec<Orientation>> {
        let folds = values.chunks(rows).zip(targets.chunks(rows));
        let folds: Vec<Auc> = folds
            .map(|(values, targets)| larger(values, targets, classes).unwrap())
            .collect();
        numeric(&folds.iter().collect::<Vec<_>>()).unwrap()
    }

    /// Where a feature tells nothing, its own rows say that it tells something; the other folds' do not.
    #[test]
    fn a_baseline_that_tells_nothing_is_not_flattered() {
        let mut random = Rows::new(1);
        let (mut own, mut crossed, mut own_scores, mut crossed_scores) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let classes = 5;
        let average = |auc: &Auc| auc.macro_average().unwrap().value;
        for _ in 0..300 {
            let (values, targets) = random.sample(480, &[0.2; 5], &[0.0; 5]);
            let orientations = auc::orientations(&values, &targets, classes).unwrap();
            let auc = auc::numeric(&values, &targets, classes, &orientations).unwrap();
            own.push(average(&auc));
            let found = parts(&values, &targets, 60, classes);
            assert_eq!((found.learnt.len(), found.folds.len()), (classes, 8));
            crossed.push(average(&found.baseline));

            let codes: Vec<u32> = (0..480).map(|_| random.class(&[0.05; 20])).collect();
            let tables: Vec<_> = codes
                .chunks(60)
                .zip(targets.chunks(60))
                .map(|(codes, targets)| ClassTable::count(codes, 20, targets, classes).unwrap())
                .collect();
            let found = categorical(&tables.iter().collect::<Vec<_>>()).unwrap();
            crossed_scores.push(average(&found.baseline));
            let whole = ClassTable::count(&codes, 20, &targets, classes).unwrap();
            own_scores.push(average(&read(&whole, &found.learnt).unwrap()));
        }
        let mean = |values: &[f64]| spread(values).0;
        assert!(mean(&own) > 0.515 && mean(&own_scores) > 0.58);
        assert!((mean(&crossed) - 0.5).abs() < 0.004, "{}", mean(&crossed));
        assert!(
            (mean(&crossed_scores) - 0.5).abs() < 0.004,
            "{}",
            mean(&crossed_scores)
        );
    }

    /// Where it tells something, the folds together are what the whole is.
    #[test]
    fn folds_of_a_feature_that_tells_something_are_the_whole() {
        let (values, targets) = Rows::new(2).sample(8000, &[0.6, 0.3, 0.1], &[1.0, 0.0, 2.0]);
        let found = parts(&values, &targets, 1000, 3);
        let (mean, _) = spread(&found.differences());
        assert!(found.differences().len() == 8 && mean.abs() < 0.005);
        let (orientations, pooled) = (&found.learnt, &found.baseline);
        assert_eq!(
            orientations,
            &auc::orientations(&values, &targets, 3).unwrap()
        );
        let whole = auc::numeric(&values, &targets, 3, orientations).unwrap();
        for class in 0..3 {
            let (a, b) = (pooled.class(class).unwrap(), whole.class(class).unwrap());
            assert_eq!((a.inside, a.outside), (b.inside, b.outside));
            assert!((a.estimate.value - b.estimate.value).abs() < 0.003);
            let ratio = a.estimate.standard_error / b.estimate.standard_error;
            assert!((0.97..1.05).contains(&ratio), "{ratio}");
        }
        let (a, b) = (
            pooled.macro_average().unwrap(),
            whole.macro_average().unwrap(),
        );
        assert!((0.97..1.05).contains(&(a.standard_error / b.standard_error)));
    }

    #[test]
    fn what_cannot_be_crossed_is_said() {
        type Found = Result<CrossFit<Vec<Orientation>>, NotComputed>;
        let too_few = |have| Found::Err(NotComputed::TooFewFolds { have, need: 2 });
        let two = larger(&[1.0, 2.0], &[1, 0], 2).unwrap();
        let three = larger(&[1.0, 2.0], &[1, 0], 3).unwrap();
        assert_eq!(numeric(&[]), too_few(0));
        assert_eq!(numeric(&[&two]), too_few(1));
        assert_eq!(
            numeric(&[&two, &three]),
            Err(NotComputed::LengthsDiffer { left: 2, right: 3 })
        );
        let found = numeric(&[&two, &two]).unwrap();
        assert_eq!(found.learnt, [Orientation::Larger, Orientation::Smaller]);
        assert_eq!(found.baseline.class(0).unwrap().estimate.value, 1.0);
        assert!(found.differences().is_empty(), "no class has rows enough");
        let table = ClassTable::new(&[vec![1, 2], vec![3, 0]]).unwrap();
        assert!(categorical(&[]).is_err());
        assert!(categorical(&[&table]).is_err());
        let other = ClassTable::new(&[vec![1, 2]]).unwrap();
        assert!(categorical(&[&table, &other]).is_err());
        let one_class = ClassTable::new(&[vec![1, 0], vec![3, 0]]).unwrap();
        assert_eq!(
            categorical(&[&table, &one_class]).unwrap_err(),
            too_few(1).unwrap_err()
        );
        assert_eq!(
            categorical(&[&table, &table, &one_class])
                .unwrap()
                .folds
                .len(),
            2
        );
    }
}
