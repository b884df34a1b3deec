//! The status of a monitor: put together from what was found, and written only when it changed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crds::handoff::ExporterStatus;
use crds::status::{Baseline, FeatureMonitorStatus};
use crds::{API_VERSION, FeatureMonitor};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::children::version;
use crate::conditions::{Finding, conditions};
use crate::key::Key;
use crate::plan::MANAGER;

/// What the status shall be. `before` is what it is.
pub fn status(
    findings: &[Finding],
    exporter: Option<&ExporterStatus>,
    before: &FeatureMonitorStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> FeatureMonitorStatus {
    FeatureMonitorStatus {
        observed_generation: generation,
        conditions: conditions(findings, &before.conditions, generation, now),
        // What an exporter said stays while it is silent; that it is silent stands in the conditions.
        features: match exporter {
            Some(status) => Some(status.features.clone()),
            None => before.features.clone(),
        },
        baseline: match exporter {
            Some(status) => status.baseline.as_ref().map(|baseline| Baseline {
                version: i64::try_from(baseline.version).unwrap_or(i64::MAX),
                revision: i64::from(baseline.revision),
                digest: baseline.digest.clone(),
            }),
            None => before.baseline.clone(),
        },
    }
}

/// The status of each monitor: what was written last, or what a watch has shown since. It is kept here alone, since ten
/// thousand of them take much memory.
#[derive(Debug, Default)]
pub struct Statuses {
    known: Mutex<HashMap<Key, (u64, FeatureMonitorStatus)>>,
}

impl Statuses {
    /// Takes the status out of a monitor that a watch shows, which may be older than what was written.
    pub fn take(&self, monitor: &mut FeatureMonitor) {
        let (shown, status) = (version(monitor), monitor.status.take().unwrap_or_default());
        let mut known = self.lock();
        let entry = known.entry(Key::of(&monitor.metadata)).or_default();
        if entry.0 <= shown {
            *entry = (shown, status);
        }
    }

    /// The status that a monitor has now.
    pub fn current(&self, key: &Key) -> FeatureMonitorStatus {
        self.lock()
            .get(key)
            .map(|(_, status)| status.clone())
            .unwrap_or_default()
    }

    /// Writes a status.
    ///
    /// # Errors
    /// When the API server does not take it.
    pub async fn write(
        &self,
        client: &Client,
        monitor: &FeatureMonitor,
        status: FeatureMonitorStatus,
    ) -> Result<(), kube::Error> {
        let key = Key::of(&monitor.metadata);
        let api: Api<FeatureMonitor> = Api::namespaced(client.clone(), &key.namespace);
        // With the identity, so that the status of a deleted monitor never lands on the next of its name.
        let patch = json!({
            "apiVersion": API_VERSION,
            "kind": "FeatureMonitor",
            "metadata": {"uid": monitor.uid()},
            "status": status,
        });
        let params = PatchParams::apply(MANAGER).force();
        let written = api
            .patch_status(&key.name, &params, &Patch::Apply(&patch))
            .await?;
        self.lock().insert(key, (version(&written), status));
        Ok(())
    }

    /// Forgets a monitor that is gone.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (u64, FeatureMonitorStatus)>> {
        // No entry is ever left half changed, so a panic while the lock was held does no harm.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
