//! Queries with placeholders for the bounds of a window.

/// A query text in which `${window_start}` and `${window_end}` stand for the bounds of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    WindowStart,
    WindowEnd,
}

const WINDOW_START: &str = "${window_start}";
const WINDOW_END: &str = "${window_end}";

impl Template {
    /// Reads a query text. The error is the placeholder that does not exist, as it is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            let tail = &rest[at..];
            rest = if let Some(after) = tail.strip_prefix(WINDOW_START) {
                parts.push(Part::WindowStart);
                after
            } else if let Some(after) = tail.strip_prefix(WINDOW_END) {
                parts.push(Part::WindowEnd);
                after
            } else {
                let end = tail.find('}').map_or(tail.len(), |brace| brace + 1);
                return Err(tail[..end].chars().take(40).collect());
            };
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether the query depends on a window.
    pub fn has_window(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    /// The query for a window `[start, end)`, its bounds written as RFC 3339 in UTC. Without a window the placeholders
    /// stay as they are; `valid` admits them only where there are windows.
    pub fn render(&self, window: Option<(jiff::Timestamp, jiff::Timestamp)>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match (part, window) {
                (Part::Text(part), _) => text.push_str(part),
                (Part::WindowStart, Some((start, _))) => text.push_str(&start.to_string()),
                (Part::WindowEnd, Some((_, end))) => text.push_str(&end.to_string()),
                (Part::WindowStart, None) => text.push_str(WINDOW_START),
                (Part::WindowEnd, None) => text.push_str(WINDOW_END),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_the_window() {
        let template =
            Template::parse(r#"{"from": "${window_start}", "to": "${window_end}"}"#).unwrap();
        let window = (
            "2017-03-26T06:00:00Z".parse().unwrap(),
            "2017-04-02T06:00:00.5Z".parse().unwrap(),
        );
        assert!(template.has_window());
        assert_eq!(
            template.render(Some(window)),
            r#"{"from": "2017-03-26T06:00:00Z", "to": "2017-04-02T06:00:00.5Z"}"#
        );
    }

    #[test]
    fn leaves_other_text_alone() {
        let text = r#"SELECT '$1', "{x}", '$' FROM t"#;
        let template = Template::parse(text).unwrap();
        assert!(!template.has_window());
        assert_eq!(template.render(None), text);
    }

    #[test]
    fn names_a_placeholder_that_does_not_exist() {
        assert_eq!(
            Template::parse("a ${window_begin} b"),
            Err("${window_begin}".to_owned())
        );
        assert_eq!(Template::parse("a ${"), Err("${".to_owned()));
    }
}
