//! The Flight client against a server that shares no code with it: pyarrow, which is Arrow C++ and gRPC
//! C++ (`tests/servers/wire.py`). One flight for each thing that can happen on the wire.

// A test's helpers stop at the first thing that is not as it should be.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::util::display::array_value_to_string;
use crds::valid::{Auth, FileKind, FileRef, Flight, Query, Template, Tls};
use exporter::source::{FlightSource, Message, PullReport, Reason, SecretsDir, SourceError, Stage};
use harness::server::Server;
use jiff::Timestamp;
use tokio::sync::mpsc;

const MIB: usize = 1 << 20;
/// Rows of the server's plain flights; their column x counts 0, 1, 2, …
const ROWS: u64 = 100_000;
const SUM_OF_X: f64 = 4_999_950_000.0;
const USER: &str = "monitor";
const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "fm-static-token-0123456789";

/// A server and the secrets that its clients have.
struct Wire {
    server: Server,
    scheme: &'static str,
    host: &'static str,
    secrets: tempfile::TempDir,
}

impl Wire {
    fn start(arguments: &[&str]) -> Self {
        Self {
            server: Server::python("wire.py", arguments),
            scheme: "grpc+tcp",
            host: "127.0.0.1",
            secrets: tempfile::tempdir().unwrap(),
        }
    }

    fn uri(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.server.port())
    }

    fn secret(&self, key: &str, content: &str) -> FileRef {
        write_secret(self.secrets.path(), key, content)
    }

    fn flight(&self, query: Query) -> Flight {
        flight(&self.uri(), query)
    }

    async fn pull(&self, flight: Flight) -> Result<Pulled, SourceError> {
        pull(&source(flight, self.secrets.path())).await
    }

    async fn path(&self, name: &str) -> Result<Pulled, SourceError> {
        self.pull(self.flight(path(name))).await
    }

    /// How often the server has seen a call.
    async fn calls(&self, call: &str) -> i64 {
        let pulled = self.pull(self.flight(ticket("calls"))).await.unwrap();
        let batch = &pulled.batches[0];
        let calls: &StringArray = batch["call"].as_string();
        let times: &Int64Array = batch["times"].as_primitive();
        calls
            .iter()
            .position(|name| name == Some(call))
            .map_or(0, |row| times.value(row))
    }
}

/// What a complete pull sent.
#[derive(Debug)]
struct Pulled {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    report: PullReport,
}

impl Pulled {
    fn sum_of_x(&self) -> f64 {
        let column = |batch: &RecordBatch| -> f64 {
            let x: &Float64Array = batch["x"].as_primitive();
            x.values().iter().sum()
        };
        self.batches.iter().map(column).sum()
    }

    /// A column of all batches as text, nulls as `-`.
    fn texts(&self, name: &str) -> Vec<String> {
        let text = |column: &dyn Array, row| match column.is_null(row) {
            true => "-".to_owned(),
            false => array_value_to_string(column, row).unwrap(),
        };
        let rows = |batch: &RecordBatch| -> Vec<String> {
            let column = Arc::clone(&batch[name]);
            (0..batch.num_rows())
                .map(|row| text(&column, row))
                .collect()
        };
        self.batches.iter().flat_map(rows).collect()
    }
}

fn write_secret(folder: &Path, key: &str, content: &str) -> FileRef {
    std::fs::create_dir_all(folder.join("wire")).unwrap();
    std::fs::write(folder.join("wire").join(key), content).unwrap();
    FileRef {
        kind: FileKind::Secret,
        name: "wire".to_owned(),
        key: key.to_owned(),
    }
}

fn path(name: &str) -> Query {
    Query::Path(vec!["wire".to_owned(), name.to_owned()])
}

fn ticket(text: &str) -> Query {
    Query::Ticket(Template::parse(text).unwrap())
}

fn flight(uri: &str, query: Query) -> Flight {
    Flight {
        uri: uri.to_owned(),
        address: crds::uri::parse(uri).unwrap(),
        query,
        headers: Vec::new(),
        auth: Auth::None,
        tls: Tls::default(),
        timeout: Duration::from_secs(60),
        max_message_bytes: 64 * MIB,
    }
}

