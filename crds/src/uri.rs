//! Addresses of Flight servers.

/// Where a Flight server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Host name or IP address; an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Reads an address such as `grpc+tls://features.ml-prod.svc:8815`. The error has what was found (never a password) and
/// what to write.
pub fn parse(uri: &str) -> Result<Address, (&'static str, &'static str)> {
    const WRITE: &str = "write scheme, host and port, such as grpc://localhost:8815";
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Err(("the uri has no scheme", WRITE));
    };
    let tls = match scheme {
        "grpc" | "grpc+tcp" | "http" => false,
        "grpc+tls" | "https" => true,
        _ => {
            return Err((
                "the uri's scheme is unknown",
                "write one of grpc, grpc+tcp, grpc+tls, http and https",
            ));
        }
    };
    if rest.contains('@') {
        return Err((
            "the uri holds credentials (they are not repeated here)",
            "write host and port only, and refer to a Secret in auth.basic or auth.bearer",
        ));
    }
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err((
            "the uri has a path or a query",
            "write host and port only, and say what to ask for in query",
        ));
    }
    let Some((host, port)) = authority.rsplit_once(':') else {
        return Err(("the uri has no port", WRITE));
    };
    let port: u16 = match port.parse() {
        Ok(port) if port > 0 => port,
        _ => {
            return Err((
                "the uri has no valid port",
                "write a port between 1 and 65535",
            ));
        }
    };
    let bare = match host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
    {
        Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => address,
        Some(_) => {
            return Err((
                "the uri has no valid IPv6 address",
                "write it in brackets, such as grpc://[::1]:8815",
            ));
        }
        None => host,
    };
    let is_name = bare.len() <= 253
        && bare.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    if host.starts_with('[') || is_name {
        Ok(Address {
            tls,
            host: bare.to_owned(),
            port,
        })
    } else {
        Err(("the uri has no valid host", WRITE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        let read = |uri| parse(uri).map(|a| (a.tls, a.host, a.port)).unwrap();
        assert_eq!(
            read("grpc://localhost:8815"),
            (false, "localhost".to_owned(), 8815)
        );
        assert_eq!(
            read("grpc+tls://features.ml-prod.svc:443/"),
            (true, "features.ml-prod.svc".to_owned(), 443)
        );
        assert_eq!(
            read("https://[2001:db8::1]:8815"),
            (true, "2001:db8::1".to_owned(), 8815)
        );
    }

    #[test]
    fn refuses_what_is_no_address() {
        for uri in [
            "",
            "localhost:8815",
            "grpc://",
            "grpc://:1",
            "grpc://a",
            "grpc://a:0",
            "grpc://a:65536",
            "grpc://a b:1",
            "grpc://[::z]:1",
            "grpc://::1:8",
            "ftp://a:1",
            "grpc://a:1/x",
            "grpc://a:1?x",
            "grpc://[é",
        ] {
            assert!(parse(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn does_not_repeat_a_password() {
        let (found, write) = parse("grpc://u:hunter2@h:1").unwrap_err();
        assert!(!found.contains("hunter2") && !write.contains("hunter2"));
    }
}
