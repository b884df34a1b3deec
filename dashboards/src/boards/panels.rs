//! Panels as all our boards have them.

use std::collections::BTreeMap;

use metrics::Label::{Check, Feature, Partner, Severity, Statistic};
use metrics::{Family, table};

use super::ONE;
use super::state::{self, CRITICAL, REFERENCE, State, WARNING, ground};
use crate::alerts::About;
use crate::grafana::DataSource;
use crate::grafana::field::{
    CellOptions, Color, Custom, Field, LineStyle, Link, Matcher, Override, Property,
    ScaleDistribution, Stacking, Thresholds, ThresholdsStyle,
};
use crate::grafana::panel::{
    BarChartOptions, BarGaugeOptions, CellValues, HeatmapAxis, HeatmapColor, HeatmapLegend,
    HeatmapOptions, HeatmapTooltip, Kind, Legend, Nothing, Panel, ReduceOptions, RowsFrame, SortBy,
    SortField, StatOptions, StateTimelineOptions, TableOptions, Target, TimeSeriesOptions, Tooltip,
    Transformation,
};
use crate::promql::{self, Matcher::Is, max_by};

/// The checks, in an order that gives each its colour: those that judge most features first, whose lines are told apart best.
pub const CHECKS: [&str; 14] = [
    About::Drift.name(),
    About::Missing.name(),
    About::Correlation.name(),
    About::Quality.name(),
    About::Segments.name(),
    About::Outliers.name(),
    About::Performance.name(),
    About::Shift.name(),
    About::Level.name(),
    About::Freshness.name(),
    About::Schema.name(),
    About::Imputation.name(),
    About::MissingPatterns.name(),
    About::Duplicates.name(),
];

/// A number of things.
pub const COUNT: &str = "short";
/// A number without a unit.
pub const PLAIN: &str = "none";
/// A share from 0 to 1, shown in percent.
pub const SHARE: &str = "percentunit";
/// A duration.
pub const SECONDS: &str = "s";
/// Bytes.
pub const BYTES: &str = "bytes";
/// The least time from one bar to the next where things are counted: monitors are usually evaluated every hour, and what happened in
/// less would be shown as a fraction.
pub const HOUR: &str = "1h";

/// Below this, how small a p-value is says no more.
const LEAST_P_VALUE: f64 = 0.0001;

/// A p-value as it is shown on a logarithmic scale, which has no 0.
pub fn p_value(query: &str) -> String {
    format!("clamp_min({query}, {LEAST_P_VALUE})")
}

/// What is compared with: grey and dashed.
pub fn reference() -> Vec<Property> {
    vec![
        Property::Color(Color::fixed(REFERENCE)),
        Property::LineStyle(LineStyle::dashed()),
    ]
}

/// The value that a check of `whose` judges, and both limits in force.
pub fn limited(
    title: &str,
    description: &str,
    whose: promql::Matcher<'_>,
    about: About,
    unit: &str,
) -> Panel {
    let check = [whose, Is(Check, about.name())];
    let limit = |severity| {
        let matchers = [&check[..], &[Is(Severity, severity)]].concat();
        max_by(&[], &ONE.of(&table::CHECK_LIMIT, &matchers))
    };
    // What is below 0 would not be understood of a share.
    let value = match about {
        About::Missing | About::Quality | About::Outliers | About::Imputation => {
            "more than in the baseline"
        }
        _ => "value",
    };
    lines(title, description)
        .ask(max_by(&[], &ONE.of(&table::CHECK_VALUE, &check)), value)
        .ask(limit("warning"), "warning limit")
        .ask(limit("critical"), "critical limit")
        .unit(unit)
        .limits()
        .without("no verdict")
}

/// One number, or one word.
pub fn stat(title: &str, description: &str) -> Panel {
    let options = StatOptions {
        reduce_options: ReduceOptions::last(),
        text_mode: "value".to_owned(),
        color_mode: "none".to_owned(),
        graph_mode: "none".to_owned(),
        justify_mode: "center".to_owned(),
        orientation: "auto".to_owned(),
    };
    panel(Kind::Stat(options), title, description)
}

