"""What windows differ by among each other, of a feature and of all together, and limits that rest on it: formulas of
docs/statistics.md."""
import numpy
from scipy import stats

# The most that all features together weigh, in windows.
MOST = 20


def independent(series):
    """Of rows of differences, a number a window: as how many independent ones they count."""
    rows = numpy.asarray(series, float)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows = rows[(rows != 0).any(axis=1)]
    if len(rows) < 2:
        return float(len(rows))
    count, windows = rows.shape
    unit = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    r = unit @ unit.T
    mean = (r[~numpy.eye(count, dtype=bool)] ** 2).mean()
    chance = 1 / (windows - 1)
    rho = min(1.0, max(0.0, (mean - chance) / (1 - chance)))
    return float(count / (1 + (count - 1) * rho))


def weight(series):
    """How much they weigh together beside one of them: the independent ones less one, times their windows less one."""
    windows = numpy.asarray(series, float).shape[1]
    return float(min(MOST, max(0.0, independent(series) - 1) * (windows - 1)))


def together(series):
    """The mean square of the differences of all features, and what it weighs in windows."""
    return numpy.mean([numpy.mean(numpy.square(own)) for own in series]), weight(series)


def bound(alpha, windows, own, pooled):
    """What another window differs by with probability alpha: the variance of so many windows is drawn towards that of all features,
    which is given with its weight."""
    variance, weight = pooled
    spread = numpy.sqrt((weight * variance + (windows - 1) * own) / (windows + weight - 1))
    return stats.t.isf(alpha, windows + weight - 1) * spread * numpy.sqrt(1 + 1 / windows)


def limits(floor, nulls, bounds):
    """The largest of the three parts, of each severity."""
    found = {severity: float(max(floor[severity], nulls[severity], min(bounds[severity], 2 * floor["critical"]))) for severity in floor}
    return found | {"critical": max(found.values())}


def limits_of_distances(floor, nulls, alphas, logs, variance):
    """The limits of a distance: by the logarithms of those of the baseline's windows to each other, and their mean variance of all features."""
    own, pooled = logs.var(ddof=1), (variance, MOST)
    return limits(floor, nulls, {severity: numpy.exp(logs.mean() + bound(alpha, len(logs), own, pooled)) for severity, alpha in alphas.items()})


def limits_of(floor, nulls, alphas, differences, pooled):
    """The limits of what differs around 0: by the differences of the baseline's windows, and by `together` of all features."""
    own = numpy.mean(numpy.square(differences))
    return limits(floor, nulls, {severity: bound(alpha, len(differences), own, pooled) for severity, alpha in alphas.items()})
