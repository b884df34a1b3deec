//! What an exporter runs. It reads the file again when it changes, so a change here rolls no pod.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{Wanted, meta};

/// The key, and so the name of the file.
pub(super) const FILE: &str = "monitor.json";

pub(super) fn config_map(wanted: Wanted<'_>) -> ConfigMap {
    // A config is made of texts, numbers, lists and fields, all of which JSON has.
    let text = serde_json::to_string_pretty(wanted.config).unwrap_or_default();
    ConfigMap {
        metadata: meta(wanted),
        data: Some([(FILE.to_owned(), text)].into()),
        ..ConfigMap::default()
    }
}
