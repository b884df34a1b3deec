//! Which of many series a chart shows: at most eight, the same ones at all times of the chart.

/// How many series a chart shows.
pub const SERIES: usize = 8;

/// Series of a query for those labels of which another query was largest, at its largest in the time shown.
///
/// The other query is read once an hour: it ranks, and over thirty days it would cost more than what is shown.
pub fn largest(query: &str, labels: &str, ranked: &str) -> String {
    format!("{query} and on ({labels}) {}", top(ranked))
}

/// Those series of a query of whose labels no series is among the [`largest`].
pub fn others(query: &str, labels: &str, ranked: &str) -> String {
    format!("{query} unless on ({labels}) {}", top(ranked))
}

fn top(ranked: &str) -> String {
    format!("topk({SERIES}, max_over_time(({ranked})[$__range:1h] @ end()))")
}

/// As [`largest`], of those of which the other query was smallest.
pub fn smallest(query: &str, labels: &str, ranked: &str) -> String {
    format!(
        "{query} and on ({labels}) bottomk({SERIES}, min_over_time(({ranked})[$__range:1h] \
         @ end()))"
    )
}

/// Verdicts for those labels whose state is worst at the end of the time shown, the larger the worse; of those in the same state, where
/// the score is largest then. What has no score comes after the others in its state, and what has no state any more after all others,
/// by the last one that it had.
pub fn worst(verdicts: &str, labels: &str, states: &str, scores: &str) -> String {
    let state = format!("last_over_time(({states})[10m:1m] @ end()) * 10000");
    // No score weighs as much as a step from one state to the next.
    let score = format!("clamp(last_over_time(({scores})[10m:1m] @ end()), 0, 9999)");
    let last = format!("last_over_time(({states})[$__range:1h] @ end()) - 100000");
    format!("{verdicts} and on ({labels}) topk({SERIES}, {state} + {score} or {state} or {last})")
}

/// Series of a query for those labels where counters grew most in the time shown.
pub fn most(query: &str, labels: &str, counters: &str) -> String {
    format!(
        "{query} and on ({labels}) topk({SERIES}, sum by ({labels}) (increase({counters}[$__range] \
         @ end())))"
    )
}

/// How much counters grew from one point to the next, where they did, for those labels where they grew [`most`].
pub fn grown(counters: &str, labels: &str) -> String {
    let grown = format!("sum by ({labels}) (increase({counters}[$__rate_interval])) > 0");
    most(&grown, labels, counters)
}

/// The largest series of a query at the moment, where no other moment is shown.
pub fn largest_now(query: &str) -> String {
    format!("topk({SERIES}, {query})")
}

/// The smallest series of a query at the moment, where no other moment is shown.
pub fn smallest_now(query: &str) -> String {
    format!("bottomk({SERIES}, {query})")
}

/// How many series a query has, or 0 where it has none and the other has some: where both have none, nothing is known.
pub fn count_of(query: &str, of: &str) -> String {
    format!("count({query}) or 0 * count({of})")
}
