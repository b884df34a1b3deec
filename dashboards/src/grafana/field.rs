//! How values are shown: units, colours, texts, limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the values of a panel are shown, and what differs for some.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub struct FieldConfig {
    /// All values.
    pub defaults: Field,
    /// Some values.
    pub overrides: Vec<Override>,
}

/// How values are shown.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Field {
    /// The unit, by Grafana's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// The lower end of the scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The upper end of the scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// What is said where there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_value: Option<String>,
    /// What gives the colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// From which value on which colour holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// Texts in place of values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// Where a click leads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What only some panels know.
    #[serde(skip_serializing_if = "Custom::is_empty")]
    pub custom: Custom,
}

/// What only some panels know.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Custom {
    /// `line` or `bars`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw_style: Option<String>,
    /// `linear` or `stepAfter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_interpolation: Option<String>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_width: Option<u8>,
    /// Whole or dashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_style: Option<LineStyle>,
    /// In percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill_opacity: Option<u8>,
    /// Fills the area down to the series of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill_below_to: Option<String>,
    /// `never`, `auto` or `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_points: Option<String>,
    /// Whether a line goes on over points that are not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_nulls: Option<bool>,
    /// Whether series are put on each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacking: Option<Stacking>,
    /// Whether thresholds are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds_style: Option<ThresholdsStyle>,
    /// How values are spread over the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_distribution: Option<ScaleDistribution>,
    /// What the axis is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis_label: Option<String>,
    /// The axis reaches at least down to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis_soft_min: Option<f64>,
    /// The axis reaches at least up to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis_soft_max: Option<f64>,
    /// How a table's cells are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell_options: Option<CellOptions>,
    /// How a table's cells are aligned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<String>,
    /// Whether a table's columns can be filtered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filterable: Option<bool>,
    /// The least width of a table's columns that have no width of their own, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_width: Option<u16>,
}

impl Custom {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whole or dashed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct LineStyle {
    /// `dash` or `solid`.
    pub fill: String,
    /// Lengths of dashes and gaps, in pixels.
    pub dash: Vec<u8>,
}

impl LineStyle {
    /// Dashes.
    pub fn dashed() -> Self {
        Self {
            fill: "dash".to_owned(),
            dash: vec![8, 6],
        }
    }
}

/// How series are put on each other.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Stacking {
    /// `none` or `normal`.
    pub mode: String,
    /// Which series belong together.
    pub group: String,
}

/// How values are spread over an axis.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ScaleDistribution {
    /// `linear`, `log` or `symlog`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The base of the logarithm.
    pub log: u8,
    /// Of `symlog`: up to this value, on both sides of 0, it is linear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear_threshold: Option<f64>,
}

/// How thresholds are drawn.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ThresholdsStyle {
    /// `off`, `line` or `dashed`.
    pub mode: String,
}

/// How a table's cell is drawn.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum CellOptions {
    /// The text on the colour of its value.
    ColorBackground {
        /// `basic` or `gradient`.
        mode: String,
    },
    /// A bar as long as the value.
    Gauge {
        /// `basic`, `gradient` or `lcd`.
        mode: String,
        /// `text` or `color`.
        #[serde(rename = "valueDisplayMode")]
        value_display_mode: String,
    },
}

/// What gives a colour.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Color {
    /// `fixed`, `shades`, `thresholds` or a palette.
    pub mode: String,
    /// The colour, or that whose shades they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_color: Option<String>,
}

impl Color {
    /// This one.
    pub fn fixed(color: &str) -> Self {
        Self {
            mode: "fixed".to_owned(),
            fixed_color: Some(color.to_owned()),
        }
    }

    /// By thresholds.
    pub fn thresholds() -> Self {
        Self {
            mode: "thresholds".to_owned(),
            fixed_color: None,
        }
    }

    /// One for each series, in their order.
    pub fn palette() -> Self {
        Self {
            mode: "palette-classic".to_owned(),
            fixed_color: None,
        }
    }

    /// One for each series, in their order: lighter and darker ones of this.
    pub fn shades(color: &str) -> Self {
        Self {
            mode: "shades".to_owned(),
            fixed_color: Some(color.to_owned()),
        }
    }
}

