//! Every rule is held to the offline checks of cloudflare/pint (<https://cloudflare.github.io/pint/>) that concern it, ported
//! over the parsed PromQL, and to the names of the table; every board ([`boards`]) to the rules of grafana/dashboard-linter
//! ([`linter`]), and to the same names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod boards;
mod checks;
mod linter;
mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checks::{Complaint, Kind};
use crds::valid::Monitor;
use dashboards::links::Links;
use dashboards::routes::{self, Matcher};
use dashboards::rules::{self, Group, INTERVAL, Rule, Rules};

/// One without objectives, and one with some.
const EXAMPLES: [&str; 2] = [
    include_str!("../../../crds/examples/customer-segmentation.yaml"),
    include_str!("../../../crds/examples/warehouse-sql.yaml"),
];

fn monitor(example: &str) -> Monitor {
    crds::manifest::load(example).unwrap().monitor
}

fn links() -> Links {
    Links {
        grafana: Some("https://grafana.example.com/".to_owned()),
        runbooks: Some("https://git.example.com/docs/runbooks".to_owned()),
    }
}

/// All rules there are, at the usual pace and at one as in a test.
fn all() -> Vec<Rules> {
    let mut all = Vec::new();
    for interval in [INTERVAL, Duration::from_secs(1)] {
        for example in EXAMPLES {
            all.push(rules::of_monitor(&monitor(example), &links(), interval));
        }
        all.push(rules::of_all("feature-monitor", &links(), interval));
    }
    all
}

