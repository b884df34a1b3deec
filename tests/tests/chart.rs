//! The Helm chart as helm renders it: what it makes for sets of values, what it refuses, and what it must never grant.
//! That an API server takes it is tested where one runs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use harness::tools;
use serde_json::{Value, json};

/// Sets of values: a file in tests/chart each, but the default.
const SETS: [&str; 5] = [
    "default",
    "minimal",
    "namespaced",
    "openshift",
    "everything",
];

/// A group, a resource and a verb.
type Permission = (String, String, String);

#[test]
fn renders_what_it_rendered() {
    for set in SETS {
        insta::assert_snapshot!(set, shortened(&rendered(set, &[])));
    }
}

#[test]
fn lint_has_no_complaint() {
    for set in SETS {
        let mut arguments = vec!["lint".into(), chart(), "--strict".into()];
        arguments.extend(values_of(set));
        said(&helm(&arguments));
    }
}

/// Every version that Chart.yaml allows and that there are schemas of.
#[test]
fn objects_have_the_schemas_of_kubernetes() {
    let folder = tempfile::tempdir().unwrap();
    let files = SETS.map(|set| {
        let file = folder.path().join(set).with_extension("yaml");
        let rendered = rendered(set, &[]);
        // The kinds that are not a part of Kubernetes.
        let others = [
            "\nkind: ServiceMonitor\n",
            "\nkind: PrometheusRule\n",
            "\nkind: GrafanaDashboard\n",
        ];
        let documents = rendered
            .split("\n---\n")
            .filter(|document| !others.iter().any(|kind| document.contains(kind)));
        std::fs::write(&file, documents.collect::<Vec<_>>().join("\n---\n")).unwrap();
        file
    });
    let validate = |version: &str, files: &[PathBuf]| {
        Command::new(tools::python().unwrap_or_else(|error| panic!("{error}")))
            .args(["-m", "kubernetes_validate", "--strict"])
            .args(["--kubernetes-version", version])
            .args(files)
            .output()
            .unwrap()
    };
    for minor in 31..=37 {
        let version = format!("1.{minor}");
        let output = validate(&version, &files);
        let lines = said(&output) + &String::from_utf8_lossy(&output.stderr);
        let passed = lines
            .matches(&format!(" against version {version}"))
            .count();
        assert!(passed > 40, "{lines}");
    }
    // It would notice.
    let wrong = folder.path().join("wrong.yaml");
    let right = std::fs::read_to_string(&files[0]).unwrap();
    std::fs::write(&wrong, right.replace("maxUnavailable:", "maxUnavailables:")).unwrap();
    assert!(!validate("1.31", &[wrong]).status.success());
}

