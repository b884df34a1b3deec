//! Shares of the coarse bins, and what the bins are called.

use std::collections::BTreeMap;

use metrics::{Label, table};
use stats::{Bins, Counts, Summary};

use super::{Out, label};
use crate::segments;
use crate::snapshot::FeatureState;

/// Shares of the bins, all of a feature or none: a histogram with bins cut off would mislead.
pub(super) fn bins(out: &mut Out, feature: &FeatureState, name: &str) {
    let Some(frozen) = &feature.bins else { return };
    let sides = [
        (&table::BIN_REFERENCE_RATIO, &feature.reference),
        (&table::BIN_RATIO, &feature.summary),
    ];
    for (family, summary) in sides {
        let counted = summary.as_ref().and_then(|summary| coarse(frozen, summary));
        let Some(counts) = counted else { continue };
        let total: u64 = counts.iter().sum();
        if total == 0 {
            continue;
        }
        // Two categories that were cut to the same text are shown as one.
        let mut shares: BTreeMap<String, f64> = BTreeMap::new();
        for (bin, count) in bin_names(frozen, feature.sensitive).into_iter().zip(counts) {
            *shares.entry(label(&bin).into_owned()).or_default() += count as f64 / total as f64;
        }
        if out.room() < shares.len() {
            out.dropped += shares.len() as u64;
            continue;
        }
        for (bin, share) in shares {
            out.add(family, [(Label::Feature, name), (Label::Bin, &bin)], share);
        }
    }
}

/// Counts over the coarse bins; nothing when the summary was not counted over these bins.
pub(crate) fn coarse(bins: &Bins, summary: &Summary) -> Option<Vec<u64>> {
    match (bins, summary.counts.as_ref()?) {
        (Bins::Numeric(bins), Counts::Numeric { fine, .. }) if fine.len() == bins.len() => {
            Some(bins.coarse(fine))
        }
        (
            Bins::Categorical(bins),
            Counts::Categorical {
                top, other, unseen, ..
            },
        ) if top.len() == bins.names().len() => {
            Some(top.iter().chain([other, unseen]).copied().collect())
        }
        _ => None,
    }
}

/// Names of the coarse bins in their order: the number of each, so that they sort, and its edges; or the
/// category. A sensitive feature's bins have numbers only.
fn bin_names(bins: &Bins, sensitive: bool) -> Vec<String> {
    let names: Vec<String> = match bins {
        Bins::Numeric(bins) => {
            let edges = bins.coarse_edges();
            let count = edges.len() + 1;
            let width = count.to_string().len();
            let digits = digits(&edges);
            (0..count)
                .map(|bin| match sensitive {
                    true => format!("{:0width$}", bin + 1),
                    false => format!("{:0width$} {}", bin + 1, range(&edges, bin, digits)),
                })
                .collect()
        }
        Bins::Categorical(bins) => {
            let width = bins.names().len().to_string().len();
            let named = bins.names().iter().enumerate().map(|(bin, name)| {
                if sensitive {
                    format!("{:0width$}", bin + 1)
                } else {
                    segments::told(name).into_owned()
                }
            });
            let rest = [segments::OTHER, segments::UNSEEN].map(str::to_owned);
            named.chain(rest).collect()
        }
    };
    names
}

/// How many significant digits tell ascending edges apart, at least five.
fn digits(edges: &[f64]) -> usize {
    let apart = |digits: &usize| {
        let ascends = |pair: &[f64]| match pair {
            // A bin of one value is named by that value.
            [start, end] => {
                *end <= start.next_up() || rounded(*start, *digits) < rounded(*end, *digits)
            }
            _ => true,
        };
        edges.windows(2).all(ascends)
    };
    (5..17).find(apart).unwrap_or(17)
}

/// A value with so many significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    // What was formatted as a number is one.
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// What lies in a coarse bin: one value, or a range whose ends have so many significant digits.
fn range(edges: &[f64], bin: usize, digits: usize) -> String {
    let edge = |place: Option<usize>| place.and_then(|place| edges.get(place)).copied();
    let (below, above) = (edge(bin.checked_sub(1)), edge(Some(bin)));
    // The bin before holds this value alone, and ends with the next number that there is.
    let only = edge(bin.checked_sub(2)).filter(|only| below <= Some(only.next_up()));
    let end = |end: f64| text(rounded(end, digits));
    let from = match (only, below) {
        (Some(only), _) => format!("({}", text(only)),
        (None, Some(below)) => format!("[{}", end(below)),
        (None, None) => "(-Inf".to_owned(),
    };
    match (below, above) {
        (Some(only), Some(above)) if above <= only.next_up() => text(only),
        (_, Some(above)) => format!("{from}, {})", end(above)),
        (_, None) => format!("{from}, +Inf)"),
    }
}

/// A number with all its digits, with an exponent where they would be many more without: the smallest number
/// above 0, where a bin of 0 alone ends, has 324 of them.
fn text(value: f64) -> String {
    let (plain, exponent) = (format!("{value}"), format!("{value:e}"));
    if plain.len() <= exponent.len() + 6 {
        plain
    } else {
        exponent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiled::categories;

    #[test]
    fn a_category_that_reads_as_all_others_is_in_quotes() {
        let names = ["a", "__other__", "__unseen__"];
        let profile = categories(&names, &[0, 0, 0, 1, 1, 2], None);
        let named = bin_names(&profile.freeze_bins(), false);
        let expected = [
            "a",
            "\"__other__\"",
            "\"__unseen__\"",
            "__other__",
            "__unseen__",
        ];
        assert_eq!(named, expected);
    }
}
