//! What every row of the table must keep to, and that the generated reference is fresh.

use std::collections::{BTreeMap, BTreeSet};

use metrics::{Definition, Kind, Label, Unit, docs, table};

/// Checks a rule for each family and reports all that break it.
fn check(rule: &str, holds: impl Fn(&Definition) -> bool) {
    let breaking: Vec<&str> = table::ALL
        .iter()
        .filter(|family| !holds(family))
        .map(|family| family.name)
        .collect();
    assert!(breaking.is_empty(), "{rule}: {breaking:?}");
}

#[test]
fn names_follow_the_conventions() {
    check(
        "a name starts with featuremonitor_ and is snake_case",
        |family| {
            family.name.starts_with("featuremonitor_")
                && family
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        },
    );
    check("counters end in _total, and only they", |family| {
        family.name.ends_with("_total") == (family.kind == Kind::Counter)
    });
    check("infos end in _info, and only they", |family| {
        family.name.ends_with("_info") == (family.kind == Kind::Info)
    });
    check("ratios end in _ratio, and only they", |family| {
        family.name.ends_with("_ratio") == (family.unit == Unit::Ratio)
    });
    check("the OpenMetrics unit ends the family's name", |family| {
        family
            .unit
            .open_metrics()
            .is_none_or(|unit| family.open_metrics_name().ends_with(&format!("_{unit}")))
    });
    check("no age, no percent", |family| {
        !family
            .name
            .split('_')
            .any(|word| ["age", "percent", "lag"].contains(&word))
    });
    check(
        "gauges of seconds are timestamps or an interval",
        |family| {
            family.kind != Kind::Gauge
                || family.unit != Unit::Seconds
                || family.name.ends_with("_timestamp_seconds")
                || family.name.ends_with("_interval_seconds")
        },
    );
}

#[test]
fn names_are_unique_in_both_formats() {
    let mut seen = BTreeMap::new();
    for family in table::ALL {
        for name in BTreeSet::from([family.name, family.open_metrics_name()]) {
            assert_eq!(seen.insert(name, family.name), None, "{name} stands twice");
        }
    }
}

#[test]
fn help_and_usage_are_sentences() {
    check(
        "help is one capitalised line that ends in a period",
        |family| {
            let help = family.help();
            !help.starts_with(char::is_lowercase) && help.ends_with('.') && !help.contains('\n')
        },
    );
    check("the usage is a sentence", |family| {
        let sentence = family.usage.sentence;
        sentence.starts_with(char::is_uppercase) && sentence.ends_with('.')
    });
}

#[test]
fn labels_do_not_repeat_the_scope() {
    check("a label stands once", |family| {
        let labels: Vec<&Label> = family.scope.labels().iter().chain(family.labels).collect();
        labels.iter().collect::<BTreeSet<_>>().len() == labels.len()
    });
}

#[test]
fn queries_name_families_and_labels_of_the_table() {
    for family in table::ALL {
        let mentioned = words(family.usage.query)
            .filter(|word| word.starts_with("featuremonitor_"))
            .map(|word| {
                let stem = word.strip_suffix("_bucket").unwrap_or(word);
                table::ALL
                    .iter()
                    .find(|other| other.name == stem)
                    .unwrap_or_else(|| panic!("{}: no family {word}", family.name))
            })
            .collect::<Vec<_>>();
        assert!(
            mentioned.iter().any(|other| other.name == family.name),
            "{}: the query does not use it",
            family.name
        );
    }
}

fn words(query: &str) -> impl Iterator<Item = &str> {
    query.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
}

#[test]
fn the_reference_in_docs_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == docs::markdown(),
        "docs/metrics.md is stale: run `make generate`"
    );
}
