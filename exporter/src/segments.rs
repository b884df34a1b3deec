//! The columns that divide the rows, as a baseline knows them, and when the events of each part were.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crds::valid;
use serde::{Deserialize, Serialize};
use stats::decomposition::Segment;
use stats::{Bins, Segmented, TimeSample, Times, WindowSummary};

/// Most points of the distribution of event times that are kept of a segment.
const TIME_POINTS: usize = 100;
/// The fewest rows with an event time of a segment: of fewer the newest is old by chance. One of which a window should have as
/// many, by its share in the baseline, has none by chance once in 10⁸ windows.
const LEAST_ROWS: u64 = 20;

/// What stands for rows without a value.
pub const NULL: &str = "__null__";
/// What stands for all values that are not told apart.
pub const OTHER: &str = "__other__";
/// What stands for all values that the baseline never had.
pub const UNSEEN: &str = "__unseen__";

/// A column that divides the rows of a baseline. Its values are sampled with those of the features, over these bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrozenSegments {
    /// The column.
    pub column: String,
    /// How many of its values are told apart.
    pub top: usize,
    /// Its most frequent values, by falling count.
    pub bins: Arc<Bins>,
}

impl FrozenSegments {
    /// Whether they are segments that the manifest names.
    pub fn serves(&self, data: &valid::Data) -> bool {
        let mut given = data.segments.iter();
        given.any(|given| given.column == self.column && given.top == self.top)
    }

    /// The values that are told apart; a row's code, where it is below their number, is its place here.
    pub fn names(&self) -> &[String] {
        match self.bins.as_ref() {
            Bins::Categorical(bins) => {
                let names = bins.names();
                names.get(..self.top).unwrap_or(names)
            }
            Bins::Numeric(_) => &[],
        }
    }

    /// When the events of each segment were, over a sample of rows; of those with one. `codes` and `times` have an entry a row,
    /// `times` in microseconds since the epoch.
    pub fn times(&self, codes: &[u32], times: &[Option<i64>]) -> Vec<SegmentTimes> {
        let names = self.names();
        let segments = names.iter().cloned().map(Segment::Value);
        let segments = segments.chain([Segment::Other, Segment::Null]);
        let of = |(at, segment)| {
            let rows = codes.iter().zip(times);
            let own = rows.filter(|(code, _)| stats::place(**code, names.len()) == at);
            let mut sample = TimeSample::default();
            sample.update(own.map(|(_, time)| *time));
            Some(SegmentTimes {
                name: name(&self.column, &segment),
                times: sample.close(TIME_POINTS)?,
            })
        };
        segments.enumerate().filter_map(of).collect()
    }
}

/// When the events of one segment of a window were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentTimes {
    /// The segment as metrics and pages name it: see [`name`].
    pub name: String,
    /// When its events were.
    pub times: Times,
}

/// How the rows of a baseline are divided by one column.
#[derive(Clone, Debug, PartialEq)]
pub struct UsualSegments {
    /// The share of the rows that each segment has, 0 to 1, by its name; 0 of the rows without a value, which nobody misses.
    shares: BTreeMap<String, f64>,
}

impl UsualSegments {
    /// Those of each column that divides the rows, over the windows of a baseline; none where these were not divided by it.
    pub fn of(windows: &[WindowSummary], data: &valid::Data) -> Vec<Self> {
        let columns = data.segments.iter().map(|given| &given.column);
        let divided = columns.filter_map(|column| {
            let mut rows: BTreeMap<&Segment, u64> = BTreeMap::new();
            let windows = windows.iter().filter_map(|window| window.segmented(column));
            for (segment, own) in windows.flat_map(Segmented::segments) {
                *rows.entry(segment).or_default() += own;
            }
            let all: u64 = rows.values().sum();
            let share = |(segment, own): (&Segment, u64)| {
                let share = match segment {
                    Segment::Null => 0.0,
                    Segment::Value(_) | Segment::Other => own as f64 / all as f64,
                };
                (name(column, segment), share)
            };
            (all > 0).then(|| Self {
                shares: rows.into_iter().map(share).collect(),
            })
        });
        divided.collect()
    }

