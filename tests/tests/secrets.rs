//! No credential leaves the exporter but towards the server that it is for: not on the page, not in a scrape, not in the
//! status, not in what is saved, not in the log at its most talkative.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::exporter::Exporter;
use harness::http;
use harness::server::Server;
use serde_json::{Value, json};

/// What the server lets in (`tests/servers/wire.py`).
const USER: &str = "monitor";
const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "fm-static-token-0123456789";
/// What it does not, and what a header carries.
const CANARY: &str = "canary-7f3d2c9b-not-to-be-repeated";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";
const CLASSIC: &str = "text/plain; version=0.0.4";

/// What a monitor proves itself with.
#[derive(Clone, Copy, Debug)]
enum Credential {
    /// A token from a file.
    Bearer(&'static str),
    /// A password from a file.
    Basic(&'static str),
    /// A header in the manifest.
    Header(&'static str),
}

impl Credential {
    /// Writes the files, and gives the fields of `spec.source.flight`.
    fn lay_out(self, secrets: &Path) -> (&'static str, Value) {
        let folder = secrets.join("wire");
        std::fs::create_dir_all(&folder).unwrap();
        let write = |key: &str, text: &str| std::fs::write(folder.join(key), text).unwrap();
        match self {
            Self::Bearer(token) => {
                write("token", token);
                let reference = json!({"name": "wire", "key": "token"});
                ("auth", json!({"bearer": {"secretRef": reference}}))
            }
            Self::Basic(password) => {
                write("username", USER);
                write("password", password);
                ("auth", json!({"basic": {"secretRef": {"name": "wire"}}}))
            }
            Self::Header(value) => ("headers", json!([{"name": "x-api-key", "value": value}])),
        }
    }

    /// How it and the forms in which it travels begin: a message that was cut holds no more.
    fn beginnings(self) -> Vec<String> {
        let forms = match self {
            Self::Bearer(text) | Self::Header(text) => {
                vec![text.to_owned(), STANDARD.encode(text)]
            }
            Self::Basic(password) => vec![
                password.to_owned(),
                password.replace(' ', "%20"),
                STANDARD.encode(password),
                STANDARD.encode(format!("{USER}:{password}")),
            ],
        };
        let beginning = |form: String| form.chars().take(12).collect();
        forms.into_iter().map(beginning).collect()
    }
}

/// Runs an exporter with a credential until it has evaluated, and searches everything it says.
///
/// `fails_with` is the reason that the status gives, and a part of the message; nothing when the pull succeeds.
#[track_caller]
fn check(uri: &str, flight: &str, credential: Credential, fails_with: Option<(&str, &str)>) {
    let home = tempfile::tempdir().unwrap();
    let secrets = home.path().join("secrets");
    let (field, value) = credential.lay_out(&secrets);
    let mut manifest = json!({
        "apiVersion": "featuremonitor.io/v1alpha1",
        "kind": "FeatureMonitor",
        "metadata": {"name": "wire", "namespace": "ml-prod"},
        "spec": {
            "owner": {"team": "growth-ml"},
            "source": {"flight": {"uri": uri, "query": {"path": ["wire", flight]}, "timeout": "10s"}},
            "data": {"entityKeys": ["id"]},
            "schedule": {"every": "1s"},
            "baseline": {"previous": {}},
        },
    });
    manifest["spec"]["source"]["flight"][field] = value;
    let file = home.path().join("monitor.yaml");
    std::fs::write(&file, manifest.to_string()).unwrap();
    let mut exporter = Exporter::run(
        &file,
        home.path(),
        &[
            "--secrets-dir",
            secrets.to_str().unwrap(),
            "--log.level",
            "trace",
        ],
    );
    let status = exporter.wait_for("it has evaluated", |port| {
        let status: Value = serde_json::from_str(&http::get(port, "/-/status").ok()?).ok()?;
        status["lastEvaluation"].is_object().then_some(status)
    });
    match fails_with {
        None => assert_eq!(status["source"]["up"], true, "{status}"),
        Some((reason, says)) => {
            let source = &status["source"];
            assert_eq!(source["reason"], reason, "{status}");
            let message = source["message"].as_str().unwrap();
            assert!(message.contains(says), "no {says:?} in {message:?}");
        }
    }
    let port = exporter.port();
    let page = http::get(port, "/").unwrap();
    assert!(page.contains("growth-ml"), "the page is there: {page}");
    let classic = http::get_as(port, "/metrics", CLASSIC).unwrap();
    let open = http::get_as(port, "/metrics", OPEN_METRICS).unwrap();
    assert!(open.ends_with("# EOF\n") && !classic.contains("# EOF"));
    let log = exporter.end_by("-TERM");
    assert!(log.contains(" TRACE "), "the log is at its most talkative");
    let mut said = vec![
        ("page".to_owned(), page),
        ("status".to_owned(), status.to_string()),
        ("classic scrape".to_owned(), classic),
        ("OpenMetrics scrape".to_owned(), open),
        ("log".to_owned(), log),
    ];
    files(&home.path().join("state"), &mut said);
    for (what, text) in said {
        for beginning in credential.beginnings() {
            let line = text.lines().find(|line| line.contains(&beginning));
            assert!(line.is_none(), "{credential:?} in the {what}: {line:?}");
        }
    }
}

/// Everything below a folder that may not be there.
fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
}

/// Two flights that fail as debug pages do, with the headers of the call: one so long that the message is cut within them,
/// one so short that they are there in full.
#[track_caller]
fn fails_with_what_it_was_asked_with(uri: &str, credential: Credential, header: &str) {
    let reason = "server_error";
    check(uri, "echoes", credential, Some((reason, "rejected")));
    let hidden = format!(r#""{header}": ["***"]"#);
    check(uri, "repeats", credential, Some((reason, &hidden)));
}

fn wire(auth: &str) -> (Server, String) {
    let server = Server::python("wire.py", &["--auth", auth]);
    let uri = format!("grpc://127.0.0.1:{}", server.port());
    (server, uri)
}

#[test]
fn a_token_is_found_nowhere() {
    let (_server, uri) = wire("bearer");
    check(&uri, "plain", Credential::Bearer(TOKEN), None);
    // This server repeats what it refuses.
    let refused = ("unauthenticated", "not accepted: ***");
    check(&uri, "plain", Credential::Bearer(CANARY), Some(refused));
    fails_with_what_it_was_asked_with(&uri, Credential::Bearer(TOKEN), "authorization");
}

#[test]
fn a_password_is_found_nowhere() {
    let (_server, uri) = wire("basic");
    check(&uri, "plain", Credential::Basic(PASSWORD), None);
    let refused = ("unauthenticated", "wrong username or password");
    check(&uri, "plain", Credential::Basic(CANARY), Some(refused));
    fails_with_what_it_was_asked_with(&uri, Credential::Basic(PASSWORD), "authorization");
    // Without a login on the server, the password itself goes with every call.
    let (_server, uri) = wire("none");
    fails_with_what_it_was_asked_with(&uri, Credential::Basic(CANARY), "authorization");
}

#[test]
fn a_header_is_found_nowhere() {
    let (_server, uri) = wire("none");
    check(&uri, "plain", Credential::Header(CANARY), None);
    fails_with_what_it_was_asked_with(&uri, Credential::Header(CANARY), "x-api-key");
    let (_server, uri) = wire("bearer");
    let refused = ("unauthenticated", "not accepted");
    check(&uri, "plain", Credential::Header(CANARY), Some(refused));
}

#[test]
fn a_server_that_is_away_changes_nothing() {
    let uri = format!("grpc://127.0.0.1:{}", http::free_port());
    for credential in [
        Credential::Bearer(CANARY),
        Credential::Basic(CANARY),
        Credential::Header(CANARY),
    ] {
        check(
            &uri,
            "plain",
            credential,
            Some(("unavailable", &uri["grpc://".len()..])),
        );
    }
}
