//! Counts of bins (or categories) by classes of the target.

use serde::{Deserialize, Serialize};

use super::{MAX_CATEGORIES, MAX_CLASSES, NotComputed};

/// Up to here every count and every sum of counts is exact in floating point.
const MOST_ROWS: u64 = 1 << 53;

/// How many rows have which bin of a feature and which class of the target: `bins` × `classes` counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<u64>>", into = "Vec<Vec<u64>>")]
pub struct ClassTable {
    classes: usize,
    /// Bin by bin.
    counts: Vec<u64>,
}

impl ClassTable {
    /// From one row of counts a bin, one count a class in each.
    ///
    /// # Errors
    /// Rows of different lengths, no or too many classes, too many bins, more than 2⁵³ rows.
    pub fn new(bins: &[Vec<u64>]) -> Result<Self, NotComputed> {
        let classes = bins.first().map_or(0, Vec::len);
        check_classes(classes)?;
        if let Some(other) = bins.iter().find(|bin| bin.len() != classes) {
            return Err(NotComputed::LengthsDiffer {
                left: classes,
                right: other.len(),
            });
        }
        check_categories(bins.len())?;
        ClassTable {
            classes,
            counts: bins.concat(),
        }
        .checked()
    }

    /// Counts rows: `codes` are below `bins`, `targets` below `classes`, both one a row.
    ///
    /// # Errors
    /// Different lengths, a code beyond its count, no or too many classes, too many bins.
    pub fn count(
        codes: &[u32],
        bins: usize,
        targets: &[u32],
        classes: usize,
    ) -> Result<Self, NotComputed> {
        check_classes(classes)?;
        check_lengths(codes.len(), targets.len())?;
        check_codes(codes, bins)?;
        check_codes(targets, classes)?;
        check_categories(bins)?;
        let mut counts = vec![0u64; bins * classes];
        for (code, class) in codes.iter().zip(targets) {
            if let Some(count) = counts.get_mut(*code as usize * classes + *class as usize) {
                *count += 1;
            }
        }
        ClassTable { classes, counts }.checked()
    }

    /// Adds the rows of another table of the same shape.
    ///
    /// # Errors
    /// Another shape, more than 2⁵³ rows; nothing is added then.
    pub fn add(&mut self, other: &ClassTable) -> Result<(), NotComputed> {
        check_lengths(self.classes, other.classes)?;
        check_lengths(self.counts.len(), other.counts.len())?;
        // Both are at most 2^53, so that the sums do not overflow.
        let counts = self.counts.iter().zip(&other.counts).map(|(a, b)| a + b);
        *self = ClassTable {
            classes: self.classes,
            counts: counts.collect(),
        }
        .checked()?;
        Ok(())
    }

    fn checked(self) -> Result<Self, NotComputed> {
        self.counts
            .iter()
            .try_fold(0u64, |sum, count| sum.checked_add(*count))
            .filter(|rows| *rows <= MOST_ROWS)
            .ok_or(NotComputed::TooManyRows)?;
        Ok(self)
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.counts.len() / self.classes.max(1)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts of each bin, by class.
    pub fn by_bin(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks(self.classes.max(1))
    }

    /// The counts of each class over all bins.
    pub fn class_totals(&self) -> Vec<u64> {
        let mut totals = vec![0; self.classes];
        for bin in self.by_bin() {
            for (total, count) in totals.iter_mut().zip(bin) {
                *total += count;
            }
        }
        totals
    }
}

impl TryFrom<Vec<Vec<u64>>> for ClassTable {
    type Error = NotComputed;

    fn try_from(bins: Vec<Vec<u64>>) -> Result<Self, NotComputed> {
        ClassTable::new(&bins)
    }
}

impl From<ClassTable> for Vec<Vec<u64>> {
    fn from(table: ClassTable) -> Self {
        table.by_bin().map(<[u64]>::to_vec).collect()
    }
}

pub(super) fn check_classes(classes: usize) -> Result<(), NotComputed> {
    match classes {
        0 => Err(NotComputed::OneClass),
        have if have > MAX_CLASSES => Err(NotComputed::TooManyClasses {
            have,
            most: MAX_CLASSES,
        }),
        _ => Ok(()),
    }
}

fn check_categories(have: usize) -> Result<(), NotComputed> {
    let most = MAX_CATEGORIES;
    if have > most {
        return Err(NotComputed::TooManyCategories { have, most });
    }
    Ok(())
}

pub(super) fn check_lengths(left: usize, right: usize) -> Result<(), NotComputed> {
    if left == right {
        Ok(())
    } else {
        Err(NotComputed::LengthsDiffer { left, right })
    }
}

pub(super) fn check_codes(codes: &[u32], count: usize) -> Result<(), NotComputed> {
    match codes.iter().find(|code| **code as usize >= count) {
        Some(&code) => Err(NotComputed::UnknownCode { code, count }),
        None => Ok(()),
    }
}

/// Every value is finite.
pub(super) fn check_finite(values: &[f64]) -> Result<(), NotComputed> {
    match values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((index, value)) if value.is_nan() => Err(NotComputed::NotANumber { index }),
        Some((index, _)) => Err(NotComputed::Infinite { index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_table_is_said() {
        use NotComputed::*;
        let new = |bins: &[&[u64]]| {
            ClassTable::new(&bins.iter().map(|bin| bin.to_vec()).collect::<Vec<_>>())
        };
        assert_eq!(new(&[]), Err(OneClass));
        assert_eq!(
            new(&[&[1, 2], &[1]]),
            Err(LengthsDiffer { left: 2, right: 1 })
        );
        assert_eq!(new(&[&[u64::MAX, 1]]), Err(TooManyRows));
        assert_eq!(new(&[&[MOST_ROWS, 1]]), Err(TooManyRows));
        assert_eq!(new(&[&[0; 51]]), Err(TooManyClasses { have: 51, most: 50 }));
        let count = ClassTable::count;
        assert_eq!(
            count(&[0], 1, &[], 2),
            Err(LengthsDiffer { left: 1, right: 0 })
        );
        assert_eq!(
            count(&[0, 3], 3, &[0, 0], 2),
            Err(UnknownCode { code: 3, count: 3 })
        );
        assert_eq!(
            count(&[0, 2], 3, &[0, 2], 2),
            Err(UnknownCode { code: 2, count: 2 })
        );
        let most = MAX_CATEGORIES;
        assert_eq!(
            count(&[], usize::MAX, &[], 2),
            Err(TooManyCategories {
                have: usize::MAX,
                most
            })
        );
        let damaged = serde_json::from_str::<ClassTable>("[[1,2],[3]]");
        assert!(damaged.unwrap_err().to_string().contains("2 values"));
    }

    #[test]
    fn counted_and_added_and_saved() {
        let mut table = ClassTable::count(&[0, 1, 1, 2], 3, &[0, 1, 1, 0], 2).unwrap();
        assert_eq!(
            table,
            ClassTable::new(&[vec![1, 0], vec![0, 2], vec![1, 0]]).unwrap()
        );
        table.add(&table.clone()).unwrap();
        assert_eq!((table.rows(), table.class_totals()), (8, vec![4, 4]));
        let full = ClassTable::new(&[vec![MOST_ROWS, 0], vec![0, 0], vec![0, 0]]).unwrap();
        assert_eq!(table.add(&full), Err(NotComputed::TooManyRows));
        assert_eq!(table.rows(), 8);
        let saved = serde_json::to_string(&table).unwrap();
        assert_eq!(saved, "[[2,0],[0,4],[2,0]]");
        assert_eq!(serde_json::from_str::<ClassTable>(&saved).unwrap(), table);
    }
}
