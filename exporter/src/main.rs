//! The exporter program.
fn main() {}
