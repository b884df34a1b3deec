//! The recording rules: what the overview asks of every monitor, computed once. Names are
//! `level:metric:operation`, as Prometheus recommends.

use std::collections::BTreeMap;

use metrics::Label::{Check, Feature, Monitor, Namespace, Severity};
use metrics::table;

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

/// Of one monitor.
pub fn of_monitor(reach: Reach<'_>) -> Vec<Record> {
    let checks = [Namespace, Monitor, Feature, Check];
    let verdicts = [Namespace, Monitor, Feature, Check, Severity];
    let by_severity = [Namespace, Monitor, Check, Severity];
    let breached = max_by(&verdicts, &reach.of(&table::CHECK_BREACHED, &[]));
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
    ]
}
