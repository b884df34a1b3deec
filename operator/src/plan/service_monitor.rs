//! How a Prometheus finds an exporter, where the API of the Prometheus operator exists.

use kube::api::DynamicObject;
use serde_json::json;

use super::{PORT_NAME, Wanted, found_by_others, selector};
use crate::child::ChildKind;

pub(super) fn service_monitor(wanted: Wanted<'_>) -> Option<DynamicObject> {
    let settings = &wanted.settings.service_monitor;
    if !settings.enabled || !wanted.apis.service_monitor {
        return None;
    }
    let spec = json!({
        "selector": {"matchLabels": selector(&wanted.monitor.name)},
        "endpoints": [{
            "port": PORT_NAME,
            "interval": settings.interval,
            // The exporter's own `namespace` and `monitor` are the resource's.
            "honorLabels": true,
            // So that `up`, which Prometheus makes itself, says which monitor it is about.
            "relabelings": [{
                "sourceLabels": ["__meta_kubernetes_service_label_app_kubernetes_io_instance"],
                "targetLabel": "monitor",
            }],
        }],
    });
    Some(found_by_others(wanted, ChildKind::ServiceMonitor, spec))
}
