#!/usr/bin/env python3
"""Reference figures of one week of the customer features against a baseline: JSON on standard output.

usage: expected.py WEEK [--baseline 13-18] [--faults JSON] [--target segment]

Computed from the raw rows with DuckDB (counts and moments), numpy (quantiles) and scipy (distributions), by the
formulas of docs/statistics.md and by nothing of the monitor's own code. Exact where the monitor is exact. KS and
Wasserstein are on raw values, where the monitor counts in fine bins and states its error; KS is there also as counted in those
bins, which are made anew from the baseline's raw values, and so are the limits that rest on it. What does not apply to a
kind of feature is not there.

--faults spoils the rows as servers/customers.py does with the same control file, those of single weeks too. Of a column with the
ending _imputed beside a feature it is taken that it says which of its values were filled in.
"""
import argparse
import collections
import json
import math
import pathlib
import sys

import duckdb
import numpy
import pyarrow
import pyarrow.compute
from scipy import optimize, stats

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
import associations  # noqa: E402  (the paths above make them importable)
import between  # noqa: E402
import customers  # noqa: E402
import missingness  # noqa: E402
import number_target  # noqa: E402
import performance  # noqa: E402
import segments  # noqa: E402
import weekly_features  # noqa: E402

KEY = "household_id"
NOT_FEATURES = {KEY, "snapshot_ts", "last_event_ts"}
TARGET = "segment"
FLAG = "_imputed"
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
MOST_FREQUENT = 50
# The part of the rows that choose the frequent categories, where the others tell how frequent these are.
CHOOSING = 0.9
# Fewest rows of a category with a bin of its own, where there are more categories than that.
LEAST_BINNED = 5
FINE, COARSE, VALUE_BINS = 1024, 10, 50
# As many of the baseline's numbers as bins are surely made of.
BINNED = 40_000
# Expected false alarms per window of 7 days: 1 per 7 d for warnings, 1 per 30 d for critical ones.
BUDGET = {"warning": 1.0, "critical": 7 / 30}
FLOOR = {
    "ks": {"warning": 0.05, "critical": 0.10},
    "psi": {"warning": 0.10, "critical": 0.25},
    "missing": {"warning": 0.02, "critical": 0.05},
    "quality": {"warning": 0.01, "critical": 0.05},
    "outliers": {"warning": 0.02, "critical": 0.05},
    "imputation": {"warning": 0.02, "critical": 0.05},
}
# The robust z-score beyond which a number is far out.
FAR_OUT = 3.5
# The least share of a window that a number must hold to be taken for one that was filled in.
FILL_SHARE = 0.01
# How far beyond the baseline's extremes a number may lie, in units of their distance.
TOLERANCE = 0.5


def alphas_of(tests):
    """The level of each of so many tests of a window of 7 days."""
    return {severity: min(0.05, max(1e-9, budget / tests)) for severity, budget in BUDGET.items()}


def counts_and_moments(snapshot, name, numeric):
    """What DuckDB, which finds `snapshot` by its name, says about one column."""
    statistics = f"""
        count(*) as rows,
        count(*) - count({name}) as nulls,
        epoch_us(max(last_event_ts) filter ({name} is not null)) as newest_event"""
    if not numeric:
        statistics += f", count(distinct {name}) as distinct_values"
    else:
        finite = f"filter (isfinite({name}::double))"
        statistics += f""",
        count(distinct {name}) filter (not isnan({name}::double)) as distinct_values,
        count(*) filter (isnan({name}::double)) as nans,
        count(*) filter (isinf({name}::double)) as infinities,
        count(*) filter ({name} = 0) as zeros,
        avg({name}::double) {finite} as mean,
        stddev_samp({name}::double) {finite} as stddev,
        min({name}::double) {finite} as min,
        max({name}::double) {finite} as max"""
    relation = duckdb.sql(f"select {statistics} from snapshot")
    return dict(zip(relation.columns, relation.fetchall()[0]))


