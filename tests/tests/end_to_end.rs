//! The whole way on real data: weekly customer features from a pyarrow Flight server, through the
//! program, against what DuckDB, numpy and SciPy compute from the same rows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use harness::customers::{self, Customers, python};
use harness::exporter::{self, Exporter, Metrics};
use harness::server::Server;
use serde_json::{Value, json};

/// The weeks after the baseline.
const WEEKS: std::ops::RangeInclusive<u64> = 19..=52;
/// How long a week of the data takes.
const WEEK_SECONDS: u64 = 600;
/// Two exact computations of one number differ by rounding.
const EXACT: f64 = 1e-9;
/// HyperLogLog with 4,096 registers: five standard errors of 1.6 %.
const DISTINCT: f64 = 0.08;
/// Shares of outliers whose fences are read off 1,024 bins.
const FENCED: f64 = 0.004;
/// What `docs/statistics.md` states for the tail of Kolmogorov-Smirnov above 1,013 values.
const KS_TAIL: f64 = 4e-5;
/// Times are told to the microsecond.
const MICROSECOND: f64 = 1e-6;

/// Whether two numbers agree to `tolerance`, relative to the larger one.
fn agree(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * found.abs().max(expected.abs())
}

#[track_caller]
fn check(what: &str, found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.unwrap_or_else(|| panic!("{what} is absent"));
    assert!(
        agree(found, expected, tolerance),
        "{what}: {found} where {expected} is expected"
    );
}

/// The exporter catches up 34 windows, and `/metrics` then describes the last one.
#[test]
fn metrics_equal_the_reference() {
    compare_with_the_reference(&json!({}));
}

/// The shop has no NaN and no infinity, so some are put among its values: they are counted, and nothing
/// else counts them as numbers.
#[test]
fn metrics_equal_the_reference_with_nans_and_infinities() {
    let metrics = compare_with_the_reference(&json!({
        "nans": {"monetary_28d": 0.1, "basket_lines_mean_28d": 0.3},
        "infinities": {"monetary_91d": 0.02, "basket_lines_mean_28d": 0.1},
    }));
    for (family, feature) in [
        ("featuremonitor_feature_nan_ratio", "monetary_28d"),
        ("featuremonitor_feature_nan_ratio", "basket_lines_mean_28d"),
        ("featuremonitor_feature_infinite_ratio", "monetary_91d"),
    ] {
        let share = metrics.get(family, &[("feature", feature)]);
        assert!(share.is_some_and(|share| share > 0.01), "{family}");
    }
}

/// One week in which everything is wrong that makes a value unusable: it is missing, no number, infinite, beyond the range, or of a
/// category that never was; its column is gone or of another type; and rows have no key, or that of another row.
#[test]
fn quality_equals_the_reference_where_much_is_wrong() {
    let customers = Customers::replay(1, WEEK_SECONDS);
    let faults = json!({"weeks": {"19": {
        "drop": ["marital_status"],
        "nulls": {"household_id": 0.05, "monetary_28d": 0.3},
        "nans": {"basket_lines_mean_28d": 0.1},
        "infinities": {"monetary_91d": 0.05},
        "set": {"recency_days": [0.1, 100_000]},
        "twice": 0.1,
        "unseen": {"home_store": 0.2},
        "cast": {"frequency_28d": "float64"},
    }}});
    customers.faults(&faults);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = exporter.wait_for_metric("featuremonitor_quality_ratio", |_| true);
    let expected = check_quality(&metrics, "19", &faults);
    let share = |feature: &str, of: &str| expected["features"][feature][of].as_f64().unwrap();
    for gone in ["marital_status", "frequency_28d"] {
        assert_eq!(share(gone, "quality"), 0.0);
    }
    assert!(share("monetary_28d", "missing") > 0.3);
    for strange in [
        "basket_lines_mean_28d",
        "monetary_91d",
        "recency_days",
        "home_store",
    ] {
        assert!(share(strange, "invalid") > 0.05, "{strange}");
    }
    for of_keys in ["duplicate", "missing"] {
        let share = expected["keys"][of_keys].as_f64().unwrap();
        assert!(share > 0.04, "{of_keys} keys");
    }
    exporter.terminate();
}

/// A column beside a feature says in which rows its values were filled in: it is no feature, and each row counts.
#[test]
fn what_a_flag_says_equals_the_reference() {
    const FILLED_IN: &str = "basket_value_mean_28d";
    let customers = Customers::replay(1, WEEK_SECONDS);
    customers.edit(
        "      overrides:\n",
        &format!(
            "      overrides:\n      - {{names: [{FILLED_IN}], imputedFlag: {FILLED_IN}_imputed}}\n"
        ),
    );
    // Of the week more is missing than of the baseline, and all of it is filled in.
    let faults = json!({
        "impute": {FILLED_IN: [5, 60]},
        "weeks": {"19": {"nulls": {FILLED_IN: 0.2}}},
    });
    customers.faults(&faults);
    let metrics = first_week(&customers);
    let expected = expected("19", &["--faults", &faults.to_string()]);
    check_tests(&metrics, &expected);
    let features = expected["features"].as_object().unwrap();
    assert_eq!(features.len(), 38);
    for (feature, expected) in features {
        check_feature(&metrics, feature, expected);
    }
    let filled_in = &features[FILLED_IN]["filled_in"];
    for (name, field) in [
        ("imputed_ratio", "share"),
        ("reference_imputed_ratio", "reference"),
        ("imputed_ks_statistic", "ks"),
        ("imputed_relative_variance", "variance"),
        ("imputed_relative_stddev", "stddev"),
    ] {
        let family = format!("featuremonitor_feature_{name}");
        let found = metrics.get(&family, &[("feature", FILLED_IN)]);
        check(&family, found, filled_in[field].as_f64().unwrap(), EXACT);
    }
    let missing = metrics.get(
        "featuremonitor_feature_missing_ratio",
        &[("feature", FILLED_IN)],
    );
    assert_eq!(missing, Some(0.0));
    let imputation = [("feature", FILLED_IN), ("check", "imputation")];
    let critical = [imputation[0], imputation[1], ("severity", "critical")];
    let breached = metrics.get("featuremonitor_check_breached", &critical);
    assert_eq!(breached, Some(1.0));
    let flag = format!("{FILLED_IN}_imputed");
    let features = metrics.labels("featuremonitor_feature_info");
    assert!(features.iter().all(|labels| labels["feature"] != flag));
}

