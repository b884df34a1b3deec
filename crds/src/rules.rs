//! What must hold of the rows, in the words of whoever knows the business.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::notifications::Severity;

/// A business rule: a boolean SQL expression that must hold, of each row or of a window as a whole.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("!has(self.tolerance) || self.over == 'Rows'")
        .message("tolerance is a share of rows, and the rule is over the window: remove tolerance")
        .field_path(".tolerance"),
    validation = Rule::new("!has(self.sampleKeys) || self.over == 'Rows'")
        .message("sampleKeys are keys of rows, and the rule is over the window: remove sampleKeys")
        .field_path(".sampleKeys")
)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Name, one of its kind in the monitor, and the label `rule` of its metrics and alerts: lower-case letters, digits and
    /// `-`, starting with a letter, at most 50 characters. No default. Example: `non-negative-spend`.
    #[schemars(
        length(min = 1, max = 50),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// What must hold: a boolean SQL expression of at most 1,024 characters, over columns of the source by their exact names.
    /// A name that is no plain word stands in double quotes, text in single ones. No default.
    /// Example: `monetary_28d >= 0`.
    #[schemars(length(min = 1, max = 1024))]
    pub expr: String,

    /// What it must hold of: `Rows`, each row by itself; or `Window`, all rows of a window together, by aggregates such as
    /// `count(*)` and `avg(age)`, of which `previous(…)` is the value in the window before. No default. Example: `Rows`.
    pub over: Over,

    /// How bad it is when it does not hold: `Warning` or `Critical`. No default. Example: `Critical`.
    pub severity: Severity,

    /// Share of the rows that may violate it, 0 to 1, for a rule over `Rows`. Default: `0`, no row may. Example: `0.001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub tolerance: Option<f64>,

    /// How many `data.entityKeys` of violating rows a judged window writes to the exporter's log, 1 to 20, for a rule over
    /// `Rows` that reads no sensitive feature. Default: none, keys stay where they are. Example: `5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20))]
    pub sample_keys: Option<i32>,
}

/// What a rule must hold of.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum Over {
    /// Each row by itself.
    Rows,
    /// All rows of a window together.
    Window,
}

impl Over {
    /// The value of the label `kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Over::Rows => "rows",
            Over::Window => "window",
        }
    }
}
