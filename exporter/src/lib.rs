//! The exporter: Flight in, Prometheus out.
//!
//! ```text
//! source -> columns -> pipeline -> monitor -> Snapshot -> scrape, page, status -> http
//! ```
//!
//! `monitor` tells the story of one evaluation, `run` that of the program.

pub mod archive;
pub mod baseline;
pub mod baselines;
pub mod calibrate;
pub mod check;
pub mod cli;
pub mod columns;
pub mod complete;
pub mod config;
pub mod contaminated;
pub mod freshness;
pub mod history;
pub mod http;
pub mod joint;
pub mod labelled;
pub mod monitor;
pub mod names;
pub mod page;
pub mod pipeline;
pub mod process;
pub mod profile;
#[cfg(test)]
mod profiled;
pub mod progress;
pub mod quality;
pub mod rules;
pub mod run;
pub mod schema;
pub mod scrape;
pub mod season;
pub mod segments;
pub mod settings;
pub mod snapshot;
pub mod source;
pub mod status;
pub mod store;
mod table;
pub mod target;
pub mod telemetry;
pub mod updates;
pub mod view;
pub mod window;
mod words;