/// Few rows, of which keys and features are null, and keys come twice: entities are complete though their rows are not, and the most
/// frequent number is there so often by luck that no floor is the limit.
#[test]
fn few_rows_with_keys_that_come_twice_equal_the_reference() {
    let customers = Customers::replay(1, WEEK_SECONDS);
    let faults = json!({
        "nulls": {"household_id": 0.05, "age": 0.3, "monetary_28d": 0.2},
        "weeks": {"19": {"only": 0.05, "twice": 0.4}},
    });
    customers.faults(&faults);
    let metrics = first_week(&customers);
    let expected = expected("19", &["--faults", &faults.to_string()]);
    check_tests(&metrics, &expected);
    for (feature, expected) in expected["features"].as_object().unwrap() {
        check_feature(&metrics, feature, expected);
        let imputation = &expected["imputation"]["limits"]["warning"];
        assert!(imputation.as_f64().is_none_or(|limit| limit > 0.02));
    }
    let missingness = &expected["missingness"];
    check_missingness(&metrics, missingness);
    let of_entities = missingness["entities"]["current"].as_f64();
    let of_rows = missingness["current"]["complete"].as_f64();
    assert!(of_entities > of_rows);
}

/// What features tell about a number: R² of those that are numbers themselves, ε² of categories.
#[test]
fn a_target_of_numbers_is_told_about_as_in_the_reference() {
    const TARGET: &str = "monetary_91d";
    let customers = Customers::replay(1, WEEK_SECONDS);
    customers.edit("column: segment", &format!("column: {TARGET}"));
    customers.edit("kind: Class", "kind: Number");
    let metrics = first_week(&customers);
    let expected = expected("19", &["--target", TARGET]);
    check_tests(&metrics, &expected);
    check_performance(&metrics, &expected, 15);
    let features = expected["performance"].as_object().unwrap();
    for statistic in ["r_squared", "epsilon_squared"] {
        let telling = |feature: &&Value| feature["tells"] == true;
        let telling = features.values().filter(telling);
        let of = telling.filter(|feature| feature["statistic"] == statistic);
        assert!(of.count() >= 3, "{statistic}");
    }
}

/// What the exporter shows of the first week after the baseline.
fn first_week(customers: &Customers) -> Metrics {
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 1.0);
    exporter.terminate();
    metrics
}

/// What the reference says of a week, with options.
fn expected(week: &str, options: &[&str]) -> Value {
    let found = python("data/expected.py", &[&[week], options].concat());
    serde_json::from_str(&found).unwrap()
}

/// How many tests share the budget.
fn check_tests(metrics: &Metrics, expected: &Value) {
    let tests = metrics.find("featuremonitor_statistical_tests");
    assert_eq!(tests, expected["tests"].as_f64());
}

/// Runs the exporter over all weeks, whose rows have `faults`, and compares what it shows.
fn compare_with_the_reference(faults: &Value) -> Metrics {
    // A week of the data takes ten minutes, and the last one ended five minutes ago, so that nothing
    // more becomes complete while the test looks.
    let weeks = WEEKS.count() as u64;
    let customers = Customers::replay(weeks, WEEK_SECONDS);
    customers.faults(faults);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = exporter.wait_for_metric("featuremonitor_windows_judged_total", |judged| {
        judged >= weeks as f64
    });
    assert_eq!(metrics.find("featuremonitor_windows_pending"), Some(0.0));
    assert_eq!(metrics.find("featuremonitor_evaluation_success"), Some(1.0));
    assert_eq!(metrics.find("featuremonitor_source_up"), Some(1.0));

    check_quality(&metrics, "52", faults);
    let expected = expected("52", &["--faults", &faults.to_string()]);
    check(
        "baseline rows",
        metrics.find("featuremonitor_baseline_rows"),
        expected["baseline_rows"].as_f64().unwrap(),
        0.0,
    );
    check_tests(&metrics, &expected);
    let features = expected["features"].as_object().unwrap();
    assert_eq!(features.len(), 38);
    for (feature, expected) in features {
        check_feature(&metrics, feature, expected);
        let limits = &expected["drift"]["limits"];
        check_distances(&metrics, feature, &expected["distances"], limits);
        check_bins(&metrics, feature, &expected["distances"]["bins"]);
    }
    check_pairs(&metrics, &expected["pairs"], &expected["worst_pairs"]);
    check_performance(&metrics, &expected, 30);
    check_missingness(&metrics, &expected["missingness"]);
    check_segments(&metrics, &expected["segments"]);
    check_newest_events(&metrics, &expected, customers.origin());
    check_rows_served(&metrics, &expected["events"], customers.origin());
    exporter.terminate();
    metrics
}

