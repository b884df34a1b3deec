"""A board, and what Grafana fills in before it asks Prometheus."""
import json
import math
import pathlib
import re

from prometheus import QueryFailed

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "charts" / "feature-monitor" / "files" / "boards"
# What somebody would choose, where it is among the choices; else the first one is taken. Some queries are about numbers
# alone, about categories, or about what goes wrong now: a query that brings nothing for one choice must for the other.
CHOICES = [
    {"namespace": "ml-prod", "monitor": "customer-segmentation", "feature": "monetary_28d", "slo": "available"},
    {"namespace": "ml-prod", "monitor": "customer-segmentation", "feature": "home_store", "slo": "undrifted"},
]
ALL = "$__all"
# Grafana's grid, in pixels, and what a panel needs around a chart.
COLUMNS, UNIT, GAP, MARGIN, FRAME = 24, 30, 8, 16, 18
# And what stands above the grid, at most.
BAR = 200
MOST_POINTS = 11_000
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}
# Grafana's steps: what lies below the first number becomes the second one. In milliseconds.
STEPS = [
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000), (3_500, 2_000), (7_500, 5_000), (12_500, 10_000),
    (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000), (750_000, 600_000),
    (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000), (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000), (1_814_400_000, 604_800_000), (3_628_800_000, 2_592_000_000),
]  # fmt: skip


def committed():
    """Every board of the chart."""
    return sorted(FOLDER.glob("*.json"))


class Range:
    """From when to when a board shows, with the words that say so."""

    def __init__(self, end, relative):
        self.end, self.relative = end, relative
        self.start = end - duration(relative.removeprefix("now-").removesuffix("/d").removesuffix("/h"))

    @property
    def seconds(self):
        return self.end - self.start


def duration(text):
    match = re.fullmatch(r"(\d+)(ms|[smhdwMy])", text)
    return int(match[1]) / 1000 if match[2] == "ms" else int(match[1]) * UNITS[match[2]]


def rounded(milliseconds):
    """A step as Grafana rounds it."""
    return next((step for below, step in STEPS if milliseconds < below), 31_536_000_000)


class Board:
    """A board against a Prometheus that scrapes every `scrape` seconds, at a moment."""

    def __init__(self, path, prometheus, end, scrape, relative=None, choices=CHOICES[0]):
        self.name, self.choices = path.stem, choices
        self.document = json.loads(path.read_text())
        self.prometheus, self.scrape = prometheus, scrape
        self.range = Range(end, relative or self.document.get("time", {}).get("from", "now-6h"))
        self.variables = {}
        for variable in self.document.get("templating", {}).get("list", []):
            self.variables[variable["name"]] = self.chosen(variable)
        self.document["panels"] = expanded(self.document["panels"], self.variables)

    # ---- variables ----

    def chosen(self, variable):
        """A variable's values and how they are shown."""
        kind, current = variable["type"], (variable.get("current") or {}).get("value")
        if kind == "datasource":
            return {"values": ["prometheus"], "texts": ["Prometheus"], "many": False}
        if kind == "query":
            options = self.options(variable)
        elif kind in ("custom", "interval"):
            options = [part.strip().split(" : ")[-1] for part in variable["query"].split(",")]
        else:
            options = [variable.get("query", "") or current or ""]
        many = bool(variable.get("multi") or variable.get("includeAll"))
        wanted = self.choices.get(variable["name"])
        if variable.get("includeAll") and (current in (ALL, [ALL]) or not current):
            values = [variable["allValue"]] if variable.get("allValue") else options
            return {"values": values, "texts": ["All"], "many": many, "raw": bool(variable.get("allValue"))}
        if wanted in options:
            value = wanted
        elif isinstance(current, str) and current in options:
            value = current
        else:
            value = options[0] if options else ""
        return {"values": [value], "texts": [value], "many": many}

    def options(self, variable):
        """The choices of a query variable."""
        query = variable["query"] if isinstance(variable["query"], str) else variable["query"]["query"]
        query = self.filled(query, 60)
        about = {"start": self.range.start, "end": self.range.end}
        if match := re.fullmatch(r"\s*label_values\((?:(.+),)?\s*([a-zA-Z_]\w*)\s*\)\s*", query, re.DOTALL):
            series, label = match.groups()
            found = self.prometheus.ask(f"label/{label}/values", **about, **({"match[]": series.strip()} if series else {}))
        elif match := re.fullmatch(r"\s*query_result\((.+)\)\s*", query, re.DOTALL):
            results = self.prometheus.instant(match[1], self.range.end)
            found = [" ".join(f'{name}="{text}"' for name, text in one["metric"].items()) for one in results]
        else:
            raise QueryFailed(f"the variable {variable['name']} asks {query!r}, which nothing here understands")
        if regex := variable.get("regex", "").strip("/"):
            matches = [re.search(regex, text) for text in found]
            found = [match[1] if match.re.groups else match[0] for match in matches if match]
        return sorted(dict.fromkeys(found))

    def filled(self, text, step):
        """A text of a query with its variables."""
        rate = max(step + self.scrape, 4 * self.scrape)
        built_in = {
            "__interval": f"{step:g}s", "__interval_ms": f"{step * 1000:g}", "__rate_interval": f"{rate:g}s", "__rate_interval_ms": f"{rate * 1000:g}",
            "__range": f"{self.range.seconds}s", "__range_s": str(self.range.seconds), "__range_ms": str(self.range.seconds * 1000),
        }  # fmt: skip

        def value(match):
            name, how = match[1] or match[3], match[2]
            if name in built_in:
                return built_in[name]
            found = self.variables.get(name)
            if found is None:
                return match[0]
            if found.get("raw") or how == "raw":
                return ",".join(found["values"])
            if how in ("csv", "pipe"):
                return {"csv": ",", "pipe": "|"}[how].join(found["values"])
            if not found["many"] and how != "regex":
                return found["values"][0].replace("\\", "\\\\").replace('"', '\\"')
            # What is special to a regular expression, escaped for a string of PromQL.
            safe = [re.sub(r"[\\^$*+?.()|{}\[\]/]", lambda special: "\\\\" + special[0], text) for text in found["values"]]
            return safe[0] if len(safe) == 1 else f"({'|'.join(safe)})"

        return re.sub(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)", value, text)

    # ---- queries ----

    def panels(self):
        """Panels with queries."""
        return [panel for panel in self.document["panels"] if panel["type"] != "row" and panel.get("targets")]

    @property
    def height(self):
        """Pixels that hold all of it."""
        return BAR + (UNIT + GAP) * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in self.document["panels"])

    def queries(self, width):
        """Every query of a board that is so many pixels wide: (panel, Query)."""
        column = (width - 2 * MARGIN - GAP * (COLUMNS - 1)) / COLUMNS
        for panel in self.panels():
            pixels = panel["gridPos"]["w"] * (column + GAP) - GAP - FRAME
            yield from self.queries_of(panel, math.floor(pixels))

    def queries_of(self, panel, pixels):
        """The queries of a panel of a width."""
        for target in panel["targets"]:
            if not target.get("hide"):
                yield panel, Query(self, panel, target, pixels)

    def annotations(self):
        """Marks: when, what colour, what it says."""
        marks = []
        for annotation in self.document.get("annotations", {}).get("list", []):
            query = annotation.get("expr") or annotation.get("target", {}).get("expr")
            if not query or not annotation.get("enable", True):
                continue
            step = max(60, math.ceil(self.range.seconds / MOST_POINTS), self.scrape)
            if annotation.get("step"):
                step = max(step, duration(self.filled(annotation["step"], step)))
            for result in self.prometheus.range(self.filled(query, step), self.range.start, self.range.end, step):
                marks.extend({"time": at, "color": annotation.get("iconColor", "blue"), "title": annotation["name"]} for at in self.begun(annotation, result["values"], step))
        return sorted(marks, key=lambda mark: mark["time"])

    def begun(self, annotation, values, step):
        """When an annotation's events began, in milliseconds."""
        if annotation.get("useValueForTime"):
            times = {float(value) for _, value in values}
            return [time for time in times if self.range.start * 1000 <= time <= self.range.end * 1000]
        begun, last = [], None
        for at, value in values:
            if float(value) and (last is None or at - last > step):
                begun.append(at * 1000)
            if float(value):
                last = at
        return begun


