//! What the tests that cross processes share: where programs are, and servers that end with their test.

pub mod customers;
pub mod exporter;
pub mod http;
pub mod server;
pub mod tools;
