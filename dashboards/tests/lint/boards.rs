//! What every board keeps.

use std::collections::{BTreeMap, BTreeSet};

use dashboards::boards;
use dashboards::grafana::Dashboard;
use dashboards::grafana::layout::COLUMNS;
use dashboards::links::Board;
use dashboards::rules::Rule;
use promql_parser::parser;
use regex::Regex;
use serde_json::{Value, json};

use crate::checks::{self, Kind};
use crate::linter::{self, EXCEPTIONS, Finding, RULES, filled, label_values, list, panels, text};
use crate::query::{family, labels, selectors};

fn all() -> Vec<Value> {
    let boards = boards::all();
    boards.iter().map(value).collect()
}

fn value(board: &Dashboard) -> Value {
    serde_json::from_str(&board.json().unwrap()).unwrap()
}

/// A panel's queries.
fn queries(panel: &Value) -> impl Iterator<Item = &str> {
    list(&panel["targets"])
        .iter()
        .map(|target| text(&target["expr"]))
}

/// The board, and its panel.
fn place(board: &Value, panel: &Value) -> String {
    format!("{} / {}", text(&board["title"]), text(&panel["title"]))
}

#[test]
fn the_linter_has_no_complaint() {
    for board in all() {
        let found: Vec<Finding> = linter::all(&board)
            .into_iter()
            .filter(|finding| EXCEPTIONS.iter().all(|(rule, _)| *rule != finding.rule))
            .collect();
        assert!(found.is_empty(), "{}: {found:#?}", board["title"]);
    }
}

/// A rule that finds nothing may be one that looks at nothing.
#[test]
fn each_rule_of_the_linter_finds_its_fault() {
    let mut shown = BTreeSet::new();
    let mut check = |rule: &'static str, change: &dyn Fn(&mut Value)| {
        let mut board = value(&boards::all()[0]);
        let before = linter::all(&board)
            .iter()
            .filter(|one| one.rule == rule)
            .count();
        change(&mut board);
        let after = linter::all(&board)
            .iter()
            .filter(|one| one.rule == rule)
            .count();
        assert!(after > before, "{rule} does not see it");
        shown.insert(rule);
    };
    // The first panel, and the first variable that is a query.
    const PANEL: &str = "/panels/1";
    let set = |path: &'static str, to: Value| {
        move |board: &mut Value| *board.pointer_mut(path).unwrap() = to.clone()
    };
    let asks = |query: &'static str| {
        move |board: &mut Value| {
            board.pointer_mut(PANEL).unwrap()["targets"][0]["expr"] = json!(query);
        }
    };
    check("uneditable-dashboard", &set("/editable", json!(true)));
    check(
        "template-datasource-rule",
        &set("/templating/list/0/name", json!("prometheus")),
    );
    check(
        "template-datasource-rule",
        &set("/templating/list/0/label", json!("Source")),
    );
    check(
        "template-on-time-change-reload-rule",
        &set("/templating/list/1/refresh", json!(1)),
    );
    check(
        "template-label-promql-rule",
        &set("/templating/list/1/query", json!("up")),
    );
    check(
        "template-label-promql-rule",
        &set("/templating/list/1/query", json!("label_values(up{, job)")),
    );
    check(
        "panel-datasource-rule",
        &set("/panels/1/datasource/uid", json!("P1")),
    );
    check(
        "panel-title-description-rule",
        &set("/panels/1/description", json!("")),
    );
    check(
        "panel-units-rule",
        &set("/panels/1/fieldConfig/defaults/unit", json!("parsecs")),
    );
    check(
        "panel-no-targets-rule",
        &set("/panels/1/targets", json!([])),
    );
    check("target-promql-rule", &asks("sum(up"));
    check(
        "target-rate-interval-rule",
        &asks("rate(featuremonitor_rows_total[5m])"),
    );
    check(
        "target-counter-agg-rule",
        &asks("sum(featuremonitor_rows_total{monitor=\"a\"})"),
    );
    check(
        "target-counter-agg-rule",
        &asks("delta(featuremonitor_rows_total[5m])"),
    );
    check(
        "target-logql-rule",
        &set("/panels/1/targets/0/datasource/type", json!("loki")),
    );
    check("target-logql-auto-rule", &|board| {
        let target = &mut board.pointer_mut(PANEL).unwrap()["targets"][0];
        target["datasource"]["type"] = json!("loki");
        target["expr"] = json!("rate({app=\"a\"}[5m])");
    });
    // No board keeps what the exceptions are about: one that does has no finding.
    for (rule, name) in [
        ("template-job-rule", "job"),
        ("template-instance-rule", "instance"),
    ] {
        let mut board = value(&boards::all()[0]);
        let finds = |board: &Value| linter::all(board).iter().any(|one| one.rule == rule);
        assert!(finds(&board), "{rule}");
        let variables = board.pointer_mut("/templating/list").unwrap();
        let mut variable = variables[1].clone();
        variable["name"] = json!(name);
        variables.as_array_mut().unwrap().push(variable);
        assert!(!finds(&board), "{rule}");
        shown.insert(rule);
    }
    for (rule, query) in [
        ("target-job-rule", "up{instance=~\"$instance\"}"),
        ("target-instance-rule", "up{job=~\"$job\"}"),
    ] {
        let mut board = value(&boards::all()[0]);
        board["panels"] = json!([board.pointer(PANEL)]);
        let count = |board: &Value| {
            linter::all(board)
                .iter()
                .filter(|one| one.rule == rule)
                .count()
        };
        board["panels"][0]["targets"][0]["expr"] =
            json!("up{job=~\"$job\", instance=~\"$instance\"}");
        assert_eq!(count(&board), 0);
        board["panels"][0]["targets"][0]["expr"] = json!(query);
        assert_eq!(count(&board), 1);
        shown.insert(rule);
    }
    assert_eq!(shown, BTreeSet::from(RULES));
}

