//! What `make bench-operator` needs beside the operator: a plain client that makes the same children, as fast as the API
//! server takes them, and whatever else is made by the thousand. The bench, `tests/bench/convergence.py`, calls it.
//!
//! ```text
//! bench_client namespace  --namespace NAMESPACE
//! bench_client monitors   --namespace NAMESPACE --count N --file MANIFEST --notifications-of MANIFEST
//! bench_client children   --namespace NAMESPACE --settings FILE
//! bench_client available  --namespace NAMESPACE --count N
//! bench_client unrelated  --namespace NAMESPACE --secrets N --config-maps N
//! ```
//!
//! KUBECONFIG names the cluster. Nothing is printed but errors: when which request came and was answered is in the API
//! server's audit log.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use crds::handoff::ExporterConfig;
use crds::{FeatureMonitor, valid};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, watcher};
use kube::{Client, ResourceExt};
use operator::apis::Apis;
use operator::child::ChildKind;
use operator::controller::owner;
use operator::plan::{Wanted, plan};
use operator::settings::Settings;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Bytes of an unrelated Secret: the largest that an API server takes has 1,048,576.
const SECRET_BYTES: usize = 1_000_000;
/// What an unrelated ConfigMap holds: as much as most do.
const CONFIG_MAP_BYTES: usize = 1_000;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The namespace that everything is in.
    #[arg(long, global = true, default_value = "bench")]
    namespace: String,
    /// How many requests are under way at a time.
    #[arg(long, global = true, default_value_t = 32)]
    concurrency: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the namespace.
    Namespace,
    /// Makes FeatureMonitors after a manifest, with state that is nowhere kept and the notifications of another manifest.
    Monitors {
        #[arg(long)]
        count: usize,
        #[arg(long)]
        file: PathBuf,
        #[arg(long)]
        notifications_of: PathBuf,
    },
    /// Applies the children of every FeatureMonitor that is there, as the operator plans them.
    Children {
        #[arg(long)]
        settings: PathBuf,
    },
    /// Waits until this many Deployments are available.
    Available {
        #[arg(long)]
        count: usize,
    },
    /// Makes objects that are none of the operator's business.
    Unrelated {
        #[arg(long)]
        secrets: usize,
        #[arg(long)]
        config_maps: usize,
    },
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a TLS provider was installed before the program started")?;
    let cluster = Cluster {
        client: Client::try_default().await?,
        namespace: arguments.namespace,
        concurrency: arguments.concurrency,
    };
    match arguments.command {
        Command::Namespace => cluster.namespace().await,
        Command::Monitors {
            count,
            file,
            notifications_of,
        } => {
            let read = |path| -> Result<Value, Failure> {
                Ok(serde_saphyr::from_str(&std::fs::read_to_string(path)?)?)
            };
            let mut manifest = read(file)?;
            manifest["spec"]["notifications"] =
                read(notifications_of)?["spec"]["notifications"].take();
            cluster.monitors(count, manifest).await
        }
        Command::Children { settings } => cluster.children(&Settings::read(&settings)?).await,
        Command::Available { count } => cluster.available(count).await,
        Command::Unrelated {
            secrets,
            config_maps,
        } => cluster.unrelated(secrets, config_maps).await,
    }
}

struct Cluster {
    client: Client,
    namespace: String,
    concurrency: usize,
}

impl Cluster {
    async fn namespace(&self) -> Result<(), Failure> {
        let namespace = Namespace {
            metadata: named(self.namespace.clone()),
            ..Namespace::default()
        };
        Api::all(self.client.clone())
            .create(&PostParams::default(), &namespace)
            .await?;
        Ok(())
    }

    async fn monitors(&self, count: usize, mut manifest: Value) -> Result<(), Failure> {
        manifest["spec"]["exporter"]["state"] = json!({"ephemeral": {}});
        let monitors = (0..count).map(|number| {
            let mut monitor = manifest.clone();
            monitor["metadata"] = json!({"name": format!("monitor-{number:05}")});
            serde_json::from_value(monitor)
        });
        let monitors: Vec<FeatureMonitor> = monitors.collect::<Result<_, _>>()?;
        self.create(monitors).await
    }

    async fn children(&self, settings: &Settings) -> Result<(), Failure> {
        let monitors: Api<FeatureMonitor> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut children = Vec::new();
        // Planned before the first is sent: only the API server is to be waited for.
        for resource in monitors.list(&ListParams::default()).await? {
            let monitor =
                valid::validate(&resource).map_err(|violations| format!("{violations:?}"))?;
            let plan = plan(Wanted {
                monitor: &monitor,
                config: &ExporterConfig::from(&resource),
                owner: Some(&owner(&resource)),
                settings,
                apis: Apis::ALL,
            });
            let there = |(kind, child): (ChildKind, Option<Value>)| Some((kind, child?));
            children.extend(plan.into_children().into_iter().filter_map(there));
        }
        let params = PatchParams::apply("plain-client").force();
        stream::iter(children)
            .map(Ok)
            .try_for_each_concurrent(self.concurrency, |(kind, child)| {
                let params = &params;
                async move {
                    let api: Api<DynamicObject> = Api::namespaced_with(
                        self.client.clone(),
                        &self.namespace,
                        &kind.resource(),
                    );
                    let name = child["metadata"]["name"].as_str().unwrap_or_default();
                    api.patch(name, params, &Patch::Apply(&child)).await?;
                    Ok(())
                }
            })
            .await
    }

    async fn available(&self, count: usize) -> Result<(), Failure> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = pin!(watcher(deployments, watcher::Config::default()));
        let mut available = HashSet::new();
        while let Some(event) = events.try_next().await? {
            if let watcher::Event::Apply(deployment) | watcher::Event::InitApply(deployment) = event
            {
                let pods = deployment
                    .status
                    .as_ref()
                    .and_then(|s| s.available_replicas);
                if pods >= Some(1) {
                    available.insert(deployment.name_any());
                }
            }
            if available.len() >= count {
                return Ok(());
            }
        }
        Err("the watch ended".into())
    }

    async fn unrelated(&self, secrets: usize, config_maps: usize) -> Result<(), Failure> {
        let bytes = ByteString(vec![b'x'; SECRET_BYTES]);
        let secrets = (0..secrets).map(|number| Secret {
            metadata: named(format!("unrelated-{number:05}")),
            data: Some(BTreeMap::from([("data".to_owned(), bytes.clone())])),
            ..Secret::default()
        });
        self.create(secrets).await?;
        let text = "x".repeat(CONFIG_MAP_BYTES);
        let config_maps = (0..config_maps).map(|number| ConfigMap {
            metadata: named(format!("unrelated-{number:05}")),
            data: Some(BTreeMap::from([("data".to_owned(), text.clone())])),
            ..ConfigMap::default()
        });
        self.create(config_maps).await
    }

    async fn create<K>(&self, objects: impl IntoIterator<Item = K>) -> Result<(), Failure>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
        K: Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
    {
        let api: Arc<Api<K>> = Arc::new(Api::namespaced(self.client.clone(), &self.namespace));
        stream::iter(objects)
            .map(Ok)
            .try_for_each_concurrent(self.concurrency, |object| {
                let api = api.clone();
                async move {
                    api.create(&PostParams::default(), &object).await?;
                    Ok(())
                }
            })
            .await
    }
}

fn named(name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        ..ObjectMeta::default()
    }
}
