#!/usr/bin/env python3
"""Reference figures of one week of the customer features against a baseline: JSON on standard output.

usage: expected.py WEEK [--baseline 13-18]

Computed from the raw rows with DuckDB (counts and moments), numpy (quantiles) and scipy (distributions), by the
formulas of docs/statistics.md and by nothing of the monitor's own code. Exact where the monitor is exact; KS and
Wasserstein are on raw values, where the monitor counts in fine bins and states its error. What a definition leaves
open, or what does not apply to a kind of feature, is not there.
"""
import argparse
import collections
import json
import pathlib
import sys

import duckdb
import numpy
import pyarrow
from scipy import stats

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import weekly_features  # noqa: E402  (the path above makes it importable)

NOT_FEATURES = {"household_id", "snapshot_ts", "last_event_ts", "segment"}
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
MOST_FREQUENT = 50
SEVERITIES = ("warning", "critical")
# Expected false alarms per window of 7 days: 1 per 7 d for warnings, 1 per 30 d for critical ones.
BUDGET = {"warning": 1.0, "critical": 7 / 30}
FLOOR = {
    "ks": {"warning": 0.05, "critical": 0.10},
    "psi": {"warning": 0.10, "critical": 0.25},
    "missing": {"warning": 0.02, "critical": 0.05},
}
# A feature's own variance between windows weighs as much as its degrees of freedom, the mean over features as 20.
PRIOR_WEIGHT = 20


def counts_and_moments(snapshot, name, numeric):
    """What DuckDB, which finds `snapshot` by its name, says about one column."""
    statistics = f"""
        count(*) as rows,
        count(*) - count({name}) as nulls,
        count(distinct {name}) as distinct_values"""
    if numeric:
        statistics += f""",
        count(*) filter (isnan({name}::double)) as nans,
        count(*) filter (isinf({name}::double)) as infinities,
        count(*) filter ({name} = 0) as zeros,
        avg({name}::double) as mean,
        stddev_samp({name}::double) as stddev,
        min({name}::double) as min,
        max({name}::double) as max"""
    relation = duckdb.sql(f"select {statistics} from snapshot")
    return dict(zip(relation.columns, relation.fetchall()[0]))


def values(table, name):
    """The column's values without nulls, as floats or as strings."""
    column = table[name].drop_null()
    if pyarrow.types.is_dictionary(column.type):
        return numpy.array(column.cast(pyarrow.string()).to_pylist(), dtype=object)
    return column.to_numpy().astype(float)


class Categories:
    """The baseline's bins of a categorical feature: its most frequent categories, the other ones, and unseen ones."""

    def __init__(self, reference):
        self.counted = collections.Counter(reference)
        by_count = sorted(self.counted, key=lambda category: (-self.counted[category], category))
        self.names = by_count[:MOST_FREQUENT]
        self.position = {category: i for i, category in enumerate(self.names)}

    def counts(self, sample):
        bins = numpy.zeros(len(self.names) + 2)
        for category, count in collections.Counter(sample).items():
            other = len(self.names) if category in self.counted else len(self.names) + 1
            bins[self.position.get(category, other)] += count
        return bins

    def labels(self):
        return [*self.names, "__other__", "__unseen__"]


def both_used(a, c):
    """Bins that are empty on both sides say nothing and are left out."""
    used = (a > 0) | (c > 0)
    return a[used], c[used]


def psi(a, c):
    a, c = both_used(a, c)
    p = (a + 0.5) / (a.sum() + len(a) / 2)
    q = (c + 0.5) / (c.sum() + len(c) / 2)
    return float(numpy.sum((p - q) * numpy.log(p / q)))


def psi_null(a, c, alpha):
    bins = len(both_used(a, c)[0])
    return float((1 / a.sum() + 1 / c.sum()) * stats.chi2.isf(alpha, bins - 1))


def jensen_shannon(a, c):
    """(distance from the plain divergence, distance from the divergence less its bias), to base 2."""
    a, c = both_used(a, c)
    p, q = a / a.sum(), c / c.sum()
    divergence = (stats.entropy(p, (p + q) / 2, base=2) + stats.entropy(q, (p + q) / 2, base=2)) / 2
    bias = (len(a) - 1) / (8 * numpy.log(2)) * (1 / a.sum() + 1 / c.sum())
    return float(numpy.sqrt(divergence)), float(numpy.sqrt(max(0.0, divergence - bias)))


