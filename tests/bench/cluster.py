"""A Kubernetes for a bench, the operator as a process in it, and what the API server's audit log says of both."""
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "cluster"
SETUP = ROOT / "tests" / "setup"
# The chart's release and namespace, which the names of everything in it follow.
RELEASE = "feature-monitor"
OPERATOR = f"{RELEASE}-operator"
OPERATOR_USER = f"system:serviceaccount:{RELEASE}:{OPERATOR}"
# What a monitor gets that keeps its state nowhere: a claim would measure how fast volumes are bound.
CHILDREN = {
    "serviceaccounts", "configmaps", "deployments", "services", "networkpolicies", "servicemonitors", "prometheusrules", "alertmanagerconfigs",
}  # fmt: skip
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# Most lines are reads, and the business of Kubernetes' own controllers.
NOT_WORTH_PARSING = (b'"verb":"get"', b'"verb":"list"', b'"verb":"watch"', b'"username":"system:kube', b'"username":"system:serviceaccount:kube-system:')
MIB = 1 << 20


class Cluster:
    """A fresh cluster with the chart in it, which ends with the `with`, or with this process at the latest."""

    def __init__(self, size, logs=None):
        self.size, self.logs = size, logs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="feature-monitor-bench-"))
        self.environment = {**os.environ, "KUBECONFIG": str(self.folder / "admin.kubeconfig")}

    def __enter__(self):
        try:
            run([SCRIPTS / "up.sh", self.size, self.folder, str(os.getpid())])
            if self.size == "control":
                run([SCRIPTS / "play.sh", self.folder, "1"])
            # Larger than what client-side apply can note in an annotation.
            for name in ("servicemonitors", "prometheusrules", "alertmanagerconfigs"):
                crd = run([SETUP / "monitoring-crd.sh", name]).strip()
                self.run("kubectl", "apply", "--server-side", "-f", crd)
                # kubectl takes it for an error that there are no conditions yet.
                self.run("kubectl", "wait", "--for=jsonpath={.status.conditions}", "-f", crd)
                self.run("kubectl", "wait", "--for=condition=Established", "-f", crd)
            # The operator is a process here, so the chart needs no pods.
            self.run("helm", "install", RELEASE, ROOT / "charts" / "feature-monitor", "--namespace", RELEASE, "--create-namespace", "--set", "replicas=0")
            self.settings = self.folder / "settings.yaml"
            settings = self.get("configmap", OPERATOR)["data"]["settings.yaml"]
            self.settings.write_text(settings)
            self.arguments = self.get("deployment", OPERATOR)["spec"]["template"]["spec"]["containers"][0]["args"]
            self.operator_kubeconfig = self.folder / "operator.kubeconfig"
            self.operator_kubeconfig.write_text(self.run(SCRIPTS / "service-account-kubeconfig.sh", RELEASE, OPERATOR))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.folder / "name").exists():
            run([SCRIPTS / "down.sh", self.folder])
        if self.logs is not None:
            shutil.copytree(self.folder / "log", self.logs, dirs_exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command):
        return run([self.folder / "enter", *command], env=self.environment)

    def get(self, kind, name):
        return json.loads(self.run("kubectl", "get", kind, name, "--namespace", RELEASE, "--output=json"))

    def audit(self):
        return Audit(self.folder / "log" / "audit.jsonl")


def run(command, **options):
    """What a program prints; when it fails, its own words are the error."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Audit:
    """Writes that the API server answered, from now on, each told once."""

    def __init__(self, path):
        self.path, self.rest = path, b""
        self.file = open(path, "rb")
        self.file.seek(0, os.SEEK_END)

    def new(self):
        """The writes since the last call."""
        writes = []
        while True:
            # The API server goes on in another file when this one has 100 MB, and it has the name then.
            ended = os.fstat(self.file.fileno()).st_ino != self.path.stat().st_ino
            lines = (self.rest + self.file.read()).split(b"\n")
            self.rest = lines.pop()
            writes += [write for write in map(Write.of, lines) if write is not None]
            if not ended:
                return writes
            self.file.close()
            self.file = open(self.path, "rb")


class Write:
    """One write: who, what, and when it came and was answered."""

    def __init__(self, event):
        reference = event["objectRef"]
        self.user = event["user"]["username"]
        self.verb = event["verb"]
        self.resource = "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))
        self.ok = event["responseStatus"]["code"] < 300
        self.came, self.answered = event["requestReceivedTimestamp"], event["stageTimestamp"]

    @staticmethod
    def of(line):
        if any(part in line for part in NOT_WORTH_PARSING):
            return None
        event = json.loads(line)
        if event["verb"] not in WRITES or "objectRef" not in event or event["stage"] != "ResponseComplete":
            return None
        return Write(event)

    def is_of_operator(self):
        """Leases aside: the holder renews its own all the time."""
        return self.user == OPERATOR_USER and self.resource != "leases"


def seconds(time_of_log):
    return datetime.datetime.fromisoformat(time_of_log).timestamp()


class Operator:
    """The operator as the chart starts it: its flags, its settings, its permissions."""

    def __init__(self, program, cluster):
        self.log = cluster.folder / "log" / f"operator-{time.monotonic_ns()}.log"
        flags = {"--settings": cluster.settings, "--web.listen-address": "127.0.0.1:0"}
        arguments = [f"{name}={flags[name]}" if (name := argument.partition("=")[0]) in flags else argument for argument in cluster.arguments]
        environment = {**os.environ, "KUBECONFIG": str(cluster.operator_kubeconfig)}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program, *arguments], env=environment, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        deadline = time.monotonic() + 60
        while '"leading"' not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise SystemExit(f"the operator does not lead:\n{self.log.read_text()}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def memory(self):
        """(resident now, resident at most so far) in MiB, after a scrape, which takes memory too."""
        address = next(line["address"] for line in self.lines() if line.get("message") == "serving")
        urllib.request.urlopen(f"http://{address}/metrics", timeout=30).read()
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(int(fields[name].split()[0]) * 1024 / MIB for name in ("VmRSS", "VmHWM"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def lines(self):
        for line in self.log.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                pass
