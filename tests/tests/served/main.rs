//! What the exporter serves, through its public doors: the metrics, the page, and the server around them.

mod fixture;
mod http;
mod page;
mod scrape;
