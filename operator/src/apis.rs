//! Which optional APIs a cluster has. They come and go while the operator runs: it looks again and again.

use std::time::Duration;

use futures::Stream;
use kube::Client;
use tokio::sync::watch;

use crate::child::ChildKind;
use crate::words;

/// Which optional APIs exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Apis {
    /// `servicemonitors.monitoring.coreos.com`.
    pub service_monitor: bool,
    /// `prometheusrules.monitoring.coreos.com`.
    pub prometheus_rule: bool,
    /// `alertmanagerconfigs.monitoring.coreos.com`.
    pub alertmanager_config: bool,
}

impl Apis {
    /// All of them.
    pub const ALL: Apis = Apis {
        service_monitor: true,
        prometheus_rule: true,
        alertmanager_config: true,
    };

    /// Whether children of a kind can be.
    pub const fn has(self, kind: ChildKind) -> bool {
        match kind {
            ChildKind::ServiceMonitor => self.service_monitor,
            ChildKind::PrometheusRule => self.prometheus_rule,
            ChildKind::AlertmanagerConfig => self.alertmanager_config,
            _ => true,
        }
    }
}

/// Asks the API server once.
///
/// # Errors
/// In words, when it does not answer in time; an API that does not exist is no error.
pub async fn discover(client: &Client, deadline: Duration) -> Result<Apis, String> {
    let has = async |kind: ChildKind| {
        let wanted = kind.resource();
        match client.list_api_group_resources(&wanted.api_version).await {
            Ok(list) => Ok(list
                .resources
                .iter()
                .any(|found| found.name == wanted.plural)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(words::chain(&error)),
        }
    };
    let asked = async {
        Ok(Apis {
            service_monitor: has(ChildKind::ServiceMonitor).await?,
            prometheus_rule: has(ChildKind::PrometheusRule).await?,
            alertmanager_config: has(ChildKind::AlertmanagerConfig).await?,
        })
    };
    match tokio::time::timeout(deadline, asked).await {
        Ok(found) => found,
        Err(_) => Err(format!("no answer within {} s", deadline.as_secs_f64())),
    }
}

/// Asks again and again, and tells whoever listens when something changed. Ends when nobody does.
pub async fn follow(
    client: Client,
    every: Duration,
    deadline: Duration,
    apis: watch::Sender<Apis>,
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = apis.closed() => return,
        }
        match discover(&client, deadline).await {
            Ok(found) => {
                apis.send_if_modified(|known| {
                    let changed = *known != found;
                    *known = found;
                    changed
                });
            }
            Err(error) => {
                tracing::warn!(
                    error,
                    "looking for optional APIs; what was found before holds"
                )
            }
        }
    }
}

/// An item for each change.
pub fn changes(mut apis: watch::Receiver<Apis>) -> impl Stream<Item = ()> {
    apis.mark_unchanged();
    futures::stream::unfold(apis, |mut apis| async move {
        apis.changed().await.ok()?;
        Some(((), apis))
    })
}
