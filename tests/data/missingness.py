"""How the features of tables are missing together, by DuckDB, numpy and scipy: formulas of docs/statistics.md.

The pattern of a row is the set of the features that are null in it. An entity has all rows with its key.
"""
import collections
import fractions
import itertools

import duckdb
import numpy
import pyarrow
import pyarrow.compute
from scipy import special, stats

FLOOR = {"warning": 0.10, "critical": 0.20}
# Of so many rows of all sides one is of a pattern with a bin of its own, and of the smallest side so many are expected.
ROWS_OF_A_BIN, EXPECTED, MOST_BINS = 200, 5, 100
# Fewest rows of a pattern, most patterns and most features of Little's test, fewest rows of it for each feature, and what is left at
# least of the variance of a standardised feature that is no combination of others.
PATTERN_ROWS, MOST_PATTERNS, MOST_FEATURES, ROWS_OF_A_FEATURE = 20, 100, 30, 10
REDUNDANT = 1e-5


def gaps(table, names):
    """Which cells are null: a row of the table each, a feature each."""
    return numpy.column_stack([pyarrow.compute.is_null(table[name]).to_numpy() for name in names])


def patterns(table, names):
    """How often each set of features is missing."""
    return collections.Counter(frozenset(itertools.compress(names, row)) for row in gaps(table, names))


def completeness(table, names):
    """What DuckDB says: the share of complete rows, and the mean share of filled features."""
    there = [f'("{name}" is not null)::int' for name in names]
    database = duckdb.connect()
    database.register("rows_of_it", table)
    query = f"select avg(least({', '.join(there)})), avg(({' + '.join(there)}) / {len(names)}) from rows_of_it"
    ((complete, filled),) = database.sql(query).fetchall()
    return {"complete": complete, "filled": filled, "patterns": len(patterns(table, names))}


def complete_entities(tables, names, key):
    """What DuckDB says of the entities of these windows: the share of those of which each feature is filled in in some row."""
    filled = ", ".join(f'max(("{name}" is not null)::int)' for name in names)
    database, entities, complete = duckdb.connect(), 0, 0
    for table in tables:
        database.register("rows_of_it", table)
        query = f"select {key}, least({filled}) as complete from rows_of_it where {key} is not null group by {key}"
        ((of_it, complete_of_it),) = database.sql(f"select count(*), sum(complete) from ({query})").fetchall()
        entities, complete = entities + of_it, complete + complete_of_it
    return float(complete) / entities


class Bins:
    """The patterns that have a bin of their own: the frequent ones of all sides together. All others have one together."""

    def __init__(self, sides, smallest):
        both = sum(sides, collections.Counter())
        least = both.total() * max(fractions.Fraction(1, ROWS_OF_A_BIN), fractions.Fraction(EXPECTED, smallest))
        self.own = [pattern for pattern, count in both.items() if count >= least]
        assert len(self.own) <= MOST_BINS, "of more patterns those with the most rows have bins"

    def counts(self, counted):
        own = [counted[pattern] for pattern in self.own]
        return numpy.array([*own, counted.total() - sum(own)], float)


def distance(a, c):
    """Jensen-Shannon, to base 2."""
    p, q = a / a.sum(), c / c.sum()
    middle = (p + q) / 2
    # Of equal sides rounding may leave less than nothing.
    return float(numpy.sqrt(max(0.0, stats.entropy(p, middle, base=2) / 2 + stats.entropy(q, middle, base=2) / 2)))


def sparseness(a, c):
    """How few values bins expect."""
    both = (a + c)[a + c > 0]
    return (1 / a.sum() + 1 / c.sum()) * (both.sum() / both).sum() / max(1, len(both) - 1)


