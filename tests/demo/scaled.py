"""The example's manifest with its times scaled, so that a week of 2017 passes in seconds.

Scaled are all times that speak about the data: window, anchor, baseline, lateness, freshness, and the time in the budget of
false alarms, so that the chance of one false alarm per window stays what it is. The timeout of a call is about the
network and stays; the schedule becomes one second.
"""
import pathlib
import re
import sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import ruamel.yaml

BASELINE_END = datetime(2017, 5, 7, 6, tzinfo=timezone.utc)
WEEK = timedelta(days=7)
DEFAULT_FALSE_ALARMS = {"critical": "1 per 30d", "warning": "1 per 7d"}
UNITS = {"y": 365 * 86_400_000, "w": 7 * 86_400_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


class Scale:
    """Time of the data to time of the demo: the end of the baseline falls on `origin`, and a week takes `week`."""

    def __init__(self, origin, week):
        self.origin, self.week = origin, week
        self.factor = Fraction(week // timedelta(milliseconds=1), WEEK // timedelta(milliseconds=1))

    def moment(self, value):
        """A time of the data, as text or as what YAML made of it, as RFC 3339 with milliseconds."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        milliseconds = (value - BASELINE_END) // timedelta(milliseconds=1) * self.factor
        return rfc3339(self.origin + timedelta(milliseconds=round(milliseconds)))

    def duration(self, text):
        """A duration in Prometheus form, to the millisecond, which is its finest unit."""
        parts = re.findall(r"(\d+)(ms|[ywdhms])", text)
        milliseconds = max(1, round(sum(int(count) * UNITS[unit] for count, unit in parts) * self.factor))
        return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"

    def rate(self, text):
        """A budget such as `1 per 30d`."""
        count, time = text.split(" per ")
        return f"{count} per {self.duration(time)}"

    def week_of(self, timestamp):
        """The number of the week whose window ends at this Unix time; week 18 ends at the origin."""
        elapsed = datetime.fromtimestamp(timestamp, timezone.utc) - self.origin
        return 18 + round(elapsed / self.week)

    def data_days(self, seconds):
        """Days of the data that pass in so many seconds of the demo."""
        return float(seconds / self.factor / 86_400)


def rfc3339(moment):
    """UTC with milliseconds."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def each(mapping, names, change):
    """Replaces those of the named values that are there."""
    for name in names:
        if mapping and mapping.get(name) is not None:
            mapping[name] = change(mapping[name])


def write(example, target, scale, uri, namespace=None, notifications=None):
    """Writes the scaled manifest to `target`, for a server at `uri`; in another namespace, and with people who are told, where
    they are given."""
    yaml = ruamel.yaml.YAML()
    yaml.width = 120
    # The example explains its own times; beside scaled ones its comments would be wrong.
    manifest = ruamel.yaml.YAML(typ="safe").load(pathlib.Path(example).read_text())
    spec = manifest["spec"]
    manifest["metadata"]["namespace"] = namespace or manifest["metadata"]["namespace"]
    spec["source"]["flight"]["uri"] = uri
    spec["schedule"]["every"] = "1s"
    if notifications:
        spec["notifications"] = notifications
    spec["falseAlarms"] = DEFAULT_FALSE_ALARMS | (spec.get("falseAlarms") or {})
    each(spec["data"]["window"], ("length", "allowedLateness"), scale.duration)
    each(spec["data"]["window"], ("anchor",), scale.moment)
    each(spec["baseline"].get("pinned"), ("from", "to"), scale.moment)
    each(spec["falseAlarms"], ("critical", "warning"), scale.rate)
    freshness = spec.get("checks", {}).get("freshness") or {}
    for limits in (freshness, *freshness.get("overrides", ())):
        each(limits, ("warning", "critical"), scale.duration)
    with open(target, "w") as file:
        file.write(f"# {pathlib.Path(example).name} with its times scaled: a week takes {scale.duration('7d')}.\n")
        yaml.dump(manifest, file)


def main():
    """usage: scaled.py EXAMPLE TARGET ORIGIN_UNIX_SECONDS SECONDS_PER_WEEK URI"""
    if len(sys.argv) != 6:
        sys.exit(main.__doc__)
    example, target, origin, seconds, uri = sys.argv[1:]
    moment = datetime.fromtimestamp(float(origin), timezone.utc)
    write(example, target, Scale(moment, timedelta(seconds=float(seconds))), uri)


if __name__ == "__main__":
    main()
