"""What runs beside the exporters: the operator, Prometheus and Alertmanager, with the names and labels of real scrapes and
the story of the fleet."""
import json
import random
import socket
import subprocess
import time

import scrape
from fleet import FLEET
from timeline import HOUR, Series, text

OPERATOR = {"instance": "10.42.0.9:8080", "job": "feature-monitor-operator", "namespace": "feature-monitor", "pod": "feature-monitor-operator-6c9f8d7b5-x2k4q"}
PROMETHEUS = {"instance": "10.42.1.20:9090", "job": "prometheus", "namespace": "monitoring", "pod": "prometheus-0"}
ALERTMANAGER = {"instance": "10.42.1.21:9093", "job": "alertmanager", "namespace": "monitoring", "pod": "alertmanager-0"}
CONDITIONS = (
    "Ready", "SpecValid", "ChildrenApplied", "ExporterAvailable", "ConfigInForce", "ReferencesResolved", "SourceReachable",
    "BaselineReady", "Evaluated", "IntegrationsApplied",
)  # fmt: skip
DURATIONS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0")
# An hour in which the API server was upgraded, before the end.
UPGRADE = ((20.0, 18.5),)


class Hours:
    """Series that change every hour, from numbers that are the same in every run."""

    def __init__(self, timeline, target):
        self.timeline, self.target = timeline, target
        self.indices = range(0, len(timeline.times), HOUR // (timeline.times[1] - timeline.times[0]))

    def fixed(self, name, value, **labels):
        return Series(name, labels | self.target, [(0, text(value))])

    def gauge(self, name, value, **labels):
        """`value(moment, random)` for every hour."""
        chance = random.Random(name + json.dumps(labels))
        return Series(name, labels | self.target, [(index, text(value(self.timeline.times[index], chance))) for index in self.indices])

    def counter(self, name, growth, start=0, **labels):
        """What it grows by in every hour, spread over its samples."""
        chance, count, changes = random.Random(name + json.dumps(labels)), start, []
        per = self.indices.step
        for index in self.indices:
            grown = growth(self.timeline.times[index], chance)
            # A little in every sample, or one at a time.
            steps = per if grown >= per else max(1, min(per, round(grown)))
            for part in range(steps):
                count += grown / steps
                changes.append((index + part * per // steps, text(round(count, 4))))
        return Series(name, labels | self.target, changes)


def during(timeline, ranges, moment):
    return any(timeline.hours_before_end(begin) <= moment < timeline.hours_before_end(end) for begin, end in ranges)


def operator(timeline):
    """The operator's own families and `up`."""
    hours = Hours(timeline, OPERATOR)
    upgrade = lambda moment: during(timeline, UPGRADE, moment)  # noqa: E731
    name = "featuremonitor_operator_"
    yield hours.fixed("up", 1)
    yield hours.fixed(f"{name}build_info", 1, version="0.1.0", revision="unknown")
    yield hours.fixed(f"{name}leading", 1)
    yield hours.fixed(f"{name}monitors", len(FLEET))
    for watched in FLEET:
        for condition in CONDITIONS:
            values = lambda moment, _, w=watched, c=condition: holds(w, c, timeline, moment)  # noqa: E731
            made = hours.gauge(f"{name}monitor_condition", values)
            target = OPERATOR | {"namespace": watched.namespace, "monitor": watched.name, "condition": condition}
            yield Series(f"{name}monitor_condition", target, made.changes)
    yield hours.counter(f"{name}reconciliations_total", lambda moment, chance: 60 + chance.randrange(30), outcome="success")
    yield hours.counter(f"{name}reconciliations_total", lambda moment, chance: 45 if upgrade(moment) else 0, outcome="failure")
    yield hours.counter(f"{name}reconciliations_total", lambda moment, chance: 0, outcome="unreadable")
    shares = (0.1, 0.34, 0.66, 0.82, 0.91, 0.96, 0.985, 0.995, 0.999, 1.0, 1.0)
    total = lambda moment, chance: 120 if upgrade(moment) else 75  # noqa: E731
    for bound, share in zip((*DURATIONS, "+Inf"), shares):
        grown = lambda moment, chance, s=share: total(moment, chance) * (s**3 if upgrade(moment) else s)  # noqa: E731
        yield hours.counter(f"{name}reconciliation_duration_seconds_bucket", grown, le=bound)
    yield hours.counter(f"{name}reconciliation_duration_seconds_sum", lambda moment, chance: 40 if upgrade(moment) else 3.1)
    yield hours.counter(f"{name}reconciliation_duration_seconds_count", total)
    for kind in ("ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PrometheusRule", "Service", "ServiceAccount", "ServiceMonitor"):
        for verb in ("create", "patch", "delete"):
            rare = 0.03 if verb == "patch" else 0.008 if verb == "create" else 0.002
            yield hours.counter(f"{name}writes_total", lambda moment, chance, r=rare: 6 if upgrade(moment) else int(chance.random() < r), len(FLEET), kind=kind, verb=verb)
    for kind in ("FeatureMonitor", "Deployment", "ConfigMap", "Secret"):
        yield hours.counter(f"{name}watch_errors_total", lambda moment, chance: 14 if upgrade(moment) else int(chance.random() < 0.01), kind=kind)
    for code, usual, bad in (("2xx", 240, 120), ("4xx", 2, 6), ("409", 0, 4), ("429", 0, 12), ("5xx", 0, 30), ("none", 0, 22)):
        yield hours.counter(f"{name}api_answers_total", lambda moment, chance, u=usual, b=bad: b if upgrade(moment) else u, code=code)
    yield from process(hours, memory=38e6, cpu=9)


def holds(watched, condition, timeline, moment):
    """Whether a condition of a monitor holds."""
    source = not watched.during(timeline, watched.source_down, moment)
    exporter = not watched.during(timeline, watched.exporter_down, moment)
    own = {"SourceReachable": source, "ExporterAvailable": exporter, "BaselineReady": watched.baseline, "Evaluated": source and exporter}
    if condition == "Ready":
        return int(all(own.values()))
    return int(own.get(condition, True))


def process(hours, memory, cpu):
    """What every program says of its process."""
    yield hours.gauge("process_resident_memory_bytes", lambda moment, chance: round(memory * chance.uniform(0.95, 1.1)))
    yield hours.counter("process_cpu_seconds_total", lambda moment, chance: cpu * chance.uniform(0.8, 1.3))
    yield hours.fixed("process_start_time_seconds", hours.timeline.start - 11 * 86_400)
    yield hours.gauge("process_open_fds", lambda moment, chance: 20 + chance.randrange(6))


def prometheus(timeline, served):
    """Prometheus' own families about rules, notifications and targets; names and labels as the served one has them."""
    hours = Hours(timeline, PROMETHEUS)
    own = scrape.Scrape(scrape.get(f"{served.address}/metrics")).families
    upgrade = lambda moment: during(timeline, UPGRADE, moment)  # noqa: E731
    yield hours.fixed("up", 1)
    every = timeline.times.step
    per_hour = HOUR / every
    for name in sorted(own):
        for labels, value in own[name]:
            if "rule_group" in labels:
                # A rule of another Prometheus lies elsewhere.
                labels = labels | {"rule_group": "/etc/prometheus/rules/" + labels["rule_group"].rsplit("/", 1)[-1]}
            if name == "prometheus_rule_group_interval_seconds":
                yield hours.fixed(name, every, **labels)
            elif name == "prometheus_rule_group_rules":
                yield hours.fixed(name, value, **labels)
            elif name == "prometheus_rule_group_last_duration_seconds":
                yield hours.gauge(name, lambda moment, chance: round(0.004 * chance.uniform(0.5, 2.5) * (8 if upgrade(moment) else 1), 5), **labels)
            elif name == "prometheus_rule_group_last_evaluation_timestamp_seconds":
                yield Series(name, labels | PROMETHEUS, [(index, text(at - 3)) for index, at in enumerate(timeline.times)])
            elif name == "prometheus_rule_evaluations_total":
                yield hours.counter(name, lambda moment, chance: 20 * per_hour, **labels)
            elif name == "prometheus_rule_evaluation_failures_total":
                yield hours.counter(name, lambda moment, chance: 2 if upgrade(moment) and "customer" in labels["rule_group"] else 0, **labels)
            elif name in ("prometheus_rule_group_iterations_total",):
                yield hours.counter(name, lambda moment, chance: per_hour, **labels)
            elif name == "prometheus_rule_group_iterations_missed_total":
                yield hours.counter(name, lambda moment, chance: 3 if upgrade(moment) else 0, **labels)
            elif name in ("prometheus_notifications_queue_capacity", "prometheus_build_info"):
                yield hours.fixed(name, value, **labels)
            elif name == "prometheus_rule_evaluation_duration_seconds":
                yield hours.gauge(name, lambda moment, chance: round(0.0006 * chance.uniform(0.6, 2), 6), **labels)
    manager = {"alertmanager": "http://10.42.1.21:9093/api/v2/alerts"}
    yield hours.fixed("prometheus_notifications_alertmanagers_discovered", 1)
    yield hours.gauge("prometheus_notifications_queue_length", lambda moment, chance: 9 if upgrade(moment) else 0)
    yield hours.counter("prometheus_notifications_sent_total", lambda moment, chance: 40 + chance.randrange(20), **manager)
    yield hours.counter("prometheus_notifications_errors_total", lambda moment, chance: 12 if upgrade(moment) else 0, **manager)
    yield hours.counter("prometheus_notifications_dropped_total", lambda moment, chance: 2 if upgrade(moment) else 0)
    for quantile, usual in (("0.5", 0.0012), ("0.9", 0.003), ("0.99", 0.009)):
        yield hours.gauge("prometheus_notifications_latency_seconds", lambda moment, chance, u=usual: round(u * chance.uniform(0.7, 1.5), 5), quantile=quantile, **manager)
    yield hours.fixed("prometheus_tsdb_head_series", 9000)
    yield from process(hours, memory=410e6, cpu=140)


def alertmanager(timeline, program, folder, alerts):
    """Alertmanager's own families. It is asked for their names and labels; what they count follows from the alerts."""
    hours = Hours(timeline, ALERTMANAGER)
    families = scraped(program, folder)
    story = Story(timeline, alerts)
    yield hours.fixed("up", 1)
    sent = {"webhook": 1.0, "slack": 1.0, "pagerduty": 0.4}
    for name, series in sorted(families.items()):
        for labels, value in series:
            integration = labels.get("integration")
            share = sent.get(integration, 0)
            if name in ("alertmanager_notifications_total", "alertmanager_notification_requests_total"):
                yield hours.counter(name, lambda moment, chance: rounded(story.notified(moment) * share), **labels)
            elif name in ("alertmanager_notifications_failed_total", "alertmanager_notification_requests_failed_total"):
                broken = integration == "slack" and labels.get("reason", "serverError") == "serverError"
                yield hours.counter(name, lambda moment, chance: (3 if during(timeline, UPGRADE, moment) else int(chance.random() < 0.01)) if broken else 0, **labels)
            elif name == "alertmanager_alerts":
                share_of = {"active": 0.8, "suppressed": 0.2}.get(labels.get("state"), 0)
                yield hours.gauge(name, lambda moment, chance: round(story.firing(moment) * share_of), **labels)
            elif name == "alertmanager_alerts_received_total":
                status = labels.get("status")
                yield hours.counter(name, lambda moment, chance: story.firing(moment) * 4 if status == "firing" else story.ended(moment), **labels)
            elif name.startswith("alertmanager_notification_latency_seconds") and share:
                bound = float(labels.get("le", "inf"))
                fast = 1 - 0.03 ** (bound + 0.05) if bound < 1e9 else 1
                factor = 0.6 if name.endswith("_sum") else fast
                yield hours.counter(name, lambda moment, chance: story.notified(moment) * share * factor, **labels)
            elif name == "alertmanager_silences":
                yield hours.gauge(name, lambda moment, chance: 1 if labels.get("state") == "active" and chance.random() < 0.3 else 0, **labels)
            elif name in ("alertmanager_build_info", "alertmanager_config_last_reload_successful", "alertmanager_receivers", "alertmanager_integrations"):
                yield hours.fixed(name, value, **labels)
    # One that just started has not suppressed anything, and says nothing of it.
    for reason, much in (("inhibition", 0.5), ("silence", 0.2), ("mute_time_interval", 0.1)):
        suppressed = lambda moment, chance, m=much: rounded(story.firing(moment) * m)  # noqa: E731
        yield hours.counter("alertmanager_notifications_suppressed_total", suppressed, reason=reason)
    yield from process(hours, memory=34e6, cpu=7)


def rounded(number):
    """Halves go up, so that small counts are not lost."""
    return int(number + 0.5)


class Story:
    """How many alerts fired, began and ended in each hour."""

    def __init__(self, timeline, alerts):
        self.timeline = timeline
        hours = (timeline.end - timeline.start) // HOUR + 1
        self.began, self.finished, self.now = [0] * hours, [0] * hours, [0] * hours
        for series in alerts:
            if 'alertstate="firing"' not in series.key or 'alertname="Watchdog"' in series.key:
                continue
            for begin, end, _ in series.spans(0, len(timeline.times)):
                first, last = self.hour(timeline.times[begin]), self.hour(timeline.times[end - 1])
                self.began[first] += 1
                self.finished[last] += 1
                for hour in range(first, last + 1):
                    self.now[hour] += 1

    def hour(self, moment):
        return (moment - self.timeline.start) // HOUR

    def firing(self, moment):
        return self.now[self.hour(moment)]

    def ended(self, moment):
        return self.finished[self.hour(moment)]

    def notified(self, moment):
        """New alerts, grouped, those that ended, and every four hours what still fires."""
        hour = self.hour(moment)
        repeated = self.now[hour] / 3 if hour % 4 == 0 else 0
        return (self.began[hour] + self.finished[hour]) / 1.5 + repeated


def scraped(program, folder):
    """The families of an Alertmanager that just started."""
    config = folder / "alertmanager.yaml"
    config.write_text(
        json.dumps(
            {
                "route": {"receiver": "team"},
                "receivers": [{"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:1"}], "slack_configs": [{"api_url": "http://127.0.0.1:1", "channel": "#team"}]}],
            }
        )
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not scrape.answers(f"{address}/-/ready") and time.monotonic() < deadline:
            time.sleep(0.1)
        families = scrape.Scrape(scrape.get(f"{address}/metrics")).families
        return {name: series for name, series in families.items() if name.startswith("alertmanager_")}
    finally:
        process.terminate()
        process.wait(30)
