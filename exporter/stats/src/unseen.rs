//! How many values of a window have a name that its baseline has not seen, by the names of the baseline's own windows.
//!
//! The names that a baseline has seen are those of its own windows, so that by itself none of these has one that it has not seen:
//! where new names always come, as of cities or merchants, every later window would seem to have more of them than ever. Good, "The
//! population frequencies of species and the estimation of population parameters", Biometrika 40 (1953): the share of what was
//! not yet seen is as large as that of what was seen once. Where the rows of a name come together, as those of a session do, what
//! was seen in one window alone takes the place of what was seen once.

use std::collections::{BTreeMap, HashMap};

use crate::bins::{Bins, CategoryBins};
use crate::summary::{Counts, Summary};

/// How many rows of one window have each name, by its hash; at most 65,536 names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowNames(HashMap<u64, u64>);

impl WindowNames {
    /// Counts `count` rows of the name with this hash.
    pub(crate) fn add(&mut self, hash: u64, count: u64) {
        *self.0.entry(hash).or_default() += count;
    }

    /// Counts of both.
    pub(crate) fn merge(&mut self, other: WindowNames) {
        for (hash, count) in other.0 {
            self.add(hash, count);
        }
    }
}

/// The names of a feature in all windows of a baseline; at most 65,536, whatever the windows.
#[derive(Debug, Clone, Default)]
pub struct NamesByWindow {
    /// Rows of each window that have a name.
    windows: Vec<u64>,
    names: HashMap<u64, Name>,
}

/// Where a name is.
#[derive(Debug, Clone, Copy)]
struct Name {
    /// The window that alone has it.
    window: Option<usize>,
    rows: u64,
}

impl NamesByWindow {
    /// Takes in the next window; `None` where its names were not remembered.
    pub fn take(&mut self, names: Option<WindowNames>) {
        let window = self.windows.len();
        let names = names.unwrap_or_default().0;
        self.windows.push(names.values().sum());
        for (hash, rows) in names {
            let known = self.names.entry(hash).and_modify(|name| name.window = None);
            let of = Name {
                window: Some(window),
                rows: 0,
            };
            known.or_insert(of).rows += rows;
        }
    }

    /// What each of the windows would have had of names that were not seen, had it come after all of them, in their order: the rows
    /// whose name occurs once, and of the rows whose name occurs more often and in this window alone the part that is not by chance.
    pub fn alone(&self, bins: &Bins) -> Vec<Alone> {
        let mut alone = vec![Alone::default(); self.windows.len()];
        let Bins::Categorical(bins) = bins else {
            return alone;
        };
        let mut once = alone.clone();
        for (hash, name) in &self.names {
            let of = if name.rows == 1 {
                &mut once
            } else {
                &mut alone
            };
            if let Some(of) = name.window.and_then(|window| of.get_mut(window)) {
                of.add(bins, *hash, name.rows);
            }
        }
        let kept = self.together();
        let part = |rows: u64| (kept * rows as f64).round() as u64;
        let both = alone.iter().zip(once);
        both.map(|(alone, once)| Alone {
            top: once.top + part(alone.top),
            other: once.other + part(alone.other),
        })
        .collect()
    }

    /// Which part of the rows whose name occurs more than once, and in one window alone, do not by chance. Of names that occur c times
    /// in rows that are independent of each other the share q = Σ(N_w/N)ᶜ lies in one window by chance. Where the rows of a name come
    /// together the others do too: of f names of which k lie in one window these are (k − f·q)/(1 − q).
    fn together(&self) -> f64 {
        let total = self.windows.iter().sum::<u64>().max(1) as f64;
        let shares: Vec<f64> = self.windows.iter().map(|n| *n as f64 / total).collect();
        // By how often they occur: all names, and those in one window.
        let mut names: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for name in self.names.values().filter(|name| name.rows > 1) {
            let (all, alone) = names.entry(name.rows).or_default();
            *all += 1;
            *alone += u64::from(name.window.is_some());
        }
        let (mut rows, mut together) = (0.0, 0.0);
        for (times, (all, alone)) in names {
            let times = times as f64;
            let chance: f64 = shares.iter().map(|share| share.powf(times)).sum();
            rows += times * alone as f64;
            // In a single window all lie together.
            if chance < 1.0 {
                together += times * (alone as f64 - all as f64 * chance) / (1.0 - chance);
            }
        }
        if rows > 0.0 {
            (together / rows).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// Rows of a baseline's window that stand for names that were not seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alone {
    /// Of names that have a bin of their own.
    top: u64,
    /// Of all others.
    other: u64,
}

impl Alone {
    fn add(&mut self, bins: &CategoryBins, hash: u64, rows: u64) {
        match bins.bin(hash) < bins.names().len() {
            true => self.top += rows,
            false => self.other += rows,
        }
    }

    /// Those of several windows.
    pub fn sum(all: &[Alone]) -> Self {
        Alone {
            top: all.iter().map(|alone| alone.top).sum(),
            other: all.iter().map(|alone| alone.other).sum(),
        }
    }

    /// A baseline's window with these rows as what was not seen. Those of a name with a bin of its own stay in it: that bin is the
    /// baseline's whatever window it comes from. Where `learnt`, what was not seen is not acceptable either.
    pub fn apart(self, mut window: Summary, learnt: bool) -> Summary {
        if let Some(Counts::Categorical {
            other,
            unseen,
            alone,
            ..
        }) = &mut window.counts
        {
            let moved = self.other.min(*other);
            *other -= moved;
            *unseen += moved;
            *alone += self.top;
            if learnt {
                window.invalid += moved + self.top;
            }
        }
        window
    }
}
