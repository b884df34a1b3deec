//! Which optional APIs a cluster has. They come and go while the operator runs: it looks again and again.

use std::time::Duration;

use futures::Stream;
use kube::Client;
use tokio::sync::watch;

use crate::child::ChildKind;

/// Which optional APIs exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Apis {
    /// `servicemonitors.monitoring.coreos.com`.
    pub service_monitor: bool,
}

impl Apis {
    /// All of them.
    pub const ALL: Apis = Apis {
        service_monitor: true,
    };

    /// Whether children of a kind can be.
    pub const fn has(self, kind: ChildKind) -> bool {
        match kind {
            ChildKind::ServiceMonitor => self.service_monitor,
            _ => true,
        }
    }
}

/// Asks the API server once.
///
/// # Errors
/// When it does not answer; an API that does not exist is no error.
pub async fn discover(client: &Client) -> Result<Apis, kube::Error> {
    let resource = ChildKind::ServiceMonitor.resource();
    match client.list_api_group_resources(&resource.api_version).await {
        Ok(list) => Ok(Apis {
            service_monitor: list.resources.iter().any(|r| r.name == resource.plural),
        }),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Apis::default()),
        Err(error) => Err(error),
    }
}

/// Asks again and again, and tells whoever listens when something changed. Ends when nobody does.
pub async fn follow(client: Client, every: Duration, apis: watch::Sender<Apis>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = apis.closed() => return,
        }
        match discover(&client).await {
            Ok(found) => {
                apis.send_if_modified(|known| {
                    let changed = *known != found;
                    *known = found;
                    changed
                });
            }
            Err(error) => {
                tracing::warn!(%error, "looking for optional APIs; what was found before holds")
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
