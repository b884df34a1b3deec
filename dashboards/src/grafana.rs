//! The JSON of a Grafana board, as much of it as ours have: the classic schema, which Grafana 11 to 13 open.
//!
//! What Grafana gives a default is left out where the default is meant. A board is read back as what was written, which a
//! test holds.

pub mod field;
pub mod layout;
pub mod panel;

use serde::{Deserialize, Serialize};

use panel::Panel;

/// The version of the schema that the JSON has.
pub const SCHEMA: u32 = 42;

/// A board.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// None: a Grafana numbers its boards itself.
    pub id: Option<u64>,
    /// What links name.
    pub uid: String,
    /// The title.
    pub title: String,
    /// What it answers.
    pub description: String,
    /// By which it is found.
    pub tags: Vec<String>,
    /// The version of this JSON's schema.
    pub schema_version: u32,
    /// Whether it can be changed in Grafana, where the next upgrade would undo it.
    pub editable: bool,
    /// 1: the time under the pointer is shown in all panels.
    pub graph_tooltip: u8,
    /// Time from one refresh to the next.
    pub refresh: String,
    /// The time shown at first.
    pub time: TimeRange,
    /// Whose time zone.
    pub timezone: String,
    /// Links to other boards.
    pub links: Vec<BoardLink>,
    /// What the reader chooses.
    pub templating: Templating,
    /// What is marked in every chart.
    pub annotations: Annotations,
    /// Headings and panels, in reading order.
    pub panels: Vec<Panel>,
}

impl Dashboard {
    /// Its JSON, which is the same every time.
    ///
    /// # Errors
    /// When it has no form in JSON, which a test excludes.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// A span of time, relative to now.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// Its start.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// A link in the head of a board.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BoardLink {
    /// `dashboards`: all with one of the tags.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its text.
    pub title: String,
    /// The address; empty where boards are found by their tags.
    pub url: String,
    /// Said when pointed at.
    pub tooltip: String,
    /// Its picture.
    pub icon: String,
    /// Whether the time goes along.
    pub keep_time: bool,
    /// Whether the variables go along.
    pub include_vars: bool,
    /// Whether it opens another tab.
    pub target_blank: bool,
    /// Whether they are a list that opens.
    pub as_dropdown: bool,
    /// Which boards.
    pub tags: Vec<String>,
}

/// Which data source is asked.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct DataSource {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub uid: String,
}

impl DataSource {
    /// The Prometheus that the reader chose.
    pub fn chosen() -> Self {
        Self {
            kind: "prometheus".to_owned(),
            uid: "${datasource}".to_owned(),
        }
    }
}

/// The variables of a board.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub struct Templating {
    /// In the order in which one rests on the other.
    pub list: Vec<Variable>,
}

/// What the reader chooses.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Variable {
    /// A data source.
    DataSource(DataSourceVariable),
    /// Values of a label.
    Query(QueryVariable),
}

impl Variable {
    /// Its name in queries and links.
    pub fn name(&self) -> &str {
        match self {
            Variable::DataSource(variable) => &variable.name,
            Variable::Query(variable) => &variable.name,
        }
    }
}

/// A choice among data sources.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct DataSourceVariable {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The type of the data sources.
    pub query: String,
    /// Chosen at first; empty takes the default.
    pub current: Current,
    /// 0: shown, 2: hidden.
    pub hide: u8,
}

/// A choice among values that a query gives.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct QueryVariable {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it chooses.
    pub description: String,
    /// Who is asked.
    pub datasource: DataSource,
    /// The query.
    pub query: String,
    /// The query as it is shown.
    pub definition: String,
    /// When it is asked again. 2: when the time changes.
    pub refresh: u8,
    /// 1: by the alphabet.
    pub sort: u8,
    /// Whether several can be chosen.
    pub multi: bool,
    /// Whether there is a choice of all.
    pub include_all: bool,
    /// What all stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_value: Option<String>,
    /// Chosen at first; empty takes the first.
    pub current: Current,
    /// 0: shown, 2: hidden.
    pub hide: u8,
}

/// What is chosen.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub struct Current {
    /// As it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// As it is in queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What is marked in every chart.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub struct Annotations {
    /// All of them.
    pub list: Vec<Annotation>,
}

/// Marks at the times that a query gives.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    /// Its name.
    pub name: String,
    /// Who is asked.
    pub datasource: DataSource,
    /// Whether it is shown at first.
    pub enable: bool,
    /// The colour of the marks.
    pub icon_color: String,
    /// The query.
    pub expr: String,
    /// What a mark is called.
    pub title_format: String,
    /// What a mark says.
    pub text_format: String,
    /// Labels that a mark shows.
    pub tag_keys: String,
    /// Whether the value is the time, in milliseconds.
    pub use_value_for_time: bool,
}
