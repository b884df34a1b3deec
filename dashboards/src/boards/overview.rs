//! The fleet: is all well, which monitor is not, since when. It reads recorded series where there are some, so that many
//! monitors cost little.

use metrics::Label::{Check, Monitor, Namespace, Reason, Severity};
use metrics::table;

use super::panels::{
    CHECKS, COUNT, PLAIN, SECONDS, SHARE, bars, complete, counted, counted_up, lasting, lines,
    scored, stat, stated, table as rows, timeline,
};
use super::pick::{self, count_of};
use super::state::{CRITICAL, GOOD, VERDICTS, WARNING, WATCHED};
use super::{Content, ENOUGH_VERDICTS, FLEET, OF_MONITOR, dashboard, firing, variables};
use crate::alerts::About;
use crate::foreign;
use crate::grafana::Dashboard;
use crate::grafana::field::{Link, Property};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::Board;
use crate::promql::{max_by, names, sum_by};
use crate::records::{BREACHED, MONITOR_VERDICT, PRESENT, SCORE, VALID};

/// The board.
pub fn board() -> Dashboard {
    dashboard(Content {
        board: Board::Overview,
        description: "Whether all feature monitors are well, and which is not.",
        from: "now-7d",
        variables: vec![variables::namespaces()],
        annotations: Vec::new(),
        sections: vec![
            Section::new("Are all monitors well?", vec![summary()]),
            Section::new(
                "Which monitor is not, and by which check?",
                vec![Line::new(10, vec![(24, monitors())])],
            ),
            Section::new("Since when?", vec![history()]),
            Section::new("Is the data new, and is all of it there?", vec![data()]),
            Section::new("Do the monitors fit into Prometheus?", vec![series()]),
        ],
    })
}

fn recorded(record: &str, severity: Option<&str>) -> String {
    let severity = severity.map(|severity| (Severity.name(), severity));
    FLEET.recorded(record, severity.as_slice())
}

/// Of each monitor, whether Prometheus can scrape its exporter.
fn up() -> String {
    max_by(&OF_MONITOR, &FLEET.foreign(foreign::UP, &["monitor!=\"\""]))
}

fn of(family: &metrics::Family<0>) -> String {
    max_by(&OF_MONITOR, &FLEET.of(family, &[]))
}

/// How far each monitor is from giving verdicts: [`WATCHED`].
fn watched() -> String {
    let (up, source, success) = (up(), of(&table::SOURCE_UP), of(&table::EVALUATION_SUCCESS));
    format!("{up} == 0 or ({source} == 0) + 1 or ({success} == 0) + 2 or {success} + 2 or {up} + 3")
}

fn summary() -> Line {
    let breached = |severity| {
        let series = recorded(BREACHED, Some(severity));
        let breached = format!("{} > 0", sum_by(&OF_MONITOR, &series));
        count_of(&breached, &series)
    };
    let unwatched = format!("({}) < 3", watched());
    let firing = firing(FLEET, &[]);
    Line::even(
        4,
        vec![
            stat(
                "Monitors",
                "Exporters that Prometheus knows, scraped or not.",
            )
            .ask(format!("count({})", up()), "monitors")
            .unit(COUNT)
            .decimals(0)
            .without("no monitor known"),
            stat(
                "Not watched",
                "Monitors whose exporter or source is down, or whose evaluations fail. What they \
                 last said may be wrong by now.",
            )
            .ask(count_of(&unwatched, &up()), "not watched")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, CRITICAL)])
            .without("no monitor known"),
            stat(
                "Critical",
                "Monitors with a check that is breached at critical.",
            )
            .ask(breached("critical"), "critical")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, CRITICAL)])
            .without("nothing judged"),
            stat(
                "Warning",
                "Monitors with a check that is breached at warning; those at critical are among \
                 them.",
            )
            .ask(breached("warning"), "warning")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("nothing judged"),
            stat(
                "Verdicts given",
                "Share of all verdicts that could be given. The rest is not judged, which is not \
                 good news: the board of a monitor says why.",
            )
            .ask(format!("avg({})", recorded(VALID, None)), "verdicts given")
            .unit(SHARE)
            .decimals(0)
            .colored(WARNING, &[(ENOUGH_VERDICTS, GOOD)])
            .without("nothing judged"),
            stat(
                "Alerts firing",
                "Alerts of these monitors that fire now, silenced or not.",
            )
            .ask(count_of(&firing, &up()), "firing")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("no monitor known"),
        ],
    )
}

