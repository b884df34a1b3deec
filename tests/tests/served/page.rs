//! The page: that it is well-formed, hides what is sensitive, and says what matters in words.

use exporter::names::Unmatched;
use exporter::page::{Page, Refresh, render};
use exporter::schema::{Part, Problem};
use exporter::snapshot::{BaselineState, Evaluation, Failure, PhaseInfo, Snapshot};
use exporter::source::Reason;
use exporter::updates::Supply;
use stats::association::Vif;
use stats::decomposition::Segment;
use stats::predictive::Interval;
use stats::{ByCheck, BySeverity, Keys, NotComputed, PairChange};

use super::fixture;

/// The page; where a name may be broken is left out of it.
fn page(snapshot: &Snapshot) -> String {
    rendered(snapshot).replace("<wbr>", "")
}

fn rendered(snapshot: &Snapshot) -> String {
    render(Page {
        snapshot,
        config_error: None,
        now: fixture::now(),
        refresh: Refresh::On,
    })
    .into_string()
}

/// Every element that is opened is closed, in order, and attributes are quoted.
fn well_formed(html: &str) {
    const VOID: [&str; 4] = ["meta", "link", "br", "wbr"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html
        .strip_prefix("<!DOCTYPE html>")
        .expect("a document type");
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        let is_style = open.last() == Some(&"style");
        assert!(is_style || !text.contains('>'), "a bare > in {text:?}");
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in order");
            continue;
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        let name = tag.split([' ', '\n']).next().expect("a tag has a name");
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// What stands between two texts, or up to the end.
fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = html
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from:?}"));
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

/// What is said of one feature.
fn told_of<'a>(html: &'a str, feature: &str) -> &'a str {
    between(html, &format!("class=\"name\">{feature}<"), "</details>")
}

/// The word that the row of a feature begins with.
fn state_of<'a>(html: &'a str, feature: &str) -> &'a str {
    let before = html.split_once(&format!("class=\"name\">{feature}<"));
    let (before, _) = before.unwrap_or_else(|| panic!("no {feature}"));
    let (_, word) = before.rsplit_once("</svg>").expect("a mark");
    between(word, "", "<")
}

/// The section below a heading.
fn section<'a>(html: &'a str, heading: &str) -> &'a str {
    between(html, &format!("<h2>{heading}</h2>"), "<h2>")
}

/// Neighbouring cells of a table, with a bar between them.
fn cells(cells: &str) -> String {
    let cells = cells.split(" | ");
    cells.map(|cell| format!("<td>{cell}</td>")).collect()
}

#[track_caller]
fn says(part: &str, words: &str) {
    assert!(part.contains(words), "no {words:?} in {part}");
}

/// The event time is at fault where it is, and not that nothing happened.
#[test]
fn an_event_time_that_cannot_be_read_is_said_so() {
    let mut snapshot = fixture::snapshot();
    snapshot.freshness = None;
    let newest = |snapshot: &Snapshot| {
        let html = page(snapshot);
        between(&html, "<dt>Newest event</dt>", "</div>").to_owned()
    };
    says(
        &newest(&snapshot),
        "not known until older windows are caught up",
    );
    snapshot.windows_pending = 0;
    says(&newest(&snapshot), "none seen yet, or not checked");
    let column = snapshot.monitor.data.event_time.clone().expect("one");
    let mut feature = snapshot.features[0].clone();
    feature.name = column.clone();
    feature.problem = Some(Problem::Missing);
    snapshot.features.push(feature);
    let words = format!("no event time: the source has no column {column}");
    says(&newest(&snapshot), &words);
    let place = snapshot.features.len() - 1;
    snapshot.features[place].problem = Some(Problem::Unfit {
        field: "spec.data.eventTime".to_owned(),
        column: column.clone(),
        data_type: "float64".to_owned(),
        part: Part::Time,
    });
    let words = format!("spec.data.eventTime names {column}, and float64 is no time");
    says(&newest(&snapshot), &format!("no event time: {words}"));
    says(
        told_of(&page(&snapshot), &column),
        &format!("Schema: {words}."),
    );
}

#[test]
fn overrides_that_change_nothing_are_above_the_numbers() {
    let mut snapshot = fixture::snapshot();
    assert!(!page(&snapshot).contains("Overrides that change nothing"));
    snapshot.unmatched = vec![Unmatched {
        path: "spec.data.features.overrides[0].names[0]".to_owned(),
        text: "agee".to_owned(),
        is_name: true,
        near: Some("age".to_owned()),
    }];
    let html = page(&snapshot);
    well_formed(&html);
    let notice = between(&html, "Overrides that change nothing", "<dl");
    says(
        notice,
        "spec.data.features.overrides[0].names[0]: no column is called agee (age, if that is meant)",
    );
}

