//! The alerts themselves: do they reach anybody, which fire most, are there more false ones than agreed. Its series are those
//! of Prometheus and Alertmanager.

use metrics::Label::{Feature, Monitor, Namespace, Severity};
use metrics::table;

use super::panels::{
    COUNT, PLAIN, SECONDS, SHARE, counted_up, lasting, lines, severity, stacked, stat,
    table as rows, whole,
};
use super::pick::{self, count_of};
use super::state::{CRITICAL, GOOD, UNKNOWN, WARNING, flag};
use super::{Content, FLEET, OF_MONITOR, OURS, dashboard, firing, variables};
use crate::foreign::{self, Series};
use crate::grafana::Dashboard;
use crate::grafana::field::{Color, Link, Property};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::Board;
use crate::promql::{Reach, max_by, names, sum_by};

/// The board.
pub fn board() -> Dashboard {
    dashboard(Content {
        board: Board::Alerts,
        description: "Whether alerts reach anybody, which fire most, and whether there are more \
                      than agreed.",
        from: "now-7d",
        variables: vec![variables::namespaces()],
        annotations: Vec::new(),
        sections: vec![
            Section::new(
                "Does something fire, and would anybody be told?",
                vec![summary()],
            ),
            Section::new(
                "What fires now?",
                vec![
                    Line::new(8, vec![(24, now())]),
                    Line::new(7, vec![(24, over_time())]),
                ],
            ),
            Section::new(
                "Which alerts fire most, and which come and go?",
                vec![Line::new(9, vec![(24, effort())])],
            ),
            Section::new(
                "Are there more alarms than the budget of false alarms?",
                vec![budget()],
            ),
            Section::new(
                "What does Alertmanager do with them?",
                vec![delivery(), sending()],
            ),
        ],
    })
}

/// A series of Alertmanager or of the sending Prometheus, which is in no namespace of a monitor.
fn of(series: Series, matchers: &[&str]) -> String {
    Reach::All.foreign(series, matchers)
}

fn increase(series: Series, over: &str) -> String {
    format!("increase({}[{over}])", of(series, &[]))
}

fn waiting() -> String {
    FLEET.foreign(
        foreign::ALERTS,
        &[&["alertstate=\"pending\""], &OURS[..]].concat(),
    )
}

/// The alert that always fires. Others have one of this name, without the label `check`.
fn watchdog() -> String {
    let ours = [
        "alertname=\"Watchdog\"",
        "check=\"availability\"",
        "alertstate=\"firing\"",
    ];
    of(foreign::ALERTS, &ours)
}

fn summary() -> Line {
    let severity = |severity: &str| {
        let series = firing(FLEET, &[&format!("severity=\"{severity}\"")]);
        // The Watchdog says that alerts are evaluated at all.
        count_of(&series, &watchdog())
    };
    let failed = format!(
        "sum({}) / (sum({}) > 0)",
        increase(foreign::AM_FAILED, "$__range"),
        increase(foreign::AM_NOTIFICATIONS, "$__range")
    );
    Line::even(
        4,
        vec![
            stat(
                "Watchdog",
                "An alert that always fires. Where it does not, no rule of the chart is \
                 evaluated, and no news is no good news.",
            )
            .ask(max_by(&[], &watchdog()), "watchdog")
            .states(&flag("silent", CRITICAL, "fires"))
            .without("absent"),
            stat(
                "Critical",
                "Alerts at critical that fire now, silenced or not.",
            )
            .ask(severity("critical"), "critical")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, CRITICAL)])
            .without("no Watchdog"),
            stat(
                "Warning",
                "Alerts at warning that fire now, silenced or not.",
            )
            .ask(severity("warning"), "warning")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("no Watchdog"),
            stat(
                "Waiting",
                "Alerts whose condition holds, though not for as long as they ask.",
            )
            .ask(count_of(&waiting(), &watchdog()), "waiting")
            .unit(COUNT)
            .decimals(0)
            .without("no Watchdog"),
            stat(
                "Suppressed",
                "Alerts in Alertmanager that a silence or another alert mutes now, of whatever \
                 source.",
            )
            .ask(
                format!("max({})", of(foreign::AM_ALERTS, &["state=\"suppressed\""])),
                "suppressed",
            )
            .unit(COUNT)
            .decimals(0)
            .without("not scraped"),
            stat(
                "Failed to notify",
                "Share of the attempts to notify that failed, in the time shown.",
            )
            .ask(failed, "failed")
            .unit(SHARE)
            .decimals(1)
            .colored(GOOD, &[(0.01, WARNING), (0.1, CRITICAL)])
            .without("nothing sent"),
        ],
    )
}

