//! The connections of one pull: TLS, credentials, what the server wants echoed, and how its failures
//! are told apart.
//!
//! A session lives as long as its pull. Every pull dials anew, so rotated certificates and passwords
//! are used and a connection that died in between is nobody's concern.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, Ticket};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crds::valid::{Address, Auth, FileRef, Flight, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::OnceCell;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};

use super::clean::Redactor;
use super::error::{SourceError, Stage};
use super::places::{authority, http};
use super::secrets::SecretsDir;

/// A host that does not answer is given up after this, so that a fallback is still in time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Finds a peer that vanished without a word. TCP's probes, because gRPC servers close a connection on
/// which HTTP/2 pings come more often than they like.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// HTTP/2 pings on a silent call: just above the five minutes which C++, Java and Go servers allow by
/// default; a server that is still computing must not be pinged out of it.
const HTTP2_KEEPALIVE: Duration = Duration::from_secs(310);
/// The largest HTTP/2 frame that the server may send. The usual 16 KiB cost twice the CPU per byte
/// (measured with batches of 8 MB: 0.40 against 0.19 s per GB); larger ones than this gain nothing.
const FRAME_BYTES: u32 = 256 << 10;
/// Bytes on their way per stream: enough for the bandwidth of one machine room, small enough to stay in
/// cache (4 MiB cost more CPU).
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
/// Bytes on their way per connection: room for all endpoints that are fetched at once, so that one which
/// waits for the receiver does not hold the others up.
const CONNECTION_WINDOW_BYTES: u32 = super::MOST_AT_ONCE as u32 * STREAM_WINDOW_BYTES;
/// Errors travel in headers, and some are whole tracebacks: above this the connection is closed, and the
/// error is lost. HTTP/2's usual 16 KiB are too few.
const LONGEST_HEADERS_BYTES: u32 = 512 << 10;
/// The server gives up this much after we did, so that our own timeout is the one that is reported.
const GRACE: Duration = Duration::from_secs(1);
/// Cookies kept of a server; Dremio sends a handful.
const MOST_COOKIES: usize = 32;

/// Shorter values of the manifest's headers are words such as `prod`, which masking would tear out of
/// every message.
const SHORTEST_MASKED_HEADER: usize = 8;
const AUTHORIZATION: &str = "authorization";

/// One header of every call.
pub(super) type Header = (AsciiMetadataKey, AsciiMetadataValue);

/// The connections and credentials of one pull.
#[derive(Debug)]
pub(super) struct Session {
    home: Address,
    channel: Channel,
    how: Dialling,
    headers: Vec<Header>,
    echo: Mutex<Echo>,
    /// Other servers that endpoints named, and whether they could be reached: tried once a pull.
    others: Mutex<HashMap<String, Arc<OnceCell<Option<Channel>>>>>,
}

/// What each call sends, as the server's answers have changed it.
#[derive(Debug, Default)]
struct Echo {
    /// Whether the server has answered any call.
    answered: bool,
    authorization: Option<AsciiMetadataValue>,
    cookies: HashMap<String, String>,
    redactor: Redactor,
}

/// How any server of this source is dialled.
#[derive(Debug)]
struct Dialling {
    tls: ClientTlsConfig,
    deadline: Instant,
    max_message_bytes: usize,
}

impl Session {
    /// Reads the secrets, connects, and logs in where a username and password are given.
    pub(super) async fn open(
        flight: &Flight,
        headers: &[Header],
        secrets: &SecretsDir,
        deadline: Instant,
        enter: impl Fn(Stage),
    ) -> Result<Self, SourceError> {
        enter(Stage::Connecting);
        let mut echo = Echo::of(headers);
        authorize(&flight.auth, secrets, &mut echo)?;
        let how = Dialling {
            tls: tls(&flight.tls, &flight.auth, secrets)?,
            deadline,
            max_message_bytes: flight.max_message_bytes,
        };
        let channel = how.dial(&flight.address).await?;
        let session = Self {
            home: flight.address.clone(),
            channel,
            how,
            headers: headers
                .iter()
                .filter(|(name, _)| name != AUTHORIZATION)
                .cloned()
                .collect(),
            echo: Mutex::new(echo),
            others: Mutex::default(),
        };
        if let Auth::Basic { .. } = flight.auth {
            enter(Stage::LoggingIn);
            session.log_in().await?;
        }
        Ok(session)
    }

    /// The server that is asked first.
    pub(super) fn home(&self) -> &Address {
        &self.home
    }

    /// The largest message that is accepted, in bytes.
    pub(super) fn max_message_bytes(&self) -> usize {
        self.how.max_message_bytes
    }

