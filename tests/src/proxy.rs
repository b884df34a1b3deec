//! A proxy between a program and an API server, whose faults a test switches on and off. The program talks plain HTTP to
//! it, with its own token; the proxy talks TLS to the API server.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use futures::StreamExt;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Watches stay open and say nothing any more, also those that begin now; everything else is answered.
    SilentWatches,
    /// Watches are told that what they ask for is too old.
    ExpiredWatches,
    /// Everything is answered with this code.
    Answers {
        /// The code.
        code: u16,
        /// What `Retry-After` asks for, in seconds.
        retry_after: Option<u32>,
    },
    /// Writes of children are answered with this code, everything else as ever.
    RefusedWrites {
        /// The code.
        code: u16,
    },
    /// What is asked is done, and its answer, but a watch's, takes this much longer.
    Slow(Duration),
    /// Answers to writes of children and events come this much later.
    SlowWrites(Duration),
    /// Answers about leases come this much later.
    SlowLeases(Duration),
    /// Connections are cut, those that are open and those that come.
    Cut,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// How it was answered; nothing yet, or not at all.
    pub code: Option<u16>,
}

impl Seen {
    /// Whether it asks for a watch.
    pub fn is_watch(&self) -> bool {
        is_watch(&self.uri)
    }

    /// Whether it is about a lease.
    pub fn is_lease(&self) -> bool {
        self.uri.contains("/leases")
    }

    /// Whether it creates a child of a monitor, and not a lease or an event.
    pub fn creates_a_child(&self) -> bool {
        let other = ["/leases", "/events"];
        self.method == "POST" && !other.iter().any(|other| self.uri.contains(other))
    }
}

/// A running proxy. Dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

#[derive(Debug)]
struct Shared {
    fault: watch::Sender<Fault>,
    seen: Mutex<Vec<Seen>>,
}

impl Proxy {
    /// Starts a proxy to the API server that a kubeconfig names.
    ///
    /// # Panics
    ///
    /// When the kubeconfig cannot be read, or there is no port.
    pub fn start(kubeconfig: &Path) -> Self {
        // The program's own choice does not hold in a test's process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("threads can be started");
        let shared = Arc::new(Shared {
            fault: watch::Sender::new(Fault::None),
            seen: Mutex::default(),
        });
        let port = runtime.block_on(async {
            let client = client(kubeconfig).await;
            let listener = TcpListener::bind(("127.0.0.1", 0))
                .await
                .expect("loopback has free ports");
            let port = listener.local_addr().expect("it is bound").port();
            tokio::spawn(accept(listener, client, shared.clone()));
            port
        });
        Self {
            port,
            shared,
            _runtime: runtime,
        }
    }

