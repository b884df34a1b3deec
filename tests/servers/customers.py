#!/usr/bin/env python3
"""A Flight server of the weekly customer features (data/weekly_features.py), for the demo and the end-to-end tests.

What a client may ask for, as command descriptor or as ticket:
    {"table": "customer_features", "from": "2017-05-07T06:00:00Z", "to": "2017-05-14T06:00:00Z"}
"from" (inclusive) and "to" (exclusive) are compared with snapshot_ts; either may be left out. The path descriptor
[customer_features] means all rows. Rows whose snapshot_ts lies in the future have not arrived and are never sent.

With --repeat WEEK, every week after the baseline is that one again with its times moved: nothing ever changes.

With --seconds-per-week, snapshot_ts and last_event_ts are moved, linearly, onto the wall clock: the end of the baseline,
2017-05-07T06:00:00Z, falls on --origin, and a week lasts that many seconds. Without it all rows have arrived in 2017.

--faults names a JSON file that is read at every call, so that a test can change the answers while the server runs
(no file: no fault). Its keys, in the order in which they take effect:
    "freeze": 1494741600.0          nothing snapshotted after this Unix time arrives any more
    "events_until": 1494741600.0    no event is later than this Unix time, though rows come
    "drop": ["age"]                 columns that are not there
    "nulls": {"age": 0.3}           share of the column's rows that turn null
    "moved_gaps": {"age": 0.5}      share of the column's values that change places with nulls of the column
    "nulls_where": {"age": ["income", "35-49K", 0.5]}  share of the rows with that income in which age turns null
    "late": {"income": ["35-49K", 60]}  the events of the rows with that income are so many seconds earlier
    "null_since": {"age": 1494e6}   the column is null in rows whose last event is at this Unix time or later
    "unknown_for": {"segment": 20}  the column is null in rows that arrived less than so many seconds ago
    "impute": {"age_days": [5, 9]}  nulls of a numeric column turn into numbers from one to another, and one more column,
                                    age_days_imputed, says in which rows
    "nans": {"monetary_28d": 0.1}   share of the column's values that turn NaN
    "infinities": {"age_days": 0.1} share of the column's values that turn infinite
    "shift": {"monetary_28d": 50}   amount added to a numeric column
    "set": {"age_days": [0.1, 9]}   share of a numeric column's values that turn into a number
    "between": {"age_days": [0.1, 5, 9]}  share of a numeric column's values that turn into numbers from one to another
    "shuffle": ["monetary_28d"]     columns whose values go to other rows
    "only": 0.5                     share of the rows that are served, and no others
    "twice": 0.1                    share of the rows that are served twice
    "unseen": {"segment": 0.2}      share of the rows whose category is one that never occurred before
    "cast": {"age": "int64"}        another type; values that do not fit turn null
    "rename": {"income": "wage"}    another name
    "nested": ["visits"]            one more column, of lists
    "bare": true                    an answer without rows has no columns either
    "fail": "unavailable"           the call fails: unavailable, unauthenticated, internal, or midstream (after one batch)
    "hang": 30                      seconds for which the stream says nothing before its first batch
    "weeks": {"31": {…}}            faults of the rows of that week, whenever they are asked for, and of the schema of an
                                    answer without rows while that week is the last that arrived

Prints `ready PORT` when it listens. Ends on SIGINT, on SIGTERM, and with --stop-with-stdin when standard input closes,
so that it cannot outlive a test that was killed.
"""
import argparse
import fractions
import json
import math
import os
import pathlib
import signal
import sys
import threading
import time
from datetime import datetime, timezone

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.flight as flight

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "data"))
import weekly_features  # noqa: E402  (the path above makes it importable)

TABLE = "customer_features"
BASELINE_END = datetime(2017, 5, 7, 6, tzinfo=timezone.utc)
BASELINE_LAST = 18
WEEK_MICROSECONDS = 7 * 24 * 3600 * 1_000_000
TIMES = ("snapshot_ts", "last_event_ts")
NEVER_SEEN = "seen for the first time"
FAILURES = {
    "unavailable": flight.FlightUnavailableError,
    "unauthenticated": flight.FlightUnauthenticatedError,
    "internal": flight.FlightInternalError,
    "midstream": flight.FlightUnavailableError,
}


