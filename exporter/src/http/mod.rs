//! What the exporter answers over HTTP: the page, the metrics, its health and its status.

mod auth;
mod gzip;
mod scrape;
mod tls;
mod web;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_server::Handle;
use crds::handoff::ExporterStatus;
use hyper_util::rt::TokioTimer;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::page::{self, Page, Refresh};
use crate::process::Process;
use crate::snapshot::Snapshot;

pub use auth::UsersError;
pub use scrape::Rendered;
pub use tls::TlsError;
pub use web::{Loaded, Web, WebConfigError};

/// How long answers in progress may take after a signal to stop: a scrape's usual timeout.
const GRACE: Duration = Duration::from_secs(10);

/// How long a client may take to send the head of a request, so that idle half-requests hold no connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What the handlers answer with. The monitor's driver replaces it whole.
#[derive(Clone, Debug)]
pub struct Served {
    /// What is known about the monitor, for the page.
    pub snapshot: Arc<Snapshot>,
    /// The same as metrics, from [`Rendered::new`].
    pub rendered: Arc<Rendered>,
    /// The same for the operator.
    pub status: Arc<ExporterStatus>,
    /// Whether a configuration was accepted and is served, or why not.
    pub ready: Result<(), String>,
}

/// What the server needs to know.
#[derive(Clone, Debug)]
pub struct Site {
    /// What to answer with at the moment.
    pub served: watch::Receiver<Served>,
    /// The process' own counters.
    pub process: Arc<Process>,
    /// The clock; the page says how long ago things were.
    pub clock: fn() -> Timestamp,
}

/// Serves on a listener that is already bound until `shutdown`, then lets answers in progress end.
pub async fn serve(
    listener: TcpListener,
    web: Arc<Web>,
    site: Site,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let handle: Handle<SocketAddr> = Handle::new();
    let stopper = handle.clone();
    let stop = tokio::spawn(async move {
        shutdown.await;
        stopper.graceful_shutdown(Some(GRACE));
    });
    let service = router(site, Arc::clone(&web)).into_make_service();
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    let result = if web.current().tls.is_some() {
        server.acceptor(tls::Acceptor(web)).serve(service).await
    } else {
        server.serve(service).await
    };
    stop.abort();
    result
}

fn router(site: Site, web: Arc<Web>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/status", get(status))
        .fallback(not_found)
        .with_state(site)
        .layer(middleware::from_fn_with_state(web, guard))
}

/// Asks for the password where there are users, and adds the headers of the web configuration.
async fn guard(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let web = web.current();
    let mut response = match web.users.check(request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in &web.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

async fn page(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    let served = site.served.borrow().clone();
    let now = (site.clock)();
    let refresh = match query.as_deref() {
        Some("refresh=off") => Refresh::Off,
        _ => Refresh::On,
    };
    blocking(move || {
        let page = page::render(Page {
            snapshot: &served.snapshot,
            config_error: served.status.config_error.as_deref(),
            now,
            refresh,
        });
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                page::content_security_policy(),
            ),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, page.into_string()).into_response()
    })
    .await
}

async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    blocking(move || {
        // The counters are read before the values, and counted after them: a scrape never counts what it does not show.
        let process = site.process.samples((site.clock)());
        let rendered = Arc::clone(&site.served.borrow().rendered);
        scrape::respond(&headers, &rendered, &process)
    })
    .await
}

async fn healthy() -> &'static str {
    "healthy\n"
}

async fn ready(State(site): State<Site>) -> Response {
    match &site.served.borrow().ready {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {reason}\n"),
        )
            .into_response(),
    }
}

async fn status(State(site): State<Site>) -> Response {
    axum::Json(&*site.served.borrow().status).into_response()
}

async fn not_found() -> Response {
    let text = "Not found. This exporter serves:\n\
                \x20 /            a page for people\n\
                \x20 /metrics     metrics for Prometheus\n\
                \x20 /-/healthy   whether the process runs\n\
                \x20 /-/ready     whether a configuration is in force\n\
                \x20 /-/status    status as JSON\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// Runs work of some milliseconds off the threads that serve.
async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