/// Lines over time. Those whose names are not known beforehand have the colours of Grafana's palette, which stand for nothing: shades
/// of one would not tell eight lines apart.
pub fn lines(title: &str, description: &str) -> Panel {
    let options = TimeSeriesOptions {
        legend: Legend::below(),
        tooltip: Tooltip::all(),
    };
    let mut panel = panel(Kind::TimeSeries(options), title, description);
    panel.custom(Custom {
        draw_style: Some("line".to_owned()),
        line_interpolation: Some("stepAfter".to_owned()),
        line_width: Some(2),
        fill_opacity: Some(0),
        show_points: Some("never".to_owned()),
        // What was not known is a gap.
        span_nulls: Some(false),
        ..Custom::default()
    });
    panel.told_apart()
}

/// What happened over time, counted by the hour, on each other.
pub fn counted_up(title: &str, description: &str) -> Panel {
    stacked(title, description)
        .every(HOUR)
        .unit(COUNT)
        .decimals(0)
}

/// Counts or rates over time, on each other, in the order of their names, and so in shades of one colour: others would say what is well.
pub fn stacked(title: &str, description: &str) -> Panel {
    let mut panel = lines(title, description);
    panel.custom(Custom {
        draw_style: Some("bars".to_owned()),
        line_width: Some(0),
        fill_opacity: Some(80),
        show_points: Some("never".to_owned()),
        stacking: Some(Stacking {
            mode: "normal".to_owned(),
            group: "A".to_owned(),
        }),
        ..Custom::default()
    });
    // What is stacked is compared by its height.
    panel.from(0.0).tinted("blue")
}

/// A table.
pub fn table(title: &str, description: &str) -> Panel {
    let options = TableOptions {
        show_header: true,
        cell_height: "sm".to_owned(),
        sort_by: Vec::new(),
    };
    let mut panel = panel(Kind::Table(options), title, description);
    panel.custom(Custom {
        align: Some("auto".to_owned()),
        filterable: Some(false),
        // Columns share the width that there is; without, those that find no room are outside.
        min_width: Some(80),
        ..Custom::default()
    });
    panel
}

/// A bar for each series.
pub fn bars(title: &str, description: &str) -> Panel {
    let options = BarGaugeOptions {
        reduce_options: ReduceOptions::last(),
        display_mode: "basic".to_owned(),
        orientation: "horizontal".to_owned(),
        show_unfilled: true,
        value_mode: "text".to_owned(),
        name_placement: "top".to_owned(),
    };
    panel(Kind::BarGauge(options), title, description)
}

/// States over time, a row for each series.
pub fn timeline(title: &str, description: &str) -> Panel {
    let options = StateTimelineOptions {
        merge_values: true,
        show_value: "never".to_owned(),
        align_value: "left".to_owned(),
        row_height: 0.9,
        legend: Legend::below(),
        tooltip: Tooltip::one(),
    };
    let mut panel = panel(Kind::StateTimeline(options), title, description);
    panel.custom(Custom {
        line_width: Some(0),
        fill_opacity: Some(85),
        ..Custom::default()
    });
    panel
}

/// Bars side by side, named by the values of a label.
pub fn grouped(title: &str, description: &str, label: &str) -> Panel {
    let options = BarChartOptions {
        x_field: label.to_owned(),
        orientation: "auto".to_owned(),
        stacking: "none".to_owned(),
        show_value: "never".to_owned(),
        group_width: 0.8,
        bar_width: 0.95,
        x_tick_label_rotation: -30,
        x_tick_label_spacing: 60,
        legend: Legend::below(),
        tooltip: Tooltip::all(),
    };
    let mut panel = panel(Kind::BarChart(options), title, description);
    panel.custom(Custom {
        line_width: Some(0),
        fill_opacity: Some(85),
        ..Custom::default()
    });
    panel
}