class Query:
    """One query as Grafana asks it."""

    def __init__(self, board, panel, target, pixels):
        self.board, self.target = board, target
        points = panel.get("maxDataPoints") or pixels
        least = board.scrape
        for wanted in (panel.get("interval"), target.get("interval")):
            if wanted:
                least = duration(board.filled(wanted.lstrip(">"), board.scrape))
        self.range = Range(board.range.end, f"now-{panel['timeFrom']}") if panel.get("timeFrom") else board.range
        exact = self.range.seconds * 1000 / points
        step = max(rounded(exact) / 1000, least, rounded(self.range.seconds * 1000 / MOST_POINTS) / 1000)
        self.step = step * (target.get("intervalFactor") or 1)
        self.text = board.filled(target["expr"], self.step)
        self.instant = bool(target.get("instant")) and not target.get("range")

    def ask(self):
        """The series of its answer."""
        prometheus = self.board.prometheus
        if self.instant:
            return prometheus.instant(self.text, self.range.end)
        start, end = (moment // self.step * self.step for moment in (self.range.start, self.range.end))
        return prometheus.range(self.text, start, end, self.step)


def expanded(panels, variables):
    """All panels at their places: rows are open, and repeated panels stand beside each other."""
    shift, placed = 0, []
    for panel in sorted(panels, key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"])):
        panel["gridPos"]["y"] += shift
        placed.append(panel)
        if panel["type"] == "row" and panel.get("collapsed"):
            inside = panel.pop("panels", [])
            top = min((one["gridPos"]["y"] for one in inside), default=0)
            for one in inside:
                one["gridPos"]["y"] += panel["gridPos"]["y"] + 1 - top
            bottom = max((one["gridPos"]["y"] + one["gridPos"]["h"] for one in inside), default=panel["gridPos"]["y"] + 1)
            shift += bottom - panel["gridPos"]["y"] - 1
            panel["collapsed"] = False
            placed.extend(inside)
    return [one for panel in placed for one in repeated(panel, variables)]


def repeated(panel, variables):
    """A panel once for every value of the variable by which it is repeated, in one row."""
    found = variables.get(panel.get("repeat"))
    if not found or len(found["values"]) < 2:
        return [panel]
    values = found["values"][: panel.get("maxPerRow", 4)]
    width = COLUMNS // len(values)
    copies = []
    for number, value in enumerate(values):
        text = json.dumps(panel).replace(f"${{{panel['repeat']}}}", value).replace(f"${panel['repeat']}", value)
        copy = json.loads(text) | {"id": panel["id"] * 1000 + number, "repeat": None}
        copy["gridPos"] |= {"x": number * width, "w": width}
        copies.append(copy)
    return copies