    /// A kubeconfig like another one, that leads through this proxy.
    ///
    /// # Panics
    ///
    /// When the other one cannot be read, or this one cannot be written beside it.
    pub fn kubeconfig(&self, other: &Path) -> PathBuf {
        let mut config = Kubeconfig::read_from(other).expect("it is a kubeconfig");
        for named in &mut config.clusters {
            if let Some(cluster) = &mut named.cluster {
                cluster.server = Some(format!("http://127.0.0.1:{}", self.port));
                cluster.certificate_authority_data = None;
            }
        }
        let path = other.with_extension(format!("{}.kubeconfig", self.port));
        let text = serde_json::to_string(&config).expect("a kubeconfig is JSON");
        std::fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// Switches a fault on, or off.
    pub fn set(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// The requests since some moment.
    pub fn since(&self, moment: Instant) -> Vec<Seen> {
        let seen = self.shared.lock();
        seen.iter()
            .filter(|seen| seen.at >= moment)
            .cloned()
            .collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        // Entries are pushed whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that brings nothing of its own but the certificate authority: tokens are those of the requests.
async fn client(kubeconfig: &Path) -> kube::Client {
    let read = Kubeconfig::read_from(kubeconfig).expect("it is a kubeconfig");
    let mut config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .expect("the kubeconfig is complete");
    config.auth_info = Default::default();
    config.default_retry = false;
    kube::Client::try_from(config).expect("a client can be made of it")
}

async fn accept(listener: TcpListener, client: kube::Client, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut fault = shared.fault.subscribe();
        let (client, shared) = (client.clone(), shared.clone());
        let service = tower::service_fn(move |request| {
            let (client, shared) = (client.clone(), shared.clone());
            async move { Ok::<_, Infallible>(answer(request, client, shared).await) }
        });
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            let serving =
                server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            tokio::select! {
                // Who hangs up early is no matter of ours.
                _ = serving => {}
                _ = fault.wait_for(|fault| *fault == Fault::Cut) => {}
            }
        });
    }
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    client: kube::Client,
    shared: Arc<Shared>,
) -> Response<Body> {
    let uri = request.uri().to_string();
    let number = {
        let mut seen = shared.lock();
        seen.push(Seen {
            at: Instant::now(),
            method: request.method().to_string(),
            uri: uri.clone(),
            code: None,
        });
        seen.len() - 1
    };
    let answer = with_faults(request, &uri, client, &shared).await;
    shared.lock()[number].code = Some(answer.status().as_u16());
    answer
}

async fn with_faults(
    request: Request<hyper::body::Incoming>,
    uri: &str,
    client: kube::Client,
    shared: &Shared,
) -> Response<Body> {
    let fault = shared.fault.borrow().clone();
    let leases = uri.contains("/leases");
    let writes = request.method() != "GET" && !leases && !uri.contains("/status");
    match fault {
        Fault::Answers { code, retry_after } => return refusal(code, retry_after),
        Fault::RefusedWrites { code } if writes => return refusal(code, None),
        Fault::ExpiredWatches if is_watch(uri) => {
            let event = serde_json::json!({"type": "ERROR", "object": status(410, None)});
            return Response::new(Body::from(format!("{event}\n")));
        }
        _ => {}
    }
    let answer = forward(request, client).await;
    match fault {
        Fault::Slow(time) if !is_watch(uri) => tokio::time::sleep(time).await,
        Fault::SlowWrites(time) if writes => tokio::time::sleep(time).await,
        Fault::SlowLeases(time) if leases => tokio::time::sleep(time).await,
        _ => {}
    }
    match answer {
        Ok(answer) if is_watch(uri) => gated(answer, shared.fault.subscribe()),
        Ok(answer) => answer.map(Body::new),
        Err(error) => {
            let mut answer = Response::new(Body::from(error));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            answer
        }
    }
}

async fn forward(
    request: Request<hyper::body::Incoming>,
    client: kube::Client,
) -> Result<Response<kube::client::Body>, String> {
    let (mut head, body) = request.into_parts();
    head.headers.remove(header::HOST);
    let body = body.collect().await.map_err(|error| error.to_string())?;
    let request = Request::from_parts(head, kube::client::Body::from(body.to_bytes()));
    client
        .send(request)
        .await
        .map_err(|error| error.to_string())
}

/// A watch whose words stop for good once watches are silent.
fn gated(answer: Response<kube::client::Body>, fault: watch::Receiver<Fault>) -> Response<Body> {
    answer.map(|body| {
        let words = body.into_data_stream().then(move |word| {
            let fault = fault.clone();
            async move {
                if *fault.borrow() == Fault::SilentWatches {
                    std::future::pending::<()>().await;
                }
                word
            }
        });
        Body::from_stream(words)
    })
}

fn is_watch(uri: &str) -> bool {
    uri.contains("watch=true") || uri.contains("watch=1")
}

fn refusal(code: u16, retry_after: Option<u32>) -> Response<Body> {
    let mut answer = Response::new(Body::from(status(code, retry_after).to_string()));
    *answer.status_mut() = StatusCode::from_u16(code).expect("the test's code is one of HTTP");
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// As an API server says no.
fn status(code: u16, retry_after: Option<u32>) -> serde_json::Value {
    let reason = match code {
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let details: BTreeMap<_, _> = retry_after
        .map(|seconds| ("retryAfterSeconds", seconds))
        .into_iter()
        .collect();
    serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": reason,
        "message": "a fault of the test",
        "details": details,
        "code": code,
    })
}