def rows_of(week, faults):
    """A week's rows as the server sends them."""
    own = faults.get("weeks", {}).get(str(week), {})
    return customers.spoiled(customers.spoiled(weekly_features.read(week), own), faults)


def features_of(table, target=TARGET):
    """The names of the columns that are features."""
    return [name for name in table.column_names if name not in {*NOT_FEATURES, target} and not name.endswith(FLAG)]


def values(table, name):
    """The column's values without nulls and NaN, as floats or as strings."""
    column = table[name].drop_null()
    if pyarrow.types.is_dictionary(column.type):
        return numpy.array(column.cast(pyarrow.string()).to_pylist(), dtype=object)
    numbers = column.to_numpy().astype(float)
    return numbers[~numpy.isnan(numbers)]


class Numbers:
    """The baseline's bins of a numeric feature, fine and coarse: their edges, each the first number of its bin."""

    def __init__(self, reference):
        finite = reference[numpy.isfinite(reference)]
        distinct, occurrences = numpy.unique(finite, return_counts=True)
        if len(distinct) <= VALUE_BINS:
            self.coarse = self.fine = self.apart(distinct)
            return

        def frequent(bins):
            return self.apart(distinct[occurrences * bins >= len(finite)])

        def equal(bins):
            return numpy.quantile(finite, numpy.arange(1, bins) / bins)

        # The outermost fine bin is halved until a half would hold less than one value.
        halvings = int(numpy.log2(len(finite) / FINE))
        halves = 0.5 ** numpy.arange(1, halvings + 1) / FINE
        largest = finite.max()
        ends = [finite.min(), largest, numpy.nextafter(largest, numpy.inf), *numpy.quantile(finite, [*halves, *(1 - halves)])]
        self.coarse = numpy.unique([*equal(COARSE), *frequent(COARSE)])
        self.fine = numpy.unique([*equal(FINE), *ends, *frequent(FINE), *self.coarse])

    @staticmethod
    def apart(points):
        """Edges that give each of these values a bin of its own."""
        return numpy.unique([points, numpy.nextafter(points, numpy.inf)])

    @staticmethod
    def counts(sample, edges):
        return numpy.bincount(numpy.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1).astype(float)


class Categories:
    """The baseline's bins of a categorical feature: its most frequent categories, the other ones, and unseen ones."""

    def __init__(self, reference):
        self.counted = collections.Counter(reference)
        by_count = sorted(self.counted, key=lambda category: (-self.counted[category], category))
        open_ended = len(by_count) > MOST_FREQUENT
        self.names = [name for name in by_count[:MOST_FREQUENT] if not open_ended or self.counted[name] >= LEAST_BINNED]
        self.position = {category: i for i, category in enumerate(self.names)}

    def counts(self, sample):
        bins = numpy.zeros(len(self.names) + 2)
        for category, count in collections.Counter(sample).items():
            other = len(self.names) if category in self.counted else len(self.names) + 1
            bins[self.position.get(category, other)] += count
        return bins

    def of_baseline(self, windows):
        """The counts of the baseline's own windows: what stands for names that were not seen is no longer among the other ones, and of
        the frequent ones a part is, since they are frequent by luck."""
        counts, part = [self.counts(window) for window in windows], self.by_luck()
        for count, (_, other) in zip(counts, new_names(windows, self.names)):
            count[-2:] += -other, other
            # Of each its share, with what is rounded carried on.
            until = numpy.floor(part * count[:-2].cumsum() + 0.5)
            count[:-2] -= numpy.diff(until, prepend=0)
            count[-2] += until[-1] if len(until) else 0
        return counts

    def by_luck(self):
        """The part of the rows of frequent names that they have by luck: by all ways to choose them by nine in ten rows, and to look at the
        others."""
        rows = numpy.array(list(self.counted.values()))
        own = sum(self.counted[name] for name in self.names)
        if len(rows) <= MOST_FREQUENT or not own:
            return 0.0

        def chosen(least, rows):
            whole = math.ceil(least)
            return stats.binom.sf(whole - 1, rows, CHOOSING) + (whole - least) * stats.binom.pmf(whole - 1, rows, CHOOSING)

        least = CHOOSING * LEAST_BINNED
        if chosen(least, rows).sum() > MOST_FREQUENT:
            least = optimize.brentq(lambda least: chosen(least, rows).sum() - MOST_FREQUENT, least, rows.max() + 1, xtol=1e-12)
        return max(0.0, 1 - (rows * chosen(least, rows - 1)).sum() / own)

    def labels(self):
        return [*self.names, "__other__", "__unseen__"]


