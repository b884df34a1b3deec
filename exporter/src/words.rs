//! Numbers, shares and times as a person reads them.

use std::time::Duration;

use jiff::Timestamp;
use stats::Acceptable;

/// How many categories are listed.
const SOME: usize = 20;

/// How many features are named.
const NAMED: usize = 6;

/// What stands where there is nothing to say.
pub const NOTHING: &str = "–";

/// A distance or a limit: three digits behind the point, so that they line up; three significant ones from 10 on.
pub fn measure(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude > 0.0 && magnitude < 0.0005 {
        "< 0.001".to_owned()
    } else if magnitude < 10.0 {
        format!("{value:.3}").replace('-', "−")
    } else {
        significant(value, 3)
    }
}

/// A small probability with three significant digits.
pub fn small(value: f64) -> String {
    significant(value, 3)
}

/// A number of things.
pub fn plural(number: u64, thing: &str) -> String {
    format!("{} {}", count(number), things(number, thing))
}

/// A thing, or things, as the number before it has them.
pub fn things(number: u64, thing: &str) -> String {
    match number {
        1 => thing.to_owned(),
        _ => format!("{thing}s"),
    }
}

/// Names, the first of many.
pub fn names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.take(NAMED).collect::<Vec<&str>>().join(", ");
    match more {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A number with four significant digits, for values of features.
pub fn number(value: f64) -> String {
    significant(value, 4)
}

/// A change and its parts, each with its sign and as many digits behind the point as give the largest of them four significant
/// ones: what is nothing beside it is 0.
pub fn changes<const N: usize>(values: [f64; N]) -> [String; N] {
    let largest = values.iter().copied().map(f64::abs).fold(0.0, f64::max);
    if !(1e-4..1e15).contains(&largest) {
        return values.map(|value| signed(value, number(value)));
    }
    let decimals = decimals(largest, 4);
    let unit = 10f64.powi(decimals as i32);
    values.map(|value| match (value * unit).round() {
        0.0 => "0".to_owned(),
        _ => signed(
            value,
            group(&format!("{value:.decimals$}")).replace('-', "−"),
        ),
    })
}

/// A number in words, with a plus where it is above 0.
fn signed(value: f64, text: String) -> String {
    match value > 0.0 {
        true => format!("+{text}"),
        false => text,
    }
}

/// Which values are acceptable.
pub fn acceptable(acceptable: &Acceptable) -> String {
    match acceptable {
        Acceptable::Range {
            min: Some(min),
            max: Some(max),
        } => format!("{} to {}", number(*min), number(*max)),
        Acceptable::Range {
            min: Some(min),
            max: None,
        } => format!("{} and above", number(*min)),
        Acceptable::Range {
            min: None,
            max: Some(max),
        } => format!("{} and below", number(*max)),
        Acceptable::Range {
            min: None,
            max: None,
        } => "every finite number".to_owned(),
        Acceptable::Names(names) => {
            let mut words: Vec<&str> = names.iter().take(SOME).map(String::as_str).collect();
            let more = format!("{} more", names.len().saturating_sub(SOME));
            words.extend((names.len() > SOME).then_some(more.as_str()));
            words.join(", ")
        }
        Acceptable::Seen => "the categories that it has seen".to_owned(),
    }
}

/// A whole number in groups of three digits.
pub fn count(value: u64) -> String {
    group(&value.to_string())
}

/// A share as a percentage. What is not nothing is never shown as 0 %, and what is not all never as 100 %.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = if percent > 0.0 && percent < 0.05 {
        "< 0.1".to_owned()
    } else if (99.95..100.0).contains(&percent) {
        "> 99.9".to_owned()
    } else {
        format!("{percent:.1}").replace('-', "−")
    };
    format!("{text}\u{a0}%")
}

/// A difference of shares in percentage points, with its sign.
pub fn points(difference: f64) -> String {
    let sign = if difference < 0.0 { "−" } else { "+" };
    format!("{sign}{:.1}\u{a0}pp", difference.abs() * 100.0)
}

