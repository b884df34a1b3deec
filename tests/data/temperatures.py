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
import os
import pathlib
import sys
from datetime import datetime, timedelta

# Its matrices are so small that threads only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy
import scipy.optimize
import scipy.stats
import vega_datasets

import between

FILES = {"san_francisco": ("sf-temps.csv", "%Y/%m/%d %H:%M:%S"), "seattle": ("seattle-temps.csv", "%Y/%m/%d %H:%M")}
START = datetime(2010, 1, 1)
HOURS = 365 * 24
# One false alarm per 30 days at critical, one per 7 days at warning, two features with two checks each.
ALPHA = {"warning": 1 / (7 * 24) / 4, "critical": 1 / (30 * 24) / 4}
FLOORS = {"warning": 3.0, "critical": 4.0}
LEAST = 4
# The factors that make the MAD of few values unbiased (Croux and Rousseeuw 1992).
UNBIASED = {4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
# The standard deviation of an EWMA with λ = 0.1.
DEVIATION = (0.1 / 1.9) ** 0.5
# Hours for which the charts are back at 0 before a signal ends.
HOLD = 24
# Of so many hours it is said which limits they ask for.
ASKED = 480


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


def level_limit(floor, alpha, n, rho):
    """The limit of the level by n windows of one phase, with the autocorrelation from one cycle to the next."""
    factor = UNBIASED.get(n, n / (n - 0.8)) * (1 + numpy.pi / (2 * n)) ** 0.5 * scipy.stats.t.isf(alpha / 2, 0.9 * (n // 2))
    return max(floor, factor * stretch(n, rho))


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
            deviation = 1.4826 * max(numpy.median(abs(own - medians[hour])), 0.25 * noise)
            signed = (value - medians[hour]) / deviation
            score = abs(signed)
            limits = {severity: level_limit(FLOORS[severity], alpha, len(own), rho) for severity, alpha in ALPHA.items()}
            found[name].append([score, limits["warning"], limits["critical"], signed])
            # What breaches a critical limit does not become usual, unless it lasts.
            breached = score >= limits["critical"]
            out = breached and runs[name][hour] < most
            runs[name][hour] = runs[name][hour] + 1 if out else (runs[name][hour] if breached else 0)
            history[name][hour].append(None if out else value)
            del history[name][hour][:-cycles]
    return found


def run_length_rate(low, high, width, kernel, atom):
    """1/N(0) of N(u) = 1 + atom(u)·N(0) + ∫ kernel(u, x)·N(x) dx over low ≤ x ≤ high: by Nyström's method at Gauss's nodes."""
    if width > 100:
        return 0.0
    nodes, weights = numpy.polynomial.legendre.leggauss(12 + int(numpy.ceil(3 * width)))
    states = numpy.concatenate([[0.0], low + (high - low) * (nodes + 1) / 2])
    jumps = kernel(states[:, None], states[None, :]) * numpy.concatenate([[0.0], (high - low) / 2 * weights])
    jumps[:, 0] = atom(states)
    return numpy.clip(1 / numpy.linalg.solve(numpy.eye(len(states)) - jumps, numpy.ones(len(states)))[0], 0.0, 1.0)


def ewma_rate(limit, location, scale):
    end = limit * scale * DEVIATION
    kernel = lambda u, x: scipy.stats.norm.pdf((x - 0.9 * u) / 0.1 - location) / 0.1
    return run_length_rate(-end, end, end / 0.1, kernel, numpy.zeros_like)


def cusum_rate(limit, location, scale):
    def side(mean):
        kernel = lambda u, x: scipy.stats.norm.pdf(x - u + 0.5 * scale - mean)
        atom = lambda u: scipy.stats.norm.cdf(0.5 * scale - u - mean)
        return run_length_rate(0.0, limit * scale, limit * scale / 2, kernel, atom)
    return side(location) + side(-location)


def chart_limit(rate, wanted, location, scale):
    """The limit at which a chart alarms once in `wanted` windows, on average over the errors of mean and deviation."""
    # The trapezoidal rule with step 1; a rate is the same on either side of the mean.
    means, scales = numpy.arange(0, 6), numpy.arange(-6, 5)
    weights = numpy.outer(numpy.where(means > 0, 2, 1) * scipy.stats.norm.pdf(means), scipy.stats.norm.pdf(scales))

    def mean(limit):
        rates = [[rate(limit, location * x, numpy.exp(scale * y)) for y in scales] for x in means]
        return (weights * rates).sum() / weights.sum()
    return scipy.optimize.brentq(lambda limit: numpy.log(max(mean(limit) * wanted, 1e-300)), 2.0, 30.0, xtol=1e-6)


def shift(values, cycles):
    """The charts of one feature, hour by hour: the EWMA in its deviations, the innovation that it took in, both sides of the CUSUM, and
    whether a signal is told at each severity; and the limits, first of the EWMA."""
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
    errors = len(residuals) ** -0.5, (0.5 / n + (1 + phi) / ((1 - phi) * n)) ** 0.5
    # Two charts share α.
    limits = {of: [chart_limit(rate, 2 / alpha, *errors) for rate in (ewma_rate, cusum_rate)] for of, alpha in ALPHA.items()}
    medians = numpy.median(days, axis=0)
    ewma, sides = 0.0, [0.0, 0.0]
    stands = {of: [0, False, False] for of in ALPHA}
    told = {of: 0 for of in ALPHA}
    last, missed, found = None, 0, []
    for at in range(begin, HOURS):
        if numpy.isnan(values[at]):
            missed += 1
            found.append(None)
            continue
        value = values[at] - medians[at % 24] - mean
        shrunk = 0.0 if last is None else phi ** (1 + missed)
        scale = deviation * ((1 - shrunk**2) / (1 - phi**2)) ** 0.5
        innovation = (value - shrunk * (last or 0.0)) / scale
        # One hour moves the charts by four deviations at most, and is remembered as no farther away.
        step = min(max(innovation, -4.0), 4.0)
        last, missed = (value if step == innovation else value + (step - innovation) * scale), 0
        ewma = 0.9 * ewma + 0.1 * step
        score = ewma / DEVIATION
        sides = [max(0.0, side + sign * step - 0.5) for side, sign in zip(sides, (1, -1))]
        for of, (most, h) in limits.items():
            sign, *up_down = stands[of]
            if sign * score <= 0:
                sign = numpy.sign(score) if abs(score) > most else 0
            up_down = [side > 0 and (stood or side > h) for side, stood in zip(sides, up_down)]
            stands[of] = [sign, *up_down]
            # A signal is told until nothing has stood for a day.
            told[of] = HOLD if any(stands[of]) else max(told[of] - 1, 0)
        found.append([score, innovation, *sides, told["warning"] > 0, told["critical"] > 0])
        sides = [min(side, limits["critical"][1]) for side in sides]
    return found, limits


def asked_for(series):
    """The limits that hours ask for by their own spread, at each severity: of rows of signed values, a row a feature, which may pass
    them on both sides."""
    count, n = series.shape
    rho = autocorrelation(series)
    told = between.independent(series) * n
    rho = min(0.9, rho + 2 * ((1 - rho**2) / told) ** 0.5)
    squares, pooled = (series**2).mean(axis=1), between.together(series)
    return {of: list(between.bound(alpha / 2, n, squares, pooled) * stretch(n, rho)) for of, alpha in ALPHA.items()}


def main():
    cycles = int(sys.argv[1])
    series = {name: read(name) for name in FILES}
    levels = level(series, cycles)
    shifts = {name: shift(values, cycles) for name, values in series.items()}
    first = lambda hours, place: [hour[place] for hour in hours[:ASKED]]
    asked = {
        "level": asked_for(numpy.array([first(levels[name], 3) for name in FILES])),
        "shift": asked_for(numpy.array([first(shifts[name][0], 0) for name in FILES])),
    }
    print(json.dumps({
        "missing": [(START + timedelta(hours=int(at))).isoformat() + "Z" for at in numpy.flatnonzero(numpy.isnan(series["seattle"]))],
        "features": {name: {
            "values": [None if numpy.isnan(value) else value for value in series[name]],
            "level": levels[name],
            "shift": shifts[name][0],
            "limits": shifts[name][1],
            "asked": {check: {of: each[place] for of, each in limits.items()} for check, limits in asked.items()},
        } for place, name in enumerate(FILES)},
    }))


if __name__ == "__main__":
    main()