fn now() -> Panel {
    let of_monitor = [
        ("namespace", "${__data.fields.Namespace}"),
        ("monitor", "${__data.fields.Monitor}"),
    ];
    let of_feature = [("feature", "${__data.fields.Feature:percentencode}")];
    let to_monitor = Link {
        title: "Open the monitor".to_owned(),
        url: Board::Monitor.drill_down(&of_monitor),
        target_blank: false,
    };
    let to_feature = Link {
        title: "Open the feature".to_owned(),
        url: Board::Feature.drill_down(&[&of_monitor[..], &of_feature].concat()),
        target_blank: false,
    };
    let by = format!(
        "alertname, {}",
        names(&[Severity, Namespace, Monitor, Feature])
    );
    let since = FLEET.foreign(foreign::ALERTS_FOR_STATE, &OURS);
    let lasts = format!(
        "time() - max by ({by}) ({since}) and on ({by}) {}",
        firing(FLEET, &[])
    );
    // Of an alert that is about none, which the text for a whole table without rows would not say.
    let nothing = || Property::NoValue(" ".to_owned());
    rows(
        "Firing now",
        "A row for each alert that fires, the critical ones first, with the time since its condition \
         began to hold. A click on a name opens the monitor or the feature.",
    )
    .ask(lasts, "")
    .columns(
        &[
            ("alertname", "Alert"),
            (Severity.name(), "Severity"),
            (Namespace.name(), "Namespace"),
            (Monitor.name(), "Monitor"),
            (Feature.name(), "Feature"),
        ],
        &["For"],
    )
    .series(
        "Severity",
        [severity(), vec![Property::Width(110)]].concat(),
    )
    .series(
        "Monitor",
        vec![
            Property::Links(vec![to_monitor]),
            Property::Width(220),
            nothing(),
        ],
    )
    .series(
        "Feature",
        vec![Property::Links(vec![to_feature]), nothing()],
    )
    .series("For", [lasting(), vec![Property::Width(110)]].concat())
    .ordered(&[("Severity", false), ("For", true)])
    .without("nothing fires")
}

fn over_time() -> Panel {
    let count = format!("count by (alertname) ({})", firing(FLEET, &[]));
    let most = pick::largest(&count, "alertname", &count);
    let others = pick::others(&firing(FLEET, &[]), "alertname", &count);
    stacked(
        "Firing over time",
        "How many alerts fired, by name: the eight that were most, and all others.",
    )
    .ask(most, "{{alertname}}")
    .ask(format!("count({others})"), "all others")
    .told_apart()
    .series("all others", vec![Property::Color(Color::fixed(UNKNOWN))])
    .unit(COUNT)
    .decimals(0)
    .from(0.0)
    .without("nothing fired")
}

fn effort() -> Panel {
    let by = "alertname, severity";
    let fired = format!("count by ({by}) ({})", firing(FLEET, &[]));
    let time = format!("count_over_time(({fired})[$__range:$__interval]) * $__interval_ms / 1000");
    let all = FLEET.foreign(foreign::ALERTS_FOR_STATE, &OURS);
    let begun = format!("sum by ({by}) (changes({all}[$__range]) + 1)");
    let places = format!("count by ({by}) (last_over_time({all}[$__range]))");
    rows(
        "Alerts in the time shown",
        "An alert that begins again and again at one place flaps: its limit, its consecutive \
         windows or its source want a look. One that fires most of the time tells nobody \
         anything.",
    )
    .ask(begun, "")
    .ask(places, "")
    .ask(time, "")
    .columns(
        &[("alertname", "Alert"), (Severity.name(), "Severity")],
        &["Began", "Places", "Fired for"],
    )
    .series(
        "Severity",
        [severity(), vec![Property::Width(110)]].concat(),
    )
    .series("Began", whole())
    .series("Places", whole())
    .series("Fired for", lasting())
    .largest_first("Began")
    .without("nothing fired")
}

