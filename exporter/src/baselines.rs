//! `baselines`: the saved baselines for a person: which there are, what is in one, and how two differ.
//!
//! ```text
//! archive::load (reads) -> list, show, diff (pure, plain values) -> table, json (print)
//! ```

mod diff;
mod list;
mod show;

use std::time::Duration;

use crds::duration;
use crds::valid::State;
use serde::Serialize;

use self::list::Held;
use crate::archive::{self, Saved};
use crate::baseline::Baseline;
use crate::cli::{Baselines, BaselinesCommand, Input, Output};
use crate::config::Config;
use crate::run;

/// Reads what is saved and gives the text to print, and whether all that it lists can be read; or what went wrong.
pub async fn baselines(args: &Baselines) -> Result<(String, bool), String> {
    let (input, output) = match &args.command {
        BaselinesCommand::List(list) => (&list.input, list.output),
        BaselinesCommand::Show(show) => (&show.input, show.output),
        BaselinesCommand::Diff(diff) => (&diff.input, diff.output),
    };
    let (config, saved) = open(input).await?;
    let held = Held::new(&config.monitor, &saved);
    let text = match &args.command {
        BaselinesCommand::List(_) => {
            let text = print(output, &list::List::new(&held), list::table)?;
            return Ok((text, saved.unreadable.is_empty()));
        }
        BaselinesCommand::Show(args) => {
            let baseline = match args.version {
                Some(version) => held.version(version)?,
                None => held.newest()?,
            };
            print(output, &show::Show::new(&held, baseline), show::tables)
        }
        BaselinesCommand::Diff(args) => {
            let from = held.version(args.from)?;
            let to = match args.to {
                Some(version) => held.version(version)?,
                None => held.newest()?,
            };
            print(output, &diff::Diff::new(&held, from, to), diff::tables)
        }
    };
    text.map(|text| (text, true))
}

async fn open(input: &Input) -> Result<(Config, Saved), String> {
    let (config, store) = run::store(input).map_err(|error| error.to_string())?;
    if config.monitor.state == State::Ephemeral && input.state_dir.is_none() {
        return Err("spec.exporter.state is ephemeral, so that no baseline is saved: name the folder that the exporter \
                    keeps its state in by --state-dir, or give the state a place in the manifest"
            .to_owned());
    }
    let saved = archive::load(&store).await;
    let saved = saved.map_err(|error| error.to_string())?;
    Ok((config, saved))
}

fn print<T: Serialize>(
    output: Output,
    answer: &T,
    table: fn(&T) -> String,
) -> Result<String, String> {
    match output {
        Output::Table => Ok(table(answer)),
        Output::Json => serde_json::to_string_pretty(answer).map_err(|error| error.to_string()),
    }
}

/// What a baseline is made of, as the manifest says it: fields and their values.
fn definition(baseline: &Baseline) -> Vec<(&'static str, String)> {
    use crate::baseline::Windows;
    let definition = &baseline.definition;
    let windows = match &definition.windows {
        Windows::Pinned(span) => format!("pinned, {} to {}", span.start, span.end),
        Windows::Rolling(windows) => format!("rolling, {windows} windows"),
        Windows::Previous => "previous".to_owned(),
        Windows::Seasonal {
            period,
            cycles,
            zone,
            ..
        } => format!("seasonal, {period}, {cycles} cycles, {zone}"),
    };
    let excluded: Vec<String> = definition
        .excluded
        .iter()
        .map(|time| format!("{} to {}", time.start, time.end))
        .collect();
    let mut fields = vec![
        ("spec.baseline", windows),
        ("spec.baseline.revision", definition.revision.to_string()),
        (
            "spec.baseline.excluded",
            match excluded.is_empty() {
                true => "none".to_owned(),
                false => excluded.join(", "),
            },
        ),
    ];
    match &definition.grid {
        None => fields.push(("spec.data.window", "none".to_owned())),
        Some((column, micros, anchor)) => fields.extend([
            ("spec.data.window.column", column.clone()),
            (
                "spec.data.window.length",
                duration::display(Duration::from_micros(micros.unsigned_abs())),
            ),
            ("spec.data.window.anchor", anchor.to_string()),
        ]),
    }
    fields
}
