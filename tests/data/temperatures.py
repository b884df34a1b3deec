#!/usr/bin/env python3
"""The temperatures of San Francisco and Seattle, hour by hour of 2010, and what the checks of time find in them, by numpy.

The two series ship inside the package `vega_datasets`: 8,759 hours each by the local clock, in degrees Fahrenheit. The hour from
03:00 on 14 March, where summer time begins, is in neither of them.

    temperatures.py CYCLES          prints, as JSON, the values, and what the checks level and shift find from the day on that
                                    follows CYCLES days

Everything is computed by the definitions of docs/statistics.md, on the whole series and without a look at the program.
"""
import csv
import json
import pathlib
import sys
from datetime import datetime, timedelta

import numpy
import scipy.stats
import vega_datasets

FILES = {"san_francisco": ("sf-temps.csv", "%Y/%m/%d %H:%M:%S"), "seattle": ("seattle-temps.csv", "%Y/%m/%d %H:%M")}
START = datetime(2010, 1, 1)
HOURS = 365 * 24
# One false alarm per 30 days at critical, one per 7 days at warning, two features with two checks each.
ALPHA = {"warning": 1 / (7 * 24) / 4, "critical": 1 / (30 * 24) / 4}
FLOORS = {"warning": 3.0, "critical": 4.0}
LEAST = 4


def read(name):
    """One value for each hour of the year, NaN where there is none."""
    file, form = FILES[name]
    values = numpy.full(HOURS, numpy.nan)
    with open(pathlib.Path(vega_datasets.__file__).parent / "_data" / file, encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            since = datetime.strptime(row["date"], form) - START
            values[since.days * 24 + since.seconds // 3600] = float(row["temp"])
    return values


def autocorrelation(history):
    """From one day to the next, corrected for its bias, of all hours together."""
    found = []
    for values in history:
        deviations = numpy.array(values) - numpy.mean(values)
        squares = (deviations**2).sum()
        n = len(values)
        if n >= 8 and squares > 0:
            found.append(((deviations[:-1] * deviations[1:]).sum() / squares + 1 / n) / (1 - 3 / n))
    return min(max(numpy.mean(found), 0.0), 0.9)


def stretch(n, rho):
    variance = (1 + 2 * sum((1 - k / n) * rho**k for k in range(1, n))) / n
    of = lambda v: (1 + v) / ((n / (n - 1)) ** 2 * (1 - v))
    return max(1.0, (of(variance) / of(1 / n)) ** 0.5)


def level(series, cycles):
    """The check level of all features, hour by hour. The autocorrelation is that of all features, so they go along together."""
    begin = cycles * 24
    # An hour keeps its newest days; of one in which it was left out nothing of the feature is known.
    history = {name: [list(values[hour:begin:24]) for hour in range(24)] for name, values in series.items()}
    runs = {name: [0] * 24 for name in series}
    most = min(cycles - LEAST, cycles // 2)
    found = {name: [] for name in series}
    for at in range(begin, HOURS):
        hour = at % 24
        known = {name: [[v for v in values if v is not None] for values in hours] for name, hours in history.items()}
        rho = autocorrelation([values for hours in known.values() for values in hours])
        for name, values in series.items():
            value = values[at]
            if numpy.isnan(value):
                found[name].append(None)
                continue
            medians = [numpy.median(values) for values in known[name]]
            noise = numpy.median(numpy.concatenate([abs(numpy.array(v) - m) for v, m in zip(known[name], medians)]))
            own = numpy.array(known[name][hour])
            n = len(own)
            deviation = 1.4826 * max(numpy.median(abs(own - medians[hour])), 0.25 * noise)
            score = abs(value - medians[hour]) / deviation
            limits = {}
            for severity, alpha in ALPHA.items():
                factor = n / (n - 0.8) * (1 + numpy.pi / (2 * n)) ** 0.5 * scipy.stats.t.isf(alpha / 2, 0.9 * (n // 2))
                limits[severity] = max(FLOORS[severity], factor * stretch(n, rho))
            found[name].append([score, limits["warning"], limits["critical"]])
            # What breaches a critical limit does not become usual, unless it lasts.
            breached = score >= limits["critical"]
            out = breached and runs[name][hour] < most
            runs[name][hour] = runs[name][hour] + 1 if out else (runs[name][hour] if breached else 0)
            history[name][hour].append(None if out else value)
            del history[name][hour][:-cycles]
    return found


def shift(values, cycles):
    """The chart of one feature, hour by hour: the EWMA in its deviations, and the innovation that it took in."""
    begin = cycles * 24
    days = values[:begin].reshape(cycles, 24)
    others = numpy.array([numpy.median(numpy.delete(days, day, axis=0), axis=0) for day in range(cycles)])
    residuals = (days - others).ravel()
    mean = residuals.mean()
    before, after = residuals[:-1] - mean, residuals[1:] - mean
    n = len(before)
    phi = ((before - before.mean()) * (after - after.mean())).sum() / ((before - before.mean()) ** 2).sum()
    phi = min(phi + (1 + 3 * phi) / n, 0.99)
    deviation = (((after - phi * before) ** 2).sum() / (n - 2)) ** 0.5
    medians = numpy.median(days, axis=0)
    ewma = 0.0
    last, missed, found = None, 0, []
    for at in range(begin, HOURS):
        if numpy.isnan(values[at]):
            missed += 1
            found.append(None)
            continue
        value = values[at] - medians[at % 24] - mean
        told = 0.0 if last is None else phi ** (1 + missed)
        scale = deviation * ((1 - told**2) / (1 - phi**2)) ** 0.5
        innovation = (value - told * (last or 0.0)) / scale
        # One hour moves the charts by four deviations at most, and is remembered as no farther away.
        step = min(max(innovation, -4.0), 4.0)
        last, missed = (value if step == innovation else value + (step - innovation) * scale), 0
        ewma = 0.9 * ewma + 0.1 * step
        found.append([ewma / (0.1 / 1.9) ** 0.5, innovation])
    return found


def main():
    cycles = int(sys.argv[1])
    series = {name: read(name) for name in FILES}
    levels = level(series, cycles)
    print(json.dumps({
        "missing": [(START + timedelta(hours=int(at))).isoformat() + "Z" for at in numpy.flatnonzero(numpy.isnan(series["seattle"]))],
        "features": {name: {
            "values": [None if numpy.isnan(value) else value for value in series[name]],
            "level": levels[name],
            "shift": shift(series[name], cycles),
        } for name in FILES},
    }))


if __name__ == "__main__":
    main()
