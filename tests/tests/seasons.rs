//! What a window is compared with under a seasonal baseline, and how far from that its mean is: days of the week and of the month,
//! hours of the week, and days of a calendar, of real temperatures from a pyarrow Flight server, through the program, against
//! numpy.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use harness::customers::python;
use harness::exporter::{Exporter, Metrics};
use harness::http;
use harness::temperatures::{Length, Temperatures};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Two exact computations of one number differ by rounding.
const EXACT: f64 = 1e-9;
const FEATURES: [&str; 2] = ["san_francisco", "seattle"];

/// Temperatures of which one window waits to be judged, after most of the year.
fn temperatures(length: Length) -> Temperatures {
    let temperatures = match length {
        Length::Hour => Temperatures::replay(length, 5304, 1),
        Length::Day => Temperatures::replay(length, 300, 1),
    };
    // The charts have a part of the budget, and nothing of them is asked here.
    temperatures.edit("shift: {}", "shift: {enabled: false}");
    temperatures
}

/// The window is judged by this baseline.
fn judge(temperatures: &mut Temperatures, baseline: &Value) -> (Metrics, String) {
    temperatures.edit(
        "  baseline:\n    seasonal:\n      period: HourOfDay\n      cycles: 28\n",
        &format!("  baseline: {baseline}\n"),
    );
    let mut exporter = Exporter::run(&temperatures.manifest(), temperatures.home(), &[]);
    exporter.wait_for_metric("featuremonitor_baseline_present", |there| there == 1.0);
    temperatures.pass(1);
    let metrics = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 1.0);
    let page = http::get(exporter.port(), "/").unwrap();
    exporter.terminate();
    let start = metrics.find("featuremonitor_window_start_timestamp_seconds");
    assert_eq!(start, Some(temperatures.start() as f64));
    (metrics, page)
}

/// Judges the window and compares what is said of it with the reference, which is given.
fn compare(mut temperatures: Temperatures, length: Length, baseline: &Value) -> Value {
    let (metrics, page) = judge(&mut temperatures, baseline);
    let expected = python(
        "data/seasons.py",
        &[
            &baseline.to_string(),
            &temperatures.start().to_string(),
            "--moved",
            &temperatures.moved().to_string(),
            "--length",
            &length.seconds().to_string(),
        ],
    );
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let count = |family: &str| metrics.find(&format!("featuremonitor_baseline_{family}"));
    assert_eq!(count("windows"), expected["kept"].as_f64());
    assert_eq!(count("rows"), expected["rows"].as_f64());
    let (windows, phase) = (&expected["windows"], expected["phase"].as_str().unwrap());
    let said = format!("this window is compared with {windows} windows of {phase}<");
    assert!(page.contains(&said), "{said} is not on the page");
    for feature in FEATURES {
        check_feature(&metrics, feature, &expected["features"][feature]);
    }
    expected
}

fn check_feature(metrics: &Metrics, feature: &str, expected: &Value) {
    let check = |what: &str, found: Option<f64>, expected: &Value| {
        let (found, expected) = (found.unwrap(), expected.as_f64().unwrap());
        assert!(
            (found - expected).abs() <= EXACT * expected.abs(),
            "{what} of {feature}: {found} where {expected} is expected"
        );
    };
    for family in [
        "mean",
        "reference_mean",
        "reference_stddev",
        "usual_mean",
        "usual_deviation",
    ] {
        let name = format!("featuremonitor_feature_{family}");
        let found = metrics.get(&name, &[("feature", feature)]);
        check(family, found, &expected[family]);
    }
    let level = [("feature", feature), ("check", "level")];
    let found = metrics.get("featuremonitor_check_value", &level);
    check("level", found, &expected["level"]);
    for severity in ["warning", "critical"] {
        let labels = [level[0], level[1], ("severity", severity)];
        let found = metrics.get("featuremonitor_check_limit", &labels);
        check(severity, found, &expected["limits"][severity]);
    }
}

/// The day of the window that is judged, by the clock of UTC, and every third day before it.
fn fog(temperatures: &Temperatures, length: Length, days: u64) -> Value {
    let middle = temperatures.start() + length.seconds() / 2;
    let day = |back: u64| {
        let seconds = middle - 3 * back * Length::Day.seconds();
        let moment = Timestamp::from_second(seconds as i64).unwrap();
        moment.to_zoned(TimeZone::UTC).date().to_string()
    };
    let days: Vec<String> = (0..days).map(day).collect();
    json!([{"name": "fog", "days": days}])
}

