//! The rules of grafana/dashboard-linter (<https://github.com/grafana/dashboard-linter>), ported over the JSON of a board. Where
//! a rule of it looks at few kinds of panels, ours looks at all.

use promql_parser::parser::{self, Expr};
use serde_json::Value;

use crate::query::parts;

/// What a rule says.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "shown when a test fails")]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// The panel or variable, where it is about one.
    pub place: String,
    /// What is wrong.
    pub words: String,
}

/// Rules that our boards do not keep, and why.
pub const EXCEPTIONS: [(&str, &str); 4] = [
    ("template-job-rule", BY_MONITOR),
    ("template-instance-rule", BY_MONITOR),
    ("target-job-rule", BY_MONITOR),
    ("target-instance-rule", BY_MONITOR),
];

const BY_MONITOR: &str = "series are told apart by namespace and monitor, which stay when a pod does not; job and instance \
                          follow from the scrape configuration, and recorded series do not have them";

/// The names of all rules.
pub const RULES: [&str; 17] = [
    "template-datasource-rule",
    "template-job-rule",
    "template-instance-rule",
    "template-label-promql-rule",
    "template-on-time-change-reload-rule",
    "panel-datasource-rule",
    "panel-title-description-rule",
    "panel-units-rule",
    "panel-no-targets-rule",
    "target-logql-rule",
    "target-logql-auto-rule",
    "target-promql-rule",
    "target-rate-interval-rule",
    "target-job-rule",
    "target-instance-rule",
    "target-counter-agg-rule",
    "uneditable-dashboard",
];

/// Stands for `$__rate_interval`: a range that nobody writes.
const RATE_INTERVAL: &str = "7919s";

/// Units that our boards use, by Grafana's names.
const UNITS: [&str; 7] = ["none", "short", "percentunit", "s", "bytes", "ops", "reqps"];

/// What is wrong with a board.
pub fn all(board: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |rule, place: &str, words: &str| {
        found.push(Finding {
            rule,
            place: place.to_owned(),
            words: words.to_owned(),
        });
    };
    if board["editable"] != false {
        say("uneditable-dashboard", "", "it can be changed in Grafana");
    }
    templates(board, &mut say);
    for panel in panels(board) {
        let title = text(&panel["title"]);
        if !is_chosen(panel) {
            say("panel-datasource-rule", title, "it is not the chosen one");
        }
        if title.is_empty() || text(&panel["description"]).is_empty() {
            say("panel-title-description-rule", title, "one is missing");
        }
        for words in units(panel) {
            say("panel-units-rule", title, &words);
        }
        if list(&panel["targets"]).is_empty() {
            say("panel-no-targets-rule", title, "it asks for nothing");
        }
        for target in list(&panel["targets"]) {
            for (rule, words) in of_target(target) {
                say(rule, title, &words);
            }
        }
    }
    found
}

/// All panels but headings.
pub fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    let panels = list(&board["panels"]).iter();
    panels.filter(|panel| panel["type"] != "row")
}

/// A query with values in place of what Grafana fills in.
pub fn filled(query: &str) -> String {
    query
        .replace("$__rate_interval", RATE_INTERVAL)
        .replace("$__interval_ms", "60000")
        .replace("$__interval", "1m")
        .replace("$__range", "1d")
        .replace("=~\"$", "=~\"one|")
}

/// The members of a list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text, empty where there is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn is_chosen(value: &Value) -> bool {
    ["$datasource", "${datasource}"].contains(&text(&value["datasource"]["uid"]))
}

fn templates(board: &Value, say: &mut impl FnMut(&'static str, &str, &str)) {
    let all = list(&board["templating"]["list"]);
    let sources: Vec<&Value> = all
        .iter()
        .filter(|one| one["type"] == "datasource")
        .collect();
    match sources[..] {
        [one] if one["name"] == "datasource" && one["label"] == "Data source" => {}
        _ => say(
            "template-datasource-rule",
            "",
            "there is no one variable `datasource` with the label `Data source`",
        ),
    }
    for (rule, name) in [
        ("template-job-rule", "job"),
        ("template-instance-rule", "instance"),
    ] {
        let right = all.iter().any(|one| {
            one["name"] == name
                && one["type"] == "query"
                && one["multi"] == true
                && one["allValue"] == ".+"
                && is_chosen(one)
        });
        if !right {
            say(
                rule,
                name,
                "there is no such variable, of all values at first",
            );
        }
    }
    for one in all.iter().filter(|one| one["type"] == "query") {
        let name = text(&one["name"]);
        if let Err(words) = label_values(text(&one["query"])) {
            say("template-label-promql-rule", name, &words);
        }
        if one["refresh"] != 2 {
            say(
                "template-on-time-change-reload-rule",
                name,
                "it is not asked again when the time changes",
            );
        }
    }
}

/// The query and the label of `label_values(query, label)`.
pub fn label_values(query: &str) -> Result<(Expr, String), String> {
    let inner = query
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|inner| inner.rsplit_once(", "));
    let Some((series, label)) = inner else {
        return Err(format!(
            "not of the form label_values(query, label): {query}"
        ));
    };
    let series = parser::parse(&filled(series)).map_err(|error| format!("{error}: {series}"))?;
    Ok((series, label.to_owned()))
}