def microseconds(moment):
    """Unix time in microseconds, exactly."""
    whole = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (whole.days * 86_400 + whole.seconds) * 1_000_000 + whole.microseconds


def parse_time(text):
    """RFC 3339 to Unix microseconds; digits below the microsecond are dropped."""
    seconds, point, fraction = text.removesuffix("Z").partition(".")
    if point:
        text = f"{seconds}.{fraction[:6]:<06}+00:00"
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"the time {text} names no offset from UTC")
    return microseconds(moment)


class Clock:
    """Moves the data's times onto the wall clock, or leaves them in 2017."""

    def __init__(self, origin, seconds_per_week):
        self.origin = round(origin * 1_000_000)
        self.scale = fractions.Fraction(round(seconds_per_week * 1_000_000), WEEK_MICROSECONDS)

    def moved(self, column):
        """A timestamp column on this clock, null where it was null."""
        if not self.scale:
            return column
        # The reduced fraction keeps the product far from the end of int64.
        since = pyarrow.compute.subtract(column.cast(pyarrow.int64()), microseconds(BASELINE_END))
        ticks = pyarrow.compute.divide(pyarrow.compute.multiply(since, self.scale.numerator), self.scale.denominator)
        return pyarrow.compute.add(ticks, self.origin).cast(pyarrow.timestamp("us", "UTC"))

    def now(self):
        """Unix microseconds up to which rows have arrived."""
        return time.time_ns() // 1000 if self.scale else 2**63 - 1


class Weeks:
    """The served rows, week by week, with the time at which each week arrives."""

    def __init__(self, clock, last, repeated):
        read = [repetition(repeated, week) if repeated and week > BASELINE_LAST else weekly_features.read(week) for week in range(weekly_features.FIRST_WEEK, last + 1)]
        whole = pyarrow.concat_tables(read)
        # One dictionary for all weeks: a stream then carries each dictionary once.
        whole = whole.unify_dictionaries()
        for name in TIMES:
            whole = whole.set_column(whole.schema.get_field_index(name), name, clock.moved(whole[name]))
        ends = numpy.cumsum([table.num_rows for table in read])
        self.tables = [whole.slice(start, end - start) for start, end in zip([0, *ends[:-1]], ends)]
        self.arrivals = [table["snapshot_ts"][0].value for table in self.tables]
        self.schema = whole.schema

    def between(self, start, end, now, faults):
        """Rows with start <= snapshot_ts < end that have arrived by `now`, with the faults of their weeks."""
        arrived = [(at, t, faults.get(str(week), {})) for week, (at, t) in enumerate(zip(self.arrivals, self.tables), weekly_features.FIRST_WEEK) if at <= now]
        chosen = [spoiled(table, own) for at, table, own in arrived if start <= at < end]
        return pyarrow.concat_tables(chosen) if chosen else spoiled(self.schema.empty_table(), arrived[-1][2] if arrived else {})


def repetition(repeated, week):
    """One week's rows with the times of another."""
    table = weekly_features.read(repeated)
    for name in TIMES:
        times = pyarrow.compute.add(table[name].cast(pyarrow.int64()), (week - repeated) * WEEK_MICROSECONDS)
        table = table.set_column(table.schema.get_field_index(name), name, times.cast(table[name].type))
    return table