def counted(a, c):
    """Mean, variance and third moment of the divergence in its unit, by those of its bins, each with a binomial law that the total holds."""
    n, m = a.sum(), c.sum()
    part, unit = n / (n + m), (1 / n + 1 / m) / (8 * numpy.log(2))
    moments = []
    for values in (a + c)[a + c > 0]:
        square = values * part * (1 - part)
        if square > 50:
            moments.append([1, 2, 0, square, 8, 0, 2 * square, square * (1 - 2 * part)])
            continue
        k = numpy.arange(values + 1)
        p, q = k / n, (values - k) / m
        own = (special.rel_entr(p, (p + q) / 2) + special.rel_entr(q, (p + q) / 2)) / (2 * numpy.log(2) * unit)
        shares = stats.binom.pmf(k, values, part)
        f, x = own - shares @ own, k - values * part
        moments.append([shares @ own, *(shares @ of for of in (f * f, f * x, x * x, f**3, f * f * x, f * x * x, x**3))])
    f, ff, fx, xx, fff, ffx, fxx, xxx = numpy.transpose(moments)
    slope, left = fx.sum() / xx.sum(), 1 - xx / xx.sum()
    mean = f.sum() - (fxx.sum() - slope * xxx.sum()) / (2 * xx.sum())
    variance = left @ (ff - 2 * slope * fx + slope**2 * xx)
    return mean, variance, left @ (fff - 3 * slope * ffx + 3 * slope**2 * fxx - slope**3 * xxx)


def law(a, c):
    """The law of the squared distance when nothing changed: of Pearson's type III; nothing of a single bin."""
    n, m, free = a.sum(), c.sum(), int(((a > 0) | (c > 0)).sum()) - 1
    if free < 1:
        return None
    s = sparseness(a, c)
    t = s * (n**2 + m**2) / (n + m) ** 2
    mean = free * (1 - s / 8 + t / 2 + 0.4 * t**2)
    variance = 2 * free * (1 - 1.15 * s + 2.5 * t + 3 * t**2)
    third = 8 * free * (1 - 3.8 * s + 7.5 * t + 7.5 * t**2)
    if s > 0.2 * (1 + min(n, m) / max(n, m)):
        mean, variance, third = counted(a, c)
    unit = (1 / n + 1 / m) / (8 * numpy.log(2))
    return stats.pearson3(third / variance**1.5, loc=unit * mean, scale=unit * variance**0.5)


def null(a, c, alpha):
    """What chance alone exceeds with probability alpha."""
    found = law(a, c)
    return float(numpy.sqrt(found.isf(alpha))) if found else 0.0


def bias(a, c):
    """The divergence that two samples have on average when nothing changed."""
    used = int(((a > 0) | (c > 0)).sum())
    return (1 / a.sum() + 1 / c.sum()) / (8 * numpy.log(2)) * (used - 1)


def component(counts):
    """The variance of a window about the mean of all beyond chance, in units of the divergence; of fewer than eight windows."""
    n, together = len(counts), sum(counts)
    assert n < 8, "with eight windows their autocorrelation counts too"
    found = numpy.mean([distance(together - own, own) ** 2 for own in counts])
    chance = numpy.mean([bias(together - own, own) for own in counts])
    error = chance * numpy.sqrt(2 / (n * max(1, (together > 0).sum() - 1)))
    return max(0.0, (n - 1) / n * (found - chance + 2 * error))


def limits(windows, before, after, alphas):
    """The largest of the three parts, of each severity; the windows over their own bins."""
    n, variance = len(windows), component(windows)
    found = {}
    for severity, alpha in alphas.items():
        # No other test is like it.
        chance = null(before, after, alpha)
        bound = numpy.sqrt(chance**2 + stats.t.isf(alpha / 2, n - 1) ** 2 * (1 + 1 / n) * variance)
        found[severity] = float(max(FLOOR[severity], chance, min(bound, 2 * FLOOR["critical"])))
    return found


def phi(cells, first, second):
    """Correlation of the gaps of two features, nothing where one is constant."""
    x, y = cells[:, first], cells[:, second]
    return float(numpy.corrcoef(x, y)[0, 1]) if 0 < x.mean() < 1 and 0 < y.mean() < 1 else None


def numbers(table, names):
    """The numbers of the numeric ones of these columns: a row of the table each, NaN where there is none."""
    numeric = [name for name in names if not pyarrow.types.is_dictionary(table.schema.field(name).type)]
    return numpy.column_stack([table[name].to_numpy().astype(float) for name in numeric])


def independent(covariance, columns):
    """Those of the columns that are no combination of the ones before them."""
    kept = []
    for column in columns:
        left = covariance[column, column]
        if kept:
            across = covariance[kept, column]
            left -= across @ numpy.linalg.solve(covariance[numpy.ix_(kept, kept)], across)
        if left > REDUNDANT:
            kept.append(column)
    return kept


