//! The objectives of one monitor: is each promise kept, and how fast does its error budget burn.

use crds::valid::BURN_RECIPE;

use super::panels::{COUNT, PLAIN, SECONDS, SHARE, lines, scored, stat, table as rows, timeline};
use super::state::{CRITICAL, GOOD, State, WARNING};
use super::{Content, ONE, dashboard, firing_marks, variables};
use crate::grafana::Dashboard;
use crate::grafana::field::{CellOptions, Property, Thresholds};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::Board;
use crate::slos::{
    BAD, BUDGET_REMAINING, CURRENT_BURN_RATE, ERROR_BUDGET, OBJECTIVE, PERIOD_BURN_RATE,
    PERIOD_DAYS, rate,
};
use crate::timing;

/// Whether a promise holds, of the series that says that it does not.
const KEPT: &[State] = &[
    State {
        value: 0,
        text: "kept",
        color: GOOD,
    },
    State {
        value: 1,
        text: "broken",
        color: CRITICAL,
    },
];

/// The board.
pub fn board() -> Dashboard {
    let mut variables = variables::monitor();
    variables.push(variables::objective());
    dashboard(Content {
        board: Board::Slo,
        description: "The service-level objectives of one feature monitor, and their error \
                      budgets.",
        from: "now-30d",
        variables,
        annotations: vec![firing_marks(ONE, &["sloth_slo=\"$slo\""])],
        sections: vec![
            Section::new(
                "Which promises are kept?",
                vec![Line::new(6, vec![(24, objectives())])],
            ),
            Section::new(
                "How much of the error budget of $slo is left?",
                vec![budget()],
            ),
            Section::new("Does it burn too fast?", vec![burning()]),
            Section::new("When was it used up?", vec![history()]),
        ],
    })
}

/// A recorded series of the chosen objective.
fn of(record: &str) -> String {
    format!("max({})", ONE.recorded(record, &[("sloth_slo", "$slo")]))
}

/// A recorded series of each objective.
fn each(record: &str) -> String {
    format!("max by (sloth_slo) ({})", ONE.recorded(record, &[]))
}

fn left() -> Thresholds {
    Thresholds::new(CRITICAL, &[(0.0, WARNING), (0.25, GOOD)])
}

fn objectives() -> Panel {
    let share = |decimals| {
        vec![
            Property::Unit(SHARE.to_owned()),
            Property::Decimals(decimals),
        ]
    };
    rows(
        "Objectives",
        "A row for each objective of the monitor. Below 0 left, or above 1 burnt, the promise is \
         broken.",
    )
    .ask(each(OBJECTIVE), "")
    .ask(each(PERIOD_DAYS), "")
    .ask(each(BUDGET_REMAINING), "")
    .ask(each(PERIOD_BURN_RATE), "")
    .ask(each(CURRENT_BURN_RATE), "")
    .columns(
        &[("sloth_slo", "Objective")],
        &[
            "Promised",
            "Over days",
            "Budget left",
            "Burn rate",
            "Burn rate now",
        ],
    )
    .series("Promised", share(2))
    .series("Over days", vec![Property::Unit(COUNT.to_owned())])
    .series(
        "Budget left",
        [
            share(0),
            vec![
                Property::Min(0.0),
                Property::Max(1.0),
                Property::Thresholds(left()),
                Property::CellOptions(CellOptions::Gauge {
                    mode: "basic".to_owned(),
                    value_display_mode: "text".to_owned(),
                }),
            ],
        ]
        .concat(),
    )
    .series("Burn rate", scored())
    .series("Burn rate now", scored())
    .without("the monitor has no objectives")
}

fn budget() -> Line {
    let window = format!("{} * 86400", of(PERIOD_DAYS));
    let lasts = format!(
        "clamp_min({}, 0) * {window} / (clamp_min({}, 1) > 0)",
        of(BUDGET_REMAINING),
        of(CURRENT_BURN_RATE)
    );
    let bad = format!("{} * {} * 86400", of(ERROR_BUDGET), of(PERIOD_DAYS));
    Line::even(
        4,
        vec![
            stat("Promised", "The objective: the share that shall be good.")
                .ask(of(OBJECTIVE), "promised")
                .unit(SHARE)
                .decimals(2)
                .without("no objective"),
            stat(
                "May be bad",
                "The error budget as time of the objective's window.",
            )
            .ask(bad, "may be bad")
            .unit(SECONDS)
            .decimals(1)
            .without("no objective"),
            stat(
                "Budget left",
                "Share of the error budget that is left; below 0 the promise is broken.",
            )
            .ask(of(BUDGET_REMAINING), "left")
            .unit(SHARE)
            .decimals(0)
            .colored(CRITICAL, &[(0.0, WARNING), (0.25, GOOD)])
            .without("not recorded yet"),
            stat(
                "Burn rate now",
                "How many times as fast as it may the budget burns, over the shortest window.",
            )
            .ask(of(CURRENT_BURN_RATE), "burn rate")
            .unit(PLAIN)
            .decimals(2)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("not recorded yet"),
            stat(
                "Burn rate in all",
                "The same over the whole window of the objective: above 1 the promise is broken.",
            )
            .ask(of(PERIOD_BURN_RATE), "burn rate")
            .unit(PLAIN)
            .decimals(2)
            .colored(GOOD, &[(1.0, CRITICAL)])
            .without("not recorded yet"),
            stat(
                "Lasts",
                "How long the rest of the budget lasts if it burns on as now, or at the rate that uses it \
                 up in the objective's window where it burns slower.",
            )
            .ask(lasts, "lasts")
            .unit(SECONDS)
            .decimals(1)
            .without("not recorded yet"),
        ],
    )
}

/// For each burn rate that is alerted about: both windows, and the rate.
fn burning() -> Line {
    let burn = |window| format!("{} / ({} > 0)", of(&rate(window)), of(ERROR_BUDGET));
    let panels = BURN_RECIPE.map(|(share, long, short, critical)| {
        let (severity, color) = match critical {
            true => ("critical", CRITICAL),
            false => ("warning", WARNING),
        };
        let limit = format!(
            "{share} * 86400 / {} * {} and on () {}",
            long.as_secs(),
            of(PERIOD_DAYS),
            of(&rate(long))
        );
        let names = [long, short].map(timing::text);
        lines(
            &format!("Burn rate over {} and {}", names[0], names[1]),
            &format!(
                "How many times as fast as it may the budget burns. Where both windows are over \
                 the line, an alert of severity {severity} fires. Logarithmic from 1 on."
            ),
        )
        .ask(burn(long), &names[0])
        .ask(burn(short), &names[1])
        .ask(limit, &format!("{severity} from"))
        .unit(PLAIN)
        .decimals(1)
        .from(0.0)
        .logarithmic_from(1.0)
        .limit(&format!("{severity} from"), color)
        .without("it has no such window")
    });
    Line::even(8, panels.to_vec())
}

fn history() -> Line {
    Line::even(
        8,
        vec![
            lines(
                "Error budget left",
                "Share of the error budget that is left. It rises when bad time leaves the \
                 window.",
            )
            .ask(of(BUDGET_REMAINING), "left")
            .unit(SHARE)
            .to(1.0)
            .without("not recorded yet"),
            timeline(
                "What was promised",
                "When it held and when not. What nothing is known of counts as broken. An \
                 objective over evaluations has no such series.",
            )
            .ask(each(BAD), "{{sloth_slo}}")
            .states(KEPT)
            .without("counted by evaluations"),
        ],
    )
}
