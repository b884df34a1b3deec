//! The client of the API server: its configuration, and a layer that counts answers and honours Retry-After.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use crate::process::Process;

/// Longest time that an API server's wish to be left alone is honoured.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither a kubeconfig nor a service account is there.
    #[error("no way to the API server: {0}")]
    Config(#[from] kube::config::InferConfigError),
    /// The configuration cannot be used.
    #[error("the API server's configuration cannot be used: {0}")]
    Build(#[from] kube::Error),
}

/// A client by the kubeconfig or the service account that the program finds, and the namespace that it names.
///
/// `silence` is how long a connection may say nothing: a watch that hangs is noticed by it.
///
/// # Errors
/// When there is no configuration, or it cannot be used.
pub async fn client(
    silence: Duration,
    process: Arc<Process>,
) -> Result<(Client, String), ClientError> {
    let mut config = Config::infer().await?;
    config.read_timeout = Some(silence);
    config.connect_timeout = Some(Duration::from_secs(5));
    // The client's own retries happen inside a call, up to minutes long, and hide from us that something fails: each
    // monitor has its own backoff instead.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let patience = PatienceLayer {
        process,
        quiet_until: Arc::default(),
    };
    let client = ClientBuilder::try_from(config)?
        .with_layer(&patience)
        .build();
    Ok((client, namespace))
}

/// Counts answers, and holds requests back for as long as an answer 429 asked.
#[derive(Clone)]
struct PatienceLayer {
    process: Arc<Process>,
    quiet_until: Arc<Mutex<Option<Instant>>>,
}

impl<S> Layer<S> for PatienceLayer {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Patient<S> {
        Patient {
            inner,
            layer: self.clone(),
        }
    }
}

struct Patient<S> {
    inner: S,
    layer: PatienceLayer,
}

impl PatienceLayer {
    fn quiet_until(&self) -> Option<Instant> {
        *self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn answered<B>(&self, answer: &Response<B>) {
        self.process.answered(answer.status().as_u16());
        let asked = (answer.status() == StatusCode::TOO_MANY_REQUESTS)
            .then(|| {
                answer
                    .headers()
                    .get(header::RETRY_AFTER)?
                    .to_str()
                    .ok()?
                    .parse()
                    .ok()
            })
            .flatten();
        if let Some(seconds) = asked {
            let pause = Duration::from_secs(seconds).min(LONGEST_PAUSE);
            let mut until = self
                .quiet_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *until = (*until).max(Some(Instant::now() + pause));
        }
    }
}

impl<S, B> Service<Request<Body>> for Patient<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The inner service's future does nothing before it is polled, so waiting first holds the request back.
        let answer = self.inner.call(request);
        let layer = self.layer.clone();
        Box::pin(async move {
            if let Some(until) = layer.quiet_until() {
                tokio::time::sleep_until(until).await;
            }
            match answer.await {
                Ok(answer) => {
                    layer.answered(&answer);
                    Ok(answer)
                }
                Err(error) => {
                    layer.process.unanswered();
                    Err(error.into())
                }
            }
        })
    }
}