    /// Sends the password as a Basic header with an empty handshake; the token comes back in a header.
    async fn log_in(&self) -> Result<(), SourceError> {
        let request = self.request(tokio_stream::once(HandshakeRequest::default()));
        let mut answers = match self.client(self.channel.clone()).handshake(request).await {
            Ok(response) => self.heed(response),
            // Some servers take the Basic header with every call and have no handshake.
            Err(status) if status.code() == Code::Unimplemented => return Ok(()),
            Err(status) => return Err(self.error(Stage::LoggingIn, status)),
        };
        // The payload may be anything; that the call ends well is what counts.
        while answers
            .message()
            .await
            .map_err(|status| self.error(Stage::LoggingIn, status))?
            .is_some()
        {}
        Ok(())
    }

    /// GetFlightInfo. Unlike other failures, UNIMPLEMENTED is given back as the inner error: what it
    /// means depends on the query.
    pub(super) async fn discover(
        &self,
        descriptor: FlightDescriptor,
    ) -> Result<Result<FlightInfo, String>, SourceError> {
        match self
            .client(self.channel.clone())
            .get_flight_info(self.request(descriptor))
            .await
        {
            Ok(response) => Ok(Ok(self.heed(response))),
            Err(status) if status.code() == Code::Unimplemented => {
                Ok(Err(whole(&self.echo).redactor.clean(status.message())))
            }
            Err(status) => Err(self.error(Stage::Discovering, status)),
        }
    }

    /// DoGet over the connection that we have, or over one to the first address that can be reached.
    pub(super) async fn get(
        &self,
        ticket: Ticket,
        elsewhere: &[Address],
    ) -> Result<Streaming<FlightData>, SourceError> {
        let channel = self.reach(elsewhere).await;
        match self.client(channel).do_get(self.request(ticket)).await {
            Ok(response) => Ok(self.heed(response)),
            Err(status) => Err(self.error(Stage::Receiving, status)),
        }
    }

    /// The next message of a DoGet.
    pub(super) async fn next(
        &self,
        stream: &mut Streaming<FlightData>,
    ) -> Result<Option<FlightData>, SourceError> {
        stream
            .message()
            .await
            .map_err(|status| self.error(Stage::Receiving, status))
    }

    async fn reach(&self, addresses: &[Address]) -> Channel {
        for address in addresses {
            let other = Arc::clone(whole(&self.others).entry(http(address)).or_default());
            let reached = other
                .get_or_init(async || match self.how.dial(address).await {
                    Ok(channel) => Some(channel),
                    Err(error) => {
                        tracing::debug!(%error, "an endpoint's location cannot be reached");
                        None
                    }
                })
                .await;
            if let Some(channel) = reached {
                return channel.clone();
            }
        }
        self.channel.clone()
    }

    fn client(&self, channel: Channel) -> FlightServiceClient<Channel> {
        FlightServiceClient::new(channel).max_decoding_message_size(self.how.max_message_bytes)
    }

    /// A request with our headers, the credentials in force, the server's cookies, and a deadline.
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.how.deadline.saturating_duration_since(Instant::now()) + GRACE);
        let metadata = request.metadata_mut();
        for (name, value) in &self.headers {
            metadata.append(name.clone(), value.clone());
        }
        let echo = whole(&self.echo);
        if let Some(authorization) = &echo.authorization {
            metadata.insert(AUTHORIZATION, authorization.clone());
        }
        let cookies: Vec<_> = echo
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if let Ok(cookies) = cookies.join("; ").parse::<AsciiMetadataValue>()
            && !cookies.is_empty()
        {
            metadata.insert("cookie", cookies);
        }
        request
    }

    /// Takes a response's credentials and cookies over into the calls that follow.
    fn heed<T>(&self, response: tonic::Response<T>) -> T {
        whole(&self.echo).heed(response.metadata());
        response.into_inner()
    }

    /// What a failed call means.
    fn error(&self, stage: Stage, status: Status) -> SourceError {
        let clean = |text: &str| whole(&self.echo).redactor.clean(text);
        let limit = self.how.max_message_bytes;
        if let Some(found) = over_limit(&status) {
            return SourceError::TooLarge {
                what: "message",
                found: Some(found),
                limit,
            };
        }
        match Local::of(&status) {
            Local::Tls(message) => SourceError::Tls {
                address: authority(&self.home),
                message: clean(&message),
            },
            // TLS 1.3 lets a client finish its handshake before the server looks at its certificate.
            Local::Transport(_)
                if self.home.tls && !whole(&self.echo).answered && is_hung_up(&status) =>
            {
                SourceError::Tls {
                    address: authority(&self.home),
                    message:
                        "the server hung up after the handshake; it may want a client certificate \
                              (spec.source.flight.auth.mtls) or not accept this one"
                            .to_owned(),
                }
            }
            Local::Transport(message) if self.home.tls => SourceError::Broken {
                stage,
                message: clean(&message),
            },
            Local::Transport(message) => SourceError::Broken {
                stage,
                message: format!(
                    "{} (a server that wants TLS behaves like this when asked over grpc+tcp)",
                    clean(&message)
                ),
            },
            Local::No => SourceError::Refused {
                stage,
                code: status.code(),
                message: clean(status.message()),
            },
        }
    }
}

