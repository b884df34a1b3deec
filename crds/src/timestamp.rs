//! Times as RFC 3339: `2017-03-26T06:00:00Z`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A time as it stands in a manifest, such as `2017-03-26T06:00:00Z`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct TimestampText(pub String);

impl JsonSchema for TimestampText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "minLength": 20,
            "maxLength": 35,
        })
    }
}

/// Reads a time between 1900 and 2200, which Arrow's 64-bit nanoseconds can hold. The error says what to write.
pub fn parse(text: &str) -> Result<jiff::Timestamp, String> {
    let refused = || "write a time with its zone, such as 2017-03-26T06:00:00Z".to_owned();
    // jiff also reads ISO 8601 forms that RFC 3339, and so the API server, does not have.
    let shape = text.as_bytes();
    let is_rfc3339 = shape.len() >= 20
        && shape.is_ascii()
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
            .iter()
            .all(|&(i, c)| shape[i] == c)
        && !text.contains(['[', ',']);
    if !is_rfc3339 {
        return Err(refused());
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        "write a day and a time that there are, such as 2017-03-26T06:00:00Z".to_owned()
    })?;
    let seconds = time.as_second();
    // 1900-01-01 and 2200-01-01 in Unix seconds.
    if (-2_208_988_800..7_258_118_400).contains(&seconds) {
        Ok(time)
    } else {
        Err("write a time between 1900 and 2200".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_zones() {
        assert_eq!(
            parse("2017-03-26T08:00:00+02:00").unwrap().to_string(),
            "2017-03-26T06:00:00Z"
        );
        assert_eq!(
            parse("2017-03-26T06:00:00.25Z").unwrap().to_string(),
            "2017-03-26T06:00:00.25Z"
        );
    }

    #[test]
    fn refuses_what_is_no_time() {
        let (zone, there, between) = (
            "write a time with its zone, such as 2017-03-26T06:00:00Z",
            "write a day and a time that there are, such as 2017-03-26T06:00:00Z",
            "write a time between 1900 and 2200",
        );
        for (text, write) in [
            ("", zone),
            ("2017-03-26", zone),
            ("2017-03-26T06:00:00", zone),
            ("yesterday", zone),
            ("20170326T060000Z", zone),
            ("2017-13-01T00:00:00Z", there),
            ("2017-02-29T06:00:00Z", there),
            ("9000-01-01T00:00:00Z", between),
        ] {
            assert_eq!(parse(text).unwrap_err(), write, "{text}");
        }
    }
}
