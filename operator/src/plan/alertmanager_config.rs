//! Whom an Alertmanager tells of a monitor's alerts, where the API of the Prometheus operator exists.

use dashboards::alertmanager;
use kube::api::DynamicObject;

use super::{Wanted, found_by_others};
use crate::child::ChildKind;

pub(super) fn alertmanager_config(wanted: Wanted<'_>) -> Option<DynamicObject> {
    let notifications = wanted.monitor.notifications.as_ref()?;
    if !wanted.settings.alertmanager_config.enabled || !wanted.apis.alertmanager_config {
        return None;
    }
    let spec = alertmanager::resource(wanted.monitor, notifications);
    Some(found_by_others(wanted, ChildKind::AlertmanagerConfig, spec))
}
