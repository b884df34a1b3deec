//! Who an exporter is: an account of its own, without a token, since it never talks to Kubernetes.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::{Wanted, meta};

pub(super) fn service_account(wanted: Wanted<'_>) -> ServiceAccount {
    ServiceAccount {
        metadata: meta(wanted),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
