//! Which baselines are saved.

use crds::valid::Monitor;
use jiff::Timestamp;
use serde::Serialize;

use crate::archive::Saved;
use crate::baseline::Baseline;
use crate::table::{plural, right, table as columns};
use crate::words::things;

/// The saved baselines of a monitor.
pub struct Held<'a> {
    pub monitor: &'a Monitor,
    saved: &'a Saved,
}

/// What becomes of a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Windows are judged against it.
    InForce,
    /// It is in use, and the manifest asks for another: the next evaluation replaces it.
    ToBeReplaced,
    /// Another one replaced it.
    Replaced,
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Standing::InForce => "in force",
            Standing::ToBeReplaced => {
                "in force until the next evaluation: the manifest asks for another"
            }
            Standing::Replaced => "replaced",
        }
    }
}

/// A baseline in one line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub version: u32,
    pub revision: u32,
    pub standing: Standing,
    pub kind: &'static str,
    pub frozen_at: Timestamp,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub windows: usize,
    /// How many it needs before anything is judged.
    pub windows_needed: u32,
    pub rows: u64,
    pub features: usize,
    pub digest: String,
}

impl<'a> Held<'a> {
    pub fn new(monitor: &'a Monitor, saved: &'a Saved) -> Self {
        Self { monitor, saved }
    }

    fn all(&self) -> impl Iterator<Item = &'a Baseline> {
        self.saved.current.iter().chain(&self.saved.replaced)
    }

    /// The baseline of a version.
    pub fn version(&self, version: u32) -> Result<&'a Baseline, String> {
        let found = self.all().find(|baseline| baseline.version == version);
        found.ok_or_else(|| {
            let versions: Vec<String> = self.all().map(|b| b.version.to_string()).collect();
            match versions.is_empty() {
                true => self.nothing(),
                false => format!(
                    "no baseline of version {version} is saved: the versions that are, are {}{}",
                    versions.join(", "),
                    self.also()
                ),
            }
        })
    }

    /// The one in use.
    pub fn newest(&self) -> Result<&'a Baseline, String> {
        self.saved.current.as_ref().ok_or_else(|| self.nothing())
    }

    fn nothing(&self) -> String {
        match self.saved.unreadable.is_empty() {
            true => "no baseline is saved: the exporter freezes the first one when it runs (feature-monitor-exporter run)"
                .to_owned(),
            false => format!("the baseline in use cannot be read{}", self.also()),
        }
    }

    /// What cannot be read, behind a sentence.
    fn also(&self) -> String {
        let unreadable = self.saved.unreadable.iter();
        unreadable.map(|error| format!("; {error}")).collect()
    }

    /// A baseline in one line.
    pub fn entry(&self, baseline: &Baseline) -> Entry {
        let current = self.saved.current.as_ref();
        let standing = match current.is_some_and(|current| std::ptr::eq(current, baseline)) {
            true if baseline.serves(self.monitor) => Standing::InForce,
            true => Standing::ToBeReplaced,
            false => Standing::Replaced,
        };
        Entry {
            version: baseline.version,
            revision: baseline.definition.revision,
            standing,
            kind: baseline.definition.windows.kind(),
            frozen_at: baseline.frozen_at,
            start: baseline.span().map(|span| span.start),
            end: baseline.span().map(|span| span.end),
            windows: baseline.len(),
            windows_needed: baseline.need,
            rows: baseline.all_rows(),
            features: baseline.features.len(),
            digest: baseline.digest(),
        }
    }
}

/// What `baselines list` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List {
    namespace: String,
    name: String,
    baselines: Vec<Entry>,
    unreadable: Vec<String>,
}

impl List {
    pub fn new(held: &Held<'_>) -> Self {
        Self {
            namespace: held.monitor.namespace.clone(),
            name: held.monitor.name.clone(),
            baselines: held.all().map(|baseline| held.entry(baseline)).collect(),
            unreadable: held
                .saved
                .unreadable
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

/// For people.
pub fn table(list: &List) -> String {
    let mut lines = vec![format!("{}/{}", list.namespace, list.name)];
    if list.baselines.is_empty() && list.unreadable.is_empty() {
        lines.push(
            "no baseline is saved yet: the exporter freezes the first one when it runs".to_owned(),
        );
    }
    if !list.baselines.is_empty() {
        let mut table = columns([
            "version", "revision", "kind", "from", "to", "windows", "rows", "features", "frozen",
            "digest", "",
        ]);
        right(&mut table, [0, 1, 5, 6, 7]);
        for entry in &list.baselines {
            let time =
                |time: Option<Timestamp>| time.map_or_else(String::new, |time| time.to_string());
            table.add_row([
                entry.version.to_string(),
                entry.revision.to_string(),
                entry.kind.to_owned(),
                time(entry.start),
                time(entry.end),
                windows(entry),
                entry.rows.to_string(),
                entry.features.to_string(),
                format!("{:.0}", entry.frozen_at),
                short(&entry.digest).to_owned(),
                entry.standing.words().to_owned(),
            ]);
        }
        lines.push(format!("\n{table}"));
    }
    if !list.unreadable.is_empty() {
        lines.push(format!("\nCannot be read:\n{}", list.unreadable.join("\n")));
    }
    lines.join("\n")
}

/// How many windows, and of how many where some are to come.
pub fn windows(entry: &Entry) -> String {
    match entry.windows >= entry.windows_needed as usize {
        true => entry.windows.to_string(),
        false => format!("{} of {}", entry.windows, entry.windows_needed),
    }
}

/// The beginning of a digest, which tells it from others.
pub fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

/// A baseline in a line of text.
pub fn line(entry: &Entry) -> String {
    let most = entry.windows.max(entry.windows_needed as usize);
    format!(
        "version {}, revision {}, {}, {} {}, {}, {}, {}, {}",
        entry.version,
        entry.revision,
        entry.kind,
        windows(entry),
        things(most as u64, "window"),
        plural(entry.rows, "row"),
        plural(entry.features as u64, "feature"),
        short(&entry.digest),
        entry.standing.words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_one_as_one() {
        let check = |windows, windows_needed, rows, expected: &str| {
            let entry = Entry {
                version: 2,
                revision: 1,
                standing: Standing::Replaced,
                kind: "rolling",
                frozen_at: Timestamp::UNIX_EPOCH,
                start: None,
                end: None,
                windows,
                windows_needed,
                rows,
                features: 1,
                digest: "sha256:0".to_owned(),
            };
            let counted = format!(
                "version 2, revision 1, rolling, {expected}, 1 feature, sha256:0, replaced"
            );
            assert_eq!(line(&entry), counted);
        };
        check(1, 1, 1, "1 window, 1 row");
        check(4, 4, 800, "4 windows, 800 rows");
        check(1, 4, 200, "1 of 4 windows, 200 rows");
    }
}
