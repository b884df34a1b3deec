//! How many values of a window have a name that its baseline has not seen, by the names of the baseline's own windows.
//!
//! The names that a baseline has seen are those of its own windows, so that by itself none of these has one that it has not seen:
//! where new names always come, as of cities or merchants, every later window would seem to have more of them than ever. Good, "The
//! population frequencies of species and the estimation of population parameters", Biometrika 40 (1953): the share of what was
//! not yet seen is as large as that of what was seen once. Where the rows of a name come together, as those of a session do, what
//! was seen in one window alone takes the place of what was seen once.
//!
//! Nor are the names with a bin of their own, the most frequent ones of the baseline, as frequent in a later window: those near the end
//! of the list are on it by luck. [`NamesByWindow::by_luck`] tells how many of their rows that makes.

use std::collections::{BTreeMap, HashMap};

use crate::bins::{Bins, CategoryBins};
use crate::categories::{LEAST_BINNED, SHOWN};
use crate::summary::{Counts, Summary};
use crate::tail;

/// The part of the rows by which the names are chosen, where the others tell how frequent these are.
const CHOOSING: f64 = 0.9;

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
    /// And which part of the rows whose name has a bin of its own has it by luck.
    pub fn alone(&self, bins: &Bins) -> Vec<Alone> {
        let mut alone = vec![Alone::default(); self.windows.len()];
        let Bins::Categorical(bins) = bins else {
            return alone;
        };
        let by_luck = self.by_luck(bins);
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
            by_luck,
        })
        .collect()
    }

    /// Which part of the rows whose name has a bin of its own has it by luck: 1 − S'/S, S the share of these rows among all, and S' that
    /// among other rows than those that chose the names. Where nine in ten rows, any of them, choose the names as all do, X of the c
    /// rows of a name are binomial among them, and of the others those of chosen names have the share ΣcP(X' ≥ t)/N, X' that of c − 1
    /// rows. t is the count from which on as many names are chosen as there are, and at least nine tenths of the least count of a bin. 0
    /// where all names have a bin.
    fn by_luck(&self, bins: &CategoryBins) -> f64 {
        let binned = |hash: u64| bins.bin(hash) < bins.names().len();
        let own = self.names.iter().filter(|(hash, _)| binned(**hash));
        let own: u64 = own.map(|(_, name)| name.rows).sum();
        if self.names.len() <= SHOWN || own == 0 {
            return 0.0;
        }
        // By how often they occur.
        let mut names: BTreeMap<u64, f64> = BTreeMap::new();
        for name in self.names.values() {
            *names.entry(name.rows).or_default() += 1.0;
        }
        let from = |least: u64, rows: u64| tail::binomial_sf(least, rows, CHOOSING);
        let chosen = |least: u64| names.iter().map(|(c, n)| n * from(least, *c)).sum::<f64>();
        let wanted = SHOWN as f64;
        let lowest = CHOOSING * LEAST_BINNED as f64;
        let (mut least, mut too_low) = (lowest.ceil() as u64, lowest.floor() as u64);
        let mut part = least as f64 - lowest;
        if chosen(least) * (1.0 - part) + chosen(too_low) * part > wanted {
            // So many are never too many.
            let mut high = names.keys().next_back().copied().unwrap_or(0) + 1;
            let mut low = too_low;
            while low + 1 < high {
                let middle = low.midpoint(high);
                match chosen(middle) > wanted {
                    true => low = middle,
                    false => high = middle,
                }
            }
            (least, too_low) = (high, low);
            let (few, many) = (chosen(least), chosen(too_low));
            part = (wanted - few) / (many - few);
        }
        let others = |(rows, names): (&u64, &f64)| {
            let known = rows - 1;
            let chosen = from(least, known) * (1.0 - part) + from(too_low, known) * part;
            names * *rows as f64 * chosen
        };
        let others: f64 = names.iter().map(others).sum();
        (1.0 - others / own as f64).clamp(0.0, 1.0)
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

/// Rows of a baseline's window that stand for names that were not seen, and for names that are not frequent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Alone {
    /// Of names that have a bin of their own.
    top: u64,
    /// Of all others.
    other: u64,
    /// Which part of the rows of names with a bin of their own has it by luck.
    by_luck: f64,
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
            by_luck: all.first().map_or(0.0, |alone| alone.by_luck),
        }
    }

    /// A baseline's window with these rows as what was not seen. Those of a name with a bin of its own stay in it: that bin is the
    /// baseline's whatever window it comes from, but for the rows that have it by luck: as many of them are other ones. Where `learnt`,
    /// what was not seen is not acceptable either.
    pub fn apart(self, mut window: Summary, learnt: bool) -> Summary {
        if let Some(Counts::Categorical {
            top,
            other,
            unseen,
            alone,
        }) = &mut window.counts
        {
            let moved = self.other.min(*other);
            *other -= moved;
            *unseen += moved;
            *alone += self.top;
            *other += taken(top, self.by_luck);
            if learnt {
                window.invalid += moved + self.top;
            }
        }
        window
    }
}

/// Takes this part of all counts away, of each its share, with what is rounded carried on to the next; how many that are.
fn taken(counts: &mut [u64], part: f64) -> u64 {
    let (mut seen, mut taken) = (0u64, 0u64);
    for count in counts {
        seen += *count;
        let until = (part * seen as f64).round() as u64;
        *count -= until - taken;
        taken = until;
    }
    taken
}
