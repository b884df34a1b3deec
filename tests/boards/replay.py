"""A monitor's history: the scrapes of the weeks, stretched so that a week of 2017 is a day, and evaluated every hour."""
import math
import random

from fleet import FIRST_WEEK, LAST_WEEK, SHOWN, WINDOWS
from scrape import Scrape
from timeline import DAY, HOUR, Series, text

WINDOW = DAY
EVERY = HOUR
# What the example's six hours are of a week, of a day.
LATENESS = 6 * HOUR / 7
OF_THE_DATA = {
    "featuremonitor_window_start_timestamp_seconds",
    "featuremonitor_window_end_timestamp_seconds",
    "featuremonitor_newest_event_timestamp_seconds",
    "featuremonitor_feature_newest_event_timestamp_seconds",
    "featuremonitor_event_p50_timestamp_seconds",
    "featuremonitor_event_p05_timestamp_seconds",
    "featuremonitor_event_p01_timestamp_seconds",
    "featuremonitor_segment_event_p50_timestamp_seconds",
    "featuremonitor_update_timestamp_seconds",
}
OF_THE_WINDOW = {"featuremonitor_window_start_timestamp_seconds", "featuremonitor_window_end_timestamp_seconds"}
# Families that are kept of every feature; the others, statistics and bins, of some features of the monitor that is shown in
# full, since nobody looks at all of them at once and there are thousands.
OF_CHECKS = "featuremonitor_check_"
# What only the board of one feature shows.
DETAILS = {"featuremonitor_check_limit_part_info", "featuremonitor_check_rows"}
KEPT = {
    "featuremonitor_feature_info", "featuremonitor_feature_present", "featuremonitor_feature_newest_event_timestamp_seconds",
    "featuremonitor_schema_finding", "featuremonitor_feature_missing_ratio", "featuremonitor_pair_association",
    "featuremonitor_pair_reference_association", "featuremonitor_pair_association_score", "featuremonitor_pair_co_missing_phi",
    "featuremonitor_pair_reference_co_missing_phi", "featuremonitor_segment_score", "featuremonitor_segment_distance",
}  # fmt: skip
JUDGED_BY_ROWS = ("drift", "missing")


class Scrapes:
    """The captured scrapes, read once."""

    def __init__(self, capture):
        self.factor = WINDOW / capture.pace
        self.before = samples(capture.before)
        self.weeks = {week: samples(content) for week, content in capture.weeks.items()}
        self.ends = {week: found[("featuremonitor_window_end_timestamp_seconds", *own(found))] for week, found in self.weeks.items()}

    def increments(self, key):
        """How much a counter grew by in each week."""
        last, grown = 0.0, {}
        for week in range(FIRST_WEEK, LAST_WEEK + 1):
            now = self.weeks[week].get(key, last)
            grown[week] = max(0.0, now - last) if week > FIRST_WEEK else now / 4
            last = now
        return grown


def samples(content):
    """A scrape as values by (family, *labels)."""
    return {(name, *sorted(labels.items())): value for name, series in Scrape(content).families.items() for labels, value in series}


def own(found):
    """The labels that every series of a monitor has."""
    key = next(key for key in found if key[0] == "featuremonitor_evaluation_success")
    return key[1:]


