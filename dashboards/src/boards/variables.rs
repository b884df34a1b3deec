//! What the reader of a board chooses; each choice rests on those before.

use metrics::{Family, Label, table};

use crate::grafana::{Current, DataSource, DataSourceVariable, QueryVariable, Variable};
use crate::promql::{Matcher, Reach};
use crate::slos;

/// The data source.
pub fn data_source() -> Variable {
    Variable::DataSource(DataSourceVariable {
        name: "datasource".to_owned(),
        label: "Data source".to_owned(),
        query: "prometheus".to_owned(),
        current: Current::default(),
        hide: 0,
    })
}

/// Namespaces, all at first.
pub fn namespaces() -> Variable {
    let query = values(
        &Reach::All.of(&table::BASELINE_PRESENT, &[]),
        Label::Namespace,
    );
    Variable::Query(QueryVariable {
        multi: true,
        include_all: true,
        all_value: Some(".+".to_owned()),
        current: Current {
            text: Some("All".to_owned()),
            value: Some("$__all".to_owned()),
        },
        ..one(
            Label::Namespace.name(),
            "Namespace",
            "Whose monitors are shown.",
            query,
        )
    })
}

/// One monitor, by its namespace and name.
pub fn monitor() -> Vec<Variable> {
    let of = |reach: Reach<'_>, label| values(&reach.of(&table::BASELINE_PRESENT, &[]), label);
    let namespace = of(Reach::All, Label::Namespace);
    // The namespace alone: the name is what is asked for.
    let name = Reach::All.of(
        &table::BASELINE_PRESENT,
        &[Matcher::Is(Label::Namespace, "$namespace")],
    );
    vec![
        Variable::Query(one(
            Label::Namespace.name(),
            "Namespace",
            "Namespace of the FeatureMonitor.",
            namespace,
        )),
        Variable::Query(one(
            Label::Monitor.name(),
            "Monitor",
            "Name of the FeatureMonitor.",
            values(&name, Label::Monitor),
        )),
    ]
}

/// One of the values that a label of a monitor's family has.
pub fn of_monitor<const N: usize>(
    family: &Family<N>,
    label: Label,
    name: &str,
    description: &str,
) -> Variable {
    let series = super::ONE.of(family, &[]);
    Variable::Query(one(label.name(), name, description, values(&series, label)))
}

/// One of the objectives of a monitor.
pub fn objective() -> Variable {
    let series = super::ONE.recorded(slos::OBJECTIVE, &[]);
    let query = format!("label_values({series}, sloth_slo)");
    Variable::Query(one("slo", "Objective", "Name of the objective.", query))
}

fn values(series: &str, label: Label) -> String {
    format!("label_values({series}, {})", label.name())
}

fn one(name: &str, label: &str, description: &str, query: String) -> QueryVariable {
    QueryVariable {
        name: name.to_owned(),
        label: label.to_owned(),
        description: description.to_owned(),
        datasource: DataSource::chosen(),
        definition: query.clone(),
        query,
        refresh: 2,
        sort: 1,
        multi: false,
        include_all: false,
        all_value: None,
        current: Current::default(),
        hide: 0,
    }
}