def spoiled(table, faults):
    """The table with the faults of the control file; the same rows are hit every time."""
    table = table.drop_columns([name for name in faults.get("drop", []) if name in table.column_names])
    if "events_until" in faults:
        last = pyarrow.scalar(round(faults["events_until"] * 1_000_000), pyarrow.int64())
        table = replaced(table, "last_event_ts", lambda c: pyarrow.compute.min_element_wise(c.cast(pyarrow.int64()), last).cast(c.type))
    for name, share in faults.get("nulls", {}).items():
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(hit(c, share), pyarrow.scalar(None, c.type), c))
    for name, since in faults.get("null_since", {}).items():
        late = pyarrow.compute.greater_equal(table["last_event_ts"].cast(pyarrow.int64()), round(since * 1_000_000)).combine_chunks()
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(late, pyarrow.scalar(None, c.type), c))
    for name, seconds in faults.get("unknown_for", {}).items():
        since = pyarrow.scalar(round((time.time() - seconds) * 1_000_000), pyarrow.int64())
        new = pyarrow.compute.greater(table["snapshot_ts"].cast(pyarrow.int64()), since).combine_chunks()
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(new, pyarrow.scalar(None, c.type), c))
    for name, (column, value, share) in faults.get("nulls_where", {}).items():
        inside = pyarrow.compute.and_(rows_of(table, column, value), hit(table, share))
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(inside, pyarrow.scalar(None, c.type), c))
    for column, (value, seconds) in faults.get("late", {}).items():
        inside, late = rows_of(table, column, value), pyarrow.scalar(seconds * 1_000_000, pyarrow.int64())
        table = replaced(table, "last_event_ts", lambda c: pyarrow.compute.if_else(inside, pyarrow.compute.subtract(c.cast(pyarrow.int64()), late), c.cast(pyarrow.int64())).cast(c.type))
    for name, share in faults.get("moved_gaps", {}).items():
        table = replaced(table, name, lambda c: with_moved_gaps(c, share))
    for name, (low, high) in faults.get("impute", {}).items():
        gaps = table[name].combine_chunks().is_null()
        table = replaced(table, name, lambda c: filled(c, gaps, low, high)).append_column(f"{name}_imputed", gaps)
    for fault, value in (("nans", math.nan), ("infinities", math.inf)):
        for name, share in faults.get(fault, {}).items():
            # A null stays one.
            table = replaced(table, name, lambda c: pyarrow.compute.if_else(pyarrow.compute.and_(hit(c, share), c.is_valid()), value, c))
    for name, amount in faults.get("shift", {}).items():
        table = replaced(table, name, lambda c: pyarrow.compute.add(c, pyarrow.scalar(amount, c.type)))
    for name, (share, number) in faults.get("set", {}).items():
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(hit(c, share), pyarrow.scalar(number, c.type), c))
    for name, (share, low, high) in faults.get("between", {}).items():
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(hit(c, share), pyarrow.array(numpy.linspace(low, high, len(c))), c))
    for name in faults.get("shuffle", []):
        table = replaced(table, name, lambda c: c.take(pyarrow.array(numpy.random.default_rng(1).permutation(len(c)))))
    if "only" in faults:
        table = table.filter(hit(table, faults["only"]))
    if faults.get("twice"):
        table = pyarrow.concat_tables([table, table.filter(hit(table, faults["twice"]))])
    for name, share in faults.get("unseen", {}).items():
        table = replaced(table, name, lambda c: pyarrow.compute.if_else(hit(c, share), NEVER_SEEN, c.cast(pyarrow.string())).dictionary_encode())
    for name, kind in faults.get("cast", {}).items():
        table = replaced(table, name, lambda c: cast_or_null(c, pyarrow.type_for_alias(kind)))
    renamed = faults.get("rename", {})
    table = table.rename_columns([renamed.get(name, name) for name in table.column_names])
    for name in faults.get("nested", []):
        table = table.append_column(name, pyarrow.array([[1, 2]] * table.num_rows, pyarrow.list_(pyarrow.int64())))
    return table.select([]) if faults.get("bare") and not table.num_rows else table


def replaced(table, name, change):
    """The table with one column changed."""
    column = change(table[name].combine_chunks())
    return table.set_column(table.schema.get_field_index(name), name, column)


def rows_of(table, column, value):
    """In which rows a column has a value."""
    return pyarrow.compute.fill_null(pyarrow.compute.equal(table[column].cast(pyarrow.string()), value), False).combine_chunks()


def hit(column, share):
    """Which rows a fault touches."""
    return pyarrow.array(numpy.random.default_rng(1).random(len(column)) < share)


def filled(column, gaps, low, high):
    """The column with numbers from one to another where there are gaps."""
    numbers = numpy.linspace(low, high, gaps.true_count)
    return pyarrow.compute.replace_with_mask(column, gaps, pyarrow.array(numbers, column.type))


def with_moved_gaps(column, share):
    """The same values and as many nulls, some of them in other rows."""
    draw = numpy.random.default_rng(1)
    null = column.is_null().to_numpy(zero_copy_only=False)
    filled, gaps = numpy.flatnonzero(~null), numpy.flatnonzero(null)
    count = min(round(share * len(filled)), len(gaps))
    order = numpy.arange(len(column))
    there, here = draw.choice(filled, count, replace=False), draw.choice(gaps, count, replace=False)
    order[there], order[here] = here, there
    return column.take(pyarrow.array(order))


