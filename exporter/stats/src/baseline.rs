//! What windows are compared with: bins frozen once, and the reference windows counted over them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::association::Collapse;
use crate::bins::Bins;
use crate::column::Kind;
use crate::imputed::Imputed;
use crate::moments::Accumulator;
use crate::sample::interpolate;
use crate::sequential;
use crate::shift::FrozenShift;
use crate::summary::{Counts, Moments, PROBABILITIES, Quantiles, Summary, Tail};
use crate::unseen::Alone;

/// One feature of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenFeature {
    /// Column name.
    pub name: String,
    /// Numeric or categorical.
    pub kind: Kind,
    /// The column's type in the words of its source, for schema comparison; never interpreted here.
    pub data_type: String,
    /// The frozen bins.
    pub bins: Arc<Bins>,
    /// Which of its categories are joined where it is compared with other features; nothing of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse: Option<Collapse>,
    /// How its means move from window to window, frozen once the baseline is complete; `None` before, and of fewer windows than
    /// that can be told from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<Result<FrozenShift, sequential::Absent>>,
    /// Whether it moves by construction, where that was frozen: of a baseline that goes along with the windows, once it is complete.
    /// `None` where its windows tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<bool>,
    /// The reference windows, oldest first, each counted over `bins`.
    pub windows: Vec<Summary>,
    /// All windows pooled. `distinct` is the largest of the windows', and quantiles are read off the fine bins.
    pub reference: Summary,
}

impl FrozenFeature {
    /// A feature from its windows (oldest first), each profiled with `bins`.
    pub fn new(
        name: impl Into<String>,
        data_type: impl Into<String>,
        bins: Arc<Bins>,
        windows: Vec<Summary>,
    ) -> Self {
        let reference = pool(&bins, &windows);
        FrozenFeature {
            name: name.into(),
            kind: bins.kind(),
            data_type: data_type.into(),
            bins,
            collapse: None,
            shift: None,
            moving: None,
            windows,
            reference,
        }
    }

    /// The same feature, whose rare categories are joined where it is compared with others.
    pub fn collapsing(mut self, collapse: Option<Collapse>) -> Self {
        self.collapse = collapse;
        self
    }

    /// Replaces the windows by others that were counted over the same bins. The bins stay.
    pub fn set_windows(&mut self, windows: Vec<Summary>) {
        self.windows = windows;
        self.reference = pool(&self.bins, &self.windows);
    }

    /// The newest windows with the rows as not seen that only they have, and as others those of names that are frequent by luck, each as
    /// `alone` says of it, oldest first. Where `learnt`, what was not seen is not acceptable either.
    pub fn set_alone(&mut self, alone: &[Alone], learnt: bool) {
        let newest = self.windows.len().saturating_sub(alone.len());
        let alone = &alone[alone.len().saturating_sub(self.windows.len())..];
        for (window, alone) in self.windows.iter_mut().skip(newest).zip(alone) {
            *window = alone.apart(window.clone(), learnt);
        }
        self.reference = pool(&self.bins, &self.windows);
    }

    /// Windows pooled, as if their rows had come in one.
    pub fn pooled(&self, windows: &[Summary]) -> Summary {
        pool(&self.bins, windows)
    }

    /// Takes in the next window and keeps the newest `keep`: a rolling baseline (`keep` windows) or the previous
    /// window (`keep` = 1). The bins stay.
    pub fn roll(&mut self, next: Summary, keep: usize) {
        self.windows.push(next);
        self.windows
            .drain(..self.windows.len().saturating_sub(keep.max(1)));
        self.reference = pool(&self.bins, &self.windows);
    }
}

