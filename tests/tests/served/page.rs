//! The page: that it is well-formed, hides what is sensitive, and says what matters in words.

use exporter::page::{Page, Refresh, render};
use exporter::snapshot::{Evaluation, Failure, Snapshot};
use exporter::source::Reason;
use exporter::updates::Supply;

use super::fixture;

fn page(snapshot: &Snapshot) -> String {
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
    const VOID: [&str; 3] = ["meta", "link", "br"];
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

#[test]
fn it_is_well_formed_whatever_the_names_are() {
    for snapshot in [fixture::snapshot(), fixture::empty()] {
        let html = page(&snapshot);
        well_formed(&html);
        assert!(!html.contains("<script"), "a feature's name is text");
    }
    // Kept for the eye: `target/tmp/page.html` of the last run.
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/page.html");
    std::fs::write(path, page(&fixture::snapshot())).expect("the folder is writable");
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
    assert!(place("tenure_days") < place("monetary_28d"));
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

#[test]
fn how_old_the_rows_are_and_whether_the_source_goes_on_is_said() {
    let html = page(&fixture::snapshot());
    // 1,920 rows a quarter of an hour apart, the newest twelve hours old: half of 20 days and 12 hours and less.
    for words in [
        "half are older than 10\u{a0}d 11\u{a0}h, 5 % than 19\u{a0}d 11\u{a0}h, 1 % than 20\u{a0}d 6\u{a0}h",
        "1,920 rows with an event time, 52.5\u{a0}% past the warning limit, 32.5\u{a0}% past the critical limit",
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