#[test]
fn no_check_complains() {
    for rules in all() {
        let complaints: Vec<Complaint> = checks::all(&rules)
            .into_iter()
            // It fires always, which is what it is for.
            .filter(|complaint| {
                complaint.rule != "Watchdog"
                    || ![Kind::Comparison, Kind::For].contains(&complaint.kind)
            })
            .collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// A check that finds nothing may be one that looks at nothing.
#[test]
fn each_check_finds_its_fault() {
    let check = |kind: Kind, expr: &str| {
        let found: BTreeSet<Kind> = checks::query("x", expr, true)
            .into_iter()
            .map(|complaint| complaint.kind)
            .collect();
        assert!(found.contains(&kind), "{expr}: {found:?}");
    };
    check(Kind::Syntax, "sum(up");
    check(Kind::Name, "featuremonitor_source_upp == 0");
    check(Kind::Name, "featuremonitor_source_up{feature=\"a\"} == 0");
    check(
        Kind::Name,
        "max by (feature) (featuremonitor_source_up) == 0",
    );
    check(Kind::Comparison, "featuremonitor_source_up");
    check(Kind::Comparison, "featuremonitor_source_up == bool 0");
    check(
        Kind::Fragile,
        "sum without (monitor) (featuremonitor_source_up) / featuremonitor_window_rows > 1",
    );
    check(
        Kind::Fragile,
        "featuremonitor_check_value > featuremonitor_check_limit",
    );
    check(Kind::Fragile, "featuremonitor_source_up == 0");
    check(
        Kind::Impossible,
        "featuremonitor_source_up{monitor=\"a\", monitor=\"b\"} == 0",
    );
    check(Kind::Impossible, "1 > bool 2");
    check(
        Kind::Impossible,
        "max by (monitor) (up) == 0 and on (feature) max by (monitor) (up) == 1",
    );
    check(
        Kind::Nan,
        "max by (monitor) (featuremonitor_window_rows) / max by (monitor) (featuremonitor_baseline_rows) > 1",
    );
    check(Kind::Nan, "max by (monitor) (up) / 0 > 1");
    check(Kind::Regexp, "max by (monitor) (up{monitor=~\"a\"}) == 0");
    check(
        Kind::Regexp,
        "max by (monitor) (up{monitor=~\"^a|b$\"}) == 0",
    );
    check(Kind::Regexp, "max by (monitor) (up{monitor=~\".*\"}) == 0");

    let broken = |change: &dyn Fn(&mut Group)| {
        let mut rules = rules::of_monitor(&monitor(EXAMPLES[0]), &links(), INTERVAL);
        change(&mut rules.groups[1]);
        let kinds = checks::all(&rules)
            .into_iter()
            .map(|complaint| complaint.kind);
        kinds.collect::<BTreeSet<Kind>>()
    };
    let altered = |change: &dyn Fn(&mut Rule)| broken(&|group| change(&mut group.rules[0]));
    let described = |text: &'static str| {
        altered(&move |rule| {
            if let Rule::Alert { annotations, .. } = rule {
                annotations.insert("description", text.to_owned());
            }
        })
    };
    assert!(broken(&|group| group.interval = "6m".to_owned()).contains(&Kind::Interval));
    assert!(broken(&|group| group.rules.push(group.rules[0].clone())).contains(&Kind::Duplicate));
    assert!(described("{{ $labels.feature }} is down.").contains(&Kind::Template));
    assert!(described("It is down.").contains(&Kind::Template));
    let short = altered(&|rule| {
        if let Rule::Alert { lasts, .. } = rule {
            *lasts = Some("30s".to_owned());
        }
    });
    assert!(short.contains(&Kind::For));
    let valued = altered(&|rule| {
        if let Rule::Alert { labels, .. } = rule {
            labels.insert("value", "{{ $value }}".to_owned());
        }
    });
    assert!(valued.contains(&Kind::Template));
    let unlinked = altered(&|rule| {
        if let Rule::Alert { annotations, .. } = rule {
            annotations.remove("runbook_url");
        }
    });
    assert!(unlinked.contains(&Kind::Annotation));
}

/// Queries in the table and in the runbooks are those of people, who may ask without a comparison.
#[test]
fn every_documented_query_parses_and_names_what_there_is() {
    let mut documented: Vec<(String, String)> = metrics::table::ALL
        .iter()
        .map(|family| (family.name.to_owned(), family.usage.query.to_owned()))
        .collect();
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbooks");
    for entry in std::fs::read_dir(runbooks).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut rest = text.as_str();
        while let Some((_, fenced)) = rest.split_once("```promql\n") {
            let (query, after) = fenced.split_once("```").unwrap();
            documented.push((path.display().to_string(), query.to_owned()));
            rest = after;
        }
    }
    assert!(documented.len() > metrics::table::ALL.len() + 20);
    for (place, query) in documented {
        let named: Vec<Complaint> = checks::query(&place, &query, false)
            .into_iter()
            .filter(|complaint| {
                [Kind::Syntax, Kind::Name, Kind::Impossible].contains(&complaint.kind)
            })
            .collect();
        assert!(named.is_empty(), "{named:#?}");
    }
}

/// The reasons between two marks, as in a matcher of a query.
fn among<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    let (_, after) = text.split_once(before).unwrap();
    let (reasons, _) = after.split_once('"').unwrap();
    reasons.split('|').collect()
}

/// The alert about what is not judged fires for the reasons that its page says, and for no others that the page has.
#[test]
fn what_is_not_judged_is_told_as_its_runbook_says() {
    let text = include_str!("../../../docs/runbooks/FeatureMonitorNotJudging.md");
    let told = text.split_once("| reason |").unwrap().1;
    let (told, untold) = told.split_once("| reason |").unwrap();
    let reasons = |table: &'static str| -> BTreeSet<&str> {
        let rows = table.lines().filter_map(|row| row.strip_prefix("| `"));
        let names = rows.filter_map(|row| row.split_once(" |"));
        names
            .flat_map(|(names, _)| names.split(", "))
            .map(|name| name.trim_matches('`'))
            .collect()
    };
    let (told, untold) = (reasons(told), reasons(untold));
    assert!(told.len() > 15 && untold.len() > 5 && told.is_disjoint(&untold));
    // The query of the page is about what is told.
    assert_eq!(among(text, "reason!~\""), untold);
    let alerts = all();
    let rules = alerts.iter().flat_map(|rules| &rules.groups);
    let fires: Vec<&String> = rules
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match rule {
            Rule::Alert { alert, expr, .. } if *alert == "FeatureMonitorNotJudging" => Some(expr),
            _ => None,
        })
        .collect();
    assert!(!fires.is_empty());
    for expr in fires {
        assert_eq!(among(expr, "reason=~\""), told);
    }
}

