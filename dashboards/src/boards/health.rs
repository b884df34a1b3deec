//! The programs: are exporters and operator well, do rules evaluate in time.

use metrics::Label::{Code, Condition, Kind, Monitor, Namespace, Outcome, Revision, Verb, Version};
use metrics::{Family, table};

use super::panels::{
    COUNT, PLAIN, SECONDS, SHARE, counted_up, lasting, lines, stacked, stat, stated, table as rows,
    whole,
};
use super::pick::{self, count_of};
use super::state::{CRITICAL, GOOD, UNKNOWN, WARNING, flag};
use super::{Content, OF_MONITOR, dashboard};
use crate::foreign::{self, Series};
use crate::grafana::Dashboard;
use crate::grafana::field::{Color, Link, Property};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::{Board, document};
use crate::promql::Matcher::{Is, IsNot};
use crate::promql::{Reach, count_by, max_by, names, sum_by};

const ALL: Reach<'static> = Reach::All;

/// Targets that are exporters: what else is scraped has no label `monitor`.
const EXPORTERS: &[&str] = &["monitor!=\"\""];

/// Groups of rules that are ours, by the names that [`crate::rules`] gives them.
const GROUPS: &[&str] = &["rule_group=~\".*;feature-monitor.*\""];

/// The board.
pub fn board() -> Dashboard {
    dashboard(Content {
        board: Board::Health,
        description: "Whether exporters, operator and rules work.",
        from: "now-24h",
        variables: Vec::new(),
        annotations: Vec::new(),
        sections: vec![
            Section::new("Do all parts work?", vec![summary()]),
            Section::new(
                "Which monitor is not ready, or not scraped?",
                vec![Line::new(9, vec![(15, exporters()), (9, conditions())])],
            ),
            Section::new("What do scrapes cost?", vec![scrapes()]),
            Section::new("Does the operator keep up?", vec![operator(), writes()]),
            Section::new("Are rules evaluated in time?", rules()),
            Section::new("Which versions run?", vec![versions()]),
        ],
    })
}

fn up() -> String {
    max_by(&OF_MONITOR, &ALL.foreign(foreign::UP, EXPORTERS))
}

fn summary() -> Line {
    let down = format!("{} == 0", up());
    let ready = ALL.of(
        &table::OPERATOR_MONITOR_CONDITION,
        &[Is(Condition, "Ready")],
    );
    let unready = format!("{} == 0", max_by(&OF_MONITOR, &ready));
    let ended = |matchers: &[crate::promql::Matcher<'_>]| {
        let series = ALL.of(&table::OPERATOR_RECONCILIATIONS, matchers);
        format!("sum(increase({series}[$__range]))")
    };
    let failing = format!(
        "{} / ({} > 0)",
        ended(&[IsNot(Outcome, "success")]),
        ended(&[])
    );
    let rules = ALL.foreign(foreign::RULE_FAILURES, GROUPS);
    Line::even(
        4,
        vec![
            stat("Exporters", "Exporters that Prometheus knows.")
                .ask(format!("count({})", up()), "exporters")
                .unit(COUNT)
                .decimals(0)
                .without("none known"),
            stat("Down", "Exporters that cannot be scraped.")
                .ask(count_of(&down, &up()), "down")
                .unit(COUNT)
                .decimals(0)
                .colored(GOOD, &[(1.0, CRITICAL)])
                .without("none known"),
            stat(
                "Operators",
                "Pods of the operator that are scraped; one works, the others stand by.",
            )
            .ask(
                format!("count({})", ALL.of(&table::OPERATOR_BUILD_INFO, &[])),
                "operators",
            )
            .unit(COUNT)
            .decimals(0)
            .without("none scraped"),
            stat(
                "Leader",
                "Whether one of them holds the lease. Without a leader no change of a \
                 FeatureMonitor is acted on.",
            )
            .ask(
                format!("max({})", ALL.of(&table::OPERATOR_LEADING, &[])),
                "leader",
            )
            .states(&flag("nobody leads", CRITICAL, "leads"))
            .without("none scraped"),
            stat(
                "Monitors",
                "FeatureMonitors that the operator takes care of.",
            )
            .ask(
                format!("max({})", ALL.of(&table::OPERATOR_MONITORS, &[])),
                "monitors",
            )
            .unit(COUNT)
            .decimals(0)
            .without("none scraped"),
            stat(
                "Not ready",
                "FeatureMonitors whose condition Ready does not hold.",
            )
            .ask(count_of(&unready, &ready), "not ready")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("not known"),
            stat(
                "Failed",
                "Share of the operator's reconciliations in the time shown that did not succeed.",
            )
            .ask(failing, "failing")
            .unit(SHARE)
            .decimals(1)
            .colored(GOOD, &[(0.01, WARNING), (0.1, CRITICAL)])
            .without("none in this time"),
            stat(
                "Rules failed",
                "Rules of ours that failed to evaluate in the time shown.",
            )
            .ask(format!("sum(increase({rules}[$__range]))"), "failures")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("not scraped"),
        ],
    )
}