/// From which value on which colour holds.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// `absolute` or `percentage`.
    pub mode: String,
    /// In rising order; the first has no value.
    pub steps: Vec<Step>,
}

impl Thresholds {
    /// One colour, and others from these values on.
    pub fn new(first: &str, steps: &[(f64, &str)]) -> Self {
        let step = |value, color: &str| Step {
            color: color.to_owned(),
            value,
        };
        let others = steps.iter().map(|(value, color)| step(Some(*value), color));
        Self {
            mode: "absolute".to_owned(),
            steps: std::iter::once(step(None, first)).chain(others).collect(),
        }
    }
}

/// A colour from a value on.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Step {
    /// The colour.
    pub color: String,
    /// The value; the first step has none.
    pub value: Option<f64>,
}

/// Texts in place of values.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "type", content = "options", rename_all = "lowercase")]
pub enum Mapping {
    /// Of these values.
    Value(BTreeMap<String, Mapped>),
    /// Of texts that match.
    Regex {
        /// The regular expression of JavaScript, between slashes.
        pattern: String,
        /// What is put in place of what matches.
        result: Mapped,
    },
    /// Of no value.
    Special {
        /// `null`, `nan`, `null+nan`.
        #[serde(rename = "match")]
        matches: String,
        /// What is shown.
        result: Mapped,
    },
}

/// What is shown in place of a value.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The text.
    pub text: String,
    /// Its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Its place in the legend.
    pub index: u8,
}

/// Where a click on a value leads.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Its text.
    pub title: String,
    /// The address.
    pub url: String,
    /// Whether it opens another tab.
    pub target_blank: bool,
}

/// What differs for some values.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Override {
    /// Which.
    pub matcher: Matcher,
    /// What.
    pub properties: Vec<Property>,
}

impl Override {
    /// The colour that it gives, where it gives one.
    pub fn color(&self) -> Option<&Color> {
        self.properties.iter().find_map(|property| match property {
            Property::Color(color) => Some(color),
            _ => None,
        })
    }
}

/// Which values.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "id", content = "options", rename_all = "camelCase")]
pub enum Matcher {
    /// Those with this name.
    ByName(String),
    /// Those whose name matches.
    ByRegexp(String),
}

/// What differs.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "id", content = "value", rename_all = "camelCase")]
pub enum Property {
    /// The unit.
    Unit(String),
    /// Digits after the point.
    Decimals(u8),
    /// The lower end of the scale.
    Min(f64),
    /// The upper end of the scale.
    Max(f64),
    /// What is said where there is no value.
    NoValue(String),
    /// What it is called.
    DisplayName(String),
    /// What gives the colour.
    Color(Color),
    /// From which value on which colour holds.
    Thresholds(Thresholds),
    /// Texts in place of values.
    Mappings(Vec<Mapping>),
    /// Where a click leads.
    Links(Vec<Link>),
    /// The width of a column, in pixels.
    #[serde(rename = "custom.width")]
    Width(u16),
    /// How a table's cells are drawn.
    #[serde(rename = "custom.cellOptions")]
    CellOptions(CellOptions),
    /// Whole or dashed.
    #[serde(rename = "custom.lineStyle")]
    LineStyle(LineStyle),
    /// In pixels.
    #[serde(rename = "custom.lineWidth")]
    LineWidth(u8),
    /// In percent.
    #[serde(rename = "custom.fillOpacity")]
    FillOpacity(u8),
    /// Fills the area down to the series of this name.
    #[serde(rename = "custom.fillBelowTo")]
    FillBelowTo(String),
    /// Where it is not shown.
    #[serde(rename = "custom.hideFrom")]
    HideFrom(HideFrom),
}

/// Where a series is not shown.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct HideFrom {
    /// In the legend.
    pub legend: bool,
    /// Beside the pointer.
    pub tooltip: bool,
    /// In the chart itself.
    pub viz: bool,
}

impl HideFrom {
    /// In the legend alone.
    pub fn legend() -> Self {
        Self {
            legend: true,
            tooltip: false,
            viz: false,
        }
    }
}
