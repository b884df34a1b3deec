//! Makes what a server wrote fit for a log line: one line, short, without our credentials.
//!
//! Servers answer with whole tracebacks, with JSON, and some echo the request's headers.

use super::secrets::Secret;

/// The longest text kept of a server's message, in characters: one log line.
const LONGEST: usize = 300;
/// How much of a message is looked at: the end of a longer traceback still names the error.
const LOOKED_AT: usize = 64 * 1024;
/// What stands for a credential.
const MASK: &str = "***";

/// Everything that must not be repeated.
#[derive(Debug, Default, Clone)]
pub(super) struct Redactor {
    /// Longest first, so that a secret which contains another one is masked whole.
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Also masks this credential. Its last word is masked by itself too: `Bearer abc` may come back
    /// as `abc`.
    pub(super) fn learn(&mut self, credential: &str) {
        let token = credential.rsplit(' ').next().unwrap_or(credential);
        for part in [credential, token] {
            let known = self.secrets.iter().any(|secret| secret.expose() == part);
            if !part.is_empty() && !known {
                self.secrets.push(Secret::new(part));
            }
        }
        self.secrets
            .sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), MASK)
        })
    }

    /// A server's message as one short line without credentials.
    pub(super) fn clean(&self, raw: &str) -> String {
        // Before anything is cut, so that no half of a secret is left, and again after JSON is
        // unescaped, where a secret may have been written differently.
        let redacted = self.redact(raw);
        let looked_at = tail(&redacted, LOOKED_AT);
        let told = unwrap_json(looked_at)
            .or_else(|| last_of_traceback(looked_at))
            .unwrap_or_else(|| looked_at.to_owned());
        cut(&one_line(&self.redact(&told)))
    }
}

/// The last `bytes` of a text, on a character boundary.
fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// `class: message` of an error written as a JSON object, as Feast does, wherever it stands in the
/// text.
fn unwrap_json(text: &str) -> Option<String> {
    let start = text.find('{')?;
    let object = serde_json::Deserializer::from_str(&text[start..])
        .into_iter::<serde_json::Value>()
        .next()?
        .ok()?;
    let message = object.get("message")?.as_str()?;
    let message = last_of_traceback(message).unwrap_or_else(|| message.to_owned());
    Some(
        match object.get("class").and_then(serde_json::Value::as_str) {
            Some(class) if !message.starts_with(class) => format!("{class}: {message}"),
            _ => message,
        },
    )
}

/// The line of a Python traceback that names the error: the last one that starts at the margin.
fn last_of_traceback(text: &str) -> Option<String> {
    let (_, frames) = text.rsplit_once("Traceback (most recent call last)")?;
    frames
        .lines()
        .skip(1)
        .filter(|line| line.starts_with(|first: char| first.is_alphabetic()))
        .last()
        .map(str::to_owned)
}

/// Control characters and runs of white space become one space.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn cut(line: &str) -> String {
    if line.is_empty() {
        return "(no message)".to_owned();
    }
    match line.char_indices().nth(LONGEST - 1) {
        Some((end, last)) if end + last.len_utf8() < line.len() => format!("{}…", &line[..end]),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        let mut redactor = Redactor::default();
        redactor.learn("Bearer s3cret-token");
        redactor.learn("pass\"word");
        assert_eq!(redactor.clean(raw), expected);
    }

    #[test]
    fn one_line_without_control_characters() {
        check("a\n\tb\u{1b}[31m  c\r\n", "a b [31m c");
        check("", "(no message)");
    }

    #[test]
    fn feast_json_becomes_class_and_message() {
        check(
            r#"{"module": "feast.errors", "class": "FeatureViewNotFoundException", "message": "no view rfm"}"#,
            "FeatureViewNotFoundException: no view rfm",
        );
        check(
            r#"Flight error: {"class": "E", "message": "m"}. Detail: x"#,
            "E: m",
        );
    }

    #[test]
    fn other_json_stays_as_it_is() {
        check(r#"{"code": 7}"#, r#"{"code": 7}"#);
        check("{not json", "{not json");
    }

    #[test]
    fn traceback_becomes_its_last_line() {
        check(
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nValueError: bad window\n",
            "ValueError: bad window",
        );
        check(
            "Traceback (most recent call last):\n  x\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\"\nRuntimeError: no such entity\n",
            "RuntimeError: no such entity",
        );
    }

    #[test]
    fn credentials_are_masked_in_every_writing() {
        check("headers: Bearer s3cret-token", "headers: ***");
        check("token s3cret-token is old", "token *** is old");
        check(
            r#"{"class": "E", "message": "pass\"word is wrong"}"#,
            "E: *** is wrong",
        );
    }

    #[test]
    fn a_secret_at_the_cut_leaves_no_half() {
        let raw = format!("{}s3cret-token", "x".repeat(LONGEST - 5));
        let mut redactor = Redactor::default();
        redactor.learn("s3cret-token");
        let cleaned = redactor.clean(&raw);
        assert!(!cleaned.contains("s3c"), "{cleaned}");
    }

    #[test]
    fn long_texts_are_cut_at_300_characters() {
        let mut redactor = Redactor::default();
        redactor.learn("");
        let cleaned = redactor.clean(&"ü".repeat(100_000));
        assert_eq!(cleaned.chars().count(), 300);
        assert!(cleaned.ends_with('…'));
        assert_eq!(redactor.clean(&"ü".repeat(300)).chars().count(), 300);
    }
}
