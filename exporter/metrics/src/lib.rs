//! The one table of metric families, and their text exposition.
//!
//! [`table`] holds every family that exporter and operator serve: its name, kind, unit, help, labels
//! and how to use it. Nothing else in the workspace writes a metric's name.
//! [`Samples`] collects values against that table and gives their text in both formats that Prometheus reads. [`docs`] turns the table into `docs/metrics.md`.
//!
//! The crate is pure: no clock, no IO, no runtime.

mod counters;
pub mod docs;
mod exposition;
mod family;
pub mod table;

pub use counters::Counters;
pub use exposition::{Format, Samples};
pub use family::{Definition, Family, Kind, Label, Scope, Unit, Usage};