/// What `--set-json` is given, and where the refusal says that the fault is.
const REFUSED: &[(&str, &str)] = &[
    ("replica=1", "'replica'"),
    ("replicas=\"two\"", "'/replicas'"),
    ("replicas=-1", "'/replicas'"),
    ("replicas=null", "'replicas'"),
    ("image.name=\"operator\"", "'/image'"),
    ("image.digest=\"sha256:abc\"", "'/image/digest'"),
    ("image.pullPolicy=\"Sometimes\"", "'/image/pullPolicy'"),
    (
        "image.repository=\"https://example.com/x\"",
        "'/image/repository'",
    ),
    (
        "image.repository=\"example.com/x:1.0\"",
        "'/image/repository'",
    ),
    ("imagePullSecrets=[\"registry\"]", "'/imagePullSecrets/0'"),
    ("watchNamespaces=\"ml-prod\"", "'/watchNamespaces'"),
    ("watchNamespaces=[\"ML\"]", "'/watchNamespaces/0'"),
    ("watchNamespaces=[\"a\",\"a\"]", "'/watchNamespaces'"),
    ("crds.keep=\"yes\"", "'/crds/keep'"),
    ("crds.install=true", "'/crds'"),
    ("rbac.create=false", "'/rbac'"),
    ("runAsUser=0", "'/runAsUser'"),
    (
        "resources.limits.memory=\"1 GB\"",
        "'/resources/limits/memory'",
    ),
    ("resources.claims=[]", "'/resources'"),
    ("log.format=\"yaml\"", "'/log/format'"),
    ("concurrency=0", "'/concurrency'"),
    ("extraArgs=[\"plan\"]", "'/extraArgs/0'"),
    ("serviceMonitor.interval=30", "'/serviceMonitor/interval'"),
    ("links.grafana=\"grafana.example.com\"", "'/links/grafana'"),
    ("dashboards.kind=\"Secret\"", "'/dashboards/kind'"),
    ("dashboards.labels.a=1", "'/dashboards/labels/a'"),
    ("dashboards.namespace=\"Boards\"", "'/dashboards/namespace'"),
    (
        "dashboards.instanceSelector={\"app\":\"grafana\"}",
        "'/dashboards/instanceSelector'",
    ),
    (
        "exporter.prometheusRule.interval=\"6m\"",
        "'/exporter/prometheusRule/interval'",
    ),
    (
        "networkPolicy.from=[{\"podSelectors\":{}}]",
        "'/networkPolicy/from/0'",
    ),
    (
        "integrations.labels.release=1",
        "'/integrations/labels/release'",
    ),
    ("exporter.replicas=2", "'/exporter'"),
    (
        "exporter.podLabels={\"team\":\"our team\"}",
        "'/exporter/podLabels/team'",
    ),
    (
        "exporter.networkPolicy.from=\"all\"",
        "'/exporter/networkPolicy/from'",
    ),
    ("fullnameOverride=\"Monitor\"", "'/fullnameOverride'"),
    ("annotations.a=true", "'/annotations/a'"),
    ("tolerations=[{\"operator\":\"Is\"}]", "'/tolerations/0"),
    (
        "topologySpreadConstraints=[{\"maxSkew\":1}]",
        "'/topologySpreadConstraints/0'",
    ),
    ("affinity.podAntiaffinity={}", "'/affinity'"),
    (
        "alertmanagerConfig.receivers=[{}]",
        "'/alertmanagerConfig/receivers/0'",
    ),
    (
        "alertmanagerConfig={\"enabled\":true,\"receivers\":[],\"critical\":\"oncall\",\"warning\":\"\",\"watchdog\":\"\"}",
        "alertmanagerConfig.critical names the receiver \"oncall\"",
    ),
];

#[test]
fn wrong_values_are_refused_by_name() {
    for (given, place) in REFUSED {
        let output = template(&["--set-json".into(), (*given).into()]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "`{given}` is taken");
        assert!(
            errors.contains(place),
            "`{given}` without {place}:\n{errors}"
        );
    }
}

#[test]
fn schema_and_defaults_name_the_same_values() {
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let defaults: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let mut open = Vec::new();
    // Each path of the schema, and whether names follow below it.
    let mut named = BTreeMap::new();
    walk(&schema, &schema, "", &mut |path, schema| {
        let group = schema.get("properties").is_some();
        if group && schema["additionalProperties"] != json!(false) {
            open.push(path.to_owned());
        }
        named.insert(path.to_owned(), group);
    });
    assert_eq!(open, Vec::<String>::new(), "objects that take any name");
    // Helm gives it to charts that others depend on.
    assert!(named.remove(".global").is_some());
    let unnamed: Vec<String> = leaves(&defaults, "")
        .into_iter()
        .filter(|path| {
            // A default may hold names that the schema leaves free, such as requests.cpu.
            let mut free = named.iter().filter(|(_, group)| !**group);
            let free = free.any(|(known, _)| path.starts_with(&format!("{known}.")));
            !free && !named.contains_key(path)
        })
        .collect();
    assert_eq!(unnamed, Vec::<String>::new(), "not in values.schema.json");
    let without_default: Vec<&String> = named
        .keys()
        .filter(|path| !path.contains("[]"))
        .filter(|path| defaults.pointer(&path.replace('.', "/")).is_none())
        // Its names are Kubernetes'.
        .filter(|path| !path.starts_with(".affinity."))
        .filter(|path| !path.starts_with(".dashboards.instanceSelector."))
        .collect();
    assert_eq!(without_default, Vec::<&String>::new(), "not in values.yaml");
}

