"""What the series of all features say together about how much windows differ: formulas of docs/statistics.md."""
import numpy

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
