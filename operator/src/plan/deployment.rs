//! The exporter's Deployment: one pod, restricted, without a token. Only what shapes the pod stands in it; everything else
//! is in the ConfigMap, which the exporter reads again.

use std::collections::{BTreeMap, BTreeSet};

use crds::exporter::Resources;
use crds::labels::Amounts;
use crds::valid::{FileKind, State};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, HTTPGetAction, KeyToPath,
    LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretVolumeSource,
    SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use program::log::LogFormat;

use super::{PORT, PORT_NAME, Wanted, child_name, config_map, has_claim, labels, meta, selector};

const CONFIG: &str = "/etc/feature-monitor/config";
const SECRETS: &str = "/etc/feature-monitor/secrets";
const STATE: &str = "/var/lib/feature-monitor";

pub(super) fn deployment(wanted: Wanted<'_>) -> Deployment {
    // A claim is for one pod at a time: the old one must be gone before the new one starts.
    let strategy = match has_claim(wanted.monitor) {
        true => DeploymentStrategy {
            type_: Some("Recreate".to_owned()),
            rolling_update: None,
        },
        // Said in full: what an API server fills in is nobody's, stays when the strategy changes, and is refused then.
        false => DeploymentStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: Some(RollingUpdateDeployment {
                max_surge: Some(IntOrString::Int(1)),
                max_unavailable: Some(IntOrString::Int(0)),
            }),
        },
    };
    Deployment {
        metadata: meta(wanted),
        spec: DeploymentSpec {
            replicas: Some(1),
            revision_history_limit: Some(2),
            selector: LabelSelector {
                match_labels: Some(selector(&wanted.monitor.name)),
                ..LabelSelector::default()
            },
            strategy: Some(strategy),
            template: template(wanted),
            ..DeploymentSpec::default()
        },
        ..Deployment::default()
    }
}

fn template(wanted: Wanted<'_>) -> PodTemplateSpec {
    let (settings, pod) = (&wanted.settings.exporter, &wanted.monitor.pod);
    let mut all_labels = settings.pod_labels.clone();
    all_labels.extend(pod.labels.clone());
    // Last, so that no setting takes the pod out of its selector.
    all_labels.extend(labels::labels(&wanted.monitor.name));
    let mut annotations = settings.pod_annotations.clone();
    annotations.extend(pod.annotations.clone());
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(all_labels),
            annotations: Some(annotations).filter(|all| !all.is_empty()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            service_account_name: Some(child_name(&wanted.monitor.name)),
            automount_service_account_token: Some(false),
            // The environment of every Service in the namespace is none of an exporter's business.
            enable_service_links: Some(false),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: settings.run_as_user,
                run_as_group: settings.run_as_user,
                fs_group: settings.fs_group,
                fs_group_change_policy: settings.fs_group.map(|_| "OnRootMismatch".to_owned()),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            image_pull_secrets: list(
                settings
                    .image_pull_secrets
                    .iter()
                    .map(|name| LocalObjectReference { name: name.clone() }),
            ),
            node_selector: Some(pod.node_selector.clone()).filter(|all| !all.is_empty()),
            tolerations: list(pod.tolerations.iter().cloned()),
            affinity: pod.affinity.clone(),
            priority_class_name: pod.priority_class.clone(),
            containers: vec![container(wanted)],
            volumes: list(mounts(wanted).into_iter().map(|(volume, _)| volume)),
            ..PodSpec::default()
        }),
    }
}

fn container(wanted: Wanted<'_>) -> Container {
    let settings = &wanted.settings.exporter;
    let mut args = vec![
        "run".to_owned(),
        format!("--file={CONFIG}/{}", config_map::FILE),
        format!("--secrets-dir={SECRETS}"),
        format!("--web.listen-address=:{PORT}"),
    ];
    if has_claim(wanted.monitor) {
        args.push(format!("--state-dir={STATE}"));
    }
    if settings.log_format == LogFormat::Json {
        args.push("--log.format=json".to_owned());
    }
    let resources = wanted.monitor.pod.resources.as_ref();
    Container {
        name: "exporter".to_owned(),
        image: Some(settings.image.clone()),
        image_pull_policy: Some(settings.image_pull_policy.clone()),
        args: Some(args),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: i32::from(PORT),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        startup_probe: Some(probe("/-/healthy", 1, 60)),
        liveness_probe: Some(probe("/-/healthy", 10, 3)),
        readiness_probe: Some(probe("/-/ready", 5, 3)),
        resources: Some(requirements(resources.unwrap_or(&settings.resources))),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: list(mounts(wanted).into_iter().map(|(_, mount)| mount)),
        ..Container::default()
    }
}