/// Pools windows as if their rows had come in one. Summaries that were counted over other bins than the first
/// are pooled without counts.
fn pool(bins: &Bins, windows: &[Summary]) -> Summary {
    let sum = |of: fn(&Summary) -> u64| windows.iter().map(of).sum::<u64>();
    let counts = pool_counts(windows.iter().filter_map(|window| window.counts.as_ref()));
    let mut moments = Accumulator::EMPTY;
    windows
        .iter()
        .filter_map(|window| window.moments.as_ref())
        .for_each(|window| moments.merge(&Accumulator::of(window)));
    let moments = moments.moments();
    let quantiles = match (bins, &counts, &moments) {
        (
            Bins::Numeric(bins),
            Some(Counts::Numeric {
                fine, below, above, ..
            }),
            Some(moments),
        ) => quantiles(
            bins.edges(),
            fine,
            [below.infinite, above.infinite],
            moments,
        ),
        _ => None,
    };
    let top = match (bins, &counts) {
        (Bins::Categorical(bins), Some(Counts::Categorical { top, .. })) => {
            let mut top: Vec<(String, u64)> = bins
                .names()
                .iter()
                .cloned()
                .zip(top.iter().copied())
                .filter(|(_, count)| *count > 0)
                .collect();
            top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            top
        }
        _ => Vec::new(),
    };
    Summary {
        kind: bins.kind(),
        rows: sum(|window| window.rows),
        nulls: sum(|window| window.nulls),
        nans: sum(|window| window.nans),
        infinities: sum(|window| window.infinities),
        zeros: sum(|window| window.zeros),
        invalid: sum(|window| window.invalid),
        outliers: sum(|window| window.outliers),
        imputed: Imputed::pooled(windows.iter().map(|window| window.imputed)),
        moments,
        quantiles,
        distinct: windows
            .iter()
            .map(|window| window.distinct)
            .fold(0.0, f64::max),
        top,
        top_error: 0,
        counts,
    }
}

/// Sums counts bin by bin; tail means are weighted by what lies there. `None` when nothing fits together.
fn pool_counts<'a>(mut windows: impl Iterator<Item = &'a Counts>) -> Option<Counts> {
    let mut pooled = windows.next()?.clone();
    for window in windows {
        match (&mut pooled, window) {
            (
                Counts::Numeric {
                    fine,
                    mean,
                    below,
                    above,
                },
                Counts::Numeric {
                    fine: more,
                    mean: theirs,
                    below: low,
                    above: high,
                },
            ) if fine.len() == more.len() => {
                let (mine, others) = (finite(fine, below, above), finite(more, low, high));
                *mean = joined((*mean, mine.all), (*theirs, others.all));
                *below = Tail {
                    infinite: below.infinite + low.infinite,
                    mean: joined((below.mean, mine.below), (low.mean, others.below)),
                };
                *above = Tail {
                    infinite: above.infinite + high.infinite,
                    mean: joined((above.mean, mine.above), (high.mean, others.above)),
                };
                fine.iter_mut()
                    .zip(more)
                    .for_each(|(mine, theirs)| *mine += theirs);
            }
            (
                Counts::Categorical {
                    top,
                    other,
                    unseen,
                    alone,
                },
                Counts::Categorical {
                    top: more,
                    other: others,
                    unseen: strangers,
                    alone: lone,
                },
            ) if top.len() == more.len() => {
                top.iter_mut()
                    .zip(more)
                    .for_each(|(mine, theirs)| *mine += theirs);
                *other += others;
                *unseen += strangers;
                *alone += lone;
            }
            _ => return None,
        }
    }
    Some(pooled)
}

/// Numbers of finite values: all of them, and those in either open bin.
struct Finite {
    all: u64,
    below: u64,
    above: u64,
}

fn finite(fine: &[u64], below: &Tail, above: &Tail) -> Finite {
    let end = |count: Option<&u64>, tail: &Tail| {
        count.map_or(0, |count| count.saturating_sub(tail.infinite))
    };
    Finite {
        all: fine
            .iter()
            .sum::<u64>()
            .saturating_sub(below.infinite)
            .saturating_sub(above.infinite),
        below: end(fine.first(), below),
        above: end(fine.last(), above),
    }
}