def hellinger(a, c):
    return float(numpy.sqrt(numpy.sum((numpy.sqrt(a / a.sum()) - numpy.sqrt(c / c.sum())) ** 2) / 2))


def chi_squared(a, c):
    """Statistic, degrees of freedom and p-value; None where expected counts are so small that bins must be pooled."""
    table = numpy.array(both_used(a, c))
    result = stats.chi2_contingency(table, correction=False)
    expected = result.expected_freq
    if expected.min() < 1 or (expected < 5).mean() > 0.2:
        return None
    return {"statistic": float(result.statistic), "degrees": int(result.dof), "p_value": float(result.pvalue)}


def ks_null(a, c, alpha):
    return float(stats.kstwo.isf(alpha, round(len(a) * len(c) / (len(a) + len(c)))))


def ks(a, c):
    return float(stats.ks_2samp(a, c, method="asymp").statistic)


def wasserstein_iqr(a, c):
    spread = float(numpy.subtract(*numpy.quantile(a, [0.75, 0.25]))) or float(numpy.std(a, ddof=1))
    return float(stats.wasserstein_distance(a, c)) / spread if spread else None


class Feature:
    """One feature: its baseline windows, its current window, and how far apart two samples of it are."""

    def __init__(self, name, baseline, current):
        self.name = name
        self.numeric = not pyarrow.types.is_dictionary(current.schema.field(name).type)
        self.alarming = "ks" if self.numeric else "psi"
        self.windows = [values(table, name) for table in baseline]
        self.shares = [(table[name].null_count, table.num_rows) for table in baseline]
        self.current = values(current, name)
        self.current_share = (current[name].null_count, current.num_rows)
        self.categories = None if self.numeric else Categories(numpy.concatenate(self.windows))
        if self.categories:
            self.windows = [self.categories.counts(window) for window in self.windows]
            self.current = self.categories.counts(self.current)
        self.reference = self.pooled(range(len(self.windows)))
        others = [self.pooled(j for j in range(len(self.windows)) if j != i) for i in range(len(self.windows))]
        self.leave_one_out = [self.distance(other, window) for other, window in zip(others, self.windows)]

    def pooled(self, which):
        chosen = [self.windows[i] for i in which]
        return numpy.concatenate(chosen) if self.numeric else numpy.sum(chosen, axis=0)

    def distance(self, a, c):
        return ks(a, c) if self.numeric else psi(a, c)

    def null(self, alpha):
        return (ks_null if self.numeric else psi_null)(self.reference, self.current, alpha)

    def log_distances(self):
        return numpy.log(numpy.maximum(self.leave_one_out, 1e-4))

    def missing_differences(self):
        """Each baseline window's missing share, less that of the others together."""
        nulls, rows = map(numpy.array, zip(*self.shares))
        return nulls / rows - (nulls.sum() - nulls) / (rows.sum() - rows)

    def distances(self):
        a, c = self.reference, self.current
        if self.numeric:
            p_value = float(stats.ks_2samp(a, c, method="asymp").pvalue)
            return {"ks": {"statistic": ks(a, c), "p_value": p_value}, "wasserstein_iqr": wasserstein_iqr(a, c)}
        plain, corrected = jensen_shannon(a, c)
        return {
            "psi": psi(a, c),
            "jensen_shannon": {"plain": plain, "corrected": corrected},
            "hellinger": hellinger(a, c),
            "chi_squared": chi_squared(a, c),
            "bins": {
                label: {"reference": float(r / a.sum()), "current": float(n / c.sum())}
                for label, r, n in zip(self.categories.labels(), a, c)
            },
        }


def shrunk(own, mean, windows):
    """Standard deviation between windows: the feature's own variance, drawn towards the mean over features."""
    return float(numpy.sqrt((PRIOR_WEIGHT * mean + (windows - 1) * own) / (windows + PRIOR_WEIGHT - 1)))


