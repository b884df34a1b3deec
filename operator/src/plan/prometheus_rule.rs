//! What a Prometheus evaluates about a monitor, where the API of the Prometheus operator exists.

use dashboards::rules;
use kube::api::DynamicObject;

use super::{Wanted, found_by_others, json};
use crate::child::ChildKind;

pub(super) fn prometheus_rule(wanted: Wanted<'_>) -> Option<DynamicObject> {
    let settings = &wanted.settings.prometheus_rule;
    if !settings.enabled || !wanted.apis.prometheus_rule {
        return None;
    }
    let links = wanted.settings.links.clone().into();
    let rules = rules::of_monitor(wanted.monitor, &links, settings.interval.0);
    let spec = json(&rules);
    Some(found_by_others(wanted, ChildKind::PrometheusRule, spec))
}
