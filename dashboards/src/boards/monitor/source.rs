//! The source of a monitor: is its data new, complete and in its form, does it go on, and how much of it makes a window.

use metrics::Label::{Check, Feature, Reason, Severity, State as StateLabel};
use metrics::table;

use super::{age, of};
use crate::alerts::About;
use crate::boards::panels::{
    COUNT, HOUR, SECONDS, SHARE, counted_up, lines, table as rows, timeline,
};
use crate::boards::state::{CRITICAL, REFERENCE, SUPPLIED, UNKNOWN, WARNING};
use crate::boards::{ONE, pick};
use crate::grafana::field::{Color, Property};
use crate::grafana::layout::Line;
use crate::grafana::panel::Panel;
use crate::promql::Matcher::{Among, Is};
use crate::promql::max_by;
use crate::records::PRESENT;

pub(super) fn data() -> Line {
    let missing = max_by(&[Feature], &ONE.of(&table::FEATURE_MISSING_RATIO, &[]));
    let finding = format!(
        "{} == 1",
        max_by(&[Feature, Reason], &ONE.of(&table::SCHEMA_FINDING, &[]))
    );
    Line::even(
        8,
        vec![
            aged(
                lines(
                    "Age of the data",
                    "Age of the newest event, and the limits of the freshness check where the \
                 manifest has some.",
                )
                .ask(age(&table::NEWEST_EVENT_TIMESTAMP), "age"),
            ),
            lines(
                "Missing values",
                "Share of rows that are null, of the eight features where it was largest.",
            )
            .ask(
                pick::largest(&missing, Feature.name(), &missing),
                "{{feature}}",
            )
            .unit(SHARE)
            .from(0.0)
            .to(1.0)
            .without("no window judged"),
            rows(
                "Columns that are not as expected",
                "Differences between the source's columns and the baseline's.",
            )
            .ask(finding, "")
            .columns(&[(Feature.name(), "Column"), (Reason.name(), "Is")], &[])
            .without("all columns are as expected"),
        ],
    )
}

pub(super) fn supply() -> Vec<Line> {
    let in_state = |state| max_by(&[], &ONE.of(&table::UPDATE_STATE, &[Is(StateLabel, state)]));
    // One of them is 1, and the state's number with it.
    let state = format!(
        "{} + 2 * {} + 3 * {} + 4 * {}",
        in_state("advancing"),
        in_state("no_event_time"),
        in_state("not_advancing"),
        in_state("not_materialised"),
    );
    let stale = max_by(&[Severity], &ONE.of(&table::STALE_ROW_RATIO, &[]));
    let down = |states: &[&str]| {
        let seconds = ONE.of(&table::SOURCE_SECONDS, &[Among(StateLabel, states)]);
        format!("sum(increase({seconds}[$__rate_interval]))")
    };
    let goes_on = Line::even(
        7,
        vec![
            timeline(
                "The source",
                "Whether newer events come: rows without newer events point to what fills the table's events, no rows \
                 to the job that makes the table.",
            )
            .ask(state, "source")
            .states(SUPPLIED)
            .without("not checked"),
            lines(
                "Since the last update",
                "Time since an evaluation first saw the newest event, with the usual time between updates and the \
                 longest that is usual.",
            )
            .ask(age(&table::UPDATE_TIMESTAMP), "waiting")
            .ask(of(&table::UPDATE_MEDIAN_INTERVAL), "median")
            .ask(of(&table::UPDATE_USUAL_INTERVAL), "longest usual")
            .unit(SECONDS)
            .from(0.0)
            .limit("median", REFERENCE)
            .limit("longest usual", WARNING)
            .without("no event seen"),
            lines(
                "Source not to be read",
                "Share of the time in which the last attempt to read the source had failed.",
            )
            .ask(
                format!("{} / ({} > 0)", down(&["down"]), down(&["down", "up"])),
                "down",
            )
            .every(HOUR)
            .unit(SHARE)
            .from(0.0)
            .to(1.0)
            .without("not known"),
        ],
    );
    let rows = Line::even(
        7,
        vec![
            aged(
                lines(
                    "Age of the rows",
                    "The ages that half of the rows of the newest window exceed, one in twenty and \
                 one in a hundred, and the limits of the newest.",
                )
                .ask(age(&table::EVENT_P50_TIMESTAMP), "half")
                .ask(age(&table::EVENT_P05_TIMESTAMP), "5 %")
                .ask(age(&table::EVENT_P01_TIMESTAMP), "1 %"),
            ),
            lines(
                "Rows that are too old",
                "Share of the rows whose event is past a limit of freshness, and of those whose event is in the future, which \
                 counts as none.",
            )
            .ask(stale, "{{severity}}")
            .ask(of(&table::FUTURE_EVENT_RATIO), "in the future")
            .unit(SHARE)
            .from(0.0)
            .at_least_to(0.01)
            .series("warning", vec![Property::Color(Color::fixed(WARNING))])
            .series("critical", vec![Property::Color(Color::fixed(CRITICAL))])
            .without("no limit"),
            lines(
                "Between the last two updates",
                "Time between the last two updates of the source by the clock, and between their newest events: where less passes in \
                 events, the source falls behind.",
            )
            .ask(of(&table::UPDATE_INTERVAL), "by the clock")
            .ask(of(&table::UPDATE_EVENT_INTERVAL), "in events")
            .unit(SECONDS)
            .from(0.0)
            .without("fewer than two updates"),
        ],
    );
    vec![goes_on, rows]
}