fn source(flight: Flight, secrets: &Path) -> FlightSource {
    FlightSource::new(flight, SecretsDir::new(secrets)).unwrap()
}

async fn pull(source: &FlightSource) -> Result<Pulled, SourceError> {
    pull_window(source, None).await
}

async fn pull_window(
    source: &FlightSource,
    window: Option<(Timestamp, Timestamp)>,
) -> Result<Pulled, SourceError> {
    let (sink, mut messages) = mpsc::channel(2);
    let collect = async {
        let mut schema = None;
        let mut batches = Vec::new();
        while let Some(message) = messages.recv().await {
            match message {
                Message::Schema(sent) => assert!(schema.replace(sent).is_none(), "two schemas"),
                Message::Batch(batch) => {
                    assert!(schema.is_some(), "a batch before the schema");
                    assert!(batch.num_rows() > 0, "an empty batch");
                    batches.push(batch);
                }
            }
        }
        (schema, batches)
    };
    let (report, (schema, batches)) = tokio::join!(source.pull(window, sink), collect);
    let report = report?;
    let schema = schema.expect("a complete pull sends a schema");
    assert_eq!(report.batches, batches.len() as u64);
    assert_eq!(
        report.rows,
        batches
            .iter()
            .map(|batch| batch.num_rows() as u64)
            .sum::<u64>()
    );
    Ok(Pulled {
        schema,
        batches,
        report,
    })
}

/// A failure has the reason, and its text says this.
#[track_caller]
fn check_error(outcome: Result<Pulled, SourceError>, reason: Reason, says: &str) {
    let error = outcome.expect_err("the pull should have failed");
    assert_eq!(error.reason(), reason, "{error}");
    let text = error.to_string();
    assert!(text.contains(says), "{text:?} does not say {says:?}");
    assert!(
        text.chars().count() <= 600 && !text.contains('\n'),
        "{text:?}"
    );
    for secret in [TOKEN, PASSWORD] {
        assert!(
            !format!("{text} {error:?}").contains(secret),
            "{text:?} shows {secret:?}"
        );
    }
}