#[test]
fn every_query_names_what_there_is() {
    let mut asked = 0;
    for board in all() {
        let marks = list(&board["annotations"]["list"]).iter();
        let marks = marks.map(|mark| (text(&mark["name"]).to_owned(), text(&mark["expr"])));
        let shown = panels(&board)
            .flat_map(|panel| queries(panel).map(|query| (place(&board, panel), query)));
        for (place, query) in marks.chain(shown) {
            let found = checks::query(&place, &filled(query), false);
            assert!(found.is_empty(), "{query}: {found:#?}");
            asked += 1;
        }
        for variable in list(&board["templating"]["list"]) {
            if variable["type"] != "query" {
                continue;
            }
            let (series, label) = label_values(text(&variable["query"])).unwrap();
            assert!(labels(&series).unwrap().contains(&label), "{variable}");
            let found = checks::query("", &series.to_string(), false);
            assert!(found.is_empty(), "{found:#?}");
        }
    }
    assert!(asked > 150, "{asked}");
}

/// What is served stands in a panel or marks the charts, or is in the page's table of what has no panel, and not in both.
#[test]
fn what_has_no_panel_is_named() {
    let page = include_str!("../../../docs/boards.md");
    let (_, table) = page.split_once("\n## Without a panel\n").unwrap();
    let named = Regex::new("`(featuremonitor_[a-z_]+)`").unwrap();
    let named: BTreeSet<&str> = named
        .captures_iter(table)
        .map(|found| found.extract::<1>().1[0])
        .collect();
    let mut shown = BTreeSet::new();
    for board in all() {
        let marks = list(&board["annotations"]["list"]).iter();
        let marks = marks.map(|mark| text(&mark["expr"]));
        for query in marks.chain(panels(&board).flat_map(queries)) {
            let query = parser::parse(&filled(query)).unwrap();
            let series = selectors(&query).into_iter();
            let names = series.filter_map(|series| series.name.as_deref());
            // What is recorded is called after its family.
            let names = names.map(|name| name.split(':').nth(1).unwrap_or(name));
            shown.extend(names.filter_map(family).map(|family| family.name));
        }
    }
    let all = metrics::table::ALL.iter().map(|family| family.name);
    let without: BTreeSet<&str> = all.filter(|name| !shown.contains(name)).collect();
    assert_eq!(named, without);
}

