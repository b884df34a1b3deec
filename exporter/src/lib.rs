//! The exporter.

pub mod source;
