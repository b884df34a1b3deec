//! The schema check: the columns of a pull against those of the baseline. A difference is a finding
//! with a name, never a crash and never silence.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stats::{FrozenFeature, Kind, Severity, Summary, became_constant};

/// What is different about one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// The baseline, or the manifest by name, has it; the stream does not.
    Missing,
    /// It is gone, and a new column of the same type looks like it.
    Renamed {
        /// The new column.
        to: String,
    },
    /// The stream has it, the baseline does not.
    New,
    /// It came with another type.
    TypeChanged {
        /// The baseline's type.
        from: String,
        /// The stream's type.
        to: String,
    },
    /// The manifest gives it a part that its type cannot have.
    Unfit {
        /// Path of the field that names it.
        field: String,
        /// Its name.
        column: String,
        /// The stream's type.
        data_type: String,
        /// The part.
        part: Part,
    },
    /// Every row of the window judged last has the same value, where so many of no window of the baseline would by chance.
    Constant {
        /// Rows with it.
        rows: u64,
    },
    /// It has a type that cannot be watched.
    Unsupported {
        /// The stream's type.
        data_type: String,
    },
}

/// What a column is for that is no feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// It says when.
    Time,
    /// It says which values were filled in.
    Flag,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Time => "time",
            Part::Flag => "flag",
        })
    }
}

impl Problem {
    /// The name of the problem in metrics: a closed set.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Renamed { .. } => "renamed",
            Self::New => "new",
            Self::TypeChanged { .. } | Self::Unfit { .. } => "type_changed",
            Self::Constant { .. } => "constant",
            Self::Unsupported { .. } => "unsupported_type",
        }
    }

    /// How bad it is. A new column takes nothing away; nor does one that was never watched.
    pub fn severity(&self) -> Severity {
        match self {
            Self::New | Self::Unsupported { .. } => Severity::Warning,
            Self::Missing
            | Self::Renamed { .. }
            | Self::TypeChanged { .. }
            | Self::Unfit { .. }
            | Self::Constant { .. } => Severity::Critical,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => write!(f, "the column is missing"),
            Self::Renamed { to } => write!(f, "the column is gone; {to:?} looks like it"),
            Self::New => write!(f, "the baseline does not have this column"),
            Self::TypeChanged { from, to } => write!(f, "the type changed from {from} to {to}"),
            Self::Unfit {
                field,
                column,
                data_type,
                part,
            } => write!(f, "{field} names {column}, and {data_type} is no {part}"),
            Self::Constant { rows } => {
                write!(
                    f,
                    "all {rows} rows hold the same value, which the baseline's do not"
                )
            }
            Self::Unsupported { data_type } => {
                write!(f, "columns of type {data_type} are not watched")
            }
        }
    }
}

/// One difference between stream and baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The column.
    pub feature: String,
    /// What is different.
    pub problem: Problem,
}

/// A feature column of the stream, as found in the newest rows.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The column's name.
    pub name: &'a str,
    /// Its type.
    pub data_type: &'a str,
    /// Its values in the newest rows, which need not be a whole window.
    pub summary: &'a Summary,
    /// Its values in the window that was judged last; nothing before one was.
    pub judged: Option<&'a Summary>,
}

/// All differences, by column name: `named` are the features that the manifest writes without a
/// wildcard, `unsupported` the selected columns of types that are not watched.
pub fn findings<'a>(
    baseline: &[FrozenFeature],
    named: impl IntoIterator<Item = &'a str>,
    present: &[Present<'_>],
    unsupported: &[(String, String)],
) -> Vec<Finding> {
    let known: BTreeMap<&str, &FrozenFeature> =
        baseline.iter().map(|f| (f.name.as_str(), f)).collect();
    let here: BTreeMap<&str, &Present<'_>> = present.iter().map(|p| (p.name, p)).collect();
    let skipped: BTreeSet<&str> = unsupported.iter().map(|(name, _)| name.as_str()).collect();
    let mut found: BTreeMap<String, Problem> = unsupported
        .iter()
        .map(|(name, data_type)| {
            let data_type = data_type.clone();
            let problem = match known.get(name.as_str()) {
                Some(was) => Problem::TypeChanged {
                    from: was.data_type.clone(),
                    to: data_type,
                },
                None => Problem::Unsupported { data_type },
            };
            (name.clone(), problem)
        })
        .collect();

    let gone: Vec<&FrozenFeature> = baseline
        .iter()
        .filter(|f| !here.contains_key(f.name.as_str()) && !skipped.contains(f.name.as_str()))
        .collect();
    let new: Vec<&Present<'_>> = present
        .iter()
        .filter(|p| !known.contains_key(p.name))
        .collect();
    let renamed = renames(&gone, &new);
    for feature in gone {
        let problem = match renamed.get(feature.name.as_str()) {
            Some(to) => Problem::Renamed { to: to.to_string() },
            None => Problem::Missing,
        };
        found.insert(feature.name.clone(), problem);
    }
    for column in new {
        found.insert(column.name.to_owned(), Problem::New);
    }
    for name in named {
        if !here.contains_key(name) && !skipped.contains(name) {
            found.entry(name.to_owned()).or_insert(Problem::Missing);
        }
    }
    for (name, column) in here {
        if let Some(was) = known.get(name)
            && was.data_type != column.data_type
        {
            found.insert(
                name.to_owned(),
                Problem::TypeChanged {
                    from: was.data_type.clone(),
                    to: column.data_type.to_owned(),
                },
            );
        }
    }
    for column in present {
        // The first minutes of a day have one hour: what is not a whole window is not held to those that are.
        if let Some(was) = known.get(column.name)
            && let Some(judged) = column.judged
            && !found.contains_key(column.name)
            && became_constant(&was.windows, judged)
        {
            let rows = judged.values();
            found.insert(column.name.to_owned(), Problem::Constant { rows });
        }
    }
    found
        .into_iter()
        .map(|(feature, problem)| Finding { feature, problem })
        .collect()
}