pub(super) fn windows() -> Line {
    let mean = format!(
        "{} / ({} > 0)",
        of(&table::BASELINE_ROWS),
        of(&table::BASELINE_WINDOWS)
    );
    let present = max_by(&[], &ONE.recorded(PRESENT, &[]));
    let outside = format!(
        "sum(increase({}[$__rate_interval]))",
        ONE.of(&table::ROWS_OUTSIDE_WINDOWS, &[])
    );
    Line::even(
        7,
        vec![
            lines(
                "Rows of a window",
                "Rows of the judged window, of the one in progress, and of the baseline's mean \
                 window.",
            )
            .ask(of(&table::WINDOW_ROWS), "judged")
            .ask(of(&table::OPEN_WINDOW_ROWS), "in progress")
            .ask(mean, "baseline")
            .unit(COUNT)
            .from(0.0)
            .limit("baseline", REFERENCE)
            .without("no window yet"),
            lines(
                "Judged up to",
                "Time from the end of the judged window to now: how old a verdict is. By the \
                 target: of the last window whose target is known, where it is known later.",
            )
            .ask(age(&table::WINDOW_END_TIMESTAMP), "behind")
            .ask(age(&table::TARGET_WINDOW_END_TIMESTAMP), "by the target")
            .unit(SECONDS)
            .from(0.0)
            .without("no window judged"),
            lines(
                "Columns that arrived",
                "Share of the expected columns that were in the judged window.",
            )
            .ask(present, "arrived")
            .unit(SHARE)
            .from(0.0)
            .to(1.0)
            .without("no window judged"),
            counted_up(
                "Rows outside windows",
                "Rows whose time is null or in no window that was asked for. They are in no \
                 statistic.",
            )
            .ask(outside, "rows")
            .at_least_to(1.0)
            .colored(UNKNOWN, &[])
            .without("not known"),
        ],
    )
}

/// Ages in seconds, with the limits of the freshness check where the manifest has some.
fn aged(panel: Panel) -> Panel {
    let limit = |severity| {
        let matchers = [
            Is(Check, About::Freshness.name()),
            Is(Severity, severity),
            Is(Feature, ""),
        ];
        max_by(&[], &ONE.of(&table::CHECK_LIMIT, &matchers))
    };
    panel
        .ask(limit("warning"), "warning limit")
        .ask(limit("critical"), "critical limit")
        .unit(SECONDS)
        .from(0.0)
        .limits()
        .without("no event seen")
}