/// Shares over time, a row for each series.
pub fn shades(title: &str, description: &str) -> Panel {
    let options = HeatmapOptions {
        calculate: false,
        color: HeatmapColor {
            mode: "scheme".to_owned(),
            scheme: "Blues".to_owned(),
            scale: "exponential".to_owned(),
            exponent: 0.5,
            fill: "dark-blue".to_owned(),
            steps: 64,
            reverse: false,
            min: 0.0,
        },
        cell_gap: 1,
        cell_values: CellValues {
            unit: SHARE.to_owned(),
            decimals: 1,
        },
        y_axis: HeatmapAxis {
            axis_placement: "left".to_owned(),
            unit: PLAIN.to_owned(),
            reverse: false,
        },
        rows_frame: RowsFrame {
            layout: "auto".to_owned(),
            value: "share".to_owned(),
        },
        show_value: "never".to_owned(),
        legend: HeatmapLegend { show: true },
        tooltip: HeatmapTooltip {
            mode: "single".to_owned(),
            show_color_scale: true,
            y_histogram: false,
        },
    };
    panel(Kind::Heatmap(options), title, description)
}

fn panel(kind: Kind, title: &str, description: &str) -> Panel {
    Panel {
        title: title.to_owned(),
        description: description.to_owned(),
        datasource: Some(DataSource::chosen()),
        ..Panel::new(kind)
    }
}

/// A cell with a score, or another multiple of what is allowed, coloured from 1 on. A bar would be as long as the room that the number
/// beside it leaves.
pub fn scored() -> Vec<Property> {
    vec![
        Property::Decimals(2),
        Property::Unit(PLAIN.to_owned()),
        Property::Thresholds(Thresholds::new("transparent", &[(1.0, ground(WARNING))])),
        Property::CellOptions(filled()),
    ]
}

/// A cell with a share, coloured below the least that is well.
pub fn complete(least: f64) -> Vec<Property> {
    let steps = [(0.0, ground(WARNING)), (least, "transparent")];
    vec![
        Property::Decimals(0),
        Property::Unit(SHARE.to_owned()),
        Property::Thresholds(Thresholds::new("transparent", &steps)),
        Property::CellOptions(filled()),
    ]
}

/// A cell in the colour of its state; one without is not known, which is not well.
pub fn stated(states: &[State]) -> Vec<Property> {
    vec![
        Property::Thresholds(Thresholds::new(ground(state::UNKNOWN), &[])),
        Property::Mappings(state::grounds(states)),
        Property::CellOptions(filled()),
    ]
}

/// A cell with a severity in its colour.
pub fn severity() -> Vec<Property> {
    vec![
        Property::Thresholds(Thresholds::new("transparent", &[])),
        Property::Mappings(state::severities()),
        Property::CellOptions(filled()),
    ]
}

/// A cell with the name of a statistic, or of a part of a limit.
pub fn in_words() -> Vec<Property> {
    vec![Property::Mappings(state::words())]
}

/// A cell with a count, coloured where it is not 0.
pub fn counted(color: &str) -> Vec<Property> {
    vec![
        Property::Decimals(0),
        Property::Unit(COUNT.to_owned()),
        Property::Thresholds(Thresholds::new("transparent", &[(1.0, ground(color))])),
        Property::CellOptions(filled()),
    ]
}

/// A cell with a count, to the last one: in thousands 2,468 rows and 1,804 of them would both be 2 K.
pub fn whole() -> Vec<Property> {
    vec![Property::Decimals(0), Property::Unit(PLAIN.to_owned())]
}

/// A cell with a duration.
pub fn lasting() -> Vec<Property> {
    vec![Property::Decimals(1), Property::Unit(SECONDS.to_owned())]
}

fn filled() -> CellOptions {
    CellOptions::ColorBackground {
        mode: "basic".to_owned(),
    }
}