    /// Whether a window with these rows should have enough of a segment.
    fn expects(&self, name: &str, found: &[SegmentTimes]) -> bool {
        let own = found
            .iter()
            .filter(|own| self.shares.contains_key(&own.name));
        let rows: u64 = own.map(|own| own.times.rows).sum();
        let share = self.shares.get(name);
        share.is_some_and(|share| share * rows as f64 >= LEAST_ROWS as f64)
    }
}

/// When the events of each segment were, as far as it is told, after one more window; of those with enough rows. What was `known`
/// of a segment stays until a newer window has enough rows of it; and no longer than until one is complete that has too few,
/// unless it has none where, by the baseline, it should have enough: then the segment has gone, and its age is that of what was
/// there last.
pub fn renewed(
    known: Vec<SegmentTimes>,
    found: &[SegmentTimes],
    complete: bool,
    usual: &[UsualSegments],
) -> Vec<SegmentTimes> {
    let rows = |name: &str| {
        let own = found.iter().find(|own| own.name == name);
        own.map_or(0, |own| own.times.rows)
    };
    let told = found.iter().filter(|own| own.times.rows >= LEAST_ROWS);
    let stays = |own: &SegmentTimes| match (rows(&own.name), complete) {
        (LEAST_ROWS.., _) => false,
        (_, false) => true,
        (0, true) => usual.iter().any(|usual| usual.expects(&own.name, found)),
        (_, true) => false,
    };
    let stay = known.into_iter().filter(stays);
    told.cloned().chain(stay).collect()
}

/// A segment as metrics and pages name it, such as `region=north`.
pub fn name(column: &str, segment: &Segment) -> String {
    format!("{column}={}", value(segment))
}

/// The value of a segment, or what stands for all others and for none.
pub fn value(segment: &Segment) -> Cow<'_, str> {
    match segment {
        Segment::Value(value) => told(value),
        Segment::Null => Cow::Borrowed(NULL),
        Segment::Other => Cow::Borrowed(OTHER),
    }
}

