//! Scores by which the categories of a feature are ranked for each class.

use serde::{Deserialize, Serialize};

use super::table::{check_classes, check_finite, check_lengths};
use super::{ClassTable, NotComputed};

/// For each class a score of each category: the smoothed share of the class among the category's rows.
///
/// score = (n_ck + p_k)/(n_c + 1), p_k the class's share of all rows: Jeffreys' one pseudo-row (½ + ½), dealt by the
/// class's share (Micci-Barreca 2001, with weight n/(n+1)). Dealt ½ and ½, a category that was never seen would have
/// the score ½, and so be ranked above all others for every rare class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")]
pub struct CategoryScores {
    /// Category by category, for each class.
    by_class: Vec<Vec<f64>>,
}

impl CategoryScores {
    /// Learns the scores from the baseline's counts.
    ///
    /// # Errors
    /// A table without a row.
    pub fn learn(table: &ClassTable) -> Result<Self, NotComputed> {
        let rows = table.rows();
        if rows == 0 {
            return Err(NotComputed::TooFewRows { have: 0, need: 1 });
        }
        let totals = table.class_totals();
        let of_class = |(class, total): (usize, &u64)| {
            let share = *total as f64 / rows as f64;
            let score = |bin: &[u64]| {
                let of_class = bin.get(class).copied().unwrap_or(0) as f64;
                (of_class + share) / (bin.iter().sum::<u64>() as f64 + 1.0)
            };
            table.by_bin().map(score).collect()
        };
        let by_class = totals.iter().enumerate().map(of_class).collect();
        Ok(CategoryScores { by_class })
    }

    /// Number of categories.
    pub fn categories(&self) -> usize {
        self.by_class.first().map_or(0, Vec::len)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.by_class.len()
    }

    /// The score of a category for a class, in 0..=1; `None` for a category or class that is not there.
    pub fn score(&self, category: u32, class: u32) -> Option<f64> {
        let scores = self.by_class.get(class as usize)?;
        scores.get(category as usize).copied()
    }

    /// The score for a class of each row's category.
    ///
    /// # Errors
    /// A code that no score was learnt for.
    pub fn apply(&self, codes: &[u32], class: u32) -> Result<Vec<f64>, NotComputed> {
        let count = self.categories();
        let score = |&code: &u32| {
            let unknown = NotComputed::UnknownCode { code, count };
            self.score(code, class).ok_or(unknown)
        };
        codes.iter().map(score).collect()
    }

    /// At which level each category is ranked for a class; equal scores share one.
    pub(super) fn levels(&self, class: usize) -> Vec<usize> {
        let scores = self.by_class.get(class).map_or(&[][..], Vec::as_slice);
        let mut order: Vec<(f64, usize)> = scores.iter().copied().zip(0..).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut levels = vec![0; scores.len()];
        for (level, tied) in order.chunk_by(|a, b| a.0 == b.0).enumerate() {
            for (_, category) in tied {
                if let Some(at) = levels.get_mut(*category) {
                    *at = level;
                }
            }
        }
        levels
    }
}

impl TryFrom<Vec<Vec<f64>>> for CategoryScores {
    type Error = NotComputed;

    fn try_from(by_class: Vec<Vec<f64>>) -> Result<Self, NotComputed> {
        check_classes(by_class.len())?;
        let categories = by_class.first().map_or(0, Vec::len);
        for scores in &by_class {
            check_lengths(scores.len(), categories)?;
            check_finite(scores)?;
        }
        Ok(CategoryScores { by_class })
    }
}

impl From<CategoryScores> for Vec<Vec<f64>> {
    fn from(scores: CategoryScores) -> Self {
        scores.by_class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_that_was_never_seen_has_the_share_of_the_class() {
        let table = ClassTable::new(&[vec![9, 1], vec![0, 0], vec![1, 9], vec![72, 8]]).unwrap();
        let scores = CategoryScores::learn(&table).unwrap();
        assert_eq!((scores.categories(), scores.classes()), (4, 2));
        assert_eq!(scores.score(0, 1), Some((1.0 + 0.18) / 11.0));
        assert_eq!(scores.score(1, 1), Some(0.18));
        assert_eq!(scores.levels(1), [1, 2, 3, 0]);
        assert_eq!(scores.levels(0), [2, 1, 0, 3]);
        assert_eq!((scores.score(4, 1), scores.score(0, 2)), (None, None));
        assert_eq!(
            scores.apply(&[1, 1], 1),
            Ok(vec![0.18; 2]),
            "one score a row"
        );
        assert_eq!(
            scores.apply(&[0, 4], 1),
            Err(NotComputed::UnknownCode { code: 4, count: 4 })
        );
        let saved = serde_json::to_string(&scores).unwrap();
        assert_eq!(
            serde_json::from_str::<CategoryScores>(&saved).unwrap(),
            scores
        );
        for damaged in ["[]", "[[0.1,0.2],[0.3]]"] {
            assert!(serde_json::from_str::<CategoryScores>(damaged).is_err());
        }
        let empty = ClassTable::new(&[vec![0, 0]]).unwrap();
        assert!(CategoryScores::learn(&empty).is_err());
    }

    #[test]
    fn equal_scores_share_a_level() {
        let table = ClassTable::new(&[vec![1, 3], vec![4, 4], vec![1, 3]]).unwrap();
        let scores = CategoryScores::learn(&table).unwrap();
        assert_eq!(scores.levels(1), [1, 0, 1]);
    }
}