/// Every alert has a page with the four sections, and every page an alert.
#[test]
fn every_alert_has_a_runbook() {
    let alerts: BTreeSet<&str> = all()
        .iter()
        .flat_map(|rules| &rules.groups)
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match rule {
            Rule::Alert { alert, .. } => Some(*alert),
            Rule::Record { .. } => None,
        })
        .collect();
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbooks");
    let mut pages = BTreeSet::new();
    let index = std::fs::read_to_string(format!("{runbooks}/README.md")).unwrap();
    for entry in std::fs::read_dir(runbooks).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".md").unwrap();
        if name == "README" {
            continue;
        }
        let text = std::fs::read_to_string(format!("{runbooks}/{name}.md")).unwrap();
        assert!(text.starts_with(&format!("# {name}\n")), "{name}");
        let sections: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        let four = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];
        assert_eq!(sections, four, "{name}");
        assert!(
            index.contains(&format!("({name}.md)")),
            "{name} is not in the index"
        );
        pages.insert(name.to_owned());
    }
    let pages: BTreeSet<&str> = pages.iter().map(String::as_str).collect();
    assert_eq!(alerts, pages);
}

/// An alert rule, as far as Alertmanager sees it.
struct Told {
    alert: &'static str,
    labels: BTreeMap<&'static str, String>,
    lasts: Option<String>,
}

impl Told {
    fn of(rule: &Rule) -> Option<Self> {
        let Rule::Alert {
            alert,
            labels,
            lasts,
            ..
        } = rule
        else {
            return None;
        };
        let mut labels = labels.clone();
        labels.insert("monitor", "a".to_owned());
        Some(Self {
            alert,
            labels,
            lasts: lasts.clone(),
        })
    }

    fn label(&self, name: &str) -> &str {
        match name {
            "alertname" => self.alert,
            name => self.labels.get(name).map_or("", String::as_str),
        }
    }

    fn is(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| {
            let found = self.label(matcher.label);
            match matcher.how {
                "=" => found == matcher.value,
                "!=" => found != matcher.value,
                "=~" => matcher.value.split('|').any(|value| value == found),
                other => panic!("inhibitions do not use {other}"),
            }
        })
    }
}

/// Rules are evaluated in their order, and Alertmanager inhibits only by what has reached it: where two alerts begin with the
/// same evaluation, the one that keeps the other from being told comes first.
#[test]
fn what_inhibits_comes_before_what_it_inhibits() {
    let mut pairs = 0;
    for example in EXAMPLES {
        let rules = rules::of_monitor(&monitor(example), &links(), INTERVAL);
        let all = rules.groups.iter().flat_map(|group| &group.rules);
        let told: Vec<Told> = all.filter_map(Told::of).collect();
        for inhibition in routes::inhibitions() {
            let both = told.iter().enumerate().flat_map(|(i, source)| {
                let others = told.iter().enumerate().filter(move |(j, _)| i != *j);
                others.map(move |(j, target)| ((i, source), (j, target)))
            });
            for ((i, source), (j, target)) in both {
                let same = |label: &&str| source.label(label) == target.label(label);
                if source.is(&inhibition.source)
                    && target.is(&inhibition.target)
                    && inhibition.equal.iter().all(same)
                {
                    pairs += 1;
                    assert!(
                        i < j || source.lasts != target.lasts,
                        "{} comes after {}",
                        source.alert,
                        target.alert
                    );
                }
            }
        }
    }
    assert!(pairs > 50, "{pairs}");
}
