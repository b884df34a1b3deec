//! Which of many series a chart shows: at most eight, the same ones at all times of the chart.

/// How many series a chart shows.
pub const SERIES: usize = 8;

/// Series of a query for those labels of which another query was largest, at its largest in the time shown.
///
/// The other query is read once an hour: it ranks, and over thirty days it would cost more than what is shown.
pub fn largest(query: &str, labels: &str, ranked: &str) -> String {
    format!(
        "{query} and on ({labels}) topk({SERIES}, max_over_time(({ranked})[$__range:1h] \
         @ end()))"
    )
}

/// The largest series of a query at the moment.
pub fn largest_now(query: &str) -> String {
    format!("topk({SERIES}, {query})")
}

/// The smallest series of a query at the moment.
pub fn smallest_now(query: &str) -> String {
    format!("bottomk({SERIES}, {query})")
}

/// How many series a query has, or 0 where it has none and the other has some: where both have none, nothing is known.
pub fn count_of(query: &str, of: &str) -> String {
    format!("count({query}) or 0 * count({of})")
}
