//! Documents that pass between operator and exporter.