fn to_monitor() -> Property {
    Property::Links(vec![Link {
        title: "Open the monitor".to_owned(),
        url: Board::Monitor.drill_down(&[
            ("namespace", "${__data.fields.Namespace}"),
            ("monitor", "${__data.fields.Monitor}"),
        ]),
        target_blank: false,
    }])
}

fn exporters() -> Panel {
    let of = |family: &Family<0>| max_by(&OF_MONITOR, &ALL.of(family, &[]));
    let target = |series: Series| max_by(&OF_MONITOR, &ALL.foreign(series, EXPORTERS));
    rows(
        "Exporters",
        "A row for each exporter that Prometheus knows, those that cannot be scraped first.",
    )
    .ask(up(), "")
    .ask(of(&table::EVALUATION_SUCCESS), "")
    .ask(of(&table::CONFIG_RELOAD_SUCCESS), "")
    .ask(target(foreign::SCRAPE_DURATION), "")
    .ask(target(foreign::SCRAPE_SAMPLES), "")
    .columns(
        &[(Namespace.name(), "Namespace"), (Monitor.name(), "Monitor")],
        &["Scraped", "Evaluation", "Configuration", "Scrape", "Series"],
    )
    .series("Monitor", vec![to_monitor(), Property::Width(190)])
    .series("Scraped", stated(&flag("down", CRITICAL, "yes")))
    .series("Evaluation", stated(&flag("fails", CRITICAL, "succeeds")))
    .series(
        "Configuration",
        stated(&flag("refused", WARNING, "in force")),
    )
    .series("Scrape", lasting())
    .series("Series", whole())
    .ordered(&[("Scraped", false), ("Evaluation", false)])
    .without("not known")
}

fn conditions() -> Panel {
    let by = [Namespace, Monitor, Condition];
    let failing = ALL.of(
        &table::OPERATOR_MONITOR_CONDITION,
        &[IsNot(Condition, "Ready")],
    );
    rows(
        "Conditions that do not hold",
        &format!(
            "What keeps FeatureMonitors from being ready: {}.",
            document("what to do about each", "troubleshooting.md")
        ),
    )
    .ask(format!("{} == 0", max_by(&by, &failing)), "")
    .columns(
        &[
            (Namespace.name(), "Namespace"),
            (Monitor.name(), "Monitor"),
            (Condition.name(), "Condition"),
        ],
        &[],
    )
    .series("Monitor", vec![to_monitor(), Property::Width(190)])
    .without("all conditions hold")
}

fn scrapes() -> Line {
    let labels = names(&OF_MONITOR);
    let slowest = |series: Series| {
        let series = max_by(&OF_MONITOR, &ALL.foreign(series, EXPORTERS));
        pick::largest(&series, &labels, &series)
    };
    let dropped = pick::grown(&ALL.of(&table::SERIES_DROPPED, &[]), &labels);
    // As high as the names of eight monitors need.
    Line::even(
        10,
        vec![
            lines(
                "Duration of a scrape",
                "Of the eight exporters where it was longest.",
            )
            .ask(
                slowest(foreign::SCRAPE_DURATION),
                "{{namespace}}/{{monitor}}",
            )
            .unit(SECONDS)
            .from(0.0)
            .without("no exporter is scraped"),
            lines("Series of a scrape", "Of the eight exporters with most.")
                .ask(
                    slowest(foreign::SCRAPE_SAMPLES),
                    "{{namespace}}/{{monitor}}",
                )
                .unit(COUNT)
                .from(0.0)
                .without("no exporter is scraped"),
            counted_up(
                "Series left out",
                "Series over a monitor's budget, counted at each evaluation.",
            )
            .ask(dropped, "{{namespace}}/{{monitor}}")
            .tinted(WARNING)
            .without("nothing is left out"),
        ],
    )
}