def limit(floor, null, bound, cap):
    """The largest of the three parts, and which one it is."""
    parts = {"floor": floor, "null": null, "between_windows": min(bound, cap)}
    return {"limit": max(parts.values()), "part": max(parts, key=parts.get), "null": null, "bound": bound, "capped": bound > cap}


def drift_limits(feature, alphas, mean_variance):
    n, log = len(feature.windows), feature.log_distances()
    spread = shrunk(log.var(ddof=1), mean_variance, n)
    floor = FLOOR[feature.alarming]
    return {
        severity: limit(
            floor[severity],
            feature.null(alpha),
            float(numpy.exp(log.mean() + stats.t.isf(alpha, n + PRIOR_WEIGHT - 1) * spread * numpy.sqrt(1 + 1 / n))),
            2 * floor["critical"],
        )
        for severity, alpha in alphas.items()
    }


def missing_limits(feature, alphas, mean_square):
    n = len(feature.windows)
    nulls, rows = (sum(part) for part in zip(*feature.shares))
    rate = (nulls + 0.5) / (rows + 1)
    error = numpy.sqrt(rate * (1 - rate) * (1 / rows + 1 / feature.current_share[1]))
    spread = shrunk(numpy.mean(feature.missing_differences() ** 2), mean_square, n)
    return {
        severity: limit(
            FLOOR["missing"][severity],
            float(stats.norm.isf(alpha) * error),
            float(stats.t.isf(alpha, n + PRIOR_WEIGHT - 1) * spread * numpy.sqrt(1 + 1 / n)),
            2 * FLOOR["missing"]["critical"],
        )
        for severity, alpha in alphas.items()
    }


def describe(table, name, numeric):
    """One feature in one set of rows."""
    found = counts_and_moments(table, name, numeric)
    present = values(table, name)
    if numeric:
        found["quantiles"] = {f"p{p:02d}": float(numpy.quantile(present, p / 100)) for p in PERCENTILES}
    else:
        top = collections.Counter(present)
        found["top"] = sorted(([category, count] for category, count in top.items()), key=lambda row: (-row[1], row[0]))[:10]
    return found


def expected(week, baseline_weeks):
    """All reference figures, as a dictionary."""
    baseline = [weekly_features.read(k) for k in baseline_weeks]
    current, pooled = weekly_features.read(week), pyarrow.concat_tables(baseline)
    features = [Feature(name, baseline, current) for name in current.column_names if name not in NOT_FEATURES]
    tests = 2 * len(features)  # drift and missing
    alphas = {severity: min(0.05, max(1e-9, BUDGET[severity] / tests)) for severity in SEVERITIES}
    mean_variance = {
        statistic: numpy.mean([f.log_distances().var(ddof=1) for f in features if f.alarming == statistic])
        for statistic in ("ks", "psi")
    }
    mean_square = numpy.mean([numpy.mean(f.missing_differences() ** 2) for f in features])
    result = {"week": week, "baseline": list(baseline_weeks), "rows": current.num_rows, "baseline_rows": pooled.num_rows}
    result |= {"tests": tests, "alpha": alphas, "features": {}}
    for feature in features:
        nulls, rows = (sum(part) for part in zip(*feature.shares))
        result["features"][feature.name] = {
            "kind": "Numeric" if feature.numeric else "Categorical",
            "current": describe(current, feature.name, feature.numeric),
            "reference": describe(pooled, feature.name, feature.numeric),
            "distances": feature.distances(),
            "drift": {
                "statistic": feature.alarming,
                "value": feature.distance(feature.reference, feature.current),
                "leave_one_out": feature.leave_one_out,
                "moving": bool(numpy.mean(feature.leave_one_out) > FLOOR[feature.alarming]["warning"]),
                **drift_limits(feature, alphas, mean_variance[feature.alarming]),
            },
            "missing": {
                "value": feature.current_share[0] / feature.current_share[1] - nulls / rows,
                **missing_limits(feature, alphas, mean_square),
            },
        }
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("week", type=int)
    parser.add_argument("--baseline", default="13-18", help="first and last week, 13-18 when not given")
    options = parser.parse_args()
    first, last = map(int, options.baseline.split("-"))
    weekly_features.build()
    json.dump(expected(options.week, range(first, last + 1)), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
