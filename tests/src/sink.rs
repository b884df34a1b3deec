//! Somebody who can be told: takes what Slack, PagerDuty, Opsgenie, Teams, a webhook and a mail server would take, and
//! remembers it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// When it came.
    pub at: Instant,
    /// The path that it was sent to; of a mail `smtp`.
    pub path: String,
    /// Its headers; of a mail what was said before it: `AUTH`, `MAIL` and `RCPT`.
    pub headers: BTreeMap<String, String>,
    /// Its text.
    pub text: String,
}

impl Message {
    /// Its text as JSON; nothing where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Listens on two ports of 127.0.0.1 until it is dropped.
#[derive(Debug)]
pub struct Sink {
    /// The port of everything that speaks HTTP.
    pub port: u16,
    /// The port for mail.
    pub mail_port: u16,
    messages: Messages,
    _runtime: Runtime,
}

type Messages = Arc<Mutex<Vec<Message>>>;

impl Sink {
    /// Starts to listen.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    pub fn start() -> Self {
        let messages = Messages::default();
        let runtime = Runtime::new().expect("a runtime can be made");
        let taken = messages.clone();
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let headers = headers.iter().map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), value)
            });
            push(
                &taken,
                uri.path(),
                headers.collect(),
                String::from_utf8_lossy(&body).into_owned(),
            );
            async { "ok" }
        });
        let bind = async || tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = runtime.block_on(bind()).expect("loopback has free ports");
        let port = listener.local_addr().expect("it is bound").port();
        runtime.spawn(async move { axum::serve(listener, router).await });
        let mail = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
        let mail_port = mail.local_addr().expect("it is bound").port();
        let taken = messages.clone();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in mail.incoming().flatten() {
                // Who breaks off has sent no message.
                let _ = take_mail(stream, &taken);
            }
        });
        Self {
            port,
            mail_port,
            messages,
            _runtime: runtime,
        }
    }

    /// What came so far, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.messages).clone()
    }

    /// Waits until what came satisfies `holds`.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub fn wait(&self, what: &str, holds: impl Fn(&[Message]) -> bool) -> Vec<Message> {
        let begun = Instant::now();
        loop {
            let messages = self.messages();
            if holds(&messages) {
                return messages;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "waiting until {what}: {messages:#?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn lock(messages: &Messages) -> std::sync::MutexGuard<'_, Vec<Message>> {
    messages.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push(messages: &Messages, path: &str, headers: BTreeMap<String, String>, text: String) {
    lock(messages).push(Message {
        at: Instant::now(),
        path: path.to_owned(),
        headers,
        text,
    });
}

/// As much of SMTP as a sender needs (RFC 5321), with AUTH PLAIN (RFC 4616).
fn take_mail(stream: TcpStream, messages: &Messages) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let mut said = BTreeMap::new();
    write!(answers, "220 sink\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let command = line.split([' ', ':']).next().unwrap_or_default();
        let answer = match command.to_uppercase().as_str() {
            "EHLO" => "250-sink\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => {
                write!(answers, "354 go on\r\n")?;
                let mut text = String::new();
                while let Some(line) = lines.next().transpose()? {
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push('\n');
                }
                push(messages, "smtp", said.clone(), text);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 well",
        };
        if ["AUTH", "MAIL", "RCPT"].contains(&command) {
            said.insert(command.to_owned(), line.clone());
        }
        write!(answers, "{answer}\r\n")?;
    }
    Ok(())
}
