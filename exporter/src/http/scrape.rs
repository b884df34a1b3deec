//! `/metrics`: which format and encoding the client wants, and the text in it.

use std::sync::OnceLock;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use metrics::{Format, Samples};
use program::accept;

use super::gzip::Prefix;

/// A snapshot's samples, compressed once for each format that somebody asks for.
#[derive(Debug)]
pub struct Rendered {
    samples: Samples,
    classic: OnceLock<Prefix>,
    open_metrics: OnceLock<Prefix>,
}

impl Rendered {
    /// Nothing compressed yet.
    pub fn new(samples: Samples) -> Self {
        Rendered {
            samples,
            classic: OnceLock::new(),
            open_metrics: OnceLock::new(),
        }
    }

    fn gzip(&self, format: Format) -> &Prefix {
        let cell = match format {
            Format::Classic => &self.classic,
            Format::OpenMetrics => &self.open_metrics,
        };
        cell.get_or_init(|| Prefix::new(self.samples.text(format).as_bytes()))
    }
}

/// Answers a scrape with the snapshot's samples and the process' own.
pub fn respond(headers: &HeaderMap, rendered: &Rendered, process: &Samples) -> Response {
    let format = accept::format(headers);
    let rest = process.text(format) + format.end();
    let common = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::VARY, "accept, accept-encoding"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    if accept::gzip(headers) {
        let body = rendered.gzip(format).with(rest.as_bytes());
        (common, [(header::CONTENT_ENCODING, "gzip")], body).into_response()
    } else {
        (common, rendered.samples.text(format) + &rest).into_response()
    }
}