/// Each value has a unit, or words in its place. Of a table: each column that is the value of a query.
fn units(panel: &Value) -> Vec<String> {
    let config = &panel["fieldConfig"];
    let said = |id: &str, value: &Value| match id {
        "unit" => UNITS.contains(&text(value)),
        "mappings" => !list(value).is_empty(),
        _ => false,
    };
    let mut defaults = config["defaults"].as_object().into_iter().flatten();
    if defaults.any(|(id, value)| said(id, value)) {
        return Vec::new();
    }
    if panel["type"] != "table" {
        return vec!["it has no unit, or one that Grafana does not know".to_owned()];
    }
    let overrides = list(&config["overrides"]);
    let missing = value_columns(panel).into_iter().filter(|column| {
        !overrides.iter().any(|one| {
            let mut properties = list(&one["properties"]).iter();
            one["matcher"]["options"] == **column
                && properties.any(|one| said(text(&one["id"]), &one["value"]))
        })
    });
    missing
        .map(|column| format!("the column {column} has no unit"))
        .collect()
}

/// Columns of a table that are values of queries, as they are shown.
fn value_columns(panel: &Value) -> Vec<&str> {
    let transformations = list(&panel["transformations"]).iter();
    let names = transformations.filter_map(|one| one["options"]["renameByName"].as_object());
    names
        .flatten()
        .filter(|(from, _)| from.starts_with("Value"))
        .map(|(_, to)| text(to))
        .collect()
}

fn of_target(target: &Value) -> Vec<(&'static str, String)> {
    let query = text(&target["expr"]);
    if target["datasource"]["type"] == "loki" {
        // There is no parser of LogQL here, since no board of ours has any.
        let mut found = vec![(
            "target-logql-rule",
            format!("it cannot be checked: {query}"),
        )];
        if query.contains('[') && !query.contains("[$__auto]") {
            found.push(("target-logql-auto-rule", query.to_owned()));
        }
        return found;
    }
    let parsed = match parser::parse(&filled(query)) {
        Ok(parsed) => parsed,
        Err(error) => return vec![("target-promql-rule", format!("{error}: {query}"))],
    };
    let mut found = Vec::new();
    for (rule, label) in [
        ("target-job-rule", "job"),
        ("target-instance-rule", "instance"),
    ] {
        let lacks = crate::query::selectors(&parsed)
            .into_iter()
            .find(|selector| {
                let mut matchers = selector.matchers.matchers.iter();
                !matchers.any(|matcher| matcher.name == label)
            });
        found.extend(lacks.map(|selector| (rule, selector.to_string())));
    }
    let rate_interval = crds::duration::parse(RATE_INTERVAL).ok();
    for part in parts(&parsed) {
        if let Expr::Call(call) = part
            && ["rate", "irate"].contains(&call.func.name)
        {
            let ranges = call
                .args
                .args
                .iter()
                .filter_map(|argument| match &**argument {
                    Expr::MatrixSelector(matrix) => Some(matrix.range),
                    _ => None,
                });
            let others = ranges.filter(|range| Some(*range) != rate_interval);
            found.extend(others.map(|_| ("target-rate-interval-rule", query.to_owned())));
        }
    }
    found.extend(bare_counters(&parsed, false).map(|name| ("target-counter-agg-rule", name)));
    found
}

/// Counters that are not in `rate`, `irate` or `increase`.
fn bare_counters(part: &Expr, counted: bool) -> Box<dyn Iterator<Item = String> + '_> {
    let bare = |name: &Option<String>| {
        let name = name.clone().filter(|name| name.ends_with("_total"));
        Box::new(name.filter(|_| !counted).into_iter())
    };
    match part {
        Expr::VectorSelector(selector) => bare(&selector.name),
        Expr::MatrixSelector(matrix) => bare(&matrix.vs.name),
        _ => {
            let counts = matches!(part, Expr::Call(call) if ["rate", "irate", "increase"].contains(&call.func.name));
            let inner = crate::query::inner(part).into_iter();
            Box::new(inner.flat_map(move |one| bare_counters(one, counts)))
        }
    }
}
