"""What Prometheus would have recorded and alerted about, had it been there for the thirty days."""
import copy
import os
import re
import subprocess

import ruamel.yaml

import demo
import scaled
from place import run
from replay import EVERY, WINDOW
from timeline import BLOCK, STEP, Series, text

SLOS = [
    {"name": "available", "indicator": "Availability", "objective": 0.99},
    {"name": "fresh", "indicator": "Freshness", "objective": 0.99},
    {"name": "evaluated", "indicator": "Evaluations", "objective": 0.95},
    {"name": "undrifted", "indicator": "Drift", "objective": 0.9},
]


def rendered(operator, fleet, timeline, folder):
    """The files of rules that the operator writes for these monitors."""
    from datetime import datetime, timedelta, timezone

    manifests = []
    for watched in fleet:
        path = folder / f"{watched.namespace}.{watched.name}.yaml"
        origin = datetime.fromtimestamp(watched.window_end(timeline, -1), timezone.utc)
        scaled.write(demo.EXAMPLE, path, scaled.Scale(origin, timedelta(seconds=WINDOW)), "grpc://localhost:8815", watched.namespace)
        yaml = ruamel.yaml.YAML()
        manifest = yaml.load(path)
        manifest["metadata"]["name"] = watched.name
        manifest["spec"]["owner"] = {"team": watched.team}
        manifest["spec"]["schedule"]["every"] = f"{EVERY // 60}m"
        manifest["spec"]["slos"] = copy.deepcopy(SLOS) if watched.slos else []
        yaml.dump(manifest, path)
        manifests.append(path)
    target = folder / "prometheus"
    files = [argument for path in manifests for argument in ("--file", path)]
    run([operator, "render", *files, "--output", target, f"--rule-interval={STEP}s"], "The operator did not write the rules:")
    return sorted(target.rglob("*.yaml"))


def groups(files):
    """All groups of rules."""
    return [group for path in files for group in ruamel.yaml.YAML(typ="safe").load(path)["groups"]]


def layers(files):
    """Recording rules, those that rest on others after them."""
    records = [rule for group in groups(files) for rule in group["rules"] if "record" in rule]
    while records:
        names = {rule["record"] for rule in records}
        ready = [rule for rule in records if not any(re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", rule["expr"]) for name in names)]
        if not ready:
            raise demo.Failed(f"These recording rules rest on each other: {sorted(names)}")
        yield ready
        records = [rule for rule in records if rule not in ready]


def record(promtool, served, timeline, files, folder):
    """Fills in what recording rules would have recorded; what rests on other records comes after them."""
    for number, rules in enumerate(layers(files)):
        path = folder / f"layer-{number}.yaml"
        # A file for each processor.
        jobs = []
        for part in range(os.cpu_count()):
            path = folder / f"layer-{number}-{part}.yaml"
            with open(path, "w") as file:
                ruamel.yaml.YAML().dump({"groups": [{"name": "records", "interval": f"{STEP}s", "rules": rules[part :: os.cpu_count()]}]}, file)
            command = [
                promtool, "tsdb", "create-blocks-from", "--quiet", f"--max-block-duration={BLOCK}s", "rules", f"--start={timeline.start}", f"--end={timeline.end}",
                f"--url={served.address}", f"--eval-interval={STEP}s", f"--output-dir={folder / 'data'}", path,
            ]  # fmt: skip
            with open(folder / f"layer-{number}-{part}.log", "w") as log:
                jobs.append(subprocess.Popen([str(word) for word in command], stdout=log, stderr=log))
        for part, job in enumerate(jobs):
            if job.wait() != 0:
                raise demo.Failed(f"promtool could not fill in recording rules: {(folder / f'layer-{number}-{part}.log').read_text()[-2000:]}")
        served.again()


def alerts(served, timeline, files):
    """The series ALERTS and ALERTS_FOR_STATE that Prometheus would have written, with `for` and `keep_firing_for`."""
    for group in groups(files):
        for rule in group["rules"]:
            if "alert" in rule:
                yield from of_alert(served, timeline, rule)


def of_alert(served, timeline, rule):
    wait, keep = seconds(rule.get("for", "0s")) // STEP, seconds(rule.get("keep_firing_for", "0s")) // STEP
    seen = {}
    for result in served.range(rule["expr"], timeline.start, timeline.end, STEP):
        metric = {label: value for label, value in result["metric"].items() if label != "__name__"}
        labels = {"alertname": rule["alert"]} | metric | rule.get("labels", {})
        held = {timeline.index(float(at)) for at, _ in result["values"]}
        seen.setdefault(tuple(sorted(labels.items())), set()).update(held)
    for labels, held in seen.items():
        changes = states(held, wait, keep, len(timeline.times))
        for state in ("pending", "firing"):
            if changes[state]:
                yield Series("ALERTS", {"alertstate": state} | dict(labels), changes[state])
        since = [(index, begun if begun is None else text(timeline.times[begun])) for index, begun in changes["since"]]
        yield Series("ALERTS_FOR_STATE", dict(labels), since)


def states(held, wait, keep, count):
    """When an alert is pending and when it fires, as changes; and since which sample it has been either."""
    now, since, lost = None, 0, 0
    changes = {"pending": [], "firing": [], "since": []}

    def turn(index, state):
        nonlocal now
        if state is None or now is None:
            changes["since"].append((index, None if state is None else since))
        if state != now:
            if now:
                changes[now].append((index, None))
            if state:
                changes[state].append((index, "1"))
            now = state

    for index in range(count):
        if index in held:
            since = index if now is None else since
            lost = index
            turn(index, "firing" if now == "firing" or index - since >= wait else "pending")
        elif now == "pending" or (now == "firing" and index - lost > keep):
            turn(index, None)
    return changes


UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def seconds(duration):
    """A duration of Prometheus."""
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))