def of_time(found, before):
    """Adds what the checks of time would say of the features that are shown in full: the customers' baseline has no season and does
    not go along, and six windows make no chart. It follows from their means: those of 2,400 rows have about a fiftieth of the rows'
    deviation. `before` is what was shown of the window before."""
    labels = dict(own(found))

    def key(name, **more):
        return (f"featuremonitor_{name}", *sorted({**labels, **more}.items()))

    # As of a target that is known a window later.
    found[key("target_window_end_timestamp_seconds")] = found[key("window_end_timestamp_seconds")] - WINDOW
    left_out(found, before, key)
    for feature in SHOWN:
        mean, usual, spread = (found.get(key(f"feature_{what}", feature=feature)) for what in ("mean", "reference_mean", "reference_stddev"))
        if None in (mean, usual, spread) or spread <= 0:
            continue
        # Nothing of the customers is filled in: this is what one value of a hundred that is the mean would do.
        filled_in(found, key, feature, 0.01)
        deviation = spread / 50
        away = (mean - usual) / deviation
        found[key("feature_usual_mean", feature=feature)] = usual
        found[key("feature_usual_deviation", feature=feature)] = deviation
        found[key("shift_ewma", feature=feature)] = away / 4
        found[key("shift_cusum_upper", feature=feature)] = max(0.0, away)
        found[key("shift_cusum_lower", feature=feature)] = max(0.0, -away)
        for check, value, limits in (("level", abs(away), (4.5, 6.0)), ("shift", abs(away) / 4, (4.2, 4.9))):
            found[key("check_value", feature=feature, check=check)] = value
            found[key("check_rows", feature=feature, check=check)] = 2400
            found[key("check_valid", feature=feature, check=check)] = 1
            for severity, limit in zip(("warning", "critical"), limits):
                found[key("check_limit", feature=feature, check=check, severity=severity)] = limit
                found[key("check_score", feature=feature, check=check, severity=severity)] = value / limit
                found[key("check_breached", feature=feature, check=check, severity=severity)] = int(value >= limit)
        left_out(found, before, key, feature)


def filled_in(found, key, feature, share):
    """What is shown of a feature of which a share of the values is the mean."""
    found[key("feature_imputed_ratio", feature=feature)] = share
    found[key("feature_reference_imputed_ratio", feature=feature)] = 0
    found[key("feature_imputed_ks_statistic", feature=feature)] = 0.5
    found[key("feature_imputed_relative_variance", feature=feature)] = 0
    found[key("feature_imputed_relative_stddev", feature=feature)] = (1 - share) ** 0.5
    found[key("check_value", feature=feature, check="imputation")] = share
    for severity in ("warning", "critical"):
        of = {"feature": feature, "check": "imputation", "severity": severity}
        if limit := found.get(key("check_limit", **of)):
            found[key("check_score", **of)] = share / limit


def left_out(found, before, key, feature=""):
    """How many windows in a row a baseline that goes along would not have taken in, of a feature or of what features say together:
    those in which a critical limit was breached."""
    breached = False
    for (name, *pairs), value in found.items():
        labels = dict(pairs)
        of_it = name == "featuremonitor_check_breached" and labels.get("feature", "") == feature and labels["severity"] == "critical"
        breached = breached or (of_it and labels["check"] != "freshness" and value == 1)
    name = key("baseline_left_out_windows", **({"feature": feature} if feature else {}))
    found[name] = before.get(name, 0) + 1 if breached else 0


class Evaluation:
    """One evaluation: what it could do, and what is shown after it."""

    __slots__ = ("at", "index", "good", "window", "last_good")