def new_names(windows, names):
    """Of each window of a baseline the rows that stand for names that were not seen: those of `names`, and all others."""
    counted = [collections.Counter(window) for window in windows]
    total = sum(counted, collections.Counter())
    if len(total) <= MOST_FREQUENT:
        return [(0, 0)] * len(windows)
    alone = {name for name in total if sum(name in count for count in counted) == 1}
    shares = numpy.array([count.total() for count in counted]) / total.total()
    together = rows = 0.0
    for times in {count for count in total.values() if count > 1}:
        of_it = [name for name in total if total[name] == times]
        lonely, chance = sum(name in alone for name in of_it), float((shares**times).sum())
        rows += times * lonely
        together += times * (lonely - len(of_it) * chance) / (1 - chance) if chance < 1 else 0
    part = min(1.0, max(0.0, together / rows)) if rows else 0.0

    def of(count, wanted):
        lonely = {name: rows for name, rows in count.items() if name in alone and (name in names) == wanted}
        once = sum(1 for name in lonely if total[name] == 1)
        return once + math.floor(part * sum(rows for name, rows in lonely.items() if total[name] > 1) + 0.5)

    return [(of(count, True), of(count, False)) for count in counted]


def both_used(a, c):
    """Bins that are empty on both sides say nothing and are left out."""
    used = (a > 0) | (c > 0)
    return a[used], c[used]


def psi(a, c):
    a, c = both_used(a, c)
    p = (a + 0.5) / (a.sum() + len(a) / 2)
    q = (c + 0.5) / (c.sum() + len(c) / 2)
    return float(numpy.sum((p - q) * numpy.log(p / q)))


def chi_squared_p(a, c, quantity):
    """P-value of what is (1/N + 1/M) times a chi-squared variable when nothing changed."""
    return float(stats.chi2.sf(quantity / (1 / a.sum() + 1 / c.sum()), len(both_used(a, c)[0]) - 1))


def psi_null(a, c, alpha):
    bins = len(both_used(a, c)[0])
    return float((1 / a.sum() + 1 / c.sum()) * stats.chi2.isf(alpha, bins - 1))


def hellinger(a, c):
    return float(numpy.sqrt(numpy.sum((numpy.sqrt(a / a.sum()) - numpy.sqrt(c / c.sum())) ** 2) / 2))


def chi_squared(a, c):
    """Statistic and p-value, after the smallest bins are joined until the expected counts suffice."""
    table = numpy.array(both_used(a, c))
    while table.shape[1] > 2:
        expected = stats.contingency.expected_freq(table)
        if expected.min() >= 1 and (expected < 5).mean() <= 0.2:
            break
        # Which of several equally small bins are joined is left open; here the last ones are.
        table = table[:, numpy.argsort(-table.sum(axis=0), kind="stable")]
        table = numpy.column_stack([table[:, :-2], table[:, -2:].sum(axis=1)])
    result = stats.chi2_contingency(table, correction=False)
    p_value = float(result.pvalue)
    if table.shape[1] == 2 and result.expected_freq.min() < 10:
        p_value = float(stats.fisher_exact(table).pvalue)
    return {"statistic": float(result.statistic), "p_value": p_value}


