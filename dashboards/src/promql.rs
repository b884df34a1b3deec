//! Queries, made of families of the table.

use metrics::{Family, Label};

use crate::foreign::{self, Series};

/// Whose series a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Those of one monitor.
    Monitor {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// Those of the monitors in namespaces that this regular expression matches.
    Namespaces(&'a str),
    /// Those of all.
    All,
}

/// What a label must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matcher<'a> {
    /// This.
    Is(Label, &'a str),
    /// Anything but this; an absent label is empty.
    IsNot(Label, &'a str),
    /// One of these.
    Among(Label, &'a [&'a str]),
    /// What this regular expression matches.
    Matches(Label, &'a str),
}

impl Reach<'_> {
    /// The series of a family.
    pub fn of<const N: usize>(self, family: &Family<N>, matchers: &[Matcher<'_>]) -> String {
        self.named(family.definition().name, matchers)
    }

    /// The buckets of a histogram.
    pub fn buckets<const N: usize>(self, family: &Family<N>) -> String {
        self.named(&format!("{}_bucket", family.definition().name), &[])
    }

    /// Whether a target is scraped: Prometheus makes this series itself. The ServiceMonitor relabels both labels onto the
    /// target.
    pub fn up(self) -> String {
        self.foreign(foreign::UP, &[])
    }

    /// Series of others, with these matchers as PromQL writes them.
    pub fn foreign(self, series: Series, matchers: &[&str]) -> String {
        let matchers = matchers.iter().map(|matcher| (*matcher).to_owned());
        self.narrowed(series.name, matchers)
    }

    /// What fires, by the series that Prometheus itself keeps of it, but for one alert.
    pub fn firing(self, except: &str, matchers: &[Matcher<'_>]) -> String {
        let own = [
            "alertstate=\"firing\"".to_owned(),
            format!("alertname!={}", quote(except)),
        ];
        let texts = own.into_iter().chain(matchers.iter().map(Matcher::text));
        self.narrowed("ALERTS", texts)
    }

    /// The series of a recording rule, with these labels.
    pub fn recorded(self, record: &str, labels: &[(&str, &str)]) -> String {
        let texts = labels
            .iter()
            .map(|(name, value)| format!("{name}={}", quote(value)));
        self.narrowed(record, texts)
    }

    /// The buckets of a histogram of others.
    pub fn foreign_buckets(self, series: Series) -> String {
        self.named(&format!("{}_bucket", series.name), &[])
    }

    fn named(self, name: &str, matchers: &[Matcher<'_>]) -> String {
        self.narrowed(name, matchers.iter().map(Matcher::text))
    }

    fn narrowed(self, name: &str, matchers: impl Iterator<Item = String>) -> String {
        let own: Vec<Matcher<'_>> = match self {
            Reach::Monitor { namespace, name } => vec![
                Matcher::Is(Label::Namespace, namespace),
                Matcher::Is(Label::Monitor, name),
            ],
            Reach::Namespaces(regexp) => vec![Matcher::Matches(Label::Namespace, regexp)],
            Reach::All => Vec::new(),
        };
        let texts: Vec<String> = own.iter().map(Matcher::text).chain(matchers).collect();
        match texts.is_empty() {
            true => name.to_owned(),
            false => format!("{name}{{{}}}", texts.join(", ")),
        }
    }
}

impl Matcher<'_> {
    fn text(&self) -> String {
        match self {
            Matcher::Is(label, value) => format!("{}={}", label.name(), quote(value)),
            Matcher::IsNot(label, value) => format!("{}!={}", label.name(), quote(value)),
            Matcher::Matches(label, regexp) => format!("{}=~{}", label.name(), quote(regexp)),
            Matcher::Among(label, [value]) => Matcher::Is(*label, value).text(),
            Matcher::Among(label, values) => {
                format!("{}=~{}", label.name(), quote(&values.join("|")))
            }
        }
    }
}

/// The largest value for each combination of labels. It drops the labels of the scrape, such as `pod`, which change when an
/// exporter restarts, and an alert with them would end and begin anew.
pub fn max_by(labels: &[Label], query: &str) -> String {
    aggregated("max", labels, query)
}

/// As [`max_by`], the sum.
pub fn sum_by(labels: &[Label], query: &str) -> String {
    aggregated("sum", labels, query)
}

/// As [`max_by`], how many.
pub fn count_by(labels: &[Label], query: &str) -> String {
    aggregated("count", labels, query)
}

fn aggregated(how: &str, labels: &[Label], query: &str) -> String {
    match labels {
        [] => format!("{how}({query})"),
        labels => format!("{how} by ({}) ({query})", names(labels)),
    }
}

/// Names of labels as a clause lists them.
pub fn names(labels: &[Label]) -> String {
    let names: Vec<&str> = labels.iter().map(|label| label.name()).collect();
    names.join(", ")
}

/// A text as a string of PromQL.
pub fn quote(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
