//! The clusters that other tests stand on, and what only a real API server can say of the CRD.
#![allow(clippy::unwrap_used)] // A test says by panicking what is wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::cluster::{Cluster, Size};
use serde_json::Value;

/// How long a cluster may take to do what it is asked for on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn crds(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crds")
        .join(path)
}

/// The manifests of a folder: file name and text.
fn manifests(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(crds(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no manifests");
    files
}

/// Creates every manifest of a folder, each for itself.
fn create(cluster: &Cluster, folder: &str, arguments: &[&str]) -> Result<String, String> {
    let folder = crds(folder);
    let create = ["create", "-f", folder.to_str().unwrap(), "--output=name"];
    cluster.kubectl(&[&create, arguments].concat())
}

/// What an API server must say of a manifest that the project refuses for this reason: each of these.
fn in_the_words_of_an_api_server(reason: &str) -> [String; 2] {
    let (path, found) = reason.split_once(": ").unwrap();
    if found.starts_with("the field does not exist") {
        return [
            "strict decoding error".into(),
            format!("unknown field \"{path}\""),
        ];
    }
    let place = match path.starts_with("metadata.") {
        // A rule that reads metadata stands at the root, and an API server names no path there.
        true => "<nil>: ".to_owned(),
        false => format!("{path}: "),
    };
    let complaint = if let Some(found) = found.strip_prefix("found ") {
        let (value, write) = found.split_once("; ").unwrap_or((found, ""));
        if let Some(least) = write.strip_prefix("write at least ") {
            format!("should be greater than or equal to {least}")
        } else if let Some(most) = write.strip_prefix("write at most ") {
            format!("should be less than or equal to {most}")
        } else if write == "write a number" {
            "must be of type number".to_owned()
        } else if write.starts_with("write fields") {
            "must be of type object".to_owned()
        } else if write == "write true or false" {
            "must be of type boolean".to_owned()
        } else if write == "write an amount in quotes" {
            "must be of type integer,string".to_owned()
        } else if value.ends_with(" entries") {
            "should have at least".to_owned()
        } else {
            // Invalid for its form, or unsupported where there is a list.
            format!("value: {value}")
        }
    } else if found == "the field is missing" {
        "Required value".to_owned()
    } else if found.starts_with("the text has") {
        "Too long".to_owned()
    } else if found.ends_with("stands here twice") {
        "Duplicate value".to_owned()
    } else if path.ends_with(".uri") || path.ends_with(".url") {
        // Which part of an address is wrong is more than its pattern can say.
        "should match".to_owned()
    } else {
        // A rule has the same words here and there.
        format!("Invalid value: {found}")
    };
    [place, complaint]
}

#[test]
fn a_real_api_server_accepts_and_refuses_as_the_crd_says() {
    let cluster = Cluster::start(Size::Api);
    let crd = crds("generated/featuremonitors.featuremonitor.io.yaml");
    cluster
        .apply(&std::fs::read_to_string(crd).unwrap())
        .unwrap();
    let conditions = cluster.wait_for("the CRD is served", PATIENCE, || {
        let crd = cluster.get(&["crd", "featuremonitors.featuremonitor.io"])?;
        let conditions = crd["status"]["conditions"].as_array()?.clone();
        holds(&conditions, "Established").then_some(conditions)
    });
    // What a structural schema may not have is no error, but a condition.
    assert!(!holds(&conditions, "NonStructuralSchema"), "{conditions:?}");
    cluster
        .kubectl(&["create", "namespace", "ml-prod"])
        .unwrap();

    let accepted = create(&cluster, "examples", &[]).unwrap();
    assert_eq!(accepted.lines().count(), manifests("examples").len());
    // Only `valid` knows what is wrong with these.
    let accepted = create(&cluster, "invalid/operator", &["--dry-run=server"]).unwrap();
    assert_eq!(
        accepted.lines().count(),
        manifests("invalid/operator").len()
    );

    let explained = cluster
        .kubectl(&["explain", "fm.spec.checks.drift.minRows"])
        .unwrap();
    for words in ["FIELD: minRows", "Default:", "Example:"] {
        assert!(explained.contains(words), "no {words} in\n{explained}");
    }

    let refused = create(&cluster, "invalid/schema", &["--dry-run=server"]).unwrap_err();
    for (file, text) in manifests("invalid/schema") {
        let mut lines = text.lines();
        let reason = lines
            .next()
            .and_then(|line| line.strip_prefix("# refused: "));
        // A rule about a list does not know which entry is wrong, and a bound not what was meant.
        let own = lines
            .next()
            .and_then(|line| line.strip_prefix("# by an API server: "));
        let reason = own.or(reason).unwrap();
        let said = refused
            .lines()
            .find(|line| line.contains(&format!("/{file}\"")))
            .unwrap_or_else(|| panic!("{file} is accepted"));
        for words in in_the_words_of_an_api_server(reason) {
            assert!(said.contains(&words), "{file}: no {words:?} in\n{said}");
        }
    }
}

fn holds(conditions: &[Value], kind: &str) -> bool {
    conditions
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}

#[test]
fn pods_are_played_and_what_has_lost_its_owner_is_collected() {
    let cluster = Cluster::start(Size::Control);
    cluster.play_nodes(2);
    cluster
        .kubectl(&[
            "create",
            "deployment",
            "web",
            "--image=web:1",
            "--replicas=3",
        ])
        .unwrap();
    cluster
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    let pods = || {
        let pods = cluster.get(&["pods"])?;
        Some(pods["items"].as_array()?.len())
    };
    assert_eq!(pods(), Some(3));
    cluster
        .kubectl(&["delete", "deployment/web", "--wait=false"])
        .unwrap();
    cluster.wait_for("the pods are collected", PATIENCE, || {
        (pods()? == 0).then_some(())
    });
}

#[test]
fn a_service_account_may_do_what_its_role_says_and_the_audit_log_tells() {
    let cluster = Cluster::start(Size::Api);
    cluster
        .apply(
            "apiVersion: v1
kind: ServiceAccount
metadata: { name: reader, namespace: default }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: default }
rules: [{ apiGroups: [''], resources: [configmaps], verbs: [create, list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: default }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: default }]
",
        )
        .unwrap();
    let kubeconfig = cluster.service_account_kubeconfig("default", "reader");
    let kubectl = |arguments: &[&str]| {
        let mut command = cluster.command("kubectl");
        let output = command
            .args(arguments)
            .env("KUBECONFIG", &kubeconfig)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert!(kubectl(&["create", "configmap", "mine"]).0);
    assert!(kubectl(&["get", "configmaps"]).0);
    let (allowed, said) = kubectl(&["get", "secrets"]);
    assert!(
        !allowed && said.contains("cannot list resource \"secrets\""),
        "{said}"
    );

    let audit = cluster.audit();
    let done: BTreeSet<(&str, &str, bool)> = audit
        .iter()
        .filter(|event| event["user"]["username"] == "system:serviceaccount:default:reader")
        .filter_map(|event| {
            let resource = event["objectRef"]["resource"].as_str()?;
            let allowed = event["responseStatus"]["code"].as_u64()? < 400;
            Some((event["verb"].as_str()?, resource, allowed))
        })
        .collect();
    let expected = [
        ("create", "configmaps", true),
        ("list", "configmaps", true),
        ("list", "secrets", false),
    ];
    assert_eq!(done, expected.into());
    let agents = audit.iter().filter(|event| {
        let agent = event["userAgent"].as_str().unwrap_or_default();
        event["verb"] == "create" && agent.starts_with("kubectl/")
    });
    // The account, the role, its binding, the token and the ConfigMap.
    assert_eq!(agents.count(), 5);
}

#[test]
fn clusters_run_beside_each_other_and_leave_nothing() {
    let [first, second] = std::thread::scope(|scope| {
        [(); 2]
            .map(|()| scope.spawn(|| Cluster::start(Size::Api)))
            .map(|starting| starting.join().unwrap())
    });
    first
        .kubectl(&["create", "namespace", "only-here"])
        .unwrap();
    assert!(first.get(&["namespace", "only-here"]).is_some());
    assert!(second.get(&["namespace", "only-here"]).is_none());

    let folder = first.folder().to_owned();
    let traces = Traces::of(&folder);
    assert!(!traces.found().is_empty(), "what is looked for is there");
    drop(first);
    assert_eq!(traces.found(), Vec::<String>::new());
    assert!(!folder.exists());
    second.kubectl(&["get", "namespaces"]).unwrap();
}

#[test]
fn a_cluster_ends_with_the_process_that_it_was_started_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = Command::new("sleep").arg("600").spawn().unwrap();
    let started = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/up.sh"))
        .arg("api")
        .arg(folder.path())
        .arg(owner.id().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    let traces = Traces::of(folder.path());
    assert!(!traces.found().is_empty(), "what is looked for is there");
    owner.kill().unwrap();
    owner.wait().unwrap();
    let deadline = std::time::Instant::now() + PATIENCE;
    while folder.path().exists() {
        assert!(std::time::Instant::now() < deadline, "{:?}", traces.found());
        std::thread::sleep(Duration::from_millis(100));
    }
    // The process that cleans up is the last to go.
    while !traces.found().is_empty() {
        assert!(std::time::Instant::now() < deadline, "{:?}", traces.found());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_node_runs_pods_with_services_names_and_volumes() {
    let before = kernel_parameters();
    let Some(cluster) = Cluster::node() else {
        return;
    };
    // kubectl is a program without libraries that serves files and asks for them.
    let image = tempfile::tempdir().unwrap();
    let program = cluster.folder().join("bin/kubectl");
    std::fs::copy(program, image.path().join("kubectl")).unwrap();
    std::fs::create_dir(image.path().join("www")).unwrap();
    std::fs::write(image.path().join("www/greeting"), "good morning\n").unwrap();
    cluster.image("localhost/kubectl:1", image.path(), "/kubectl");
    cluster.apply(PODS).unwrap();

    let log = cluster.wait_for("the client has ended", PATIENCE, || {
        let pod = cluster.get(&["pod", "client", "--namespace=restricted"])?;
        (pod["status"]["phase"] == "Succeeded").then_some(())?;
        cluster
            .kubectl(&["logs", "client", "--namespace=restricted"])
            .ok()
    });
    assert_eq!(log, "good morning\n");

    let claim = cluster.wait_for("the volume is written to", PATIENCE, || {
        let pod = cluster.get(&["pod", "writer", "--namespace=restricted"])?;
        (pod["status"]["phase"] == "Succeeded").then_some(())?;
        cluster.get(&["persistentvolumeclaim", "state", "--namespace=restricted"])
    });
    assert_eq!(
        claim["spec"]["storageClassName"], "test",
        "it is the default"
    );
    let volume = claim["spec"]["volumeName"].as_str().unwrap();
    let number = volume.strip_prefix("volume-").unwrap();
    assert!(
        cluster
            .folder()
            .join(format!("volumes/{number}/config"))
            .is_file()
    );

    let traces = Traces::of(cluster.folder());
    assert!(traces.found().len() > 10, "what is looked for is there");
    drop(cluster);
    assert_eq!(traces.found(), Vec::<String>::new());
    assert_eq!(kernel_parameters(), before);
}

/// A server with a Service, a client that asks it by name, and a pod that writes to a volume, all under the strictest Pod
/// Security.
const PODS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: { name: restricted, labels: { pod-security.kubernetes.io/enforce: restricted } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: restricted }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: restricted, labels: { app: web } }
spec:
  automountServiceAccountToken: false
  securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: web
      image: localhost/kubectl:1
      args: [proxy, --www=/www, --port=8080, --address=0.0.0.0, --accept-hosts=.*, "--server=http://localhost:1"]
      readinessProbe: { httpGet: { path: /static/greeting, port: 8080 }, periodSeconds: 1 }
      securityContext:
        { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: restricted }
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: client
      image: localhost/kubectl:1
      args: [get, --raw=/static/greeting, "--server=http://web.restricted.svc.cluster.local"]
      securityContext:
        { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: state, namespace: restricted }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer, namespace: restricted }
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  securityContext: { runAsNonRoot: true, fsGroup: 65532, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: writer
      image: localhost/kubectl:1
      args: [config, set-context, mine, --kubeconfig=/state/config]
      securityContext:
        { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
      volumeMounts: [{ name: state, mountPath: /state }]
  volumes: [{ name: state, persistentVolumeClaim: { claimName: state } }]
"#;

/// Those that a kubelet would set for the whole machine.
fn kernel_parameters() -> Vec<Option<String>> {
    let names = [
        "vm/overcommit_memory",
        "kernel/panic",
        "kernel/panic_on_oops",
    ];
    let path = |name| Path::new("/proc/sys").join(name);
    names
        .map(|name| std::fs::read_to_string(path(name)).ok())
        .into()
}

/// What a cluster could leave on a machine.
struct Traces {
    folder: String,
    name: String,
}

impl Traces {
    fn of(folder: &Path) -> Self {
        let name = std::fs::read_to_string(folder.join("name")).unwrap();
        Self {
            folder: folder.to_str().unwrap().to_owned(),
            name: name.trim().to_owned(),
        }
    }

    /// Processes that name the folder or hold a mount in it, the network namespace, and the cgroups.
    fn found(&self) -> Vec<String> {
        let read = |path: PathBuf| {
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
        };
        let mut found = Vec::new();
        for process in children("/proc".as_ref()) {
            let command = read(process.join("cmdline")).replace('\0', " ");
            let mounts = read(process.join("mountinfo"));
            if command.contains(&self.folder) || mounts.contains(&self.folder) {
                found.push(format!("{}: {command}", process.display()));
            }
        }
        let cgroups = children("/sys/fs/cgroup".as_ref());
        let named = cgroups
            .iter()
            .map(PathBuf::as_path)
            .chain([Path::new("/sys/fs/cgroup"), Path::new("/run/netns")]);
        let named = named.map(|parent| parent.join(&self.name));
        found.extend(
            named
                .filter(|path| path.exists())
                .map(|path| path.display().to_string()),
        );
        found
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}