/// What can be used of a week: of every feature its score and the shares that it is made of, of the rows their keys, and the score of
/// all. Gives what is expected.
fn check_quality(metrics: &Metrics, week: &str, faults: &Value) -> Value {
    let faults = faults.to_string();
    let expected = python("data/quality.py", &[week, "--faults", &faults]);
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let near = |what: String, found: Option<f64>, expected: &Value, tolerance: f64| {
        let expected = expected.as_f64();
        let near = match (found, expected) {
            // Shares that are next to nothing are exact in the unit of shares.
            (Some(found), Some(expected)) => (found - expected).abs() <= tolerance,
            (found, expected) => found == expected,
        };
        assert!(near, "{what}: {found:?} where {expected:?} is expected");
    };
    let features = expected["features"].as_object().unwrap();
    assert_eq!(features.len(), 38);
    for (feature, expected) in features {
        for (name, tolerance) in [
            ("missing", EXACT),
            ("invalid", EXACT),
            // Fences are read off bins.
            ("outlier", FENCED),
            ("quality", EXACT),
        ] {
            let family = format!("featuremonitor_feature_{name}_ratio");
            let found = metrics.get(&family, &[("feature", feature)]);
            let what = format!("{family} of {feature}");
            near(what, found, &expected[name], tolerance);
        }
    }
    for name in ["duplicate", "missing"] {
        let family = format!("featuremonitor_{name}_key_ratio");
        let found = metrics.find(&family);
        near(family, found, &expected["keys"][name], EXACT);
    }
    let family = "featuremonitor_quality_ratio";
    let found = metrics.find(family);
    near(family.to_owned(), found, &expected["quality"], EXACT);
    expected
}

fn check_feature(metrics: &Metrics, feature: &str, expected: &Value) {
    let get = |family: &str| metrics.get(family, &[("feature", feature)]);
    let named = |family: &str| format!("{family} of {feature}");
    let current = &expected["current"];
    let rows = current["rows"].as_f64().unwrap();
    for (family, value) in [
        ("featuremonitor_feature_rows", rows),
        (
            "featuremonitor_feature_missing_ratio",
            current["nulls"].as_f64().unwrap() / rows,
        ),
        (
            "featuremonitor_feature_reference_missing_ratio",
            expected["reference"]["nulls"].as_f64().unwrap()
                / expected["reference"]["rows"].as_f64().unwrap(),
        ),
    ] {
        check(&named(family), get(family), value, EXACT);
    }
    check(
        &named("distinct values"),
        get("featuremonitor_feature_distinct_values"),
        current["distinct_values"].as_f64().unwrap(),
        DISTINCT,
    );
    if expected["kind"] == "Numeric" {
        check_numbers(metrics, feature, expected);
    } else {
        check_categories(metrics, feature, expected);
    }
    let moving = expected["drift"]["moving"].as_bool().unwrap();
    for share in ["missing", "quality", "outliers", "imputation"] {
        let expected = &expected[share];
        if expected.is_null() || moving && share != "missing" {
            let value = [("feature", feature), ("check", share)];
            let value = metrics.get("featuremonitor_check_value", &value);
            assert_eq!(
                value, None,
                "{share} of {feature}, which has no such verdict"
            );
            continue;
        }
        // Fences are read off bins: numbers beside them may be on the other side.
        let (of_limits, of_shares) = match share {
            "outliers" => (0.05, FENCED),
            _ => (1e-6, EXACT),
        };
        for severity in ["warning", "critical"] {
            let labels = [
                ("feature", feature),
                ("check", share),
                ("severity", severity),
            ];
            let limit = metrics.get("featuremonitor_check_limit", &labels);
            let expected = expected["limits"][severity].as_f64().unwrap();
            check(
                &named(&format!("{share} limit")),
                limit,
                expected,
                of_limits,
            );
        }
        let labels = [("feature", feature), ("check", share)];
        let increase = metrics.get("featuremonitor_check_value", &labels).unwrap();
        let exact = expected["value"].as_f64().unwrap();
        // A difference of shares may be next to nothing, so it is exact in the unit of shares.
        assert!(
            (increase - exact).abs() <= of_shares,
            "{share} check of {feature}: {increase} where {exact} is expected"
        );
    }
}

/// What is defined on counts: the distances over bins, the p-values of all, and what the drift check makes of them.
fn check_distances(metrics: &Metrics, feature: &str, distances: &Value, limits: &Value) {
    let get = |family: &str| metrics.get(family, &[("feature", feature)]);
    let numeric = distances.get("ks_binned").is_some();
    for (family, name, p_value) in [
        ("ks_statistic", "ks_binned", KS_TAIL),
        ("psi", "psi", EXACT),
        ("jensen_shannon_distance", "jensen_shannon", EXACT),
        ("hellinger_distance", "hellinger", EXACT),
        ("chi_squared_statistic", "chi_squared", EXACT),
    ] {
        let prefix = family.trim_end_matches("_statistic");
        let prefix = prefix.trim_end_matches("_distance");
        let families = [
            (family.to_owned(), "statistic", EXACT),
            (format!("{prefix}_p_value"), "p_value", p_value),
            (
                format!("{prefix}_adjusted_p_value"),
                "adjusted_p_value",
                p_value,
            ),
        ];
        for (family, field, tolerance) in families {
            let family = format!("featuremonitor_drift_{family}");
            match distances[name][field].as_f64() {
                Some(expected) => {
                    let what = format!("{family} of {feature}");
                    check(&what, get(&family), expected, tolerance);
                }
                None => assert_eq!(get(&family), None, "{family} of {feature}"),
            }
        }
    }
    let moving = get("featuremonitor_drift_moving") == Some(1.0);
    for severity in ["warning", "critical"] {
        let labels = [
            ("feature", feature),
            ("check", "drift"),
            ("severity", severity),
        ];
        let limit = metrics.get("featuremonitor_check_limit", &labels);
        let what = format!("{severity} drift limit of {feature}");
        if moving {
            assert_eq!(limit, None, "{what}, which moves");
        } else {
            let expected = limits[severity].as_f64().unwrap();
            check(&what, limit, expected, 1e-6);
        }
    }
    let judged = if numeric { "ks_binned" } else { "psi" };
    let judged = distances[judged]["statistic"].as_f64().unwrap();
    let value = [("feature", feature), ("check", "drift")];
    let value = metrics.get("featuremonitor_check_value", &value);
    if moving {
        assert_eq!(value, None, "drift check of {feature}, which moves");
    } else {
        check(&format!("drift check of {feature}"), value, judged, EXACT);
    }
}