impl Panel {
    /// One more query, asked as the panel needs it; series are called by a legend such as `{{feature}}`.
    pub fn ask(mut self, query: impl Into<String>, legend: &str) -> Self {
        let format = match self.kind {
            Kind::Table(_) | Kind::BarChart(_) => "table",
            _ => "time_series",
        };
        let instant = !matches!(
            self.kind,
            Kind::TimeSeries(_) | Kind::StateTimeline(_) | Kind::Heatmap(_)
        );
        self.targets.push(Target {
            ref_id: letter(self.targets.len()),
            datasource: DataSource::chosen(),
            expr: query.into(),
            legend_format: legend.to_owned(),
            instant,
            range: !instant,
            format: format.to_owned(),
            editor_mode: "code".to_owned(),
        });
        self
    }

    /// The unit of its values.
    pub fn unit(mut self, unit: &str) -> Self {
        self.defaults().unit = Some(unit.to_owned());
        self
    }

    /// Digits after the point.
    pub fn decimals(mut self, decimals: u8) -> Self {
        self.defaults().decimals = Some(decimals);
        self
    }

    /// The lower end of the scale.
    pub fn from(mut self, min: f64) -> Self {
        self.defaults().min = Some(min);
        self
    }

    /// The upper end of the scale.
    pub fn to(mut self, max: f64) -> Self {
        self.defaults().max = Some(max);
        self
    }

    /// The axis goes at least down to this, where all values are large.
    pub fn at_least_from(mut self, min: f64) -> Self {
        self.defaults().custom.axis_soft_min = Some(min);
        self
    }

    /// The axis goes at least this far, where all values are small.
    pub fn at_least_to(mut self, max: f64) -> Self {
        self.defaults().custom.axis_soft_max = Some(max);
        self
    }

    /// What is said where there is no value.
    pub fn without(mut self, text: &str) -> Self {
        self.defaults().no_value = Some(text.to_owned());
        self
    }

    /// Words and colours in place of numbers.
    pub fn states(mut self, states: &[State]) -> Self {
        let mappings = match self.kind {
            Kind::Stat(_) => state::grounds(states),
            _ => state::mappings(states),
        };
        self.defaults().mappings = mappings;
        self.colored(state::UNKNOWN, &[])
    }

    /// Colours from values on.
    pub fn colored(mut self, first: &str, steps: &[(f64, &str)]) -> Self {
        let thresholds = match &mut self.kind {
            // The number stands on the colour.
            Kind::Stat(options) => {
                options.color_mode = "background".to_owned();
                let steps: Vec<(f64, &str)> = steps
                    .iter()
                    .map(|(value, color)| (*value, ground(color)))
                    .collect();
                Thresholds::new(ground(first), &steps)
            }
            _ => Thresholds::new(first, steps),
        };
        let field = self.defaults();
        field.color = Some(Color::thresholds());
        field.thresholds = Some(thresholds);
        self
    }

    /// Series that have no colour of their own are shades of this one.
    pub fn tinted(mut self, color: &str) -> Self {
        self.defaults().color = Some(Color::shades(color));
        self
    }

    /// Even up to this value, and logarithmic from there on, so that what is many times as large leaves the rest its room.
    pub fn logarithmic_from(mut self, value: f64) -> Self {
        self.defaults().custom.scale_distribution = Some(ScaleDistribution {
            kind: "symlog".to_owned(),
            log: 10,
            linear_threshold: Some(value),
        });
        self
    }

    /// Probabilities on a logarithmic scale, from the least that is shown to 1.
    pub fn probabilities(mut self) -> Self {
        self.defaults().custom.scale_distribution = Some(ScaleDistribution {
            kind: "log".to_owned(),
            log: 10,
            linear_threshold: None,
        });
        self.unit(PLAIN).decimals(4).from(LEAST_P_VALUE).to(1.0)
    }

