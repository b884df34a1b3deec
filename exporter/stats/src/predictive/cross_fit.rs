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
