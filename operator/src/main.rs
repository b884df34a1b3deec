//! The operator program.

use std::process::ExitCode;

use clap::Parser;
use operator::cli::{Cli, execute};
use program::log;
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads that work at most. What they do is little, and memory must not grow with the processors of a node.
const MOST_WORKERS: usize = 4;
/// Threads that look up names at most: one that waits for a resolver stays on when nobody waits for it any more.
const MOST_LOOKUPS: usize = 16;

fn main() -> ExitCode {
    let Cli { command, log } = Cli::parse();
    if let Err(error) = program::choose_tls() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    match log::lines(log.format, &log.level) {
        Ok(lines) => tracing_subscriber::registry().with(lines).init(),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(MOST_WORKERS))
        .max_blocking_threads(MOST_LOOKUPS)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(execute(command));
            // A lookup that hangs is not waited for.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            eprintln!("no threads can be started: {error}");
            ExitCode::FAILURE
        }
    }
}
