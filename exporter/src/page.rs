//! The page for people.

use axum::http::HeaderValue;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::snapshot::Snapshot;

/// What the page may load: nothing but its own style sheet.
pub fn content_security_policy() -> HeaderValue {
    HeaderValue::from_static("default-src 'none'")
}

/// The page as it is at `now`.
pub fn render(snapshot: &Snapshot, _now: Timestamp) -> Markup {
    html! { (DOCTYPE) html { body { h1 { (snapshot.monitor.name) } } } }
}
