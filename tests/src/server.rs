//! Python servers as child processes: started, waited for, and ended with the test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::Process;
use crate::tools;

/// A running server. Dropping it ends the process.
#[derive(Debug)]
pub struct Server {
    process: Process,
    port: u16,
}

impl Server {
    /// Starts `tests/servers/<script>` and waits for its line `ready <port>`.
    ///
    /// # Panics
    ///
    /// When there is no Python, or the server ends before it is ready; its own words are on stderr.
    pub fn python(script: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(tools::python().unwrap_or_else(|error| panic!("{error}")));
        command
            .arg("-u")
            .arg(servers().join(script))
            .args(arguments);
        Self::start(command)
    }

    /// Starts a program that prints a line `ready <port>` once it listens on 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When it cannot be started, or ends before it is ready.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = child.stdout.take().expect("stdout was piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // Made first, so that the process is ended too when it never gets ready.
        let mut server = Self {
            process: Process(child),
            port: 0,
        };
        server.port = lines
            .by_ref()
            .find_map(|line| line.strip_prefix("ready ")?.split(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{command:?} ended without a line `ready <port>`"));
        // Reads on for as long as the server writes: a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        server
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, for a test that measures or signals it.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends the process now.
    pub fn stop(&mut self) {
        self.process.end();
    }
}

/// The folder of the test servers.
fn servers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}
