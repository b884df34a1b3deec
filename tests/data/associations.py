"""How the features of tables hang together, by scipy, and what may be told of a change: formulas of docs/statistics.md.

Every pair of features has one measure: Spearman's rank correlation of numbers, Cramér's V of categories, the correlation
ratio of ranks of both.
"""
import collections
import itertools

import numpy
import pyarrow
from scipy import optimize, stats

import between

FLOOR = {"warning": 0.10, "critical": 0.20}
MIN_ROWS = 30
MOST_FREQUENT = 50
# The most rows of a window that pairs are made of.
PAIR_ROWS = 1 << 14
# What has no bin of its own, and what is joined.
OTHER, RARE = "\0other", "\0rare"
# What ranks being estimated adds to the variance of Spearman's correlation, as a multiple of its square.
RANKS = 0.16
# What few distinct values make of that variance is cut to these.
VARIANCES = (0.1, 1e6)
# By how much scores may differ from those of limits that rest on rounded variances.
ROUNDED = 0.02


def joined(windows):
    """Of each window the category of each row, rare ones joined, None where it is null."""
    columns = [column.cast(pyarrow.string()).to_pylist() for column in windows]
    counted = collections.Counter(name for column in columns[:-1] for name in column if name is not None)
    # A cell of a table expects a row where each side has this share.
    rows = sum(len(column) for column in columns[:-1]) // len(columns[:-1])
    least = sum(counted.values()) / numpy.sqrt(min(rows, PAIR_ROWS))
    frequent = sorted(counted, key=lambda name: (-counted[name], name))[:MOST_FREQUENT]
    other = sum(counted.values()) - sum(counted[name] for name in frequent)
    # Those without a bin of their own, and those that the baseline never had, come last.
    bins = [*((counted[name], place, name) for place, name in enumerate(frequent)), (other, 50, OTHER), (0, 51, RARE)]
    together, rare = 0, set()
    for count, _, name in sorted(bins, key=lambda entry: entry[:2]):
        if count >= least and (together == 0 or together >= least):
            break
        together += count
        rare.add(name)
    bin_of = {None: None} | {name: name if name in frequent else OTHER for name in counted}
    bins_of = [[bin_of.get(name, RARE) for name in column] for column in columns]
    return [[RARE if name in rare else name for name in column] for column in bins_of]


def spearman(x, y):
    x, y = (stats.zscore(stats.rankdata(side)) for side in (x, y))
    r = float(numpy.clip(numpy.mean(x * y), -1, 1))
    rest = (1 - r * r) ** 2
    variance = numpy.mean((x * y - r * (x * x + y * y) / 2) ** 2) / rest if rest > 1e-10 else 1.0
    return r, float(numpy.clip(variance * (1 + RANKS * r * r), *VARIANCES))


def cramers_v_squared(x, y):
    """Not cut at 0."""
    table = stats.contingency.crosstab(x, y).count
    n, (r, k) = table.sum(), table.shape
    phi = stats.chi2_contingency(table, correction=False).statistic / n - (r - 1) * (k - 1) / (n - 1)
    return float(phi / min(r - (r - 1) ** 2 / (n - 1) - 1, k - (k - 1) ** 2 / (n - 1) - 1))


def correlation_ratio_squared(x, groups):
    """Not cut at 0."""
    n, names = len(x), numpy.unique(groups)
    eta = stats.kruskal(*(x[groups == name] for name in names)).statistic / (n - 1)
    return float(1 - (1 - eta) * (n - 1) / (n - len(names)))


def root(square):
    return float(numpy.sqrt(max(0.0, square)))


def association(first, second):
    """Measure, value, rows, and the variance of Spearman's or the square of the others; None where there is no number."""
    (x, x_numeric), (y, y_numeric) = first, second
    both = numpy.array([a is not None and b is not None and a == a and b == b for a, b in zip(x, y)], bool)
    n = int(both.sum())
    x, y = (numpy.array(side, object)[both] for side in (x, y))
    if n < MIN_ROWS or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    if x_numeric and y_numeric:
        value, variance = spearman(x.astype(float), y.astype(float))
        return "spearman", value, n, variance
    if not x_numeric and not y_numeric:
        square = cramers_v_squared(x.astype(str), y.astype(str))
        return "cramers_v", root(square), n, square
    numbers, groups = (x, y) if x_numeric else (y, x)
    if n < 2 * len(set(groups)):
        return None
    square = correlation_ratio_squared(numbers.astype(float), groups.astype(str))
    return "correlation_ratio", root(square), n, square


def pooled(readings):
    """Value of several windows together: correlations on Fisher's scale, the others by their squares."""
    values, rows, last = (numpy.array([reading[i] for reading in readings]) for i in (1, 2, 3))
    if readings[0][0] == "spearman":
        return float(numpy.tanh(numpy.average(numpy.arctanh(numpy.clip(values, -1 + 2.5e-7, 1 - 2.5e-7)), weights=rows - 3)))
    return root(numpy.average(last, weights=rows))


def null(value, variance, reference_rows, rows, alpha):
    """The |change| of Spearman's correlation that chance alone exceeds with probability alpha."""
    error = numpy.sqrt(variance * (1 / (reference_rows - 3) + 1 / (rows - 3)))
    z = numpy.arctanh(value)

    def outside(change):
        high, low = value + change, value - change
        above = stats.norm.sf((numpy.arctanh(high) - z) / error) if high < 1 else 0
        return above + (stats.norm.sf((z - numpy.arctanh(low)) / error) if low > -1 else 0)

    return float(optimize.brentq(lambda change: outside(change) - alpha, 0, 2, xtol=1e-12))


