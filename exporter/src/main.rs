//! The exporter program.

use std::process::ExitCode;

use clap::Parser;
use exporter::cli::{Cli, Command, execute};
use exporter::telemetry;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, log } = Cli::parse();
    if let Err(error) = program::choose_tls() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    // Only `run` logs its progress; the other commands answer on standard output, and log warnings.
    let quiet = !matches!(command, Command::Run(_));
    match telemetry::start(&log, quiet) {
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Ok(_telemetry) => execute(command).await,
    }
}
