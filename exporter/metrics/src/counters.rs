//! What a process counts while it lives: prometheus-client keeps the values; names, help and labels come from the table,
//! and the table's writer puts them into both text formats.

use prometheus_client::encoding::text;
use prometheus_client::registry::{Metric, Registry};

use crate::family::{Definition, Family, Kind};
use crate::{Samples, table};

/// The counters and histograms of a process.
#[derive(Debug, Default)]
pub struct Counters(Registry);

impl Counters {
    /// None yet; each will carry these labels.
    pub fn with_labels<const N: usize>(labels: [(&'static str, String); N]) -> Self {
        let labels = labels
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(Registry::with_labels(labels))
    }

    /// Takes a metric in, which shares its values with the handle that counts.
    pub fn register<const N: usize>(&mut self, family: &Family<N>, metric: &(impl Metric + Clone)) {
        let family = family.definition();
        self.0
            .register(family.open_metrics_name(), family.help(), metric.clone());
    }

    /// Adds what was counted up to now.
    pub fn add_to(&self, samples: &mut Samples) {
        let mut encoded = String::new();
        // Writing to a String cannot fail, and counters and histograms encode without an error of their own.
        if text::encode(&mut encoded, &self.0).is_ok() {
            for (family, lines) in families(&encoded) {
                samples.add_lines(family, &lines);
            }
        }
    }
}

/// The sample lines in prometheus-client's text, by family. A family's labels come in the order of a hash
/// map, so counters are sorted; the buckets of a histogram are in their order already.
fn families(encoded: &str) -> Vec<(&'static Definition, String)> {
    let mut families: Vec<(&'static Definition, Vec<&str>)> = Vec::new();
    for line in encoded.lines() {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            let name = comment.split(' ').next().unwrap_or_default();
            let family = table::ALL
                .iter()
                .find(|family| family.open_metrics_name() == name);
            families.extend(family.map(|family| (*family, Vec::new())));
        } else if !line.starts_with('#')
            && let Some((_, lines)) = families.last_mut()
        {
            lines.push(line);
        }
    }
    families
        .into_iter()
        .map(|(family, mut lines)| {
            if family.kind == Kind::Counter {
                lines.sort_unstable();
            }
            let text = lines.iter().flat_map(|line| [line, "\n"]).collect();
            (family, text)
        })
        .collect()
}