#[test]
fn it_is_well_formed_whatever_the_names_are() {
    for snapshot in [fixture::snapshot(), fixture::empty()] {
        let html = rendered(&snapshot);
        well_formed(&html);
        assert!(!html.contains("<script"), "a feature's name is text");
    }
    // Kept for the eye: `target/tmp/page.html` of the last run.
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/page.html");
    std::fs::write(path, rendered(&fixture::snapshot())).expect("the folder is writable");
}

#[test]
fn it_loads_nothing_from_elsewhere() {
    let html = page(&fixture::snapshot());
    for loading in ["http://", "https://", " src=", "@import", "url("] {
        assert!(!html.contains(loading), "{loading}");
    }
}

#[test]
fn a_sensitive_feature_shows_statistics_only() {
    let html = page(&fixture::snapshot());
    assert!(!html.contains(fixture::CANARY));
    let number = fixture::CANARY_NUMBER;
    for written in [number.to_string(), "7,318,2".to_owned(), "7318".to_owned()] {
        // Their mean is a statistic, and lies near the values.
        let shown = html.matches(&written).count();
        assert!(shown <= 2, "{written} {shown} times");
    }
    assert!(html.contains("marked") || html.contains("Sensitive"));
}

#[test]
fn every_state_stands_in_words_and_the_worst_is_first() {
    let html = page(&fixture::snapshot());
    let rows = &html[html.find("<ul class=\"features\">").expect("a list")..];
    let place = |name: &str| {
        rows.find(&format!(">{name}<"))
            .unwrap_or_else(|| panic!("{name}"))
    };
    assert!(place("basket_mean") < place("coupon_ratio"));
    assert!(place("weekday") < place("coupon_ratio"));
    assert!(place("coupon_ratio") < place("tenure_days"));
    assert!(place("tenure_days") < place("home_store"));
    for words in [
        "critical",
        "missing column",
        "new column",
        "moving",
        "too few rows",
        "ok",
    ] {
        assert!(rows.contains(&format!("</svg>{words}</span>")), "{words}");
    }
}

/// Without drift a feature is well by what another check says, and not since nothing is said.
#[test]
fn what_no_check_has_judged_is_not_called_ok() {
    let mut snapshot = fixture::snapshot();
    let name = "home_store";
    let judged = |snapshot: &mut Snapshot, of: fn() -> NotComputed| {
        let mut features = snapshot.features.iter_mut();
        let feature = features.find(|feature| feature.name == name).expect(name);
        feature.freshness = None;
        feature.breached = ByCheck::default();
        let report = feature.report.as_mut().expect("it is in the window");
        report.verdicts = ByCheck::from_fn(|_| Err(of()));
        report.verdicts.drift = Err(NotComputed::Disabled);
    };
    let missing = snapshot
        .features
        .iter()
        .find(|feature| feature.name == name);
    let missing = missing.and_then(|feature| feature.report.as_ref());
    let missing = missing.expect("it was judged").verdicts.missing.clone();
    assert_eq!(state_of(&page(&snapshot), name), "ok");
    // An empty window.
    judged(&mut snapshot, || NotComputed::TooFewRows {
        have: 0,
        need: 1,
    });
    let html = page(&snapshot);
    well_formed(&html);
    assert_eq!(state_of(&html, name), "too few rows");
    // One check suffices.
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    feature.report.as_mut().expect("as above").verdicts.missing = missing;
    assert_eq!(state_of(&page(&snapshot), name), "ok");
    // Its column alone is judged, and then not even that.
    judged(&mut snapshot, || NotComputed::Disabled);
    assert_eq!(state_of(&page(&snapshot), name), "ok");
    judged(&mut snapshot, || NotComputed::TooManyCategories);
    assert_eq!(state_of(&page(&snapshot), name), "not judged");
    judged(&mut snapshot, || NotComputed::Disabled);
    let monitor = std::sync::Arc::make_mut(&mut snapshot.monitor);
    monitor.checks.schema.enabled = false;
    let html = page(&snapshot);
    well_formed(&html);
    assert_eq!(state_of(&html, name), "not judged");
}

/// Its values are there, so that it is not one without data.
#[test]
fn a_feature_whose_drift_cannot_be_judged_is_not_without_data() {
    let mut snapshot = fixture::snapshot();
    let name = "home_store";
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    feature.breached = ByCheck::default();
    let report = feature.report.as_mut().expect("it is in the window");
    report.verdicts.drift = Err(NotComputed::TooFewCycles { have: 3, need: 4 });
    let html = page(&snapshot);
    assert_eq!(state_of(&html, name), "not judged");
    assert!(html.contains("3 of 4 days needed with this hour or day"));
}