/// Pairs each column that is gone with the new column that looks most like it, each used once, best
/// pair first.
fn renames<'a>(gone: &[&'a FrozenFeature], new: &[&Present<'a>]) -> BTreeMap<&'a str, &'a str> {
    let mut pairs: Vec<(f64, &str, &str)> = gone
        .iter()
        .flat_map(|was| {
            new.iter()
                .filter(|now| now.data_type == was.data_type)
                .filter_map(|now| {
                    let difference = difference(&was.reference, now.summary)?;
                    Some((difference, was.name.as_str(), now.name))
                })
        })
        .filter(|(difference, ..)| *difference <= ALIKE)
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let (mut renamed, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (_, from, to) in pairs {
        if !renamed.contains_key(from) && taken.insert(to) {
            renamed.insert(from, to);
        }
    }
    renamed
}

/// Up to this difference a new column is said to look like one that is gone. It only words a finding
/// (renamed instead of missing, both critical), so it is a matter of taste and not of a budget.
const ALIKE: f64 = 0.25;

/// How different two columns look, 0 for alike: the largest of the change in the missing share and,
/// for numbers, the quartiles' and the tails' moves in units of the reference's spread, or, for
/// categories, the total variation of the most frequent names.
fn difference(was: &Summary, now: &Summary) -> Option<f64> {
    if was.kind != now.kind {
        return None;
    }
    let missing = (was.missing_share()? - now.missing_share()?).abs();
    let values = match was.kind {
        Kind::Numeric => {
            let (was, now) = (was.quantiles?, now.quantiles?);
            let spread = was.values[5] - was.values[1];
            let moved = was.values[1..6]
                .iter()
                .zip(&now.values[1..6])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            if spread > 0.0 {
                moved / spread
            } else if moved == 0.0 {
                0.0
            } else {
                return None;
            }
        }
        Kind::Categorical => {
            let shares = |summary: &Summary| -> BTreeMap<String, f64> {
                let values = summary.values().max(1) as f64;
                let top = summary.top.iter();
                top.map(|(name, count)| (name.clone(), *count as f64 / values))
                    .collect()
            };
            let (was, now) = (shares(was), shares(now));
            let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
            let share =
                |of: &BTreeMap<String, f64>, name: &String| of.get(name).copied().unwrap_or(0.0);
            names
                .into_iter()
                .map(|name| (share(&was, name) - share(&now, name)).abs())
                .sum::<f64>()
                / 2.0
        }
    };
    Some(values.max(missing))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::profiled::numbers;

    /// A feature of a baseline with these windows.
    fn feature(windows: &[Vec<f64>]) -> FrozenFeature {
        let bins = Arc::new(numbers(&windows.concat(), None).freeze_bins());
        let windows = windows.iter();
        let windows = windows.map(|values| numbers(values, Some(&bins)).close());
        let windows = windows.collect();
        FrozenFeature::new("a", "float64", bins, windows)
    }

    /// What is found where the newest rows hold these values, and the window judged last those.
    fn found(feature: &FrozenFeature, newest: &[f64], judged: Option<&[f64]>) -> Vec<Problem> {
        let close = |values: &[f64]| numbers(values, Some(&feature.bins)).close();
        let (summary, judged) = (close(newest), judged.map(close));
        let present = Present {
            name: "a",
            data_type: "float64",
            summary: &summary,
            judged: judged.as_ref(),
        };
        let findings = findings(std::slice::from_ref(feature), [], &[present], &[]);
        findings
            .into_iter()
            .map(|finding| finding.problem)
            .collect()
    }

    fn hours() -> Vec<f64> {
        (0..1000).map(|row| f64::from(row % 24)).collect()
    }

    #[test]
    fn what_varied_in_each_window_and_is_one_value_has_become_constant() {
        let hour = feature(&[hours(), hours()]);
        assert_eq!(
            found(&hour, &[7.0; 1000], Some(&[7.0; 1000])),
            [Problem::Constant { rows: 1000 }]
        );
        assert_eq!(found(&hour, &hours(), Some(&hours())), []);
    }

    /// A rate of the day: pooled over the baseline its most frequent value has an eighth of the rows.
    #[test]
    fn what_is_one_value_in_each_window_has_not_become_constant() {
        let rates: Vec<Vec<f64>> = (0..8).map(|day| vec![f64::from(day); 1000]).collect();
        let rate = feature(&rates);
        assert_eq!(found(&rate, &[8.0; 1000], Some(&[8.0; 1000])), []);
        assert_eq!(found(&rate, &[3.0; 1000], Some(&[3.0; 1000])), []);
    }

    /// A window that has just begun has one hour, and says nothing of the hours of a day.
    #[test]
    fn a_window_that_is_not_complete_is_not_held_to_those_that_are() {
        let hour = feature(&[hours(), hours()]);
        assert_eq!(found(&hour, &[0.0; 1000], Some(&hours())), []);
        assert_eq!(found(&hour, &[0.0; 1000], None), []);
    }
}
