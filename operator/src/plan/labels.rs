//! Labels of children. Selectors hold only what can never change: name and instance.

use std::collections::BTreeMap;

const NAME: &str = "app.kubernetes.io/name";
const INSTANCE: &str = "app.kubernetes.io/instance";

/// The label that says who made an object, by which children are watched.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value, and the name under which the operator writes.
pub(crate) const MANAGER: &str = "feature-monitor-operator";
/// The label with the monitor's name: by it a child without an owner, which a retained claim is, finds its monitor.
pub const MONITOR: &str = "featuremonitor.io/monitor";

/// The label selector of everything that this operator makes.
pub fn managed_by() -> String {
    format!("{MANAGED_BY}={MANAGER}")
}

/// What selects a monitor's pod.
pub fn selector(monitor: &str) -> BTreeMap<String, String> {
    map([(NAME, "feature-monitor-exporter"), (INSTANCE, monitor)])
}

/// What every child of a monitor has. The version is not among them: an upgrade of the operator changes children only
/// where something else changes.
pub(super) fn labels(monitor: &str) -> BTreeMap<String, String> {
    let mut labels = selector(monitor);
    labels.extend(map([
        (MANAGED_BY, MANAGER),
        ("app.kubernetes.io/component", "exporter"),
        ("app.kubernetes.io/part-of", "feature-monitor"),
        (MONITOR, monitor),
    ]));
    labels
}

fn map<const N: usize>(labels: [(&str, &str); N]) -> BTreeMap<String, String> {
    labels
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
