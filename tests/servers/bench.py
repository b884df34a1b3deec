#!/usr/bin/env python3
"""A Flight server for `make bench`: as many rows as the client asks for, in batches of the size it asks for.

Command or ticket: {"rows": 1000000, "batch_rows": 16384}. 60 features: 50 float64 in the shapes that features have
(bell, long tail, mostly zero, counts, shares), of which 2 % are null, and 10 dictionary<int32, utf8> of 3 to 2,000
categories; beside them a key (int64), an event time, and a target of three classes. The rows repeat after POOL_ROWS, so that the server needs little memory and the client cannot tell.

Prints `ready PORT`; ends on SIGTERM and when standard input closes.
"""
import json
import os
import signal
import sys
import threading

import numpy
import pyarrow
import pyarrow.flight as flight

POOL_ROWS = 262_144
NULL_SHARE = 0.02
NUMBERS, CARDINALITIES = 50, (3, 4, 6, 8, 12, 20, 50, 200, 600, 2000)


def pool():
    """The rows that repeat."""
    random = numpy.random.default_rng(20170507)
    shapes = (
        lambda: random.normal(50, 12, POOL_ROWS),
        lambda: random.lognormal(3, 1, POOL_ROWS),
        lambda: numpy.where(random.random(POOL_ROWS) < 0.7, 0.0, random.exponential(40, POOL_ROWS)),
        lambda: random.poisson(9, POOL_ROWS).astype(float),
        lambda: random.beta(2, 5, POOL_ROWS),
    )
    columns = {}
    for i in range(NUMBERS):
        columns[f"number_{i:02d}"] = pyarrow.array(shapes[i % len(shapes)](), mask=random.random(POOL_ROWS) < NULL_SHARE)
    for i, categories in enumerate(CARDINALITIES):
        # Categories are seldom equally frequent: the r-th one has a weight of 1/r.
        weights = 1 / numpy.arange(1, categories + 1)
        codes = random.choice(categories, POOL_ROWS, p=weights / weights.sum()).astype(numpy.int32)
        names = [f"category {i}.{code}" for code in range(categories)]
        codes = pyarrow.array(codes, mask=random.random(POOL_ROWS) < NULL_SHARE)
        columns[f"category_{i:02d}"] = pyarrow.DictionaryArray.from_arrays(codes, names)
    columns["key"] = pyarrow.array(random.permutation(POOL_ROWS))
    columns["event_time"] = pyarrow.array(1_490_500_000_000_000 + random.integers(0, 7 * 86_400_000_000, POOL_ROWS), pyarrow.timestamp("us", "UTC"))
    said = numpy.nan_to_num(columns["number_00"].to_numpy(zero_copy_only=False), nan=50) / 12 + random.normal(0, 1, POOL_ROWS)
    classes = numpy.digitize(said, numpy.quantile(said, [0.5, 0.85])).astype(numpy.int32)
    columns["target"] = pyarrow.DictionaryArray.from_arrays(classes, ["low", "middle", "high"])
    return pyarrow.RecordBatch.from_pydict(columns)


class Bench(flight.FlightServerBase):
    """Serves the pool again and again."""

    def __init__(self):
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.pool = pool()

    def get_flight_info(self, context, descriptor):
        return flight.FlightInfo(self.pool.schema, descriptor, [flight.FlightEndpoint(descriptor.command, [])], -1, -1)

    def do_get(self, context, ticket):
        wanted = json.loads(ticket.ticket)

        def batches():
            left, start = wanted["rows"], 0
            while left > 0:
                rows = min(left, wanted["batch_rows"], POOL_ROWS - start)
                yield self.pool.slice(start, rows)
                left, start = left - rows, (start + rows) % POOL_ROWS

        return flight.RecordBatchStream(pyarrow.RecordBatchReader.from_batches(self.pool.schema, batches()))


def main():
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server = Bench()

    def stop_with_stdin():
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop.set()

    threading.Thread(target=stop_with_stdin, daemon=True).start()
    print(f"ready {server.port}", flush=True)
    stop.wait()
    server.shutdown()


if __name__ == "__main__":
    main()