#[test]
fn a_wrong_name_is_seen() {
    let check = |query: &str| {
        let found = checks::query("", &filled(query), false);
        assert!(
            found.iter().any(|complaint| complaint.kind == Kind::Name),
            "{query}"
        );
    };
    check("featuremonitor_source_upp{namespace=~\"$namespace\"}");
    check("sum(increase(alertmanager_notification_total[$__rate_interval]))");
    check("sum by (receiver) (increase(alertmanager_notifications_total[$__rate_interval]))");
    check("max(slo:sli_error:ratio_rate61m)");
    check("max(slo:objectives:ratio)");
    check("count by (job) (featuremonitor_source_up)");
}

/// A legend that names a label that the result does not have is empty.
#[test]
fn legends_and_columns_name_labels_of_the_result() {
    let named = Regex::new(r"\{\{([a-z_]+)\}\}").unwrap();
    for board in all() {
        for panel in panels(&board) {
            let place = place(&board, panel);
            let mut all_labels = Vec::new();
            for target in list(&panel["targets"]) {
                let query = parser::parse(&filled(text(&target["expr"]))).unwrap();
                let labels = labels(&query).unwrap_or_default();
                for capture in named.captures_iter(text(&target["legendFormat"])) {
                    assert!(labels.contains(&capture[1]), "{place}: {}", &capture[1]);
                }
                all_labels.push(labels);
            }
            let columns = list(&panel["transformations"]).iter();
            let columns = columns.filter_map(|one| one["options"]["renameByName"].as_object());
            for column in columns.flat_map(|names| names.keys()) {
                let is_value = column.starts_with("Value");
                let everywhere = all_labels.iter().all(|labels| labels.contains(column));
                assert!(is_value || everywhere, "{place}: {column}");
            }
        }
        for mark in list(&board["annotations"]["list"]) {
            let query = parser::parse(&filled(text(&mark["expr"]))).unwrap();
            let labels = labels(&query).unwrap_or_default();
            let says = format!("{} {}", mark["titleFormat"], mark["textFormat"]);
            for capture in named.captures_iter(&says) {
                assert!(labels.contains(&capture[1]), "{mark}");
            }
        }
    }
}

/// A chart of what can be many shows a few of them.
#[test]
fn charts_have_few_series() {
    let many = [
        "feature",
        "monitor",
        "alertname",
        "integration",
        "group",
        "kind",
    ];
    for board in all() {
        for panel in panels(&board).filter(|panel| panel["type"] != "table") {
            for target in list(&panel["targets"]) {
                let legend = text(&target["legendFormat"]);
                let is_many = many
                    .iter()
                    .any(|label| legend.contains(&format!("{{{{{label}}}}}")));
                let picks = ["topk(8, ", "bottomk(8, "].iter();
                let is_picked = picks
                    .clone()
                    .any(|pick| text(&target["expr"]).contains(pick));
                assert!(!is_many || is_picked, "{}: {legend}", place(&board, panel));
            }
            assert!(
                list(&panel["targets"]).len() <= 8,
                "{}",
                place(&board, panel)
            );
        }
    }
}

/// What is picked anew at each time is more than a few names in the legend, each there for a while.
#[test]
fn charts_show_the_same_series_at_all_times() {
    let mut picked = 0;
    for board in all() {
        for panel in panels(&board) {
            for target in list(&panel["targets"]) {
                let query = text(&target["expr"]);
                if target["range"] == true && query.contains("topk(") | query.contains("bottomk(") {
                    assert!(query.contains("@ end()"), "{}", place(&board, panel));
                    picked += 1;
                }
            }
        }
    }
    assert!(picked > 15, "{picked}");
}

