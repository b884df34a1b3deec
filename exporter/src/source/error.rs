//! Why a pull failed: what we were doing, what came back, and which of a closed set of reasons it is.
//!
//! Texts that a server wrote are cleaned and redacted (`clean.rs`) before they get in here, and for
//! the same reason a server's status is not kept as `source()`: whoever prints the chain would print
//! what was just removed.

use std::fmt;
use std::time::Duration;

use tonic::Code;

/// Why a pull failed, as a closed set: the values of the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The server cannot be reached, went away, or says it is unavailable.
    Unavailable,
    /// The server does not accept the credentials, or wants some.
    Unauthenticated,
    /// The credentials are known but may not read this.
    PermissionDenied,
    /// There is no such flight.
    NotFound,
    /// The server cannot make sense of the query, or cannot do what it asks.
    InvalidQuery,
    /// What came is not valid Arrow data.
    Decode,
    /// A message is above `maxMessageSize`.
    TooLarge,
    /// The answer was not complete within `timeout`.
    Timeout,
    /// No secure connection: certificate, name, or protocol.
    Tls,
    /// A Secret or ConfigMap that the source names is not there or not usable.
    SecretMissing,
    /// The columns cannot be used: duplicate names, or parts that disagree.
    Schema,
    /// The server failed in a way it does not explain by a code.
    ServerError,
    /// Nobody waits for the answer any more.
    Cancelled,
    /// There is no baseline, and none can be made from what the source serves.
    Baseline,
    /// Saved state could not be read or written.
    State,
    /// The exporter's own fault.
    Internal,
}

impl Reason {
    /// Every reason, in the order of the docs.
    pub const ALL: [Reason; 16] = [
        Reason::Unavailable,
        Reason::Unauthenticated,
        Reason::PermissionDenied,
        Reason::NotFound,
        Reason::InvalidQuery,
        Reason::Decode,
        Reason::TooLarge,
        Reason::Timeout,
        Reason::Tls,
        Reason::SecretMissing,
        Reason::Schema,
        Reason::ServerError,
        Reason::Cancelled,
        Reason::Baseline,
        Reason::State,
        Reason::Internal,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Unavailable => "unavailable",
            Reason::Unauthenticated => "unauthenticated",
            Reason::PermissionDenied => "permission_denied",
            Reason::NotFound => "not_found",
            Reason::InvalidQuery => "invalid_query",
            Reason::Decode => "decode",
            Reason::TooLarge => "too_large",
            Reason::Timeout => "timeout",
            Reason::Tls => "tls",
            Reason::SecretMissing => "secret_missing",
            Reason::Schema => "schema",
            Reason::ServerError => "server_error",
            Reason::Cancelled => "cancelled",
            Reason::Baseline => "baseline",
            Reason::State => "state",
            Reason::Internal => "internal",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the source was doing when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading secrets and opening the connection.
    Connecting,
    /// The handshake with a username and password.
    LoggingIn,
    /// GetFlightInfo.
    Discovering,
    /// DoGet, until its last batch.
    Receiving,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Connecting => "connecting",
            Stage::LoggingIn => "logging in (Handshake)",
            Stage::Discovering => "asking where the data is (GetFlightInfo)",
            Stage::Receiving => "receiving data (DoGet)",
        })
    }
}

