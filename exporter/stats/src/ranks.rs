//! Where each value of a numeric column stands among its distinct values. One sort serves everything that is made of ranks.

use crate::association::ABSENT;

/// The ranks of a column. −0 and 0 are one value, ±∞ are values, NaN is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranks {
    /// For each row the position of its value among the distinct ones, [`ABSENT`] where there is none.
    pub rows: Vec<u32>,
    /// How often each distinct value occurs.
    pub counts: Vec<u32>,
}

impl Ranks {
    /// Sorts the values.
    pub fn of(values: &[f64]) -> Self {
        let mut order: Vec<(u64, u32)> = values
            .iter()
            .zip(0u32..)
            .filter(|(value, _)| !value.is_nan())
            .map(|(value, row)| (ordered(*value), row))
            .collect();
        order.sort_unstable_by_key(|(value, _)| *value);
        let mut rows = vec![ABSENT; values.len()];
        let mut counts = Vec::new();
        for tied in order.chunk_by(|a, b| a.0 == b.0) {
            for (_, row) in tied {
                if let Some(rank) = rows.get_mut(*row as usize) {
                    *rank = counts.len() as u32;
                }
            }
            counts.push(tied.len() as u32);
        }
        Ranks { rows, counts }
    }
}

/// A whole number for each number, in the same order: of a negative one all bits are turned, of another one the sign.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    let turned = (bits as i64 >> 63) as u64 | 1 << 63;
    bits ^ turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_rank_and_infinities_are_ends() {
        let infinity = f64::INFINITY;
        let found = Ranks::of(&[0.0, infinity, f64::NAN, -0.0, -infinity, 0.5, 0.0]);
        assert_eq!(found.rows, [1, 3, ABSENT, 1, 0, 2, 1]);
        assert_eq!(found.counts, [1, 3, 1, 1]);
        assert_eq!(Ranks::of(&[]), Ranks::default());
    }
}
