//! Who may reach an exporter. What it may reach itself is left open: only its monitor knows where the features are.

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{PORT, Wanted, meta, selector};

pub(super) fn network_policy(wanted: Wanted<'_>) -> Option<NetworkPolicy> {
    let settings = &wanted.settings.network_policy;
    settings.enabled.then(|| NetworkPolicy {
        metadata: meta(wanted),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(selector(&wanted.monitor.name)),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                // An empty list would be dropped by the API server, and mean the same.
                from: Some(settings.from.clone()).filter(|from| !from.is_empty()),
                ports: Some(vec![NetworkPolicyPort {
                    port: Some(IntOrString::Int(i32::from(PORT))),
                    protocol: Some("TCP".to_owned()),
                    ..NetworkPolicyPort::default()
                }]),
            }]),
            ..NetworkPolicySpec::default()
        }),
    })
}
