//! A panel: its queries, what is done with their results, and how they are drawn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::grafana::DataSource;
use crate::grafana::field::FieldConfig;

/// A panel, or the heading of a row of them.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// Its number in the board.
    pub id: u32,
    /// What it shows.
    pub title: String,
    /// How it is read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it is.
    pub grid_pos: GridPos,
    /// What draws it.
    #[serde(flatten)]
    pub kind: Kind,
    /// Who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    /// The least time from one point to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// The queries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// What is done with their results, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transformations: Vec<Transformation>,
    /// How values are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_config: Option<FieldConfig>,
    /// Of a heading: whether its panels are hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<bool>,
    /// Of a heading: the panels that it hides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panels: Option<Vec<Panel>>,
}

impl Panel {
    /// An empty one.
    pub fn new(kind: Kind) -> Self {
        Self {
            id: 0,
            title: String::new(),
            description: String::new(),
            grid_pos: GridPos::default(),
            kind,
            datasource: None,
            interval: None,
            targets: Vec::new(),
            transformations: Vec::new(),
            field_config: None,
            collapsed: None,
            panels: None,
        }
    }
}

/// A place in the grid of 24 columns; a unit of height is 30 pixels, and 8 between two.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GridPos {
    /// Columns to the left.
    pub x: u16,
    /// Units above.
    pub y: u16,
    /// Columns.
    pub w: u16,
    /// Units.
    pub h: u16,
}

/// What draws a panel.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "type", content = "options")]
pub enum Kind {
    /// The heading of a row.
    #[serde(rename = "row")]
    Row,
    /// One number, or one text.
    #[serde(rename = "stat")]
    Stat(StatOptions),
    /// Lines over time.
    #[serde(rename = "timeseries")]
    TimeSeries(TimeSeriesOptions),
    /// A table.
    #[serde(rename = "table")]
    Table(TableOptions),
    /// A bar for each series.
    #[serde(rename = "bargauge")]
    BarGauge(BarGaugeOptions),
    /// States over time, a row for each series.
    #[serde(rename = "state-timeline")]
    StateTimeline(StateTimelineOptions),
    /// Bars side by side.
    #[serde(rename = "barchart")]
    BarChart(BarChartOptions),
    /// Shades over time.
    #[serde(rename = "heatmap")]
    Heatmap(HeatmapOptions),
}

/// Options of a `stat`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct StatOptions {
    /// Which value.
    pub reduce_options: ReduceOptions,
    /// `auto`, `value`, `value_and_name`.
    pub text_mode: String,
    /// What the colour colours.
    pub color_mode: String,
    /// `none` or `area`.
    pub graph_mode: String,
    /// `auto` or `center`.
    pub justify_mode: String,
    /// `auto`, `horizontal` or `vertical`.
    pub orientation: String,
}

/// Which value of a series.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ReduceOptions {
    /// How a series becomes one value.
    pub calcs: Vec<String>,
    /// Which fields; empty takes those with numbers.
    pub fields: String,
    /// Whether every value is shown.
    pub values: bool,
}

impl ReduceOptions {
    /// The last value.
    pub fn last() -> Self {
        Self {
            calcs: vec!["lastNotNull".to_owned()],
            fields: String::new(),
            values: false,
        }
    }
}

/// Options of a `timeseries`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TimeSeriesOptions {
    /// The legend.
    pub legend: Legend,
    /// What is said of the time under the pointer.
    pub tooltip: Tooltip,
}

/// A legend.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Legend {
    /// `list` or `table`.
    pub display_mode: String,
    /// `bottom` or `right`.
    pub placement: String,
    /// Whether it is there.
    pub show_legend: bool,
    /// Values beside the names.
    pub calcs: Vec<String>,
}

impl Legend {
    /// Names under the chart.
    pub fn below() -> Self {
        Self {
            display_mode: "list".to_owned(),
            placement: "bottom".to_owned(),
            show_legend: true,
            calcs: Vec::new(),
        }
    }
}

/// What is said of the time under the pointer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Tooltip {
    /// `single` or `multi`.
    pub mode: String,
    /// `none`, `asc` or `desc`.
    pub sort: String,
}

impl Tooltip {
    /// All series, the largest first.
    pub fn all() -> Self {
        Self {
            mode: "multi".to_owned(),
            sort: "desc".to_owned(),
        }
    }

    /// The series under the pointer.
    pub fn one() -> Self {
        Self {
            mode: "single".to_owned(),
            sort: "none".to_owned(),
        }
    }
}

/// Options of a `table`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TableOptions {
    /// Whether names are above the columns.
    pub show_header: bool,
    /// `sm`, `md` or `lg`.
    pub cell_height: String,
    /// By what rows are sorted at first.
    pub sort_by: Vec<SortBy>,
}

/// By what rows are sorted.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SortBy {
    /// The column as it is shown.
    pub display_name: String,
    /// Whether the largest comes first.
    pub desc: bool,
}

