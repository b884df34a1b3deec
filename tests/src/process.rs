//! Child processes that end with their test.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// A child process. Dropping it ends it.
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// Ends it now.
    pub fn end(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Deref for Process {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// One of our own programs: it serves on a port and logs into a file.
#[derive(Debug)]
pub struct Program {
    /// The process.
    pub process: Process,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Where its log goes.
    pub log: PathBuf,
    /// How long a test waits for it to get somewhere.
    pub patience: Duration,
}

impl Program {
    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks again and again until there is an answer.
    ///
    /// # Panics
    ///
    /// When there is none in time, or the process has ended; its log is in the message.
    pub fn wait_for<T>(&mut self, what: &str, mut ask: impl FnMut(u16) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(answer) = ask(self.port) {
                return answer;
            }
            let ended = self.process.try_wait().ok().flatten();
            assert!(
                ended.is_none() && started.elapsed() < self.patience,
                "waiting until {what}: {ended:?}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
