//! How far apart two baselines of a feature are, each counted over bins of its own.
//!
//! Bins are frozen anew with every baseline, so what is compared is what both know exactly: of numbers the distribution
//! functions at the edges of either, of categories the counts of those that both name.

use crate::baseline::FrozenFeature;
use crate::bins::{Bins, CategoryBins, NumericBins};
use crate::distance::table::Table;
use crate::distance::{NotComputed, Statistic, psi};
use crate::summary::Counts;

/// How far two references are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReferenceDistance {
    /// KS of numbers, PSI of categories: what alarms by default.
    pub statistic: Statistic,
    /// Its value, at least.
    pub value: f64,
    /// KS on the values themselves lies in `value ..= value + error`; 0 of categories.
    pub error: f64,
}

impl ReferenceDistance {
    /// From one baseline to another of the same feature.
    ///
    /// # Errors
    /// When the kinds differ, when a reference was not counted, and when one holds fewer values than the statistic needs.
    pub fn between(from: &FrozenFeature, to: &FrozenFeature) -> Result<Self, NotComputed> {
        let statistic = match (&*from.bins, &*to.bins) {
            (Bins::Numeric(_), Bins::Numeric(_)) => Statistic::Ks,
            (Bins::Categorical(_), Bins::Categorical(_)) => Statistic::Psi,
            _ => {
                return Err(NotComputed::KindChanged {
                    baseline: from.kind,
                    window: to.kind,
                });
            }
        };
        for feature in [from, to] {
            let (have, need) = (feature.reference.values(), statistic.minimum());
            if have < need {
                return Err(NotComputed::NoReference { have, need });
            }
        }
        let counts = (&from.reference.counts, &to.reference.counts);
        let (value, error) = match (&*from.bins, &*to.bins, counts) {
            (
                Bins::Numeric(a),
                Bins::Numeric(c),
                (
                    Some(Counts::Numeric { fine: of_a, .. }),
                    Some(Counts::Numeric { fine: of_c, .. }),
                ),
            ) => ks(&Steps::new(a, of_a), &Steps::new(c, of_c)),
            (
                Bins::Categorical(a),
                Bins::Categorical(c),
                (
                    Some(Counts::Categorical {
                        top: of_a,
                        other: other_a,
                        unseen: unseen_a,
                        ..
                    }),
                    Some(Counts::Categorical {
                        top: of_c,
                        other: other_c,
                        unseen: unseen_c,
                        ..
                    }),
                ),
            ) => {
                let a = Named::new(a, of_a, other_a + unseen_a);
                let c = Named::new(c, of_c, other_c + unseen_c);
                (psi::distance(&a.beside(&c)), 0.0)
            }
            _ => return Err(NotComputed::OtherBins),
        };
        Ok(Self {
            statistic,
            value,
            error,
        })
    }
}

/// A distribution function that is known at some points: the share of values below each edge.
struct Steps<'a> {
    edges: &'a [f64],
    below: Vec<f64>,
}

impl<'a> Steps<'a> {
    fn new(bins: &'a NumericBins, counts: &[u64]) -> Self {
        let total = counts.iter().sum::<u64>().max(1) as f64;
        let below = counts.iter().scan(0u64, |sum, count| {
            *sum += count;
            Some(*sum as f64 / total)
        });
        Self {
            edges: bins.edges(),
            below: below.collect(),
        }
    }

    /// The least and the most that the share of values below `at` can be.
    fn below(&self, at: f64) -> (f64, f64) {
        let share = |edge: Option<usize>| edge.and_then(|edge| self.below.get(edge)).copied();
        let until = self.edges.partition_point(|edge| *edge <= at);
        let before = self.edges.partition_point(|edge| *edge < at);
        let least = share(until.checked_sub(1)).unwrap_or(0.0);
        let most = match before < self.edges.len() {
            true => share(Some(before)).unwrap_or(1.0),
            false => 1.0,
        };
        (least, most)
    }
}

/// The largest difference of two distribution functions: at least, and by how much it may be larger.
fn ks(a: &Steps<'_>, c: &Steps<'_>) -> (f64, f64) {
    let mut edges = [a.edges, c.edges].concat();
    edges.sort_unstable_by(f64::total_cmp);
    edges.dedup();
    let known: Vec<_> = edges
        .iter()
        .map(|edge| (a.below(*edge), c.below(*edge)))
        .collect();
    let least = known
        .iter()
        .map(|((a_least, a_most), (c_least, c_most))| (a_least - c_most).max(c_least - a_most))
        .fold(0.0, f64::max);
    // Up to an edge either function is at least what it is at the edge before, and at most what it is there.
    let mut most = least;
    let mut before = (f64::NEG_INFINITY, ((0.0, 0.0), (0.0, 0.0)));
    let end = (f64::INFINITY, ((1.0, 1.0), (1.0, 1.0)));
    for after in edges.into_iter().zip(known).chain([end]) {
        // Where nothing lies between two edges but the first of them, both are known after it.
        let from = if after.0 <= before.0.next_up() {
            after
        } else {
            before
        };
        let ((a_least, _), (c_least, _)) = from.1;
        let ((_, a_most), (_, c_most)) = after.1;
        most = most.max(a_most - c_least).max(c_most - a_least);
        before = after;
    }
    (least, most - least)
}

/// Counts by category, and of those without a name of their own.
struct Named<'a> {
    counts: Vec<(&'a str, u64)>,
    rest: u64,
}

impl<'a> Named<'a> {
    fn new(bins: &'a CategoryBins, top: &[u64], rest: u64) -> Self {
        let names = bins.names().iter().map(String::as_str);
        Self {
            counts: names.zip(top.iter().copied()).collect(),
            rest,
        }
    }

    /// How often it has a category; nothing where that is not known.
    fn of(&self, name: &str) -> Option<u64> {
        let named = self.counts.iter().find(|(other, _)| *other == name);
        named
            .map(|(_, count)| *count)
            // Where every category has a name, another one does not occur.
            .or((self.rest == 0).then_some(0))
    }

    /// Both over the categories whose count both know, the others in one bin.
    fn beside(&self, other: &Named<'_>) -> Table {
        let mut names: Vec<&str> = self
            .counts
            .iter()
            .map(|(name, _)| *name)
            .chain(other.counts.iter().map(|(name, _)| *name))
            .collect();
        names.sort_unstable();
        names.dedup();
        let (mut from, mut to): (Vec<u64>, Vec<u64>) = names
            .into_iter()
            .filter_map(|name| Some((self.of(name)?, other.of(name)?)))
            .unzip();
        from.push(self.total() - from.iter().sum::<u64>());
        to.push(other.total() - to.iter().sum::<u64>());
        Table::new(&from, &to)
    }

    fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum::<u64>() + self.rest
    }
}
