//! What the operator can say without a cluster.

use std::path::Path;

use crds::manifest::Loaded;
use crds::valid::Monitor;
use crds::{manifest, schema};
use dashboards::{alertmanager, boards, rules};
use serde::Serialize;

use crate::apis::Apis;
use crate::cli::{Plan, Render};
use crate::plan::{Wanted, plan as children};
use crate::settings::Settings;

/// Every child of some manifests, as YAML documents.
///
/// # Errors
/// What is wrong with the settings or with a manifest, each with its file.
pub fn plan(args: &Plan) -> Result<String, String> {
    let settings = settings(args.settings.as_deref())?;
    let mut text = String::new();
    for file in &args.files {
        let loaded = load(file)?;
        text.push_str(&notes(&loaded.monitor));
        text.push_str(&unzoned(&loaded.monitor));
        let wanted = Wanted {
            monitor: &loaded.monitor,
            config: &loaded.config,
            owner: None,
            settings: &settings,
            apis: Apis::ALL,
        };
        for (_, child) in children(wanted).into_children() {
            let Some(child) = child else { continue };
            text.push_str("---\n");
            text.push_str(&serde_saphyr::to_string(&child).map_err(|error| error.to_string())?);
        }
    }
    Ok(text)
}

/// Writes the rules of some manifests and those about all monitors, the routes of those manifests, and the boards; says which
/// files it wrote.
///
/// # Errors
/// What is wrong with the settings or with a manifest, each with its file, or with the folder.
pub fn render(args: &Render) -> Result<String, String> {
    let mut settings = settings(args.settings.as_deref())?;
    if let Some(address) = &args.grafana_url {
        settings.links.grafana.clone_from(address);
    }
    if let Some(address) = &args.runbook_url {
        settings.links.runbooks.clone_from(address);
    }
    let interval = args
        .rule_interval
        .unwrap_or(settings.prometheus_rule.interval)
        .0;
    let links = settings.links.into();
    let of_all = rules::of_all(&args.operator_namespace, &links, interval);
    let mut files = vec![("rules/feature-monitor.yaml".to_owned(), yaml(&of_all)?)];
    let mut monitors = Vec::new();
    for file in &args.files {
        let monitor = load(file)?.monitor;
        let name = format!("rules/{}.{}.yaml", monitor.namespace, monitor.name);
        if files.iter().any(|(known, _)| *known == name) {
            let (namespace, name) = (monitor.namespace, monitor.name);
            return Err(format!(
                "{}: {namespace}/{name} is in two files",
                file.display()
            ));
        }
        let rules = rules::of_monitor(&monitor, &links, interval);
        files.push((name, notes(&monitor) + &yaml(&rules)?));
        monitors.push(monitor);
    }
    let told: Vec<&Monitor> = (monitors.iter())
        .filter(|monitor| monitor.notifications.is_some())
        .collect();
    if !told.is_empty() {
        let routes = alertmanager::plain(&told, &args.secrets_dir);
        files.push((
            "alertmanager.yaml".to_owned(),
            UNROUTED.to_owned() + &yaml(&routes)?,
        ));
    }
    for (_, text) in &mut files {
        text.insert_str(
            0,
            "# Written by `feature-monitor-operator render`. Do not edit.\n",
        );
    }
    // JSON has no comments.
    for board in boards::all() {
        let json = board.json().map_err(|error| error.to_string())?;
        files.push((format!("boards/{}.json", board.uid), json));
    }
    // All is known to be right before the first file is written.
    for folder in ["rules", "boards"].map(|folder| args.output.join(folder)) {
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut written = String::new();
    for (name, text) in files {
        let path = args.output.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        written.push_str(&format!("{}\n", path.display()));
    }
    Ok(written)
}

/// What a configuration of Alertmanager says on top.
const UNROUTED: &str = "\
# Nobody is told of alerts that are not of one of these monitors, such as those about the operator: merge routes and
# receivers for them in.
";

fn yaml(content: &impl Serialize) -> Result<String, String> {
    serde_saphyr::to_string(content).map_err(|error| error.to_string())
}

/// What holds and may not be what somebody expects, as comments of YAML.
fn notes(monitor: &Monitor) -> String {
    let key = format!("{}/{}", monitor.namespace, monitor.name);
    let lines = monitor
        .notes()
        .into_iter()
        .map(|note| format!("# {key}: {note}\n"));
    lines.collect()
}

/// Which times an AlertmanagerConfig cannot have, as comments of YAML.
fn unzoned(monitor: &Monitor) -> String {
    let told = monitor.notifications.iter();
    let lines = told.flat_map(|told| told.zoned()).map(|mute| {
        format!(
            "# {}/{}: notifications: mute {} is not in the AlertmanagerConfig, whose times are of UTC.\n",
            monitor.namespace, monitor.name, mute.name
        )
    });
    lines.collect()
}

fn settings(file: Option<&Path>) -> Result<Settings, String> {
    match file {
        Some(file) => Settings::read(file).map_err(|error| error.to_string()),
        None => Ok(Settings::default()),
    }
}

fn load(file: &Path) -> Result<Loaded, String> {
    let said = |error: String| format!("{}:\n{error}", file.display());
    let manifest = std::fs::read_to_string(file).map_err(|error| said(error.to_string()))?;
    manifest::load(&manifest).map_err(|error| said(error.to_string()))
}

/// The CustomResourceDefinition.
///
/// # Errors
/// When it has no form in YAML, which a test excludes.
pub fn crd() -> Result<String, String> {
    schema::crd_yaml().map_err(|error| error.to_string())
}