/// A value that is really there, as metrics and pages name it: as it is, and in quotes where it would read as what stands for
/// several values or none. No two values have the same name.
pub fn told(value: &str) -> Cow<'_, str> {
    let bare = value.trim_matches('"');
    match [NULL, OTHER, UNSEEN].contains(&bare) {
        true => Cow::Owned(format!("\"{value}\"")),
        false => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use stats::association::ABSENT;

    use super::*;
    use crate::profiled::categories;

    /// Of shops a, b and c, each as often as its place says, of which two are told apart.
    fn frozen() -> FrozenSegments {
        let profile = categories(&["a", "b", "c"], &[0, 0, 0, 1, 1, 2], None);
        FrozenSegments {
            column: "shop".to_owned(),
            top: 2,
            bins: Arc::new(profile.freeze_bins()),
        }
    }

    #[test]
    fn event_times_are_told_of_each_segment() {
        let frozen = frozen();
        assert_eq!(frozen.names(), ["a", "b"]);
        // 40 rows of a, 25 of c, as many of a name that was never seen, 30 of none, 1 of b.
        let parts: [(u32, usize, i64); 5] = [
            (0, 40, 1_000),
            (2, 25, 2_000),
            (4, 25, 3_000),
            (ABSENT, 30, 4_000),
            (1, 1, 5_000),
        ];
        let rows = parts.iter().flat_map(|(code, rows, time)| {
            (0..*rows).map(move |row| (*code, Some(time + row as i64)))
        });
        let (codes, mut times): (Vec<u32>, Vec<Option<i64>>) = rows.unzip();
        let told = frozen.times(&codes, &times);
        let summary: Vec<(&str, u64, f64)> = told
            .iter()
            .map(|told| (&*told.name, told.times.rows, told.times.share_until(2_024)))
            .collect();
        let expected = [
            ("shop=a", 40, 1.0),
            ("shop=b", 1, 0.0),
            ("shop=__other__", 50, 0.5),
            ("shop=__null__", 30, 0.0),
        ];
        assert_eq!(summary, expected);
        // A row without a time is none.
        times[..40].fill(None);
        assert_eq!(frozen.times(&codes, &times).len(), 3);
        assert_eq!(frozen.times(&codes, &[]), []);
    }

    /// So many rows of a segment, from a time on.
    fn times(name: &str, rows: i64, from: i64) -> SegmentTimes {
        let mut sample = TimeSample::default();
        sample.update((0..rows).map(|row| Some(from + row)));
        SegmentTimes {
            name: name.to_owned(),
            times: sample.close(TIME_POINTS).unwrap(),
        }
    }

    fn names(told: &[SegmentTimes]) -> Vec<(&str, i64)> {
        let named = told
            .iter()
            .map(|told| (&*told.name, told.times.p01 / 1_000 * 1_000));
        named.collect()
    }

    /// A quarter of the rows is of b, one in a hundred of c, and as many have no shop as a does.
    fn usual() -> [UsualSegments; 1] {
        let shares = [("a", 0.37), ("b", 0.25), ("c", 0.01), (NULL, 0.0)];
        let shares = shares.map(|(value, share)| (format!("shop={value}"), share));
        [UsualSegments {
            shares: shares.into(),
        }]
    }

    #[test]
    fn a_segment_is_told_until_a_newer_window_has_enough_of_it() {
        let known = vec![times("shop=a", 40, 1_000), times("shop=b", 30, 1_000)];
        // The window in progress has few rows, and of b none yet.
        let begun = [times("shop=a", 19, 2_000)];
        let told = renewed(known, &begun, false, &usual());
        assert_eq!(names(&told), [("shop=a", 1_000), ("shop=b", 1_000)]);
        let further = [times("shop=a", 20, 2_000), times("shop=b", 3, 2_000)];
        let told = renewed(told, &further, false, &usual());
        assert_eq!(names(&told), [("shop=a", 2_000), ("shop=b", 1_000)]);
        // Of so few rows of a complete window nothing is told: the newest is old by chance.
        let complete = [times("shop=a", 40, 2_000), times("shop=b", 19, 2_000)];
        let told = renewed(told, &complete, true, &usual());
        assert_eq!(names(&told), [("shop=a", 2_000)]);
    }

    #[test]
    fn a_segment_that_has_gone_is_as_old_as_it_was_last() {
        let known = vec![
            times("shop=b", 30, 1_000),
            times("shop=c", 20, 1_000),
            times("shop=__null__", 80, 1_000),
            times("shop=of a baseline before", 20, 1_000),
        ];
        let without = [times("shop=a", 80, 9_000)];
        let told = renewed(known.clone(), &without, true, &usual());
        // c is rare, and rows without a shop are missed by nobody.
        assert_eq!(names(&told), [("shop=a", 9_000), ("shop=b", 1_000)]);
        // A small window has none of it by chance.
        let small = [times("shop=a", 79, 9_000)];
        let told = renewed(known.clone(), &small, true, &usual());
        assert_eq!(names(&told), [("shop=a", 9_000)]);
        // Without a baseline nothing is usual.
        let told = renewed(known, &without, true, &[]);
        assert_eq!(names(&told), [("shop=a", 9_000)]);
    }

    #[test]
    fn values_that_read_as_what_stands_for_several_are_in_quotes() {
        let values = [
            "north",
            NULL,
            OTHER,
            UNSEEN,
            "\"__other__\"",
            "\"__other__",
            "__other",
            "",
        ];
        let named = values.map(|value| name("region", &Segment::Value(value.to_owned())));
        assert_eq!(named[0], "region=north");
        assert_eq!(named[2], "region=\"__other__\"");
        let of_several = [Segment::Null, Segment::Other].map(|segment| name("region", &segment));
        let all: std::collections::BTreeSet<&String> = named.iter().chain(&of_several).collect();
        assert_eq!(all.len(), values.len() + 2);
    }
}
