"""What features of tables tell about a target of classes, by scipy, and what may be told of a fall: formulas of
docs/statistics.md.

Of each feature the AUC of each class against the rest, a baseline that is cross-fitted from its windows, and DeLong's standard
errors, all from ranks.
"""
import numpy
import pyarrow
from scipy import stats

import between
from associations import joined

FLOOR = {"warning": 0.02, "critical": 0.05}
# The fewest rows of a class, and beside it, with which it counts in an average.
STEADY = 10
# How many features share what all of them explain together.
SHARING = 32
# The variance of an AUC that a single row on one side is taken to bring.
OF_ONE_ROW = 0.25


def placed(values, inside):
    """AUC of the rows inside against the others, larger values speaking for it, the influence of each row on it, and the variance
    that no row tells of."""
    n1, n0 = int(inside.sum()), int((~inside).sum())
    ranks = stats.rankdata(values)
    placement = numpy.empty(len(values))
    placement[inside] = (ranks[inside] - stats.rankdata(values[inside])) / n0
    placement[~inside] = 1 - (ranks[~inside] - stats.rankdata(values[~inside])) / n1
    auc = placement[inside].mean()
    scale = numpy.where(inside, numpy.sqrt(n1 * max(n1 - 1, 1)), numpy.sqrt(n0 * max(n0 - 1, 1)))
    return auc, (placement - auc) / scale, OF_ONE_ROW * ((n1 == 1) + (n0 == 1))


class Reading:
    """AUC and influences of the classes of a window, by the class's name."""

    def __init__(self, target, score_of):
        self.classes = {}
        for name in numpy.unique(target):
            inside = target == name
            if 0 < inside.sum() < len(target):
                n1, n0 = int(inside.sum()), int((~inside).sum())
                self.classes[name] = (*placed(score_of(name), inside), n1, n0)

    def oriented(self, signs):
        turned = Reading.__new__(Reading)
        turned.classes = {c: (a, *rest) if signs[c] >= 0 else (1 - a, -rest[0], *rest[1:]) for c, (a, *rest) in self.classes.items()}
        return turned


def weight(of_class):
    *_, n1, n0 = of_class
    return n1 * n0 / (n1 + n0)


def average(folds, common):
    """Macro average of several windows pooled, over these classes, and its standard error."""
    weights = {c: sum(weight(fold.classes[c]) for fold in folds if c in fold.classes) for c in common}
    value, variance = 0.0, 0.0
    for fold in folds:
        parts = [(weight(fold.classes[c]) / weights[c] / len(common), *fold.classes[c][:3]) for c in common if c in fold.classes]
        value += sum(part * auc for part, auc, _, _ in parts)
        variance += sum(part**2 * of_one for part, _, _, of_one in parts)
        if parts:
            variance += (sum(part * influence for part, _, influence, _ in parts) ** 2).sum()
    return float(value), float(numpy.sqrt(variance))


def varies(column):
    return column.std() > 1e-9 * abs(column.mean())


def known(folds):
    return set().union(*(fold.classes for fold in folds))


def steady(folds):
    """The classes that have rows enough in several windows together."""
    rows = {c: numpy.sum([fold.classes[c][-2:] for fold in folds if c in fold.classes], axis=0) for c in known(folds)}
    return {c for c, both in rows.items() if min(both) >= STEADY}


def columns_of(names, windows):
    """Of each feature its column in every window: numbers, NaN where there is none, or names, empty where there is none."""
    columns = {}
    for name in sorted(names):
        parts = [window[name] for window in windows]
        if pyarrow.types.is_dictionary(parts[-1].type):
            columns[name] = [numpy.array([v or "" for v in column]) for column in joined(parts)]
        else:
            columns[name] = [numpy.array([numpy.nan if v is None else float(v) for v in column.to_pylist()]) for column in parts]
    return columns


