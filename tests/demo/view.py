"""How the demo shows itself: a live table in a terminal, plain lines everywhere else."""
import collections
import datetime
import time
import typing

import rich.box
import rich.cells
import rich.console
import rich.live
import rich.progress
import rich.table
import rich.text

from history import weeks
from scrape import CHECKS, SEVERITIES

# Symbol and colour together: neither has to be seen to understand the word beside them.
LOOK = {
    "critical": ("✖", "bold red"),
    "absent": ("∅", "bold red"),
    "warning": ("▲", "yellow"),
    "moving": ("~", "cyan"),
    "not judged": ("?", "magenta"),
    "ok": ("✔", "green"),
}
# A missing share is judged by how much it rose.
MEASURED = {"drift": "drift ", "missing": "missing +"}
BAR = 11
# Blanks between two columns.
GAP = 2
# What the state keeps when a terminal is too narrow for long names and long reasons.
STATE_WIDTH = 17
# What a name keeps in any case; a terminal narrower than that crops the line.
NAME_WIDTH = 8


def number(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}"


def count(value):
    return "–" if value is None else f"{value:,.0f}"


def short(value):
    """A count in five characters at most: 987, 2.3k, 12k, 1.5M."""
    if value is None or value < 1000:
        return count(value)
    for unit in "kMG":
        value /= 1000
        if value < 9.95:
            return f"{value:.1f}{unit}"
        if value < 999.5 or unit == "G":
            return f"{value:.0f}{unit}"


def share(value):
    return "–" if value is None else f"{value:.1%}"


def shortened(name, width):
    """A name that fits; its middle goes, since names differ at their ends."""
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return name[: width - 1 - tail] + "…" + name[len(name) - tail :]


def day(week):
    """The day whose midnight the snapshot of a week shows."""
    return (datetime.date(2017, 1, 1) + datetime.timedelta(days=7 * week)).isoformat()


def limits(row, check):
    return "/".join(map(number, row.limits[check]))


class Lines:
    """One line for each judged window and each change of a state."""

    def __init__(self):
        self.trouble = None

    def say(self, text=""):
        print(text, flush=True)

    def working(self, text):
        self.say(text)
        return Quiet()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def window(self, history):
        window = history.windows[-1]
        states = ", ".join(f"{window.count(state)} {state}" for state in LOOK if window.count(state))
        self.say(f"week {window.week} (snapshot of {day(window.week)}), {count(window.size)} rows: {states}")
        for before, row in history.changes():
            change = f"{before} -> {row.state}" if before else row.state
            why = f" ({row.why})" if row.why else ""
            checks = [check for check in CHECKS if check in row.why] or ["drift"]
            measured = [f"; {MEASURED[check]}{number(row.values[check])}, limits {limits(row, check)}" for check in checks if row.values[check] is not None]
            self.say(f"  {row.name}: {change}{why}{''.join(measured)}")

    def tick(self, history, trouble):
        if trouble != self.trouble and trouble:
            self.say(f"  {trouble}")
        self.trouble = trouble


