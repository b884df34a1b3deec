//! Series that are not ours: what Prometheus and Alertmanager say of themselves, and of what they scrape and evaluate. The
//! list is closed: a board asks for nothing else.

/// Series of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// The name, of a histogram without the suffix of its parts.
    pub name: &'static str,
    /// The labels that we ask for.
    pub labels: &'static [&'static str],
    /// Whether its parts have suffixes: `_bucket`, `_sum`, `_count`.
    pub histogram: bool,
}

const TARGET: &[&str] = &["namespace", "monitor", "job", "instance"];

macro_rules! series {
    ($($(#[doc = $doc:literal])+ $id:ident = $name:literal $labels:expr, $histogram:literal;)+) => {
        $($(#[doc = $doc])+
        pub const $id: Series = Series { name: $name, labels: $labels, histogram: $histogram };)+

        /// All of them.
        pub const ALL: &[Series] = &[$($id),+];
    };
}

series! {
    // ---- Of each target, with its labels: the ServiceMonitor relabels `namespace` and `monitor` onto it -----

    /// Whether the last scrape succeeded.
    UP = "up" TARGET, false;
    /// How long the last scrape took.
    SCRAPE_DURATION = "scrape_duration_seconds" TARGET, false;
    /// Samples in the last scrape.
    SCRAPE_SAMPLES = "scrape_samples_scraped" TARGET, false;

    // ---- Of rules ---------------------------------------------------------------------------------------

    /// Alerts that wait or fire, with the labels of each.
    ALERTS = "ALERTS" &[
        "namespace", "monitor", "feature", "alertname", "alertstate", "severity", "check", "team", "reason", "sloth_slo",
        "escalation_level", "source_alertname",
    ], false;
    /// Since when an alert waits or fires, in seconds since the Unix epoch: it changes when the alert begins anew.
    ALERTS_FOR_STATE = "ALERTS_FOR_STATE" &[
        "namespace", "monitor", "feature", "alertname", "severity", "check", "sloth_slo", "escalation_level",
    ], false;
    /// How long the last evaluation of a group took.
    RULE_DURATION = "prometheus_rule_group_last_duration_seconds" &["rule_group"], false;
    /// Time from one evaluation of a group to the next.
    RULE_INTERVAL = "prometheus_rule_group_interval_seconds" &["rule_group"], false;
    /// Evaluations of a group that did not take place, since the one before took too long.
    RULE_MISSED = "prometheus_rule_group_iterations_missed_total" &["rule_group"], false;
    /// Rules that failed to evaluate.
    RULE_FAILURES = "prometheus_rule_evaluation_failures_total" &["rule_group"], false;
    /// Alerts that Prometheus could not send.
    SENDING_ERRORS = "prometheus_notifications_errors_total" &["alertmanager"], false;
    /// Alerts that Prometheus gave up.
    SENDING_DROPPED = "prometheus_notifications_dropped_total" &[], false;

    // ---- Of Alertmanager --------------------------------------------------------------------------------

    /// Alerts by their state: `active`, `suppressed`, `unprocessed`.
    AM_ALERTS = "alertmanager_alerts" &["state"], false;
    /// Attempts to notify.
    AM_NOTIFICATIONS = "alertmanager_notifications_total" &["integration"], false;
    /// Attempts that failed.
    AM_FAILED = "alertmanager_notifications_failed_total" &["integration", "reason"], false;
    /// Notifications kept back by silence, inhibition or a time of the day.
    AM_SUPPRESSED = "alertmanager_notifications_suppressed_total" &["reason"], false;
    /// How long attempts took.
    AM_LATENCY = "alertmanager_notification_latency_seconds" &["integration"], true;
    /// Silences by their state.
    AM_SILENCES = "alertmanager_silences" &["state"], false;
}