/// Who reads of a critical monitor in a table finds it in the chart below: the verdict at the end comes before all scores.
#[test]
fn timelines_of_the_worst_rank_by_the_verdict_at_the_end() {
    let ranks = Regex::new(
        r"topk\(8, last_over_time\(\((.+?)\)\[10m:1m\] @ end\(\)\) \* 10000 \+ clamp\(.+, 0, 9999\) or ",
    )
    .unwrap();
    let mut ranked = 0;
    for board in all() {
        let timelines = panels(&board).filter(|panel| panel["type"] == "state-timeline");
        for panel in timelines {
            for query in queries(panel).filter(|query| query.contains("topk(")) {
                let by = ranks.captures(query).map(|found| found[1].to_owned());
                assert!(
                    by.is_some_and(|by| by.contains(":featuremonitor_check_breached:worst")),
                    "{}: {query}",
                    place(&board, panel)
                );
                ranked += 1;
            }
        }
    }
    assert_eq!(ranked, 2);
}

#[test]
fn the_board_of_a_feature_is_about_it() {
    let boards = all();
    let board = boards
        .iter()
        .find(|board| board["uid"] == Board::Feature.uid())
        .unwrap();
    for panel in panels(board) {
        for query in queries(panel) {
            assert!(
                query.contains("$feature"),
                "{}: {query}",
                place(board, panel)
            );
        }
    }
}

#[test]
fn panels_fill_the_grid_and_do_not_overlap() {
    for board in all() {
        let mut taken = BTreeMap::new();
        let mut ids = BTreeSet::new();
        let mut bottom = 0;
        for panel in list(&board["panels"]) {
            let place = place(&board, panel);
            let of = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{place}");
            assert!(of("w") >= 3 && of("h") >= 1, "{place}");
            for x in of("x")..of("x") + of("w") {
                for y in of("y")..of("y") + of("h") {
                    let before = taken.insert((x, y), place.clone());
                    assert_eq!(before, None, "{place}");
                    bottom = bottom.max(y + 1);
                }
            }
        }
        assert!(taken.keys().all(|(x, _)| *x < u64::from(COLUMNS)));
        let cells = bottom * u64::from(COLUMNS);
        assert_eq!(
            taken.len() as u64,
            cells,
            "{}: there are holes",
            board["title"]
        );
    }
}

/// At 1366 × 768 some 16 units of the grid are seen without scrolling.
#[test]
fn the_first_screen_answers() {
    for board in all() {
        let rows = list(&board["panels"])
            .iter()
            .filter(|panel| panel["type"] == "row");
        let second = rows.clone().nth(1).unwrap()["gridPos"]["y"]
            .as_u64()
            .unwrap();
        assert!(second <= 12, "{}", board["title"]);
        for row in rows {
            assert!(text(&row["title"]).ends_with('?'), "{}", row["title"]);
        }
    }
}

#[test]
fn values_are_shown_for_what_they_are() {
    for board in all() {
        for panel in panels(&board) {
            let place = place(&board, panel);
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(
                !text(&defaults["noValue"]).is_empty(),
                "{place}: nothing is said of no value"
            );
            // Red and green are not told apart by many.
            let shown = panel.to_string();
            for color in ["red", "green", "#F2495C", "#73BF69"] {
                assert!(!shown.contains(&format!("\"{color}\"")), "{place}: {color}");
            }
            assert!(text(&defaults["noValue"]).len() <= 32, "{place}");
            // What was seen to fit at 1366 pixels.
            let letters = match panel["gridPos"]["w"].as_u64().unwrap() {
                3 => 13,
                4 => 18,
                _ => 45,
            };
            assert!(text(&panel["title"]).len() <= letters, "{place}");
        }
    }
}

const WARNING: &str = "orange";
const CRITICAL: &str = "dark-purple";
const REFERENCE: &str = "#8e8e8e";

/// The properties of each series, or column, by its name; later ones go before.
fn overrides(panel: &Value) -> BTreeMap<&str, BTreeMap<&str, &Value>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
    for one in list(&panel["fieldConfig"]["overrides"]) {
        let own = all.entry(text(&one["matcher"]["options"])).or_default();
        let properties = list(&one["properties"]).iter();
        own.extend(properties.map(|property| (text(&property["id"]), &property["value"])));
    }
    all
}