def ks_binned(a, c):
    """KS of counts over the same bins, and its p-value by the asymptotic two-sample form."""
    n, m = a.sum(), c.sum()
    statistic = float(numpy.abs(numpy.cumsum(a) / n - numpy.cumsum(c) / m).max())
    return {"statistic": statistic, "p_value": float(stats.kstwo.sf(statistic, round(n * m / (n + m))))}


def ks_null(a, c, alpha):
    return float(stats.kstwo.isf(alpha, round(len(a) * len(c) / (len(a) + len(c)))))


def ks(a, c):
    return float(stats.ks_2samp(a, c, method="asymp").statistic)


def wasserstein_iqr(a, c):
    a, c = a[numpy.isfinite(a)], c[numpy.isfinite(c)]
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
        tables = [*baseline, current]
        *self.outlier_shares, self.current_outlier_share = self.outliers() or [None, None]
        self.flags = [table[name + FLAG].to_numpy() for table in tables] if name + FLAG in current.column_names else None
        self.filled_in = self.distortion(current) if self.flags else None
        self.categories = None if self.numeric else Categories(numpy.concatenate(self.windows))
        self.numbers = Numbers(numpy.concatenate(self.windows)) if self.numeric else None
        if self.categories:
            self.windows = self.categories.of_baseline(self.windows)
            self.current = self.sample(current)
        *self.filled_shares, self.current_filled_share = self.filled() or [None, None]
        self.reference = self.pooled(range(len(self.windows)))
        others = [self.pooled(j for j in range(len(self.windows)) if j != i) for i in range(len(self.windows))]
        self.leave_one_out = [self.distance(other, window) for other, window in zip(others, self.windows)]
        self.leave_one_out_binned = [self.distance_binned(other, window) for other, window in zip(others, self.windows)]
        *self.invalid_shares, self.current_invalid_share = self.invalid([table[name].drop_null() for table in tables])

    def sample(self, table):
        """What distances are computed of: a window's numbers, or its counts of the baseline's categories."""
        found = values(table, self.name)
        return self.categories.counts(found) if self.categories else found

    def invalid(self, columns):
        """Of each column, the last one the current, the values that are not acceptable, and all: numbers that are not finite or half as
        far out again as the baseline's, names that the baseline does not have. Of what moves, and of a single number, no range is learnt."""
        if self.numeric:
            numbers = [numpy.asarray(column, float) for column in columns]
            known = numpy.concatenate(numbers[:-1])
            known = known[numpy.isfinite(known)]
            low, high = known.min(), known.max()
            room = numpy.inf if self.moving() or low == high else TOLERANCE * (high - low)
            return [(int((~numpy.isfinite(n) | (n < low - room) | (n > high + room)).sum()), len(n)) for n in numbers]
        *baseline, current = [column.to_pylist() for column in columns]
        known = {name for column in baseline for name in column}
        new = [*(sum(rows) for rows in new_names(baseline, [])), sum(name not in known for name in current)]
        return [(count, len(column)) for count, column in zip(new, columns)]

    def outliers(self):
        """Of each window, the last one the current, the finite numbers far from the baseline's median, and all; nothing where
        the median absolute deviation is 0."""
        if not self.numeric:
            return None
        windows = [window[numpy.isfinite(window)] for window in [*self.windows, self.current]]
        known = numpy.concatenate(windows[:-1])
        deviation = stats.median_abs_deviation(known, scale="normal")
        if deviation == 0:
            return None
        far = [numpy.abs(window - numpy.median(known)) > FAR_OUT * deviation for window in windows]
        return [(int(window.sum()), len(window)) for window in far]

    def filled(self):
        """Of each window, the last one the current, how often its most frequent number is there, of those that are no usual value of
        the baseline, and how many finite numbers there are; by a flag how many rows it names, and all. Nothing of categories."""
        if self.flags:
            return [(int(flag.sum()), len(flag)) for flag in self.flags]
        if not self.numeric:
            return None
        edges = self.numbers.fine
        alone = numpy.array([False, *(edges[1:] <= numpy.nextafter(edges[:-1], numpy.inf)), False])
        shares = []
        for window in [*self.windows, self.current]:
            counts = self.numbers.counts(window, edges)
            finite = window[numpy.isfinite(window)]
            full = (counts > 0) & (counts >= FILL_SHARE * counts.sum()) & ~alone
            near = finite[full[numpy.searchsorted(edges, finite, side="right")]]
            most = max(numpy.unique(near, return_counts=True)[1], default=0)
            shares.append((int(most) if most >= FILL_SHARE * len(finite) else 0, len(finite)))
        return shares

    def filled_in_limits(self, alphas, pooled):
        """The increase of the share of filled-in values, and its limits: without a flag it is that of the most frequent number."""
        return risen("imputation", self.filled_shares, self.current_filled_share, alphas, pooled, None if self.flags else most_by_luck)

    def distortion(self, current):
        """What the values that the flag names do to the distribution of the window."""
        numbers, flag = current[self.name].to_numpy(zero_copy_only=False).astype(float), self.flags[-1]
        filled, others = (side[numpy.isfinite(side)] for side in (numbers[flag], numbers[~flag]))
        return {
            "share": float(flag.mean()),
            "reference": float(numpy.concatenate(self.flags[:-1]).mean()),
            "ks": float(stats.ks_2samp(filled, others).statistic),
            "variance": float(filled.var(ddof=1) / others.var(ddof=1)),
            "stddev": float(numpy.concatenate([filled, others]).std(ddof=1) / others.std(ddof=1)),
        }

    def pooled(self, which):
        chosen = [self.windows[i] for i in which]
        return numpy.concatenate(chosen) if self.numeric else numpy.sum(chosen, axis=0)

    def distance(self, a, c):
        return ks(a, c) if self.numeric else psi(a, c)

    def distance_binned(self, a, c):
        if not self.numeric:
            return psi(a, c)
        return ks_binned(*(self.numbers.counts(side, self.numbers.fine) for side in (a, c)))["statistic"]

    def null(self, alpha):
        return (ks_null if self.numeric else psi_null)(self.reference, self.current, alpha)

    def moving(self):
        return bool(numpy.mean(self.leave_one_out) > FLOOR[self.alarming]["warning"])

    def distances(self):
        a, c = self.reference, self.current
        found = {}
        if self.numeric:
            fine, coarse = self.numbers.fine, self.numbers.coarse
            found["ks"] = {"statistic": ks(a, c)}
            found["ks_binned"] = ks_binned(self.numbers.counts(a, fine), self.numbers.counts(c, fine))
            found["wasserstein_iqr"] = wasserstein_iqr(a, c)
            a, c = self.numbers.counts(a, coarse), self.numbers.counts(c, coarse)
        jensen_shannon = missingness.distance(a, c)
        few = min(0.25, missingness.sparseness(a, c))
        shares = [{"reference": float(r / a.sum()), "current": float(n / c.sum())} for r, n in zip(a, c)]
        found |= {
            "psi": {"statistic": psi(a, c), "p_value": chi_squared_p(a, c, psi(a, c))},
            "jensen_shannon": {"statistic": jensen_shannon, "p_value": float(missingness.law(a, c).sf(jensen_shannon**2))},
            "hellinger": {"statistic": hellinger(a, c), "p_value": chi_squared_p(a, c, 8 * hellinger(a, c) ** 2 / (1 + 0.4 * few + 3 * few**2))},
            "chi_squared": chi_squared(a, c),
        }
        if self.numeric:
            # Each bin ends where the next one begins; the outermost ones are open.
            ends = zip([None, *self.numbers.coarse.tolist()], [*self.numbers.coarse.tolist(), None])
            found["bins"] = [{"from": start, "to": end, **share} for (start, end), share in zip(ends, shares)]
        else:
            found["bins"] = [{"category": label, **share} for label, share in zip(self.categories.labels(), shares)]
        return found


