"""What the demo has seen so far: a window at a time, and the changes from one to the next."""
import collections

from scrape import SEVERITIES, Row


class Window:
    """One judged window, as a scrape shows it."""

    def __init__(self, scrape, scale):
        self.scrape = scrape
        self.end = scrape.value("featuremonitor_window_end_timestamp_seconds")
        self.week = scale.week_of(self.end)
        self.judged = int(scrape.value("featuremonitor_windows_judged_total") or 0)
        self.size = scrape.value("featuremonitor_window_rows")
        self.rows = [Row(scrape, name) for name in scrape.features()]
        self.whole = {  # Checks of the monitor as a whole, such as freshness, carry no feature.
            severity: sorted(
                labels["check"]
                for labels, value in scrape.families.get("featuremonitor_check_breached", ())
                if value == 1 and not labels.get("feature") and labels["severity"] == severity
            )
            for severity in SEVERITIES
        }

    def count(self, state):
        return sum(row.state == state for row in self.rows)


class History:
    """All windows seen, in order."""

    def __init__(self, scale):
        self.scale, self.windows = scale, []
        self.breaches = {severity: collections.defaultdict(list) for severity in SEVERITIES}

    def read(self, scrape):
        """Takes a scrape. Returns the window in it if that one is complete and new, else None."""
        complete = scrape.value("featuremonitor_window_complete") == 1
        judged = (scrape.value("featuremonitor_windows_judged_total") or 0) > 0
        if not complete or not judged or not scrape.features():
            return None
        window = Window(scrape, self.scale)
        if self.windows and window.end <= self.windows[-1].end:
            # The same window as before; what the clock judges, freshness, may have moved on.
            self.windows[-1].scrape, self.windows[-1].whole = scrape, window.whole
            return None
        self.windows.append(window)
        for row in window.rows:
            for severity in SEVERITIES:
                for check in row.breaches[severity]:
                    self.breaches[severity][row.name, check].append(window.week)
        return window

    def judged(self):
        """Windows that the exporter says it has judged; a window can come and go between two scrapes."""
        return self.windows[-1].judged if self.windows else 0

    def changes(self):
        """Rows of the newest window whose state is not what it was, with the state before."""
        now = {row.name: row for row in self.windows[-1].rows}
        before = {row.name: row.state for row in self.windows[-2].rows} if len(self.windows) > 1 else {}
        return [(before.get(name), row) for name, row in now.items() if row.state != before.get(name, "ok")]


def weeks(numbers):
    """`22 to 26, 30` for 22, 23, 24, 25, 26, 30."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][-1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in runs)