/// A value that no set changes could be read by no template, and no snapshot would show it.
#[test]
fn every_value_is_changed_by_a_set() {
    let defaults: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let sets: Vec<Value> = SETS
        .iter()
        .filter_map(|set| values_of(set).pop())
        .map(|file| serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
        .collect();
    for path in leaves(&defaults, "") {
        let pointer = path.replace('.', "/");
        let default = defaults.pointer(&pointer);
        let mut given = sets.iter().filter_map(|set| set.pointer(&pointer));
        assert!(given.any(|value| Some(value) != default), "{path}");
    }
}

#[test]
fn namespaced_is_nowhere_cluster_wide() {
    let objects = objects("namespaced");
    for object in &objects {
        assert!(
            !kind(object).starts_with("Cluster"),
            "{} {}",
            kind(object),
            name(object)
        );
    }
    let places = |wanted: &str| -> BTreeSet<(String, String)> {
        let of_kind = objects.iter().filter(|object| kind(object) == wanted);
        of_kind
            .map(|object| {
                let namespace = object["metadata"]["namespace"].as_str().unwrap();
                (namespace.to_owned(), name(object).to_owned())
            })
            .collect()
    };
    let expected: BTreeSet<(String, String)> = [
        ("feature-monitor", "feature-monitor-operator"),
        ("feature-monitor", "feature-monitor-operator-lease"),
        ("ml-prod", "feature-monitor-operator"),
    ]
    .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
    .into();
    assert_eq!(places("Role"), expected);
    assert_eq!(places("RoleBinding"), expected);
    let arguments = &container(&objects)["args"];
    assert!(
        arguments
            .as_array()
            .unwrap()
            .contains(&json!("--watch-namespaces=feature-monitor,ml-prod")),
        "{arguments}"
    );
}

#[test]
fn namespaces_get_the_rights_that_a_cluster_gets() {
    let cluster = permissions(&objects("default"), |object| {
        name(object).starts_with("feature-monitor-operator")
    });
    for namespace in ["feature-monitor", "ml-prod"] {
        let here = permissions(&objects("namespaced"), |object| {
            object["metadata"]["namespace"] == namespace || name(object).ends_with("-lease")
        });
        assert_eq!(here, cluster, "{namespace}");
    }
}

#[test]
fn permissions_are_few_and_none_is_on_secrets() {
    for set in SETS {
        let all = permissions(&objects(set), |_| true);
        for (group, resource, verb) in &all {
            let said = format!("{set}: {group} {resource} {verb}");
            for part in [group, resource, verb] {
                assert!(!part.contains('*'), "{said}");
            }
            assert!(!resource.contains("secret"), "{said}");
            assert!(
                !resource.contains('/') || resource == "featuremonitors/status",
                "{said}"
            );
            assert!(group != "rbac.authorization.k8s.io", "{said}");
            assert!(
                !["escalate", "bind", "impersonate"].contains(&verb.as_str()),
                "{said}"
            );
        }
        assert!(all.len() <= 70, "{set}: {}", all.len());
    }
}

/// The page gives a reason for each line; a line without one, or a reason without a line, is an error.
#[test]
fn permissions_are_explained() {
    let page = std::fs::read_to_string(root().join("docs/permissions.md")).unwrap();
    let explained: BTreeSet<Permission> = page
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [group, resources, verbs, why] = cells[..] else {
                return None;
            };
            let coded = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
            let group = coded(group)?;
            assert!(!why.is_empty(), "{line}");
            let mut lines = Vec::new();
            for resource in resources.split(", ") {
                for verb in verbs.split(", ") {
                    let group = if group == "core" { "" } else { &group };
                    lines.push((group.to_owned(), coded(resource)?, verb.to_owned()));
                }
            }
            Some(lines)
        })
        .flatten()
        .collect();
    let granted = permissions(&objects("default"), |object| {
        name(object).starts_with("feature-monitor-operator")
    });
    assert_eq!(explained, granted);
}

/// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#[test]
fn the_pod_is_restricted() {
    for set in SETS {
        let objects = objects(set);
        let pod = &deployment(&objects)["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{set}");
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
            "{set}"
        );
        for host in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
            assert!(pod.get(host).is_none(), "{set}: {host}");
        }
        let volumes = pod["volumes"].as_array().unwrap();
        assert!(
            volumes
                .iter()
                .all(|volume| volume.get("configMap").is_some()),
            "{set}: {volumes:?}"
        );
        let container = container(&objects);
        assert_eq!(
            container["securityContext"],
            json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            }),
            "{set}"
        );
        for probe in ["livenessProbe", "readinessProbe"] {
            assert_eq!(container[probe]["httpGet"]["port"], "metrics", "{set}");
        }
        let user = pod["securityContext"].get("runAsUser").cloned();
        let expected = match set {
            "openshift" => None,
            "everything" => Some(json!(1_000_680_000)),
            _ => Some(json!(65532)),
        };
        assert_eq!(user, expected, "{set}");
    }
}