/// Options of a `bargauge`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BarGaugeOptions {
    /// Which value.
    pub reduce_options: ReduceOptions,
    /// `basic`, `gradient` or `lcd`.
    pub display_mode: String,
    /// `horizontal` or `vertical`.
    pub orientation: String,
    /// Whether the rest of the scale is drawn.
    pub show_unfilled: bool,
    /// `color`, `text` or `hidden`.
    pub value_mode: String,
    /// `auto`, `top` or `left`.
    pub name_placement: String,
}

/// Options of a `state-timeline`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct StateTimelineOptions {
    /// Whether equal neighbours are one.
    pub merge_values: bool,
    /// `auto`, `always` or `never`.
    pub show_value: String,
    /// `left`, `center` or `right`.
    pub align_value: String,
    /// Share of a row that is filled.
    pub row_height: f64,
    /// The legend.
    pub legend: Legend,
    /// What is said of the time under the pointer.
    pub tooltip: Tooltip,
}

/// Options of a `barchart`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BarChartOptions {
    /// The field that names the bars.
    pub x_field: String,
    /// `auto`, `horizontal` or `vertical`.
    pub orientation: String,
    /// `none` or `normal`.
    pub stacking: String,
    /// `auto`, `always` or `never`.
    pub show_value: String,
    /// Share of the room that a group fills.
    pub group_width: f64,
    /// Share of a group's room that a bar fills.
    pub bar_width: f64,
    /// Degrees by which names are turned.
    pub x_tick_label_rotation: i16,
    /// Least pixels from one name to the next.
    pub x_tick_label_spacing: u16,
    /// The legend.
    pub legend: Legend,
    /// What is said of the group under the pointer.
    pub tooltip: Tooltip,
}

/// Options of a `heatmap`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HeatmapOptions {
    /// Whether the panel counts values itself.
    pub calculate: bool,
    /// The shades.
    pub color: HeatmapColor,
    /// Pixels between cells.
    pub cell_gap: u8,
    /// What a shade stands for.
    pub cell_values: CellValues,
    /// The axis.
    pub y_axis: HeatmapAxis,
    /// Where the names of the rows stand.
    pub rows_frame: RowsFrame,
    /// `auto`, `always` or `never`.
    pub show_value: String,
    /// The legend.
    pub legend: HeatmapLegend,
    /// What is said of the cell under the pointer.
    pub tooltip: HeatmapTooltip,
}

/// The shades of a `heatmap`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct HeatmapColor {
    /// `scheme` or `opacity`.
    pub mode: String,
    /// The scheme's name.
    pub scheme: String,
    /// `exponential` or `linear`.
    pub scale: String,
    /// The exponent.
    pub exponent: f64,
    /// The colour where the mode is opacity.
    pub fill: String,
    /// How many shades there are.
    pub steps: u8,
    /// Whether large values are light.
    pub reverse: bool,
    /// The value of the first shade.
    pub min: f64,
}

/// What a shade stands for.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct CellValues {
    /// The unit.
    pub unit: String,
    /// Digits after the point.
    pub decimals: u8,
}

/// The axis of a `heatmap`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HeatmapAxis {
    /// `left`, `right` or `hidden`.
    pub axis_placement: String,
    /// The unit.
    pub unit: String,
    /// Whether small values are above.
    pub reverse: bool,
}

/// Where the names of the rows stand.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RowsFrame {
    /// `auto`, `le`, `ge` or `unknown`.
    pub layout: String,
    /// What a value is called.
    pub value: String,
}

/// Whether there is a legend.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct HeatmapLegend {
    /// Whether there is one.
    pub show: bool,
}

/// What is said of the cell under the pointer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HeatmapTooltip {
    /// `single` or `multi`.
    pub mode: String,
    /// Whether the shades are explained.
    pub show_color_scale: bool,
    /// Whether there is a histogram.
    pub y_histogram: bool,
}

/// A query.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its letter.
    pub ref_id: String,
    /// Who is asked.
    pub datasource: DataSource,
    /// The query.
    pub expr: String,
    /// What a series is called.
    pub legend_format: String,
    /// Whether the end of the time is asked about.
    pub instant: bool,
    /// Whether all of the time is asked about.
    pub range: bool,
    /// `time_series` or `table`.
    pub format: String,
    /// How it is shown when it is edited.
    pub editor_mode: String,
}

/// What is done with the results of the queries.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "id", content = "options", rename_all = "camelCase")]
pub enum Transformation {
    /// Rows with the same labels become one.
    Merge(Nothing),
    /// Columns are left out, put in order and named.
    #[serde(rename_all = "camelCase")]
    Organize {
        /// Columns that are left out.
        exclude_by_name: BTreeMap<String, bool>,
        /// The place of each.
        index_by_name: BTreeMap<String, usize>,
        /// The name of each.
        rename_by_name: BTreeMap<String, String>,
    },
    /// Rows come by the values of a column.
    SortBy {
        /// The columns.
        sort: Vec<SortField>,
    },
}

/// By what rows come.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SortField {
    /// The column.
    pub field: String,
    /// Whether the largest comes first.
    pub desc: bool,
}

/// No options.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Nothing {}
