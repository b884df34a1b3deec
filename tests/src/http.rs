//! The least of HTTP that a test needs: a GET or a POST on loopback.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// The body of a GET, or why there is none.
pub fn get(port: u16, path: &str) -> Result<String, String> {
    get_as(port, path, "*/*")
}

/// As [`get`], in the form that `accept` asks for.
pub fn get_as(port: u16, path: &str, accept: &str) -> Result<String, String> {
    exchange(
        port,
        &format!("GET {path} HTTP/1.0\r\nAccept: {accept}\r\n"),
        "",
    )
}

/// The body of the answer to a POST of JSON, or why there is none.
pub fn post(port: u16, path: &str, body: &str) -> Result<String, String> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    );
    exchange(port, &head, body)
}

fn exchange(port: u16, head: &str, body: &str) -> Result<String, String> {
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "{head}Host: localhost\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|error| error.to_string())?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| format!("no HTTP answer: {answer:?}"))?;
    if head.split(' ').nth(1) == Some("200") {
        Ok(body.to_owned())
    } else {
        Err(answer)
    }
}

/// Those fields of an object of JSON that are texts.
pub fn texts(object: &Value) -> BTreeMap<String, String> {
    let fields = object.as_object().into_iter().flatten();
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    fields.filter_map(text).collect()
}

/// A text as a part of a query.
pub fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A port that was free a moment ago.
///
/// # Panics
///
/// When the system has none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}
