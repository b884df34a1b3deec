//! Committed files are what the code generates.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

fn check(path: &str, generated: &str) {
    let file = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == generated,
        "{path} is stale: run `make generate`"
    );
}

#[test]
fn the_reference_of_alerts_is_current() {
    check("docs/alerts.md", &dashboards::docs::markdown());
}

#[test]
fn the_rules_of_the_chart_are_current() {
    let rules = dashboards::rules::chart_yaml().unwrap();
    check("charts/feature-monitor/files/rules.yaml", &rules);
}

#[test]
fn the_boards_of_the_chart_are_current() {
    let folder = "charts/feature-monitor/files/boards";
    let boards = dashboards::boards::all();
    for board in &boards {
        let path = format!("{folder}/{}.json", board.uid);
        check(&path, &board.json().unwrap());
    }
    let there = std::fs::read_dir(format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR")));
    assert_eq!(there.unwrap().count(), boards.len(), "{folder} has more");
}
