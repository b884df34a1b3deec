//! What the tests that cross processes share: where programs are, and servers and clusters that end with their test.

pub mod alertmanager;
pub mod chain;
pub mod cluster;
pub mod customers;
pub mod exporter;
mod file;
pub mod http;
pub mod operator;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod server;
pub mod sink;
pub mod temperatures;
pub mod tools;
