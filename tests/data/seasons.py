#!/usr/bin/env python3
"""What a window of the temperatures is compared with under a seasonal baseline, and how far from it its mean is, by numpy: JSON on
standard output.

usage: seasons.py BASELINE WINDOW --moved SECONDS --length SECONDS

BASELINE is spec.baseline of a manifest as JSON; WINDOW is the Unix time at which the window begins. The baseline is made of the
windows before it. As servers/temperatures.py does it, all hours are so many seconds later than in 2010.

Everything is computed by the definitions of docs/statistics.md (a seasonal baseline, level), with a budget of one false alarm per
30 days at critical and one per 7 days at warning for the check level of two features.
"""
import argparse
import json
import pathlib
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import temperatures  # noqa: E402  (the path above makes it importable)

PHASES = {"HourOfDay": 24, "DayOfWeek": 7, "HourOfWeek": 168, "DayOfMonth": 31}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BUDGET = {"warning": timedelta(days=7), "critical": timedelta(days=30)}


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Window:
    """A window with its rows, its local day, and its phases from the finest to the coarsest, in words."""

    def __init__(self, start, length, rows, season):
        self.start, self.end, self.rows = start, start + length, rows
        local = (start + length / 2).astimezone(ZoneInfo(season.get("timeZone", "UTC")))
        self.day = local.date()
        self.phases = self.of(season, local, f"{local.hour:02}:00")

    def of(self, season, local, hour):
        own = [one["name"] for one in season.get("calendar", []) if str(self.day) in one["days"]]
        weekday, hourly = DAYS[local.weekday()], season["period"].startswith("Hour")
        if own:
            return [f"{own[0]} {hour}", own[0]] if hourly else own
        return {
            "HourOfDay": [hour],
            "DayOfWeek": [weekday],
            "HourOfWeek": [f"{weekday} {hour}", hour],
            "DayOfMonth": [f"day {local.day} of the month"],
        }[season["period"]]


def windows(moved, length, season):
    """Every window of the year, of each feature its rows."""
    series = {name: temperatures.read(name) for name in temperatures.FILES}
    start, hours = temperatures.START.replace(tzinfo=timezone.utc) + moved, length // timedelta(hours=1)
    for first in range(0, temperatures.HOURS - hours + 1, hours):
        rows = {name: values[first : first + hours] for name, values in series.items()}
        rows = {name: values[~numpy.isnan(values)] for name, values in rows.items()}
        yield Window(start + timedelta(hours=first), length, rows, season)


def baseline(all_windows, start, definition):
    """The windows that are kept before one: the newest ones that are not excluded, and of each phase so many of them."""
    season = definition["seasonal"]
    excluded = [(moment(time["from"]), moment(time["to"])) for time in definition.get("excluded", [])]
    normal = [w for w in all_windows if w.start < start and not any(since < w.end and w.start < to for since, to in excluded)]
    newest = [w for w in normal[-PHASES[season["period"]] * season["cycles"] :] if len(w.rows["seattle"])]
    kept = {}
    for window in newest:
        kept.setdefault(window.phases[0], []).append(window)
    chosen = {id(window) for same in kept.values() for window in same[-season["cycles"] :]}
    return [window for window in newest if id(window) in chosen]


def having(kept, phase):
    """The windows with a phase, and on how many days they are."""
    found = [window for window in kept if phase in window.phases]
    return found, len({window.day for window in found})


def enough(kept, window):
    """The finest phase of a window that was there on enough days; else nothing."""
    return next((phase for phase in window.phases if having(kept, phase)[1] >= temperatures.LEAST), None)


def deviation(own, kept, means):
    """The unit of deviations of a phase whose windows have the means `own`."""
    known = {phase: numpy.median([means[id(w)] for w in having(kept, phase)[0]]) for phase in {enough(kept, w) for w in kept} - {None}}
    everything = numpy.median(list(means.values()))
    noise = numpy.median([abs(means[id(w)] - known.get(enough(kept, w), everything)) for w in kept])
    return 1.4826 * max(numpy.median(abs(own - numpy.median(own))), 0.25 * noise)


def limits(n, rho, length):
    """The limits of the level by n windows of one phase."""
    found = {}
    for severity, time in BUDGET.items():
        alpha = min(0.05, length / time / len(temperatures.FILES))
        found[severity] = temperatures.level_limit(temperatures.FLOORS[severity], alpha, n, rho)
    return found


def compared(window, kept, length):
    """What the window is compared with, and how far each feature is from it."""
    phase = enough(kept, window)
    same, days = having(kept, phase)
    means = {name: {id(w): w.rows[name].mean() for w in kept} for name in temperatures.FILES}
    finest = {phase: [w for w in kept if w.phases[0] == phase] for phase in {w.phases[0] for w in kept}}
    rho = temperatures.autocorrelation([[of[id(w)] for w in group] for of in means.values() for group in finest.values()])
    features = {}
    for name, of in means.items():
        own, rows = numpy.array([of[id(w)] for w in same]), numpy.concatenate([w.rows[name] for w in same])
        mean, unit = window.rows[name].mean(), deviation(own, kept, of)
        features[name] = {
            "mean": mean,
            "reference_mean": rows.mean(),
            "reference_stddev": rows.std(ddof=1),
            "usual_mean": numpy.median(own),
            "usual_deviation": unit,
            "level": abs(mean - numpy.median(own)) / unit,
            "limits": limits(len(own), rho, length),
        }
    return {"phase": phase, "windows": len(same), "days": days, "features": features}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("baseline", type=json.loads)
    parser.add_argument("window", type=float)
    parser.add_argument("--moved", type=float, required=True, help="by how much all hours are later, in seconds")
    parser.add_argument("--length", type=float, required=True, help="how long a window is, in seconds")
    options = parser.parse_args()
    length, start = timedelta(seconds=options.length), datetime.fromtimestamp(options.window, timezone.utc)
    all_windows = list(windows(timedelta(seconds=options.moved), length, options.baseline["seasonal"]))
    (window,) = [window for window in all_windows if window.start == start]
    kept = baseline(all_windows, start, options.baseline)
    rows = sum(len(window.rows["seattle"]) for window in kept)
    print(json.dumps({"kept": len(kept), "rows": rows, **compared(window, kept, length)}))


if __name__ == "__main__":
    main()
