//! Service-level objectives: how much of the time, or of the evaluations, was bad, and how fast that uses the error budget up.
//!
//! Series have the names and labels of sloth (<https://sloth.dev>), so that what reads those reads these. Which burn rates
//! are alerted about is decided in [`crds::valid::Slo`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crds::valid::{Burn, Indicator, Slo};
use metrics::Label::{Check, Feature, Monitor, Namespace, Outcome, Severity};
use metrics::table;

use crate::alerts::{About, Alert, Level, Subject};
use crate::links::Board;
use crate::promql::Matcher::{Is, IsNot};
use crate::promql::{Reach, max_by};
use crate::records::Record;
use crate::timing;

/// 1 while what is promised does not hold, else 0.
pub const BAD: &str = "monitor:featuremonitor_slo_bad:bool";
/// The objective.
pub const OBJECTIVE: &str = "slo:objective:ratio";
/// The share that may be bad.
pub const ERROR_BUDGET: &str = "slo:error_budget:ratio";
/// The window of the objective.
pub const PERIOD_DAYS: &str = "slo:time_period:days";
/// How many times as fast as it may the budget burns now.
pub const CURRENT_BURN_RATE: &str = "slo:current_burn_rate:ratio";
/// How many times as fast as it may the budget burnt over the whole window.
pub const PERIOD_BURN_RATE: &str = "slo:period_burn_rate:ratio";
/// The share of the budget that is left.
pub const BUDGET_REMAINING: &str = "slo:period_error_budget_remaining:ratio";
/// What is recorded under one name for each objective, with the labels of sloth.
pub const RECORDED: [&str; 7] = [
    BAD,
    OBJECTIVE,
    ERROR_BUDGET,
    PERIOD_DAYS,
    CURRENT_BURN_RATE,
    PERIOD_BURN_RATE,
    BUDGET_REMAINING,
];

/// What an objective records, in the order in which one rests on the other.
pub fn records(subject: Subject<'_>, slo: &Slo) -> Vec<Record> {
    let names = Names::of(subject.reach, slo);
    let budget = budget(slo);
    let shortest = shortest(slo);
    let mut records = Vec::new();
    let mut record = |name: String, help, query, window: Option<Duration>| {
        let mut labels = names.labels.clone();
        if let Some(window) = window {
            labels.insert("sloth_window", timing::text(window));
        }
        records.push(Record {
            name,
            help,
            query,
            labels,
        });
    };
    if let Some(query) = bad(subject.reach, slo.indicator) {
        record(
            BAD.to_owned(),
            "1 while what is promised does not hold or nothing is known of it, else 0.",
            query,
            None,
        );
    }
    for window in windows(slo) {
        let query = match slo.indicator {
            Indicator::Evaluations => failed(subject.reach, window),
            _ => format!(
                "avg_over_time({}[{}])",
                names.select(BAD),
                timing::text(window)
            ),
        };
        record(
            rate(window),
            "Share that was bad in the window.",
            query,
            Some(window),
        );
    }
    record(
        rate(slo.window),
        "Share that was bad in the whole window of the objective.",
        format!(
            "avg_over_time({}[{}])",
            names.select(&rate(shortest)),
            timing::text(slo.window)
        ),
        Some(slo.window),
    );
    let days = slo.window.as_secs_f64() / 86_400.0;
    for (name, help, query) in [
        (
            OBJECTIVE,
            "The objective.",
            format!("vector({})", slo.objective),
        ),
        (
            ERROR_BUDGET,
            "The share that may be bad.",
            format!("vector({budget})"),
        ),
        (
            PERIOD_DAYS,
            "The window of the objective.",
            format!("vector({days})"),
        ),
        (
            CURRENT_BURN_RATE,
            "How many times as fast as it may the budget burns now.",
            format!("{} / {budget}", names.select(&rate(shortest))),
        ),
        (
            PERIOD_BURN_RATE,
            "How many times as fast as it may the budget burnt over the whole window: above 1 the promise is broken.",
            format!("{} / {budget}", names.select(&rate(slo.window))),
        ),
        (
            BUDGET_REMAINING,
            "The share of the budget that is left; below 0 the promise is broken.",
            format!("1 - {}", names.select(PERIOD_BURN_RATE)),
        ),
    ] {
        record(name.to_owned(), help, query, None);
    }
    records
}