class Performance:
    """What each feature tells, in baseline windows and in a window."""

    def __init__(self, names, baseline, current, target):
        windows = [*baseline, current]
        self.targets = [numpy.array([name if name is not None else "" for name in column]) for column in joined([w[target] for w in windows])]
        self.columns = columns_of(names, windows)
        self.readings = {name: (self.numeric if columns[-1].dtype == float else self.categorical)(columns) for name, columns in self.columns.items()}

    def rows(self, columns):
        """Of each window values and target where both are known."""
        for column, target in zip(columns, self.targets):
            both = (target != "") & (~numpy.isnan(column) if column.dtype == float else column != "")
            yield column[both], target[both]

    def numeric(self, columns):
        larger = [Reading(target, lambda _, values=values: values) for values, target in self.rows(columns)]
        *folds, now = larger

        def signs(used):
            lean = dict.fromkeys(known(larger), 0.0)
            for fold in used:
                for c, of_class in fold.classes.items():
                    lean[c] += weight(of_class) * (of_class[0] - 0.5)
            return lean

        read = [fold.oriented(signs(folds[:i] + folds[i + 1 :])) for i, fold in enumerate(folds)]
        return read, now.oriented(signs(folds))

    def categorical(self, columns):
        rows = list(self.rows(columns))

        def reading(window, taught):
            values, target = (numpy.concatenate(side) for side in zip(*taught))

            def score_of(c):
                share = (target == c).mean()
                scores = {v: ((target[values == v] == c).sum() + share) / ((values == v).sum() + 1) for v in numpy.unique(values)}
                return numpy.array([scores.get(v, share) for v in window[0]])

            return Reading(window[1], score_of)

        *folds, now = rows
        return [reading(fold, folds[:i] + folds[i + 1 :]) for i, fold in enumerate(folds)], reading(now, folds)

    def references(self):
        """Of each feature the baseline's macro average."""
        return {name: average(folds, steady(folds))[0] for name, (folds, _) in self.readings.items()}

    def tests(self):
        return int(sum(value >= 0.5 + FLOOR["warning"] for value in self.references().values()))

    def differences(self, folds):
        found = []
        for i, own in enumerate(folds):
            others = folds[:i] + folds[i + 1 :]
            common = steady([own]) & steady(others)
            found.append(average([own], common)[0] - average(others, common)[0])
        return numpy.array(found)

    def described(self, alphas):
        """Of each feature its AUC in baseline and window; of those that tell something the fall and its limits."""
        references = self.references()
        telling = {name: self.differences(self.readings[name][0]) for name, value in references.items() if value >= 0.5 + FLOOR["warning"]}
        pooled = between.together(list(telling.values()))
        described = {}
        for name, (folds, now) in self.readings.items():
            described[name] = {"statistic": "auc", "tells": name in telling}
            if name in telling:
                common = steady(folds) & steady([now])
                before, after = average(folds, common), average([now], common)
                described[name] |= {"reference": before[0], "value": after[0], "fall": before[0] - after[0]}
                described[name]["limits"] = self.limits(before, after, telling[name], pooled, alphas)
        return described

    @staticmethod
    def limits(before, after, differences, pooled, alphas):
        error = numpy.hypot(*(e / (v * (1 - v)) for v, e in (before, after)))
        logit = numpy.log(before[0] / (1 - before[0]))
        nulls = {severity: before[0] - 1 / (1 + numpy.exp(stats.norm.isf(alpha) * error - logit)) for severity, alpha in alphas.items()}
        return between.limits_of(FLOOR, nulls, alphas, differences, pooled)

    def responses(self):
        """The rows of the window whose target is known, and what is explained in them: each class."""
        target = self.targets[-1]
        rows = target != ""
        return rows, [(target[rows] == c).astype(float) for c in numpy.unique(target[rows])]

    def explained(self):
        """Share of the target of the window that the features explain together which tell the most by themselves: of each class by
        least squares on the ranks of numbers, and on the class's share in each category."""
        rows, responses = self.responses()
        designs = [{name: self.column(columns[-1][rows], y) for name, columns in self.columns.items()} for y in responses]
        total = sum(y.var() for y in responses)

        def alone(name):
            pairs = [(y, design[name]) for y, design in zip(responses, designs)]
            return sum(y.var() * numpy.corrcoef(column, y)[0, 1] ** 2 for y, column in pairs if varies(column)) / total

        sharing = sorted(self.columns, key=alone, reverse=True)[:SHARING]
        left = 0.0
        for y, design in zip(responses, designs):
            columns = [design[name] for name in sharing if varies(design[name])]
            columns = numpy.array([numpy.ones(len(y)), *columns]).T
            columns /= numpy.linalg.norm(columns, axis=0)
            left += ((y - columns @ numpy.linalg.lstsq(columns, y, rcond=1e-9)[0]) ** 2).mean()
        return float(1 - left / total)

    @staticmethod
    def column(values, y):
        column = numpy.full(len(y), numpy.nan)
        if values.dtype == float:
            here = ~numpy.isnan(values)
            column[here] = stats.rankdata(values[here])
        else:
            here = values != ""
            for v in numpy.unique(values[here]):
                column[values == v] = y[values == v].mean()
        return numpy.where(here, column, column[here].mean())