#[test]
fn only_several_pods_have_a_disruption_budget() {
    for (replicas, expected) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        let objects = parsed(&rendered(
            "default",
            &["--set".into(), format!("replicas={replicas}")],
        ));
        let budgets: Vec<&Value> = objects
            .iter()
            .filter(|object| kind(object) == "PodDisruptionBudget")
            .collect();
        assert_eq!(budgets.len(), expected, "{replicas}");
        for budget in budgets {
            assert_eq!(budget["spec"]["maxUnavailable"], 1);
            assert_eq!(budget["spec"]["unhealthyPodEvictionPolicy"], "AlwaysAllow");
            assert!(budget["spec"].get("minAvailable").is_none());
        }
    }
}

/// The links of the chart's rules are those of its values, and without an address there are none; promtool accepts both.
#[test]
fn rules_have_the_links_that_values_give() {
    let rules = |given: &[&str]| {
        let given = [&["prometheusRule.enabled=true"], given].concat();
        let set = |value: &&str| ["--set".to_owned(), (*value).to_owned()];
        let arguments: Vec<String> = given.iter().flat_map(set).collect();
        let objects = parsed(&rendered("default", &arguments));
        let rule = objects
            .iter()
            .find(|object| kind(object) == "PrometheusRule");
        let spec = rule.unwrap()["spec"].to_string();
        tools::promtool_accepts(&spec);
        spec
    };
    let linked = rules(&["links.grafana=https://grafana.example.com/"]);
    assert!(
        linked.contains("https://grafana.example.com/d/featuremonitor-health\""),
        "{linked}"
    );
    assert!(linked.contains("/docs/runbooks/Watchdog.md"), "{linked}");
    let plain = rules(&["links.runbooks="]);
    assert!(!plain.contains("_url"), "{plain}");
    for placeholder in ["GRAFANA_URL", "RUNBOOKS_URL", "NAMESPACE"] {
        assert!(!linked.contains(placeholder) && !plain.contains(placeholder));
    }
}

/// Each board arrives byte for byte, under both kinds: Grafana's `{{…}}` is not Helm's.
#[test]
fn boards_arrive_as_they_were_generated() {
    let folder = root().join("charts/feature-monitor/files/boards");
    let files: BTreeMap<String, String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    assert_eq!(files.len(), 6);
    let is_board = |object: &&Value| name(object).contains("-board-");
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    let maps = objects("openshift");
    let mut found = BTreeMap::new();
    for map in maps.iter().filter(is_board) {
        assert_eq!(kind(map), "ConfigMap");
        // What the sidecar of Grafana's chart looks for.
        assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        let annotations = &map["metadata"]["annotations"];
        assert_eq!(annotations["grafana_folder"], "Feature monitors");
        let data = map["data"].as_object().unwrap();
        found.extend(data.iter().map(|(file, board)| (file.clone(), text(board))));
    }
    assert_eq!(found, files);

    // The names and types of the Grafana Operator's own definition, as its documentation has them.
    let resources = objects("everything");
    let mut found = BTreeSet::new();
    for resource in resources.iter().filter(is_board) {
        assert_eq!(resource["apiVersion"], "grafana.integreatly.org/v1beta1");
        assert_eq!(kind(resource), "GrafanaDashboard");
        assert_eq!(resource["metadata"]["namespace"], "grafana");
        let mut spec = resource["spec"].as_object().unwrap().clone();
        found.insert(text(&spec.remove("json").unwrap()));
        assert_eq!(
            Value::Object(spec),
            json!({
                "instanceSelector": {"matchLabels": {"dashboards": "grafana"}},
                "allowCrossNamespaceImport": true,
                "folder": "Feature monitors",
            })
        );
    }
    assert_eq!(found, files.into_values().collect::<BTreeSet<_>>());
    assert!(!objects("default").iter().any(|object| is_board(&object)));
}