class Replay:
    """All series of one monitor."""

    def __init__(self, watched, scrapes, timeline):
        self.watched, self.scrapes, self.timeline = watched, scrapes, timeline
        # Not Python's own `hash`, which is another one in every process.
        self.random = random.Random(f"{watched.namespace}/{watched.name}")
        self.target = {
            "namespace": watched.namespace,
            "monitor": watched.name,
            "instance": f"10.42.{self.random.randrange(4)}.{self.random.randrange(10, 250)}:9464",
            "job": watched.name,
        }
        self.evaluations = self.evaluate()
        self.shown = {}
        self.keys = list(dict.fromkeys(key for window in sorted({one.window for one in self.evaluations}) for key in self.seen(window)))

    def evaluate(self):
        watched, timeline = self.watched, self.timeline
        found, window, last_good = [], 0, None
        # From before the beginning, so that the first samples have something to show.
        at = timeline.start - 2 * HOUR + watched.minute * 60
        while at <= timeline.end:
            one = Evaluation()
            one.at, one.index = at, timeline.index(at)
            one.good = watched.baseline and not watched.during(timeline, watched.source_down, at)
            if one.good:
                while window + 1 < WINDOWS and watched.window_end(timeline, window + 1) + LATENESS <= at:
                    window += 1
                last_good = at
            one.window, one.last_good = window, last_good or at - HOUR
            found.append(one)
            at += EVERY
        return found

    # ---- what is shown of a window ----

    def seen(self, window):
        """The samples after a window was judged, moved onto this history's time and to this monitor's features."""
        if window not in self.shown:
            self.shown[window] = self.moved(window)
        return self.shown[window]

    def moved(self, window):
        watched, scrapes, timeline = self.watched, self.scrapes, self.timeline
        week = watched.week(window)
        end = watched.window_end(timeline, window)
        source = scrapes.weeks[week] if watched.baseline else scrapes.before
        origin = scrapes.ends[week] if watched.baseline else scrapes.ends[FIRST_WEEK] - DAY / scrapes.factor
        found = {}
        for key, value in source.items():
            name, labels = key[0], dict(key[1:])
            feature = labels.get("feature")
            if feature is not None and not self.keeps(name, feature):
                continue
            if name in OF_THE_DATA:
                value = end + (value - origin) * scrapes.factor
            elif name == "featuremonitor_check_limit" and labels["check"] == "freshness":
                value *= scrapes.factor
            elif name.startswith("featuremonitor_update_") and name.endswith("_interval_seconds"):
                value *= scrapes.factor
            found[key] = value
        stale = watched.stale is not None and end > timeline.hours_before_end(watched.stale)
        few = watched.few_rows is not None and end > timeline.hours_before_end(watched.few_rows)
        if stale or few:
            unjudged(found, 0 if stale else 37)
        if stale:
            self.frozen(found, window)
        if watched.whole:
            of_time(found, self.seen(window - 1) if window else {})
        return found

    def keeps(self, name, feature):
        # Without a feature's name, a check is about the monitor as a whole.
        if not feature or not self.watched.sees(feature):
            return not feature
        if self.watched.whole and feature in SHOWN:
            return True
        return name in KEPT or (name.startswith(OF_CHECKS) and name not in DETAILS)

    def frozen(self, found, window):
        """The newest events of the last window that brought any."""
        before = window
        while before > 0 and self.watched.window_end(self.timeline, before) > self.timeline.hours_before_end(self.watched.stale):
            before -= 1
        for key, value in self.seen(before).items():
            if key[0] in OF_THE_DATA - OF_THE_WINDOW:
                found[key] = value
            elif key[0] == STATE:
                found[key] = int(dict(key[1:])["state"] == "not_materialised")

    # ---- series ----

    def series(self):
        yield from self.target_series()
        for key in self.keys:
            changes = self.changes(key)
            if any(value is not None for _, value in changes):
                yield self.made(key[0], dict(key[1:]), changes)
        yield from self.errors()

    def made(self, name, labels, changes):
        if "namespace" in labels:
            labels |= {"namespace": self.watched.namespace, "monitor": self.watched.name}
        if "team" in labels:
            labels |= {"team": self.watched.team, "contact": f"#{self.watched.team}"}
        return Series(name, labels | self.target, self.present(changes))

    def present(self, changes):
        """Without samples while the exporter is down."""
        for begin, end in self.watched.exporter_down:
            first, after = self.timeline.index(self.timeline.hours_before_end(begin)), self.timeline.index(self.timeline.hours_before_end(end) + 1)
            inside = [change for change in changes if change[0] <= after]
            resumed = inside[-1][1] if inside else None
            changes = [change for change in changes if change[0] < first] + [(first, None), (after, resumed)] + [change for change in changes if change[0] > after]
        return changes

    def changes(self, key):
        name, labels = key[0], dict(key[1:])
        every = self.by_evaluation(name, labels, key)
        if every is not None:
            return [(one.index, None if value is None else text(value)) for one, value in zip(self.evaluations, every)]
        changes, window = [], None
        for one in self.evaluations:
            if one.window != window:
                window = one.window
                value = self.seen(window).get(key)
                changes.append((one.index, None if value is None else text(value)))
        return changes

    def by_evaluation(self, name, labels, key):
        """Values that change with evaluations and not only with windows."""
        evaluations, timeline = self.evaluations, self.timeline
        match name:
            case "featuremonitor_source_up" | "featuremonitor_evaluation_success":
                return [int(one.good) for one in evaluations]
            case "featuremonitor_evaluation_timestamp_seconds":
                return [one.at for one in evaluations]
            case "featuremonitor_evaluation_last_success_timestamp_seconds":
                return [one.last_good for one in evaluations]
            case "featuremonitor_evaluation_interval_seconds":
                return [EVERY for _ in evaluations]
            case "featuremonitor_config_reload_timestamp_seconds":
                return [timeline.start - 3 * DAY for _ in evaluations]
            case "featuremonitor_baseline_frozen_timestamp_seconds":
                anew = self.refrozen()
                return [anew if anew and one.at >= anew else timeline.start - 4 * DAY for one in evaluations]
            case "featuremonitor_baseline_info":
                return [self.seen(one.window).get(key) for one in evaluations]
            case "featuremonitor_windows_judged_total":
                return [one.window + 1 if self.watched.baseline else 0 for one in evaluations]
            case "featuremonitor_windows_pending":
                return [self.due(one.at) - one.window for one in evaluations]
            case "featuremonitor_evaluations_total":
                return self.counted(lambda one: one.good == (labels["outcome"] == "success"))
            case "featuremonitor_evaluation_errors_total":
                # See `errors`.
                return []
            case "featuremonitor_source_seconds_total":
                seconds = self.counted(lambda one: labels["state"] == ("up" if one.good else "down"))
                return [count * EVERY for count in seconds]
            case _ if name == STATE:
                state = [self.seen(one.window).get(key) for one in evaluations]
                return [now if one.good else int(labels["state"] == "unknown") for one, now in zip(evaluations, state)]
        if name.startswith(DURATION):
            return self.lasted(name, key)
        if name == DROPPED and self.watched.dropped:
            return []
        if name.endswith("_total"):
            return self.grown(key)
        if labels.get("check") == "freshness" and name in FRESHNESS:
            return self.freshness(name, labels)
        return None

    def refrozen(self):
        return self.watched.refrozen and self.timeline.hours_before_end(self.watched.refrozen)

    def due(self, moment):
        """The last window that is complete and whose lateness is over."""
        window = 0
        while window + 1 < WINDOWS and self.watched.window_end(self.timeline, window + 1) + LATENESS <= moment:
            window += 1
        return window

    def counted(self, holds):
        count, counts = 0, []
        for one in self.evaluations:
            count += holds(one)
            counts.append(count)
        return counts

    def grown(self, key):
        """A counter: what it grew by in a week, spread over the evaluations of a window."""
        increments = self.scrapes.increments(key)
        share = EVERY / WINDOW
        count, counts = sum(increments.values()), []
        for one in self.evaluations:
            count += increments[self.watched.week(one.window)] * share if one.good else 0
            counts.append(math.floor(count))
        return counts

    def lasted(self, name, key):
        """A part of the histogram of durations, which each evaluation adds one to."""
        grown, all_of = self.scrapes.increments(key), self.scrapes.increments((f"{DURATION}_count", *own(self.scrapes.before)))
        count, counts = 0, []
        for one in self.evaluations:
            week = self.watched.week(one.window)
            count += grown[week] / all_of[week] if all_of[week] else 0
            counts.append(round(count, 4) if name.endswith("_sum") else math.floor(count + 1e-6))
        return counts

    def freshness(self, name, labels):
        """Judged by the clock: at every evaluation."""
        of = {"feature": labels["feature"]} if labels.get("feature") else {}
        newest = self.find("featuremonitor_feature_newest_event_timestamp_seconds" if of else "featuremonitor_newest_event_timestamp_seconds", of)
        limit = self.find("featuremonitor_check_limit", of | {"check": "freshness", "severity": labels.get("severity")})
        return [self.aged(name, newest, limit, one) for one in self.evaluations]

    def aged(self, name, newest, limit, one):
        shown = self.seen(one.window)
        event, most = shown.get(newest), shown.get(limit)
        if event is None or (most is None and name != "featuremonitor_check_value"):
            return None
        age = max(0, one.last_good - event)
        if name == "featuremonitor_check_value":
            return age
        return round(age / most, 6) if name == "featuremonitor_check_score" else int(age > most)

    def find(self, name, labels):
        """The key of the series of a family with these labels, and with a feature only where one is named."""
        for key in self.keys:
            found = dict(key[1:])
            if key[0] == name and labels.items() <= found.items() and bool(found.get("feature")) == ("feature" in labels):
                return key
        return None

    def errors(self):
        """What the scrapes have not: evaluations that failed, by reason, and series that were left out."""
        failed = self.counted(lambda one: not one.good)
        left_out = self.counted(lambda one: self.watched.dropped and one.window % 3 == 0)
        for name, reason, counts, factor in (("featuremonitor_evaluation_errors_total", self.watched.failure, failed, 1), (DROPPED, "budget", left_out, 14)):
            if any(counts):
                changes = [(one.index, text(count * factor)) for one, count in zip(self.evaluations, counts)]
                yield self.made(name, {"reason": reason}, changes)

    def target_series(self):
        """What Prometheus itself says of a target."""
        down = [(self.timeline.index(self.timeline.hours_before_end(begin)), self.timeline.index(self.timeline.hours_before_end(end) + 1)) for begin, end in self.watched.exporter_down]
        up = [(0, "1")] + [change for first, after in sorted(down) for change in ((first, "0"), (after, "1"))]
        yield Series("up", self.target, up)
        # As many as an exporter of all these features has, not only those that are kept here.
        count = len(self.scrapes.weeks[LAST_WEEK]) if self.watched.whole else self.random.randrange(300, 2_500)
        for name, low, high in (("scrape_samples_scraped", count, count), ("scrape_duration_seconds", 0.002, 0.009 if self.watched.whole else 0.004)):
            values = [round(self.random.uniform(low, high), 5) for _ in self.evaluations]
            yield Series(name, self.target, self.present([(one.index, text(value)) for one, value in zip(self.evaluations, values)]))


DURATION = "featuremonitor_evaluation_duration_seconds"
DROPPED = "featuremonitor_series_dropped_total"
STATE = "featuremonitor_update_state"
FRESHNESS = {"featuremonitor_check_value", "featuremonitor_check_score", "featuremonitor_check_breached"}


def unjudged(found, rows):
    """What an exporter shows whose window has too few rows."""
    gone = {"featuremonitor_check_value", "featuremonitor_check_score"}
    for key in list(found):
        labels = dict(key[1:])
        if labels.get("check") in JUDGED_BY_ROWS:
            if key[0] in gone:
                del found[key]
            elif key[0] in ("featuremonitor_check_valid", "featuremonitor_check_breached"):
                found[key] = 0
            elif key[0] == "featuremonitor_check_rows":
                found[key] = rows
            if key[0] == "featuremonitor_check_valid":
                why = labels | {"reason": "too_few_rows"}
                found[("featuremonitor_check_invalid_info", *sorted(why.items()))] = 1
        elif key[0] in ("featuremonitor_window_rows", "featuremonitor_open_window_rows"):
            found[key] = rows
