"""Some days up to a moment, sampled at a steady step, and series that are written down as changes."""
import math

HOUR, DAY = 3600, 86_400
DAYS = 30
# Below the five minutes for which Prometheus shows a sample, and a part of an hour.
STEP = 240
# The longest block that promtool makes of such a step below the 11,000 points of one answer: a day and two nights.
BLOCK = 54 * HOUR


class Timeline:
    """The samples of the history."""

    def __init__(self, end, days):
        self.end = int(end) // HOUR * HOUR
        self.start = self.end - days * DAY
        self.times = range(self.start, self.end + 1, STEP)

    def index(self, moment):
        """The first sample at this moment or after it."""
        return min(max(0, math.ceil((moment - self.start) / STEP)), len(self.times))

    def hours_before_end(self, hours):
        return self.end - round(hours * HOUR)

    def blocks(self):
        """The samples of each block: first index, and the one after the last."""
        first, ends = 0, []
        while first < len(self.times):
            border = (self.times[first] // BLOCK + 1) * BLOCK
            after = self.index(border)
            ends.append((first, after))
            first = after
        return ends


class Series:
    """A series: its name and labels as OpenMetrics writes them, and its changes: (index of a sample, text of the value from
    there on, or None where there is no sample)."""

    __slots__ = ("key", "changes")

    def __init__(self, name, labels, changes):
        self.key = name + "{" + ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items()) + "}"
        self.changes = compressed(changes)

    def spans(self, first, after):
        """Runs of equal samples between two indices: from, to, text."""
        for number, (begin, text) in enumerate(self.changes):
            end = self.changes[number + 1][0] if number + 1 < len(self.changes) else after
            begin, end = max(begin, first), min(end, after)
            if begin < end and text is not None:
                yield begin, end, text


def compressed(changes):
    """Without changes that change nothing."""
    kept = []
    for index, text in changes:
        if kept and kept[-1][0] == index:
            kept.pop()
        if not kept or kept[-1][1] != text:
            kept.append((index, text))
    return kept


def escaped(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def text(number):
    """A number as a sample has it."""
    return repr(int(number)) if float(number).is_integer() else repr(float(number))
