"""What features of tables are within the segments of a column, by scipy, and why they changed as a whole: formulas of
docs/statistics.md.

A segment is a value of the column, or null. Within each the Jensen-Shannon distance of every feature from the baseline, over its
coarse bins (of categories those that are told apart), with missing values for one.
"""
import collections

import numpy
import pyarrow

import between
from associations import joined
from missingness import distance, null

FLOOR = {"warning": 0.10, "critical": 0.20}
# The fewest rows of a segment in a window of the baseline on average, and in a window, with which it is compared.
MIN_SEGMENT_ROWS, MIN_ROWS = 50, 20
# The fewest rows that a window is to have in a bin.
EXPECTED = 5
# A segment with fewer values on both sides is taken with its like.
SMALL = 30
MOST_TOLD = 10


def groups(counts, rows):
    """Which bins are one: neighbours until a window expects rows enough in them, and missing values apart."""
    filled, group, own, found = counts[:-1], 0, 0, []
    for place, count in enumerate(filled):
        found.append(group)
        own += count
        left = filled[place + 1 :].sum()
        if min(own, left) / counts.sum() * rows >= EXPECTED:
            group, own = group + 1, 0
    return numpy.array([*found, group + 1])


class Binned:
    """A feature in every table, the last one the current: the bin of each row, -1 without a value, and its numbers."""

    def __init__(self, feature, tables):
        columns = [table[feature.name] for table in tables]
        if feature.numeric:
            edges = feature.numbers.coarse
            self.values = [column.to_numpy(zero_copy_only=False).astype(float) for column in columns]
            self.bins = [numpy.where(numpy.isnan(v), -1, numpy.searchsorted(edges, v, side="right")) for v in self.values]
            self.size = len(edges) + 1
            return
        self.values = None
        names = joined(columns)
        counted = collections.Counter(name for column in columns[:-1] for name in column.drop_null().cast(pyarrow.string()).to_pylist())
        kept = sorted({name for window in names for name in window if name in counted}, key=lambda name: (-counted[name], name))
        rest = sorted({name for window in names for name in window if name is not None and name not in counted})
        place = {name: place for place, name in enumerate([*kept, *rest])}
        self.bins = [numpy.array([-1 if name is None else place[name] for name in window]) for window in names]
        self.size = len(place)

    def counts(self, window, inside):
        bins = self.bins[window][inside]
        return numpy.bincount(numpy.where(bins < 0, self.size, bins), minlength=self.size + 1).astype(float)

    def finite(self, window, inside):
        values = self.values[window][inside]
        return values[numpy.isfinite(values)]


