//! The server over real sockets: paths, formats, compression, passwords, TLS and client certificates.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exporter::http::{self, Rendered, Served, Site, Web};
use exporter::process::Process;
use exporter::scrape::scrape;
use exporter::status::status;
use flate2::read::GzDecoder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};

use super::fixture;

/// A server on a port of its own, until it is dropped.
struct Server {
    address: SocketAddr,
    served: watch::Sender<Served>,
    stop: Option<oneshot::Sender<()>>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

fn start(web: Web) -> Server {
    let snapshot = Arc::new(fixture::snapshot());
    let process = Arc::new(Process::new(
        "ml-prod",
        "customer-segmentation",
        fixture::now(),
    ));
    let (served, receiver) = watch::channel(Served {
        rendered: Arc::new(Rendered::new(scrape(&snapshot, &process))),
        status: Arc::new(status(&snapshot, None, Vec::new())),
        snapshot,
        ready: Ok(()),
    });
    let listener = program::listen("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (stop, stopped) = oneshot::channel();
    let site = Site {
        served: receiver,
        process,
        clock: fixture::now,
    };
    let done = tokio::spawn(http::serve(listener, Arc::new(web), site, async {
        let _ = stopped.await;
    }));
    Server {
        address,
        served,
        stop: Some(stop),
        done,
    }
}

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

/// Asks over a connection that is open already; the server closes it behind the answer.
async fn ask_on(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Answer> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| std::io::Error::other("no answer"))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.expect("a status line"),
        head,
        body: answer[end + 4..].to_vec(),
    })
}

async fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let connection = TcpStream::connect(server.address)
        .await
        .expect("it listens");
    ask_on(connection, method, path, headers)
        .await
        .expect("it answers")
}

async fn get(server: &Server, path: &str) -> Answer {
    ask(server, "GET", path, &[]).await
}

#[tokio::test]
async fn every_path_answers() {
    let server = start(Web::open());
    let check = async |path: &str, status: u16, content_type: &str, contains: &str| {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert!(
            answer.text().contains(contains),
            "{path}: {}",
            answer.text()
        );
        let head = ask(&server, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (status, 0), "HEAD {path}");
        assert_eq!(
            head.header("content-length"),
            answer.header("content-length"),
            "HEAD {path}"
        );
    };
    check(
        "/",
        200,
        "text/html; charset=utf-8",
        "customer-segmentation",
    )
    .await;
    check(
        "/?refresh=off",
        200,
        "text/html; charset=utf-8",
        "does not renew itself",
    )
    .await;
    check(
        "/metrics",
        200,
        "text/plain; version=0.0.4; charset=utf-8",
        "# TYPE",
    )
    .await;
    check("/-/healthy", 200, "text/plain; charset=utf-8", "healthy").await;
    check("/-/ready", 200, "text/plain; charset=utf-8", "ready").await;
    check("/-/status", 200, "application/json", "\"configHash\"").await;
    check("/metrisc", 404, "text/plain; charset=utf-8", "/metrics").await;
    assert_eq!(ask(&server, "POST", "/metrics", &[]).await.status, 405);

    let policy = get(&server, "/").await;
    let policy = policy.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
}

#[tokio::test]
async fn not_ready_says_why_and_metrics_stay() {
    let server = start(Web::open());
    server
        .served
        .send_modify(|served| served.ready = Err("no configuration yet".to_owned()));
    let answer = get(&server, "/-/ready").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("no configuration yet"));
    assert_eq!(get(&server, "/metrics").await.status, 200);
    assert_eq!(get(&server, "/-/healthy").await.status, 200);
}

#[tokio::test]
async fn a_scrape_is_what_prometheus_asks_for() {
    let server = start(Web::open());
    let accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let answer = ask(&server, "GET", "/metrics", &[("accept", accept)]).await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(content_type));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(text.matches("# EOF").count(), 1);

    let classic = get(&server, "/metrics").await.text();
    assert!(!classic.contains("# EOF"));
    let samples = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        samples(&classic),
        samples(&text),
        "both formats hold the same samples"
    );

    for _ in 0..2 {
        let headers = [("accept", accept), ("accept-encoding", "gzip")];
        let answer = ask(&server, "GET", "/metrics", &headers).await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        let mut decoder = GzDecoder::new(answer.body.as_slice());
        let mut unpacked = String::new();
        decoder.read_to_string(&mut unpacked).expect("gzip");
        assert_eq!(samples(&unpacked), samples(&text));
        assert!(
            decoder.into_inner().is_empty(),
            "one member, which every client reads"
        );
    }
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let mut server = start(Web::open());
    assert_eq!(get(&server, "/-/healthy").await.status, 200);
    drop(server.stop.take());
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut server.done).await;
    ended.expect("soon").expect("no panic").expect("no error");
    assert!(TcpStream::connect(server.address).await.is_err());
}