/// What an objective alerts about: what needs somebody now, and what needs somebody soon.
pub fn alerts(subject: Subject<'_>, slo: &Slo) -> Vec<Alert> {
    let names = Names::of(subject.reach, slo);
    let budget = budget(slo);
    let by = [Namespace, Monitor];
    let burning = |burn: &Burn| {
        let limit = rounded(burn.rate * budget);
        let over = |window| format!("{} > {limit}", max_by(&by, &names.select(&rate(window))));
        format!(
            "{} and on (namespace, monitor) {}",
            over(burn.short),
            over(burn.long)
        )
    };
    let mut alerts = Vec::new();
    for (level, critical) in [(Level::Critical, true), (Level::Warning, false)] {
        let burns = slo.burns.iter().filter(|burn| burn.critical == critical);
        let queries: Vec<String> = burns.map(burning).collect();
        if queries.is_empty() {
            continue;
        }
        alerts.push(Alert {
            name: "FeatureSloBudgetBurning",
            level,
            about: Some(about(slo.indicator)),
            query: queries.join(" or "),
            lasts: subject.pace.settled(),
            keeps_firing: subject.pace.settled(),
            summary: "The error budget of a service-level objective burns too fast.",
            description: format!(
                "Of late {{{{ $value | humanizePercentage }}}} was bad for the objective {} of {{{{ $labels.namespace }}}}/{{{{ $labels.monitor }}}}, \
                 where {} % may be over {}.",
                slo.name,
                rounded(100.0 * budget),
                timing::text(slo.window)
            ),
            board: Board::Slo,
        });
    }
    alerts
}

/// The label `sloth_severity` of an alert.
pub fn severity(level: Level) -> String {
    match level {
        Level::Critical => "page",
        Level::Warning | Level::None => "ticket",
    }
    .to_owned()
}

/// How the series of one objective are told from others.
struct Names<'a> {
    reach: Reach<'a>,
    labels: BTreeMap<&'static str, String>,
    slo: &'a str,
}

impl<'a> Names<'a> {
    fn of(reach: Reach<'a>, slo: &'a Slo) -> Self {
        let mut labels = BTreeMap::from([("sloth_slo", slo.name.clone())]);
        if let Reach::Monitor { namespace, name } = reach {
            labels.extend([
                ("namespace", namespace.to_owned()),
                ("monitor", name.to_owned()),
                ("sloth_service", name.to_owned()),
                ("sloth_id", format!("{namespace}-{name}-{}", slo.name)),
            ]);
        }
        Self {
            reach,
            labels,
            slo: &slo.name,
        }
    }

    fn select(&self, record: &str) -> String {
        self.reach.recorded(record, &[("sloth_slo", self.slo)])
    }
}

/// 1 or 0 for the whole monitor; nothing where events are counted. What is not there counts as bad.
fn bad(reach: Reach<'_>, indicator: Indicator) -> Option<String> {
    let by = [Namespace, Monitor];
    let known = match indicator {
        Indicator::Evaluations => return None,
        Indicator::Availability => {
            let up = reach.of(&table::SOURCE_UP, &[]);
            return Some(format!("1 - {} or absent({up})", max_by(&by, &up)));
        }
        // The monitor's own, which has no label `feature`.
        Indicator::Freshness => Is(Feature, ""),
        Indicator::Schema | Indicator::Drift | Indicator::Missing | Indicator::Quality => {
            IsNot(Feature, "")
        }
    };
    let matchers = [
        Is(Check, about(indicator).name()),
        Is(Severity, Level::Critical.name()),
        known,
    ];
    let verdicts = reach.of(&table::CHECK_BREACHED, &matchers);
    let worst = max_by(&by, &verdicts);
    Some(format!(
        "{worst} or {}",
        max_by(&by, &format!("absent({verdicts})"))
    ))
}

/// The share of evaluations that failed; where none ended, all did.
fn failed(reach: Reach<'_>, window: Duration) -> String {
    let ended = |matchers: &[crate::promql::Matcher<'_>]| {
        let series = reach.of(&table::EVALUATIONS, matchers);
        format!("sum(increase({series}[{}]))", timing::text(window))
    };
    let (failed, all) = (ended(&[Is(Outcome, "failure")]), ended(&[]));
    format!("{failed} / ({all} > 0) or absent({all} > 0)")
}

fn about(indicator: Indicator) -> About {
    match indicator {
        Indicator::Availability | Indicator::Evaluations => About::Availability,
        Indicator::Freshness => About::Freshness,
        Indicator::Schema => About::Schema,
        Indicator::Drift => About::Drift,
        Indicator::Missing => About::Missing,
        Indicator::Quality => About::Quality,
    }
}

/// Every window of the burn rates, once.
fn windows(slo: &Slo) -> BTreeSet<Duration> {
    slo.burns
        .iter()
        .flat_map(|burn| [burn.short, burn.long])
        .collect()
}

fn shortest(slo: &Slo) -> Duration {
    windows(slo).first().copied().unwrap_or(slo.window)
}

/// The series of the share that was bad in a window.
pub fn rate(window: Duration) -> String {
    format!("slo:sli_error:ratio_rate{}", timing::text(window))
}

/// The share that may be bad.
fn budget(slo: &Slo) -> f64 {
    rounded(1.0 - slo.objective)
}

/// Without the error that decimals have as binary fractions: 0.005 and not 0.0050000000000000044.
fn rounded(number: f64) -> f64 {
    (number * 1e10).round() / 1e10
}
