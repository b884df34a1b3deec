//! THE boards: what people look at, each once. `docs/boards.md` says how each is read.
//!
//! A board reads the verdicts that alerts test, so that the two agree. One row answers one question, which is its heading;
//! the first row answers it before anybody scrolls.

mod alerts;
mod feature;
mod health;
mod monitor;
mod overview;
mod panels;
mod pick;
mod slo;
mod state;
mod variables;

use metrics::Label::{self, Feature, Monitor, Namespace, Severity};
use metrics::table;

use crate::foreign;
use crate::grafana::layout::{Section, placed};
use crate::grafana::panel::Panel;
use crate::grafana::{
    Annotation, Annotations, BoardLink, Dashboard, DataSource, SCHEMA, Templating, TimeRange,
    Variable,
};
use crate::links::Board;
use crate::promql::{Reach, max_by, names};

/// The monitors in the namespaces that the reader chose.
const FLEET: Reach<'static> = Reach::Namespaces("$namespace");

/// The monitor that the reader chose.
const ONE: Reach<'static> = Reach::Monitor {
    namespace: "$namespace",
    name: "$monitor",
};

/// By which our boards are found.
const TAG: &str = "feature-monitor";

const OF_MONITOR: [Label; 2] = [Namespace, Monitor];

/// The least share of all verdicts that is well: some checks have none at first, or never have one of some features.
const ENOUGH_VERDICTS: f64 = 0.8;

/// Every board.
pub fn all() -> Vec<Dashboard> {
    vec![
        overview::board(),
        monitor::board(),
        feature::board(),
        slo::board(),
        alerts::board(),
        health::board(),
    ]
}

/// What makes a board differ from others.
struct Content {
    board: Board,
    description: &'static str,
    /// The time shown at first, back from now.
    from: &'static str,
    variables: Vec<Variable>,
    annotations: Vec<Annotation>,
    sections: Vec<Section>,
}

fn dashboard(content: Content) -> Dashboard {
    let mut list = vec![variables::data_source()];
    list.extend(content.variables);
    Dashboard {
        id: None,
        uid: content.board.uid().to_owned(),
        title: content.board.title().to_owned(),
        description: content.description.to_owned(),
        tags: vec![TAG.to_owned()],
        schema_version: SCHEMA,
        editable: false,
        graph_tooltip: 1,
        refresh: "1m".to_owned(),
        time: TimeRange {
            from: content.from.to_owned(),
            to: "now".to_owned(),
        },
        timezone: "browser".to_owned(),
        links: vec![link()],
        templating: Templating { list },
        annotations: Annotations {
            list: content.annotations,
        },
        panels: placed(content.sections)
            .into_iter()
            .map(Panel::with_colors)
            .collect(),
    }
}

/// A list of all boards, by their tag: links side by side would need a line of their own.
fn link() -> BoardLink {
    BoardLink {
        kind: "dashboards".to_owned(),
        title: "Feature monitors".to_owned(),
        url: String::new(),
        tooltip: "The other boards".to_owned(),
        icon: "dashboard".to_owned(),
        keep_time: true,
        include_vars: true,
        target_blank: false,
        as_dropdown: true,
        tags: vec![TAG.to_owned()],
    }
}

/// The alerts of this project: nobody else's in the same namespaces, not the Watchdog, which always fires, and an alert that
/// goes on once, not again for each step of its escalation.
const OURS: [&str; 2] = ["alertname=~\"Feature.+\"", "escalation_level=\"\""];

/// Our alerts that fire.
fn firing(reach: Reach<'_>, matchers: &[&str]) -> String {
    let firing = ["alertstate=\"firing\""];
    reach.foreign(foreign::ALERTS, &[&firing, &OURS[..], matchers].concat())
}

/// Marks where critical alerts fired: with warnings there would be more marks than data.
fn firing_marks(reach: Reach<'_>, matchers: &[&str]) -> Annotation {
    let critical = ["severity=\"critical\""];
    let expr = format!(
        "max by (alertname, {}) ({})",
        names(&[Severity, Feature]),
        firing(reach, &[&critical, matchers].concat())
    );
    Annotation {
        text_format: "{{severity}} {{feature}}".to_owned(),
        ..mark("Critical alerts", state::CRITICAL, expr, "{{alertname}}")
    }
}

/// Marks where the baseline was frozen anew.
fn baselines() -> Annotation {
    let frozen = max_by(&[], &ONE.of(&table::BASELINE_FROZEN_TIMESTAMP, &[]));
    Annotation {
        text_format: "What is compared with changed.".to_owned(),
        use_value_for_time: true,
        ..mark(
            "Baseline",
            state::GOOD,
            format!("{frozen} * 1000"),
            "Baseline frozen",
        )
    }
}

/// Marks at the times at which a query has a value.
fn mark(name: &str, color: &str, expr: String, title: &str) -> Annotation {
    Annotation {
        name: name.to_owned(),
        datasource: DataSource::chosen(),
        enable: true,
        icon_color: color.to_owned(),
        expr,
        title_format: title.to_owned(),
        text_format: String::new(),
        tag_keys: String::new(),
        use_value_for_time: false,
    }
}