/// Every bin, by its number where it has one: its edges, and its shares on both sides.
fn check_bins(metrics: &Metrics, feature: &str, bins: &Value) {
    let bins = bins.as_array().unwrap();
    for (family, side) in [
        ("featuremonitor_bin_ratio", "current"),
        ("featuremonitor_bin_reference_ratio", "reference"),
    ] {
        let shown: Vec<&str> = metrics
            .labels(family)
            .into_iter()
            .filter(|labels| labels["feature"] == feature)
            .map(|labels| labels["bin"].as_str())
            .collect();
        assert_eq!(shown.len(), bins.len(), "bins of {feature}: {shown:?}");
        for (place, expected) in bins.iter().enumerate() {
            let bin = match expected["category"].as_str() {
                Some(name) if shown.contains(&name) => name,
                _ => shown
                    .iter()
                    .copied()
                    .find(|bin| number(bin) == Some(place + 1))
                    .unwrap_or_else(|| panic!("bin {expected} of {feature}: {shown:?}")),
            };
            if expected.get("category").is_none() {
                check_edges(feature, bin, expected);
            }
            let labels = [("feature", feature), ("bin", bin)];
            let what = format!("{family} of {feature}, {bin}");
            let share = expected[side].as_f64().unwrap();
            check(&what, metrics.get(family, &labels), share, EXACT);
        }
    }
}

/// The number with which a bin's name begins.
fn number(bin: &str) -> Option<usize> {
    bin.split(' ').next()?.parse().ok()
}

/// The ends of bins are told in five significant digits.
const FIVE_DIGITS: f64 = 5e-5;

/// A bin's name says which numbers lie in it: one, or those from the first to below the second.
fn check_edges(feature: &str, bin: &str, expected: &Value) {
    let (_, range) = bin.split_once(' ').unwrap();
    let (from, to) = match range.split_once(", ") {
        Some((from, to)) => (&from[1..], &to[..to.len() - 1]),
        None => (range, range),
    };
    let edge = |field: &str, open: f64| expected[field].as_f64().unwrap_or(open);
    for (shown, expected) in [
        (from, edge("from", f64::NEG_INFINITY)),
        (to, edge("to", f64::INFINITY)),
    ] {
        let shown: f64 = shown.parse().unwrap();
        assert!(
            shown == expected
                || agree(shown, expected, FIVE_DIGITS)
                // A bin of 0 alone ends with the smallest number there is.
                || (shown - expected).abs() < f64::MIN_POSITIVE,
            "an edge of bin {bin} of {feature} where {expected} is expected"
        );
    }
}

/// How features hang together: all pairs by their norm and their largest, the ten most changed ones by themselves, and of each
/// feature its worst pair with its limits, where these are Spearman's: the reference has no limits of others.
fn check_pairs(metrics: &Metrics, pairs: &Value, worst: &Value) {
    // Values are rounded to six decimals, and variances, on which limits rest, to three digits.
    const ROUNDED: f64 = 3e-6;
    const OF_LIMITS: f64 = 0.01;
    let pairs = pairs.as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let delta = |pair: &Value| number(&pair["current"]) - number(&pair["reference"]);
    let near = |what: &str, found: Option<f64>, expected: f64, tolerance: f64| {
        let found = found.unwrap_or_else(|| panic!("{what} is absent"));
        let apart = (found - expected).abs();
        assert!(
            apart <= tolerance,
            "{what}: {found} where {expected} is expected"
        );
    };
    let largest = pairs
        .iter()
        .map(|pair| delta(pair).abs())
        .fold(0.0, f64::max);
    let found = metrics.find("featuremonitor_association_largest_change");
    near("largest change", found, largest, ROUNDED);
    let squares: f64 = pairs.iter().map(|pair| delta(pair).powi(2)).sum();
    let found = metrics.find("featuremonitor_association_distance");
    check(
        "distance of the matrices",
        found,
        (2.0 * squares).sqrt(),
        1e-4,
    );

    let shown = metrics.labels("featuremonitor_pair_association");
    assert_eq!(shown.len(), 10);
    for labels in shown {
        let (feature, partner) = (labels["feature"].as_str(), labels["partner"].as_str());
        let pair = pairs
            .iter()
            .find(|pair| pair["features"] == json!([feature, partner]))
            .unwrap_or_else(|| panic!("{feature} and {partner} are no pair"));
        assert_eq!(labels["statistic"], pair["measure"].as_str().unwrap());
        let labels = [("feature", feature), ("partner", partner)];
        for (family, side) in [
            ("pair_association", "current"),
            ("pair_reference_association", "reference"),
        ] {
            let found = metrics.get(&format!("featuremonitor_{family}"), &labels);
            let what = format!("{family} of {feature} and {partner}");
            near(&what, found, number(&pair[side]), ROUNDED);
        }
    }
    let names = pairs
        .iter()
        .flat_map(|pair| pair["features"].as_array().unwrap());
    let names: std::collections::BTreeSet<&str> = names.filter_map(Value::as_str).collect();
    assert_eq!(names.len(), 38);
    let (mut limited, mut certain) = (0, 0);
    for name in names {
        let labels = [("feature", name), ("check", "correlation")];
        let found = metrics.get("featuremonitor_check_value", &labels);
        let found = found.unwrap_or_else(|| panic!("{name} has no verdict about its pairs"));
        if let Some(worst) = worst[name].as_array() {
            let is_one = worst
                .iter()
                .any(|change| (number(change) - found).abs() <= ROUNDED);
            assert!(is_one, "worst pair of {name}: {found}, not of {worst:?}");
            certain += usize::from(worst.len() == 1);
        }
        let own = pairs
            .iter()
            .filter(|pair| pair["features"].as_array().unwrap().contains(&json!(name)));
        let pair = own
            .min_by(|a, b| {
                let apart = |pair: &Value| (delta(pair).abs() - found).abs();
                apart(a).total_cmp(&apart(b))
            })
            .unwrap();
        near(
            &format!("a pair of {name}"),
            Some(found),
            delta(pair).abs(),
            ROUNDED,
        );
        for severity in ["warning", "critical"] {
            let labels = [labels[0], labels[1], ("severity", severity)];
            let limit = metrics.get("featuremonitor_check_limit", &labels);
            if let Some(expected) = pair["limits"][name][severity].as_f64() {
                check(
                    &format!("limit of the pairs of {name}"),
                    limit,
                    expected,
                    OF_LIMITS,
                );
                limited += 1;
            }
        }
    }
    assert!(limited > 20, "{limited} limits were compared");
    assert!(
        certain >= 15,
        "{certain} features have one pair that is the worst"
    );
}