def add_adjusted(features):
    """Adds Benjamini and Hochberg's p-values, of each statistic over all features that have it."""
    for statistic in ("ks_binned", "psi", "jensen_shannon", "hellinger", "chi_squared"):
        having = [f["distances"][statistic] for f in features if statistic in f["distances"]]
        adjusted = stats.false_discovery_control([distance["p_value"] for distance in having])
        for distance, p_value in zip(having, adjusted.tolist()):
            distance["adjusted_p_value"] = p_value


def drift_limits(features, alphas, leave_one_out):
    """Each feature's limits, from its baseline windows' distances to each other and from all features' together."""
    logs = [numpy.log(numpy.maximum(leave_one_out(feature), 1e-4)) for feature in features]
    by_statistic = {
        statistic: numpy.mean([log.var(ddof=1) for feature, log in zip(features, logs) if feature.alarming == statistic])
        for statistic in ("ks", "psi")
    }
    nulls = [{severity: feature.null(alpha) for severity, alpha in alphas.items()} for feature in features]
    return [
        between.limits_of_distances(FLOOR[feature.alarming], null, alphas, log, by_statistic[feature.alarming])
        for feature, null, log in zip(features, nulls, logs)
    ]


def differences(shares):
    """By how much the share of each baseline window differs from that of the others together."""
    counted, rows = map(numpy.array, zip(*shares))
    return counted / rows - (counted.sum() - counted) / (rows.sum() - rows)


