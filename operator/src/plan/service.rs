//! How an exporter is reached: by Prometheus, by people, and by the operator that asks for its status.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{PORT, PORT_NAME, Wanted, meta, selector};

pub(super) fn service(wanted: Wanted<'_>) -> Service {
    Service {
        metadata: meta(wanted),
        spec: Some(ServiceSpec {
            selector: Some(selector(&wanted.monitor.name)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: i32::from(PORT),
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
