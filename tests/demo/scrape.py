"""What the exporter says about itself, read from its public doors: /metrics and /-/status."""
import collections
import json
import math
import re
import urllib.error
import urllib.request

LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
SEVERITIES = ("critical", "warning")
# The checks that judge each feature by a number.
CHECKS = ("drift", "missing")


class Scrape:
    """One reading of /metrics: values by family and labels."""

    def __init__(self, text):
        self.families = collections.defaultdict(list)
        for line in text.splitlines():
            if match := LINE.match(line):
                name, labels, value = match.groups()
                unescaped = {k: re.sub(r"\\.", lambda e: ESCAPES.get(e[0], e[0]), v) for k, v in LABEL.findall(labels or "")}
                self.families[name].append((unescaped, float(value)))

    def value(self, family, **labels):
        """The value of the series that has these labels among its own, or None: what is not known is not there."""
        for found, value in self.families.get(family, ()):
            if labels.items() <= found.items():
                return value
        return None

    def features(self):
        """Names of the features, in the exporter's order."""
        return [labels["feature"] for labels, _ in self.families.get("featuremonitor_feature_info", ())]

    def info(self, family, wanted, **labels):
        """One label of the info series that has these labels."""
        for found, _ in self.families.get(family, ()):
            if labels.items() <= found.items():
                return found.get(wanted)
        return None


class Row:
    """One feature as the table shows it."""

    def __init__(self, scrape, name):
        of = {"feature": name}
        drift = {**of, "check": "drift"}
        self.name = name
        self.rows = scrape.value("featuremonitor_feature_rows", **of)
        self.missing = scrape.value("featuremonitor_feature_missing_ratio", **of)
        self.newest = scrape.value("featuremonitor_feature_newest_event_timestamp_seconds", **of)
        self.values = {check: scrape.value("featuremonitor_check_value", **of, check=check) for check in CHECKS}
        self.limits = {
            check: [scrape.value("featuremonitor_check_limit", **of, check=check, severity=severity) for severity in ("warning", "critical")]
            for check in CHECKS
        }
        self.score = scrape.value("featuremonitor_check_score", **drift, severity="critical")
        self.breaches = {
            severity: sorted(
                (
                    labels["check"]
                    for labels, value in scrape.families.get("featuremonitor_check_breached", ())
                    if value == 1 and labels.get("feature") == name and labels["severity"] == severity
                ),
                # What is farthest over its limit first; what no number judges (a schema) before all.
                key=lambda check: -(scrape.value("featuremonitor_check_score", **of, check=check, severity=severity) or math.inf),
            )
            for severity in SEVERITIES
        }
        self.present = scrape.value("featuremonitor_feature_present", **of) != 0
        self.moving = scrape.value("featuremonitor_drift_moving", **of) == 1
        self.unjudged = scrape.info("featuremonitor_check_invalid_info", "reason", **drift)

    @property
    def state(self):
        """One word."""
        if not self.present:
            return "absent"
        for severity in SEVERITIES:
            if self.breaches[severity]:
                return severity
        if self.moving:
            return "moving"
        return "not judged" if self.values["drift"] is None else "ok"

    @property
    def why(self):
        """What stands behind the word."""
        for severity in SEVERITIES:
            if self.breaches[severity]:
                return ", ".join(self.breaches[severity])
        return (self.unjudged or "").replace("_", " ") if self.state == "not judged" else ""


def get(url):
    """The body of a page."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def answers(url):
    """Whether there is a server with a good answer."""
    try:
        get(url)
    except (urllib.error.URLError, OSError):
        return False
    return True


def status(base):
    """`/-/status` as a dictionary."""
    return json.loads(get(f"{base}/-/status"))
