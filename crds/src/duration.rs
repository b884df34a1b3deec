//! Durations in Prometheus form: `7d`, `1h30m`, `250ms`.
//!
//! Units, each at most once and from large to small: `y` (365 d), `w` (7 d), `d` (24 h), `h`, `m`, `s`, `ms`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// 24 hours.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The regular expression of a duration, without anchors. It also matches the empty string, which `minLength` refuses.
pub const PATTERN_BODY: &str = "([0-9]{1,9}y)?([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?";

/// Units from large to small, with their length in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A duration as it stands in a manifest, such as `7d`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct DurationText(pub String);

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 2,
            "maxLength": 32,
            "pattern": format!("^{PATTERN_BODY}$"),
        })
    }
}

/// Reads a duration. The error says what to write.
pub fn parse(text: &str) -> Result<Duration, String> {
    let refused = || "write a duration such as 7d, 1h30m or 250ms".to_owned();
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut milliseconds = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, tail) = tail.split_at(letters);
        // Continuing the same iterator refuses a unit that comes twice or out of order.
        let (_, length) = units.find(|(name, _)| *name == unit).ok_or_else(refused)?;
        let number: u64 = number.parse().map_err(|_| refused())?;
        milliseconds = number
            .checked_mul(*length)
            .and_then(|part| milliseconds.checked_add(part))
            .ok_or_else(refused)?;
        rest = tail;
    }
    if text.is_empty() {
        return Err(refused());
    }
    Ok(Duration::from_millis(milliseconds))
}

/// Refuses a duration that is not between two others. The error says what to write.
pub fn within(duration: Duration, least: Duration, most: Duration) -> Result<Duration, String> {
    if (least..=most).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "write a duration between {} and {}",
            display(least),
            display(most)
        ))
    }
}

/// Writes a duration in the form that [`parse`] reads, to the millisecond; weeks and years are written as days.
pub fn display(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, length) in &UNITS[2..] {
        if rest >= *length {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        let all = parse("1y2w3d4h5m6s7ms").unwrap();
        assert_eq!(
            all,
            DAY * (365 + 14 + 3) + Duration::from_millis(((4 * 60 + 5) * 60 + 6) * 1000 + 7)
        );
        assert_eq!(parse("0s").unwrap(), Duration::ZERO);
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "7",
            "d",
            "1h1h",
            "1m1h",
            "-1s",
            "1.5h",
            "7 d",
            "7D",
            "1µs",
            "99999999999999999999s",
            "999999999999999y",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["7d", "1h30m", "250ms", "0s", "60d5s1ms"] {
            assert_eq!(display(parse(text).unwrap()), text);
        }
    }
}