/// The volumes, each with the place where it is mounted.
fn mounts(wanted: Wanted<'_>) -> Vec<(Volume, VolumeMount)> {
    let named = |name: &str, place: String, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: place,
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    let child = child_name(&wanted.monitor.name);
    let config = Volume {
        name: "config".to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: child.clone(),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    };
    let mut mounts = vec![(config, named("config", CONFIG.to_owned(), true))];
    if has_claim(wanted.monitor) {
        let state = Volume {
            name: "state".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: child,
                ..PersistentVolumeClaimVolumeSource::default()
            }),
            ..Volume::default()
        };
        mounts.push((state, named("state", STATE.to_owned(), false)));
    }
    for (i, ((kind, name), keys)) in references(wanted).into_iter().enumerate() {
        let volume = format!("reference-{i}");
        let place = format!("{SECRETS}/{name}");
        mounts.push((
            reference(volume.clone(), kind, name, keys),
            named(&volume, place, true),
        ));
    }
    mounts
}

/// The Secrets and ConfigMaps that the monitor refers to, each with its keys; `None` takes all keys. Only the keys that
/// are referred to are mounted. The names are the manifest's, so volumes are numbered: a name may be too long for one.
fn references<'a>(wanted: Wanted<'a>) -> BTreeMap<(FileKind, &'a str), Option<BTreeSet<&'a str>>> {
    let mut references: BTreeMap<_, Option<BTreeSet<&str>>> = BTreeMap::new();
    for file in wanted.monitor.files() {
        references
            .entry((file.kind, file.name.as_str()))
            .or_insert_with(|| Some(BTreeSet::new()))
            .get_or_insert_default()
            .insert(&file.key);
    }
    if let State::Url {
        credentials: Some(name),
        ..
    } = &wanted.monitor.state
    {
        references.insert((FileKind::Secret, name), None);
    }
    references
}

/// A Secret or ConfigMap as a volume. It may be missing: the exporter says so, and reads it when it comes.
fn reference(volume: String, kind: FileKind, name: &str, keys: Option<BTreeSet<&str>>) -> Volume {
    let items = keys.map(|keys| {
        let items = keys.into_iter().map(|key| KeyToPath {
            key: key.to_owned(),
            path: key.to_owned(),
            ..KeyToPath::default()
        });
        items.collect()
    });
    let mut volume = Volume {
        name: volume,
        ..Volume::default()
    };
    match kind {
        FileKind::Secret => {
            volume.secret = Some(SecretVolumeSource {
                secret_name: Some(name.to_owned()),
                items,
                optional: Some(true),
                ..SecretVolumeSource::default()
            });
        }
        FileKind::ConfigMap => {
            volume.config_map = Some(ConfigMapVolumeSource {
                name: name.to_owned(),
                items,
                optional: Some(true),
                ..ConfigMapVolumeSource::default()
            });
        }
    }
    volume
}

fn probe(path: &str, period_seconds: i32, failure_threshold: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(PORT_NAME.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        failure_threshold: Some(failure_threshold),
        ..Probe::default()
    }
}

fn requirements(resources: &Resources) -> ResourceRequirements {
    let quantities = |amounts: &Option<Amounts>| {
        let amounts = amounts.as_ref()?.0.iter();
        let quantities: BTreeMap<_, _> = amounts
            .map(|(name, amount)| (name.clone(), Quantity(amount.0.clone())))
            .collect();
        Some(quantities).filter(|all| !all.is_empty())
    };
    ResourceRequirements {
        requests: quantities(&resources.requests),
        limits: quantities(&resources.limits),
        ..ResourceRequirements::default()
    }
}

/// A list that is left out when it is empty: server-side apply would own the empty list.
fn list<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    Some(items).filter(|items| !items.is_empty())
}
