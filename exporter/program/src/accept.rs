//! Which format and coding a client wants its metrics in, by its headers.

use http::{HeaderMap, HeaderName, header};
use metrics::Format;

/// OpenMetrics where the client ranks it at least as high as plain text, else the classic format, which also
/// is the answer to a client that accepts neither: a scrape in the wrong format says more than none.
pub fn format(headers: &HeaderMap) -> Format {
    let mut open_metrics: f32 = 0.0;
    let mut classic: f32 = 0.0;
    for (media_type, parameters) in elements(headers, header::ACCEPT) {
        let parameter = |name: &str| {
            parameters
                .iter()
                .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(*value))
        };
        let version_is = |wanted: &str| parameter("version").is_none_or(|found| found == wanted);
        let quality = quality(&parameters);
        match media_type.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" if version_is("1.0.0") => {
                open_metrics = open_metrics.max(quality);
            }
            "text/plain" if version_is("0.0.4") => classic = classic.max(quality),
            "text/*" => classic = classic.max(quality),
            _ => {}
        }
    }
    if open_metrics > 0.0 && open_metrics >= classic {
        Format::OpenMetrics
    } else {
        Format::Classic
    }
}

/// Whether the client takes a compressed answer.
pub fn gzip(headers: &HeaderMap) -> bool {
    elements(headers, header::ACCEPT_ENCODING).any(|(coding, parameters)| {
        coding.eq_ignore_ascii_case("gzip") && quality(&parameters) > 0.0
    })
}

/// The comma-separated elements of a header, each with its parameters.
fn elements(
    headers: &HeaderMap,
    name: HeaderName,
) -> impl Iterator<Item = (&str, Vec<(&str, &str)>)> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|element| {
            let mut parts = element.split(';').map(str::trim);
            let value = parts.next().unwrap_or_default();
            let parameters = parts
                .filter_map(|part| part.split_once('='))
                .map(|(key, value)| (key.trim(), value.trim().trim_matches('"')))
                .collect();
            (value, parameters)
        })
}

/// The weight of an element, 1 when it has none, and 0 when it cannot be read.
fn quality(parameters: &[(&str, &str)]) -> f32 {
    parameters
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| value.parse().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_the_format() {
        let check = |accept: &str, expected: Format| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(format(&headers), expected, "{accept}");
        };
        assert_eq!(format(&HeaderMap::new()), Format::Classic);
        check("*/*", Format::Classic);
        check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Classic);
        check("application/openmetrics-text", Format::OpenMetrics);
        check(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::OpenMetrics,
        );
        check(
            "application/openmetrics-text;version=0.0.1",
            Format::Classic,
        );
        check("application/openmetrics-text;q=0", Format::Classic);
        check(
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5",
            Format::Classic,
        );
        // What Prometheus 2.5x and 3.x send.
        check(
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Format::OpenMetrics,
        );
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            Format::OpenMetrics,
        );
    }

    #[test]
    fn gzip_only_where_it_is_wanted() {
        let check = |accepted: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(gzip(&headers), expected, "{accepted}");
        };
        check("gzip", true);
        check("deflate, GZIP;q=0.5, br", true);
        check("gzip;q=0", false);
        check("identity", false);
        assert!(!gzip(&HeaderMap::new()));
    }
}