/// A probability.
pub fn probability(p: f64) -> String {
    if p < 1e-4 {
        "< 0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}

/// A score: how many times the limit a value is.
pub fn times(score: f64) -> String {
    if score >= stats::SCORE_MAX {
        format!("≥\u{a0}{}×", stats::SCORE_MAX)
    } else {
        format!("{score:.2}×")
    }
}

/// A length of time in its two largest units.
pub fn span(seconds: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0)];
    let seconds = seconds.abs();
    if 0.0 < seconds && seconds < 0.1 {
        return format!("{}\u{a0}ms", (seconds * 1e3).ceil());
    }
    if seconds < 10.0 {
        let text = format!("{seconds:.1}");
        return format!("{}\u{a0}s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let whole = seconds.round();
    let first = UNITS.iter().position(|(_, length)| whole >= *length);
    let first = first.unwrap_or(UNITS.len() - 1);
    let (unit, length) = UNITS[first];
    let mut text = format!("{}\u{a0}{unit}", (whole / length).floor());
    if let Some((smaller, smaller_length)) = UNITS.get(first + 1) {
        let rest = (whole % length / smaller_length).floor();
        if rest > 0.0 {
            text.push_str(&format!(" {rest}\u{a0}{smaller}"));
        }
    }
    text
}

/// How long ago something was.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_microsecond() - then.as_microsecond()) as f64 / 1e6;
    if seconds < -1.0 {
        format!("in {}", span(seconds))
    } else if seconds < 1.0 {
        "just now".to_owned()
    } else {
        format!("{} ago", span(seconds.floor()))
    }
}

/// A moment, in UTC, to the second.
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A stretch of time, in UTC, in no more words than tell it.
pub fn between(start: Timestamp, end: Timestamp) -> String {
    let whole_minutes = [start, end]
        .iter()
        .all(|time| time.as_second() % 60 == 0 && time.subsec_nanosecond() == 0);
    let time = if whole_minutes { "%H:%M" } else { "%H:%M:%S" };
    let with_date = format!("%Y-%m-%d {time}");
    let same_day = start.strftime("%F").to_string() == end.strftime("%F").to_string();
    let end = end.strftime(if same_day { time } else { &with_date });
    format!("{} to {end} UTC", start.strftime(&with_date))
}

/// A duration as the manifest writes it.
pub fn duration(duration: Duration) -> String {
    crds::duration::display(duration)
}

fn significant(value: f64, digits: i32) -> String {
    let magnitude = value.abs();
    let text = if magnitude == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e15).contains(&magnitude) {
        let decimals = digits as usize - 1;
        format!("{value:.decimals$e}")
    } else if magnitude.fract() == 0.0 {
        group(&format!("{value}"))
    } else {
        let decimals = decimals(magnitude, digits);
        group(&format!("{value:.decimals$}"))
    };
    text.replace('-', "−")
}

/// How many digits behind the point a magnitude of at least 1e-4 has with so many significant ones: at most 7.
fn decimals(magnitude: f64, digits: i32) -> usize {
    (digits - 1 - magnitude.log10().floor() as i32).max(0) as usize
}

/// Puts a comma between groups of three digits before the point.
fn group(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match rest.find('.') {
        Some(point) => rest.split_at(point),
        None => (rest, ""),
    };
    let mut grouped = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let check = |value, expected: &str| assert_eq!(number(value), expected);
        check(0.0, "0");
        check(-0.0, "0");
        check(12.0, "12");
        check(1234567.0, "1,234,567");
        check(-1234.5, "−1,234"); // Half to even.
        check(0.123456, "0.1235");
        check(12.3456, "12.35");
        check(0.000012345, "1.234e−5");
        check(1e18, "1.000e18");
        check(f64::MAX, "1.798e308");
    }

    #[test]
    fn parts_have_the_digits_of_the_largest() {
        let check = |values, expected: [&str; 3]| assert_eq!(changes(values), expected);
        check([4.5, 3.75, 0.75], ["+4.500", "+3.750", "+0.750"]);
        check([0.0234, -2.303e-6, 0.0234], ["+0.02340", "0", "+0.02340"]);
        check([-1200.0, 34.5, -1234.5], ["−1,200", "+34", "−1,234"]); // Half to even.
        check([2e-5, 1e-5, 1e-5], ["+2.000e−5", "+1.000e−5", "+1.000e−5"]);
        check([0.0; 3], ["0"; 3]);
    }

    #[test]
    fn shares_never_lie_about_all_and_nothing() {
        assert_eq!(percent(0.0), "0.0\u{a0}%");
        assert_eq!(percent(0.0001), "< 0.1\u{a0}%");
        assert_eq!(percent(0.4213), "42.1\u{a0}%");
        assert_eq!(percent(0.9999), "> 99.9\u{a0}%");
        assert_eq!(percent(1.0), "100.0\u{a0}%");
        assert_eq!(points(-0.012), "−1.2\u{a0}pp");
    }

    #[test]
    fn a_stretch_of_time_repeats_nothing() {
        let check = |start: &str, end: &str, expected: &str| {
            let [start, end] = [start, end].map(|text| text.parse().unwrap());
            assert_eq!(between(start, end), expected);
        };
        check(
            "2017-05-28T06:00:00Z",
            "2017-06-04T06:00:00Z",
            "2017-05-28 06:00 to 2017-06-04 06:00 UTC",
        );
        check(
            "2017-05-28T06:00:10Z",
            "2017-05-28T06:00:20Z",
            "2017-05-28 06:00:10 to 06:00:20 UTC",
        );
    }

    #[test]
    fn times_have_two_units() {
        let check = |seconds, expected: &str| {
            assert_eq!(span(seconds).replace('\u{a0}', " "), expected);
        };
        check(0.0, "0 s");
        check(0.0271, "28 ms");
        check(0.25, "0.2 s");
        check(3.0, "3 s");
        check(59.4, "59 s");
        check(61.0, "1 min 1 s");
        check(7_200.0, "2 h");
        check(93_600.0, "1 d 2 h");
        check(864_000.0, "10 d");
    }
}