/// A pull that failed. Whatever it sent before is not to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A file that the source names is not there.
    #[error("the key {key:?} of {name:?} is not mounted in the secrets directory")]
    SecretMissing {
        /// Name of the Secret or ConfigMap.
        name: String,
        /// Key in it.
        key: String,
    },

    /// A file that the source names is there and cannot be used.
    #[error("the key {key:?} of {name:?} {problem}")]
    SecretUnusable {
        /// Name of the Secret or ConfigMap.
        name: String,
        /// Key in it.
        key: String,
        /// What is wrong with it; never its content.
        problem: &'static str,
    },

    /// A field of `spec.source.flight` that no server could be asked with.
    #[error("spec.source.flight.{field}: {problem}")]
    Unusable {
        /// Path of the field below `spec.source.flight`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },

    /// No connection.
    #[error("cannot connect to {address}: {message}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the system said.
        message: String,
    },

    /// No secure connection.
    #[error("no TLS connection to {address}: {message}")]
    Tls {
        /// `host:port`.
        address: String,
        /// What the TLS library said.
        message: String,
    },

    /// The connection broke during a call.
    #[error("the connection broke while {stage}: {message}")]
    Broken {
        /// What we were doing.
        stage: Stage,
        /// What the transport said.
        message: String,
    },

    /// The server answered with an error.
    #[error("the server refused while {stage}: {code:?}: {message}")]
    Refused {
        /// What we were doing.
        stage: Stage,
        /// The gRPC code.
        code: Code,
        /// The server's words, cleaned and redacted.
        message: String,
    },

    /// The server does not know GetFlightInfo for this kind of query.
    #[error(
        "the server does not implement GetFlightInfo for a {query} query: if it only serves DoGet, write \
         spec.source.flight.query.ticket instead of {query} ({message})"
    )]
    NoDiscovery {
        /// `path`, `command` or `sql`.
        query: &'static str,
        /// The server's words, cleaned and redacted.
        message: String,
    },

    /// A message above the limit.
    #[error(
        "a {what} of {} is above the limit of {limit} bytes: raise spec.source.flight.maxMessageSize, or let \
         the server send smaller batches",
        .found.map_or_else(|| "unknown size".to_owned(), |bytes| format!("{bytes} bytes"))
    )]
    TooLarge {
        /// What is too large: a message, an uncompressed batch, dictionaries.
        what: &'static str,
        /// Its size in bytes, if it said so.
        found: Option<u64>,
        /// `maxMessageSize` in bytes.
        limit: usize,
    },

    /// The whole pull took too long.
    #[error(
        "not complete within {after:?} (spec.source.flight.timeout): cut off while {stage}, after {rows} rows"
    )]
    Timeout {
        /// What we were doing.
        stage: Stage,
        /// `timeout`.
        after: Duration,
        /// Rows that had come.
        rows: u64,
    },

    /// Not valid Arrow data.
    #[error("the stream is not valid Arrow data: {message}")]
    Decode {
        /// What the decoder said.
        message: String,
    },

    /// Columns with the same name cannot be told apart.
    #[error(
        "these column names occur more than once: {}; give each column of the query its own name",
        .names.join(", ")
    )]
    DuplicateColumns {
        /// Each name once, in the order of the stream.
        names: Vec<String>,
    },

    /// Two parts of one answer have different columns.
    #[error("the parts of the answer have different columns: {difference}")]
    SchemasDiffer {
        /// The first difference.
        difference: String,
    },

    /// More parts than anyone can mean.
    #[error("the answer has {found} endpoints, more than the limit of {limit}")]
    TooManyEndpoints {
        /// Endpoints in the answer.
        found: usize,
        /// The most that are fetched.
        limit: usize,
    },

    /// An endpoint expired before we got to it.
    #[error(
        "the server's tickets expired before all data was fetched; the next attempt asks for new ones"
    )]
    Expired,

    /// The receiver of the batches is gone.
    #[error("nobody waits for the data any more")]
    Cancelled,

    /// The exporter's own fault.
    #[error("internal error of the exporter: {message}")]
    Internal {
        /// What happened.
        message: String,
    },
}

impl SourceError {
    /// Which of the closed set of reasons this is.
    pub fn reason(&self) -> Reason {
        match self {
            SourceError::SecretMissing { .. } | SourceError::SecretUnusable { .. } => {
                Reason::SecretMissing
            }
            SourceError::Unusable { .. } | SourceError::NoDiscovery { .. } => Reason::InvalidQuery,
            SourceError::Unreachable { .. } | SourceError::Broken { .. } | SourceError::Expired => {
                Reason::Unavailable
            }
            SourceError::Tls { .. } => Reason::Tls,
            SourceError::Refused { code, .. } => of_code(*code),
            SourceError::TooLarge { .. } | SourceError::TooManyEndpoints { .. } => Reason::TooLarge,
            SourceError::Timeout { .. } => Reason::Timeout,
            SourceError::Decode { .. } => Reason::Decode,
            SourceError::DuplicateColumns { .. } | SourceError::SchemasDiffer { .. } => {
                Reason::Schema
            }
            SourceError::Cancelled => Reason::Cancelled,
            SourceError::Internal { .. } => Reason::Internal,
        }
    }
}

/// What a gRPC code means to whoever has to act on it.
fn of_code(code: Code) -> Reason {
    match code {
        Code::Unauthenticated => Reason::Unauthenticated,
        Code::PermissionDenied => Reason::PermissionDenied,
        Code::NotFound => Reason::NotFound,
        Code::InvalidArgument
        | Code::Unimplemented
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::AlreadyExists => Reason::InvalidQuery,
        Code::DeadlineExceeded => Reason::Timeout,
        // A server that is full, restarts or gave the call up may be asked again.
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Cancelled => {
            Reason::Unavailable
        }
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => Reason::ServerError,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn reasons_are_distinct_label_values() {
        let values: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(values.len(), Reason::ALL.len());
        assert!(
            values
                .iter()
                .all(|value| value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }

    #[test]
    fn too_large_names_both_numbers_and_the_field() {
        let error = SourceError::TooLarge {
            what: "message",
            found: Some(100),
            limit: 64,
        };
        let text = error.to_string();
        assert!(
            text.contains("100 bytes") && text.contains("64 bytes"),
            "{text}"
        );
        assert!(text.contains("spec.source.flight.maxMessageSize"), "{text}");
    }
}
