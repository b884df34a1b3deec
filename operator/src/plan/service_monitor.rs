//! How a Prometheus finds an exporter, where the API of the Prometheus operator exists.

use kube::api::{DynamicObject, TypeMeta};
use serde_json::json;

use super::{PORT_NAME, Wanted, meta, selector};
use crate::child::ChildKind;

pub(super) fn service_monitor(wanted: Wanted<'_>) -> Option<DynamicObject> {
    let settings = &wanted.settings.service_monitor;
    if !settings.enabled || !wanted.apis.service_monitor {
        return None;
    }
    let mut metadata = meta(wanted);
    let labels = metadata.labels.get_or_insert_default();
    for (name, value) in wanted
        .settings
        .labels
        .iter()
        .chain(&wanted.monitor.integration_labels)
    {
        // Our own labels stay what they are: by them the object is found again.
        if !super::labels::labels(&wanted.monitor.name).contains_key(name) {
            labels.insert(name.clone(), value.clone());
        }
    }
    let resource = ChildKind::ServiceMonitor.resource();
    Some(DynamicObject {
        types: Some(TypeMeta {
            api_version: resource.api_version,
            kind: resource.kind,
        }),
        metadata,
        data: json!({
            "spec": {
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
            },
        }),
    })
}