/// What each feature tells about the target in baseline and window, and where that may fall, by how much it did and its limits; at
/// least so many tell something. And what all explain together.
fn check_performance(metrics: &Metrics, expected: &Value, least: usize) {
    const CLOSE: f64 = 1e-8;
    let features = expected["performance"].as_object().unwrap();
    let telling = features.values().filter(|feature| feature["tells"] == true);
    assert!(telling.count() >= least && features.len() == 38);
    for (name, expected) in features {
        let number = |key: &str| expected[key].as_f64().unwrap();
        let near = |what: &str, found: Option<f64>, expected: f64| {
            let what = format!("{what} of {name}");
            let found = found.unwrap_or_else(|| panic!("{what} is absent"));
            let apart = (found - expected).abs();
            assert!(
                apart <= CLOSE,
                "{what}: {found} where {expected} is expected"
            );
        };
        let statistic = expected["statistic"].as_str().unwrap();
        let of = [("feature", name.as_str()), ("statistic", statistic)];
        let value = metrics.get("featuremonitor_feature_predictive_power", &of);
        let reference = metrics.get("featuremonitor_feature_reference_predictive_power", &of);
        let checked = [of[0], ("check", "performance")];
        let fall = metrics.get("featuremonitor_check_value", &checked);
        if expected["tells"] == false {
            assert_eq!((reference, fall), (None, None), "{name}");
            // It is told all the same, so that a feature that begins to tell something is seen.
            let ends = ["lower", "upper"].map(|end| {
                let name = format!("featuremonitor_feature_predictive_power_{end}_bound");
                metrics.get(&name, &of)
            });
            let value = value.unwrap_or_else(|| panic!("{statistic} of {name} is absent"));
            let inside = ends[0] <= Some(value) && Some(value) <= ends[1];
            assert!(inside, "{statistic} of {name}: {value} in {ends:?}");
            continue;
        }
        near(statistic, value, number("value"));
        let what = format!("{statistic} in the baseline");
        near(&what, reference, number("reference"));
        near("fall", fall, number("fall"));
        for severity in ["warning", "critical"] {
            let labels = [checked[0], checked[1], ("severity", severity)];
            let limit = metrics.get("featuremonitor_check_limit", &labels);
            let expected = expected["limits"][severity].as_f64().unwrap();
            near(&format!("{severity} limit"), limit, expected);
        }
    }
    let explained = metrics.find("featuremonitor_target_explained_ratio");
    // Above fifteen features the shares that sum up to it are means over permutations.
    let all = expected["explained"].as_f64().unwrap();
    check("explained together", explained, all, 1e-4);
    let share = "featuremonitor_feature_contribution_ratio";
    let shares = metrics.labels(share).into_iter().map(|labels| {
        let of = [("feature", labels["feature"].as_str())];
        metrics.get(share, &of).unwrap()
    });
    let sum: f64 = shares.sum();
    check(
        "contributions together",
        Some(sum),
        explained.unwrap(),
        EXACT,
    );
}

/// What features are within segments, and why they changed as a whole.
fn check_segments(metrics: &Metrics, expected: &Value) {
    // Quantiles far in a tail differ that much from one library to the next, and what is next to nothing by rounding.
    const CLOSE: f64 = 1e-7;
    let near = |what: String, found: Option<f64>, expected: &Value| {
        let (found, expected) = (
            found.unwrap_or_else(|| panic!("{what} is absent")),
            expected.as_f64().unwrap(),
        );
        assert!(
            (found - expected).abs() <= CLOSE * expected.abs().max(1.0),
            "{what}: {found} where {expected} is expected"
        );
    };
    let shares = expected["shares"].as_object().unwrap();
    assert!(shares.len() >= 5, "{shares:?}");
    for (segment, share) in shares {
        for (side, family) in [
            ("current", "featuremonitor_segment_row_ratio"),
            ("reference", "featuremonitor_segment_reference_row_ratio"),
        ] {
            let found = metrics.get(family, &[("segment", segment)]);
            near(format!("{family} of {segment}"), found, &share[side]);
        }
    }
    let checks = expected["checks"].as_object().unwrap();
    assert_eq!(checks.len(), 37);
    for (name, expected) in checks {
        let checked = [("feature", name.as_str()), ("check", "segments")];
        let value = metrics.get("featuremonitor_check_value", &checked);
        if expected["moving"] == true {
            assert_eq!(value, None, "{name} moves");
        } else {
            near(format!("distance of {name}"), value, &expected["value"]);
            for severity in ["warning", "critical"] {
                let labels = [checked[0], checked[1], ("severity", severity)];
                let limit = metrics.get("featuremonitor_check_limit", &labels);
                let what = format!("{severity} limit of {name} in segments");
                near(what, limit, &expected["limits"][severity]);
            }
        }
        for component in ["mix", "within"] {
            let labels = [
                ("feature", name.as_str()),
                ("column", "household_size"),
                ("component", component),
            ];
            for (of, family) in [
                ("mean", "featuremonitor_feature_mean_change"),
                ("distance", "featuremonitor_feature_distance_component"),
            ] {
                let found = metrics.get(family, &labels);
                match &expected[of] {
                    Value::Null => assert_eq!(found, None, "{family} of {name}"),
                    parts => near(format!("{family} of {name}"), found, &parts[component]),
                }
            }
        }
    }
    for told in expected["most_changed"].as_array().unwrap() {
        let of = |key: &str| told[key].as_str().unwrap();
        let labels = [("feature", of("feature")), ("segment", of("segment"))];
        let found = metrics.get("featuremonitor_segment_distance", &labels);
        near(format!("distance of {labels:?}"), found, &told["distance"]);
        let found = metrics.get("featuremonitor_segment_score", &labels);
        near(format!("score of {labels:?}"), found, &told["score"]);
    }
}