/// A folder with a certificate authority, a server's certificate and two clients', one of a stranger.
struct Files {
    folder: TempDir,
    authority: Issuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Self {
        let (authority, certificate) = authority("test authority");
        let files = Files {
            folder: tempfile::tempdir().expect("a temporary folder"),
            authority,
        };
        files.write("ca.pem", &certificate);
        files.issue("server", "localhost", &files.authority);
        files.issue("client", "scraper", &files.authority);
        let (stranger, _) = self::authority("a stranger");
        files.issue("stranger", "scraper", &stranger);
        files
    }

    fn issue(&self, file: &str, name: &str, issuer: &Issuer<'_, KeyPair>) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, issuer).expect("a certificate");
        self.write(&format!("{file}.pem"), &certificate.pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the folder is writable");
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A web configuration, with further lines below `tls_server_config`.
    fn tls(&self, more: &str) -> Web {
        let text =
            format!("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n{more}");
        Web::read(&self.write("web.yml", &text)).expect("it can be used")
    }

    async fn ask(
        &self,
        server: &Server,
        client: Option<&str>,
        alpn: &[u8],
    ) -> std::io::Result<Answer> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        for certificate in pem(&self.path("ca.pem")) {
            roots.add(certificate).expect("an authority");
        }
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{client}.key")));
                let certificates = pem(&self.path(&format!("{client}.pem")));
                builder
                    .with_client_auth_cert(certificates, key.expect("a key"))
                    .expect("a pair")
            }
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        let stream = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        ask_on(stream, "GET", "/metrics", &[]).await
    }
}

fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    (Issuer::new(params, key), certificate)
}

fn pem(path: &Path) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_file_iter(path).expect("a file");
    certificates
        .collect::<Result<_, _>>()
        .expect("certificates")
}

#[tokio::test]
async fn tls_with_every_way_to_ask_for_a_client_certificate() {
    let files = Files::new();
    let check = async |more: &str, allowed: [bool; 3]| {
        let server = start(files.tls(more));
        for (client, allowed) in [None, Some("client"), Some("stranger")]
            .into_iter()
            .zip(allowed)
        {
            let answer = files.ask(&server, client, b"http/1.1").await;
            assert_eq!(
                answer.is_ok_and(|a| a.status == 200),
                allowed,
                "{more:?}, {client:?}"
            );
        }
    };
    check("", [true, true, true]).await;
    check("  client_auth_type: NoClientCert\n", [true, true, true]).await;
    check(
        "  client_auth_type: RequestClientCert\n",
        [true, true, true],
    )
    .await;
    check(
        "  client_auth_type: RequireAnyClientCert\n",
        [false, true, true],
    )
    .await;
    let ca = "  client_ca_file: ca.pem\n  client_auth_type: ";
    check(
        &format!("{ca}VerifyClientCertIfGiven\n"),
        [true, true, false],
    )
    .await;
    check(
        &format!("{ca}RequireAndVerifyClientCert\n"),
        [false, true, false],
    )
    .await;
    check(
        &format!("{ca}RequireAndVerifyClientCert\n  min_version: TLS13\n"),
        [false, true, false],
    )
    .await;
}

#[tokio::test]
async fn plain_http_on_a_port_with_tls_gets_no_answer() {
    let files = Files::new();
    let server = start(files.tls(""));
    let connection = TcpStream::connect(server.address)
        .await
        .expect("it listens");
    assert!(ask_on(connection, "GET", "/metrics", &[]).await.is_err());
}

#[tokio::test]
async fn http2_can_be_turned_off() {
    let files = Files::new();
    let server = start(files.tls("http_server_config:\n  http2: false\n"));
    assert!(files.ask(&server, None, b"h2").await.is_err());
    assert!(files.ask(&server, None, b"http/1.1").await.is_ok());
}