/// An upgrade that changes a selector is refused by the API server.
#[test]
fn selectors_hold_only_what_an_upgrade_keeps() {
    for set in SETS {
        let selector = json!({
            "app.kubernetes.io/name": "feature-monitor-operator",
            "app.kubernetes.io/instance": "feature-monitor",
        });
        for object in objects(set) {
            let place = match kind(&object) {
                "Deployment" | "PodDisruptionBudget" | "ServiceMonitor" => {
                    "/spec/selector/matchLabels"
                }
                "NetworkPolicy" => "/spec/podSelector/matchLabels",
                "Service" => "/spec/selector",
                _ => continue,
            };
            assert_eq!(
                object.pointer(place),
                Some(&selector),
                "{set}: {}",
                kind(&object)
            );
            if kind(&object) == "Deployment" {
                let labels = &object["spec"]["template"]["metadata"]["labels"];
                for (label, value) in selector.as_object().unwrap() {
                    assert_eq!(&labels[label], value, "{set}");
                }
            }
        }
    }
}

#[test]
fn the_settings_file_says_what_the_values_say() {
    let settings = |set: &str| -> Value {
        let objects = objects(set);
        serde_saphyr::from_str(settings_file(&objects)).unwrap()
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        settings("default"),
        json!({
            "exporter": {
                "image": format!("ghcr.io/feature-monitor/feature-monitor-exporter:{version}"),
                "imagePullPolicy": "IfNotPresent",
                "imagePullSecrets": [],
                "logFormat": "json",
                "runAsUser": 65532,
                "fsGroup": 65532,
                "resources": {
                    "requests": {"cpu": "50m", "memory": "256Mi"},
                    "limits": {"memory": "1Gi"},
                },
                "podLabels": {},
                "podAnnotations": {},
            },
            "networkPolicy": {"enabled": true, "from": []},
            "serviceMonitor": {"enabled": true, "interval": "30s"},
            "prometheusRule": {"enabled": true, "interval": "30s"},
            "alertmanagerConfig": {"enabled": true},
            "links": {
                "grafana": "",
                "runbooks": "https://github.com/feature-monitor/feature-monitor/blob/main/docs/runbooks",
            },
            "labels": {},
        })
    );
    // Left out, a user would be the operator's default.
    let openshift = settings("openshift");
    assert_eq!(openshift["exporter"].get("runAsUser"), Some(&Value::Null));
    assert_eq!(openshift["exporter"].get("fsGroup"), Some(&Value::Null));
    let everything = settings("everything");
    assert_eq!(everything["exporter"]["fsGroup"], 1_000_680_001);
    assert_eq!(
        everything["exporter"]["imagePullSecrets"],
        json!(["registry", "mirror"])
    );
    assert_eq!(
        everything["labels"],
        json!({"release": "kube-prometheus-stack"})
    );
    // The operator asks exporters for their status: a list of peers must not shut it out.
    let peers = everything["networkPolicy"]["from"].as_array().unwrap();
    assert_eq!(peers.len(), 3);
    assert_eq!(
        peers[2],
        json!({
            "namespaceSelector": {
                "matchLabels": {"kubernetes.io/metadata.name": "feature-monitor"},
            },
            "podSelector": {
                "matchLabels": {
                    "app.kubernetes.io/name": "feature-monitor-operator",
                    "app.kubernetes.io/instance": "feature-monitor",
                },
            },
        })
    );
}