class Segments:
    """The segments of a column in the windows of a baseline and in the current one."""

    def __init__(self, column, features, baseline, current):
        tables = [*baseline, current]
        self.column, self.windows = column, len(baseline)
        self.of_rows = [numpy.array([f"{column}={value if value is not None else '__null__'}" for value in table[column].cast(pyarrow.string()).to_pylist()]) for table in tables]
        self.names = sorted({name for rows in self.of_rows for name in rows})
        self.features = {f.name: f for f in features if f.name != column}
        self.binned = {name: Binned(feature, tables) for name, feature in self.features.items()}
        self.rows = {name: sum(int((rows == name).sum()) for rows in self.of_rows[:-1]) for name in self.names}
        large = [name for name in self.names if self.rows[name] / self.windows >= MIN_SEGMENT_ROWS]
        self.cells = {(name, segment): Cell(self, binned, segment) for name, binned in self.binned.items() for segment in large}
        self.pooled = numpy.mean([cell.logs.var(ddof=1) for cell in self.cells.values()])

    def tests(self):
        return len(self.features)

    def inside(self, window, segment):
        return self.of_rows[window] == segment

    def described(self, alphas):
        checks, scores = {}, []
        for name, feature in self.features.items():
            own = {segment: cell for (of, segment), cell in self.cells.items() if of == name and cell.current.sum() >= MIN_ROWS}
            judged = [cell.judged(segment, alphas, sum(of == name for of, _ in self.cells), self.pooled) for segment, cell in own.items()]
            scores += [] if feature.moving() else [(found["value"] / found["limits"]["warning"], name, found["segment"], found["value"]) for found in judged]
            worst = max(judged, key=lambda found: (found["rows"] >= MIN_SEGMENT_ROWS, found["value"] >= found["limits"]["critical"], found["value"] / found["limits"]["warning"]))
            checks[name] = worst | {"moving": feature.moving(), **self.split(name)}
        scores.sort(reverse=True)
        all_rows = len(self.of_rows[-1]), sum(self.rows.values())
        shares = {name: {"current": int(self.inside(-1, name).sum()) / all_rows[0], "reference": self.rows[name] / all_rows[1]} for name in self.names}
        told = [{"score": score, "feature": name, "segment": segment, "distance": value} for score, name, segment, value in scores[:MOST_TOLD]]
        return {"checks": checks, "shares": shares, "most_changed": told}

    def split(self, name):
        """Why the feature changed: of its mean and of its distance the parts of the segments' weights, and of what is in them."""
        binned = self.binned[name]
        before = {s: sum(binned.counts(w, self.inside(w, s)) for w in range(self.windows)) for s in self.names}
        now = {s: binned.counts(-1, self.inside(-1, s)) for s in self.names}
        small = [s for s in self.names if max(before[s].sum(), now[s].sum()) < SMALL and not s.endswith("__null__")]
        assert not small, "the segments of this column are large"
        p, q = (sum(side.values()) for side in (before, now))
        star = sum((now[s] / now[s].sum() if now[s].sum() else before[s] / before[s].sum()) * before[s].sum() / p.sum() for s in self.names if before[s].sum()) * q.sum()
        found = {"distance": {"mix": distance(star, q), "within": distance(p, star)}}
        if binned.values:
            numbers = {s: (numpy.concatenate([binned.finite(w, self.inside(w, s)) for w in range(self.windows)]), binned.finite(-1, self.inside(-1, s))) for s in self.names}
            old_all, new_all = (numpy.concatenate([pair[side] for pair in numbers.values()]) for side in (0, 1))
            mix = within = 0.0
            for old, new in numbers.values():
                weights = len(old) / len(old_all), len(new) / len(new_all)
                if len(old) and len(new):
                    mix += (weights[1] - weights[0]) * (old.mean() - old_all.mean())
                    within += weights[1] * (new.mean() - old.mean())
                elif len(new):
                    mix += weights[1] * (new.mean() - old_all.mean())
                elif len(old):
                    mix -= weights[0] * (old.mean() - old_all.mean())
            found["mean"] = {"mix": mix, "within": within}
        return found


class Cell:
    """One feature in one segment."""

    def __init__(self, segments, binned, segment):
        raw = [binned.counts(window, segments.inside(window, segment)) for window in range(segments.windows)]
        of_bin = groups(sum(raw), segments.rows[segment] / segments.windows)
        windows = [numpy.bincount(of_bin, weights=counts, minlength=of_bin.max() + 1) for counts in raw]
        self.reference = sum(windows)
        self.current = numpy.bincount(of_bin, weights=binned.counts(-1, segments.inside(-1, segment)), minlength=of_bin.max() + 1)
        others = [(self.reference - own, own) for own in windows if own.sum() >= MIN_ROWS]
        self.logs = numpy.log(numpy.maximum([distance(*pair) for pair in others], 1e-4))

    def judged(self, segment, alphas, tests, pooled):
        shares = {severity: alpha / tests for severity, alpha in alphas.items()}
        nulls = {severity: null(self.reference, self.current, alpha) for severity, alpha in shares.items()}
        limits = between.limits_of_distances(FLOOR, nulls, shares, self.logs, pooled)
        value = distance(self.reference, self.current)
        return {"segment": segment, "value": value, "limits": limits, "rows": int(self.current.sum())}
