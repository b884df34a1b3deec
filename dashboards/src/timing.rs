//! How long things must last before somebody is told, in evaluations of the rules.

use std::time::Duration;

/// The pace of a Prometheus and of what it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time from one evaluation of the rules to the next, 1 s to 5 min.
    pub rules: Duration,
    /// Time from one evaluation of the features to the next.
    pub features: Duration,
}

impl Pace {
    /// Two evaluations of the rules: what was seen once may be a scrape that went wrong.
    pub fn settled(self) -> Duration {
        self.rules * 2
    }

    /// So many evaluations of the rules more than two. What is muted by another alert must end before that does.
    pub fn settled_and(self, more: u32) -> Duration {
        self.settled() + self.rules * more
    }

    /// Ten evaluations of the rules, 5 min at the usual pace: longer than a restart takes, and the exporter has tried again.
    pub fn steady(self) -> Duration {
        self.rules * 10
    }

    /// So many evaluations of the rules, and at least two of the features.
    pub fn repeated(self, evaluations: u32) -> Duration {
        (self.rules * evaluations).max(self.features * 2)
    }
}

/// A duration as Prometheus writes it: `1h30m`, whole seconds or milliseconds.
pub fn text(duration: Duration) -> String {
    const UNITS: [(&str, u128); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_their_units() {
        let check = |seconds, expected: &str| {
            assert_eq!(text(Duration::from_secs_f64(seconds)), expected);
        };
        check(0.0, "0s");
        check(0.25, "250ms");
        check(60.0, "1m");
        check(5400.0, "1h30m");
        check(694_861.5, "8d1h1m1s500ms");
    }
}
