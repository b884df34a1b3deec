//! Joining rare categories into one, alike in every window.
//!
//! A cell of a table that expects much less than one row makes χ² jump when it gets one: two categories with a share of
//! 0.1 % each meet by chance in one of two hundred windows of 5,000 rows, and V then moves by 0.2. Cells expect at least
//! one row when every category has a share of at least 1/√n (Cochran 1954).

use serde::{Deserialize, Serialize};

use super::values::ABSENT;

/// Which categories stay and which are joined, learnt once from the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collapse {
    to: Vec<u32>,
    categories: u32,
}

impl Collapse {
    /// From the baseline's count of each category: those with a share below `least` become one category, the last; while
    /// that one's own share is below `least`, the next rarest is joined to it.
    pub fn learn(counts: &[u64], least: f64) -> Self {
        let total = counts.iter().map(|count| *count as f64).sum::<f64>();
        let least = least * total;
        let mut order: Vec<usize> = (0..counts.len()).collect();
        let count = |at: &usize| counts.get(*at).copied().unwrap_or(0);
        order.sort_by_key(count);
        let (mut joined, mut rare) = (0.0, 0);
        for at in &order {
            let count = count(at) as f64;
            if count >= least && (joined == 0.0 || joined >= least) {
                break;
            }
            joined += count;
            rare += 1;
        }
        let mut to = vec![ABSENT; counts.len()];
        let mut kept: Vec<usize> = order.into_iter().skip(rare).collect();
        kept.sort_unstable();
        for (code, at) in (0u32..).zip(&kept) {
            if let Some(to) = to.get_mut(*at) {
                *to = code;
            }
        }
        Collapse {
            to,
            categories: kept.len() as u32,
        }
    }

    /// How many categories there are afterwards, the joined one among them.
    pub fn categories(&self) -> u32 {
        self.categories + 1
    }

    /// Which of the counted categories are not joined, in the order of their codes afterwards; the joined one comes last.
    pub fn kept(&self) -> impl Iterator<Item = usize> {
        let all = self.to.iter().enumerate();
        all.filter(|(_, to)| **to != ABSENT).map(|(at, _)| at)
    }

    /// The codes afterwards; a code that was not counted is rare, and [`ABSENT`] stays what it is.
    pub fn apply(&self, codes: &[u32]) -> Vec<u32> {
        let code = |code: &u32| {
            if *code == ABSENT {
                return ABSENT;
            }
            let to = self.to.get(*code as usize).copied();
            to.filter(|to| *to != ABSENT).unwrap_or(self.categories)
        };
        codes.iter().map(code).collect()
    }
}
