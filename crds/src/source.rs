//! Where features come from: an Arrow Flight or Flight SQL server.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;
use crate::quantity::QuantityText;
use crate::secret::{FromSecret, KeyRef, NameRef};

/// Where features come from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// An Arrow Flight or Flight SQL server. No default.
    /// Example: `{uri: grpc://features:8815, query: {path: [customers]}}`.
    pub flight: FlightSource,
}

/// An Arrow Flight or Flight SQL server, what to ask it, and how to prove who asks.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("!has(self.tls) || self.uri.startsWith('grpc+tls://') || self.uri.startsWith('https://')")
        .message("tls is given for a uri without TLS: write a uri that starts with grpc+tls://, or remove tls")
        .field_path(".tls"),
    validation = Rule::new("!has(self.auth) || !has(self.auth.mtls) || self.uri.startsWith('grpc+tls://') || self.uri.startsWith('https://')")
        .message("a client certificate is given for a uri without TLS: write a uri that starts with grpc+tls://, or remove auth.mtls")
        .field_path(".auth.mtls")
)]
#[serde(rename_all = "camelCase")]
pub struct FlightSource {
    /// Address of the server: scheme, host and port. Schemes: `grpc` and `grpc+tcp` (the same) and `http` without TLS,
    /// `grpc+tls` and `https` with TLS. Credentials belong in `auth`. At most 512 characters. No default.
    /// Example: `grpc+tls://features.ml-prod.svc:8815`.
    #[schemars(
        length(min = 10, max = 512),
        regex(pattern = r"^(grpc|grpc\+tcp|grpc\+tls|http|https)://[^@/?#\s]+:[0-9]{1,5}/?$")
    )]
    pub uri: String,

    /// What to ask the server for. Exactly one of `path`, `command`, `ticket` and `sql`. No default.
    /// Example: `{path: [customers]}`.
    pub query: Query,

    /// Headers sent with every call, at most 32, each name once. They are no place for secrets: use `auth`.
    /// Default: none. Example: `[{name: database, value: prod}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    pub headers: Option<Vec<Header>>,

    /// How to prove who asks. Exactly one of `bearer`, `basic` and `mtls`. Default: not at all.
    /// Example: `{bearer: {secretRef: {name: flight, key: token}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,

    /// How to trust the server, for a uri with TLS. Default: the public certificate authorities, and the uri's host name.
    /// Example: `{serverName: features.example.com}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Longest time for one pull, from the first call to the last batch, 100ms to 1h. It may be longer than
    /// `schedule.every`: pulls never overlap, the next one starts later. Default: `60s`. Example: `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,

    /// Largest Flight message (one record batch) that is accepted, 1Mi to 1Gi. It also guards memory: a server that
    /// sends its table as one message needs a value above the table's size. Default: `64Mi`. Example: `256Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_message_size: Option<QuantityText>,
}

/// What to ask a Flight server for. Exactly one of the four.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("[has(self.path), has(self.command), has(self.ticket), has(self.sql)].exists_one(given, given)")
        .message("exactly one of path, command, ticket and sql is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// Path of a Flight descriptor, 1 to 16 parts of at most 1,024 characters. GetFlightInfo answers it with endpoints.
    /// Default: none, another kind of query is used. Example: `[customer_features]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 1024)))]
    pub path: Option<Vec<String>>,

    /// Command of a Flight descriptor, at most 16,384 characters; what it means is the server's affair, often JSON.
    /// `${window_start}` and `${window_end}` stand for the window's bounds (RFC 3339, UTC, start included, end not).
    /// Default: none, another kind of query is used.
    /// Example: `{"table": "customer_features", "from": "${window_start}", "to": "${window_end}"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16384))]
    pub command: Option<String>,

    /// Ticket for a server that knows DoGet only, at most 16,384 characters. `${window_start}` and `${window_end}` as in
    /// `command`. Default: none, another kind of query is used. Example: `{"view": "customers"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16384))]
    pub ticket: Option<String>,

    /// SQL statement for a Flight SQL server, at most 16,384 characters. `${window_start}` and `${window_end}` as in
    /// `command`; quote them as the server's dialect wants. Default: none, another kind of query is used.
    /// Example: `SELECT * FROM customers WHERE at >= TIMESTAMP '${window_start}' AND at < TIMESTAMP '${window_end}'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16384))]
    pub sql: Option<String>,
}

/// A header sent with every call.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Name, in lower case as gRPC has it: letters, digits, `-`, `_` and `.`, at most 128 characters. Not
    /// `authorization` (that is `auth`), not a name that gRPC itself uses. No default. Example: `database`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[a-z0-9_.-]+$"))]
    pub name: String,

    /// Value, printable ASCII, at most 4,096 characters. No default. Example: `prod`.
    #[schemars(length(min = 1, max = 4096), regex(pattern = r"^[ -~]+$"))]
    pub value: String,
}

/// How to prove who asks. Exactly one of the three.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("[has(self.bearer), has(self.basic), has(self.mtls)].exists_one(given, given)")
        .message("exactly one of bearer, basic and mtls is needed: write one of them, or remove auth")
)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// A token sent as `authorization: Bearer …`. The file is read again when it changes.
    /// Default: none. Example: `{secretRef: {name: flight, key: token}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<FromSecret>,

    /// User name and password, sent once and exchanged for the token that the server returns.
    /// Default: none. Example: `{secretRef: {name: flight}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicAuth>,

    /// A client certificate; needs a uri with TLS.
    /// Default: none. Example: `{secretRef: {name: flight-client}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls: Option<MutualTlsAuth>,
}

/// User name and password in a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BasicAuth {
    /// The Secret with the keys `username` and `password` (type kubernetes.io/basic-auth). No default. Example: `{name: flight}`.
    pub secret_ref: NameRef,
}

/// A client certificate in a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MutualTlsAuth {
    /// The Secret with the keys `tls.crt` and `tls.key`, PEM (type kubernetes.io/tls). No default. Example: `{name: flight-client}`.
    pub secret_ref: NameRef,
}

/// How to trust the server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificate authorities to trust instead of the public ones, PEM. Default: the public ones.
    /// Example: `{configMapRef: {name: company-ca, key: ca.crt}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<CertificateAuthority>,

    /// Host name that the server's certificate must have, at most 253 characters. Default: the host of the uri.
    /// Example: `features.example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-zA-Z0-9]([-a-zA-Z0-9.:]*[a-zA-Z0-9])?$")
    )]
    pub server_name: Option<String>,
}

/// Where certificate authorities stand. Exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.secretRef) != has(self.configMapRef)")
        .message("exactly one of secretRef and configMapRef is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAuthority {
    /// A Secret's key with PEM certificates. Default: none. Example: `{name: flight, key: ca.crt}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,

    /// A ConfigMap's key with PEM certificates. Default: none. Example: `{name: company-ca, key: ca.crt}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<KeyRef>,
}
