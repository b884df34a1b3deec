//! Rows gathered by what they have in common for a ranking: the feature's value and the target's class.

use super::table::{check_classes, check_codes, check_lengths};
use super::{ClassTable, NotComputed};
use crate::association::ABSENT;
use crate::ranks::Ranks;

/// Rows of one class whose feature has the same value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// Which value: the place among the sorted distinct ones, or the category.
    pub(super) group: usize,
    pub(super) class: usize,
    pub(super) count: u64,
}

/// All rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    pub(super) cells: Vec<Cell>,
    /// Number of distinct values or of categories.
    pub(super) groups: usize,
    /// Rows of each class.
    pub(super) totals: Vec<u64>,
}

impl Cells {
    /// Sorts numbers: −∞ first, −0 and 0 one value.
    pub(super) fn numeric(
        values: &[f64],
        targets: &[u32],
        classes: usize,
    ) -> Result<Self, NotComputed> {
        check_classes(classes)?;
        check_lengths(values.len(), targets.len())?;
        check_codes(targets, classes)?;
        if let Some(index) = values.iter().position(|value| value.is_nan()) {
            return Err(NotComputed::NotANumber { index });
        }
        Self::ranked(&Ranks::of(values), targets, classes)
    }

    /// Numbers by their ranks, without the rows that have no value or no target.
    pub(super) fn ranked(
        ranks: &Ranks,
        targets: &[u32],
        classes: usize,
    ) -> Result<Self, NotComputed> {
        check_classes(classes)?;
        check_lengths(ranks.rows.len(), targets.len())?;
        let groups = ranks.counts.len();
        let mut counts = vec![0u32; groups * classes];
        let known = ranks.rows.iter().zip(targets);
        for (rank, class) in known.filter(|(rank, class)| **rank != ABSENT && **class != ABSENT) {
            let (code, class) = (*class, *class as usize);
            if class >= classes {
                let count = classes;
                return Err(NotComputed::UnknownCode { code, count });
            }
            if let Some(count) = counts.get_mut(*rank as usize * classes + class) {
                *count += 1;
            }
        }
        let mut totals = vec![0; classes];
        let mut cells = Vec::with_capacity(ranks.rows.len());
        for (group, counts) in counts.chunks(classes.max(1)).enumerate() {
            for (class, (count, total)) in counts.iter().zip(&mut totals).enumerate() {
                let count = u64::from(*count);
                *total += count;
                if count > 0 {
                    cells.push(Cell {
                        group,
                        class,
                        count,
                    });
                }
            }
        }
        Ok(Cells {
            cells,
            groups,
            totals,
        })
    }

    /// The cells of a table of categories that hold a row.
    pub(super) fn categories(table: &ClassTable) -> Self {
        let cells = table.by_bin().enumerate().flat_map(|(group, bin)| {
            let filled = bin.iter().enumerate().filter(|(_, count)| **count > 0);
            filled.map(move |(class, &count)| Cell {
                group,
                class,
                count,
            })
        });
        Cells {
            cells: cells.collect(),
            groups: table.bins(),
            totals: table.class_totals(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_group_and_infinities_are_ends() {
        let values = [0.0, f64::INFINITY, -0.0, f64::NEG_INFINITY, 0.0];
        let found = Cells::numeric(&values, &[0, 1, 0, 0, 1], 2).unwrap();
        let cells: Vec<_> = found
            .cells
            .iter()
            .map(|cell| (cell.group, cell.class, cell.count))
            .collect();
        assert_eq!(cells, [(0, 0, 1), (1, 0, 2), (1, 1, 1), (2, 1, 1)]);
        assert_eq!((found.groups, found.totals), (3, vec![3, 2]));
    }
}
