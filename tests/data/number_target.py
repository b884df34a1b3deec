"""What features of tables tell about a target of numbers, by scipy, and what may be told of a fall: formulas of
docs/statistics.md.

Of a number R² of a straight line, negative where its slope is not that of the baseline; of a category ε².
"""
import numpy
from scipy import stats

import between
from performance import FLOOR, Performance, columns_of


def pooled(windows, now, field):
    """The mean of a field over the rows of a baseline, in which it is that of these windows, and of a window."""
    kind, rows = type(now), sum(window.rows for window in windows)
    return (rows * kind.mean(windows, field) + now.rows * getattr(now, field)) / (rows + now.rows)


def quantile(alpha, before, now):
    """What a value is above another one with probability alpha: of variances and third moments, by Pearson's type III."""
    error = numpy.sqrt(before[0] + now[0])
    return stats.pearson3.isf(alpha, (before[1] - now[1]) / error**3) * error


class Line:
    """A number about the target in a window: their correlation, and variance and third moment of Fisher's z for a row."""

    statistic = "r_squared"

    def __init__(self, values, target):
        x, y = stats.zscore(values), stats.zscore(target)
        self.rows, self.r = len(x), float((x * y).mean())
        self.z = numpy.arctanh(self.r)
        # The jackknife: of standard scores without a row each, the sum of products is n r less n/(n-1) times that of the row.
        n, times = self.rows, self.rows / (self.rows - 1)
        without = numpy.arctanh((n * self.r - times * x * y) / numpy.sqrt((n - times * x * x) * (n - times * y * y)))
        self.variance = n * (n - 1) * without.var()
        self.third = -stats.skew(without) * self.variance**1.5

    @staticmethod
    def mean(lines, field):
        return numpy.average([getattr(line, field) for line in lines], weights=[line.rows - 3 for line in lines])

    @staticmethod
    def before(lines):
        """R² of the baseline."""
        return numpy.tanh(Line.mean(lines, "z")) ** 2

    def against(self, lines):
        """R² with the sign that it has beside that of other windows."""
        return numpy.copysign(self.r**2, self.r * Line.mean(lines, "z"))

    def null(self, lines, alpha):
        """The fall to this window that chance exceeds with probability alpha."""
        z, variance, third = Line.mean(lines, "z"), pooled(lines, self, "variance"), pooled(lines, self, "third")

        def moments(rows):
            return variance / rows, numpy.sign(z) * third / rows**2

        fall = quantile(alpha, moments(sum(line.rows for line in lines)), moments(self.rows))
        least = numpy.tanh(abs(z) - fall)
        return numpy.tanh(z) ** 2 - least * abs(least)


class Groups:
    """A category about the target in a window: ε², and its variance for a row, without that of χ²."""

    statistic = "epsilon_squared"

    def __init__(self, names, target):
        self.rows, (found, codes, counts) = len(target), numpy.unique(names, return_inverse=True, return_counts=True)
        n, self.degrees = self.rows, len(found) - 1
        own = (numpy.bincount(codes, target) / counts)[codes]
        deviations, rest = (target - target.mean()) ** 2, (target - own) ** 2
        left = rest.sum() / deviations.sum()
        free = n - self.degrees - 1
        self.value = 1 - left * (n - 1) / free
        # The jackknife: without a row the squares within its group of m are less by m/(m-1) times that of the row.
        within = rest.sum() - rest * (counts / numpy.maximum(counts - 1, 1))[codes]
        without = within / (deviations.sum() - deviations * n / (n - 1)) * (n - 2) / (free - 1)
        chance = 2 * self.degrees * left**2 / n
        self.variance = max(n * (n - 1) * without.var() - 2 * chance, chance)

    @staticmethod
    def mean(groups, field):
        return numpy.average([getattr(group, field) for group in groups], weights=[group.rows for group in groups])

    @staticmethod
    def before(groups):
        """ε² of the baseline."""
        return Groups.mean(groups, "value")

    def against(self, _):
        return self.value

    def null(self, groups, alpha):
        """The fall to this window that chance exceeds with probability alpha."""
        share, variance, degrees = pooled(groups, self, "value"), pooled(groups, self, "variance"), Groups.mean(groups, "degrees")
        left = 1 - share
        third = 6 * variance * variance / (4 * share * left**2) * left * (1 - 3 * share)

        def moments(windows, rows):
            free = degrees * windows
            return variance / rows + 2 * free * (left / rows) ** 2, third / rows**2 + 8 * free * (left / rows) ** 3

        return quantile(alpha, moments(len(groups), sum(group.rows for group in groups)), moments(1, self.rows))


class NumberTarget(Performance):
    """What each feature tells about a number, in baseline windows and in a window."""

    def __init__(self, names, baseline, current, target):
        windows = [*baseline, current]
        self.targets = columns_of([target], windows)[target]
        self.columns = columns_of(names, windows)
        self.readings = {name: self.read(columns) for name, columns in self.columns.items()}

    def read(self, columns):
        """What the feature tells in each window of the baseline, and in the current one."""
        *folds, now = [self.reading(*both) for both in zip(columns, self.targets)]
        return folds, now

    @staticmethod
    def reading(column, target):
        kind, known = (Line, numpy.isfinite(column)) if column.dtype == float else (Groups, column != "")
        both = known & numpy.isfinite(target)
        return kind(column[both], target[both])

    def responses(self):
        """The rows of the window whose target is known, and what is explained in them: the ranks of the target."""
        rows = numpy.isfinite(self.targets[-1])
        return rows, [stats.rankdata(self.targets[-1][rows])]

    def references(self):
        return {name: now.before(folds) for name, (folds, now) in self.readings.items()}

    def tests(self):
        return int(sum(value >= FLOOR["warning"] for value in self.references().values()))

    def differences(self, folds):
        others = [folds[:i] + folds[i + 1 :] for i in range(len(folds))]
        return numpy.array([own.against(rest) - own.before(rest) for own, rest in zip(folds, others)])

    def described(self, alphas):
        """Of each feature what it explains in baseline and window; of those that tell something the fall and its limits."""
        references = self.references()
        telling = {name: self.differences(self.readings[name][0]) for name, value in references.items() if value >= FLOOR["warning"]}
        pooled = between.together(list(telling.values()))
        described = {}
        for name, (folds, now) in self.readings.items():
            described[name] = {"statistic": now.statistic, "tells": name in telling}
            if name in telling:
                before, value = references[name], now.against(folds)
                nulls = {severity: now.null(folds, alpha) for severity, alpha in alphas.items()}
                limits = between.limits_of(FLOOR, nulls, alphas, telling[name], pooled)
                described[name] |= {"reference": before, "value": value, "fall": before - value, "limits": limits}
        return described
