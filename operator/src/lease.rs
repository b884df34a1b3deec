//! One of several operators writes: the one that holds a Lease.
//!
//! The algorithm is that of Kubernetes' own controllers: whoever stands by watches the record, and takes it when it has not
//! changed for as long as it says, by its own clock alone; the holder renews it, and ends when it cannot. A holder that
//! stops says so in the record, and the next one has it at the next look.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How often who stands by looks, and the holder tries again to renew.
const LOOK: Duration = Duration::from_secs(1);
/// How long the API server may take for one answer about a lease, where nothing else says so.
const ANSWER: Duration = Duration::from_secs(5);

/// A lease and who wants it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who wants it.
    pub identity: String,
    /// How long it holds without being renewed.
    pub duration: Duration,
}

/// A held lease.
pub struct Held {
    api: Api<Lease>,
    terms: Terms,
    lease: Lease,
    renewed: Instant,
}

/// Why a lease is held no longer.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// It could not be renewed in time.
    #[error("the lease could not be renewed for {} s: {message}", .after.as_secs())]
    NotRenewed {
        /// How long it was tried.
        after: Duration,
        /// What went wrong last.
        message: String,
    },
    /// Another has it.
    #[error("{holder} holds the lease now")]
    Taken {
        /// Who.
        holder: String,
    },
}

/// Waits until the lease is held.
pub async fn acquire(client: Client, terms: Terms) -> Held {
    let api: Api<Lease> = Api::namespaced(client, &terms.namespace);
    // The record as it was seen last, and since when it has been so.
    let mut seen: Option<(Option<LeaseSpec>, Instant)> = None;
    loop {
        match timeout(ANSWER, look(&api, &terms, &mut seen)).await {
            Ok(Ok(Some(lease))) => {
                return Held {
                    api,
                    terms,
                    lease,
                    renewed: Instant::now(),
                };
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %crate::words::chain(&error), "looking at the lease");
            }
            Err(_) => tracing::warn!("looking at the lease: the API server does not answer"),
        }
        sleep(LOOK).await;
    }
}

/// Looks at the lease once and takes it when it is free.
async fn look(
    api: &Api<Lease>,
    terms: &Terms,
    seen: &mut Option<(Option<LeaseSpec>, Instant)>,
) -> Result<Option<Lease>, kube::Error> {
    let now = Instant::now();
    let Some(mut lease) = api.get_opt(&terms.name).await? else {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(terms.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(record(terms, None)),
        };
        return taken(api.create(&PostParams::default(), &lease).await);
    };
    let since = match seen {
        Some((spec, since)) if *spec == lease.spec => *since,
        _ => {
            *seen = Some((lease.spec.clone(), now));
            now
        }
    };
    let spec = lease.spec.as_ref();
    let holder = spec
        .and_then(|spec| spec.holder_identity.as_deref())
        .unwrap_or_default();
    let seconds = spec
        .and_then(|spec| spec.lease_duration_seconds)
        .unwrap_or(0);
    let expires = since + Duration::from_secs(seconds.max(0).unsigned_abs().into());
    if !holder.is_empty() && holder != terms.identity && now < expires {
        return Ok(None);
    }
    lease.spec = Some(record(terms, lease.spec.as_ref()));
    taken(
        api.replace(&terms.name, &PostParams::default(), &lease)
            .await,
    )
}

/// A write that another was faster with is no error.
fn taken(written: Result<Lease, kube::Error>) -> Result<Option<Lease>, kube::Error> {
    match written {
        Ok(lease) => Ok(Some(lease)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The record of a new holder.
fn record(terms: &Terms, before: Option<&LeaseSpec>) -> LeaseSpec {
    let now = Some(MicroTime(Timestamp::now()));
    let changes = before.and_then(|spec| spec.lease_transitions).unwrap_or(-1);
    LeaseSpec {
        holder_identity: Some(terms.identity.clone()),
        lease_duration_seconds: i32::try_from(terms.duration.as_secs()).ok(),
        acquire_time: now.clone(),
        renew_time: now,
        lease_transitions: Some(changes.saturating_add(1)),
        ..LeaseSpec::default()
    }
}

impl Held {
    /// Renews the lease until it is lost.
    pub async fn keep(&mut self) -> Lost {
        // Two thirds of the time: what is left is for writes that are on their way when it ends.
        let patience = self.terms.duration * 2 / 3;
        loop {
            sleep(self.terms.duration / 6).await;
            let mut message = "the API server did not answer".to_owned();
            let deadline = self.renewed + patience;
            loop {
                match timeout_at(deadline, self.renew()).await {
                    Ok(Ok(None)) => break,
                    Ok(Ok(Some(lost))) => return lost,
                    Ok(Err(error)) => message = crate::words::chain(&error),
                    Err(_) => {}
                }
                if Instant::now() + LOOK >= deadline {
                    return Lost::NotRenewed {
                        after: self.renewed.elapsed(),
                        message,
                    };
                }
                sleep(LOOK).await;
            }
        }
    }

    async fn renew(&mut self) -> Result<Option<Lost>, kube::Error> {
        let begun = Instant::now();
        let spec = self.lease.spec.get_or_insert_default();
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        let params = PostParams::default();
        match self
            .api
            .replace(&self.terms.name, &params, &self.lease)
            .await
        {
            Ok(lease) => {
                self.lease = lease;
                self.renewed = begun;
                Ok(None)
            }
            // Somebody wrote it; that may have been a person, or us in a call whose answer was lost.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                self.lease = self.api.get(&self.terms.name).await?;
                let spec = self.lease.spec.as_ref();
                let holder = spec
                    .and_then(|spec| spec.holder_identity.clone())
                    .unwrap_or_default();
                if holder == self.terms.identity {
                    return Ok(None);
                }
                Ok(Some(Lost::Taken { holder }))
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the lease up, so that the next one need not wait.
    ///
    /// # Errors
    /// In words, when the API server does not take it or does not answer; the next one then waits until the lease expires.
    pub async fn release(self) -> Result<(), String> {
        match timeout(ANSWER, self.give_up()).await {
            Ok(given) => given.map_err(|error| crate::words::chain(&error)),
            Err(_) => Err("the API server does not answer".to_owned()),
        }
    }

    async fn give_up(mut self) -> Result<(), kube::Error> {
        let params = PostParams::default();
        loop {
            let spec = self.lease.spec.get_or_insert_default();
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(MicroTime(Timestamp::now()));
            match self
                .api
                .replace(&self.terms.name, &params, &self.lease)
                .await
            {
                // Another has it already, or our own last renewal was on its way when we were asked to stop.
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    self.lease = self.api.get(&self.terms.name).await?;
                    let spec = self.lease.spec.as_ref();
                    let holder = spec.and_then(|spec| spec.holder_identity.as_deref());
                    if holder != Some(self.terms.identity.as_str()) {
                        return Ok(());
                    }
                }
                written => return written.map(drop),
            }
        }
    }
}