def maximum_likelihood(groups, start):
    """Mean and covariance (denominator n) of a normal distribution by EM on the rows themselves: of which columns, with their rows."""
    (mean, covariance), n = start, sum(len(rows) for _, rows in groups)
    for _ in range(5_000):
        first, second = numpy.zeros_like(mean), numpy.zeros_like(covariance)
        for there, rows in groups:
            filled, residual, gone = rows.copy(), numpy.zeros_like(covariance), ~there
            if gone.any():
                kept = independent(covariance, numpy.flatnonzero(there))
                slopes = numpy.linalg.solve(covariance[numpy.ix_(kept, kept)], covariance[numpy.ix_(kept, gone)])
                filled[:, gone] = mean[gone] + (rows[:, kept] - mean[kept]) @ slopes
                residual[numpy.ix_(gone, gone)] = covariance[numpy.ix_(gone, gone)] - covariance[numpy.ix_(gone, kept)] @ slopes
            first += filled.sum(axis=0)
            second += filled.T @ filled + len(rows) * residual
        before, mean = (mean, covariance), first / n
        covariance = second / n - numpy.outer(mean, mean)
        if max(abs(mean - before[0]).max(), abs(covariance - before[1]).max()) < 1e-10:
            return mean, covariance
    raise RuntimeError("the estimate did not converge")


def little(table, names):
    """Little's test: d squared, its degrees of freedom and its p-value; nothing without two patterns, or of few rows."""
    values = numbers(table, names)
    values = values[~numpy.isinf(values).any(axis=1) & ~numpy.isnan(values).all(axis=1)]
    assert values.shape[1] <= MOST_FEATURES, "those with the most gaps take part first"
    counted = collections.Counter(map(tuple, ~numpy.isnan(values))).most_common(MOST_PATTERNS)
    patterns = [numpy.array(there) for there, count in counted if count >= PATTERN_ROWS]
    if len(patterns) < 2:
        return None
    groups = [(there, values[(~numpy.isnan(values) == there).all(axis=1)]) for there in patterns]
    used = numpy.concatenate([rows for _, rows in groups])
    if len(used) < ROWS_OF_A_FEATURE * values.shape[1]:
        return None
    centre, spread = numpy.nanmean(used, axis=0), numpy.nanstd(used, axis=0, ddof=1)
    groups = [(there, (rows - centre) / spread) for there, rows in groups]
    complete = next(rows for there, rows in groups if there.all())
    mean, covariance = maximum_likelihood(groups, (complete.mean(axis=0), numpy.cov(complete.T, bias=True)))
    statistic, degrees = 0.0, -len(independent(covariance, range(values.shape[1])))
    for there, rows in groups:
        kept = independent(covariance, numpy.flatnonzero(there))
        apart = rows[:, kept].mean(axis=0) - mean[kept]
        statistic += len(rows) * apart @ numpy.linalg.solve(covariance[numpy.ix_(kept, kept)], apart)
        degrees += len(kept)
    return {"statistic": float(statistic), "degrees": degrees, "p_value": float(stats.chi2.sf(statistic, degrees))}


def described(names, baseline, pooled, current, alphas, key):
    """All of it."""
    names = sorted(names)
    windows = [patterns(table, names) for table in baseline]
    together, now = patterns(pooled, names), patterns(current, names)
    between = Bins([together], together.total() // len(windows))
    bins = Bins([together, now], min(together.total(), now.total()))
    a, c = bins.counts(together), bins.counts(now)
    before, after = gaps(pooled, names), gaps(current, names)
    pairs = [
        {"features": [names[j], names[k]], "current": phi(after, j, k), "reference": phi(before, j, k)}
        for j, k in itertools.combinations(range(len(names)), 2)
    ]
    return {
        "reference": completeness(pooled, names),
        "current": completeness(current, names),
        "entities": {"reference": complete_entities(baseline, names, key), "current": complete_entities([current], names, key)},
        "little": little(current, names) or {},
        "value": distance(a, c),
        "limits": limits([between.counts(window) for window in windows], a, c, alphas),
        "pairs": [pair for pair in pairs if pair["current"] is not None],
    }
