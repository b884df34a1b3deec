//! What the operator answers over HTTP: its metrics, and whether it is alive and ready.

use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use program::accept;
use tokio::sync::watch;

use crate::process::Process;

/// How far the operator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not reached the API server yet.
    Starting,
    /// Another one holds the lease; this one is ready to take over.
    StandingBy,
    /// It reconciles.
    Leading,
}

#[derive(Clone)]
struct Site {
    process: Arc<Process>,
    stage: watch::Receiver<Stage>,
}

/// Serves until `stop`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    process: Arc<Process>,
    stage: watch::Receiver<Stage>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let site = Site { process, stage };
    let app = Router::new()
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(|| async { "alive\n" }))
        .route("/-/ready", get(ready))
        .with_state(site);
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
}

async fn ready(State(site): State<Site>) -> Response {
    match *site.stage.borrow() {
        Stage::Starting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the API server has not been reached yet\n",
        )
            .into_response(),
        Stage::StandingBy => "standing by\n".into_response(),
        Stage::Leading => "leading\n".into_response(),
    }
}

async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    let format = accept::format(&headers);
    let mut text = site.process.samples().text(format);
    text.push_str(format.end());
    ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
}
