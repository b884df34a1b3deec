//! The recording rules: what the overview asks of every monitor, computed once. Names are
//! `level:metric:operation`, as Prometheus recommends.

use std::collections::BTreeMap;

use metrics::Label::{self, Check, Feature, Monitor, Namespace, Severity};
use metrics::table;

use crate::promql::Matcher::{self, Is, IsNot};
use crate::promql::{Reach, max_by, sum_by};

/// A recording rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name of its series.
    pub name: String,
    /// What it records, in a sentence.
    pub help: &'static str,
    /// The query.
    pub query: String,
    /// Labels beside those of the query.
    pub labels: BTreeMap<&'static str, String>,
}

/// Features whose check is breached.
pub const BREACHED: &str = "monitor_check:featuremonitor_check_breached:sum";
/// The largest score of a check.
pub const SCORE: &str = "monitor_check:featuremonitor_check_score:max";
/// Share of a check's verdicts that were given.
pub const VALID: &str = "monitor_check:featuremonitor_check_valid:avg";
/// Share of the expected features that arrived.
pub const PRESENT: &str = "monitor:featuremonitor_feature_present:avg";

/// The worst verdict of a feature.
pub const FEATURE_VERDICT: &str = "monitor_feature:featuremonitor_check_breached:worst";
/// The worst verdict of a monitor.
pub const MONITOR_VERDICT: &str = "monitor:featuremonitor_check_breached:worst";

/// The worst verdict for each combination of labels: 3 is critical, 2 warning, 1 ok as far as it is judged, 0 ok, -1 that
/// there is none. An alarm that stands while there is none is shown: alerts and boards agree.
pub fn verdicts(reach: Reach<'_>, by: &[Label], matchers: &[Matcher<'_>]) -> String {
    let breached = |severity| {
        let matchers = [matchers, &[Is(Severity, severity)]].concat();
        reach.of(&table::CHECK_BREACHED, &matchers)
    };
    let valid = reach.of(&table::CHECK_VALID, matchers);
    let worst = format!(
        "{} * 3 or {} * 2 or ({valid} == 0) + 1",
        breached("critical"),
        breached("warning")
    );
    format!(
        "(({} == 0) - 1 unless {} == 1 or {})",
        max_by(by, &valid),
        max_by(by, &reach.of(&table::CHECK_BREACHED, matchers)),
        max_by(by, &worst)
    )
}

/// As [`verdicts`], of recorded series.
pub fn recorded_verdicts(reach: Reach<'_>, by: &[Label]) -> String {
    let breached = |severity| reach.recorded(BREACHED, &[(Severity.name(), severity)]);
    let valid = reach.recorded(VALID, &[]);
    let worst = format!(
        "({} > bool 0) * 3 or ({} > bool 0) * 2 or {valid} < bool 1",
        breached("critical"),
        breached("warning")
    );
    format!(
        "({} == 0) - 1 unless {} > 0 or {}",
        max_by(by, &valid),
        max_by(by, &reach.recorded(BREACHED, &[])),
        max_by(by, &worst)
    )
}

/// Of one monitor.
pub fn of_monitor(reach: Reach<'_>) -> Vec<Record> {
    let checks = [Namespace, Monitor, Feature, Check];
    let severities = [Namespace, Monitor, Feature, Check, Severity];
    let monitor = [Namespace, Monitor];
    let by_severity = [Namespace, Monitor, Check, Severity];
    let breached = max_by(&severities, &reach.of(&table::CHECK_BREACHED, &[]));
    let valid = max_by(&checks, &reach.of(&table::CHECK_VALID, &[]));
    let present = max_by(
        &[Namespace, Monitor, Feature],
        &reach.of(&table::FEATURE_PRESENT, &[]),
    );
    let record = |name: &str, help, query| Record {
        name: name.to_owned(),
        help,
        query,
        labels: BTreeMap::new(),
    };
    vec![
        record(
            BREACHED,
            "Features whose check is breached, and the monitor itself where it has the check.",
            sum_by(&by_severity, &breached),
        ),
        record(
            SCORE,
            "The largest score of a check: 1 and above is over the limit.",
            max_by(&by_severity, &reach.of(&table::CHECK_SCORE, &[])),
        ),
        record(
            VALID,
            "Share of a check's verdicts that could be given, 0 to 1.",
            format!("avg by (namespace, monitor, check) ({valid})"),
        ),
        record(
            PRESENT,
            "Share of the expected features whose column arrived, 0 to 1.",
            format!("avg by (namespace, monitor) ({present})"),
        ),
        record(
            FEATURE_VERDICT,
            "The worst verdict of a feature over all checks: 3 critical, 2 warning, 1 ok as far as it is judged, 0 ok, -1 none.",
            verdicts(reach, &[Namespace, Monitor, Feature], &[IsNot(Feature, "")]),
        ),
        record(
            MONITOR_VERDICT,
            "The same of the monitor: -1 also while its exporter cannot be scraped or its evaluation fails.",
            format!(
                "({} == 0) - 1 or ({} == 0) - 1 or {}",
                max_by(&monitor, &reach.up()),
                max_by(&monitor, &reach.of(&table::EVALUATION_SUCCESS, &[])),
                recorded_verdicts(reach, &monitor)
            ),
        ),
    ]
}