#[tokio::test]
async fn decodes_every_column_type() {
    let wire = Wire::start(&[]);
    let check = async |name: &str, columns: &[(&str, &str, &[&str])]| {
        let pulled = wire
            .path(name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for (column, data_type, values) in columns {
            let field = pulled.schema.field_with_name(column).unwrap();
            assert_eq!(
                field.data_type().to_string(),
                *data_type,
                "{name}: {column}"
            );
            let texts = pulled.texts(column);
            assert_eq!(texts[..values.len()], **values, "{name}: {column}");
        }
    };
    check(
        "scalars",
        &[
            ("int8", "Int8", &["1", "2", "-"]),
            ("int16", "Int16", &["1", "2", "-"]),
            ("int32", "Int32", &["1", "2", "-"]),
            ("int64", "Int64", &["1", "2", "-"]),
            ("uint8", "UInt8", &["1", "2", "-"]),
            ("uint16", "UInt16", &["1", "2", "-"]),
            ("uint32", "UInt32", &["1", "2", "-"]),
            ("uint64", "UInt64", &["1", "2", "-"]),
            ("dec32", "Decimal32(9, 2)", &["1.00", "2.00", "-"]),
            ("dec64", "Decimal64(18, 2)", &["1.00", "2.00", "-"]),
            ("dec128", "Decimal128(38, 2)", &["1.00", "2.00", "-"]),
            ("dec256", "Decimal256(60, 2)", &["1.00", "2.00", "-"]),
            ("float16", "Float16", &["1", "2", "-"]),
            ("float32", "Float32", &["1.0", "2.0", "-"]),
            ("float64", "Float64", &["1.0", "2.0", "-"]),
            ("bool", "Boolean", &["true", "false", "-"]),
            ("date32", "Date32", &["1970-01-02", "1970-01-03", "-"]),
            (
                "date64",
                "Date64",
                &["1970-01-02T00:00:00", "1970-01-01T00:00:00", "-"],
            ),
            ("time32", "Time32(s)", &["00:00:01", "00:00:02", "-"]),
            (
                "time64",
                "Time64(ns)",
                &["00:00:00.000000001", "00:00:00.000000002", "-"],
            ),
            ("naive", "Timestamp(s)", &["2026-03-01T12:00:00"]),
            ("utc", "Timestamp(µs, \"UTC\")", &["2026-03-01T12:00:00Z"]),
            (
                "zoned",
                "Timestamp(ns, \"Europe/Berlin\")",
                &["2026-03-01T13:00:00+01:00"],
            ),
            (
                "offset",
                "Timestamp(ms, \"+02:00\")",
                &["2026-03-01T14:00:00+02:00"],
            ),
            ("duration", "Duration(ms)", &["PT0.001S", "PT0.002S", "-"]),
            ("interval", "Interval(MonthDayNano)", &[]),
            ("utf8", "Utf8", &["a", "é", "-"]),
            ("large_utf8", "LargeUtf8", &["a", "b", "-"]),
            ("binary", "Binary", &["61", "ff", "-"]),
            ("large_binary", "LargeBinary", &["61", "62", "-"]),
            ("fixed", "FixedSizeBinary(2)", &["6162", "6364", "-"]),
            ("null", "Null", &[]),
        ],
    )
    .await;
    check(
        "views",
        &[
            (
                "text",
                "Utf8View",
                &[
                    "short",
                    "a text that is too long to be kept inside its view",
                    "-",
                ],
            ),
            ("bytes", "BinaryView", &["73686f7274"]),
        ],
    )
    .await;
    check(
        "runs",
        &[
            (
                "n",
                "RunEndEncoded(\"run_ends\": non-null Int32, \"values\": Float64)",
                &["1.5", "1.5"],
            ),
            (
                "w",
                "RunEndEncoded(\"run_ends\": non-null Int32, \"values\": Utf8)",
                &["a", "a", "b", "b", "b", "a"],
            ),
        ],
    )
    .await;
    check(
        "categories",
        &[("c", "Dictionary(Int32, Utf8)", &["red", "green"])],
    )
    .await;
    check(
        "nested",
        &[
            ("plain", "Float64", &["1.0", "2.0"]),
            (
                "struct",
                "Struct(\"a\": Int64, \"b\": Struct(\"c\": Utf8))",
                &[],
            ),
        ],
    )
    .await;
    check(
        "extensions",
        &[
            ("uuid", "FixedSizeBinary(16)", &[]),
            ("bool8", "Int8", &["1", "0"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn decodes_whatever_the_stream_does() {
    let wire = Wire::start(&[]);
    for name in ["plain", "lz4", "zstd"] {
        let pulled = wire.path(name).await.unwrap();
        assert_eq!(
            (pulled.report.rows, pulled.sum_of_x()),
            (ROWS, SUM_OF_X),
            "{name}"
        );
        assert_eq!(pulled.report.endpoints, 1);
        let uncompressed = ROWS * (8 + 8 + 4);
        let bytes = pulled.report.bytes;
        assert_eq!(
            bytes >= uncompressed,
            name == "plain",
            "{name}: {bytes} bytes on the wire"
        );
        assert!(
            bytes > uncompressed / 100 && bytes < uncompressed + 4096,
            "{name}: {bytes}"
        );
    }

    let check = async |name: &str, column: &str, texts: &[&str]| {
        let pulled = wire
            .path(name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(pulled.texts(column), texts, "{name}");
    };
    check(
        "delta",
        "c",
        &["w0", "w0", "w1", "w0", "w2", "w0", "w3", "w0"],
    )
    .await;
    check(
        "replaced",
        "c",
        &["s0", "r0", "s1", "r1", "s2", "r2", "s3", "r3"],
    )
    .await;
    let fifty: Vec<String> = (0..50).map(|id| id.to_string()).collect();
    check(
        "metadata",
        "id",
        &fifty.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    let twice: Vec<String> = (0..10).chain(0..10).map(|id| id.to_string()).collect();
    check(
        "keepalive",
        "id",
        &twice.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;

    for (name, columns) in [("no_rows", 3), ("no_batches", 3), ("no_columns", 0)] {
        let pulled = wire.path(name).await.unwrap();
        assert_eq!(
            (pulled.report.rows, pulled.schema.fields().len()),
            (0, columns),
            "{name}"
        );
    }
    check_error(
        wire.path("same_names").await,
        Reason::Schema,
        "more than once: a, b;",
    );
}

#[tokio::test]
async fn asks_in_the_manifests_way() {
    let wire = Wire::start(&[]);
    let command = Query::Command(Template::parse("plain").unwrap());
    for (query, discoveries) in [(path("plain"), 1), (command, 1), (ticket("plain"), 0)] {
        let before = (
            wire.calls("get_flight_info").await,
            wire.calls("do_get").await,
        );
        let pulled = wire.pull(wire.flight(query.clone())).await.unwrap();
        assert_eq!(pulled.sum_of_x(), SUM_OF_X, "{query:?}");
        let after = (
            wire.calls("get_flight_info").await,
            wire.calls("do_get").await,
        );
        // Asking for the counts is a DoGet itself, three times between the first and the last answer.
        assert_eq!(
            (after.0 - before.0, after.1 - before.1),
            (discoveries, 1 + 2),
            "{query:?}"
        );
    }

    let window: (Timestamp, Timestamp) = (
        "2017-03-26T06:00:00Z".parse().unwrap(),
        "2017-04-02T06:00:00Z".parse().unwrap(),
    );
    let statement = "SELECT 'ü' FROM t WHERE ts >= '${window_start}' AND ts < '${window_end}'";
    let sql = wire.flight(Query::Sql(Template::parse(statement).unwrap()));
    let pulled = pull_window(&source(sql, wire.secrets.path()), Some(window))
        .await
        .unwrap();
    assert_eq!(
        pulled.texts("query"),
        ["SELECT 'ü' FROM t WHERE ts >= '2017-03-26T06:00:00Z' AND ts < '2017-04-02T06:00:00Z'"]
    );
    // Preparing a statement would be an action.
    assert_eq!(wire.calls("do_action").await, 0);

    // A ticket that is served once: each pull gets its own.
    let once = source(wire.flight(path("once")), wire.secrets.path());
    assert_eq!(pull(&once).await.unwrap().report.rows, ROWS);
    assert_eq!(pull(&once).await.unwrap().report.rows, ROWS);
}

#[tokio::test]
async fn servers_without_discovery_take_tickets() {
    let wire = Wire::start(&["--discovery", "unimplemented"]);
    let says = "write spec.source.flight.query.ticket instead of path";
    check_error(wire.path("plain").await, Reason::InvalidQuery, says);
    assert_eq!(wire.calls("do_get").await, 1, "the count's own");
    let pulled = wire.pull(wire.flight(ticket("plain"))).await.unwrap();
    assert_eq!(pulled.report.rows, ROWS);
}

#[tokio::test]
async fn fetches_all_endpoints() {
    let other = Wire::start(&[]);
    let wire = Wire::start(&["--elsewhere", &other.uri()]);
    for (name, endpoints) in [
        ("parts", 4),
        ("ordered", 4),
        ("many", 100),
        ("reuse", 4),
        ("itself", 4),
        ("elsewhere", 4),
        ("unreachable", 4),
    ] {
        let started = Instant::now();
        let pulled = wire
            .path(name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(pulled.report.endpoints, endpoints, "{name}");
        assert_eq!(
            (pulled.report.rows, pulled.sum_of_x()),
            (ROWS, SUM_OF_X),
            "{name}"
        );
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            started.elapsed()
        );
        // Every part numbers its dictionary from 0: rows must keep their own part's word.
        let (ids, parts) = (pulled.texts("id"), pulled.texts("part"));
        for (id, part) in ids.iter().zip(&parts) {
            let id: usize = id.parse().unwrap();
            assert_eq!(
                *part,
                format!("part {}", id / (ROWS as usize / endpoints)),
                "{name}"
            );
        }
        if name == "ordered" {
            assert!(
                ids.iter()
                    .enumerate()
                    .all(|(row, id)| *id == row.to_string()),
                "{name}"
            );
        }
    }
    assert_eq!(other.calls("get part").await, 4);
    assert_eq!(wire.calls("get part").await, 4 * 5 + 100);

    let pulled = wire.path("nowhere").await.unwrap();
    assert_eq!((pulled.report.rows, pulled.report.endpoints), (0, 0));
    assert_eq!(wire.path("some_empty").await.unwrap().sum_of_x(), SUM_OF_X);
    check_error(
        wire.path("disagree_names").await,
        Reason::Schema,
        r#"column 3 is "half" and "third""#,
    );
    check_error(
        wire.path("disagree_types").await,
        Reason::Schema,
        r#"column "x" is Float64 and Int64"#,
    );
    check_error(
        wire.path("half_broken").await,
        Reason::Unavailable,
        "the backend went away",
    );
}

#[tokio::test]
async fn expired_tickets_are_asked_for_anew() {
    let wire = Wire::start(&[]);
    // The last is a server whose clock is behind: asked twice, it decides itself.
    for (name, asked) in [("lasting", 1), ("stale_once", 2), ("stale", 2)] {
        assert_eq!(wire.path(name).await.unwrap().report.rows, ROWS, "{name}");
        assert_eq!(wire.calls(&format!("info {name}")).await, asked, "{name}");
    }
    check_error(
        wire.path("expires_between").await,
        Reason::Unavailable,
        "tickets expired",
    );
}

#[tokio::test]
async fn messages_are_bounded() {
    let wire = Wire::start(&[]);
    let with_limit = |name: &str, limit| Flight {
        max_message_bytes: limit,
        ..wire.flight(path(name))
    };
    let pull = async |name: &str, limit| wire.pull(with_limit(name, limit)).await;
    assert_eq!(
        pull("16MB", 64 * MIB).await.unwrap().report.bytes,
        16 * MIB as u64
    );
    assert_eq!(
        pull("100MB", 101 * MIB).await.unwrap().report.rows,
        100 * MIB as u64 / 8
    );
    check_error(
        pull("100MB", 64 * MIB).await,
        Reason::TooLarge,
        "limit of 67108864 bytes: raise spec.source.flight.maxMessageSize",
    );
    check_error(
        pull("16MB", MIB).await,
        Reason::TooLarge,
        "a message of 16777",
    );
    // Small on the wire, large in memory.
    check_error(
        pull("bomb", 64 * MIB).await,
        Reason::TooLarge,
        "uncompressed, of 104857600 bytes",
    );
    assert!(pull("bomb", 100 * MIB).await.unwrap().report.bytes < MIB as u64);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let wire = Wire::start(&[]);
    for (name, reason, says) in [
        ("unavailable", Reason::Unavailable, "restarting"),
        ("unauthenticated", Reason::Unauthenticated, "who are you"),
        ("forbidden", Reason::PermissionDenied, "not for you"),
        ("missing", Reason::NotFound, "no such flight"),
        ("invalid", Reason::InvalidQuery, "cannot parse this"),
        (
            "feast",
            Reason::ServerError,
            "FeatureViewNotFoundException: Feature view rfm does not exist",
        ),
        (
            "traceback",
            Reason::ServerError,
            "LookupError: no partition for 2017-03-26",
        ),
        ("novel", Reason::ServerError, "word word word"),
        ("breaks", Reason::Unavailable, "the backend went away"),
        (
            "no_such_flight",
            Reason::NotFound,
            "no flight no_such_flight",
        ),
    ] {
        check_error(wire.path(name).await, reason, says);
    }

    // Nobody listens on the reserved port, and nobody has this name.
    for uri in ["grpc://127.0.0.1:1", "grpc://no-such-host.invalid:8815"] {
        let outcome = wire.pull(flight(uri, path("plain"))).await;
        check_error(
            outcome,
            Reason::Unavailable,
            uri.strip_prefix("grpc://").unwrap(),
        );
    }
}

#[tokio::test]
async fn slow_servers_are_cut_off() {
    let wire = Wire::start(&[]);
    let hurried = |name| Flight {
        timeout: Duration::from_millis(1500),
        ..wire.flight(path(name))
    };
    let started = Instant::now();
    for (name, rows) in [("hangs", 0), ("slow", 1000)] {
        match wire.pull(hurried(name)).await {
            Err(SourceError::Timeout {
                stage: Stage::Receiving,
                rows: found,
                ..
            }) => {
                assert_eq!(found, rows, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(10));

    // A port that accepts connections and never says a word, as a stuck proxy does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["grpc+tcp", "grpc+tls"] {
        let uri = format!("{scheme}://{}", silent.local_addr().unwrap());
        let stuck = Flight {
            timeout: Duration::from_millis(500),
            ..flight(&uri, path("plain"))
        };
        check_error(
            wire.pull(stuck).await,
            Reason::Timeout,
            "not complete within 500ms",
        );
    }
}

#[tokio::test]
async fn ends_with_its_receiver_and_with_its_server() {
    let mut wire = Wire::start(&[]);
    let endless = source(wire.flight(path("endless")), wire.secrets.path());

    let (sink, mut messages) = mpsc::channel(2);
    let leave = async {
        while !matches!(messages.recv().await, Some(Message::Batch(_))) {}
        drop(messages);
    };
    let (outcome, ()) = tokio::join!(endless.pull(None, sink), leave);
    assert_eq!(outcome, Err(SourceError::Cancelled));

    let (sink, mut messages) = mpsc::channel(2);
    let end = async {
        while !matches!(messages.recv().await, Some(Message::Batch(_))) {}
        wire.server.stop();
        while messages.recv().await.is_some() {}
    };
    let (outcome, ()) = tokio::join!(endless.pull(None, sink), end);
    assert_eq!(outcome.unwrap_err().reason(), Reason::Unavailable);
}

#[tokio::test]
async fn sends_headers_and_tokens() {
    let wire = Wire::start(&[]);
    let headers = vec![
        ("database".to_owned(), "prod".to_owned()),
        ("x-api-key".to_owned(), "key-0123456789".to_owned()),
    ];
    let named = |name| Flight {
        headers: headers.clone(),
        ..wire.flight(path(name))
    };
    let seen = wire.pull(named("headers")).await.unwrap();
    let sent: Vec<_> = seen
        .texts("name")
        .into_iter()
        .zip(seen.texts("value"))
        .collect();
    for header in &headers {
        assert!(sent.contains(header), "{sent:?}");
    }
    let error = wire.pull(named("echoes")).await.unwrap_err().to_string();
    assert!(!error.contains("key-0"), "{error}");

    let wire = Wire::start(&["--auth", "bearer"]);
    let token = wire.secret("token", &format!("{TOKEN}\n"));
    let bearer = |name: &str| Flight {
        auth: Auth::Bearer {
            token: token.clone(),
        },
        ..wire.flight(path(name))
    };
    assert_eq!(wire.pull(bearer("plain")).await.unwrap().report.rows, ROWS);
    check_error(
        wire.pull(bearer("echoes")).await,
        Reason::ServerError,
        "rejected",
    );
    check_error(
        wire.path("plain").await,
        Reason::Unauthenticated,
        "not accepted",
    );

    // The manifest's own header is as good as a token from a file.
    let header = ("authorization".to_owned(), format!("Bearer {TOKEN}"));
    let by_header = Flight {
        headers: vec![header],
        ..wire.flight(path("plain"))
    };
    assert_eq!(wire.pull(by_header).await.unwrap().report.rows, ROWS);

    // A token that changes is read anew; the refused one is not repeated.
    let source = source(bearer("plain"), wire.secrets.path());
    wire.secret("token", "an-old-token");
    let error = pull(&source).await.unwrap_err();
    assert_eq!(error.reason(), Reason::Unauthenticated);
    assert!(
        error.to_string().contains("***") && !error.to_string().contains("an-old-token"),
        "{error}"
    );
    wire.secret("token", TOKEN);
    assert_eq!(pull(&source).await.unwrap().report.rows, ROWS);

    wire.secret("token", " \n");
    check_error(
        pull(&source).await,
        Reason::SecretMissing,
        r#"the key "token" of "wire" is empty"#,
    );
    wire.secret("token", "two\nlines");
    check_error(
        pull(&source).await,
        Reason::SecretMissing,
        "no header can hold",
    );
    std::fs::remove_file(wire.secrets.path().join("wire/token")).unwrap();
    let missing = SourceError::SecretMissing {
        name: "wire".to_owned(),
        key: "token".to_owned(),
    };
    assert_eq!(pull(&source).await.unwrap_err(), missing);
}

#[tokio::test]
async fn logs_in_with_a_password() {
    let wire = Wire::start(&["--auth", "basic"]);
    let auth = Auth::Basic {
        username: wire.secret("username", USER),
        password: wire.secret("password", PASSWORD),
    };
    let basic = |name: &str| Flight {
        auth: auth.clone(),
        ..wire.flight(path(name))
    };
    // The server wants its token and its cookie back, also over several endpoints.
    assert_eq!(wire.pull(basic("parts")).await.unwrap().report.rows, ROWS);
    check_error(
        wire.pull(basic("echoes")).await,
        Reason::ServerError,
        "rejected",
    );
    check_error(
        wire.path("plain").await,
        Reason::Unauthenticated,
        "not accepted",
    );

    wire.secret("password", "a wrong one");
    let outcome = wire.pull(basic("plain")).await;
    check_error(outcome, Reason::Unauthenticated, "while logging in");

    // Without a handshake on the server, the Basic header itself goes with every call.
    let open = Wire::start(&[]);
    open.secret("username", USER);
    open.secret("password", PASSWORD);
    let seen = open
        .pull(Flight {
            auth,
            ..open.flight(path("headers"))
        })
        .await
        .unwrap();
    assert!(
        seen.texts("value")
            .iter()
            .any(|value| value.starts_with("Basic "))
    );
}

/// Certificates of a test: who signed, whom, and for which name.
struct Authority(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        Self(rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key.
    fn sign(&self, name: &str) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A TLS server whose certificate is for this name.
fn tls_server(authority: &Authority, name: &str, more: &[&str]) -> Wire {
    let secrets = tempfile::tempdir().unwrap();
    let (certificate, key) = authority.sign(name);
    let file = |key: &str, content: &str| {
        let file = write_secret(secrets.path(), key, content);
        secrets
            .path()
            .join(file.path())
            .to_str()
            .unwrap()
            .to_owned()
    };
    let (certificate, key) = (file("server.crt", &certificate), file("server.key", &key));
    let client_ca = file("ca.crt", &authority.pem());
    let mut arguments = vec!["--certificate", &certificate, "--key", &key];
    arguments.extend(more.iter().map(|&word| {
        if word == "CA" {
            client_ca.as_str()
        } else {
            word
        }
    }));
    let server = Server::python("wire.py", &arguments);
    Wire {
        server,
        scheme: "grpc+tls",
        host: "localhost",
        secrets,
    }
}

#[tokio::test]
async fn trusts_the_given_authority_only() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let plain = Wire::start(&[]);
    let wire = tls_server(&ours, "localhost", &["--elsewhere", &plain.uri()]);
    let trusting = |name: &str, ca: Option<FileRef>| Flight {
        tls: Tls {
            ca,
            server_name: None,
        },
        ..wire.flight(path(name))
    };
    let ca = wire.secret("ca.crt", &ours.pem());
    let map = FileRef {
        kind: FileKind::ConfigMap,
        ..ca.clone()
    };
    assert_eq!(
        wire.pull(trusting("plain", Some(map)))
            .await
            .unwrap()
            .report
            .rows,
        ROWS
    );
    assert_eq!(
        wire.pull(trusting("itself", Some(ca.clone())))
            .await
            .unwrap()
            .report
            .rows,
        ROWS
    );

    // An unencrypted location is not followed from an encrypted server: credentials would go along.
    assert_eq!(
        wire.pull(trusting("elsewhere", Some(ca.clone())))
            .await
            .unwrap()
            .report
            .rows,
        ROWS
    );
    assert_eq!(plain.calls("get part").await, 0);

    let both = wire.secret("both.crt", &format!("{}{}", theirs.pem(), ours.pem()));
    assert_eq!(
        wire.pull(trusting("plain", Some(both)))
            .await
            .unwrap()
            .report
            .rows,
        ROWS
    );

    let other = wire.secret("other.crt", &theirs.pem());
    check_error(
        wire.pull(trusting("plain", Some(other))).await,
        Reason::Tls,
        "invalid peer certificate",
    );
    check_error(
        wire.pull(trusting("plain", None)).await,
        Reason::Tls,
        "localhost",
    );
    let noise = wire.secret("noise.crt", "no certificate");
    check_error(
        wire.pull(trusting("plain", Some(noise))).await,
        Reason::SecretMissing,
        r#"the key "noise.crt" of "wire" holds no certificate in PEM form"#,
    );

    // The wrong protocol, both ways round.
    let uri = format!("grpc+tcp://localhost:{}", wire.server.port());
    check_error(
        wire.pull(flight(&uri, path("plain"))).await,
        Reason::Unavailable,
        "wants TLS",
    );
    let uri = format!("grpc+tls://localhost:{}", plain.server.port());
    let outcome = wire.pull(Flight {
        tls: Tls {
            ca: Some(ca),
            server_name: None,
        },
        ..flight(&uri, path("plain"))
    });
    check_error(outcome.await, Reason::Tls, "localhost");
}

#[tokio::test]
async fn checks_the_servers_name() {
    let ours = Authority::new("ours");
    let wire = tls_server(&ours, "features.example", &[]);
    let ca = wire.secret("ca.crt", &ours.pem());
    let named = |name: Option<&str>| Flight {
        tls: Tls {
            ca: Some(ca.clone()),
            server_name: name.map(str::to_owned),
        },
        ..wire.flight(path("plain"))
    };
    check_error(
        wire.pull(named(None)).await,
        Reason::Tls,
        "not valid for name",
    );
    assert_eq!(
        wire.pull(named(Some("features.example")))
            .await
            .unwrap()
            .report
            .rows,
        ROWS
    );
}

#[tokio::test]
async fn shows_a_client_certificate() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let wire = tls_server(&ours, "localhost", &["--client-ca", "CA"]);
    let ca = wire.secret("ca.crt", &ours.pem());
    let shown = |auth: Auth| Flight {
        auth,
        tls: Tls {
            ca: Some(ca.clone()),
            server_name: None,
        },
        ..wire.flight(path("parts"))
    };
    let identity = |name: &str, by: &Authority| {
        let (certificate, key) = by.sign("monitor.example");
        Auth::MutualTls {
            certificate: wire.secret(&format!("{name}.crt"), &certificate),
            key: wire.secret(&format!("{name}.key"), &key),
        }
    };
    let known = identity("known", &ours);
    assert_eq!(
        wire.pull(shown(known.clone())).await.unwrap().report.rows,
        ROWS
    );
    check_error(wire.pull(shown(Auth::None)).await, Reason::Tls, "");
    check_error(
        wire.pull(shown(identity("unknown", &theirs))).await,
        Reason::Tls,
        "",
    );

    wire.secret("known.key", "no key");
    check_error(
        wire.pull(shown(known)).await,
        Reason::SecretMissing,
        "holds no private key in PEM form",
    );
}
