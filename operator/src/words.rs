//! Texts for people.

use std::error::Error;

/// An error and its causes, each text once, on one line, cut at 500 characters.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    cut(&program::chain(error), 500)
}

/// A text on one line, cut at a number of characters.
pub fn cut(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A reason as conditions have it: `permission_denied` as `PermissionDenied`.
pub fn camel_case(reason: &str) -> String {
    reason
        .split(['_', '-', ' '])
        .filter_map(|word| {
            let mut letters = word.chars();
            let first = letters.next()?;
            Some(first.to_uppercase().chain(letters).collect::<String>())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_camel_case() {
        assert_eq!(camel_case("permission_denied"), "PermissionDenied");
        assert_eq!(camel_case("tls"), "Tls");
        assert_eq!(camel_case(""), "");
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("ä  b\nc", 10), "ä b c");
        assert_eq!(cut("äöü", 2), "äö…");
    }
}