def together(shares):
    """The mean square of these differences over features, and its weight in windows."""
    return between.together([differences(own) for own in shares])


def most_by_luck(rows, current, alpha):
    """How often the most frequent of many numbers without a bin of their own may be among `current` ones, by luck; `rows` is how many
    the baseline has."""
    known = min(rows, BINNED)
    most = max(0, math.ceil(known / FINE) - 1)
    law = stats.nbinom(most + 0.5, known / (known + current))
    # The first count that is reached with a probability of at most that.
    return int(law.isf(alpha * max(1, most) / known)) + 1


def risen(check, shares, current, alphas, pooled, by_luck=None):
    """A share that may not rise: its increase over the baseline windows' shares, and the limits. Of the most frequent of many numbers
    `by_luck` says how often it may be there."""
    counted, rows = (sum(part) for part in zip(*shares))
    rate = (counted + 0.5) / (rows + 1)
    error = numpy.sqrt(rate * (1 - rate) * (1 / rows + 1 / current[1]))
    skewness = min(4, (1 - 2 * rate) / (rate * (1 - rate)) * error)

    def null(alpha):
        luck = by_luck(rows, current[1], alpha) / current[1] - counted / rows if by_luck else 0.0
        return max(float(stats.pearson3.isf(alpha, skewness) * error), luck)

    nulls = {severity: null(alpha) for severity, alpha in alphas.items()}
    limits = between.limits_of(FLOOR[check], nulls, alphas, differences(shares), pooled)
    return {"value": current[0] / current[1] - counted / rows, "limits": limits}


def quantiles(sample):
    """Those of a window's finite numbers."""
    finite = sample[numpy.isfinite(sample)]
    return {f"p{p:02d}": float(numpy.quantile(finite, p / 100)) for p in PERCENTILES}


def microseconds(moment):
    """Unix time of a timestamp, in microseconds."""
    return moment.cast(pyarrow.int64()).as_py()


def events(snapshot):
    """The event times that DuckDB finds in `snapshot`, rising, and numpy's quantiles of them, in microseconds."""
    found = duckdb.sql("select epoch_us(last_event_ts) from snapshot where last_event_ts is not null order by 1").fetchall()
    times = [time for time, in found]
    return {"times": times, "quantiles": {f"p{p:02d}": numpy.quantile(times, p / 100) for p in (1, 5, 50)}}