/// The operator takes what the chart writes, and plans by it.
#[test]
fn the_operator_plans_by_the_settings_file() {
    let example = root().join("crds/examples/customer-segmentation.yaml");
    for set in SETS {
        let objects = objects(set);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(settings_file(&objects).as_bytes()).unwrap();
        let output = harness::operator::command()
            .args(["plan", "-f"])
            .arg(&example)
            .arg("--settings")
            .arg(file.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{set}: {output:?}");
        let plan = parsed(&String::from_utf8(output.stdout).unwrap());
        let monitor = plan.iter().find(|object| kind(object) == "ServiceMonitor");
        if set == "everything" {
            let labels = &monitor.unwrap()["metadata"]["labels"];
            assert_eq!(labels["release"], "kube-prometheus-stack");
        }
    }
}

#[test]
fn new_settings_are_new_pods() {
    let checksum = |given: &str| {
        let objects = parsed(&rendered("default", &["--set".into(), given.into()]));
        let template = &deployment(&objects)["spec"]["template"];
        template["metadata"]["annotations"]["checksum/settings"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let default = checksum("replicas=2");
    assert_eq!(checksum("replicas=3"), default);
    for changed in [
        "exporter.image.tag=0.1.1",
        "exporter.serviceMonitor.interval=1m",
        "exporter.prometheusRule.interval=1m",
        "links.grafana=https://grafana.example.com",
        "integrations.labels.release=prometheus",
        "runAsUser=null",
    ] {
        assert_ne!(checksum(changed), default, "{changed}");
    }
}

#[test]
fn a_digest_wins_over_a_tag() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image = |given: String| {
        let objects = parsed(&rendered("default", &["--set".into(), given]));
        container(&objects)["image"].as_str().unwrap().to_owned()
    };
    let repository = "ghcr.io/feature-monitor/feature-monitor-operator";
    assert_eq!(
        image("image.tag=1.2.3".into()),
        format!("{repository}:1.2.3")
    );
    assert_eq!(
        image(format!("image.tag=1.2.3,image.digest={digest}")),
        format!("{repository}@{digest}")
    );
}

#[test]
fn the_crd_is_upgraded_and_kept() {
    let crd = |given: &str| {
        let objects = parsed(&rendered("default", &["--set".into(), given.into()]));
        let found = |object: &&Value| kind(object) == "CustomResourceDefinition";
        objects.iter().find(found).cloned()
    };
    let policy = |crd: &Value| {
        crd["metadata"]["annotations"]
            .get("helm.sh/resource-policy")
            .cloned()
    };
    let kept = crd("crds.keep=true").unwrap();
    assert_eq!(policy(&kept), Some(json!("keep")));
    assert_eq!(policy(&crd("crds.keep=false").unwrap()), None);
    assert_eq!(crd("crds.enabled=false"), None);
    // Nothing is lost on the way through the template.
    let generated = root().join("crds/generated/featuremonitors.featuremonitor.io.yaml");
    let generated: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(generated).unwrap()).unwrap();
    assert_eq!(kept["spec"], generated["spec"]);
    assert_eq!(kept["metadata"]["name"], generated["metadata"]["name"]);
    // What lies in crds/ is installed once and never again.
    assert!(!Path::new(&chart()).join("crds").exists());
}

#[test]
fn names_follow_the_release_and_fit() {
    let longest = "a".repeat(53);
    for (release, expected) in [
        ("feature-monitor", "feature-monitor-operator".to_owned()),
        ("prod", "prod-feature-monitor-operator".to_owned()),
        (&longest, format!("{longest}-operator")),
    ] {
        let output = helm(&["template".into(), release.into(), chart()]);
        let objects = parsed(&said(&output));
        assert_eq!(name(deployment(&objects)), expected);
        for object in &objects {
            assert!(name(object).len() <= 70, "{}", name(object));
            if kind(object) == "Service" {
                assert!(name(object).len() <= 63, "{}", name(object));
            }
        }
        let arguments = container(&objects)["args"].to_string();
        assert!(
            arguments.contains(&format!("\"--lease.name={expected}\"")),
            "{arguments}"
        );
        let leases = permissions_of_names(&objects);
        assert_eq!(leases, BTreeSet::from([expected]));
    }
}

#[test]
fn older_clusters_are_refused() {
    let version = |version: &str| template(&["--kube-version".into(), version.into()]);
    let refused = version("1.30.9");
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && errors.contains(">=1.31.0-0"),
        "{errors}"
    );
    for good in ["1.31.0", "1.33.4-gke.100", "1.37.0"] {
        said(&version(good));
    }
}

