//! Names of columns as globs.

use globset::{GlobBuilder, GlobMatcher};

/// A list of names and globs. `*` matches any characters, `?` one, `[ab]` one of them, `{a,b}` either; case counts.
#[derive(Clone, Debug)]
pub struct Patterns {
    texts: Vec<String>,
    globs: Vec<GlobMatcher>,
}

impl Patterns {
    /// Compiles globs. The error has the index of each text that is none, with the reason.
    pub fn compile(texts: &[String]) -> Result<Self, Vec<(usize, String)>> {
        let mut globs = Vec::new();
        let mut refused = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            match GlobBuilder::new(text).backslash_escape(true).build() {
                Ok(glob) => globs.push(glob.compile_matcher()),
                Err(error) => refused.push((i, error.kind().to_string())),
            }
        }
        if refused.is_empty() {
            Ok(Self {
                texts: texts.to_vec(),
                globs,
            })
        } else {
            Err(refused)
        }
    }

    /// Whether one of the globs matches a name.
    pub fn matches(&self, name: &str) -> bool {
        self.globs.iter().any(|glob| glob.is_match(name))
    }

    /// Whether a name is matched, for each of the globs, in the order of the texts.
    pub fn each(&self) -> impl Iterator<Item = impl Fn(&str) -> bool + '_> {
        self.globs
            .iter()
            .map(|glob| move |name: &str| glob.is_match(name))
    }

    /// The texts, as they were written.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Those of the texts that are plain names.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.texts
            .iter()
            .map(String::as_str)
            .filter(|text| is_literal(text))
    }
}

/// Whether a text is a plain name, which no glob is.
pub(crate) fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(texts: &[&str]) -> Result<Patterns, Vec<(usize, String)>> {
        Patterns::compile(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn matches_any_column_name() {
        let all = compile(&["*"]).unwrap();
        assert!(
            ["a", "a/b", ".hidden", "Größe", ""]
                .iter()
                .all(|name| all.matches(name))
        );
        let some = compile(&["basket_*", "{age,income}"]).unwrap();
        assert!(
            some.matches("basket_size")
                && some.matches("age")
                && !some.matches("Age")
                && !some.matches("ages")
        );
        assert_eq!(
            compile(&["age", "b*"])
                .unwrap()
                .literals()
                .collect::<Vec<_>>(),
            ["age"]
        );
    }

    #[test]
    fn says_which_is_none() {
        assert_eq!(
            compile(&["ok", "a[", "b{"])
                .unwrap_err()
                .iter()
                .map(|(i, _)| *i)
                .collect::<Vec<_>>(),
            [1, 2]
        );
    }
}