/// Locks a value that no holder leaves half changed, so that a panic elsewhere does not spoil it.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Echo {
    /// The manifest's own `authorization` is the credential to start with.
    fn of(headers: &[Header]) -> Self {
        let mut echo = Self::default();
        for (name, value) in headers {
            let is_credential = name == AUTHORIZATION;
            if is_credential {
                echo.authorization = Some(value.clone());
            }
            if is_credential || value.len() >= SHORTEST_MASKED_HEADER {
                echo.redactor.learn(value.to_str().unwrap_or_default());
            }
        }
        echo
    }

    fn heed(&mut self, metadata: &MetadataMap) {
        self.answered = true;
        if let Some(authorization) = metadata.get(AUTHORIZATION) {
            if let Ok(text) = authorization.to_str() {
                self.redactor.learn(text);
            }
            self.authorization = Some(authorization.clone());
        }
        for cookie in metadata.get_all("set-cookie") {
            let Ok(text) = cookie.to_str() else { continue };
            let pair = text
                .split_once(';')
                .map_or(text, |(pair, _attributes)| pair);
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            if self.cookies.len() < MOST_COOKIES || self.cookies.contains_key(&name) {
                self.redactor.learn(&value);
                self.cookies.insert(name, value);
            }
        }
    }
}

impl Dialling {
    async fn dial(&self, address: &Address) -> Result<Channel, SourceError> {
        let endpoint = self.endpoint(address)?;
        endpoint.connect().await.map_err(|error| {
            let message = Redactor::default().clean(&chain(&error));
            match tls_failure(&error) {
                Some(failure) => SourceError::Tls {
                    address: authority(address),
                    message: Redactor::default().clean(&failure),
                },
                None => SourceError::Unreachable {
                    address: authority(address),
                    message,
                },
            }
        })
    }