/// A long name is cut in its column, and is there in full for whoever points at it.
#[test]
fn names_that_are_cut_can_be_read() {
    let html = page(&fixture::snapshot());
    assert!(html.contains("<td class=\"category\" title=\"store 00\">store 00</td>"));
}

/// Where a name is too long for a line, it goes on after an underscore.
#[test]
fn names_are_broken_between_their_words() {
    let html = rendered(&fixture::snapshot());
    for name in [
        "<span class=\"name\">monetary_<wbr>28d<",
        "<td>basket_<wbr>mean\u{a0}· monetary_<wbr>28d</td>",
        "<td class=\"text\">discount_<wbr>share, visits_<wbr>7d</td>",
        "<td>monetary_<wbr>28d<small>AUC</small></td>",
    ] {
        says(&html, name);
    }
}

/// A limit is said to be of which severity: the one that is passed, else the critical one.
#[test]
fn a_limit_in_the_list_says_which_one_it_is() {
    let mut snapshot = fixture::snapshot();
    let name = "home_store";
    let row = |snapshot: &Snapshot| {
        let html = page(snapshot);
        between(told_of(&html, name), "", "</summary>").to_owned()
    };
    let told = row(&snapshot);
    says(&told, "<span class=\"soft\">critical from 0.250</span>");
    says(
        &told,
        "<span class=\"below\">critical from 14\u{a0}d</span>",
    );
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    let warning = BySeverity {
        warning: true,
        critical: false,
    };
    feature.breached.drift = Some(warning);
    feature.freshness.as_mut().expect("it is fresh").breached = warning;
    let told = row(&snapshot);
    says(&told, "<span class=\"soft\">warning from 0.100</span>");
    says(&told, "<span class=\"below\">warning from 10\u{a0}d</span>");
    // Without a critical limit there is the other one only.
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    let freshness = feature.freshness.as_mut().expect("it is fresh");
    freshness.breached = BySeverity::default();
    freshness.value.limits.critical = None;
    says(
        &row(&snapshot),
        "<span class=\"below\">warning from 10\u{a0}d</span>",
    );
}

/// Of a pair that changed more and is laid to another feature it is said so.
#[test]
fn the_most_changed_pair_is_that_which_it_is_called() {
    let mut snapshot = fixture::snapshot();
    let name = "monetary_28d";
    let judged =
        "is that with basket_mean: Spearman 0.077 where the baseline has 1.000, over 200 rows";
    says(
        told_of(&page(&snapshot), name),
        &format!("Its most changed pair {judged}."),
    );
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    let report = feature.report.as_mut().expect("it was judged");
    let pair = report.pair.clone().expect("it has a pair");
    report.pair_laid_elsewhere = Some(PairChange {
        features: (name.to_owned(), "share_produce".to_owned()),
        reference: 0.25,
        current: -0.75,
        laid_to: Some("share_produce".to_owned()),
        ..pair
    });
    says(
        told_of(&page(&snapshot), name),
        "Of its pairs that are not laid to another feature, that with basket_mean changed most: Spearman 0.077 where the baseline has \
         1.000, over 200 rows; monetary_28d · share_produce (1.000) is laid to share_produce.",
    );
    // All of them are laid to others.
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    let report = feature.report.as_mut().expect("it was judged");
    report.pair_laid_elsewhere = None;
    let pair = report.pair.as_mut().expect("it has a pair");
    pair.laid_to = Some("basket_mean".to_owned());
    says(
        told_of(&page(&snapshot), name),
        &format!(
            "Its most changed pair {judged}; it is laid to basket_mean, as all of its pairs are to others."
        ),
    );
}

/// What can only alarm by its fall is not said to fall where it rises.
#[test]
fn what_rises_is_not_called_a_fall() {
    let mut snapshot = fixture::snapshot();
    let name = "monetary_28d";
    let mut features = snapshot.features.iter_mut();
    let feature = features.find(|feature| feature.name == name).expect(name);
    let report = feature.report.as_mut().expect("it was judged");
    let verdict = report.verdicts.performance.as_mut().expect("it has one");
    verdict.value = -0.115;
    verdict.scores = Default::default();
    verdict.over = Default::default();
    says(
        told_of(&page(&snapshot), name),
        "Performance: the AUC rose by 0.115. Only a fall alarms, by the critical limit of 0.052",
    );
}

#[test]
fn keys_are_counted_where_there_are_rows() {
    let mut snapshot = fixture::snapshot();
    let mut said = |rows, nulls| {
        let sampled = rows - nulls;
        snapshot.whole.keys = Some(Keys {
            rows,
            nulls,
            sampled_rows: sampled,
            sampled_keys: sampled,
        });
        section(&page(&snapshot), "The window as a whole").to_owned()
    };
    says(&said(0, 0), "Keys: the window has no rows.");
    says(&said(7, 7), "Keys: 7 rows have none.");
    says(
        &said(40, 1),
        "Keys: 0.0\u{a0}% of the rows have the key of a row before them; 1 row has none.",
    );
}