def expected(week, baseline_weeks, faults, target):
    """All reference figures, as a dictionary."""
    *baseline, current = [rows_of(k, faults) for k in [*baseline_weeks, week]]
    pooled = pyarrow.concat_tables(baseline)
    features = [Feature(name, baseline, current) for name in features_of(current, target)]
    fenced = [feature for feature in features if feature.current_outlier_share]
    pairs = associations.Associations([feature.name for feature in features], baseline, current)
    numeric = [feature for feature in features if feature.numeric]
    classes = pyarrow.types.is_dictionary(current.schema.field(target).type)
    of_target = performance.Performance if classes else number_target.NumberTarget
    told = of_target([feature.name for feature in features], baseline, current, target)
    divided = segments.Segments("household_size", features, baseline, current)
    # Drift, missing and quality of each, outliers of those that have some spread, imputation of numbers, those with a pair, those that
    # tell something of the target, those that are compared in segments, and the window's keys and patterns.
    tests = 3 * len(features) + len(fenced) + len(numeric) + pairs.tests() + told.tests() + divided.tests() + 2
    alphas = alphas_of(tests)
    drift = drift_limits(features, alphas, lambda feature: feature.leave_one_out_binned)
    missing = together([f.shares for f in features])
    invalid = together([f.invalid_shares for f in features if not f.moving()])
    far = together([f.outlier_shares for f in fenced if not f.moving()])
    filled = together([f.filled_shares for f in numeric if not f.moving()])
    result = {"tests": tests, "baseline_rows": pooled.num_rows, "features": {}}
    result["newest_event"] = microseconds(pyarrow.compute.max(current["last_event_ts"]))
    result["events"] = events(current)
    result["pairs"] = pairs.described(alphas)
    result["worst_pairs"] = pairs.worst(result["pairs"])
    result["performance"] = told.described(alphas)
    result["explained"] = told.explained()
    result["segments"] = divided.described(alphas)
    result["missingness"] = missingness.described([feature.name for feature in features], baseline, pooled, current, alphas, KEY)
    for feature, limits in zip(features, drift):
        result["features"][feature.name] = {
            "kind": "Numeric" if feature.numeric else "Categorical",
            "current": counts_and_moments(current, feature.name, feature.numeric),
            "quantiles": quantiles(feature.current) if feature.numeric else None,
            "reference": counts_and_moments(pooled, feature.name, feature.numeric),
            "distances": feature.distances(),
            "drift": {"moving": feature.moving(), "limits": limits},
            "missing": risen("missing", feature.shares, feature.current_share, alphas, missing),
            "quality": risen("quality", feature.invalid_shares, feature.current_invalid_share, alphas, invalid),
            "outliers": risen("outliers", feature.outlier_shares, feature.current_outlier_share, alphas, far) if feature in fenced else None,
            "filled_in": feature.filled_in,
            "imputation": feature.filled_in_limits(alphas, filled) if feature.numeric else None,
        }
    add_adjusted(result["features"].values())
    return result


def arguments(description, **more):
    """What a script about a week is asked for: the week, the weeks of the baseline, what the server spoils, and options of its
    own with what they are when not given."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("week", type=int)
    parser.add_argument("--baseline", default="13-18", help="weeks, such as 13-15,17; 13-18 when not given")
    parser.add_argument("--faults", type=json.loads, default={}, help="what the server spoils, none when not given")
    for name, otherwise in more.items():
        parser.add_argument(f"--{name}", default=otherwise, help=f"{otherwise} when not given")
    options = parser.parse_args()
    weeks = []
    for run in options.baseline.split(","):
        first, *last = map(int, run.split("-"))
        weeks += range(first, (last or [first])[0] + 1)
    return options.week, weeks, options.faults, *(getattr(options, name) for name in more)


def main():
    asked = arguments(__doc__, target=TARGET)
    weekly_features.build()
    json.dump(expected(*asked), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