class Quiet:
    """Progress that nobody watches."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __call__(self, done, total):
        pass


class Bar:
    """A progress bar, or a spinner while nobody knows how much there is to do."""

    def __init__(self, console, text):
        self.progress = rich.progress.Progress(
            rich.progress.SpinnerColumn(),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(BAR),
            rich.progress.TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.task = self.progress.add_task(text, total=None)

    def __enter__(self):
        self.progress.start()
        return self

    def __exit__(self, *_):
        self.progress.stop()

    def __call__(self, done, total):
        self.progress.update(self.task, completed=done, total=total)


def wide(cell):
    """Columns of the terminal that a cell takes."""
    return rich.cells.cell_len(str(cell))


class Table:
    """A table of all features that is drawn anew every second."""

    def __init__(self):
        self.console = rich.console.Console(highlight=False)
        self.live = rich.live.Live(console=self.console, auto_refresh=False, vertical_overflow="crop")

    def say(self, text=""):
        self.console.print(text, markup=False)

    def working(self, text):
        return Bar(self.console, text)

    def __enter__(self):
        self.live.start()
        return self

    def __exit__(self, *_):
        self.live.stop()

    def window(self, history):
        pass

    def tick(self, history, trouble):
        self.live.update(self.draw(history, trouble), refresh=True)

    def draw(self, history, trouble):
        if not history.windows:
            return rich.text.Text(trouble or "Freezing the baseline of weeks 13 to 18; the first week is judged in some seconds …", style="dim")
        window = history.windows[-1]
        order = list(LOOK)
        rows = sorted(window.rows, key=lambda row: (order.index(row.state), -(row.score or 0)))
        # Headline, headings, rule and the lines below take eight rows at most of the terminal.
        fits = max(5, self.console.height - 8)
        shown = [column for column in COLUMNS if self.console.width >= column.from_width]
        cells = [[column.cell(row, history.scale) for column in shown] for row in rows[:fits]]
        names, states = self.widths(shown, cells)
        table = rich.table.Table(box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        for column in shown:
            width = {"feature": names, "state": states}.get(column.heading)
            table.add_column(column.heading, justify=column.justify, no_wrap=True, overflow="ellipsis", width=width)
        for name, *others in cells:
            table.add_row(shortened(name, names), *others)
        parts = [self.headline(history), table]
        if len(rows) > fits:
            parts.append(rich.text.Text(f"… and {len(rows) - fits} more, farther from their limits; the page shows all", style="dim"))
        parts.append(rich.text.Text("drift is KS of a number and PSI of a category; age is in days of the data", style="dim"))
        if trouble:
            parts.append(rich.text.Text(trouble, style="bold yellow"))
        return rich.console.Group(*parts)

    def widths(self, shown, cells):
        """How wide names and states are: what the numbers leave, the states' reasons cut before the names."""
        headings = [column.heading for column in shown]
        first, *between, last = [max(map(wide, column)) for column in zip(headings, *cells)]
        left = self.console.width - sum(between) - GAP * (len(shown) - 1)
        states = min(last, max(STATE_WIDTH, left - first))
        return min(first, max(NAME_WIDTH, left - states)), states

    def headline(self, history):
        window = history.windows[-1]
        line = rich.text.Text(f"Week {window.week}, snapshot of {day(window.week)}: {count(window.size)} households  ")
        for state, (symbol, style) in LOOK.items():
            if window.count(state):
                line.append(f" {symbol} {window.count(state)} {state} ", style=style)
        for severity in SEVERITIES:
            for check in window.whole[severity]:
                line.append(f" {LOOK[severity][0]} {check} of the whole: {severity} ", style=LOOK[severity][1])
        return line


def age(newest, scale):
    """Age of the newest event that has the feature, in days of the data."""
    return "–" if newest is None else f"{scale.data_days(max(0, time.time() - newest)):.1f}d"


def bar(row, _scale):
    """The part of the critical limit that the drift has used up."""
    if row.score is None:
        return rich.text.Text("")
    full = min(BAR, round(row.score * BAR))
    return rich.text.Text("█" * full, style=LOOK[row.state][1]) + rich.text.Text("·" * (BAR - full), style="dim")


def state(row, _scale):
    """The symbol, and what stands behind it: of several checks the worst, since the column is narrow."""
    symbol, style = LOOK[row.state]
    checks = row.breaches.get(row.state)
    if checks:
        more = f" +{len(checks) - 1}" if len(checks) > 1 else ""
        return rich.text.Text(f"{symbol} {checks[0]}{more}", style=style)
    return rich.text.Text(f"{symbol} {row.state}" + (f": {row.why}" if row.why else ""), style=style)


class Column(typing.NamedTuple):
    """A column of the table, shown in terminals that are wide enough for it."""

    heading: str
    cell: typing.Callable
    justify: str = "left"
    from_width: int = 0


# The first takes the features' names, the last their states; all but the bar fit into 80 columns.
COLUMNS = [
    Column("feature", lambda row, _: row.name),
    Column("rows", lambda row, _: short(row.rows), "right"),
    Column("missing", lambda row, _: share(row.missing), "right"),
    Column("drift", lambda row, _: number(row.values["drift"]), "right"),
    Column("warn/crit", lambda row, _: limits(row, "drift"), "right"),
    Column("of critical", bar, from_width=110),
    Column("age", lambda row, scale: age(row.newest, scale), "right"),
    Column("state", state),
]


def summary(history, view):
    """What was judged and what was found."""
    if not history.windows:
        return
    last = history.windows[-1]
    seen = weeks([window.week for window in history.windows])
    view.say()
    view.say(f"Judged {last.judged} windows of {len(last.rows)} features: weeks {seen} against the baseline of weeks 13 to 18.")
    for severity in SEVERITIES:
        together = collections.defaultdict(list)
        for (feature, check), at in history.breaches[severity].items():
            # What was critical in some weeks is not said again for the weeks in which it was a warning.
            if severity == "critical" or (feature, check) not in history.breaches["critical"]:
                together[check, tuple(at)].append(feature)
        for (check, at), features in sorted(together.items(), key=lambda group: -len(group[0][1])):
            view.say(f"  {severity}, {check}, week{'s' * (len(at) > 1)} {weeks(at)}: {', '.join(features)}")
        if not together:
            view.say(f"  {severity}: nothing" + (" else" * (severity == "warning" and bool(history.breaches["critical"]))))
    moving = [row.name for row in last.rows if row.moving]
    if moving:
        view.say(f"  moves by construction, so it does not alarm: {', '.join(moving)}")
