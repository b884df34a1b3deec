//! What is wrong with a document: where, what was found, and what to write instead.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a path from the document's root: `spec.baseline.pinned.from`, `spec.source.flight.headers[2].name`.
    pub path: String,
    /// What was found there, as a clause: `"7x" is no duration`.
    pub found: String,
    /// What to write instead, as an instruction: `write a duration such as 7d`.
    pub write: String,
    /// Line and column in the text, when the document was read from one.
    pub location: Option<Location>,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(location) = self.location {
            write!(f, " ({location})")?;
        }
        write!(f, ": {}; {}", self.found, self.write)
    }
}

/// All that is wrong with a document; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// `Ok` when there is nothing wrong.
    pub fn none(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Self(violations))
        }
    }

    /// The violations of a document that is known to have some.
    pub(crate) fn of(violations: Vec<Violation>) -> Self {
        Self(violations)
    }

    /// A single violation, of a document whose text is not at hand.
    pub fn one(path: &str, found: String, write: String) -> Self {
        Self(vec![Violation {
            path: path.to_owned(),
            found,
            write,
            location: None,
        }])
    }

    /// The violations, in the order of the checks that found them.
    pub fn as_slice(&self) -> &[Violation] {
        &self.0
    }

    /// The violations themselves.
    pub fn into_vec(self) -> Vec<Violation> {
        self.0
    }
}

impl fmt::Display for Violations {
    /// One violation per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, violation) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// A text in quotes for a violation, cut at 80 characters, with control characters escaped. A password that someone
/// wrote into a URI is replaced: violations end up in logs.
pub fn quote(text: &str) -> String {
    let shown = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}***{}", &text[..scheme + 3], &text[at..])
        }
        _ => text.to_owned(),
    };
    let mut cut: String = shown.chars().take(80).collect();
    if cut.len() < shown.len() {
        cut.push('…');
    }
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_quoted() {
        assert_eq!(quote("grpc://u:p@ss@h:1"), "\"grpc://***@h:1\"");
        assert_eq!(quote("a@b"), "\"a@b\"");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(quote(&"ü".repeat(100)), format!("\"{}…\"", "ü".repeat(80)));
    }
}