/// By the clock of a zone, which has no summer time, so that no day is another one within these weeks.
#[test]
fn a_day_is_compared_with_the_same_day_of_the_weeks_before() {
    let season = json!({"period": "DayOfWeek", "cycles": 16, "timeZone": "America/Phoenix"});
    let found = compare(
        temperatures(Length::Day),
        Length::Day,
        &json!({"seasonal": season}),
    );
    assert_eq!(
        (&found["kept"], &found["windows"]),
        (&json!(112), &json!(16))
    );
    assert!(found["phase"].as_str().unwrap().ends_with("day"));
}

#[test]
fn a_day_is_compared_with_the_same_day_of_the_months_before() {
    let season = json!({"period": "DayOfMonth", "cycles": 8});
    let found = compare(
        temperatures(Length::Day),
        Length::Day,
        &json!({"seasonal": season}),
    );
    // Not every month has a 31st.
    assert!(found["windows"].as_u64() >= Some(4));
    assert!(found["phase"].as_str().unwrap().starts_with("day "));
}

/// A zone that is half an hour off has the hours of its own clock.
#[test]
fn an_hour_is_compared_with_the_same_hour_of_the_weeks_before() {
    let season = json!({"period": "HourOfWeek", "cycles": 4, "timeZone": "Asia/Kolkata"});
    let found = compare(
        temperatures(Length::Hour),
        Length::Hour,
        &json!({"seasonal": season}),
    );
    assert_eq!(
        (&found["kept"], &found["windows"]),
        (&json!(672), &json!(4))
    );
    assert!(found["phase"].as_str().unwrap().contains("day "));
}

/// Of the same hour of the week one is excluded, and three are too few: all days stand in.
#[test]
fn an_hour_with_too_few_weeks_is_compared_with_the_same_hour_of_all_days() {
    let temperatures = temperatures(Length::Hour);
    let hour = |seconds: u64| Timestamp::from_second(seconds as i64).unwrap().to_string();
    let week_before = temperatures.start() - 7 * Length::Day.seconds();
    let excluded =
        json!([{"from": hour(week_before), "to": hour(week_before + Length::Hour.seconds())}]);
    let season = json!({"period": "HourOfWeek", "cycles": 4});
    let baseline = json!({"seasonal": season, "excluded": excluded});
    let found = compare(temperatures, Length::Hour, &baseline);
    assert_eq!(found["windows"], 27);
    assert!(!found["phase"].as_str().unwrap().contains("day"));
}

#[test]
fn an_hour_of_a_calendar_is_compared_with_its_class_alone() {
    let temperatures = temperatures(Length::Hour);
    let calendar = fog(&temperatures, Length::Hour, 6);
    let season = json!({"period": "HourOfDay", "cycles": 28, "calendar": calendar});
    let found = compare(temperatures, Length::Hour, &json!({"seasonal": season}));
    assert_eq!(found["windows"], 5);
    assert!(found["phase"].as_str().unwrap().starts_with("fog "));
}

#[test]
fn a_day_of_a_calendar_is_compared_with_its_class_alone() {
    let temperatures = temperatures(Length::Day);
    let calendar = fog(&temperatures, Length::Day, 10);
    let season = json!({"period": "DayOfWeek", "cycles": 16, "calendar": calendar});
    let found = compare(temperatures, Length::Day, &json!({"seasonal": season}));
    assert_eq!(found["windows"], 9);
    assert_eq!(found["phase"], "fog");
}

/// No other days stand in for a class.
#[test]
fn a_class_of_too_few_days_is_not_judged() {
    let mut temperatures = temperatures(Length::Hour);
    let calendar = fog(&temperatures, Length::Hour, 3);
    let season = json!({"period": "HourOfDay", "cycles": 28, "calendar": calendar});
    let (metrics, page) = judge(&mut temperatures, &json!({"seasonal": season}));
    assert!(page.contains("this window is compared with 2 windows of fog "));
    for feature in FEATURES {
        let level = [("feature", feature), ("check", "level")];
        assert_eq!(metrics.get("featuremonitor_check_value", &level), None);
        let because = [level[0], level[1], ("reason", "too_few_cycles")];
        let invalid = metrics.get("featuremonitor_check_invalid_info", &because);
        assert_eq!(invalid, Some(1.0), "{feature}");
        let usual = metrics.get("featuremonitor_feature_usual_mean", &[("feature", feature)]);
        assert_eq!(usual, None, "{feature}");
    }
}
