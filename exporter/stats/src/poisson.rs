//! How many events were to be expected, judged by how many there were.

use serde::{Deserialize, Serialize};

use crate::tail;

/// An interval for an expected number of events, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end; 0 when nothing was counted.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The exact central interval for the mean of a Poisson variable of which `count` was seen, `(χ²_{a/2, 2k}/2,
/// χ²_{1−a/2, 2k+2}/2)` with a = 1 − `confidence` (Garwood 1936): it holds the mean with at least `confidence`, whatever
/// the mean is. The confidence is kept within 0.5 and 0.999999.
pub fn interval(count: u64, confidence: f64) -> Interval {
    let confidence = if confidence.is_nan() {
        0.95
    } else {
        confidence.clamp(0.5, 0.999_999)
    };
    let tail = (1.0 - confidence) / 2.0;
    let events = count as f64;
    Interval {
        // With no degree of freedom χ² is 0, which is the lower end for no event.
        low: tail::chi_squared_isf(1.0 - tail, 2.0 * events) / 2.0,
        high: tail::chi_squared_isf(tail, 2.0 * events + 2.0) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, rows};
    use proptest::prelude::*;

    #[test]
    fn the_intervals_are_scipys() {
        for row in rows("poisson interval") {
            let found = interval(row[0] as u64, row[1]);
            check(found.low, row[2], 1e-9);
            check(found.high, row[3], 1e-9);
        }
    }

    #[test]
    fn a_confidence_that_is_none_is_kept_within_bounds() {
        assert_eq!(interval(3, f64::NAN), interval(3, 0.95));
        assert_eq!(interval(3, -1.0), interval(3, 0.5));
        let widest = interval(3, 1.0);
        assert!(0.0 < widest.low && widest.high < 30.0, "{widest:?}");
    }

    /// The sum of the Poisson probabilities of the counts whose interval holds the mean.
    fn coverage(mean: f64, confidence: f64) -> f64 {
        let mut probability = (-mean).exp();
        let mut covered = 0.0;
        for count in 0..400u64 {
            let found = interval(count, confidence);
            if found.low <= mean && mean <= found.high {
                covered += probability;
            }
            probability *= mean / (count + 1) as f64;
        }
        covered
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn an_interval_holds_the_mean_as_often_as_it_says(
            mean in 0.01f64..100.0, confidence in 0.6f64..0.999
        ) {
            prop_assert!(coverage(mean, confidence) >= confidence - 1e-9);
        }

        #[test]
        fn more_events_move_it_up_and_more_confidence_widens_it(count in 0u64..100_000) {
            let (now, next, wider) = (interval(count, 0.95), interval(count + 1, 0.95), interval(count, 0.99));
            prop_assert!(now.low < next.low && now.high < next.high);
            prop_assert!(wider.low <= now.low && now.high < wider.high);
            prop_assert!(now.low <= count as f64 && (count as f64) < now.high);
        }
    }
}