/// A colour stands for one series of a chart; those of limits and of what is compared with for nothing else.
#[test]
fn colours_of_lines_stand_for_one_thing() {
    let bad = ["warning", "critical"];
    // Grafana's palette as far as a chart goes, but for the colours above, which a severity may have.
    let palette = [
        "green",
        "semi-dark-yellow",
        "blue",
        "red",
        "purple",
        "dark-green",
        "dark-yellow",
        "dark-blue",
    ];
    let mut seen = 0;
    for board in all() {
        for panel in panels(&board) {
            let defaults = &panel["fieldConfig"]["defaults"];
            if panel["type"] != "timeseries" || defaults["custom"]["drawStyle"] != "line" {
                continue;
            }
            let place = place(&board, panel);
            let overrides = overrides(panel);
            let color = |name: &str| {
                let own = overrides.get(name).and_then(|own| own.get("color"));
                own.map_or("", |color| text(&color["fixedColor"]))
            };
            let legends: Vec<&str> = list(&panel["targets"])
                .iter()
                .map(|target| text(&target["legendFormat"]))
                .collect();
            for legend in legends.iter().filter(|legend| !legend.contains("{{")) {
                assert_ne!(color(legend), "", "{place}: {legend} has no colour");
                let own = &overrides[legend];
                let compared = own.contains_key("custom.lineStyle");
                let beside_names = legends.iter().any(|legend| legend.contains("{{"));
                if beside_names && !compared && defaults["color"]["mode"] == "palette-classic" {
                    assert!(!palette.contains(&color(legend)), "{place}: {legend}");
                }
            }
            let mut taken = BTreeMap::new();
            for (name, own) in &overrides {
                let hidden = own
                    .get("custom.hideFrom")
                    .is_some_and(|from| from["legend"] == true);
                if color(name).is_empty() || hidden || own.contains_key("custom.lineStyle") {
                    continue;
                }
                assert_ne!(color(name), REFERENCE, "{place}: {name}");
                if [WARNING, CRITICAL].contains(&color(name)) {
                    assert!(bad.contains(name), "{place}: {name}");
                }
                let other = taken.insert(color(name), *name);
                // Both ends of a band are one thing.
                let band = |one: &str, other: &str| {
                    let below = overrides[one].get("custom.fillBelowTo");
                    below.is_some_and(|below| *below == other)
                };
                let apart = other.is_none_or(|other| band(other, name) || band(name, other));
                assert!(apart, "{place}: {name} is {} too", color(name));
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn marks_of_critical_alerts_have_their_colour() {
    let boards = all();
    let marks = boards
        .iter()
        .flat_map(|board| list(&board["annotations"]["list"]));
    let critical = marks.filter(|mark| text(&mark["expr"]).contains("severity=\"critical\""));
    assert!(critical.clone().count() >= 3);
    for mark in critical {
        assert_eq!(mark["iconColor"], CRITICAL);
    }
}

/// The relative luminance of a colour, by WCAG 2.
fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = rgb.map(|part| match f64::from(part) / 255.0 {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// How far a text on a ground stands out, by WCAG 2: Grafana writes dark on what is bright.
fn contrast(ground: [u8; 3]) -> f64 {
    let [red, green, blue] = ground.map(f64::from);
    let brightness = (red * 299.0 + green * 587.0 + blue * 114.0) / 1000.0;
    let letters = match brightness > 180.0 {
        true => [32, 34, 38],
        false => [247, 248, 250],
    };
    let both = [luminance(letters), luminance(ground)];
    (both[0].max(both[1]) + 0.05) / (both[0].min(both[1]) + 0.05)
}

/// Texts on colours are read in both themes, which have the same text on the same colour only where that is no name of Grafana's.
#[test]
fn texts_on_colours_can_be_read() {
    assert!(contrast([0xff, 0x98, 0x30]) < 2.5, "Grafana's orange");
    let named = Regex::new(r#""color":"([^"]+)""#).unwrap();
    let mut grounds = BTreeSet::new();
    for board in all() {
        for panel in panels(&board) {
            let defaults = &panel["fieldConfig"]["defaults"];
            let mut colors = Vec::new();
            if panel["options"]["colorMode"] == "background" {
                colors.extend([&defaults["thresholds"]["steps"], &defaults["mappings"]]);
            }
            for own in overrides(panel).values() {
                let filled = own.get("custom.cellOptions");
                if filled.is_some_and(|cell| cell["type"] == "color-background") {
                    colors.extend(own.get("mappings").copied());
                    colors.push(&own["thresholds"]["steps"]);
                }
            }
            for found in named.captures_iter(&json!(colors).to_string()) {
                grounds.insert(found[1].to_owned());
            }
        }
    }
    grounds.remove("transparent");
    assert!(grounds.len() >= 5, "{grounds:?}");
    for ground in &grounds {
        let part = |at: usize| u8::from_str_radix(ground.get(at..at + 2).unwrap_or_default(), 16);
        let rgb = [part(1).unwrap(), part(3).unwrap(), part(5).unwrap()];
        assert!(contrast(rgb) >= 4.5, "{ground}: {}", contrast(rgb));
    }
}

/// A score is of the warning limit unless it says so: where it is over it, it is not critical for that.
#[test]
fn scores_of_warning_limits_have_the_colour_of_warnings() {
    let mut columns = 0;
    for board in all() {
        for panel in panels(&board) {
            let place = place(&board, panel);
            let is_score = |query: &str| {
                let warning =
                    query.contains("severity=\"warning\"") && query.contains("check_score");
                warning || query.contains("_association_score") || query.contains("_segment_score")
            };
            let overrides = overrides(panel);
            let mut names = list(&panel["transformations"]).iter();
            let names = names.find_map(|one| one["options"]["renameByName"].as_object());
            for target in list(&panel["targets"]) {
                if !is_score(text(&target["expr"])) || panel["type"] == "state-timeline" {
                    continue;
                }
                let steps = match names {
                    Some(names) => {
                        let column = text(&names[&format!("Value #{}", text(&target["refId"]))]);
                        &overrides[column]["thresholds"]["steps"]
                    }
                    None => &panel["fieldConfig"]["defaults"]["thresholds"]["steps"],
                };
                let last = text(&list(steps).last().unwrap()["color"]);
                assert!([WARNING, "#ffb357"].contains(&last), "{place}: {last}");
                columns += 1;
            }
        }
    }
    assert!(columns > 15, "{columns}");
}

/// With no digits after the point an axis of shares has marks at 0 and 100 % only.
#[test]
fn axes_of_shares_have_marks_between() {
    for board in all() {
        for panel in panels(&board).filter(|panel| panel["type"] == "timeseries") {
            let defaults = &panel["fieldConfig"]["defaults"];
            let none = defaults["unit"] == "percentunit" && defaults["decimals"] == 0;
            assert!(!none, "{}", place(&board, panel));
        }
    }
}

/// What happened in less than an hour would be counted in fractions.
#[test]
fn what_is_counted_is_counted_by_the_hour() {
    let mut counted = 0;
    for board in all() {
        for panel in panels(&board).filter(|panel| panel["type"] == "timeseries") {
            let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
            let grows =
                |query: &str| query.contains("increase(") && query.contains("$__rate_interval");
            if ["short", "bytes"].contains(&unit) && queries(panel).any(grows) {
                assert_eq!(panel["interval"], "1h", "{}", place(&board, panel));
                counted += 1;
            }
        }
    }
    assert!(counted > 10, "{counted}");
}

/// Grafana's names of variables are those of the board, those of its columns, or Grafana's own.
#[test]
fn links_lead_to_boards_and_fill_in_their_variables() {
    let boards: BTreeMap<String, Value> = all()
        .into_iter()
        .map(|board| (text(&board["uid"]).to_owned(), board))
        .collect();
    let variables = |board: &Value| -> BTreeSet<String> {
        let list = list(&board["templating"]["list"]).iter();
        list.map(|one| text(&one["name"]).to_owned()).collect()
    };
    let expected: BTreeSet<String> = Board::ALL
        .iter()
        .map(|board| board.uid().to_owned())
        .collect();
    assert_eq!(boards.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for board in Board::ALL {
        // What an alert's link fills in.
        let has = variables(&boards[board.uid()]);
        assert!(
            board.variables().iter().all(|name| has.contains(*name)),
            "{has:?}"
        );
    }
    let filled_in = Regex::new(r"\$\{([^}]+)\}").unwrap();
    let mut followed = 0;
    for board in boards.values() {
        for link in list(&board["links"]) {
            let tags = list(&link["tags"]);
            let found = boards
                .values()
                .filter(|board| list(&board["tags"]).iter().any(|tag| tags.contains(tag)));
            assert_eq!(found.count(), boards.len(), "{link}");
        }
        for panel in panels(board) {
            let mut links = Vec::new();
            for one in list(&panel["fieldConfig"]["overrides"]) {
                for property in list(&one["properties"]) {
                    if property["id"] == "links" {
                        links.extend(list(&property["value"]));
                    }
                }
            }
            let columns = list(&panel["transformations"]).iter();
            let columns = columns.filter_map(|one| one["options"]["renameByName"].as_object());
            let columns: BTreeSet<&str> =
                columns.flat_map(|names| names.values().map(text)).collect();
            for link in links {
                let url = text(&link["url"]);
                let (path, query) = url.split_once('?').unwrap();
                let target = &boards[path.strip_prefix("/d/").unwrap()];
                for pair in query.split('&').filter(|pair| pair.starts_with("var-")) {
                    let (name, _) = pair.strip_prefix("var-").unwrap().split_once('=').unwrap();
                    assert!(variables(target).contains(name), "{url}");
                }
                for capture in filled_in.captures_iter(url) {
                    let name = capture[1].split(':').next().unwrap();
                    let known = match name.strip_prefix("__data.fields.") {
                        Some(column) => columns.contains(column),
                        None => name == "__url_time_range" || variables(board).contains(name),
                    };
                    assert!(known, "{url}: {name}");
                }
                followed += 1;
            }
        }
    }
    assert!(followed >= 4, "{followed}");
}

/// Boards find our alerts by the beginning of their names.
#[test]
fn alerts_begin_as_boards_ask_for_them() {
    for rule in crate::all()
        .iter()
        .flat_map(|rules| &rules.groups)
        .flat_map(|group| &group.rules)
    {
        if let Rule::Alert { alert, labels, .. } = rule {
            let is_watchdog = *alert == "Watchdog" && labels["check"] == "availability";
            assert!(alert.starts_with("Feature") || is_watchdog, "{alert}");
        }
    }
}

/// Each variable rests on those before it, and each is asked for somewhere.
#[test]
fn variables_are_there_before_they_are_used() {
    let named = Regex::new(r"\$\{?([a-z]+)\}?").unwrap();
    for board in all() {
        let mut known = BTreeSet::from(["datasource".to_owned()]);
        let mut used = BTreeSet::new();
        for variable in list(&board["templating"]["list"]) {
            for capture in named.captures_iter(text(&variable["query"])) {
                assert!(known.contains(&capture[1]), "{variable}");
                used.insert(capture[1].to_owned());
            }
            known.insert(text(&variable["name"]).to_owned());
        }
        for panel in panels(&board) {
            for query in queries(panel) {
                for capture in named.captures_iter(query) {
                    assert!(known.contains(&capture[1]), "{query}");
                    used.insert(capture[1].to_owned());
                }
            }
        }
        used.insert("datasource".to_owned());
        assert_eq!(used, known, "{}", board["title"]);
    }
}

#[test]
fn what_is_written_is_read_back() {
    for board in boards::all() {
        let json = board.json().unwrap();
        let read: Dashboard = serde_json::from_str(&json).unwrap();
        assert_eq!(read, board);
        assert_eq!(read.json().unwrap(), json);
        // Grafana's limit of a uid, and Kubernetes' of a ConfigMap.
        assert!(board.uid.len() <= 40);
        assert!(json.len() <= 1 << 20, "{}: {}", board.uid, json.len());
    }
}
