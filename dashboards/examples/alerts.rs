//! Prints what `make generate` makes of the alerts: with `docs` the reference, with `chart` the rules of the chart.

use dashboards::{docs, rules};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("docs") => print!("{}", docs::markdown()),
        Some("chart") => print!("{}", rules::chart_yaml()?),
        _ => return Err("usage: alerts docs|chart".into()),
    }
    Ok(())
}
