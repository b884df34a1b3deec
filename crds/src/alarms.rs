//! How many false alarms an owner accepts, as text such as `1 per 30d`.

use std::borrow::Cow;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::duration;

/// Expected number of false alarms of this monitor, over all its features and checks, when nothing has changed. Limits
/// that are not written in `checks` follow from it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct FalseAlarms {
    /// False critical alarms, as `<count> per <duration>`: 0.001 to 1,000 per 1s to 3660d.
    /// Default: `1 per 30d`. Example: `1 per 90d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<RateText>,

    /// False warnings, as `<count> per <duration>`: 0.001 to 1,000 per 1s to 3660d.
    /// Default: `1 per 7d`. Example: `2 per 7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<RateText>,
}

/// A rate as it stands in a manifest, such as `1 per 30d`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct RateText(pub String);

impl JsonSchema for RateText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 8,
            "maxLength": 64,
            "pattern": format!("^[0-9]{{1,6}}(\\.[0-9]{{1,6}})? per {}$", duration::PATTERN_BODY),
        })
    }
}

/// So many events per time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Expected number of events, 0.001 to 1,000.
    pub count: f64,
    /// The time in which they are expected, 1 s to 3660 d.
    pub per: std::time::Duration,
}

impl Rate {
    /// Events per second.
    pub fn per_second(&self) -> f64 {
        self.count / self.per.as_secs_f64()
    }
}

/// Reads `<count> per <duration>`. The error says what to write.
pub fn parse(text: &str) -> Result<Rate, String> {
    const WRITE: &str = "write a count, the word per, and a duration, such as 1 per 30d";
    let Some((count, per)) = text.split_once(" per ") else {
        return Err(WRITE.to_owned());
    };
    let count: f64 = match count.parse() {
        Ok(number) if count.bytes().all(|b| b.is_ascii_digit() || b == b'.') => number,
        _ => return Err(WRITE.to_owned()),
    };
    if !(0.001..=1000.0).contains(&count) {
        return Err("write a count between 0.001 and 1000, such as 1 per 30d".to_owned());
    }
    let per = duration::parse(per)?;
    duration::within(per, std::time::Duration::from_secs(1), duration::DAY * 3660)?;
    Ok(Rate { count, per })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_counts_and_fractions() {
        let rate = parse("0.5 per 1w").unwrap();
        assert_eq!((rate.count, rate.per), (0.5, duration::DAY * 7));
        assert!((parse("1 per 10s").unwrap().per_second() - 0.1).abs() < 1e-15);
    }

    #[test]
    fn refuses_what_is_no_rate() {
        for text in [
            "1",
            "per 30d",
            "one per 30d",
            "1 per",
            "1 per month",
            "0 per 7d",
            "-1 per 7d",
            "1e3 per 7d",
            "NaN per 7d",
            "1 per 0s",
            "2000 per 7d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
