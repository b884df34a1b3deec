//! Sizes as Kubernetes quantities: `64Mi`, `1Gi`, `500M`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Suffixes with their size in bytes.
const SUFFIXES: [(&str, u64); 9] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("", 1),
];

/// A size as it stands in a manifest, such as `64Mi`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct QuantityText(pub String);

impl JsonSchema for QuantityText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": 20,
            "pattern": "^[0-9]{1,15}(Ki|Mi|Gi|Ti|k|M|G|T)?$",
        })
    }
}

/// Reads a size in bytes. The error says what to write.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let refused = || "write a whole number of bytes with a suffix, such as 64Mi".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let (_, size) = SUFFIXES
        .iter()
        .find(|(name, _)| *name == suffix)
        .ok_or_else(refused)?;
    let number: u64 = number.parse().map_err(|_| refused())?;
    number.checked_mul(*size).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_binary_and_decimal_suffixes() {
        assert_eq!(parse_bytes("64Mi"), Ok(67_108_864));
        assert_eq!(parse_bytes("5M"), Ok(5_000_000));
        assert_eq!(parse_bytes("1024"), Ok(1024));
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in [
            "",
            "Mi",
            "1.5Gi",
            "-1Mi",
            "64MB",
            "64 Mi",
            "99999999999999999999",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        assert!(
            parse_bytes("999999999999999Ti").is_err(),
            "more than 64 bits"
        );
    }
}