/// How features are missing together: complete rows and entities, patterns, the ten pairs whose gaps hang together most, the check, and
/// whether values are missing completely at random.
fn check_missingness(metrics: &Metrics, expected: &Value) {
    // The estimate has settled when standardised means and covariances change by less than 1e-6 a step.
    const SETTLED: f64 = 1e-5;
    for (side, prefix) in [("current", ""), ("reference", "reference_")] {
        for (name, field) in [("complete_row", "complete"), ("filled_feature", "filled")] {
            let family = format!("featuremonitor_{prefix}{name}_ratio");
            let share = expected[side][field].as_f64().unwrap();
            check(&family, metrics.find(&family), share, EXACT);
        }
    }
    check(
        "patterns",
        metrics.find("featuremonitor_missing_patterns"),
        expected["current"]["patterns"].as_f64().unwrap(),
        0.0,
    );
    let labels = [("check", "missing_patterns")];
    let value = metrics.get("featuremonitor_check_value", &labels);
    let distance = expected["value"].as_f64().unwrap();
    check("distance of the patterns", value, distance, EXACT);
    for severity in ["warning", "critical"] {
        let labels = [labels[0], ("severity", severity)];
        let limit = metrics.get("featuremonitor_check_limit", &labels);
        let expected = expected["limits"][severity].as_f64().unwrap();
        check(
            &format!("{severity} limit of the patterns"),
            limit,
            expected,
            1e-6,
        );
    }
    let pairs = expected["pairs"].as_array().unwrap();
    let shown = metrics.labels("featuremonitor_pair_co_missing_phi");
    assert_eq!(shown.len(), pairs.len().min(10));
    let mut least = f64::INFINITY;
    for labels in &shown {
        let (first, second) = (&labels["feature"], &labels["partner"]);
        let pair = pairs
            .iter()
            .find(|pair| pair["features"] == json!([first, second]))
            .unwrap_or_else(|| panic!("{first} and {second} are no pair"));
        let labels = [("feature", first.as_str()), ("partner", second.as_str())];
        let what = format!("φ of {first} and {second}");
        for (family, side) in [("pair", "current"), ("pair_reference", "reference")] {
            let found = metrics.get(&format!("featuremonitor_{family}_co_missing_phi"), &labels);
            match pair[side].as_f64() {
                // Of independent gaps it is a difference of what is nearly the same.
                Some(phi) => assert!(
                    found.is_some_and(|found| (found - phi).abs() <= EXACT),
                    "{what}: {found:?} where {phi} is expected"
                ),
                None => assert_eq!(found, None, "{what}"),
            }
        }
        least = least.min(pair["current"].as_f64().unwrap().abs());
    }
    let larger = pairs.iter().filter(|pair| {
        let phi = pair["current"].as_f64().unwrap().abs();
        phi > least + EXACT
    });
    assert!(
        larger.count() < 10,
        "the pairs with the largest φ are shown"
    );
    for (side, prefix) in [("current", ""), ("reference", "reference_")] {
        let family = format!("featuremonitor_{prefix}complete_entity_ratio");
        let share = expected["entities"][side].as_f64().unwrap();
        check(&family, metrics.find(&family), share, EXACT);
    }
    let little = &expected["little"];
    for (name, field, tolerance) in [
        ("mcar_statistic", "statistic", SETTLED),
        ("mcar_degrees_of_freedom", "degrees", 0.0),
        ("mcar_p_value", "p_value", SETTLED),
    ] {
        let family = format!("featuremonitor_{name}");
        let found = metrics.find(&family);
        match little[field].as_f64() {
            Some(expected) => check(&family, found, expected, tolerance),
            None => assert_eq!(found, None, "{family}"),
        }
    }
}

/// A time of the data, in microseconds, on the clock of the replay, in seconds.
fn replayed(microseconds: &Value, origin: u64) -> f64 {
    // 2017-05-07T06:00:00Z, which falls on the origin.
    const BASELINE_END: f64 = 1_494_136_800.0;
    let speed = WEEK_SECONDS as f64 / (7.0 * 86_400.0);
    let since = microseconds.as_f64().unwrap() / 1e6 - BASELINE_END;
    origin as f64 + since * speed
}

/// How old the rows of the newest window are: quantiles of their events, and the shares past the limits at the evaluation.
fn check_rows_served(metrics: &Metrics, expected: &Value, origin: u64) {
    for (quantile, time) in expected["quantiles"].as_object().unwrap() {
        let family = format!("featuremonitor_event_{quantile}_timestamp_seconds");
        let found = metrics.find(&family).unwrap();
        let at = replayed(time, origin);
        assert!(
            (found - at).abs() <= 3.0 * MICROSECOND,
            "{family}: {found} where {at} is expected"
        );
    }
    let times = expected["times"].as_array().unwrap();
    let evaluated = metrics.find("featuremonitor_evaluation_timestamp_seconds");
    for severity in ["warning", "critical"] {
        let labels = [("severity", severity)];
        // Features have the limits of the whole.
        let of_a_feature = [("check", "freshness"), ("feature", "age"), labels[0]];
        let limit = metrics.get("featuremonitor_check_limit", &of_a_feature);
        let oldest = evaluated.unwrap() - limit.unwrap();
        let stale = times.iter().filter(|time| replayed(time, origin) <= oldest);
        let share = stale.count() as f64 / times.len() as f64;
        let found = metrics.get("featuremonitor_stale_row_ratio", &labels);
        let found = found.unwrap();
        // What is kept of the times tells a share to 0.0005, and a row may be cut at the microsecond.
        let most = 0.0005 + 1.0 / times.len() as f64;
        assert!(
            (found - share).abs() <= most,
            "share past the {severity} limit: {found} where {share} is expected"
        );
        assert!(share > 0.0, "nobody has bought nothing for so long");
    }
}

