#!/usr/bin/env python3
"""A Flight server of the temperatures of San Francisco and Seattle (data/temperatures.py), hour by hour of 2010.

What a client may ask for, as command descriptor or as ticket:
    {"table": "temperatures", "from": "2010-03-14T00:00:00Z", "to": "2010-03-14T01:00:00Z"}
"from" (inclusive) and "to" (exclusive) are compared with measured_at; either may be left out. The local clock of 2010 is served as
if it were UTC, so that the hour in which summer time begins has no row.

--turned 2010-08-16 serves that day with its clock twelve hours off: each hour has the temperature of the one twelve hours later or
earlier.

--moved SECONDS serves every hour so many seconds later, so that hours of 2010 are over just now.

--faults names a JSON file that is read at every call, so that a test can change the answers while the server runs
(no file: no fault). It has one key:
    "shift": {"seattle": 20}        amount added to a series

Prints `ready PORT` when it listens. Ends on SIGINT and SIGTERM.
"""
import argparse
import json
import pathlib
import signal
import sys
import threading
from datetime import datetime, timedelta, timezone

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.flight as flight

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "data"))
import temperatures  # noqa: E402  (the path above makes it importable)

TABLE = "temperatures"


def table(turned, moved):
    """All hours that have a temperature."""
    series = {name: temperatures.read(name) for name in temperatures.FILES}
    if turned is not None:
        start = (turned - temperatures.START).days * 24
        for values in series.values():
            values[start : start + 24] = numpy.roll(values[start : start + 24], 12)
    hours = [hour for hour in range(temperatures.HOURS) if not numpy.isnan(series["seattle"][hour])]
    start = temperatures.START.replace(tzinfo=timezone.utc) + moved
    columns = {
        "station": pyarrow.array(["airports"] * len(hours)),
        "measured_at": pyarrow.array([start + timedelta(hours=hour) for hour in hours], pyarrow.timestamp("us", "UTC")),
    }
    columns |= {name: pyarrow.array(values[hours]) for name, values in series.items()}
    return pyarrow.table(columns), numpy.array(hours)


def shifted(rows, control):
    """The rows with what the control file adds to them."""
    faults = json.loads(control.read_text()) if control and control.exists() else {}
    for name, amount in faults.get("shift", {}).items():
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, name, pyarrow.compute.add(rows[name], float(amount)))
    return rows


class Temperatures(flight.FlightServerBase):
    """Answers from the table."""

    def __init__(self, options):
        super().__init__(f"grpc+tcp://127.0.0.1:{options.port}")
        self.table, self.hours = table(options.turned, options.moved)
        self.start, self.faults = temperatures.START + options.moved, options.faults

    def rows(self, question):
        if question.get("table") != TABLE:
            raise flight.FlightServerError(f"there is no table {question.get('table')!r}; this server has {TABLE!r}")

        def place(text, otherwise):
            if text not in question:
                return otherwise
            moment = datetime.fromisoformat(question[text].replace("Z", "+00:00")).replace(tzinfo=None)
            return int(numpy.searchsorted(self.hours, (moment - self.start) / timedelta(hours=1)))

        start, end = place("from", 0), place("to", len(self.hours))
        return shifted(self.table.slice(start, max(0, end - start)), self.faults)

    def get_flight_info(self, context, descriptor):
        question = json.loads(descriptor.command)
        ticket = json.dumps(question).encode()
        return flight.FlightInfo(self.table.schema, descriptor, [flight.FlightEndpoint(ticket, [])], -1, -1)

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.rows(json.loads(ticket.ticket)))


def seconds(text):
    return timedelta(seconds=int(text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--turned", type=datetime.fromisoformat, metavar="DAY", help="the day whose clock is twelve hours off")
    parser.add_argument("--moved", type=seconds, default=timedelta(), metavar="SECONDS", help="how much later the hours are")
    parser.add_argument("--faults", type=pathlib.Path, help="control file, see above")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server = Temperatures(options)
    print(f"ready {server.port}", flush=True)
    stop.wait()
    server.shutdown()


if __name__ == "__main__":
    main()