#[test]
fn other_charts_can_depend_on_it() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::write(
        parent.path().join("Chart.yaml"),
        format!(
            "apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n  - {{name: feature-monitor, version: {}}}\n",
            env!("CARGO_PKG_VERSION")
        ),
    )
    .unwrap();
    std::fs::write(
        parent.path().join("values.yaml"),
        "global: {region: eu}\nfeature-monitor: {replicas: 1}\n",
    )
    .unwrap();
    let charts = parent.path().join("charts");
    std::fs::create_dir(&charts).unwrap();
    copy(Path::new(&chart()), &charts);
    let output = helm(&["template".into(), "platform".into(), path(parent.path())]);
    let objects = parsed(&said(&output));
    assert_eq!(
        name(deployment(&objects)),
        "platform-feature-monitor-operator"
    );
    assert_eq!(deployment(&objects)["spec"]["replicas"], 1);
}

/// .helmignore must not keep back what a template reads.
#[test]
fn the_package_renders_the_same() {
    let folder = tempfile::tempdir().unwrap();
    said(&helm(&[
        "package".into(),
        chart(),
        "--destination".into(),
        path(folder.path()),
    ]));
    let package = format!("feature-monitor-{}.tgz", env!("CARGO_PKG_VERSION"));
    let mut arguments = template_arguments();
    arguments[2] = path(&folder.path().join(package));
    assert_eq!(said(&helm(&arguments)), rendered("default", &[]));
}

#[test]
fn versions_are_the_workspaces() {
    let meta: Value = serde_saphyr::from_str(&read("Chart.yaml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(meta["version"], version);
    assert_eq!(meta["appVersion"], version);
    let images = meta["annotations"]["artifacthub.io/images"]
        .as_str()
        .unwrap();
    let images: Value = serde_saphyr::from_str(images).unwrap();
    let objects = objects("default");
    let settings = settings_file(&objects);
    assert_eq!(images[0]["image"], container(&objects)["image"]);
    assert!(
        settings.contains(images[1]["image"].as_str().unwrap()),
        "{images}"
    );
}

#[test]
fn generated_parts_are_up_to_date() {
    said(&generate(&root()));
}

#[test]
fn stale_generated_parts_are_named() {
    let checkout = tempfile::tempdir().unwrap();
    let crds = checkout.path().join("crds");
    std::fs::create_dir(&crds).unwrap();
    copy(&root().join("crds/generated"), &crds);
    copy(&root().join("charts"), checkout.path());
    let chart = checkout.path().join("charts/feature-monitor");
    let change = |file: PathBuf, from: &str, to: &str| {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{}: {from}", file.display());
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    };
    let complaint = || {
        let output = generate(checkout.path());
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    said(&generate(checkout.path()));
    let crd = "featuremonitors.featuremonitor.io.yaml";
    change(crds.join("generated").join(crd), "shortNames", "names");
    let errors = complaint();
    assert!(
        errors.contains(&format!("charts/feature-monitor/files/{crd}")),
        "{errors}"
    );
    assert!(!errors.contains("README.md"), "{errors}");
    change(chart.join("values.yaml"), "replicas: 2", "replicas: 5");
    let errors = complaint();
    assert!(
        errors.contains("charts/feature-monitor/README.md"),
        "{errors}"
    );
    let priority = "# Priority class of the operator's pods.\n";
    change(chart.join("values.yaml"), priority, "");
    let errors = complaint();
    assert!(
        errors.contains("priorityClassName has no comment"),
        "{errors}"
    );
}

// How the chart is asked.

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn chart() -> String {
    path(&root().join("charts/feature-monitor"))
}

/// A file of the chart.
fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(&chart()).join(file)).unwrap()
}

/// Helm without the settings of the user who runs the tests.
fn helm(arguments: &[String]) -> Output {
    let helm = tools::tool("helm").unwrap_or_else(|error| panic!("{error}"));
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(helm);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HELM_") {
            command.env_remove(name);
        }
    }
    for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(variable, home.path());
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn template_arguments() -> Vec<String> {
    let mut arguments = vec!["template".into(), "feature-monitor".into(), chart()];
    arguments.extend(["--namespace".into(), "feature-monitor".into()]);
    arguments
}

fn template(more: &[String]) -> Output {
    let mut arguments = template_arguments();
    arguments.extend_from_slice(more);
    helm(&arguments)
}

/// The arguments that give helm a set of values.
fn values_of(set: &str) -> Vec<String> {
    if set == "default" {
        return Vec::new();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("chart")
        .join(set);
    vec!["--values".into(), path(&file.with_extension("yaml"))]
}

fn rendered(set: &str, more: &[String]) -> String {
    let mut arguments = values_of(set);
    arguments.extend_from_slice(more);
    said(&template(&arguments))
}

/// What a command that must succeed printed.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    said
}

