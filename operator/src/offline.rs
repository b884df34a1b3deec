//! What the operator can say without a cluster.

use std::path::Path;

use crds::{manifest, schema};

use crate::apis::Apis;
use crate::cli::Plan;
use crate::plan::{Wanted, plan as children};
use crate::settings::Settings;

/// Every child of some manifests, as YAML documents.
///
/// # Errors
/// What is wrong with the settings or with a manifest, each with its file.
pub fn plan(args: &Plan) -> Result<String, String> {
    let settings = match &args.settings {
        Some(file) => Settings::read(file).map_err(|error| error.to_string())?,
        None => Settings::default(),
    };
    let mut text = String::new();
    for file in &args.files {
        one(file, &settings, &mut text).map_err(|error| format!("{}:\n{error}", file.display()))?;
    }
    Ok(text)
}

fn one(file: &Path, settings: &Settings, text: &mut String) -> Result<(), String> {
    let manifest = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let loaded = manifest::load(&manifest).map_err(|error| error.to_string())?;
    let wanted = Wanted {
        monitor: &loaded.monitor,
        config: &loaded.config,
        owner: None,
        settings,
        apis: Apis::ALL,
    };
    for (_, child) in children(wanted).into_children() {
        let Some(child) = child else { continue };
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(&child).map_err(|error| error.to_string())?);
    }
    Ok(())
}

/// The CustomResourceDefinition.
///
/// # Errors
/// When it has no form in YAML, which a test excludes.
pub fn crd() -> Result<String, String> {
    schema::crd_yaml().map_err(|error| error.to_string())
}