#[test]
fn what_is_not_there_yet_is_said_with_its_reason() {
    let mut snapshot = fixture::empty();
    says(&page(&snapshot), "The first evaluation shows them.");
    snapshot.last_success = Some(fixture::now());
    let html = page(&snapshot);
    says(&html, "No rows came yet, so its columns are not known.");
    assert!(!html.contains("The first evaluation shows them."));
}

#[test]
fn how_old_the_rows_are_and_whether_the_source_goes_on_is_said() {
    let html = page(&fixture::snapshot());
    // 1,920 rows a quarter of an hour apart, the newest twelve hours old: half of 20 days and 12 hours and less.
    for words in [
        "half are older than 10\u{a0}d 11\u{a0}h, 5 % than 19\u{a0}d 11\u{a0}h, 1 % than 20\u{a0}d 6\u{a0}h",
        "1,920 rows with an event time, 52.5\u{a0}% past the warning limit, 32.5\u{a0}% past the critical limit",
        "0.2\u{a0}% of the events are in the future, and count as none",
        "rows come, but no newer events",
        "one after 1\u{a0}d the last time, usually after 1\u{a0}d, at most 1\u{a0}d 4\u{a0}h",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let mut snapshot = fixture::snapshot();
    if let Some(updates) = &mut snapshot.updates {
        updates.supply = Supply::NotMaterialised;
        updates.interval = None;
    }
    assert!(page(&snapshot).contains("no rows: not materialised"));
    snapshot.freshness = None;
    snapshot.future_events = Some(0.0);
    let html = page(&snapshot);
    assert!(html.contains("not known until older windows are caught up"));
    assert!(!html.contains("in the future"));
}

#[test]
fn rules_stand_in_words_and_the_violated_ones_are_first() {
    let html = page(&fixture::snapshot());
    let rules = &html[html.find("<h2>Rules</h2>").expect("a section")..];
    let place = |words: &str| rules.find(words).unwrap_or_else(|| panic!("{words}"));
    let order = [
        "violated: false for 199 of 1,990 rows (10.0\u{a0}%, 0.1\u{a0}% allowed); null, and so unknown, for 10 rows.",
        "violated: count(*) = 2000, in the window before 4100.",
        "cannot be judged: at character 24: the source has no column &lt;b&gt;;",
        "not judged: nothing is remembered of the window before.",
        "holds: false for 1 of 1,990 rows",
    ];
    assert!(order.map(place).is_sorted());
}

#[test]
fn a_failure_stands_above_everything() {
    const MESSAGE: &str = "cannot connect to &lt;localhost:8815&gt;";
    let mut snapshot = fixture::snapshot();
    let failed = Evaluation {
        at: fixture::now(),
        duration_seconds: 60.0,
        failure: Some(Failure {
            reason: Reason::Unavailable,
            message: "cannot connect to <localhost:8815>".to_owned(),
        }),
    };
    snapshot.last_failure = Some(failed.clone());
    let good = snapshot.evaluation.replace(failed);
    let html = page(&snapshot);
    well_formed(&html);
    let notice = html.find("The last evaluation failed").expect("it says so");
    assert!(notice < html.find("<dl").expect("facts"));
    assert_eq!(html.matches(MESSAGE).count(), 1);
    // Once one has succeeded, it is one of the facts.
    snapshot.evaluation = good;
    let html = page(&snapshot);
    well_formed(&html);
    assert!(!html.contains("The last evaluation failed"));
    let said = html.find("last error").expect("it is not forgotten");
    assert!(said > html.find("<dl").expect("facts"));
    assert_eq!(html.matches(MESSAGE).count(), 1);
}

#[test]
fn a_reader_can_stop_it_from_renewing_itself() {
    let snapshot = fixture::snapshot();
    let on = page(&snapshot);
    assert!(on.contains("http-equiv=\"refresh\""));
    let off = render(Page {
        snapshot: &snapshot,
        config_error: Some("spec.schedule: <wrong>"),
        now: fixture::now(),
        refresh: Refresh::Off,
    })
    .into_string();
    assert!(!off.contains("http-equiv=\"refresh\""));
    assert!(off.contains("spec.schedule: &lt;wrong&gt;"));
}

#[test]
fn what_can_be_used_stands_with_its_parts() {
    let snapshot = fixture::snapshot();
    let html = page(&snapshot);
    let sentence = |score: &str, filled: &str, acceptable: &str| {
        format!(
            "Usable: {score}\u{a0}% of its rows: {filled}\u{a0}% are filled, {acceptable}\u{a0}% of those acceptable"
        )
    };
    // Of 2,000 rows 680 are null, and of the others 132 are beyond the range.
    let feature = snapshot
        .features
        .iter()
        .find(|f| f.name == "discount_share");
    let feature = feature.expect("the fixture has it");
    let summary = feature.summary.as_ref().expect("it is in the window");
    assert_eq!(
        (summary.rows, summary.nulls, summary.invalid),
        (2_000, 680, 132)
    );
    let quality = feature.quality.expect("it is known");
    let usable = (summary.rows - summary.nulls - summary.invalid) as f64 / summary.rows as f64;
    for (part, expected) in [
        (quality.complete, 0.66),
        (quality.valid, 0.9),
        (quality.conforming, 1.0),
        (quality.score(), usable),
    ] {
        assert!((part - expected).abs() < 1e-12, "{quality:?}");
    }
    let discounts = told_of(&html, "discount_share");
    says(discounts, &(sentence("59.4", "66.0", "90.0") + "."));
    says(
        discounts,
        &cells("not acceptable | 0.0\u{a0}% | 10.0\u{a0}%"),
    );
    let all = sentence("33.3", "33.3", "100.0") + ".";
    says(told_of(&html, "age"), &all);
    let all = sentence("4.0", "4.0", "100.0") + ".";
    says(told_of(&html, "visits_7d"), &all);
    let gone = sentence("0.0", "0.0", "0.0") + ", and its column is not that of the baseline.";
    says(told_of(&html, "weekday"), &gone);
    says(told_of(&html, "loyalty_tier"), &gone);
    // Nothing is said where all can be used.
    assert!(!told_of(&html, "home_store").contains("Usable: "));

    // Fifteen features are expected. Of three nothing came, of three a part, and of one all but a row is acceptable. 36 of the
    // 2,000 rows have the key of another one.
    let features = (8.0 + 0.9995 + 0.594 + 0.333 + 0.04) / 15.0;
    let quality = snapshot.whole.quality.expect("it is known");
    assert!((quality.features - features).abs() < 1e-12, "{quality:?}");
    assert!((quality.score() - features * 0.982).abs() < 1e-12);
    says(
        section(&html, "The window as a whole"),
        "Usable: 65.2\u{a0}% of what is served: the expected features hold a usable value in 66.4\u{a0}% of the rows, \
         of which 98.2\u{a0}% have a key of their own.",
    );
}

#[test]
fn limits_stand_with_their_parts_and_where_they_come_from() {
    const LARGEST: &str =
        "the largest of its three parts, the last two at the α of one test (above)";
    let html = page(&fixture::snapshot());
    let counted = format!(
        "Limit of drift, missing, quality, outliers, imputation: {LARGEST}, against 6 windows of the baseline with 12,000 rows."
    );
    // The share of numbers below x was √x and is √(x/0.86): 1 − √0.86 apart. The noise is SciPy's kstwo.isf at 1/64 and 7/30/64.
    let drift = told_of(&html, "share_produce");
    for row in [
        "drift, warning\u{a0}◆ | 0.073 | 0.050 | 1.46× | 0.050 | 0.038",
        "drift, critical | 0.073 | 0.100 | 0.73× | 0.100 | 0.043",
    ] {
        says(drift, &cells(row));
    }
    says(drift, &format!("<p class=\"soft\">{counted}</p>"));
    // Nothing else was judged of it.
    assert_eq!(drift.matches("Limit of ").count(), 1);

    let others = told_of(&html, "monetary_28d");
    for row in [
        "level, warning\u{a0}◆ | 11.0 | 9.500 | 1.16× | 3.000 | – | 9.500",
        "level, critical | 11.0 | 31.8 | 0.35× | 4.000 | – | 31.8",
        "shift, warning\u{a0}◆ | 6.500 | 6.100 | 1.07× | – | – | –",
        "shift, critical | 6.500 | 8.300 | 0.78× | – | – | –",
        "correlation, warning\u{a0}◆ | 0.923 | 0.250 | 3.69× | 0.100 | 0.250 | 0.040",
        "correlation, critical\u{a0}◆ | 0.923 | 0.310 | 2.98× | 0.200 | 0.310 | 0.050",
        "performance, warning\u{a0}◆ | 0.060 | 0.043 | 1.40× | 0.020 | 0.043 | 0.011",
        "performance, critical\u{a0}◆ | 0.060 | 0.052 | 1.15× | 0.050 | 0.052 | 0.014",
        "segments, warning\u{a0}◆ | 0.410 | 0.200 | 2.05× | 0.100 | 0.150 | 0.200",
        "segments, critical\u{a0}◆ | 0.410 | 0.250 | 1.64× | 0.200 | 0.180 | 0.250",
    ] {
        says(others, &cells(row));
    }
    for text in [
        counted,
        format!(
            "Limit of correlation: of the worst pair {LARGEST} divided by its 2 partners, and between windows by 2 more as a change \
             has two directions, over the sampled rows with both values, 200 of the judged window, against 6 windows of the baseline."
        ),
        format!(
            "Limit of performance: {LARGEST}, over the sampled rows in which it and the target are known, 1,980 of the judged window, \
             against such rows of 6 windows of the baseline."
        ),
        "Limit of level: the larger of the effect floor and, between windows, half the width of the band of usual means at the α of \
         one test (above), by 6 windows of the same time; without sampling noise, and not capped."
            .to_owned(),
        "Limit of shift: that with which its chart alarms falsely once in 2/α windows on average, α being that of one test (above), \
         which its two charts share, wider by what the baseline does not tell of how the means move; it has none of the three parts."
            .to_owned(),
        format!(
            "Limit of segments: of the worst segment {LARGEST} divided by the number of its segments, over the sampled rows of the \
             segment, 600 of the judged window, against the same segment in 6 windows of the baseline."
        ),
    ] {
        says(others, &text);
    }
    assert_eq!(others.matches("Limit of ").count(), 6);

    let whole = section(&html, "The window as a whole");
    for row in [
        "duplicates, warning\u{a0}◆ | +1.8\u{a0}pp | +1.0\u{a0}pp | 1.80× | +1.0\u{a0}pp",
        "missing patterns, critical\u{a0}◆ | 0.385 | 0.200 | 1.92× | 0.200",
    ] {
        says(whole, &cells(row));
    }
    says(
        whole,
        &format!(
            "Limit of duplicates: {LARGEST}, against 6 windows of the baseline with 12,000 rows."
        ),
    );
    says(
        whole,
        &format!(
            "Limit of missing patterns: {LARGEST}, over the sampled rows, 2,000 of the judged window, against 6 windows of the baseline."
        ),
    );
}

/// A window is compared with those of its own time.
#[test]
fn limits_of_a_seasonal_baseline_rest_on_one_phase() {
    let mut snapshot = fixture::snapshot();
    let BaselineState::Ready(info) = &mut snapshot.baseline else {
        panic!("the baseline is complete");
    };
    info.phase = Some(PhaseInfo {
        name: "Sunday".to_owned(),
        windows: 4,
        days: 4,
    });
    let html = page(&snapshot);
    says(
        told_of(&html, "share_produce"),
        "(above), against 4 windows of Sunday with 12,000 rows.",
    );
    // How many rows these have, all features together, is not known.
    says(
        section(&html, "The window as a whole"),
        "Limit of duplicates: the largest of its three parts, the last two at the α of one test (above), against 4 windows of Sunday.",
    );
}

/// Each measure with its interval, also of a feature that told nothing in the baseline and is not judged.
#[test]
fn what_features_tell_about_the_target_is_said_in_numbers() {
    let mut snapshot = fixture::snapshot();
    let html = page(&snapshot);
    let told = section(&html, "What features tell about segment");
    says(
        told,
        "2,000 rows of the sample with a known target. Together the features explain 31.0\u{a0}% of it. Their ranking is that of the \
         baseline (NDCG 0.970).",
    );
    let below = |value: &str, below: &[&str]| {
        let below = below.iter().map(|line| format!("<small>{line}</small>"));
        value.to_owned() + &below.collect::<String>()
    };
    let row = |called: &[&str]| {
        let row = [
            &below("monetary_28d", &["AUC"]),
            "0.740",
            &below("0.680", &["0.650 to 0.710"]),
            "1.40×",
            "22.0\u{a0}%",
            &below("0.420", called),
            &below("0.060", &["0.040 to 0.080", "5.5\u{a0}%"]),
            &below("0.120", &["0.090 to 0.150", "ω² 0.119, 0.089 to 0.149"]),
        ];
        cells(&row.join(" | "))
    };
    says(told, &row(&["0.330 to 0.510", "strong"]));
    says(told, "Of two classes an information value is called weak");
    let weekday = [
        &below("weekday", &["AUC, not judged"]),
        "–",
        &below("0.930", &["0.910 to 0.950"]),
        "–",
        "–",
        &below("0.010", &["0.000 to 0.020", "unpredictive"]),
        "–",
        "–",
    ];
    says(told, &cells(&weekday.join(" | ")));
    // Of more classes there is no custom.
    snapshot.whole.target = Some(fixture::target(&["occasional", "loyal", "lapsed"]));
    let html = page(&snapshot);
    let told = section(&html, "What features tell about segment");
    says(told, &row(&["0.330 to 0.510"]));
    assert!(!told.contains("is called weak"), "{told}");
}

/// Of many features it is said how many there are.
#[test]
fn features_that_tell_less_are_counted() {
    let mut snapshot = fixture::snapshot();
    let told = |snapshot: &Snapshot| {
        let html = page(snapshot);
        section(&html, "What features tell about segment").to_owned()
    };
    assert!(!told(&snapshot).contains("features that tell the most"));
    let mut features = snapshot.features.iter();
    let feature = features.find(|feature| feature.name == "monetary_28d");
    let feature = feature.expect("it is one").clone();
    snapshot.features.extend(vec![feature; 20]);
    says(
        &told(&snapshot),
        "<p class=\"soft\">The 20 features that tell the most, of 22.</p>",
    );
}

#[test]
fn bins_of_the_features_that_tell_most_stand_with_their_weight() {
    let mut snapshot = fixture::snapshot();
    let html = page(&snapshot);
    let told = section(&html, "What features tell about segment");
    says(told, "<h3>Bins of monetary_28d, for loyal</h3>");
    // Of the class 1 to 10 of 55 rows are in a bin, of the others 10 to 1.
    for row in [
        "1.8\u{a0}% | 18.2\u{a0}% | −2.30<small>−2.55 to −2.05</small>",
        "18.2\u{a0}% | 1.8\u{a0}% | 2.30<small>2.05 to 2.55</small>",
    ] {
        says(told, &cells(row));
    }
    // A bin that may speak for the class as well as against it.
    let evidence = &mut snapshot
        .whole
        .performance
        .as_mut()
        .expect("there is one")
        .evidence[0]
        .1;
    let bin = &mut evidence.bins[0];
    (bin.weight, bin.of_class) = (Some(0.7), 0.0);
    bin.interval = Some(Interval {
        low: -2.0,
        high: 3.4,
    });
    let html = page(&snapshot);
    let told = section(&html, "What features tell about segment");
    let unclear = "<td class=\"soft\">0.70<small>−2.00 to 3.40</small></td>";
    says(told, &(cells("0.0\u{a0}% | 18.2\u{a0}%") + unclear));
    // With it those two whose shares are much the same.
    assert_eq!(told.matches("<td class=\"soft\">").count(), 3);
    // Of a sensitive target no class is named.
    let target = snapshot.whole.target.as_mut();
    target.expect("there is a target").column = "age".to_owned();
    let html = page(&snapshot);
    let told = section(&html, "What features tell about segment");
    says(told, "<h3>Bins of monetary_28d, for class 2</h3>");
    assert!(!told.contains("loyal"));
}

#[test]
fn pairs_that_changed_are_listed_and_drawn() {
    let html = page(&fixture::snapshot());
    let told = section(&html, "How features hang together");
    says(
        told,
        "3 pairs compared with the baseline; the largest change is 0.923, the Frobenius norm of all changes 1.456.",
    );
    for row in [
        "basket_mean\u{a0}· monetary_28d | 1.000 | 0.077 | −0.923 | 3.69× | Spearman | 200 | 1.000 → 0.077",
        "monetary_28d\u{a0}· share_produce | −0.500 | −0.043 | 0.457 | 1.83× | Spearman | 200 | −0.500 → −0.043",
    ] {
        says(told, &cells(row));
    }
    // Below the diagonal 1, −0.5 and −0.5; above it −0.5 alone is far enough from 0.
    let cell = |x: &str, y: &str| format!("M{x} {y}h14.0v14.0h-14.0z");
    let plus = cell("0.0", "14.0");
    let minus = cell("28.0", "0.0") + &cell("0.0", "28.0") + &cell("14.0", "28.0");
    says(told, &format!("<path class=\"plus5\" d=\"{plus}\">"));
    says(told, &format!("<path class=\"minus3\" d=\"{minus}\">"));
    let drawn = between(told, "<div class=\"matrix\">", "</svg>");
    assert_eq!(drawn.matches("h14.0v14.0").count(), 4);
    // Each has its name beside its row and above its column.
    for (name, middle) in [
        ("basket_mean", 7),
        ("monetary_28d", 21),
        ("share_produce", 35),
    ] {
        for place in [
            format!("<text class=\"row-name\" x=\"-6\" y=\"{middle}\">"),
            format!("<text x=\"6\" y=\"{middle}\" transform=\"rotate(-90)\">"),
        ] {
            says(drawn, &format!("{place}{name}</text>"));
        }
    }
}

#[test]
fn what_other_numbers_tell_of_a_feature_is_said() {
    let mut snapshot = fixture::snapshot();
    let row = |told: &str, from: &str| cells(told) + &format!("<td class=\"text\">{from}</td>");
    let html = page(&snapshot);
    let told = section(&html, "How features hang together");
    // The diagonal of the inverse of Pearson's correlations of the three: 0.077, −0.500 and −0.043.
    for factor in [
        "basket_mean | 1.34 | 25.3\u{a0}%",
        "share_produce | 1.33 | 25.0\u{a0}%",
        "monetary_28d | 1.01 | 0.6\u{a0}%",
    ] {
        says(told, &cells(factor));
    }
    assert!(!told.contains("follows from</th>"), "nothing does");
    let pairs = snapshot.whole.pairs.as_mut().expect("there are pairs");
    pairs.report.inflation[2].1 = Ok(Vif::Dependent);
    let relation = ["basket_mean", "share_produce"].map(str::to_owned);
    pairs.report.relations = vec![relation.to_vec()];
    let html = page(&snapshot);
    let told = section(&html, "How features hang together");
    let factor = "share_produce | ∞ | 100.0\u{a0}%";
    says(told, &row(factor, "basket_mean"));
    says(told, &row("monetary_28d | 1.01 | 0.6\u{a0}%", "–"));
}

#[test]
fn what_stays_out_of_a_baseline_is_counted() {
    let html = page(&fixture::snapshot());
    says(
        told_of(&html, "monetary_28d"),
        "Of its baseline 1 window is left out, as it breached a critical limit in them.",
    );
    says(
        section(&html, "The window as a whole"),
        "Of the baseline of what features say together 2 windows are left out, as one of correlation, performance, segments, \
         duplicates and missing patterns breached a critical limit in them.",
    );
}

#[test]
fn a_distribution_says_what_it_shows() {
    let html = page(&fixture::snapshot());
    says(
        told_of(&html, "share_produce"),
        "<title>share_produce: this window against the baseline in 10 bins. Largest change: 0.8100 and above from 10.0\u{a0}% to \
         2.9\u{a0}%.</title>",
    );
}

#[test]
fn what_is_missing_together_is_said_in_numbers() {
    let html = page(&fixture::snapshot());
    let told = section(&html, "Missing together");
    // One feature lacks 96 % of its values, and another one 34 % where it lacked 2 %, all in the same rows.
    says(
        told,
        "4.0\u{a0}% of the rows are complete in all 10 features (baseline 4.0\u{a0}%); a row has 87.0\u{a0}% of them on average \
         (baseline 90.2\u{a0}%). 25.0\u{a0}% of the entities have each of them in some row (baseline 30.0\u{a0}%).",
    );
    let mut wide = fixture::snapshot();
    wide.whole.complete_in = Some(141);
    let html = page(&wide);
    let told = section(&html, "Missing together");
    says(told, "complete in all 141 features");
    says(
        told,
        "What is missing together is that of the first 10 of them.",
    );
    let html = page(&fixture::snapshot());
    let told = section(&html, "Missing together");
    for row in [
        "discount_share, visits_7d | 2.0\u{a0}% | 34.0\u{a0}% | +32.0\u{a0}pp",
        "visits_7d | 94.0\u{a0}% | 62.0\u{a0}% | −32.0\u{a0}pp",
    ] {
        let row = cells(row).replacen("<td>", "<td class=\"text\">", 1);
        says(told, &row);
    }
    // (680·80 − 0·1,240)/√(680·1,320·1,920·80)
    says(
        told,
        &cells("discount_share\u{a0}· visits_7d | 0.029 | 0.147 | 680"),
    );
}

#[test]
fn segments_are_told_in_numbers() {
    let html = page(&fixture::snapshot());
    let told = section(&html, "By region");
    // 9,000, 3,000 and 240 rows were 1,400, 600 and 30.
    for row in [
        "north | 73.5\u{a0}% | 69.0\u{a0}%",
        "south | 24.5\u{a0}% | 29.6\u{a0}%",
        "no value | 2.0\u{a0}% | 1.5\u{a0}%",
    ] {
        says(told, &cells(row));
    }
    let changed =
        "monetary_28d | south | 600 | 0.410 | 2.05× | 87 → 93.50 | 2.0\u{a0}% → 51.0\u{a0}%";
    says(told, &cells(changed));
    // What has no value in that column, or a rare one, is said in words.
    let mut snapshot = fixture::snapshot();
    for (segment, words) in [
        (Segment::Null, "the rows without region"),
        (Segment::Other, "the other values of region"),
    ] {
        let mut features = snapshot.features.iter_mut();
        let feature = features.find(|feature| feature.name == "monetary_28d");
        let report = feature.and_then(|feature| feature.report.as_mut());
        let change = report.and_then(|report| report.segment.as_mut());
        change.expect("a segment was judged").segment = segment;
        says(
            told_of(&page(&snapshot), "monetary_28d"),
            &format!(
                "Of all segments it moved most in {words}: the distance is 0.410 over 600 rows."
            ),
        );
    }
    // Of both the parts add up.
    let causes = "monetary_28d | 0.140 | 0.050 | 0.090 | +4.500 | +3.750 | +0.750";
    says(told, &cells(causes));
}
