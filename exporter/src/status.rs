//! What the exporter says about itself at `/-/status`, for the operator.

use crds::handoff::{
    self, BaselineStatus, EvaluationStatus, ExporterStatus, FeaturesStatus, MissingReference,
    SourceStatus,
};
use crds::valid::{FileKind, Monitor, State};

use crate::snapshot::{BaselineState, Snapshot};
use crate::source::{SecretsDir, SourceError};

/// The status of a monitor. `config_error` says why a newer manifest was refused.
pub fn status(
    snapshot: &Snapshot,
    config_error: Option<String>,
    references_missing: Vec<MissingReference>,
) -> ExporterStatus {
    let failure = snapshot
        .evaluation
        .as_ref()
        .and_then(|evaluation| evaluation.failure.as_ref());
    let source_failure = failure.filter(|_| snapshot.source_up == Some(false));
    let expected = snapshot.features.iter().filter(|f| f.expected);
    let present = expected.clone().filter(|f| f.present == Some(true));
    ExporterStatus {
        version: handoff::VERSION,
        exporter_version: env!("CARGO_PKG_VERSION").to_owned(),
        namespace: snapshot.monitor.namespace.clone(),
        name: snapshot.monitor.name.clone(),
        config_hash: snapshot.config_hash.clone(),
        config_error,
        references_missing,
        source: SourceStatus {
            up: snapshot.source_up,
            supply: snapshot
                .updates
                .map(|updates| updates.supply.as_str().to_owned()),
            reason: source_failure.map(|failure| failure.reason.as_str().to_owned()),
            message: source_failure.map(|failure| failure.message.clone()),
        },
        baseline: match &snapshot.baseline {
            BaselineState::Ready(info) => Some(BaselineStatus {
                kind: info.kind.to_owned(),
                version: info.version.into(),
                revision: info.revision,
                digest: info.digest.clone(),
                windows: info.windows,
                rows: info.rows,
            }),
            BaselineState::Absent | BaselineState::Forming { .. } => None,
        },
        features: FeaturesStatus::new(expected.count() as u32, present.count() as u32),
        last_evaluation: snapshot
            .evaluation
            .as_ref()
            .map(|evaluation| EvaluationStatus {
                success: failure.is_none(),
                reason: failure.map(|failure| failure.reason.as_str().to_owned()),
                message: failure.map(|failure| failure.message.clone()),
                timestamp: evaluation.at,
                window_start: snapshot.judged.map(|judged| judged.span.start),
                window_end: snapshot.judged.map(|judged| judged.span.end),
            }),
    }
}

/// The files that a manifest refers to and that are not mounted.
pub fn references_missing(monitor: &Monitor, secrets: &SecretsDir) -> Vec<MissingReference> {
    let files = monitor.files().into_iter();
    let mut missing: Vec<MissingReference> = files
        .filter(|file| matches!(secrets.read(file), Err(SourceError::SecretMissing { .. })))
        .map(|file| MissingReference {
            kind: match file.kind {
                FileKind::Secret => "Secret".to_owned(),
                FileKind::ConfigMap => "ConfigMap".to_owned(),
            },
            name: file.name.clone(),
            key: Some(file.key.clone()),
        })
        .collect();
    if let State::Url {
        credentials: Some(name),
        ..
    } = &monitor.state
        && !secrets.has(name)
    {
        missing.push(MissingReference {
            kind: "Secret".to_owned(),
            name: name.clone(),
            key: None,
        });
    }
    missing
}
