//! The columns that divide the rows, as a baseline knows them, and when the events of each part were.

use std::sync::Arc;

use crds::valid;
use serde::{Deserialize, Serialize};
use stats::decomposition::Segment;
use stats::{Bins, TimeSample, Times};

/// Most points of the distribution of event times that are kept of a segment.
const TIME_POINTS: usize = 100;
/// The fewest rows with an event time of a segment: of fewer the newest is old by chance.
const LEAST_ROWS: u64 = 20;

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

    /// When the events of each segment were, over a sample of rows; of those with enough of them. `codes` and `times` have an entry a row,
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
            let times = sample.close(TIME_POINTS)?;
            (times.rows >= LEAST_ROWS).then(|| SegmentTimes {
                name: name(&self.column, &segment),
                times,
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

/// A segment as metrics and pages name it, such as `region=north`.
pub fn name(column: &str, segment: &Segment) -> String {
    format!("{column}={}", value(segment))
}

/// The value of a segment, or what stands for all others and for none.
pub fn value(segment: &Segment) -> &str {
    match segment {
        Segment::Value(value) => value,
        Segment::Null => "__null__",
        Segment::Other => "__other__",
    }
}

#[cfg(test)]
mod tests {
    use stats::association::ABSENT;
    use stats::{Categories, Column, FeatureProfile, Kind, Validity};

    use super::*;

    /// Of shops a, b and c, each as often as its place says, of which two are told apart.
    fn frozen() -> FrozenSegments {
        let names = ["a", "b", "c"];
        let mut profile = FeatureProfile::new(Kind::Categorical, None);
        let column = Column::Categorical {
            codes: &[0, 0, 0, 1, 1, 2],
            validity: Validity::all(6),
            categories: Categories {
                generation: 1,
                len: 3,
                name: &|code| names.get(code).copied(),
            },
        };
        profile.update(&column).unwrap();
        FrozenSegments {
            column: "shop".to_owned(),
            top: 2,
            bins: Arc::new(profile.freeze_bins()),
        }
    }

    #[test]
    fn event_times_are_told_of_each_segment_with_enough_of_them() {
        let frozen = frozen();
        assert_eq!(frozen.names(), ["a", "b"]);
        // 40 rows of a, 25 of c, as many of a name that was never seen, 30 of none, 19 of b.
        let parts: [(u32, usize, i64); 5] = [
            (0, 40, 1_000),
            (2, 25, 2_000),
            (4, 25, 3_000),
            (ABSENT, 30, 4_000),
            (1, 19, 5_000),
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
            ("shop=__other__", 50, 0.5),
            ("shop=__null__", 30, 0.0),
        ];
        assert_eq!(summary, expected);
        // A row without a time is none.
        times[..21].fill(None);
        assert_eq!(frozen.times(&codes, &times).len(), 2);
        assert_eq!(frozen.times(&codes, &[]), []);
    }
}