def cast_or_null(column, kind):
    """Another type, with nulls in place of what cannot be read as it."""
    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(pyarrow.string())
    try:
        return column.cast(kind)
    except pyarrow.ArrowInvalid:
        return pyarrow.nulls(len(column), kind)


class Customers(flight.FlightServerBase):
    """Answers from `weeks`, spoiled by the faults of the moment."""

    def __init__(self, weeks, clock, options):
        super().__init__(f"grpc+tcp://{options.host}:{options.port}")
        self.weeks, self.clock, self.options = weeks, clock, options

    def faults(self):
        """What the control file says now."""
        if self.options.faults is None or not self.options.faults.exists():
            return {}
        return json.loads(self.options.faults.read_text())

    def rows(self, question, faults):
        """The rows a command or ticket asks for."""
        if question.get("table") != TABLE:
            raise flight.FlightServerError(f"there is no table {question.get('table')!r}; this server has {TABLE!r}")
        start = parse_time(question["from"]) if "from" in question else -(2**63)
        end = parse_time(question["to"]) if "to" in question else 2**63 - 1
        now = self.clock.now()
        if "freeze" in faults:
            now = min(now, round(faults["freeze"] * 1_000_000))
        return spoiled(self.weeks.between(start, end, now, faults.get("weeks", {})), faults)

    def list_flights(self, context, criteria):
        yield self.get_flight_info(context, flight.FlightDescriptor.for_path(TABLE))

    def get_flight_info(self, context, descriptor):
        if descriptor.descriptor_type == flight.DescriptorType.PATH:
            question = {"table": b"/".join(descriptor.path).decode()}
        else:
            question = parse_question(descriptor.command)
        ticket = json.dumps(question).encode()
        schema = self.rows(question, self.faults()).schema
        return flight.FlightInfo(schema, descriptor, [flight.FlightEndpoint(ticket, [])], -1, -1)

    def do_get(self, context, ticket):
        faults = self.faults()
        failure = faults.get("fail")
        if failure and failure != "midstream":
            raise FAILURES[failure](f"the control file asked for the failure {failure!r}")
        table = self.rows(parse_question(ticket.ticket), faults)

        def batches():
            quiet_until = time.monotonic() + faults.get("hang", 0)
            while time.monotonic() < quiet_until and not context.is_cancelled():
                time.sleep(0.05)
            for batch in table.to_batches(max_chunksize=self.options.batch_rows):
                yield batch
                if failure:
                    raise FAILURES[failure]("the stream broke off, as the control file asked")

        # A reader, not a GeneratorStream: that one cannot send dictionaries.
        return flight.RecordBatchStream(pyarrow.RecordBatchReader.from_batches(table.schema, batches()))


def parse_question(text):
    """A command or ticket as a dictionary."""
    try:
        question = json.loads(text)
    except ValueError:
        question = None
    if not isinstance(question, dict):
        raise flight.FlightServerError(f'expected JSON like {{"table": "{TABLE}"}}, found {text[:80]!r}')
    return question


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--origin", type=float, default=0.0, help="Unix time on which the end of the baseline falls")
    parser.add_argument("--seconds-per-week", type=float, default=0.0, help="0 (the default) leaves all times in 2017")
    parser.add_argument("--last", type=int, default=weekly_features.LAST_WEEK, help="the last week there is")
    parser.add_argument("--repeat", type=int, metavar="WEEK", help="serve this week again and again after the baseline")
    parser.add_argument("--batch-rows", type=int, default=16_384, help="most rows in one record batch")
    parser.add_argument("--faults", type=pathlib.Path, help="control file, see above")
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when standard input closes")
    return parser.parse_args()


def stop_with_stdin(stop):
    """Sets `stop` when standard input ends."""
    # Unbuffered: the interpreter cannot shut down while a thread holds the lock of a buffered reader.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


def main():
    options = arguments()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    weekly_features.build()
    clock = Clock(options.origin, options.seconds_per_week)
    server = Customers(Weeks(clock, options.last, options.repeat), clock, options)
    if options.stop_with_stdin:
        threading.Thread(target=stop_with_stdin, args=(stop,), daemon=True).start()
    print(f"ready {server.port}", flush=True)
    stop.wait()
    server.shutdown()


if __name__ == "__main__":
    main()