    /// Series that have no colour of their own have those of Grafana's palette, which stand for nothing.
    pub fn told_apart(mut self) -> Self {
        self.defaults().color = Some(Color::palette());
        self
    }

    /// A line at 1, where a score is at its limit, which the scale always shows.
    pub fn limit_at_one(mut self) -> Self {
        let field = self.defaults();
        field.thresholds = Some(Thresholds::new("transparent", &[(1.0, CRITICAL)]));
        field.custom.thresholds_style = Some(ThresholdsStyle {
            mode: "dashed".to_owned(),
        });
        field.custom.axis_soft_min = Some(0.0);
        field.custom.axis_soft_max = Some(1.2);
        self
    }

    /// Series of this name are drawn as a limit, in this colour.
    pub fn limit(self, name: &str, color: &str) -> Self {
        self.series(
            name,
            vec![
                Property::Color(Color::fixed(color)),
                Property::LineStyle(LineStyle::dashed()),
                Property::LineWidth(2),
                Property::FillOpacity(0),
            ],
        )
    }

    /// Series of these names have colours that stay theirs.
    pub fn colors(self, names: &[&str]) -> Self {
        let colors = names.iter().zip(state::SERIES);
        colors.fold(self, |panel, (name, color)| {
            panel.series(name, vec![Property::Color(Color::fixed(color))])
        })
    }

    /// Both limits.
    pub fn limits(self) -> Self {
        self.limit("warning limit", WARNING)
            .limit("critical limit", CRITICAL)
    }

    /// What differs for the series, or the column, of this name.
    pub fn series(mut self, name: &str, properties: Vec<Property>) -> Self {
        let config = self.field_config.get_or_insert_default();
        config.overrides.push(Override {
            matcher: Matcher::ByName(name.to_owned()),
            properties,
        });
        self
    }

    /// What differs for the series whose names match this regular expression, between slashes.
    pub fn series_like(mut self, regexp: &str, properties: Vec<Property>) -> Self {
        let config = self.field_config.get_or_insert_default();
        config.overrides.push(Override {
            matcher: Matcher::ByRegexp(regexp.to_owned()),
            properties,
        });
        self
    }

    /// The columns of a table: labels and then the value of each query, under these names. Nothing else is shown.
    pub fn columns(mut self, labels: &[(&str, &str)], values: &[&str]) -> Self {
        let several = self.targets.len() > 1;
        let value = |target: &Target| match several {
            true => format!("Value #{}", target.ref_id),
            false => "Value".to_owned(),
        };
        let labels = labels
            .iter()
            .map(|(label, name)| ((*label).to_owned(), *name));
        let values = self.targets.iter().map(value).zip(values.iter().copied());
        let columns: Vec<(String, &str)> = labels.chain(values).collect();
        if several {
            self.transformations.push(Transformation::Merge(Nothing {}));
        }
        let hidden = |name: &&String| columns.iter().all(|(column, _)| column != *name);
        let all = self.targets.iter().map(value).collect::<Vec<_>>();
        let exclude = all
            .iter()
            .filter(hidden)
            .cloned()
            .chain(["Time".to_owned()]);
        self.transformations.push(Transformation::Organize {
            exclude_by_name: exclude.map(|name| (name, true)).collect(),
            index_by_name: columns
                .iter()
                .map(|(column, _)| column.clone())
                .zip(0..)
                .collect(),
            rename_by_name: columns
                .iter()
                .map(|(column, name)| (column.clone(), (*name).to_owned()))
                .collect::<BTreeMap<_, _>>(),
        });
        self
    }

    /// The column by whose values the rows come, the smallest first.
    pub fn sorted(mut self, column: &str) -> Self {
        self.transformations.push(Transformation::SortBy {
            sort: vec![SortField {
                field: column.to_owned(),
                desc: false,
            }],
        });
        self
    }

    /// The column by which rows are sorted, the largest first.
    pub fn largest_first(self, column: &str) -> Self {
        self.ordered(&[(column, true)])
    }

