"""Where the demo in a cluster happens: in a cluster of its own on this machine, or in one that is there already."""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

from demo import ROOT, Failed, free

SCRIPTS = ROOT / "tests" / "cluster"
SETUP = ROOT / "tests" / "setup"
SERVERS = ROOT / "tests" / "servers"
CUSTOMERS = SERVERS / "customers.py"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "feature-monitor"
RELEASE = "feature-monitor"
SERVICE, SERVER_PORT = "customer-features", 8815
# Somebody who is told of alerts, where a cluster of our own has a Prometheus and an Alertmanager.
TOLD, TOLD_PORT = "messages", 8080
MONITORING = "monitoring"
MONITORING_PROGRAMS = ("prometheus", "alertmanager", "prometheus-operator", "prometheus-config-reloader")
OURS = "app.kubernetes.io/created-by"
MAKER = "make-cluster"
PROGRAMS = ("feature-monitor-operator", "feature-monitor-exporter")
# How long a part may take to start on a busy machine.
PATIENCE_SECONDS = 120


def run(command, failure, **options):
    """What a command prints. If it fails: what failed, in our words, and then in its own."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{failure}\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


class Place:
    """A cluster as kubectl and helm see it."""

    environment = None
    operator_namespace = RELEASE
    # Kinds of the Prometheus Operator, as kubectl takes them after others.
    integrations = ""

    def kubectl(self, *arguments, failure=None, **options):
        """Runs kubectl; what it prints."""
        words = " ".join(str(argument) for argument in arguments)
        return run([*self.program("kubectl"), *arguments], failure or f"`kubectl {words}` failed:", env=self.environment, **options)

    def helm(self, *arguments, failure):
        """Runs helm."""
        return run([*self.program("helm"), *arguments], failure, env=self.environment)

    def get(self, *arguments):
        """A resource, or nothing when there is none."""
        text = self.kubectl("get", *arguments, "--ignore-not-found", "--output=json")
        return json.loads(text) if text.strip() else None

    def list(self, *arguments):
        """Resources of a kind."""
        return (self.get(*arguments) or {"items": []})["items"]

    def apply(self, *manifests):
        """Applies manifests that are written as values."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        self.kubectl("apply", "--filename=-", input=text)

    def make_namespaces(self):
        """The operator's and the monitor's, both under the strictest Pod Security."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted", OURS: MAKER}
        names = (self.operator_namespace, self.namespace)
        self.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name in names))

    def service(self, name=SERVICE, port=SERVER_PORT, **spec):
        """The Service by which pods find a server of ours: the Flight server, if nothing else is said."""
        ports = [{"name": "server", "port": port}]
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}

    @property
    def uri(self):
        """Where the Flight server is for pods."""
        return f"grpc://{SERVICE}.{self.namespace}.svc:{SERVER_PORT}"


class Node(Place):
    """A cluster of one node on this machine, in a network of its own; everything of it lies in one folder."""

    namespace = "ml-prod"
    integrations = ",servicemonitor,prometheusrule,alertmanagerconfig"

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(os.environ.get("CLUSTER_DIR") or CACHE / "cluster").absolute()
        self.environment = os.environ | {"KUBECONFIG": str(self.folder / "admin.kubeconfig")}

    def program(self, name):
        return [self.folder / "enter", name]

    def introduce(self, out):
        out.say(f"A cluster of one node will run on this machine, in a network of its own. All of it lies in {self.folder}.")

    def check(self, out):
        """Whether it can be started at all; builds what it is made of."""
        if (self.folder / "name").exists():
            raise Failed(f"There is a cluster in {self.folder} already. Look around with {self.folder / 'kubectl'}, or end it with `make cluster-down`.")
        reserved = [folder for folder in ("/run", "/var/lib", "/var/log") if self.folder.resolve().is_relative_to(folder)]
        if reserved or len(str(self.folder)) > 70:
            reason = f"may not lie in {reserved[0]}, which the node replaces" if reserved else "has more than 70 characters, too many for the sockets in it"
            raise Failed(f"The folder {self.folder} {reason}. Choose another one: make cluster CLUSTER_DIR=/tmp/cluster")
        if not free(self.options.port):
            raise Failed(f"Port {self.options.port} is taken by another program. Choose another one: make cluster PORT={self.options.port + 1}")
        # Installs packages that are missing, where that is possible, before it is asked whether a node can run.
        if os.geteuid() == 0:
            self.tools("node")
        impossible = subprocess.run([SCRIPTS / "can-node.sh"], capture_output=True, text=True)
        if impossible.returncode != 0:
            raise Failed(
                f"This machine cannot run a node. {impossible.stdout.strip()}\n"
                "  As root it may: sudo --preserve-env=HOME,PATH make cluster\n"
                "  In a cluster that you have: make cluster CLUSTER=existing"
            )
        self.tools("kubernetes", "monitoring")
        self.programs = self.build(out)

    def tools(self, *groups):
        done = subprocess.run([SETUP / "tools.sh", *groups], stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failed("The programs of Kubernetes could not be built; why stands above. `make tools` does the same by itself.")

    def build(self, out):
        """The two programs: as they are given by FM_OPERATOR and FM_EXPORTER, or built."""
        given = [os.environ.get("FM_" + name.rpartition("-")[2].upper()) for name in PROGRAMS]
        if all(given):
            return [pathlib.Path(path) for path in given]
        folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
        built = all((folder / name).exists() for name in PROGRAMS)
        out.say("Building operator and exporter" + ("" if built else " (about 8 minutes on 2 cores, once)"))
        quiet = [] if sys.stderr.isatty() else ["--quiet"]
        if subprocess.run(["cargo", "build", "--locked", *quiet, "--workspace"], cwd=ROOT).returncode != 0:
            raise Failed("The programs could not be built; what cargo said stands above.")
        return [folder / name for name in PROGRAMS]

    def start(self, out):
        """Starts the cluster and gives it the images."""
        with out.working("Starting Kubernetes (about 15 seconds)"):
            owner = [str(self.options.owner)] if self.options.owner else []
            said = f"The cluster did not start. What it logged is in {self.folder / 'log'}, and this is what it said:"
            run([SCRIPTS / "up.sh", "node", self.folder, *owner], said)
        with out.working("Packing both programs as images"):
            for name, program in zip(PROGRAMS, self.programs):
                self.pack(f"localhost/{name}:checkout", program)
        for name in ("kubectl", "helm"):
            self.script(name, f'KUBECONFIG="{self.folder}/admin.kubeconfig" exec "{self.folder}/enter" {name} "$@"')
        with out.working("Installing the Prometheus Operator, a Prometheus and an Alertmanager"):
            self.monitoring()

    def pack(self, name, program):
        """Gives the node a program as an image."""
        archive = self.folder / "image.tar"
        run([SCRIPTS / "program-image.sh", name, program, archive], f"{program} could not be packed:")
        run([SCRIPTS / "load-image.sh", self.folder, archive], f"The node does not take the image of {program}:")
        archive.unlink()

    def monitoring(self):
        """What others have for the alerts; it gets ready while the rest is installed."""
        find = 'source "$0"; for name; do program "$name" || exit; done'
        programs = run(["bash", "-c", find, SETUP / "programs.sh", *MONITORING_PROGRAMS], "A program of `make tools` is not there.")
        for name, program in zip(MONITORING_PROGRAMS, programs.splitlines()):
            self.pack(f"localhost/{name}:packed", program)
        one = pathlib.Path(run([SETUP / "monitoring-crd.sh", "prometheuses"], "The definitions of the Prometheus Operator are not there:").strip())
        # Too large for the annotation that kubectl would write.
        self.kubectl("apply", "--server-side", f"--filename={one.parent}")
        names = [path.stem.removeprefix("monitoring.coreos.com_") + ".monitoring.coreos.com" for path in one.parent.glob("*.yaml")]
        # Not by `kubectl wait`, for which a new one that has no conditions yet is an error.
        established = '--output=go-template={{range .items}}{{range .status.conditions}}{{if eq .type "Established"}}{{.status}} {{end}}{{end}}{{end}}'
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.kubectl("get", "crd", *names, established).split() != ["True"] * len(names):
            if time.monotonic() > deadline:
                raise Failed(f"The API server did not take the definitions of the Prometheus Operator within {PATIENCE_SECONDS} seconds.")
            time.sleep(0.1)
        text = (SCRIPTS / "monitoring.yaml").read_text()
        self.ports = dict(zip(("prometheus", "alertmanager", TOLD), free_after(self.options.port)))
        for name in ("prometheus", "alertmanager"):
            text = text.replace(f"{name.upper()}_URL", self.url(name))
        self.kubectl("apply", "--filename=-", input=text)

    def url(self, name):
        """Where a part is on this machine."""
        return f"http://localhost:{self.ports[name]}/"

    def script(self, name, text):
        """Writes a command for people into the folder."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def manifest(self):
        return self.folder / "monitor.yaml"

    def values(self):
        """Our images; and Prometheus finds what is made, and looks as often as the demo's time is short."""
        told = {name: {"name": name, "webhookConfigs": [{"url": self.told(name)}]} for name in ("operators", "watchdog")}
        return {
            "image": {"repository": f"localhost/{PROGRAMS[0]}", "tag": "checkout"},
            "integrations": {"labels": {"release": MONITORING}},
            "serviceMonitor": {"enabled": True, "interval": "1s"},
            "prometheusRule": {"enabled": True},
            "alertmanagerConfig": {"enabled": True, "receivers": list(told.values()), "critical": "operators", "warning": "operators", "watchdog": "watchdog"},
            "exporter": {
                "image": {"repository": f"localhost/{PROGRAMS[1]}", "tag": "checkout"},
                "serviceMonitor": {"interval": "1s"},
                "prometheusRule": {"interval": "1s"},
            },
        }

    def told(self, name):
        """The address of somebody who is told of alerts, for pods."""
        return f"http://{TOLD}.{self.namespace}.svc:{TOLD_PORT}/{name}"

    def notifications(self):
        """Who is told of what: what is critical is a page, the rest is read along; what goes on escalates."""
        return {
            "groupWait": "1s",
            "groupInterval": "1s",
            "receivers": [{"name": name, "webhook": {"url": self.told(name)}} for name in ("page", "chat", "lead")],
            "routes": [{"match": {"severity": "Critical"}, "to": ["page"]}, {"to": ["chat"]}],
            "escalation": [{"after": "30s", "match": {"severity": "Critical"}, "to": ["lead"]}],
        }

    def serve(self, out, clock):
        """Starts the Flight server, and whom alerts are told to."""
        faults = self.folder / "faults.json"
        with out.working("Starting the Flight server"):
            self.beside("flight-server", SERVICE, SERVER_PORT, [CUSTOMERS, *clock, "--faults", faults])
            self.beside(TOLD, TOLD, TOLD_PORT, [SERVERS / "messages.py", "--keep", self.folder / "messages.jsonl"])

    def beside(self, name, service, port, arguments):
        """Starts a server beside the node, and a Service that leads to it."""
        address = "10.99.0.1"
        self.daemon(name, [*arguments, "--host", address, "--port", port], inside=True)
        slice_ = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": service, "namespace": self.namespace, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "ports": [{"name": "server", "port": port}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        }
        # Without a selector: no pod is behind it.
        self.apply(self.service(service, port), slice_)

    def daemon(self, name, arguments, inside=False):
        """Starts a Python program that outlives us, by a script with which it can be started again, and waits for its line
        `ready`. down.sh ends it by its pid, for which its command line must name the folder."""
        enter = [self.folder / "enter"] if inside else []
        command = shlex.join(str(part) for part in [*enter, sys.executable, "-u", *arguments])
        log, pid = self.folder / "log" / f"{name}.log", self.folder / "pid" / name
        inner = f"echo $$ >{shlex.quote(str(pid))}; exec {command} >{shlex.quote(str(log))} 2>&1 </dev/null"
        start = self.script(name, f"# Starts the {name} in the background.\nexec setsid --fork sh -c {shlex.quote(inner)}")
        log.unlink(missing_ok=True)
        run([start], f"The {name} does not start:")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (log.exists() and "ready" in log.read_text(errors="replace")):
            running = pid.exists() and pid.read_text().strip() and pathlib.Path("/proc", pid.read_text().strip()).exists()
            if time.monotonic() > deadline or (log.exists() and log.stat().st_size and not running):
                raise Failed(f"The {name} did not get ready. Its last words, from {log}:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def open(self, out, service):
        """Makes the exporter's page one of this machine; what to say of it."""
        self.forward("page", self.options.port, self.namespace, service, 9464)
        return f"http://localhost:{self.options.port}/"

    def forward(self, name, port, namespace, service, target):
        """Makes a port of a Service one of this machine."""
        address = self.get("service", service, f"--namespace={namespace}")["spec"]["clusterIP"]
        self.daemon(name, [ROOT / "tests" / "demo" / "forward.py", self.folder / "enter", port, address, target])

    def observe(self, out):
        """Waits until alerts can be told, and opens what shows them; what there is to see."""
        with out.working("Waiting for Prometheus and Alertmanager"):
            self.kubectl(
                "wait", "--for=condition=Available", "prometheus/main", "alertmanager/main", f"--namespace={MONITORING}", f"--timeout={PATIENCE_SECONDS}s",
                failure=f"They do not start; `{self.commands()[0]} -n {MONITORING} get events,pods` may say more:",
            )  # fmt: skip
        for name, namespace, target in (("prometheus", MONITORING, 9090), ("alertmanager", MONITORING, 9093), (TOLD, self.namespace, TOLD_PORT)):
            self.forward(f"page-of-{name}", self.ports[name], namespace, name, target)
        return [
            ("Prometheus", self.url("prometheus") + "alerts"),
            ("Alertmanager", self.url("alertmanager")),
            ("who was told what", self.url(TOLD)),
        ]

    def commands(self):
        return self.folder / "kubectl", self.folder / "helm"

    def more(self):
        pid, faults = f"{self.folder}/pid/flight-server", self.folder / "faults.json"
        return [
            ("the source goes down", f"kill $(cat {pid})"),
            ("and comes back", f"{self.folder}/flight-server"),
            ("a column is lost", f"""echo '{{"drop": ["monetary_28d"]}}' >{faults}"""),
            ("and found again", f"rm {faults}"),
            ("what people are told", f"tail -f {self.folder}/log/{TOLD}.log"),
            ("logs of Kubernetes", f"{self.folder}/log"),
        ]

    def down(self, out):
        """Ends everything and removes the folder."""
        if not self.folder.exists():
            out.say(f"There is no cluster in {self.folder}: nothing to do.")
            return
        # The logs are all that is left of a cluster that did not start.
        if (self.folder / "name").exists():
            with out.working(f"Ending the cluster in {self.folder}"):
                run([SCRIPTS / "down.sh", self.folder], f"The cluster in {self.folder} does not end:")
        shutil.rmtree(self.folder)
        out.say("Ended; its folder is removed.")


class Existing(Place):
    """The cluster that kubectl speaks to by itself."""

    namespace = "feature-monitor-demo"

    def __init__(self, options):
        self.options = options

    def program(self, name):
        cached = CACHE / "bin" / name
        found = shutil.which(name) or (str(cached) if cached.exists() else None)
        if found is None:
            raise Failed(f"{name} is not on PATH. Install it, or `make tools` builds it (needs Go).")
        return [found]

    def introduce(self, out):
        self.name(out)
        server = f", {SERVICE} with the Flight server" if self.options.server_image else ""
        out.say("What is made in it, and `make cluster-down CLUSTER=existing` removes:")
        out.say(f"  the namespace {self.operator_namespace}: the operator, as Helm release {RELEASE}, with its CustomResourceDefinition and ClusterRoles")
        out.say(f"  the namespace {self.namespace}: one FeatureMonitor and its exporter{server}")

    def name(self, out):
        """Says which cluster it is."""
        context = self.kubectl("config", "current-context", failure="kubectl has no current context: set KUBECONFIG, or choose one with `kubectl config use-context`.").strip()
        server = self.kubectl("config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}").strip()
        out.say(f"The cluster is that of the context {context}, {server}.")

    def check(self, out):
        missing = [name for name in ("OPERATOR_IMAGE", "EXPORTER_IMAGE") if not os.environ.get(name)]
        if missing:
            raise Failed(
                f"Say which images this cluster is to run: {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set.\n"
                "  They are built from the Dockerfile, to a registry that the cluster reaches, or into its nodes:\n"
                "    docker buildx build --target operator --tag REGISTRY/feature-monitor-operator:dev --push .\n"
                "    docker buildx build --target exporter --tag REGISTRY/feature-monitor-exporter:dev --push .\n"
                "    make cluster CLUSTER=existing OPERATOR_IMAGE=REGISTRY/feature-monitor-operator:dev EXPORTER_IMAGE=REGISTRY/feature-monitor-exporter:dev"
            )
        for name in (self.operator_namespace, self.namespace):
            found = self.get("namespace", name)
            if found and found["metadata"].get("labels", {}).get(OURS) != MAKER:
                raise Failed(f"The namespace {name} is there already, and not from `make cluster`, so nothing was changed. docs/install.md says how to install by hand.")

    def start(self, out):
        pass

    def manifest(self):
        folder = pathlib.Path(os.environ.get("CLUSTER_DIR") or CACHE)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "cluster-existing.yaml"

    def values(self):
        return {"image": image(os.environ["OPERATOR_IMAGE"]), "exporter": {"image": image(os.environ["EXPORTER_IMAGE"])}}

    def notifications(self):
        """Nobody of this cluster is told of a demo."""

    def source(self, clock):
        """Where the Flight server is, when it is not ours to start."""
        if self.options.source:
            return self.options.source
        origin = clock[clock.index("--origin") + 1]
        words = shlex.join(str(part) for part in [sys.executable, CUSTOMERS, "--host", "0.0.0.0", "--port", SERVER_PORT, *clock])
        raise Failed(
            "The demo needs a Flight server that pods of this cluster reach. Either name an image whose python3 has the packages of\n"
            "tests/requirements.txt, and it runs as a pod: SERVER_IMAGE=REGISTRY/python-arrow:1\n"
            "or start it where pods reach it, and say where it is:\n"
            f"  {words}\n"
            f"  make cluster CLUSTER=existing … ORIGIN={origin} SOURCE=grpc://HOST:{SERVER_PORT}"
        )

    @property
    def uri(self):
        return self.options.source or super().uri

    def serve(self, out, clock):
        """Starts the Flight server as a pod of the image that was given."""
        if not self.options.server_image:
            return
        data = ROOT / "tests" / "data"
        files = {f"{path.parent.name}.{path.name}": path for path in [CUSTOMERS, data / "weekly_features.py", *sorted(data.glob("weekly_*.sql"))]}
        metadata = {"name": SERVICE, "namespace": self.namespace}
        labels = {"app": SERVICE}
        items = [{"key": key, "path": f"{path.parent.name}/{path.name}"} for key, path in files.items()]
        container = {
            "name": "server",
            "image": self.options.server_image,
            "command": ["python3", "-u", "/program/servers/customers.py", "--host", "0.0.0.0", "--port", str(SERVER_PORT), *(str(part) for part in clock)],
            "env": [{"name": "XDG_CACHE_HOME", "value": "/cache"}, {"name": "HOME", "value": "/cache"}],
            "readinessProbe": {"tcpSocket": {"port": SERVER_PORT}, "periodSeconds": 1},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "program", "mountPath": "/program"}, {"name": "cache", "mountPath": "/cache"}, {"name": "tmp", "mountPath": "/tmp"}],
        }
        pod = {
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "program", "configMap": {"name": SERVICE, "items": items}}, {"name": "cache", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
        }
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        self.apply(
            self.service(selector=labels),
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: path.read_text() for key, path in files.items()}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        )
        with out.working("Starting the Flight server; it makes its data first (about 20 seconds)"):
            self.kubectl(
                "rollout", "status", f"deployment/{SERVICE}", f"--namespace={self.namespace}", "--timeout=2m",
                failure=f"The Flight server does not start: `kubectl -n {self.namespace} describe pods -l app={SERVICE}` and `kubectl -n {self.namespace} logs deployment/{SERVICE}` may say why.",
            )  # fmt: skip

    def open(self, out, service):
        return f"kubectl -n {self.namespace} port-forward service/{service} 9464, then http://localhost:9464/"

    def observe(self, out):
        return []

    def commands(self):
        return "kubectl", "helm"

    def more(self):
        return []

    def down(self, out):
        """Removes what `up` made, and the definition if nobody else uses it."""
        self.name(out)
        self.manifest().unlink(missing_ok=True)
        ours = {item["metadata"]["name"] for item in self.list("namespaces", f"--selector={OURS}={MAKER}")}
        if not ours:
            out.say("Nothing in it is from `make cluster`: nothing to do.")
            return
        crd = "featuremonitors.featuremonitor.io"
        with out.working("Removing the FeatureMonitor, the operator and both namespaces"):
            if self.get("crd", crd) and self.namespace in ours:
                self.kubectl("delete", "featuremonitors", "--all", f"--namespace={self.namespace}")
            if self.operator_namespace in ours:
                self.helm("uninstall", RELEASE, f"--namespace={self.operator_namespace}", "--ignore-not-found", "--wait", failure="The chart cannot be uninstalled:")
            self.kubectl("delete", "namespaces", *sorted(ours), "--timeout=3m")
        definition = self.get("crd", crd)
        owner = definition and definition["metadata"].get("annotations", {}).get("meta.helm.sh/release-namespace")
        if owner == self.operator_namespace and not self.list("featuremonitors", "--all-namespaces"):
            self.kubectl("delete", "crd", crd)
            out.say("Removed, with the CustomResourceDefinition.")
        else:
            out.say("Removed. The CustomResourceDefinition stays, since others use it." if definition else "Removed.")


def free_after(port):
    """The free ports that come after one."""
    return (next_ for next_ in range(port + 1, 65536) if free(next_))


def image(reference):
    """An image reference as the chart takes it."""
    name, _, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return {"repository": head + slash + last, "tag": tag or "latest", "digest": digest}
