//! What concerns all monitors, and the operator: it comes with the chart.

use super::*;

/// What concerns all monitors, and the operator: it comes with the chart. `pace.features` is of no matter.
pub fn of_all(pace: Pace) -> Vec<Alert> {
    let window = crate::timing::text(pace.rules * 20);
    let all = Reach::All;
    let ended = |matchers: &[crate::promql::Matcher<'_>]| {
        let family = &table::OPERATOR_RECONCILIATIONS;
        format!("sum(rate({}[{window}]))", all.of(family, matchers))
    };
    let broken = format!(
        "increase({}[{window}])",
        all.of(&table::OPERATOR_WATCH_ERRORS, &[])
    );
    let leading = all.of(&table::OPERATOR_LEADING, &[]);
    let condition = |name| all.of(&table::OPERATOR_MONITOR_CONDITION, &[Is(Condition, name)]);
    let alert =
        |name, level, query, lasts, board, [summary, description]: [&'static str; 2]| Alert {
            name,
            level,
            about: Some(About::Availability),
            query,
            lasts,
            keeps_firing: pace.settled(),
            summary,
            description: description.to_owned(),
            board,
        };
    vec![
        Alert {
            keeps_firing: Duration::ZERO,
            ..alert(
                "Watchdog",
                Level::None,
                "vector(1)".to_owned(),
                Duration::ZERO,
                Board::Alerts,
                [
                    "Alerts are evaluated and sent.",
                    "This alert always fires. Where it ends, no alert arrives any more: send it to something that says so.",
                ],
            )
        },
        alert(
            "FeatureMonitorOperatorDown",
            Level::Critical,
            format!("absent({})", all.of(&table::OPERATOR_BUILD_INFO, &[])),
            pace.steady(),
            Board::Health,
            [
                "No operator can be scraped.",
                "Prometheus scrapes no feature-monitor operator. Exporters go on; changes of FeatureMonitors are not acted on.",
            ],
        ),
        alert(
            "FeatureMonitorOperatorNotLeading",
            Level::Critical,
            format!("sum({leading}) == 0"),
            pace.steady(),
            Board::Health,
            [
                "No operator holds the lease.",
                "Operators run and none of them leads: changes of FeatureMonitors are not acted on.",
            ],
        ),
        alert(
            "FeatureMonitorOperatorFailing",
            Level::Warning,
            format!(
                "{} / ({} > 0) > 0.1",
                ended(&[IsNot(Outcome, "success")]),
                ended(&[])
            ),
            pace.steady(),
            Board::Health,
            [
                "Reconciliations of FeatureMonitors fail.",
                "{{ $value | humanizePercentage }} of the operator's reconciliations fail. The conditions of the monitors and \
                 the operator's log say why.",
            ],
        ),
        alert(
            "FeatureMonitorOperatorBlind",
            Level::Warning,
            format!("{} > 3", sum_by(&[Kind], &broken)),
            pace.steady(),
            Board::Health,
            [
                "A watch of the operator breaks off again and again.",
                "The operator's watch of {{ $labels.kind }} broke off {{ $value | printf \"%.0f\" }} times: it may not see what changes.",
            ],
        ),
        alert(
            "FeatureMonitorNotReady",
            Level::Warning,
            format!(
                "min by ({}) ({}) == 0",
                names(&OF_MONITOR),
                condition("Ready")
            ),
            pace.steady() * 3,
            Board::Monitor,
            [
                "A FeatureMonitor is not ready.",
                "{{ $labels.namespace }}/{{ $labels.monitor }} is not ready. `kubectl describe fm` says which condition fails, \
                 and what to do.",
            ],
        ),
        alert(
            "FeatureMonitorNotScraped",
            Level::Warning,
            format!(
                "{} == 1 unless on ({}) {}",
                max_by(&OF_MONITOR, &condition("ExporterAvailable")),
                names(&OF_MONITOR),
                all.up(),
            ),
            pace.steady(),
            Board::Monitor,
            [
                "An exporter runs and Prometheus does not know it.",
                "The exporter of {{ $labels.namespace }}/{{ $labels.monitor }} runs, and Prometheus has no target for it: its \
                 selector may ask for labels that the ServiceMonitor does not have.",
            ],
        ),
    ]
}
