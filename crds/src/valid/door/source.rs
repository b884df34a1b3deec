//! Where the features come from: address, query, credentials.

use std::time::Duration;

use super::{Door, HOUR, MILLISECOND};
use crate::secret::KeyRef;
use crate::valid::{Auth, FileKind, FileRef, Flight, Query, Template, Tls};
use crate::violation::quote;
use crate::{quantity, source, uri};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_MAX_MESSAGE_BYTES: u64 = 64 << 20;

/// Names that gRPC and HTTP/2 use themselves.
const RESERVED_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl Door {
    pub(super) fn flight(
        &mut self,
        spec: &source::FlightSource,
        has_window: bool,
    ) -> Option<Flight> {
        const PATH: &str = "spec.source.flight";
        let address = uri::parse(&spec.uri)
            .map_err(|(found, write)| self.refuse(&format!("{PATH}.uri"), found, write))
            .ok();
        for (i, header) in spec.headers.iter().flatten().enumerate() {
            let path = format!("{PATH}.headers[{i}].name");
            let found = format!(
                "the header {} is not a manifest's to set",
                quote(&header.name)
            );
            if header.name == "authorization" {
                self.refuse(
                    &path,
                    found,
                    "remove it, and refer to a Secret in auth.bearer or auth.basic",
                );
            } else if RESERVED_HEADERS.contains(&header.name.as_str())
                || header.name.starts_with("grpc-")
            {
                self.refuse(&path, found, "remove it: the protocol sets it itself");
            } else if header.name.ends_with("-bin") {
                self.refuse(
                    &path,
                    found,
                    "write a name that does not end in -bin, which gRPC keeps for bytes",
                );
            }
        }
        let auth = spec.auth.as_ref().map_or(Auth::None, auth);
        let tls = spec.tls.as_ref().map_or_else(Tls::default, tls);
        self.same_folder(&auth, &tls);
        let query = self.query(&spec.query, has_window);
        let timeout = match &spec.timeout {
            Some(text) => self.duration(&format!("{PATH}.timeout"), text, MILLISECOND * 100, HOUR),
            None => Some(DEFAULT_TIMEOUT),
        };
        let max_message_bytes = match &spec.max_message_size {
            Some(text) => {
                let parsed = quantity::parse_bytes(&text.0).and_then(|bytes| match bytes {
                    0x10_0000..=0x4000_0000 => Ok(bytes),
                    _ => Err("write a size between 1Mi and 1Gi".to_owned()),
                });
                self.take(&format!("{PATH}.maxMessageSize"), &text.0, parsed)
            }
            None => Some(DEFAULT_MAX_MESSAGE_BYTES),
        };
        let headers = spec
            .headers
            .iter()
            .flatten()
            .map(|h| (h.name.clone(), h.value.clone()))
            .collect();
        Some(Flight {
            uri: spec.uri.clone(),
            address: address?,
            query: query?,
            headers,
            auth,
            tls,
            timeout: timeout?,
            // At most 1 GiB, which fits a usize of 32 bits.
            max_message_bytes: usize::try_from(max_message_bytes?).ok()?,
        })
    }

    /// Secrets and ConfigMaps are mounted as folders side by side, so one of each cannot have the same name.
    fn same_folder(&mut self, auth: &Auth, tls: &Tls) {
        let secret = match auth {
            Auth::None => return,
            Auth::Bearer { token: file }
            | Auth::Basic { username: file, .. }
            | Auth::MutualTls {
                certificate: file, ..
            } => file,
        };
        if let Some(ca) = &tls.ca
            && ca.kind != secret.kind
            && ca.name == secret.name
        {
            self.refuse(
                "spec.source.flight.tls.ca.configMapRef.name",
                format!("a Secret and a ConfigMap are both named {}", quote(&ca.name)),
                "write the name of a ConfigMap that no Secret here has: both are mounted as folders side by side",
            );
        }
    }

    fn query(&mut self, spec: &source::Query, has_window: bool) -> Option<Query> {
        const PATH: &str = "spec.source.flight.query";
        let command = spec
            .command
            .as_ref()
            .map(|text| self.template(&format!("{PATH}.command"), text, has_window));
        let ticket = spec
            .ticket
            .as_ref()
            .map(|text| self.template(&format!("{PATH}.ticket"), text, has_window));
        let sql = spec
            .sql
            .as_ref()
            .map(|text| self.template(&format!("{PATH}.sql"), text, has_window));
        match (&spec.path, command, ticket, sql) {
            (Some(path), None, None, None) => Some(Query::Path(path.clone())),
            (None, Some(command), None, None) => command.map(Query::Command),
            (None, None, Some(ticket), None) => ticket.map(Query::Ticket),
            (None, None, None, Some(sql)) => sql.map(Query::Sql),
            _ => None,
        }
    }

    fn template(&mut self, path: &str, text: &str, has_window: bool) -> Option<Template> {
        const KNOWN: &str = "write ${window_start} or ${window_end}, the only ones";
        let template = Template::parse(text)
            .map_err(|unknown| {
                self.refuse(
                    path,
                    format!("the placeholder {} does not exist", quote(&unknown)),
                    KNOWN,
                )
            })
            .ok()?;
        if template.has_window() && !has_window {
            let found = "the query has the bounds of a window, and data.window is missing";
            self.refuse(
                path,
                found,
                "add data.window, or remove ${window_start} and ${window_end}",
            );
        }
        Some(template)
    }
}

fn auth(spec: &source::Auth) -> Auth {
    let file = |name: &str, key: &str| FileRef {
        kind: FileKind::Secret,
        name: name.to_owned(),
        key: key.to_owned(),
    };
    match (&spec.bearer, &spec.basic, &spec.mtls) {
        (Some(bearer), _, _) => Auth::Bearer {
            token: file(&bearer.secret_ref.name, &bearer.secret_ref.key),
        },
        (_, Some(basic), _) => Auth::Basic {
            username: file(&basic.secret_ref.name, "username"),
            password: file(&basic.secret_ref.name, "password"),
        },
        (_, _, Some(mtls)) => Auth::MutualTls {
            certificate: file(&mtls.secret_ref.name, "tls.crt"),
            key: file(&mtls.secret_ref.name, "tls.key"),
        },
        (None, None, None) => Auth::None,
    }
}

fn tls(spec: &source::Tls) -> Tls {
    let file = |kind, key: &KeyRef| FileRef {
        kind,
        name: key.name.clone(),
        key: key.key.clone(),
    };
    let ca = spec
        .ca
        .as_ref()
        .and_then(|ca| match (&ca.secret_ref, &ca.config_map_ref) {
            (Some(secret), _) => Some(file(FileKind::Secret, secret)),
            (None, Some(config_map)) => Some(file(FileKind::ConfigMap, config_map)),
            (None, None) => None,
        });
    Tls {
        ca,
        server_name: spec.server_name.clone(),
    }
}