def max_of(limits):
    """The limits of a pair: of each severity the larger one of its two features'."""
    return limits and {severity: max(own[severity] for own in limits.values()) for severity in FLOOR}


def laid_to(changed):
    """Of the pairs over their limit the feature each is laid to: that with the most of them, then that with the most of what is left,
    until none has two."""
    laid = {}
    while changed:
        counted = collections.Counter(name for pair in changed for name in pair["features"])
        scores = {name: sum(pair["score"][1] for pair in changed if name in pair["features"]) for name in counted}
        most = max(counted, key=lambda name: (counted[name], scores[name]))
        if counted[most] < 2:
            break
        laid |= {tuple(pair["features"]): most for pair in changed if most in pair["features"]}
        changed = [pair for pair in changed if most not in pair["features"]]
    return laid


class Associations:
    """All pairs of the features of baseline windows and of a window."""

    def __init__(self, names, baseline, current):
        self.names = sorted(names)
        windows = [*baseline, current]
        columns = {}
        for name in self.names:
            if pyarrow.types.is_dictionary(current.schema.field(name).type):
                columns[name] = [(column, False) for column in joined([window[name] for window in windows])]
            else:
                columns[name] = [([None if v is None else float(v) for v in window[name].to_pylist()], True) for window in windows]
        self.pairs = {}
        for first, second in itertools.combinations(self.names, 2):
            *before, now = [association(a, b) for a, b in zip(columns[first], columns[second])]
            before = [reading for reading in before if reading]
            if before:
                self.pairs[first, second] = before, now
        self.partners = collections.Counter(name for pair in self.pairs for name in pair)

    def tests(self):
        return len(self.partners)

    def differences(self, before):
        """Each baseline window's value less that of the others together."""
        return [before[i][1] - pooled(before[:i] + before[i + 1 :]) for i in range(len(before))] if len(before) > 1 else []

    def described(self, alphas):
        """Every pair that both sides have; Spearman's with the limits that each of its features has for it."""
        beyond = self.beyond_chance()
        found = []
        for pair, (before, now) in self.pairs.items():
            if now is None:
                continue
            described = {"features": list(pair), "measure": now[0], "reference": pooled(before), "current": now[1], "rows": now[2]}
            if now[0] == "spearman":
                described["limits"] = {name: self.limits(before, now, alphas, self.partners[name], beyond) for name in pair}
            found.append(described)
        return found

    def worst(self, found):
        """Of each feature the changes one of which is that of its worst pair, of those that are not laid to another feature: that of the
        Spearman's pair which is worst against its limit, of others that are as bad but for rounding, and of the pairs of other measures
        that might be worse if their limits were the floors. Nothing where all of its pairs are of other measures."""
        with_limits = [pair for pair in found if "limits" in pair]
        for pair in found:
            change, limits = abs(pair["current"] - pair["reference"]), max_of(pair.get("limits")) or FLOOR
            pair["score"] = (change >= limits["critical"], change / limits["warning"])
        laid = laid_to([pair for pair in with_limits if pair["score"][1] >= 1])
        worst = {}
        for name in self.names:
            own = [pair for pair in with_limits if name in pair["features"]]
            own = [pair for pair in own if laid.get(tuple(pair["features"]), name) == name] or own
            if own:
                critical, score = max(pair["score"] for pair in own)
                rivals = [pair for pair in found if name in pair["features"] and "limits" not in pair]
                rivals = [pair for pair in rivals if pair["score"] >= (critical, score)]
                as_bad = [pair for pair in own if pair["score"][1] >= score * (1 - ROUNDED)]
                worst[name] = [abs(pair["current"] - pair["reference"]) for pair in [*as_bad, *rivals]]
        return worst

    def beyond_chance(self):
        """The variance between windows that Spearman's pairs have in common beyond that of chance, weighted by the square of their rows."""
        weights, variances = [], []
        for before, _ in self.pairs.values():
            differences = self.differences(before)
            if before[0][0] == "spearman" and len(differences) >= 4:
                weights.append(self.rows_of_a_window(before) ** 2)
                variances.append(numpy.mean(numpy.square(differences)) - self.chance(before))
        return max(0.0, float(numpy.average(variances, weights=weights)))

    @staticmethod
    def rows_of_a_window(before):
        return sum(reading[2] for reading in before) // len(before)

    @staticmethod
    def error(before):
        """Rows of the baseline, and the variance of z in one of them."""
        rows = sum(reading[2] for reading in before)
        return rows, sum(reading[2] * reading[3] for reading in before) / rows

    def chance(self, before):
        """The variance that chance alone makes of a window's difference from the baseline."""
        rows, variance = self.error(before)
        exceeded = null(pooled(before), variance, rows, self.rows_of_a_window(before), 0.05)
        return (exceeded / stats.norm.isf(0.025)) ** 2

    def limits(self, before, now, alphas, partners, beyond):
        rows, variance = self.error(before)
        nulls = {severity: null(pooled(before), variance, rows, now[2], alpha / partners) for severity, alpha in alphas.items()}
        # A change alarms in either direction.
        sides = {severity: alpha / partners / 2 for severity, alpha in alphas.items()}
        return between.limits_of(FLOOR, nulls, sides, self.differences(before), (self.chance(before) + beyond, between.MOST))