/// Mean of two groups joined.
fn joined((a, a_count): (f64, u64), (b, b_count): (f64, u64)) -> f64 {
    let share = b_count as f64 / (a_count + b_count) as f64;
    if share > 0.0 {
        a * (1.0 - share) + b * share
    } else {
        a
    }
}

/// Mean of what is left of a group when a part of it is taken out; 0 when nothing is left.
fn left((total, total_count): (f64, u64), (part, part_count): (f64, u64)) -> f64 {
    let count = total_count.saturating_sub(part_count) as f64;
    let mean = total + (total - part) * (part_count as f64 / count);
    if count == 0.0 {
        0.0
    } else if mean.is_finite() {
        mean
    } else {
        total
    }
}

/// Quantiles of binned values: linear between the edges of the bin in which the rank falls, the open ends cut at
/// the extremes. The rank is off by at most the largest share of a bin that is not a point.
fn quantiles(
    edges: &[f64],
    fine: &[u64],
    infinite: [u64; 2],
    moments: &Moments,
) -> Option<Quantiles> {
    let mut counts = fine.to_vec();
    let last = counts.len().checked_sub(1)?;
    counts[0] = counts[0].saturating_sub(infinite[0]);
    counts[last] = counts[last].saturating_sub(infinite[1]);
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let low = |bin: usize| {
        if bin == 0 {
            moments.min
        } else {
            edges[bin - 1].max(moments.min)
        }
    };
    let high = |bin: usize| {
        edges
            .get(bin)
            .map_or(moments.max, |edge| edge.min(moments.max))
    };
    let widest = (0..counts.len())
        .filter(|&bin| high(bin) > low(bin).next_up())
        .map(|bin| counts[bin])
        .max()
        .unwrap_or(0);
    let values = PROBABILITIES.map(|p| {
        let rank = p * total as f64;
        let mut below = 0u64;
        for (bin, &count) in counts.iter().enumerate() {
            if count > 0 && (below + count) as f64 >= rank {
                let part = ((rank - below as f64) / count as f64).clamp(0.0, 1.0);
                let (low, high) = (low(bin), high(bin));
                return if high <= low.next_up() {
                    low
                } else {
                    interpolate(low, high, part)
                };
            }
            below += count;
        }
        moments.max
    });
    Some(Quantiles {
        values,
        rank_error: widest as f64 / total as f64,
    })
}

/// Counts of the other windows: `total` without `window`. `None` when they were counted over different bins.
pub(crate) fn without(total: &Counts, window: &Counts) -> Option<Counts> {
    match (total, window) {
        (
            Counts::Numeric {
                fine,
                mean,
                below,
                above,
            },
            Counts::Numeric {
                fine: less,
                mean: part,
                below: low,
                above: high,
            },
        ) if fine.len() == less.len() => {
            let (all, out) = (finite(fine, below, above), finite(less, low, high));
            Some(Counts::Numeric {
                fine: fine
                    .iter()
                    .zip(less)
                    .map(|(total, part)| total.saturating_sub(*part))
                    .collect(),
                mean: left((*mean, all.all), (*part, out.all)),
                below: Tail {
                    infinite: below.infinite.saturating_sub(low.infinite),
                    mean: left((below.mean, all.below), (low.mean, out.below)),
                },
                above: Tail {
                    infinite: above.infinite.saturating_sub(high.infinite),
                    mean: left((above.mean, all.above), (high.mean, out.above)),
                },
            })
        }
        (
            Counts::Categorical {
                top,
                other,
                unseen,
                alone,
            },
            Counts::Categorical {
                top: less,
                other: others,
                unseen: strangers,
                alone: lone,
            },
        ) if top.len() == less.len() => Some(Counts::Categorical {
            top: top
                .iter()
                .zip(less)
                .map(|(total, part)| total.saturating_sub(*part))
                .collect(),
            other: other.saturating_sub(*others),
            unseen: unseen.saturating_sub(*strangers),
            alone: alone.saturating_sub(*lone),
        }),
        _ => None,
    }
}
