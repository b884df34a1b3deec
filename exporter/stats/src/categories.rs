//! The most frequent names of a stream of names, in bounded memory.
//!
//! Exact up to 4,096 different names. Beyond that it is the frequent-items summary of Misra and Gries (1982),
//! merged as in Agarwal et al., "Mergeable summaries" (2012): the smallest counts are subtracted from all, and
//! `error` bounds by how much any count may be too small.

use rustc_hash::FxHashMap;

/// Names kept after a cut.
const CAP: usize = 4096;
/// Names shown.
pub(crate) const SHOWN: usize = 50;
/// Fewest rows of a name with a bin of its own, where there are more names than are shown: what the χ² of a table asks of a cell
/// (Cochran 1954).
pub(crate) const LEAST_BINNED: u64 = 5;
/// Longest name kept for display, in bytes.
const NAME_BYTES: usize = 256;

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct TopNames {
    entries: FxHashMap<u64, (Box<str>, u64)>,
    error: u64,
}

impl TopNames {
    /// Counts `count` rows of a name with this hash.
    pub(crate) fn add(&mut self, hash: u64, name: &str, count: u64) {
        if let Some((_, known)) = self.entries.get_mut(&hash) {
            *known += count;
            return;
        }
        self.entries.insert(hash, (shown(name).into(), count));
        if self.entries.len() >= 2 * CAP {
            self.cut();
        }
    }

    /// Counts of both.
    pub(crate) fn merge(&mut self, other: TopNames) {
        self.error += other.error;
        for (hash, (name, count)) in other.entries {
            self.entries.entry(hash).or_insert((name, 0)).1 += count;
        }
        if self.entries.len() >= 2 * CAP {
            self.cut();
        }
    }

    /// Subtracts the count of the first name that does not fit from all.
    fn cut(&mut self) {
        let mut counts: Vec<u64> = self.entries.values().map(|(_, count)| *count).collect();
        let (_, first_out, _) = counts.select_nth_unstable_by(CAP, |a, b| b.cmp(a));
        let first_out = *first_out;
        self.error += first_out;
        self.entries.retain(|_, (_, count)| {
            *count = count.saturating_sub(first_out);
            *count > 0
        });
    }

    /// By how much any count may be too small; a name that is not here was counted at most so often.
    pub(crate) fn error(&self) -> u64 {
        self.error
    }

    /// The names that have a bin of their own, in the order of [`top`](Self::top): those, and where there are more names than that,
    /// of them what occurs at least five times. Which of many rare names occur most is chance, and says nothing of the next window.
    pub(crate) fn binned(&self) -> Vec<(&str, u64, u64)> {
        let mut top = self.top();
        if self.error > 0 || self.entries.len() > SHOWN {
            top.retain(|(_, _, count)| *count >= LEAST_BINNED);
        }
        top
    }

    /// The most frequent names with hash and count, by falling count, then by name.
    pub(crate) fn top(&self) -> Vec<(&str, u64, u64)> {
        let mut all: Vec<(&str, u64, u64)> = self
            .entries
            .iter()
            .map(|(hash, (name, count))| (&**name, *hash, *count))
            .collect();
        all.sort_unstable_by(|a, b| {
            b.2.cmp(&a.2)
                .then_with(|| a.0.cmp(b.0))
                .then_with(|| a.1.cmp(&b.1))
        });
        all.truncate(SHOWN);
        all
    }
}

/// The name, cut at a character's boundary.
fn shown(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;
    use proptest::prelude::*;

    fn count(names: &[String]) -> TopNames {
        let mut top = TopNames::default();
        names
            .iter()
            .for_each(|name| top.add(hash::name(name), name, 1));
        top
    }

    proptest! {
        #[test]
        fn merge_has_no_order(a in prop::collection::vec("[a-e]{1,2}", 0..200), b in prop::collection::vec("[a-e]{1,2}", 0..200)) {
            let (mut ab, mut ba) = (count(&a), count(&b));
            ab.merge(count(&b));
            ba.merge(count(&a));
            let both = count(&[a, b].concat());
            prop_assert_eq!(ab.top(), both.top());
            prop_assert_eq!(ba.top(), both.top());
            prop_assert_eq!(both.error(), 0);
        }
    }

    #[test]
    fn ties_are_ordered_by_name() {
        let top = count(&["b", "c", "a", "c"].map(str::to_owned));
        let names: Vec<(&str, u64)> = top
            .top()
            .into_iter()
            .map(|(name, _, count)| (name, count))
            .collect();
        assert_eq!(names, [("c", 2), ("a", 1), ("b", 1)]);
    }

    #[test]
    fn many_names_stay_within_the_error() {
        let mut top = TopNames::default();
        for row in 0..200_000u64 {
            // Every second row is one of ten names, the others are all different.
            let name = if row % 2 == 0 {
                format!("often-{}", row / 2 % 10)
            } else {
                format!("once-{row}")
            };
            top.add(hash::name(&name), &name, 1);
        }
        assert!(top.error() <= 200_000 / CAP as u64, "{}", top.error());
        assert!(top.entries.len() < 2 * CAP);
        for (name, _, count) in &top.top()[..10] {
            assert!(
                name.starts_with("often-") && *count <= 10_000 && count + top.error() >= 10_000,
                "{name} {count}"
            );
        }
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = "ä".repeat(200);
        assert_eq!(shown(&name).len(), 256);
        assert_eq!(shown(&("a".to_owned() + &name)).len(), 255);
    }
}