    /// The columns by which rows are sorted, and whether the largest comes first.
    pub fn ordered(mut self, columns: &[(&str, bool)]) -> Self {
        let by = |(column, desc): &(&str, bool)| SortBy {
            display_name: (*column).to_owned(),
            desc: *desc,
        };
        if let Kind::Table(options) = &mut self.kind {
            options.sort_by = columns.iter().map(by).collect();
        }
        self
    }

    /// At least so much time from one point to the next.
    pub fn every(mut self, interval: &str) -> Self {
        self.interval = Some(interval.to_owned());
        self
    }

    /// Where a click on a value leads.
    pub fn leads_to(mut self, link: Link) -> Self {
        self.defaults().links.push(link);
        self
    }

    /// Each series over time whose name is known, and which has no colour, gets the next one that no other has.
    pub fn with_colors(mut self) -> Self {
        if !matches!(self.kind, Kind::TimeSeries(_)) {
            return self;
        }
        let legends = self
            .targets
            .iter()
            .map(|target| target.legend_format.clone());
        let (named, known): (Vec<String>, Vec<String>) =
            legends.partition(|legend| legend.contains("{{"));
        let config = self.field_config.get_or_insert_default();
        let own = config.overrides.iter().filter_map(Override::color);
        let own = own.chain(&config.defaults.color);
        let own = own.filter_map(|color| color.fixed_color.clone());
        let of_others = state::PALETTE.iter().filter(|_| !named.is_empty());
        let mut taken: Vec<String> = own
            .chain(of_others.map(|color| (*color).to_owned()))
            .collect();
        for name in known {
            let is_own = |one: &&Override| one.matcher == Matcher::ByName(name.clone());
            let mut own = config.overrides.iter().filter(is_own);
            if own.any(|one| one.color().is_some()) {
                continue;
            }
            let free = state::SERIES
                .iter()
                .find(|color| taken.iter().all(|taken| taken != *color));
            if let Some(color) = free {
                taken.push((*color).to_owned());
                config.overrides.push(Override {
                    matcher: Matcher::ByName(name),
                    properties: vec![Property::Color(Color::fixed(color))],
                });
            }
        }
        self
    }

    fn defaults(&mut self) -> &mut Field {
        &mut self.field_config.get_or_insert_default().defaults
    }

    fn custom(&mut self, custom: Custom) {
        self.defaults().custom = custom;
    }
}

fn letter(position: usize) -> String {
    let letter = u8::try_from(position).map_or('Z', |position| char::from(b'A' + position.min(25)));
    letter.to_string()
}

/// The pairs of features that changed most; `which` says which of them, and `of_pair` asks for a family of theirs.
pub fn most_changed_pairs(which: &str, of_pair: impl Fn(&Family<3>) -> String) -> Panel {
    let association = vec![
        Property::Unit(PLAIN.to_owned()),
        Property::Decimals(2),
        Property::Width(85),
    ];
    table(
        "Most changed pairs",
        &format!(
            "{which} whose association changed most against its limit: Spearman's rank correlation of \
             numbers, Cramér's V of categories, the correlation ratio of both."
        ),
    )
    .ask(of_pair(&table::PAIR_ASSOCIATION_SCORE), "")
    .ask(of_pair(&table::PAIR_REFERENCE_ASSOCIATION), "")
    .ask(of_pair(&table::PAIR_ASSOCIATION), "")
    .columns(
        &[
            (Feature.name(), "Feature"),
            (Partner.name(), "Partner"),
            (Statistic.name(), "Measure"),
        ],
        &["Score", "Baseline", "Now"],
    )
    // What they leave is for the names of both features.
    .series("Measure", [in_words(), vec![Property::Width(130)]].concat())
    .series("Score", [scored(), vec![Property::Width(110)]].concat())
    .series("Baseline", association.clone())
    .series("Now", association)
    .largest_first("Score")
    .without("no such pair")
}