fn operator() -> Line {
    let rate = |series: String| format!("rate({series}[$__rate_interval])");
    let outcomes = sum_by(
        &[Outcome],
        &rate(ALL.of(&table::OPERATOR_RECONCILIATIONS, &[])),
    );
    let quantile = |q: &str| {
        let buckets = rate(ALL.buckets(&table::OPERATOR_RECONCILIATION_DURATION));
        format!("histogram_quantile({q}, sum by (le) ({buckets}))")
    };
    let answers = sum_by(&[Code], &rate(ALL.of(&table::OPERATOR_API_ANSWERS, &[])));
    Line::even(
        8,
        vec![
            stacked(
                "Reconciliations",
                "Reconciliations of FeatureMonitors a second, by their outcome.",
            )
            .ask(outcomes, "{{outcome}}")
            .unit("ops")
            .series("success", vec![Property::Color(Color::fixed(GOOD))])
            .series("failure", vec![Property::Color(Color::fixed(CRITICAL))])
            .series("unreadable", vec![Property::Color(Color::fixed(WARNING))])
            .without("none scraped"),
            lines(
                "Duration",
                "How long a change takes to be acted on, with its writes.",
            )
            .ask(quantile("0.5"), "median")
            .ask(quantile("0.95"), "95 %")
            .unit(SECONDS)
            .from(0.0)
            .without("nothing reconciled"),
            stacked(
                "Answers of the API server",
                "Answers a second by the class of their code: 429 says that it throttles, none \
                 that it did not answer.",
            )
            .ask(answers, "{{code}}")
            .unit("reqps")
            .colors(&["2xx", "4xx", "409"])
            .series("429", vec![Property::Color(Color::fixed(WARNING))])
            .series("5xx", vec![Property::Color(Color::fixed(CRITICAL))])
            .series("none", vec![Property::Color(Color::fixed(UNKNOWN))])
            .without("none scraped"),
        ],
    )
}

fn writes() -> Line {
    let writes = pick::grown(&ALL.of(&table::OPERATOR_WRITES, &[]), &names(&[Kind, Verb]));
    let watches = pick::grown(&ALL.of(&table::OPERATOR_WATCH_ERRORS, &[]), Kind.name());
    Line::even(
        7,
        vec![
            counted_up(
                "Writes",
                "Objects that the operator wrote. In steady state there are none; a steady rate \
                 means that somebody else changes the same objects.",
            )
            .ask(writes, "{{verb}} {{kind}}")
            .without("nothing written"),
            counted_up(
                "Watches that broke off",
                "By the kind that was watched. One that breaks off again and again is blind.",
            )
            .ask(watches, "{{kind}}")
            .tinted(WARNING)
            .without("none broke off"),
        ],
    )
}

fn rules() -> Vec<Line> {
    let of = |series: Series| ALL.foreign(series, GROUPS);
    let share = format!(
        "max by (rule_group) ({}) / (max by (rule_group) ({}) > 0)",
        of(foreign::RULE_DURATION),
        of(foreign::RULE_INTERVAL)
    );
    let grown = |series: Series| pick::grown(&of(series), "rule_group");
    // The file in front of the group's name, and what all names begin with, is of no interest.
    let named = |query: &str| {
        format!(
            "label_replace({query}, \"group\", \"$1\", \"rule_group\", \".*;(?:feature-monitor[.])?(.*)\")"
        )
    };
    let taken = Line::even(
        8,
        vec![
            lines(
                "Time taken, of the time there is",
                "How long a group of rules took, divided by its interval: near 1 it falls \
                 behind. The eight that take most.",
            )
            .ask(
                named(&pick::largest(&share, "rule_group", &share)),
                "{{group}}",
            )
            .unit(SHARE)
            .from(0.0)
            .without("not scraped"),
        ],
    );
    // As high as the names of eight groups need.
    let failed = Line::even(
        10,
        vec![
            counted_up(
                "Evaluations left out",
                "Evaluations that did not take place, since the one before took too long.",
            )
            .ask(named(&grown(foreign::RULE_MISSED)), "{{group}}")
            .tinted(WARNING)
            .without("none left out"),
            counted_up("Failures", "Rules that failed to evaluate.")
                .ask(named(&grown(foreign::RULE_FAILURES)), "{{group}}")
                .tinted(CRITICAL)
                .without("none failed"),
        ],
    );
    vec![taken, failed]
}

fn versions() -> Line {
    let by = [Version, Revision];
    let panel = |title: &str, family: &Family<2>| {
        rows(
            title,
            "How many run of each version, and the revision of the source code.",
        )
        .ask(count_by(&by, &ALL.of(family, &[])), "")
        .columns(
            &[(Version.name(), "Version"), (Revision.name(), "Revision")],
            &["Running"],
        )
        .series(
            "Running",
            vec![Property::Unit(PLAIN.to_owned()), Property::Width(100)],
        )
        .without("none scraped")
    };
    Line::even(
        5,
        vec![
            panel("Versions of exporters", &table::BUILD_INFO),
            panel("Versions of operators", &table::OPERATOR_BUILD_INFO),
        ],
    )
}
