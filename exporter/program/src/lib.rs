//! What exporter and operator do alike at their edges: how they log, end, listen, and which format they answer in.

pub mod accept;
pub mod log;

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGINT or SIGTERM, which are heard from this call on.
pub fn stopped() -> impl Future<Output = ()> {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    async {
        match signals {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            // Without handlers the signals end the process at once, as by default.
            _ => std::future::pending().await,
        }
    }
}

/// An error and its causes, each text once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |&error| error.source()) {
        let text = cause.to_string();
        if !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// Writes the answer of a command to standard output. A reader who has seen enough, such as `head`, is no error.
///
/// # Errors
/// In words, when it cannot be written.
pub fn answer(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("writing to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// The exit code of a command: 0, or 1 with what went wrong on standard error.
pub fn exit_code(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Listens on the address of `--web.listen-address`: `host:port`, or `:port` for every interface.
///
/// # Errors
/// When the address is none, taken, or not ours.
pub fn listen(address: &str) -> std::io::Result<TcpListener> {
    match address.strip_prefix(':') {
        // Both families where the host has both: a socket on [::] also takes IPv4, unless the host says otherwise.
        Some(port) => TcpListener::bind(format!("[::]:{port}"))
            .or_else(|_| TcpListener::bind(format!("0.0.0.0:{port}"))),
        None => TcpListener::bind(address),
    }
}

/// A TLS provider was installed before.
#[derive(Debug, thiserror::Error)]
#[error("a TLS provider was installed before the program started")]
pub struct ProviderInstalled;

/// Chooses the cryptography of all TLS in the process. Called once, before any client is made.
///
/// # Errors
/// When it was chosen already.
pub fn choose_tls() -> Result<(), ProviderInstalled> {
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| ProviderInstalled)
}
