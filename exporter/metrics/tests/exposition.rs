//! The text of a small scrape in both formats, and that promtool accepts it.

use metrics::{Format, Label, Samples, table};

fn samples() -> Samples {
    let mut samples = Samples::new("shop", "customers");
    // Added out of order: the text follows the table.
    samples.add(
        &table::CHECK_BREACHED,
        [
            (Label::Feature, "spend"),
            (Label::Check, "drift"),
            (Label::Severity, "warning"),
        ],
        1.0,
    );
    samples.add(
        &table::FEATURE_MISSING_RATIO,
        [(Label::Feature, "spend")],
        0.125,
    );
    samples.add(
        &table::FEATURE_MISSING_RATIO,
        [(Label::Feature, "visits")],
        0.0,
    );
    samples.add_some(&table::FEATURE_MEAN, [(Label::Feature, "spend")], None);
    samples.add(&table::EVALUATIONS, [(Label::Outcome, "success")], 3.0);
    samples.add(
        &table::BUILD_INFO,
        [(Label::Version, "0.1.0"), (Label::Revision, "")],
        1.0,
    );
    samples
}

#[test]
fn classic_text() {
    insta::assert_snapshot!(samples().text(Format::Classic), @r#"
    # HELP featuremonitor_evaluations_total Evaluations by their outcome.
    # TYPE featuremonitor_evaluations_total counter
    featuremonitor_evaluations_total{namespace="shop",monitor="customers",outcome="success"} 3
    # HELP featuremonitor_feature_missing_ratio Share of rows that are null.
    # TYPE featuremonitor_feature_missing_ratio gauge
    featuremonitor_feature_missing_ratio{namespace="shop",monitor="customers",feature="spend"} 0.125
    featuremonitor_feature_missing_ratio{namespace="shop",monitor="customers",feature="visits"} 0
    # HELP featuremonitor_check_breached Whether the check is breached: over its limit, with enough rows, for as many windows as it asks for. While the check gives no verdict, a breach stands as it was at the last one, with its value, limits and score.
    # TYPE featuremonitor_check_breached gauge
    featuremonitor_check_breached{namespace="shop",monitor="customers",feature="spend",check="drift",severity="warning"} 1
    # HELP featuremonitor_build_info The program.
    # TYPE featuremonitor_build_info gauge
    featuremonitor_build_info{version="0.1.0"} 1
    "#);
}

#[test]
fn open_metrics_text() {
    insta::assert_snapshot!(samples().text(Format::OpenMetrics), @r#"
    # HELP featuremonitor_evaluations Evaluations by their outcome.
    # TYPE featuremonitor_evaluations counter
    featuremonitor_evaluations_total{namespace="shop",monitor="customers",outcome="success"} 3
    # HELP featuremonitor_feature_missing_ratio Share of rows that are null.
    # TYPE featuremonitor_feature_missing_ratio gauge
    # UNIT featuremonitor_feature_missing_ratio ratio
    featuremonitor_feature_missing_ratio{namespace="shop",monitor="customers",feature="spend"} 0.125
    featuremonitor_feature_missing_ratio{namespace="shop",monitor="customers",feature="visits"} 0
    # HELP featuremonitor_check_breached Whether the check is breached: over its limit, with enough rows, for as many windows as it asks for. While the check gives no verdict, a breach stands as it was at the last one, with its value, limits and score.
    # TYPE featuremonitor_check_breached gauge
    featuremonitor_check_breached{namespace="shop",monitor="customers",feature="spend",check="drift",severity="warning"} 1
    # HELP featuremonitor_build The program.
    # TYPE featuremonitor_build info
    featuremonitor_build_info{version="0.1.0"} 1
    "#);
}

#[test]
fn the_same_samples_give_the_same_text() {
    for format in [Format::Classic, Format::OpenMetrics] {
        assert_eq!(samples().text(format), samples().text(format));
    }
    assert_eq!(samples().len(), 5);
}