/// The newest event of all rows, and of those in which a feature is not null, on the clock of the replay.
fn check_newest_events(metrics: &Metrics, expected: &Value, origin: u64) {
    let check = |what: &str, found: Option<f64>, microseconds: &Value| {
        let at = replayed(microseconds, origin);
        let found = found.unwrap_or_else(|| panic!("{what} is absent"));
        // The replay cuts the microseconds, and a time of today in seconds has half of one to lose.
        assert!(
            (found - at).abs() <= 2.0 * MICROSECOND,
            "{what}: {found} where {at} is expected"
        );
    };
    let whole = metrics.find("featuremonitor_newest_event_timestamp_seconds");
    check("newest event", whole, &expected["newest_event"]);
    for (feature, expected) in expected["features"].as_object().unwrap() {
        let found = metrics.get(
            "featuremonitor_feature_newest_event_timestamp_seconds",
            &[("feature", feature)],
        );
        let newest = &expected["current"]["newest_event"];
        check(&format!("newest event of {feature}"), found, newest);
    }
}

fn check_numbers(metrics: &Metrics, feature: &str, expected: &Value) {
    let get = |family: &str| metrics.get(family, &[("feature", feature)]);
    let named = |family: &str| format!("{family} of {feature}");
    let current = &expected["current"];
    let rows = current["rows"].as_f64().unwrap();
    for name in ["mean", "stddev", "min", "max"] {
        let family = format!("featuremonitor_feature_{name}");
        let value = current[name].as_f64().unwrap();
        check(&named(&family), get(&family), value, EXACT);
    }
    for name in ["mean", "stddev"] {
        let family = format!("featuremonitor_feature_reference_{name}");
        let value = expected["reference"][name].as_f64().unwrap();
        check(&named(&family), get(&family), value, EXACT);
    }
    for (name, count) in [
        ("zero", "zeros"),
        ("nan", "nans"),
        ("infinite", "infinities"),
    ] {
        let family = format!("featuremonitor_feature_{name}_ratio");
        let share = current[count].as_f64().unwrap() / rows;
        check(&named(&family), get(&family), share, EXACT);
    }
    // A window of this size is kept whole, so its quantiles are exact.
    for (name, value) in expected["quantiles"].as_object().unwrap() {
        let family = format!("featuremonitor_feature_{name}");
        check(
            &named(&family),
            get(&family),
            value.as_f64().unwrap(),
            EXACT,
        );
    }
    // Counted in bins, a distance is a lower bound, and its error is stated.
    let distances = &expected["distances"];
    let raw = distances["ks"]["statistic"].as_f64().unwrap();
    let binned = get("featuremonitor_drift_ks_statistic").unwrap();
    let error = get("featuremonitor_drift_ks_binning_error").unwrap();
    assert!(
        binned <= raw + EXACT && raw <= binned + error + EXACT,
        "KS of {feature}: {binned} + {error} where {raw} is exact"
    );
    // Infinities share the open bins with whatever lies beyond the baseline's ends.
    let count = |name: &str| current[name].as_f64().unwrap();
    let most = 0.01 + count("infinities") / (rows - count("nulls") - count("nans"));
    assert!(error <= most, "binning error of {feature}: {error}");
    if let Some(raw) = distances["wasserstein_iqr"].as_f64() {
        let binned = get("featuremonitor_drift_wasserstein_iqr").unwrap();
        let error = get("featuremonitor_drift_wasserstein_binning_error").unwrap();
        // The unit, the baseline's interquartile range, is read off the fine bins too.
        let slack = error + 0.005 * raw + EXACT;
        assert!(
            (binned - raw).abs() <= slack,
            "Wasserstein of {feature}: {binned} ± {slack} where {raw} is exact"
        );
    }
}

fn check_categories(metrics: &Metrics, feature: &str, expected: &Value) {
    // What is marked as sensitive shows shares, and no category beside them.
    let categories = expected["distances"]["bins"].as_array().unwrap();
    let known =
        |bin: &str| !bin.starts_with("__") && categories.iter().any(|c| c["category"] == bin);
    let shown: Vec<&str> = metrics
        .labels("featuremonitor_bin_ratio")
        .into_iter()
        .filter(|labels| labels["feature"] == feature)
        .map(|labels| labels["bin"].as_str())
        .collect();
    assert!(!shown.is_empty(), "bins of {feature}");
    let sensitive = ["age", "income"].contains(&feature);
    let named = shown.iter().any(|bin| known(bin));
    assert_eq!(named, !sensitive, "bins of {feature}: {shown:?}");
}