    fn endpoint(&self, address: &Address) -> Result<Endpoint, SourceError> {
        let tls = |error: tonic::transport::Error| SourceError::Tls {
            address: authority(address),
            message: Redactor::default().clean(&chain(&error)),
        };
        let endpoint = Endpoint::from_shared(http(address))
            .and_then(|endpoint| {
                endpoint.user_agent(concat!("feature-monitor/", env!("CARGO_PKG_VERSION")))
            })
            .map_err(|error| SourceError::Unusable {
                field: "uri".to_owned(),
                problem: chain(&error),
            })?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(Some(TCP_KEEPALIVE))
            .http2_keep_alive_interval(HTTP2_KEEPALIVE)
            .max_frame_size(FRAME_BYTES)
            .http2_max_header_list_size(LONGEST_HEADERS_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        if address.tls {
            endpoint.tls_config(self.tls.clone()).map_err(tls)
        } else {
            Ok(endpoint)
        }
    }
}

/// The manifest's headers as the wire wants them.
pub(super) fn headers(headers: &[(String, String)]) -> Result<Vec<Header>, SourceError> {
    let parse = |(name, value): &(String, String)| {
        let unusable = |problem: &str| SourceError::Unusable {
            field: format!("headers[{name}]"),
            problem: problem.to_owned(),
        };
        let key = name
            .parse()
            .map_err(|_| unusable("is not a name of a text header"))?;
        let value =
            sensitive(value).ok_or_else(|| unusable("has a value that no header can hold"))?;
        Ok((key, value))
    };
    headers.iter().map(parse).collect()
}

fn authorize(auth: &Auth, secrets: &SecretsDir, echo: &mut Echo) -> Result<(), SourceError> {
    let (value, file) = match auth {
        Auth::None | Auth::MutualTls { .. } => return Ok(()),
        Auth::Bearer { token } => {
            let secret = secrets.read(token)?;
            (format!("Bearer {}", secret.expose()), token)
        }
        Auth::Basic { username, password } => {
            let (user, secret) = (secrets.read(username)?, secrets.read(password)?);
            echo.redactor.learn(user.expose());
            echo.redactor.learn(secret.expose());
            let pair = format!("{}:{}", user.expose(), secret.expose());
            (format!("Basic {}", BASE64_STANDARD.encode(pair)), password)
        }
    };
    echo.redactor.learn(&value);
    let value = sensitive(&value)
        .ok_or_else(|| unusable_file(file, "holds characters that no header can hold"))?;
    echo.authorization = Some(value);
    Ok(())
}

/// A header value that the HTTP/2 library neither logs nor puts into its compression table.
fn sensitive(value: &str) -> Option<AsciiMetadataValue> {
    let mut value: AsciiMetadataValue = value.parse().ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The TLS settings: only the given CA is trusted, and the system's where none is given.
fn tls(tls: &Tls, auth: &Auth, secrets: &SecretsDir) -> Result<ClientTlsConfig, SourceError> {
    let mut config = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
    config = match &tls.ca {
        Some(file) => {
            let pem = secrets.read(file)?;
            let certificates = CertificateDer::pem_slice_iter(pem.expose().as_bytes());
            if certificates.filter_map(Result::ok).count() == 0 {
                return Err(unusable_file(file, "holds no certificate in PEM form"));
            }
            config.ca_certificate(Certificate::from_pem(pem.expose()))
        }
        None => config.with_native_roots(),
    };
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    if let Auth::MutualTls { certificate, key } = auth {
        let (chain, private) = (secrets.read(certificate)?, secrets.read(key)?);
        if CertificateDer::from_pem_slice(chain.expose().as_bytes()).is_err() {
            return Err(unusable_file(
                certificate,
                "holds no certificate in PEM form",
            ));
        }
        if rustls::pki_types::PrivateKeyDer::from_pem_slice(private.expose().as_bytes()).is_err() {
            return Err(unusable_file(key, "holds no private key in PEM form"));
        }
        config = config.identity(Identity::from_pem(chain.expose(), private.expose()));
    }
    Ok(config)
}

fn unusable_file(file: &FileRef, problem: &'static str) -> SourceError {
    SourceError::SecretUnusable {
        name: file.name.clone(),
        key: file.key.clone(),
        problem,
    }
}

/// Which failures of a call happened on our side of the wire: those have a cause that is no status.
enum Local {
    Tls(String),
    Transport(String),
    No,
}

impl Local {
    fn of(status: &Status) -> Self {
        // tonic writes these two itself when a stream ends without the server's last word.
        let cut_off = [
            "protocol error: missing grpc-status trailer",
            "Unexpected EOF decoding stream",
        ];
        match status.source() {
            Some(source) => match tls_failure(source) {
                Some(failure) => Local::Tls(failure),
                None => Local::Transport(chain(source)),
            },
            None if cut_off
                .iter()
                .any(|text| status.message().starts_with(text)) =>
            {
                Local::Transport("the stream ended without a status".to_owned())
            }
            None => Local::No,
        }
    }
}

/// What the TLS library said, where it is the cause.
fn tls_failure(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|cause| {
        // rustls hides inside an IO error, which does not give it as its source.
        let inner = cause
            .downcast_ref::<std::io::Error>()
            .and_then(|io| io.get_ref())
            .map(|inner| inner as &(dyn Error + 'static))
            .unwrap_or(cause);
        if let Some(rustls) = inner.downcast_ref::<rustls::Error>() {
            return Some(rustls.to_string());
        }
        // tonic's own TLS errors are private types: these are their texts.
        let text = inner.to_string();
        let ours = [
            "HTTP/2 was not negotiated",
            "TLS handshake timeout",
            "no native certs found",
        ];
        ours.iter()
            .any(|ours| text.starts_with(ours))
            .then_some(text)
    })
}

/// Whether the other side ended the connection.
fn is_hung_up(status: &Status) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    status.source().is_some_and(|source| {
        causes(source).any(|cause| match cause.downcast_ref::<std::io::Error>() {
            Some(io) => matches!(io.kind(), UnexpectedEof | ConnectionReset | BrokenPipe),
            // The HTTP library's words for a connection that ended before the call began.
            None => cause.to_string().contains("connection closed"),
        })
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error and its causes, each text once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if text != "transport error" && !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// The size of a message that tonic refused, from the only place where it says so.
fn over_limit(status: &Status) -> Option<u64> {
    let (_, found) = status
        .message()
        .split_once("decoded message length too large: found ")?;
    if status.code() != Code::OutOfRange {
        return None;
    }
    found.split(' ').next()?.parse().ok()
}
