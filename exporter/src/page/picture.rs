//! Small pictures as inline SVG: two distributions, and a value against its limits.

use maud::{Markup, html};
use stats::{Bins, BySeverity, Limit};

use crate::scrape::coarse;
use crate::snapshot::FeatureState;
use crate::words;

/// Bars of a row's picture: as many as stay apart in its width.
const BARS: usize = 20;

/// Widest bar, so that a feature with one value does not look like a block of colour.
const WIDEST: f64 = 30.0;

const WIDTH: f64 = 180.0;
const HEIGHT: f64 = 40.0;

/// The shares of one bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What is in the bin; a number for a sensitive feature.
    pub name: String,
    /// Its share of the baseline.
    pub reference: f64,
    /// Its share of the window; nothing when the window has no values.
    pub current: Option<f64>,
}

/// The coarse bins of a feature that hold anything; nothing without a baseline.
pub fn bars(feature: &FeatureState) -> Option<Vec<Bar>> {
    let bins = feature.bins.as_deref()?;
    let shares = |counts: Vec<u64>| {
        let total: u64 = counts.iter().sum();
        (total > 0).then(|| {
            counts
                .iter()
                .map(|count| *count as f64 / total as f64)
                .collect::<Vec<f64>>()
        })
    };
    let reference = shares(coarse(bins, feature.reference.as_ref()?)?)?;
    let current = feature
        .summary
        .as_ref()
        .and_then(|summary| coarse(bins, summary))
        .and_then(shares);
    let bars = names(bins, feature.sensitive)
        .into_iter()
        .zip(reference)
        .enumerate()
        .map(|(i, (name, reference))| Bar {
            name,
            reference,
            current: current.as_ref().and_then(|current| current.get(i).copied()),
        })
        .filter(|bar| bar.reference > 0.0 || bar.current.is_some_and(|share| share > 0.0));
    Some(bars.collect())
}

/// What is in each coarse bin, or only its number.
pub fn names(bins: &Bins, sensitive: bool) -> Vec<String> {
    match bins {
        _ if sensitive => (1..)
            .map(|bin| format!("bin {bin}"))
            .take(bins_of(bins))
            .collect(),
        Bins::Numeric(bins) => {
            let edges = bins.coarse_edges();
            (0..=edges.len()).map(|bin| range(&edges, bin)).collect()
        }
        Bins::Categorical(bins) => {
            let rest = ["other names", "names not in the baseline"];
            let rest = rest.into_iter().map(str::to_owned);
            bins.names().iter().cloned().chain(rest).collect()
        }
    }
}

fn bins_of(bins: &Bins) -> usize {
    match bins {
        Bins::Numeric(bins) => bins.coarse_len(),
        Bins::Categorical(bins) => bins.len(),
    }
}

/// What lies in a coarse bin: one value, or a half-open range.
fn range(edges: &[f64], bin: usize) -> String {
    let below = bin.checked_sub(1).and_then(|below| edges.get(below));
    match (below, edges.get(bin)) {
        (None, None) => "all values".to_owned(),
        (None, Some(end)) => format!("below {}", words::number(*end)),
        (Some(start), None) => format!("{} and above", words::number(*start)),
        (Some(start), Some(end)) if *end <= start.next_up() => words::number(*start),
        (Some(start), Some(end)) => {
            format!("{} to {}", words::number(*start), words::number(*end))
        }
    }
}

/// Baseline and window side by side.
pub fn distribution(feature: &str, bars: &[Bar]) -> Markup {
    let title = title(feature, bars);
    let pooled = pool(bars);
    let highest = pooled
        .iter()
        .flat_map(|bar| [bar.reference, bar.current.unwrap_or(0.0)])
        .fold(0.0, f64::max);
    let slot = (WIDTH / pooled.len().max(1) as f64).min(WIDEST);
    let height = |share: f64| {
        if highest > 0.0 && share > 0.0 {
            (share / highest * (HEIGHT - 2.0)).max(1.0)
        } else {
            0.0
        }
    };
    let gap = (slot * 0.14).min(4.0);
    let bar = |class: &str, i: usize, share: f64, inset: f64| {
        let (left, width) = (i as f64 * slot + inset, slot - 2.0 * inset);
        let height = height(share);
        html! {
            rect class=(class) x=(short(left)) y=(short(HEIGHT - height)) width=(short(width)) height=(short(height)) {}
        }
    };
    html! {
        svg.distribution viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + 1.0)) preserveAspectRatio="none" role="img" {
            title { (title) }
            @for (i, shares) in pooled.iter().enumerate() {
                (bar("reference", i, shares.reference, gap / 2.0))
                @if let Some(current) = shares.current {
                    (bar("current", i, current, slot * 0.28))
                }
            }
            line.axis x1="0" y1=(short(HEIGHT + 0.5)) x2=(short(WIDTH)) y2=(short(HEIGHT + 0.5)) {}
        }
    }
}

/// What the picture shows, for those who do not see it.
fn title(feature: &str, bars: &[Bar]) -> String {
    let change = |bar: &Bar| bar.current.map(|current| (current - bar.reference).abs());
    let largest = bars
        .iter()
        .filter_map(|bar| Some((bar, bar.current?, change(bar)?)))
        .max_by(|a, b| a.2.total_cmp(&b.2));
    let bins = bars.len();
    match largest {
        Some((bar, current, _)) => format!(
            "{feature}: this window against the baseline in {bins} bins. Largest change: {} from {} to {}.",
            bar.name,
            words::percent(bar.reference),
            words::percent(current),
        ),
        None => format!("{feature}: the baseline in {bins} bins; no values in this window."),
    }
}

/// At most [`BARS`] bars, neighbours added up.
fn pool(bars: &[Bar]) -> Vec<Bar> {
    let each = bars.len().div_ceil(BARS).max(1);
    bars.chunks(each)
        .map(|bars| Bar {
            name: String::new(),
            reference: bars.iter().map(|bar| bar.reference).sum(),
            current: bars.iter().map(|bar| bar.current).sum(),
        })
        .collect()
}

/// A value as a bar, with a mark at each limit. The scale ends at 1.6 times the critical limit.
pub fn meter(value: f64, limits: &BySeverity<Limit>, class: &str) -> Markup {
    let end = 1.6 * limits.critical.value.max(limits.warning.value);
    let at = |value: f64| {
        if end > 0.0 {
            (value / end).clamp(0.0, 1.0) * 100.0
        } else if value > 0.0 {
            100.0
        } else {
            0.0
        }
    };
    html! {
        svg class=(format!("meter {class}")) viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track x="0" y="2" width="100" height="4" {}
            rect.fill x="0" y="2" width=(short(at(value))) height="4" {}
            @for limit in [limits.warning.value, limits.critical.value] {
                rect.mark x=(short(at(limit) - 0.4)) y="0" width="0.8" height="8" {}
            }
        }
    }
}

/// Coordinates with one digit behind the point.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
