//! Where the parts of an answer are to be fetched: pure decisions over what GetFlightInfo returned.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use arrow_flight::{FlightEndpoint, Location};
use crds::valid::Address;

/// The location with which a server says "over the connection that you have".
const REUSE: &str = "arrow-flight-reuse-connection:";

/// `host:port`, with an IPv6 address in brackets.
pub(super) fn authority(address: &Address) -> String {
    match address.host.parse() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]:{}", address.port),
        _ => format!("{}:{}", address.host, address.port),
    }
}

/// The address as an HTTP/2 client wants it.
pub(super) fn http(address: &Address) -> String {
    format!(
        "{}://{}",
        if address.tls { "https" } else { "http" },
        authority(address)
    )
}

fn is_same(one: &Address, other: &Address) -> bool {
    one.tls == other.tls && one.port == other.port && one.host.eq_ignore_ascii_case(&other.host)
}

/// Whether it is every interface of a machine, which a server may bind and nobody can dial.
fn is_unspecified(address: &Address) -> bool {
    address
        .host
        .parse::<IpAddr>()
        .is_ok_and(|ip| ip.is_unspecified())
}

fn is_loopback(address: &Address) -> bool {
    address.host.eq_ignore_ascii_case("localhost")
        || address
            .host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Where one part is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// From the server that was asked, over the same connection.
    Here,
    /// From the first of these that can be reached, else from the server that was asked.
    Elsewhere(Vec<Address>),
}

/// Decides where to fetch an endpoint's data, having asked `home`.
///
/// No location, the reuse location and `home` itself mean the connection that we have. Dropped are
/// locations which cannot be meant: bind addresses such as 0.0.0.0 (Feast advertises its own), loopback
/// when `home` is another machine, unknown schemes — and unencrypted ones when `home` is encrypted,
/// because our credentials would travel in the clear on a server's word.
pub(super) fn place(locations: &[Location], home: &Address) -> Place {
    if locations
        .iter()
        .any(|location| location.uri.starts_with(REUSE))
    {
        return Place::Here;
    }
    let addresses: Vec<_> = locations
        .iter()
        .filter_map(|at| crds::uri::parse(&at.uri).ok())
        .collect();
    if addresses.iter().any(|at| is_same(at, home)) {
        return Place::Here;
    }
    let dialled: Vec<_> = addresses
        .into_iter()
        .filter(|at| !is_unspecified(at))
        .filter(|at| !is_loopback(at) || is_loopback(home))
        .filter(|at| at.tls || !home.tls)
        .collect();
    if dialled.is_empty() {
        Place::Here
    } else {
        Place::Elsewhere(dialled)
    }
}

/// Whether the endpoint's ticket is too old to be used at `now`. Endpoints without a time, or with one
/// that is no time, do not expire.
pub(super) fn expired(endpoint: &FlightEndpoint, now: SystemTime) -> bool {
    let Some(time) = &endpoint.expiration_time else {
        return false;
    };
    let Ok(seconds) = u64::try_from(time.seconds) else {
        return true;
    };
    let nanoseconds = u32::try_from(time.nanos).unwrap_or(0).min(999_999_999);
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::new(seconds, nanoseconds))
        .is_some_and(|expires| expires <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(home: &str, locations: &[&str], expected: &[&str]) {
        let home = crds::uri::parse(home).unwrap();
        let locations: Vec<_> = locations
            .iter()
            .map(|uri| Location {
                uri: (*uri).to_owned(),
            })
            .collect();
        let found: Vec<_> = match place(&locations, &home) {
            Place::Here => Vec::new(),
            Place::Elsewhere(addresses) => addresses.iter().map(http).collect(),
        };
        assert_eq!(found, expected, "{locations:?}");
    }

    #[test]
    fn the_connection_we_have_is_used_where_the_server_means_it() {
        let home = "grpc+tcp://features.svc:8815";
        check(home, &[], &[]);
        check(home, &["arrow-flight-reuse-connection://?"], &[]);
        check(
            home,
            &["grpc://other:1", "arrow-flight-reuse-connection://?"],
            &[],
        );
        check(home, &["grpc://Features.svc:8815"], &[]);
        check(home, &["grpc+tcp://0.0.0.0:8815", "grpc://[::]:8815"], &[]);
        check(
            home,
            &["grpc+tcp://127.0.0.1:8815", "grpc://localhost:9"],
            &[],
        );
        check(
            home,
            &[
                "s3://bucket/key",
                "grpc+unix:///a",
                "nonsense",
                "grpc://no-port",
            ],
            &[],
        );
    }

    #[test]
    fn other_servers_are_dialled_in_order() {
        check(
            "grpc://features.svc:8815",
            &[
                "grpc+tcp://10.0.0.1:9",
                "grpc+tls://b:9",
                "https://[fd00::1]:9",
            ],
            &["http://10.0.0.1:9", "https://b:9", "https://[fd00::1]:9"],
        );
        check(
            "grpc://localhost:1",
            &["grpc://127.0.0.1:9"],
            &["http://127.0.0.1:9"],
        );
    }

    #[test]
    fn credentials_do_not_leave_tls() {
        check("grpc+tls://a:1", &["grpc+tcp://b:1", "http://b:2"], &[]);
        check(
            "grpc+tls://a:1",
            &["grpc+tcp://b:1", "grpc+tls://b:2"],
            &["https://b:2"],
        );
    }

    #[test]
    fn endpoints_expire() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let at = |seconds, nanos| {
            let mut endpoint = FlightEndpoint {
                expiration_time: Some(Default::default()),
                ..Default::default()
            };
            let time = endpoint.expiration_time.as_mut().unwrap();
            (time.seconds, time.nanos) = (seconds, nanos);
            endpoint
        };
        assert!(!expired(&FlightEndpoint::default(), now));
        assert!(expired(&at(999, 999_999_999), now));
        assert!(expired(&at(1000, 0), now));
        assert!(!expired(&at(1000, 1), now));
        assert!(expired(&at(-1, 0), now));
        assert!(!expired(&at(i64::MAX, i32::MAX), now));
    }
}