fn budget() -> Line {
    let by = [Namespace, Monitor, Severity];
    let judged = sum_by(
        &OF_MONITOR,
        &format!(
            "increase({}[$__range])",
            FLEET.of(&table::WINDOWS_JUDGED, &[])
        ),
    );
    let budget = max_by(&by, &FLEET.of(&table::FALSE_ALARM_BUDGET, &[]));
    let expected = format!(
        "{judged} * on ({}) group_right () {budget}",
        names(&OF_MONITOR)
    );
    let seen = sum_by(
        &by,
        &format!("increase({}[$__range])", FLEET.of(&table::ALARMS, &[])),
    );
    Line::new(
        8,
        vec![(
            24,
            rows(
                "False alarms expected, and alarms seen",
                "What the manifest's budget expects by chance in the windows that were judged, \
                 and how many alarms of calibrated checks began. Many more seen than \
                 expected: the features did change, or the baseline is not typical.",
            )
            .ask(
                format!(
                    "{judged} * on ({}) group_right () ({budget} >= bool 0)",
                    names(&OF_MONITOR)
                ),
                "",
            )
            .ask(expected, "")
            .ask(seen, "")
            .columns(
                &[
                    (Namespace.name(), "Namespace"),
                    (Monitor.name(), "Monitor"),
                    (Severity.name(), "Severity"),
                ],
                &["Windows judged", "Expected", "Seen"],
            )
            .series(
                "Severity",
                [severity(), vec![Property::Width(110)]].concat(),
            )
            .series("Windows judged", whole())
            .series(
                "Expected",
                vec![Property::Unit(PLAIN.to_owned()), Property::Decimals(2)],
            )
            .series("Seen", whole())
            .largest_first("Seen")
            .without("none"),
        )],
    )
}

fn delivery() -> Line {
    let grown = |series, labels: &str| pick::grown(&of(series, &[]), labels);
    Line::even(
        8,
        vec![
            counted_up(
                "Notifications",
                "Attempts to notify, by what was to carry them: the eight most used.",
            )
            .ask(
                grown(foreign::AM_NOTIFICATIONS, "integration"),
                "{{integration}}",
            )
            .without("nothing sent"),
            counted_up("Failed", "Attempts that failed, and why.")
                .ask(
                    grown(foreign::AM_FAILED, "integration, reason"),
                    "{{integration}} {{reason}}",
                )
                .tinted(CRITICAL)
                .without("nothing failed"),
            counted_up(
                "Kept back",
                "Notifications that a silence, another alert or a time of the day kept back.",
            )
            .ask(grown(foreign::AM_SUPPRESSED, "reason"), "{{reason}}")
            .without("nothing kept back"),
        ],
    )
}

fn sending() -> Line {
    let latency = format!(
        "rate({}[$__rate_interval])",
        Reach::All.foreign_buckets(foreign::AM_LATENCY)
    );
    let slowest = format!("histogram_quantile(0.95, sum by (integration, le) ({latency}))");
    let errors = format!(
        "sum({})",
        increase(foreign::SENDING_ERRORS, "$__rate_interval")
    );
    let dropped = format!(
        "sum({})",
        increase(foreign::SENDING_DROPPED, "$__rate_interval")
    );
    Line::even(
        8,
        vec![
            lines(
                "Time to notify",
                "How long 95 of 100 attempts took at most, by what was to carry them.",
            )
            .ask(
                pick::most(&slowest, "integration", &of(foreign::AM_NOTIFICATIONS, &[])),
                "{{integration}}",
            )
            .unit(SECONDS)
            .from(0.0)
            .without("nothing sent"),
            lines(
                "Alerts in Alertmanager",
                "By their state, of whatever source.",
            )
            .ask(
                format!("max by (state) ({})", of(foreign::AM_ALERTS, &[])),
                "{{state}}",
            )
            .colors(&["active", "suppressed", "unprocessed"])
            .unit(COUNT)
            .decimals(0)
            .from(0.0)
            .without("not scraped"),
            counted_up(
                "Not sent by Prometheus",
                "Alerts that Prometheus could not send to an Alertmanager, or gave up.",
            )
            .ask(errors, "failed")
            .ask(dropped, "given up")
            .series("failed", vec![Property::Color(Color::fixed(WARNING))])
            .series("given up", vec![Property::Color(Color::fixed(CRITICAL))])
            .without("not scraped"),
            lines(
                "Silences",
                "Silences by their state. An active one that nobody remembers hides the next \
                 alarm.",
            )
            .ask(
                format!("max by (state) ({})", of(foreign::AM_SILENCES, &[])),
                "{{state}}",
            )
            .colors(&["active", "pending", "expired"])
            .unit(COUNT)
            .decimals(0)
            .from(0.0)
            .without("not scraped"),
        ],
    )
}