/// Every value, limit and verdict of the 34 weeks against the reference, on raw values and over the same bins.
#[test]
fn limits_and_verdicts_equal_the_reference() {
    let reference: Value = serde_json::from_str(&python("data/limits.py", &[])).unwrap();
    let server = Server::python("customers.py", &["--port", "0"]);
    let home = tempfile::tempdir().unwrap();
    let manifest = home.path().join("monitor.yaml");
    let text = customers::example(server.port(), &customers::DRIFT_AND_MISSING_ALONE);
    std::fs::write(&manifest, text).unwrap();

    let (mut feature_weeks, mut other_critical, mut campaigns_critical) = (0, 0, 0);
    for (place, week) in WEEKS.enumerate() {
        let profile = profile(&manifest, home.path(), week);
        for feature in profile["features"].as_array().unwrap() {
            let name = feature["name"].as_str().unwrap();
            let expected = &reference[name];
            let moving = expected["moving"].as_bool().unwrap();
            assert_eq!(feature["moving"].as_bool(), Some(moving), "{name} moving");
            let judged = Judged::of(feature);
            let what = format!("{name} in week {week}");
            judged.check_value(&what, expected, place);
            if moving {
                assert!(
                    !judged.over[0] && !judged.over[1],
                    "{name} moves, week {week}"
                );
                continue;
            }
            judged.check_limits(&what, expected, place);
            feature_weeks += usize::from(name != "frequency_total" && name != "campaigns_active");
            match name {
                "campaigns_active" => campaigns_critical += usize::from(judged.over[1]),
                "frequency_total" => {}
                _ => other_critical += usize::from(judged.over[1]),
            }
        }
    }
    assert!(
        campaigns_critical >= 20,
        "campaigns_active: {campaigns_critical} of 34 weeks"
    );
    let share = other_critical as f64 / feature_weeks as f64;
    assert!(
        share <= 0.01,
        "{other_critical} of {feature_weeks} feature-weeks are critical"
    );
}

fn profile(manifest: &Path, home: &Path, week: u64) -> Value {
    // The snapshot of week k is taken at 2017-01-01 + 7·k days.
    let start = jiff::civil::date(2017, 1, 1)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap();
    let snapshot = start.timestamp() + jiff::SignedDuration::from_hours(7 * 24 * week as i64);
    let output = exporter::command()
        .arg("profile")
        .arg("-f")
        .arg(manifest)
        .args(["--window", &snapshot.to_string(), "--output", "json"])
        .arg("--state-dir")
        .arg(home.join("state"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "week {week}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A feature's drift as the program judges it: warning, then critical.
struct Judged {
    statistic: String,
    value: f64,
    error: f64,
    limits: [f64; 2],
    over: [bool; 2],
}

impl Judged {
    fn of(feature: &Value) -> Self {
        let distances = feature["distances"].as_array().unwrap();
        let drift = &feature["checks"]["drift"];
        let numeric = feature["kind"] == "Numeric";
        let statistic = if numeric { "KS" } else { "PSI" };
        let distance = distances
            .iter()
            .find(|distance| distance["statistic"] == statistic)
            .unwrap_or_else(|| panic!("no {statistic} of {feature}"));
        let both =
            |field: &str| ["warning", "critical"].map(|severity| drift[field][severity].clone());
        Self {
            statistic: statistic.to_owned(),
            value: distance["value"].as_f64().unwrap(),
            error: distance["error"].as_f64().unwrap(),
            limits: both("limits").map(|limit| limit["value"].as_f64().unwrap_or(f64::NAN)),
            over: both("over").map(|over| over.as_bool().unwrap_or(false)),
        }
    }

    /// Counted in bins, a value is a lower bound of the raw one, and its error is stated.
    fn check_value(&self, what: &str, expected: &Value, place: usize) {
        let of = |sample: &str| expected[sample]["values"][place].as_f64().unwrap();
        let what = format!("{} of {what}", self.statistic);
        check(&what, Some(self.value), of("binned"), EXACT);
        let raw = of("raw");
        assert!(
            self.value <= raw + EXACT && raw <= self.value + self.error + EXACT,
            "{what}: {} + {} where {raw} is exact",
            self.value,
            self.error
        );
    }

    /// The limit rests on the baseline windows' distances to each other, which are counted in bins too,
    /// and on their variance over all features, so that every feature's binning moves every limit: by up
    /// to 1 % here.
    fn check_limits(&self, what: &str, expected: &Value, place: usize) {
        for (severity, name) in ["warning", "critical"].into_iter().enumerate() {
            let of = |sample: &str| expected[sample][name][place].as_f64().unwrap();
            let (limit, binned, raw) = (self.limits[severity], of("binned"), of("raw"));
            let what = format!("{name} limit of {what}");
            check(&what, Some(limit), binned, 1e-6);
            assert!(
                (limit - raw).abs() <= 0.01 * raw,
                "{what}: {limit} where {raw} is that of raw values"
            );
            let value = expected["binned"]["values"][place].as_f64().unwrap();
            assert_eq!(self.over[severity], value >= binned, "{what}: {value}");
        }
    }
}

/// A column divides the rows whether it is a feature or not.
#[test]
fn a_column_that_is_no_feature_divides_as_well() {
    let server = Server::python("customers.py", &["--port", "0"]);
    let home = tempfile::tempdir().unwrap();
    let text = customers::example(server.port(), &[]);
    let segments = |name: &str, text: String| {
        let manifest = home.path().join(name);
        std::fs::write(&manifest, text).unwrap();
        let state = home.path().join(format!("{name}.state"));
        let profile = profile(&manifest, &state, 52);
        let names = profile["features"].as_array().unwrap().iter();
        let divides = names.filter(|feature| feature["name"] == "household_size");
        (divides.count(), profile["segments"][0].clone())
    };
    let (feature, of_feature) = segments("feature.yaml", text.clone());
    let all = "include: [\"*\"]";
    assert!(text.contains(all));
    let others = format!("{all}\n      exclude: [household_size]");
    let (beside, of_column) = segments("beside.yaml", text.replace(all, &others));
    assert_eq!((feature, beside), (1, 0));
    assert_eq!(of_column["column"], "household_size");
    assert_eq!(of_column["segments"], of_feature["segments"]);
    assert_eq!(of_column["segments"].as_array().unwrap().len(), 6);
    let splits = |of: &Value| of["features"].as_array().unwrap().clone();
    let mut expected = splits(&of_feature);
    expected.retain(|split| split["feature"] != "household_size");
    assert_eq!(splits(&of_column), expected);
    let worst = &of_column["mostChanged"][0];
    assert_eq!(worst["feature"], "coupons_redeemed_91d");
    assert_eq!(worst["segment"], "household_size=2");
}
