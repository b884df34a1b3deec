//! What a baseline tells about later windows: AUC read on rows that orientation and scores were not learnt from.
//!
//! An orientation that makes AUC at least ½ on its own rows, or scores of categories on theirs, make a baseline look
//! better than any later window will be, and each later window a drop. So each fold (a window of the baseline, or a
//! part of one) is read by what the other folds teach, and the readings are pooled (cross-fitting: Chernozhukov and
//! others 2018). What later windows are read by is learnt from all folds.

use super::auc::{Auc, Orientation, categorical as read, larger};
use super::{CategoryScores, ClassTable, NotComputed};

/// Least number of folds: one cannot be read by the others.
pub const MIN_FOLDS: usize = 2;

/// Orientation of each class from all folds, and the AUC that later windows with it are compared with. A fold is
/// values and targets, one a row; `classes` is the number of classes. Folds without a row of two classes are left out.
///
/// # Errors
/// Fewer than [`MIN_FOLDS`] folds with rows of two classes, or a fold that [`super::auc::numeric`] refuses.
pub fn numeric(
    folds: &[(&[f64], &[u32])],
    classes: usize,
) -> Result<(Vec<Orientation>, Auc), NotComputed> {
    let folds = usable(
        folds
            .iter()
            .map(|(values, targets)| larger(values, targets, classes)),
    )?;
    // By how much larger values speak for each class: Σ weight·(AUC − ½).
    let lean = |auc: &Auc| -> Vec<f64> {
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
    let all = orientations(None);
    let read: Vec<Auc> = folds
        .into_iter()
        .enumerate()
        .map(|(fold, auc)| auc.oriented(&orientations(Some(fold))))
        .collect();
    let pooled = Auc::pooled(&read).ok_or(too_few(read.len()))?;
    Ok((all, pooled))
}

/// Scores of the categories from all folds, and the AUC that later windows with them are compared with. Folds without
/// a row of two classes teach, but are not read.
///
/// # Errors
/// Fewer than [`MIN_FOLDS`] folds with rows of two classes, folds of different shapes.
pub fn categorical(folds: &[ClassTable]) -> Result<(CategoryScores, Auc), NotComputed> {
    let others = |left_out: Option<usize>| -> Result<CategoryScores, NotComputed> {
        let mut rest = folds
            .iter()
            .enumerate()
            .filter(|(fold, _)| Some(*fold) != left_out)
            .map(|(_, table)| table);
        let mut sum = rest.next().ok_or(too_few(folds.len()))?.clone();
        rest.try_for_each(|table| sum.add(table))?;
        CategoryScores::learn(&sum)
    };
    let all = others(None)?;
    let read = usable(
        folds
            .iter()
            .enumerate()
            .map(|(fold, table)| read(table, &others(Some(fold))?)),
    )?;
    let pooled = Auc::pooled(&read).ok_or(too_few(read.len()))?;
    Ok((all, pooled))
}

/// The folds that have an AUC; an error of any other kind is passed on.
fn usable(folds: impl Iterator<Item = Result<Auc, NotComputed>>) -> Result<Vec<Auc>, NotComputed> {
    let folds: Vec<Auc> = folds
        .filter(|fold| !matches!(fold, Err(NotComputed::OneClass)))
        .collect::<Result<_, _>>()?;
    if folds.len() < MIN_FOLDS {
        return Err(too_few(folds.len()));
    }
    Ok(folds)
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
    use super::super::testing::{Rows, spread};
    use super::*;

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
            let folds: Vec<_> = values.chunks(60).zip(targets.chunks(60)).collect();
            let (found, auc) = numeric(&folds, classes).unwrap();
            assert_eq!(found.len(), classes);
            crossed.push(average(&auc));

            let codes: Vec<u32> = (0..480).map(|_| random.class(&[0.05; 20])).collect();
            let tables: Vec<_> = codes
                .chunks(60)
                .zip(targets.chunks(60))
                .map(|(codes, targets)| ClassTable::count(codes, 20, targets, classes).unwrap())
                .collect();
            let (scores, auc) = categorical(&tables).unwrap();
            crossed_scores.push(average(&auc));
            let whole = ClassTable::count(&codes, 20, &targets, classes).unwrap();
            own_scores.push(average(&auc::categorical(&whole, &scores).unwrap()));
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
        let folds: Vec<_> = values.chunks(1000).zip(targets.chunks(1000)).collect();
        let (orientations, pooled) = numeric(&folds, 3).unwrap();
        assert_eq!(
            orientations,
            auc::orientations(&values, &targets, 3).unwrap()
        );
        let whole = auc::numeric(&values, &targets, 3, &orientations).unwrap();
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
        let (two, one): (&[f64], &[u32]) = (&[1.0, 2.0], &[0, 0]);
        let too_few = |have| Err(NotComputed::TooFewFolds { have, need: 2 });
        assert_eq!(numeric(&[], 2), too_few(0));
        assert_eq!(numeric(&[(two, &[0, 1]), (two, one)], 2), too_few(1));
        assert_eq!(
            numeric(&[(two, &[0, 1]), (two, &[0, 9])], 2),
            Err(NotComputed::UnknownCode { code: 9, count: 2 })
        );
        let (orientations, auc) =
            numeric(&[(two, &[1, 0]), (two, &[1, 0]), (two, one)], 2).unwrap();
        assert_eq!(orientations, [Orientation::Larger, Orientation::Smaller]);
        assert_eq!(auc.class(0).unwrap().estimate.value, 1.0);
        let table = ClassTable::new(&[vec![1, 2], vec![3, 0]]).unwrap();
        assert!(categorical(&[]).is_err());
        assert!(categorical(std::slice::from_ref(&table)).is_err());
        let other = ClassTable::new(&[vec![1, 2]]).unwrap();
        assert!(categorical(&[table, other]).is_err());
    }
}
