//! What exporter and operator do alike at their edges: how they log, end, listen, and which format they answer in.

pub mod accept;
pub mod log;

use std::net::TcpListener;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGINT or SIGTERM.
pub async fn stopped() {
    match (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
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
