//! Complete rows, where each worker owns a part of the columns: what they find of one batch meets in one bit a row, without a
//! lock, and the last of them counts.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use stats::{CompleteRows, Gaps};

/// The rows of one batch that miss a feature.
#[derive(Debug)]
pub struct SharedGaps {
    /// Row `64·w + i` at bit `i` of word `w`.
    words: Vec<AtomicU64>,
    rows: usize,
    /// Workers that have not said what they found.
    waiting: AtomicUsize,
}

impl SharedGaps {
    /// Of a batch with so many rows that so many workers read.
    pub fn new(rows: usize, workers: usize) -> Self {
        Self {
            words: (0..rows.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            rows,
            waiting: AtomicUsize::new(workers),
        }
    }

    /// What a worker begins with.
    pub fn own(&self) -> Gaps {
        Gaps::new(self.rows)
    }

    /// Takes in what one worker found in its columns, each once. The filled cells are its own; rows and complete rows are those
    /// of the batch for the one that is last, and none for the others, so that the sum over workers is that of the batch. Columns
    /// are left at 0.
    pub fn settle(&self, own: &Gaps) -> CompleteRows {
        for (word, found) in self.words.iter().zip(own.words()) {
            if *found != 0 {
                word.fetch_or(*found, Ordering::Relaxed);
            }
        }
        let mut found = CompleteRows {
            filled: own.filled(),
            ..CompleteRows::default()
        };
        // Each worker releases its bits by counting itself down, and the last one acquires those of all.
        if self.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            let words = self.words.iter().map(|word| word.load(Ordering::Relaxed));
            let missing: u64 = words.map(|word| u64::from(word.count_ones())).sum();
            found.rows = self.rows as u64;
            found.complete = found.rows - missing;
        }
        found
    }
}

/// Adds what one worker found of some rows to what others found of them, or of other rows.
pub fn add(sum: &mut CompleteRows, found: CompleteRows) {
    sum.rows += found.rows;
    sum.columns += found.columns;
    sum.complete += found.complete;
    sum.filled += found.filled;
}

#[cfg(test)]
mod tests {
    use stats::Validity;

    use super::*;

    /// Three columns of 100 rows with a worker each: the first misses every second row, the second every third, the third none.
    #[test]
    fn what_workers_find_apart_is_what_one_would_find() {
        let shared = SharedGaps::new(100, 3);
        let bits = |every: usize| -> Vec<u8> {
            let mut bits = vec![0u8; 13];
            let there = (0..100).filter(|row| row % every != 0);
            there.for_each(|row| bits[row / 8] |= 1 << (row % 8));
            bits
        };
        let (second, third) = (bits(2), bits(3));
        let columns = [
            Validity::bitmap(&second, 0, 100).unwrap(),
            Validity::bitmap(&third, 0, 100).unwrap(),
            Validity::all(100),
        ];
        let workers: Vec<CompleteRows> = std::thread::scope(|scope| {
            let running: Vec<_> = columns
                .iter()
                .map(|column| {
                    scope.spawn(|| {
                        let mut own = shared.own();
                        own.add(column);
                        shared.settle(&own)
                    })
                })
                .collect();
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let found = CompleteRows::pool(workers).unwrap();
        // 33 rows are divisible by neither 2 nor 3; 50 and 66 rows have a value, and all.
        assert_eq!((found.rows, found.complete, found.filled), (100, 33, 216));
    }
}
