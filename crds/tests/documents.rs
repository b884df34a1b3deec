//! Documents as programs meet them: defaults, several mistakes at once, places, syntax errors, and texts that are none.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test says by panicking what is wrong.

use std::time::Duration;

use crds::handoff::ExporterConfig;
use crds::manifest::{self, LoadError, Loaded};
use crds::valid::{
    Auth, BaselineKind, CategoricalStatistic, Kind, Monitor, NumericStatistic, Query, State,
};
use crds::violation::Location;
use crds::{FeatureMonitor, valid};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../examples/customer-segmentation.yaml");
const PLAIN: &str = include_str!("../examples/latest-table.yaml");
const HOURS: Duration = Duration::from_secs(3600);
const DAYS: Duration = Duration::from_secs(86_400);

fn load(text: &str) -> Loaded {
    manifest::load(text).unwrap_or_else(|error| panic!("{error}"))
}

fn monitor(text: &str) -> Monitor {
    load(text).monitor
}

/// The violations of a text, as `path@line:column`.
fn places(text: &str) -> Vec<String> {
    match manifest::load(text) {
        Err(LoadError::Violations(violations)) => violations
            .as_slice()
            .iter()
            .map(|v| {
                let Location { line, column } = v.location.unwrap();
                format!("{}@{line}:{column}", v.path)
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_main_example_means_what_it_says() {
    let monitor = monitor(EXAMPLE);
    assert_eq!(
        (monitor.namespace.as_str(), monitor.name.as_str()),
        ("ml-prod", "customer-segmentation")
    );
    assert_eq!(
        (
            monitor.owner.team.as_str(),
            monitor.owner.contact.as_deref()
        ),
        ("growth-ml", Some("#growth-ml"))
    );
    let flight = &monitor.source;
    assert_eq!(
        (
            flight.address.tls,
            flight.address.host.as_str(),
            flight.address.port
        ),
        (false, "localhost", 8815)
    );
    assert_eq!(
        (flight.timeout, flight.max_message_bytes, &flight.auth),
        (Duration::from_secs(60), 64 << 20, &Auth::None)
    );
    let window = monitor.data.window.as_ref().unwrap();
    assert_eq!(
        (window.length, window.allowed_lateness),
        (7 * DAYS, 6 * HOURS)
    );
    let (from, to) = (
        "2017-03-26T06:00:00Z".parse().unwrap(),
        "2017-05-07T06:00:00Z".parse().unwrap(),
    );
    assert_eq!(monitor.baseline.kind, BaselineKind::Pinned { from, to });
    let Query::Command(command) = &flight.query else {
        panic!("{:?}", flight.query)
    };
    let filled: serde_json::Value =
        serde_json::from_str(&command.render(Some((from, to)))).unwrap();
    assert_eq!(filled["from"], "2017-03-26T06:00:00Z");
    let features = &monitor.data.features;
    for none in ["household_id", "last_event_ts", "snapshot_ts", "segment"] {
        assert!(!features.selects(none), "{none}");
    }
    assert!(features.selects("tenure_days") && features.selects("anything"));
    assert_eq!(
        (features.forced_kind("age"), features.sensitive("age")),
        (Some(Kind::Categorical), true)
    );
    assert_eq!(
        (
            features.forced_kind("tenure_days"),
            features.sensitive("tenure_days")
        ),
        (None, false)
    );
    assert_eq!(monitor.checks.freshness.warning, Some(10 * DAYS));
    assert_eq!(
        (
            monitor.false_alarms.critical.count,
            monitor.false_alarms.critical.per
        ),
        (1.0, 30 * DAYS)
    );
    assert_eq!(
        monitor.state,
        State::VolumeClaim {
            size: "1Gi".to_owned(),
            storage_class: None,
            retain: false
        }
    );
}

#[test]
fn what_is_not_given_has_a_default() {
    let monitor = monitor(PLAIN);
    assert_eq!(monitor.namespace, "default");
    assert_eq!(
        (monitor.source.timeout, monitor.source.max_message_bytes),
        (Duration::from_secs(60), 64 << 20)
    );
    assert_eq!(
        (monitor.baseline.kind, monitor.baseline.revision),
        (BaselineKind::Previous, 1)
    );
    assert_eq!(
        (
            monitor.false_alarms.critical.per,
            monitor.false_alarms.warning.per
        ),
        (30 * DAYS, 7 * DAYS)
    );
    let State::VolumeClaim {
        size,
        retain: false,
        storage_class: None,
    } = &monitor.state
    else {
        panic!("{:?}", monitor.state)
    };
    assert_eq!(size, "1Gi");
    let checks = &monitor.checks;
    assert!(checks.schema.enabled);
    // Without a window, 2 and 4 times the schedule of 15 minutes.
    assert_eq!(
        (checks.freshness.warning, checks.freshness.critical),
        (Some(HOURS / 2), Some(HOURS))
    );
    assert_eq!(
        (checks.drift.check.warning, checks.drift.check.critical),
        (None, None)
    );
    assert_eq!(
        (
            checks.drift.check.min_rows,
            checks.missing.min_rows,
            checks.freshness.min_rows
        ),
        (200, 200, 1)
    );
    assert_eq!(checks.drift.check.consecutive.get(), 1);
    assert_eq!(checks.drift.alarm_on.numeric, NumericStatistic::KS);
    assert_eq!(checks.drift.alarm_on.categorical, CategoricalStatistic::PSI);
    assert_eq!(monitor.data.features.literal_names(), ["price", "margin"]);
    assert!(monitor.data.features.selects("stock_nl") && !monitor.data.features.selects("other"));
}

#[test]
fn freshness_follows_the_window_and_needs_an_event_time() {
    let text = EXAMPLE.replace(
        "      warning: 10d\n      critical: 14d\n",
        "      minRows: 5\n",
    );
    let freshness = monitor(&text).checks.freshness;
    assert_eq!(
        (freshness.warning, freshness.critical),
        (Some(10 * DAYS + 12 * HOURS), Some(14 * DAYS))
    );
    let text = EXAMPLE
        .replace("      critical: 14d\n", "")
        .replace("warning: 10d", "warning: 20d");
    assert_eq!(
        monitor(&text).checks.freshness.critical,
        Some(20 * DAYS),
        "never below the warning"
    );
    let text = EXAMPLE
        .replace("      warning: 10d\n", "")
        .replace("critical: 14d", "critical: 3d");
    assert_eq!(
        monitor(&text).checks.freshness.warning,
        Some(3 * DAYS),
        "never above the critical"
    );
    let text = PLAIN.replace("    eventTime: computed_at\n", "");
    assert!(!monitor(&text).checks.freshness.enabled);
}

#[test]
fn what_can_never_be_judged_is_refused_where_it_is_asked_for() {
    let check = |checks: &str, expected: &[&str]| {
        let text = format!("{PLAIN}  checks: {{{checks}}}\n");
        let found: Vec<String> = match manifest::load(&text) {
            Ok(_) => Vec::new(),
            Err(LoadError::Violations(violations)) => {
                let violations = violations.into_vec().into_iter();
                violations.map(|violation| violation.path).collect()
            }
            Err(error) => panic!("{checks}: {error}"),
        };
        assert_eq!(found, expected, "{checks}");
    };
    // On by default, all of them.
    check("", &[]);
    check("correlation: {}, missingPatterns: {}, freshness: {}", &[]);
    check("level: {enabled: false}, shift: {enabled: false}", &[]);
    check("level: {enabled: false, critical: 8}", &[]);
    check("level: {}", &["spec.checks.level"]);
    check("level: {enabled: true}", &["spec.checks.level"]);
    let one = "overrides: [{features: [price], enabled: true}]";
    check(
        &format!("level: {{enabled: false, {one}}}"),
        &["spec.checks.level"],
    );
    let both = ["spec.checks.performance", "spec.checks.performance"];
    check("performance: {minRows: 500}", &both);
    let named = |enabled| format!("drift: {{overrides: [{{features: [sku], {enabled}}}]}}");
    check(&named("enabled: false"), &[]);
    check(
        &named("minRows: 500"),
        &["spec.checks.drift.overrides[0].features[0]"],
    );
}

#[test]
fn the_last_matching_override_holds_for_each_field() {
    let text = format!(
        "{PLAIN}  checks:\n    drift:\n      warning: 0.3\n      overrides:\n        \
         - {{features: [\"stock_*\"], critical: 0.2, minRows: 9}}\n        \
         - {{features: [stock_nl], enabled: false, minRows: 7, consecutive: 3}}\n"
    );
    let drift = monitor(&text).checks.drift;
    let other = drift.limits_for("price");
    assert_eq!(
        (other.warning, other.critical, other.min_rows, other.enabled),
        (Some(0.3), None, 200, true)
    );
    let nl = drift.limits_for("stock_nl");
    assert_eq!(
        (nl.min_rows, nl.enabled, nl.consecutive.get()),
        (7, false, 3)
    );
    // An override below the check's own warning is raised to it.
    assert_eq!((nl.warning, nl.critical), (Some(0.3), Some(0.3)));
}

#[test]
fn every_mistake_is_reported_with_its_place_in_the_order_of_the_text() {
    let text = EXAMPLE
        .replace("uri: grpc://localhost:8815", "uri: grpc://localhost")
        .replace("timeout: 60s", "timeout: 60 s")
        .replace("entityKeys:", "entityKey:")
        .replace("length: 7d", "length: 0s")
        .replace("type: Categorical", "type: Category")
        .replace("revision: 1", "revision: one")
        .replace("minRows: 200", "minRows: 0");
    let expected: Vec<String> = [
        ("spec.source.flight.uri", "      uri:"),
        ("spec.source.flight.timeout", "      timeout:"),
        ("spec.data.entityKey", "    entityKey:"),
        ("spec.data.window.length", "      length:"),
        ("spec.data.features.overrides[0].type", "          type:"),
        ("spec.baseline.revision", "    revision:"),
        ("spec.checks.drift.minRows", "      minRows:"),
    ]
    .iter()
    .map(|(path, line)| {
        let number = text.lines().position(|l| l.starts_with(line)).unwrap() + 1;
        let column = line.len() - line.trim_start().len() + 1;
        format!("{path}@{number}:{column}")
    })
    .collect();
    let mut found = places(&text);
    // A missing field has the place of what it is missing from.
    found.retain(|place| !place.starts_with("spec.data.entityKeys@"));
    assert_eq!(found, expected);
}

#[test]
fn one_unreadable_field_does_not_hide_the_others() {
    let text = EXAMPLE
        .replace("length: 7d", "length: 0s")
        .replace("minRows: 200", "minRows: many");
    let found = places(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("spec.data.window.length@"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("spec.checks.drift.minRows@"),
        "{found:?}"
    );
}

#[test]
fn an_unknown_field_gets_the_nearest_name() {
    let text = EXAMPLE
        .replace("allowedLateness:", "allowedLatenes:")
        .replace("minRows: 200", "min_rows: 200");
    let Err(LoadError::Violations(violations)) = manifest::load(&text) else {
        panic!()
    };
    let said: Vec<&str> = violations
        .as_slice()
        .iter()
        .map(|v| v.write.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "write allowedLateness, or remove it",
            "write minRows, or remove it"
        ]
    );
}

#[test]
fn a_password_or_a_header_value_is_never_repeated() {
    let text = EXAMPLE
        .replace("grpc://localhost:8815", "grpc://me:hunter2@localhost:x")
        .replace(
            "      timeout:",
            "      headers: [{name: a, value: \"hunter2\\u0001\"}]\n      timeout:",
        );
    let error = manifest::load(&text).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!(error.lines().count(), 2, "{error}");
}

#[test]
fn a_syntax_error_has_line_and_column() {
    for (text, line) in [
        ("a: [1, 2", 1),
        ("a: 1\nb: {\n", 2),
        ("a: 1\na: 2\n", 2),
        ("a: 1\n b: 2\n", 2),
    ] {
        match manifest::load(text) {
            Err(LoadError::Syntax {
                location: Some(location),
                message,
            }) => {
                assert_eq!(location.line, line, "{text:?}: {message}");
                assert!(!message.is_empty());
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn two_documents_are_one_too_many() {
    let text = format!("{EXAMPLE}---\n{PLAIN}");
    let Err(LoadError::Syntax { location, message }) = manifest::load(&text) else {
        panic!("two documents are taken for one");
    };
    assert!(location.is_some());
    assert_eq!(
        message,
        "found a second document: write one FeatureMonitor a file"
    );
}

#[test]
fn a_field_that_is_there_twice_is_named() {
    let text = format!("{PLAIN}  data: {{}}\n");
    let Err(LoadError::Syntax { location, message }) = manifest::load(&text) else {
        panic!("a field may be there twice");
    };
    assert!(location.is_some());
    assert_eq!(message, "\"data\" is there twice: remove one");
}

#[test]
fn a_number_that_is_not_finite_has_a_path() {
    for (number, also) in [(".nan", 0), (".inf", 0), ("-.inf", 1)] {
        let every = if also == 0 { "1h" } else { "60d" };
        let text = EXAMPLE
            .replace("minRows: 200", &format!("warning: {number}"))
            .replace("every: 1h", &format!("every: {every}"));
        let Err(LoadError::Violations(violations)) = manifest::load(&text) else {
            panic!("{number} is taken");
        };
        let said: Vec<(&str, &str)> = violations
            .as_slice()
            .iter()
            .map(|said| (said.path.as_str(), said.found.as_str()))
            .collect();
        assert_eq!(said.len(), 1 + also, "{said:?}");
        let found = format!("found {number}, and a number must be finite");
        let expected = ("spec.checks.drift.warning", found.as_str());
        assert!(said.contains(&expected), "{said:?}");
        let all = violations.as_slice().iter();
        assert!(all.clone().all(|said| said.location.is_some()));
    }
}

#[test]
fn the_entry_that_is_no_feature_is_named() {
    let text = EXAMPLE.replace(
        "include: [\"*\"]",
        "include: [age, segment]\n      exclude: [age]",
    );
    let Err(LoadError::Violations(violations)) = manifest::load(&text) else {
        panic!("the target is a feature");
    };
    let said: Vec<String> = violations
        .as_slice()
        .iter()
        .map(|said| format!("{}: {}", said.path, said.found))
        .collect();
    assert_eq!(
        said[..2],
        [
            "spec.data.features.include[1]: \"segment\" is the target",
            "spec.data.features.exclude[0]: \"age\" stands in include too",
        ],
        "{said:?}"
    );
}

/// Where there is one value, and where a text has the form of a time and is none.
#[test]
fn what_to_write_is_what_would_do() {
    for (from, to, write) in [
        (
            "featuremonitor.io/v1alpha1",
            "featuremonitor.io/v1",
            "write featuremonitor.io/v1alpha1",
        ),
        (
            "anchor: 2017-01-01T06:00:00Z",
            "anchor: 2017-02-31T06:00:00Z",
            "write a day and a time that there are, such as 2017-03-26T06:00:00Z",
        ),
    ] {
        let text = EXAMPLE.replacen(from, to, 1);
        let Err(LoadError::Violations(violations)) = manifest::load(&text) else {
            panic!("{to} is right");
        };
        let [said] = violations.as_slice() else {
            panic!("{violations}");
        };
        assert_eq!(said.write, write);
    }
}

#[test]
fn an_objective_in_percent_is_said_as_a_share() {
    for (given, write) in [
        ("99", "write 0.99"),
        ("99.9", "write 0.999"),
        ("100", "write one such as 0.995"),
        ("0", "write one such as 0.995"),
        ("-1", "write one such as 0.995"),
    ] {
        let slo =
            format!("  slos:\n    - {{name: fresh, indicator: Freshness, objective: {given}}}\n");
        let text = format!("{EXAMPLE}{slo}");
        let Err(LoadError::Violations(violations)) = manifest::load(&text) else {
            panic!("{given} is an objective");
        };
        let [said] = violations.as_slice() else {
            panic!("{violations}");
        };
        assert_eq!(said.path, "spec.slos[0].objective");
        let found = format!("found {given}: an objective is a share between 0.5 and 0.9999");
        assert_eq!(
            (said.found.as_str(), said.write.as_str()),
            (found.as_str(), write)
        );
    }
}

#[test]
fn that_nothing_is_ever_judged_is_noted() {
    const CHECKS: [&str; 14] = [
        "schema",
        "freshness",
        "drift",
        "missing",
        "quality",
        "outliers",
        "correlation",
        "performance",
        "segments",
        "level",
        "shift",
        "duplicates",
        "missingPatterns",
        "imputation",
    ];
    let notes = |but: &str, more: &str| {
        let off = CHECKS.iter().filter(|check| **check != but);
        let off = off.map(|check| format!("    {check}: {{enabled: false}}\n"));
        let text = format!("{PLAIN}  checks:\n{}{more}", off.collect::<String>());
        match manifest::load(&text) {
            Ok(loaded) => loaded.monitor.notes(),
            Err(error) => panic!("{error}\n{text}"),
        }
    };
    let none = ["all checks are off: nothing is ever judged."];
    assert_eq!(notes("", ""), none);
    assert_eq!(notes("drift", ""), [""; 0]);
    let some = "    drift: {enabled: false, overrides: [{features: [price], enabled: true}]}\n";
    assert_eq!(notes("drift", some), [""; 0]);
    let rule = "  rules:\n    - {name: old, expr: price > 0, over: Rows, severity: Warning}\n";
    assert_eq!(notes("", rule), [""; 0]);
}

#[test]
fn what_is_no_manifest_is_refused() {
    for text in [
        "",
        "# only a comment\n",
        "[]",
        "just text",
        "42",
        "kind: Pod",
        "kind: ExporterConfig",
        "spec: 7",
    ] {
        assert!(
            matches!(manifest::load(text), Err(LoadError::Violations(_))),
            "{text:?}"
        );
    }
    assert!(matches!(
        manifest::load(&"#".repeat(2 << 20)),
        Err(LoadError::TooLarge { .. })
    ));
}

#[test]
fn the_handed_over_config_means_the_same() {
    let from_manifest = load(EXAMPLE);
    let text = serde_json::to_string_pretty(&from_manifest.config).unwrap();
    let from_config = load(&text);
    assert_eq!(from_config, from_manifest);
    assert_eq!(from_config.hash.len(), 64);
}

#[test]
fn a_config_s_hash_follows_its_content_alone() {
    let loaded = load(EXAMPLE);
    let commented = load(&format!("# another comment\n{EXAMPLE}"));
    assert_eq!(commented.hash, loaded.hash);
    let other = load(&EXAMPLE.replace("every: 1h", "every: 2h"));
    assert_ne!(other.hash, loaded.hash);
    // The hash is part of the contract between releases of the two programs.
    let resource: FeatureMonitor = serde_saphyr::from_str(PLAIN).unwrap();
    assert_eq!(
        ExporterConfig::from(&resource).hash(),
        "317317a921697c8541bd2604f73c82bac21efd0dfa2bebdc5312b090eb12807c"
    );
}

#[test]
fn a_config_of_a_newer_operator_is_refused() {
    let mut config = load(PLAIN).config;
    config.version = 2;
    let text = serde_json::to_string(&config).unwrap();
    assert!(places(&text)[0].starts_with("version@"));
}

proptest! {
    /// Whatever stands in a file, it is refused or read, and nothing panics.
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = manifest::load(&text);
    }

    /// A line of the example cut anywhere and continued by anything.
    #[test]
    fn no_edit_of_a_manifest_panics(at in 0..EXAMPLE.len(), cut in 0_usize..40, text in "[ -~\\n]{0,20}") {
        let end = (at + cut).min(EXAMPLE.len());
        if let (Some(before), Some(after)) = (EXAMPLE.get(..at), EXAMPLE.get(end..)) {
            let _ = manifest::load(&format!("{before}{text}{after}"));
        }
    }

    /// Any texts in the fields that are parsed.
    #[test]
    fn no_field_panics(texts in prop::collection::vec("\\PC{0,30}|[0-9a-z:./@${}*\\[\\]-]{0,30}", 12)) {
        let mut resource: FeatureMonitor = serde_saphyr::from_str(EXAMPLE).unwrap();
        let spec = &mut resource.spec;
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap();
        spec.source.flight.uri = next();
        spec.source.flight.query.command = Some(next());
        spec.source.flight.timeout = Some(crds::duration::DurationText(next()));
        spec.source.flight.max_message_size = Some(crds::quantity::QuantityText(next()));
        let window = spec.data.window.as_mut().unwrap();
        window.length = crds::duration::DurationText(next());
        window.anchor = Some(crds::timestamp::TimestampText(next()));
        let pinned = spec.baseline.pinned.as_mut().unwrap();
        pinned.from = crds::timestamp::TimestampText(next());
        pinned.to = crds::timestamp::TimestampText(next());
        spec.false_alarms.as_mut().unwrap().critical = Some(crds::alarms::RateText(next()));
        spec.data.features.as_mut().unwrap().include = Some(vec![next()]);
        spec.owner.team = next();
        resource.metadata.name = Some(next());
        let _ = valid::validate(&resource);
    }

    /// Pinned times anywhere: a valid baseline is a whole number of windows, and the nearest boundary that a violation
    /// names is one.
    #[test]
    fn a_pinned_baseline_is_whole_windows(from in 0_i64..4_000_000_000, length in 1_u64..10_000_000, windows in 1_u64..600, off in 0_u64..3) {
        let mut resource: FeatureMonitor = serde_saphyr::from_str(EXAMPLE).unwrap();
        resource.spec.data.window.as_mut().unwrap().length = crds::duration::DurationText(format!("{length}s"));
        let to = from + i64::try_from(length * windows + off).unwrap();
        let time = |seconds: i64| crds::timestamp::TimestampText(jiff::Timestamp::from_second(seconds).unwrap().to_string());
        let pinned = resource.spec.baseline.pinned.as_mut().unwrap();
        (pinned.from, pinned.to) = (time(from), time(to));
        match valid::validate(&resource) {
            Ok(monitor) => {
                let window = monitor.data.window.unwrap();
                let BaselineKind::Pinned { from, to } = monitor.baseline.kind else { panic!() };
                let count = (to.as_second() - from.as_second()) / i64::try_from(window.length.as_secs()).unwrap();
                prop_assert!((1..=512).contains(&count));
                prop_assert_eq!((from.as_second() - window.anchor.as_second()).rem_euclid(i64::try_from(window.length.as_secs()).unwrap()), 0);
            }
            Err(violations) => {
                for violation in violations.as_slice() {
                    if let Some(nearest) = violation.write.strip_suffix(", the nearest one") {
                        let nearest: jiff::Timestamp = nearest.strip_prefix("write ").unwrap().parse().unwrap();
                        let anchor: jiff::Timestamp = "2017-01-01T06:00:00Z".parse().unwrap();
                        prop_assert_eq!((nearest.as_second() - anchor.as_second()).rem_euclid(i64::try_from(length).unwrap()), 0);
                    }
                }
            }
        }
    }
}