fn generate(checkout: &Path) -> Output {
    Command::new(tools::python().unwrap_or_else(|error| panic!("{error}")))
        .arg(checkout.join("charts/generate.py"))
        .arg("--check")
        .output()
        .unwrap()
}

fn copy(from: &Path, into: &Path) {
    let status = Command::new("cp").arg("-RL").args([from, into]).status();
    assert!(status.unwrap().success());
}

// What it answered.

fn parsed(rendered: &str) -> Vec<Value> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(rendered).unwrap();
    objects
        .into_iter()
        .filter(|object| !object.is_null())
        .collect()
}

fn objects(set: &str) -> Vec<Value> {
    parsed(&rendered(set, &[]))
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn deployment(objects: &[Value]) -> &Value {
    let mut found = objects.iter().filter(|object| kind(object) == "Deployment");
    let deployment = found.next().unwrap();
    assert!(found.next().is_none());
    deployment
}

fn container(objects: &[Value]) -> &Value {
    let containers = &deployment(objects)["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers.as_array().unwrap().len(), 1);
    &containers[0]
}

/// What the operator is told.
fn settings_file(objects: &[Value]) -> &str {
    let file = |object: &Value| object.pointer("/data/settings.yaml").is_some();
    let map = objects.iter().find(|object| file(object)).unwrap();
    map["data"]["settings.yaml"].as_str().unwrap()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn rules(objects: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<&Value> {
    objects
        .iter()
        .filter(|object| kind(object).ends_with("Role") && wanted(object))
        .flat_map(|role| role["rules"].as_array().unwrap())
        .collect()
}

fn permissions(objects: &[Value], wanted: impl Fn(&Value) -> bool) -> BTreeSet<Permission> {
    let mut all = BTreeSet::new();
    for rule in rules(objects, wanted) {
        assert!(rule.get("nonResourceURLs").is_none(), "{rule}");
        for group in strings(&rule["apiGroups"]) {
            for resource in strings(&rule["resources"]) {
                for verb in strings(&rule["verbs"]) {
                    all.insert((group.to_owned(), resource.to_owned(), verb.to_owned()));
                }
            }
        }
    }
    all
}

/// The names that permissions are restricted to.
fn permissions_of_names(objects: &[Value]) -> BTreeSet<String> {
    rules(objects, |_| true)
        .into_iter()
        .flat_map(|rule| strings(&rule["resourceNames"]))
        .map(str::to_owned)
        .collect()
}

/// What was rendered, less what would bury the rest, the CRD's schema, and what changes with each release.
fn shortened(rendered: &str) -> String {
    let documents: Vec<String> = rendered
        .split("\n---\n")
        .map(|document| match document.split_once("\nspec:\n") {
            Some((head, _)) if head.contains("\nkind: CustomResourceDefinition\n") => {
                format!("{head}\nspec: # as in crds/generated")
            }
            _ => match document.split_once("json: |\n    {\n") {
                Some((head, _)) => format!("{head}json: # as in files/boards"),
                None => document.to_owned(),
            },
        })
        .collect();
    let documents = documents.join("\n---\n");
    let lines = documents.lines().map(|line| {
        let line = line.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        match line.split_once("checksum/settings: ") {
            Some((indent, _)) => format!("{indent}checksum/settings: CHECKSUM"),
            None => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Calls `found` with each value of a schema and its path; members of a list are at `[]`.
fn walk(root: &Value, schema: &Value, path: &str, found: &mut impl FnMut(&str, &Value)) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    found(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(root, property, &format!("{path}.{name}"), found);
    }
    if let Some(items) = schema.get("items") {
        walk(root, items, &format!("{path}[]"), found);
    }
}

/// The paths of all values that are not objects, or are empty ones.
fn leaves(value: &Value, path: &str) -> Vec<String> {
    match value.as_object() {
        Some(members) if !members.is_empty() => {
            let members: BTreeMap<_, _> = members.iter().collect();
            members
                .into_iter()
                .flat_map(|(name, member)| leaves(member, &format!("{path}.{name}")))
                .collect()
        }
        _ => vec![path.to_owned()],
    }
}
