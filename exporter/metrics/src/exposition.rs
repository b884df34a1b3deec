//! Samples, and their text in the two formats that Prometheus scrapes.
//!
//! Both formats write a sample in the same way; only the lines about a family differ. So every sample is
//! written once, when it is added, and a scrape only puts the pieces behind one another.

use crate::family::{Definition, Family, Kind, Label, Scope};
use crate::table;

/// Values against the table, for one monitor. The text is in the table's order, and within a family in the
/// order in which the samples were added.
#[derive(Clone, Debug)]
pub struct Samples {
    monitor: String,
    lines: Vec<String>,
    series: usize,
}

impl Samples {
    /// No samples yet, for the monitor of this namespace and name.
    pub fn new(namespace: &str, monitor: &str) -> Self {
        let mut labels = String::new();
        write_label(&mut labels, Label::Namespace, namespace);
        write_label(&mut labels, Label::Monitor, monitor);
        Samples {
            monitor: labels,
            lines: vec![String::new(); table::ALL.len()],
            series: 0,
        }
    }

    /// Adds one sample. A NaN is not a value: what was not computed is absent, so it is left out.
    ///
    /// The labels must be the family's, in its order; debug builds, and so the tests, refuse others.
    /// A label with an empty value is left out, as Prometheus takes the two for the same.
    pub fn add<const N: usize>(
        &mut self,
        family: &Family<N>,
        labels: [(Label, &str); N],
        value: f64,
    ) {
        let family = family.definition();
        debug_assert!(
            family
                .labels
                .iter()
                .eq(labels.iter().map(|(label, _)| label)),
            "{} has the labels {:?}, not {labels:?}",
            family.name,
            family.labels,
        );
        debug_assert_ne!(
            family.kind,
            Kind::Histogram,
            "{} takes observations, not a value",
            family.name
        );
        if value.is_nan() {
            return;
        }
        let line = &mut self.lines[family.position];
        line.push_str(family.name);
        let start = line.len();
        line.push('{');
        if family.scope == Scope::Monitor {
            line.push_str(&self.monitor);
        }
        for (label, value) in labels {
            write_label(line, label, value);
        }
        // Every label was written with a comma behind it; the last comma becomes the closing brace.
        line.pop();
        if line.len() > start {
            line.push('}');
        }
        line.push(' ');
        write_value(line, value);
        line.push('\n');
        self.series += 1;
    }

    /// Adds one sample if there is a value.
    pub fn add_some<const N: usize>(
        &mut self,
        family: &Family<N>,
        labels: [(Label, &str); N],
        value: Option<f64>,
    ) {
        if let Some(value) = value {
            self.add(family, labels, value);
        }
    }

    /// Adds a family's sample lines as another encoder wrote them: whole lines, each with its newline.
    pub fn add_lines(&mut self, family: &Definition, lines: &str) {
        self.lines[family.position].push_str(lines);
        self.series += lines.lines().count();
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.series == 0
    }

    /// Hands the text in one format to `write`, piece by piece, without the `# EOF` that ends an
    /// OpenMetrics scrape ([`Format::end`]): the text of several samples without a family in common may stand
    /// behind one another.
    pub fn write(&self, format: Format, mut write: impl FnMut(&str)) {
        let mut head = String::new();
        for (family, lines) in table::ALL.iter().zip(&self.lines) {
            if !lines.is_empty() {
                head.clear();
                write_family(&mut head, family, format);
                write(&head);
                write(lines);
            }
        }
    }

    /// The text in one format, as [`Samples::write`] gives it.
    pub fn text(&self, format: Format) -> String {
        let lines: usize = self.lines.iter().map(String::len).sum();
        let mut text = String::with_capacity(lines + 512 * table::ALL.len());
        self.write(format, |piece| text.push_str(piece));
        text
    }
}

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    Classic,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The value of the Content-Type header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What stands at the very end of a scrape.
    pub const fn end(self) -> &'static str {
        match self {
            Format::Classic => "",
            Format::OpenMetrics => "# EOF\n",
        }
    }
}

/// Writes the comment lines of a family.
fn write_family(text: &mut String, family: &Definition, format: Format) {
    let (name, kind, unit) = match format {
        Format::Classic => (family.name, family.kind.classic(), None),
        Format::OpenMetrics => (
            family.open_metrics_name(),
            family.kind.open_metrics(),
            family.unit.open_metrics(),
        ),
    };
    for part in ["# HELP ", name, " "] {
        text.push_str(part);
    }
    for character in family.help().chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if format == Format::OpenMetrics => text.push_str("\\\""),
            other => text.push(other),
        }
    }
    for part in ["\n# TYPE ", name, " ", kind, "\n"] {
        text.push_str(part);
    }
    if let Some(unit) = unit {
        for part in ["# UNIT ", name, " ", unit, "\n"] {
            text.push_str(part);
        }
    }
}

/// Writes `name="value",`, or nothing when the value is empty.
fn write_label(text: &mut String, label: Label, value: &str) {
    if value.is_empty() {
        return;
    }
    text.push_str(label.name());
    text.push_str("=\"");
    if value
        .bytes()
        .any(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
    {
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                // Prometheus' parser ends at a NUL, and no other control character helps a reader.
                control if control < ' ' => text.push('\u{fffd}'),
                other => text.push(other),
            }
        }
    } else {
        text.push_str(value);
    }
    text.push_str("\",");
}

/// Writes a value so that it reads back to the same float: whole numbers plainly, very large and very small
/// ones with an exponent.
fn write_value(text: &mut String, value: f64) {
    if value == f64::INFINITY {
        text.push_str("+Inf");
    } else if value == f64::NEG_INFINITY {
        text.push_str("-Inf");
    } else if value.abs() < 1e15 && value.trunc() == value {
        text.push_str(itoa::Buffer::new().format(value as i64));
    } else {
        text.push_str(zmij::Buffer::new().format_finite(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: f64) -> String {
        let mut text = String::new();
        write_value(&mut text, value);
        text
    }

    #[test]
    fn values_read_back_to_the_same_float() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (1_490_508_000.5, "1490508000.5"),
            (1e15, "1000000000000000.0"),
            (123_456_789_012_345.0, "123456789012345"),
            (3.9e-7, "3.9e-7"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(written(value), expected);
            assert_eq!(written(value).parse::<f64>(), Ok(value));
        }
    }

    #[test]
    fn a_nan_is_absent() {
        let mut samples = Samples::new("shop", "customers");
        samples.add(&table::FEATURE_MEAN, [(Label::Feature, "spend")], f64::NAN);
        assert!(samples.is_empty());
        assert_eq!(samples.text(Format::Classic), "");
    }

    #[test]
    #[should_panic(expected = "has the labels")]
    fn another_family_s_label_is_refused() {
        Samples::new("shop", "customers").add(&table::FEATURE_MEAN, [(Label::Check, "drift")], 1.0);
    }

    #[test]
    fn label_values_are_escaped() {
        let mut samples = Samples::new("shop", "customers");
        let names = ["a\"b\\c\nd", "tab\there\0", "größe 😀", ""];
        for name in names {
            samples.add(&table::FEATURE_ROWS, [(Label::Feature, name)], 1.0);
        }
        let text = samples.text(Format::Classic);
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(",monitor=\"customers\""))
            .map(|(_, rest)| rest)
            .collect();
        assert_eq!(
            lines,
            [
                ",feature=\"a\\\"b\\\\c\\nd\"} 1",
                ",feature=\"tab\u{fffd}here\u{fffd}\"} 1",
                ",feature=\"größe 😀\"} 1",
                "} 1",
            ]
        );
    }
}
