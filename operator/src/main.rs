//! The operator program.

use std::process::ExitCode;

use clap::Parser;
use operator::cli::{Cli, execute};
use operator::telemetry;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, log } = Cli::parse();
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("a TLS provider was installed before the program started");
        return ExitCode::FAILURE;
    }
    if let Err(error) = telemetry::start(&log) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    execute(command).await
}