fn monitors() -> Panel {
    let breached = |severity| sum_by(&OF_MONITOR, &recorded(BREACHED, Some(severity)));
    let score = |about: About| {
        let check = [(Check.name(), about.name()), (Severity.name(), "warning")];
        max_by(&OF_MONITOR, &FLEET.recorded(SCORE, &check))
    };
    let valid = format!(
        "avg by ({}) ({})",
        names(&OF_MONITOR),
        recorded(VALID, None)
    );
    let age = format!("time() - {}", of(&table::NEWEST_EVENT_TIMESTAMP));
    let score_or_none = || {
        let none = Property::NoValue("no verdict".to_owned());
        [scored(), vec![none]].concat()
    };
    let to_monitor = Link {
        title: "Open the monitor".to_owned(),
        url: Board::Monitor.drill_down(&[
            ("namespace", "${__data.fields.Namespace}"),
            ("monitor", "${__data.fields.Monitor}"),
        ]),
        target_blank: false,
    };
    rows(
        "Monitors",
        "A row for each monitor. Scores are the worst feature's value divided by its warning \
         limit: from 1 on it is over the limit. A click on the name opens the monitor.",
    )
    .ask(watched(), "")
    .ask(breached("critical"), "")
    .ask(breached("warning"), "")
    .ask(score(About::Drift), "")
    .ask(score(About::Missing), "")
    .ask(score(About::Quality), "")
    .ask(score(About::Freshness), "")
    .ask(valid, "")
    .ask(max_by(&OF_MONITOR, &recorded(PRESENT, None)), "")
    .ask(age, "")
    .columns(
        &[(Namespace.name(), "Namespace"), (Monitor.name(), "Monitor")],
        &[
            "Watched",
            "Critical",
            "Warning",
            "Drift",
            "Missing",
            "Quality",
            "Freshness",
            "Verdicts",
            "Columns",
            "Data age",
        ],
    )
    .series(
        "Monitor",
        vec![Property::Links(vec![to_monitor]), Property::Width(190)],
    )
    .series(
        "Watched",
        [stated(WATCHED), vec![Property::Width(130)]].concat(),
    )
    .series("Critical", counted(CRITICAL))
    .series("Warning", counted(WARNING))
    .series("Drift", score_or_none())
    .series("Missing", score_or_none())
    .series("Quality", score_or_none())
    .series("Freshness", score_or_none())
    .series("Verdicts", complete(ENOUGH_VERDICTS))
    .series("Columns", complete(1.0))
    .series("Data age", lasting())
    // Nothing is known of one that is not watched.
    .ordered(&[("Watched", false), ("Critical", true)])
    .without("not known")
}

fn history() -> Line {
    let labels = names(&OF_MONITOR);
    let verdicts = max_by(&OF_MONITOR, &recorded(MONITOR_VERDICT, None));
    // One without a verdict is worse than all that have one, as in the table.
    let states = format!("({verdicts} < 0) * 0 + 4 or {verdicts}");
    let scores = max_by(&OF_MONITOR, &recorded(SCORE, Some("warning")));
    let breached = sum_by(&[Check], &recorded(BREACHED, Some("warning")));
    Line::new(
        9,
        vec![
            (
                14,
                timeline(
                    "Verdicts of the eight worst monitors",
                    "The worst verdict of each monitor, of those that are worst at the end. While \
                     its exporter or source is down there is none.",
                )
                .ask(
                    pick::worst(&verdicts, &labels, &states, &scores),
                    "{{namespace}}/{{monitor}}",
                )
                .states(VERDICTS)
                .without("nothing judged"),
            ),
            (
                10,
                lines(
                    "Breached features by check",
                    "Features of all monitors whose check is breached at warning or worse, of the \
                     eight checks with most.",
                )
                .ask(
                    pick::largest(&breached, Check.name(), &breached),
                    "{{check}}",
                )
                .colors(&CHECKS)
                .unit(COUNT)
                .decimals(0)
                .from(0.0)
                .without("nothing judged"),
            ),
        ],
    )
}

fn data() -> Line {
    let age = format!("time() - {}", of(&table::NEWEST_EVENT_TIMESTAMP));
    let present = max_by(&OF_MONITOR, &recorded(PRESENT, None));
    let freshness = [
        (Check.name(), About::Freshness.name()),
        (Severity.name(), "warning"),
    ];
    let freshness = max_by(&OF_MONITOR, &FLEET.recorded(SCORE, &freshness));
    Line::even(
        10,
        vec![
            bars(
                "Oldest data",
                "Age of the newest event, of the eight monitors where it is largest.",
            )
            .ask(pick::largest_now(&age), "{{namespace}}/{{monitor}}")
            .unit(SECONDS)
            .decimals(1)
            .from(0.0)
            .colored(GOOD, &[])
            .without("no event seen"),
            bars(
                "Freshness against its limit",
                "Age of the oldest feature's newest event, divided by its warning limit: from 1 \
                 on it is over.",
            )
            .ask(pick::largest_now(&freshness), "{{namespace}}/{{monitor}}")
            .unit(PLAIN)
            .decimals(2)
            .from(0.0)
            .to(2.0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("freshness is not judged"),
            bars(
                "Columns that arrived",
                "Share of the expected columns, of the eight monitors where it is smallest.",
            )
            .ask(pick::smallest_now(&present), "{{namespace}}/{{monitor}}")
            .unit(SHARE)
            .decimals(0)
            .from(0.0)
            .to(1.0)
            .colored(WARNING, &[(1.0, GOOD)])
            .without("nothing judged"),
        ],
    )
}

fn series() -> Line {
    let samples = max_by(
        &OF_MONITOR,
        &FLEET.foreign(foreign::SCRAPE_SAMPLES, &["monitor!=\"\""]),
    );
    let dropped = pick::grown(
        &FLEET.of(&table::SERIES_DROPPED, &[]),
        &names(&[Namespace, Monitor, Reason]),
    );
    Line::even(
        8,
        vec![
            lines(
                "Series of a scrape",
                "Series of the eight largest monitors. A monitor may have 50,000; bins are left \
                 out first.",
            )
            .ask(
                pick::largest(&samples, &names(&OF_MONITOR), &samples),
                "{{namespace}}/{{monitor}}",
            )
            .unit(COUNT)
            .from(0.0)
            .without("no exporter is scraped"),
            counted_up(
                "Series left out",
                "Series over the budget, by reason, counted at each evaluation. Anything here \
                 means that boards lack something.",
            )
            .ask(dropped, "{{namespace}}/{{monitor}} {{reason}}")
            .tinted(WARNING)
            .without("nothing is left out"),
        ],
    )
}