#[tokio::test]
async fn a_renewed_certificate_needs_no_restart_and_a_broken_one_changes_nothing() {
    let files = Files::new();
    let server = start(files.tls(""));
    assert!(files.ask(&server, None, b"http/1.1").await.is_ok());

    // Another authority: clients that trust it get an answer, so the new certificate is in use.
    let (authority, certificate) = authority("another authority");
    files.write("ca.pem", &certificate);
    assert!(files.ask(&server, None, b"http/1.1").await.is_err());
    files.issue("server", "localhost", &authority);
    assert!(files.ask(&server, None, b"http/1.1").await.is_ok());

    files.write("server.key", "not a key");
    assert!(files.ask(&server, None, b"http/1.1").await.is_ok());
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn a_password_guards_everything() {
    let files = Files::new();
    let hash = bcrypt::hash("correct horse", 4).expect("a hash");
    let web = files.write("web.yml", &format!("basic_auth_users:\n  ann: {hash}\n"));
    let server = start(Web::read(&web).expect("it can be used"));
    for path in [
        "/",
        "/metrics",
        "/-/healthy",
        "/-/ready",
        "/-/status",
        "/nothing",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 401, "{path}");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Basic "), "{challenge}");
    }
    let check = async |authorization: &str, expected: u16| {
        let answer = ask(
            &server,
            "GET",
            "/metrics",
            &[("authorization", authorization)],
        )
        .await;
        assert_eq!(answer.status, expected, "{authorization}");
    };
    check(&basic("ann", "correct horse"), 200).await;
    check(&basic("ann", "wrong"), 401).await;
    check(&basic("ann", ""), 401).await;
    check(&basic("bob", "correct horse"), 401).await;
    check("Basic %%%", 401).await;
    check("Bearer correct", 401).await;
    check(
        &basic("ann", "correct horse").replace("Basic", "basic"),
        200,
    )
    .await;

    // Another user, without a restart.
    let hash = bcrypt::hash("battery staple", 4).expect("a hash");
    files.write("web.yml", &format!("basic_auth_users:\n  robert: {hash}\n"));
    check(&basic("ann", "correct horse"), 401).await;
    check(&basic("robert", "battery staple"), 200).await;
}

#[tokio::test]
async fn a_password_that_was_right_is_not_hashed_again() {
    let files = Files::new();
    // Cost 11 takes long enough to tell a check from a look into memory on any machine.
    let hash = bcrypt::hash("correct horse", 11).expect("a hash");
    let web = files.write("web.yml", &format!("basic_auth_users:\n  ann: {hash}\n"));
    let server = start(Web::read(&web).expect("it can be used"));
    let timed = async |password: &str| {
        let begun = Instant::now();
        let authorization = basic("ann", password);
        let answer = ask(
            &server,
            "GET",
            "/-/healthy",
            &[("authorization", &authorization)],
        )
        .await;
        (answer.status, begun.elapsed())
    };
    let (status, first) = timed("correct horse").await;
    assert_eq!(status, 200);
    let mut again = Duration::MAX;
    for _ in 0..5 {
        again = timed("correct horse").await.1.min(again);
    }
    assert!(again * 4 < first, "{again:?} after {first:?}");
}

#[tokio::test]
async fn headers_of_the_web_configuration_are_sent() {
    let files = Files::new();
    let text = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=60\n";
    let server = start(Web::read(&files.write("web.yml", text)).expect("it can be used"));
    let answer = get(&server, "/-/healthy").await;
    assert_eq!(answer.header("x-frame-options"), Some("deny"));
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=60")
    );
}

#[test]
fn a_web_configuration_that_cannot_be_used_is_refused_by_name() {
    let files = Files::new();
    let check = |text: &str, named: &[&str]| {
        let error = Web::read(&files.write("wrong.yml", text)).expect_err(text);
        let mut said = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            said = format!("{said}: {cause}");
            source = cause.source();
        }
        for name in named {
            assert!(said.contains(name), "{text:?}: {said}");
        }
    };
    let pair = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";
    check("basic_auth_user:\n  ann: x\n", &["basic_auth_user"]);
    check("http_server_config:\n  http3: true\n", &["http3"]);
    check(
        "http_server_config:\n  headers: {X-Powered-By: us}\n",
        &["X-Powered-By"],
    );
    check(&format!("{pair}  cipher_suites: [A]\n"), &["cipher_suites"]);
    check(&format!("{pair}  min_version: TLS10\n"), &["TLS10"]);
    check(
        &format!("{pair}  client_auth_type: Sometimes\n"),
        &["Sometimes"],
    );
    check(
        &format!("{pair}  client_ca_file: ca.pem\n"),
        &["client_ca_file"],
    );
    check(
        &format!("{pair}  client_auth_type: RequireAndVerifyClientCert\n"),
        &["client_auth_type", "client_ca_file"],
    );
    check(
        "tls_server_config:\n  cert_file: server.pem\n",
        &["key_file"],
    );
    check(
        "tls_server_config: {cert_file: none.pem, key_file: server.key}\n",
        &["cert_file", "none.pem"],
    );
    check(
        "tls_server_config: {cert_file: server.key, key_file: server.key}\n",
        &["cert_file", "server.key"],
    );
    check(
        "tls_server_config: {cert_file: client.pem, key_file: server.key}\n",
        &["cert_file and key_file"],
    );
    check(
        "basic_auth_users:\n  ann: correct horse\n",
        &["ann", "bcrypt"],
    );
    check("[", &["wrong.yml"]);
    assert!(Web::read(&files.path("nowhere.yml")).is_err());
}
