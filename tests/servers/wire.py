"""A Flight server with one flight per thing that can happen on the wire.

Prints `ready <port>` once it listens on 127.0.0.1 and serves until it is killed.
It runs on pyarrow, so the client is tested against an implementation that shares no code with it.

What a flight is called says what it does; FLIGHTS and SPECIAL below are the list. A flight is asked for
by path (`["wire", <name>]`), by command (`<name>`), by ticket (`<name>`), or by Flight SQL, where the
statement comes back as a row. `["wire", "calls"]` tells which calls the server has seen.
"""

import argparse
import base64
import collections
import datetime
import decimal
import json
import secrets
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.ipc as ipc

USER, PASSWORD, TOKEN = "monitor", "correct horse battery", "fm-static-token-0123456789"
ROWS = 100_000
STATEMENT = "type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"


# --- tables ---------------------------------------------------------------------------------------


def numbers(rows):
    """Columns whose sums the client's test can work out: 0, 1, 2, ... in three types."""
    return pa.table({
        "id": pa.array(np.arange(rows, dtype="i8")),
        "x": pa.array(np.arange(rows, dtype="f8")),
        "half": pa.array(np.arange(rows, dtype="f4") / 2),
    })


def categories():
    """A dictionary column with a null key and a null value."""
    keys = pa.array([0, 1, 2, None, 1] * 200, pa.int32())
    values = pa.array(["red", "green", None])
    return pa.table({"c": pa.DictionaryArray.from_arrays(keys, values), "v": pa.array(range(1000))})


def scalars():
    """Every type without children, three rows each, the last one null."""
    noon = datetime.datetime(2026, 3, 1, 12)
    ints = {f"{sign}{bits}": pa.array([1, 2, None], f"{sign}{bits}")
            for sign in ("int", "uint") for bits in (8, 16, 32, 64)}
    one, two = decimal.Decimal(1), decimal.Decimal(2)
    decimals = {name: pa.array([one, two, None], kind) for name, kind in {
        "dec32": pa.decimal32(9, 2), "dec64": pa.decimal64(18, 2),
        "dec128": pa.decimal128(38, 2), "dec256": pa.decimal256(60, 2),
    }.items()}
    return pa.table(ints | decimals | {
        "float16": pa.array([np.float16(1), np.float16(2), None], pa.float16()),
        "float32": pa.array([1, 2, None], pa.float32()),
        "float64": pa.array([1, 2, None], pa.float64()),
        "bool": pa.array([True, False, None]),
        "date32": pa.array([1, 2, None], pa.date32()),
        "date64": pa.array([86_400_000, 0, None], pa.date64()),
        "time32": pa.array([1, 2, None], pa.time32("s")),
        "time64": pa.array([1, 2, None], pa.time64("ns")),
        "naive": pa.array([noon, noon, None], pa.timestamp("s")),
        "utc": pa.array([noon, noon, None], pa.timestamp("us", "UTC")),
        "zoned": pa.array([noon, noon, None], pa.timestamp("ns", "Europe/Berlin")),
        "offset": pa.array([noon, noon, None], pa.timestamp("ms", "+02:00")),
        "duration": pa.array([1, 2, None], pa.duration("ms")),
        "interval": pa.array([(1, 2, 3), (0, 0, 1), None], pa.month_day_nano_interval()),
        "utf8": pa.array(["a", "é", None]),
        "large_utf8": pa.array(["a", "b", None], pa.large_string()),
        "binary": pa.array([b"a", b"\xff", None]),
        "large_binary": pa.array([b"a", b"b", None], pa.large_binary()),
        "fixed": pa.array([b"ab", b"cd", None], pa.binary(2)),
        "null": pa.nulls(3),
    })


def views():
    """Strings and bytes as views, inlined and not."""
    words = ["short", "a text that is too long to be kept inside its view", None]
    return pa.table({
        "text": pa.array(words, pa.string_view()),
        "bytes": pa.array([None if w is None else w.encode() for w in words], pa.binary_view()),
    })


def runs():
    """Run-end encoded numbers and words."""
    ends = pa.array([2, 5, 9], pa.int32())
    return pa.table({
        "n": pa.RunEndEncodedArray.from_arrays(ends, pa.array([1.5, None, 2.5])),
        "w": pa.RunEndEncodedArray.from_arrays(ends, pa.array(["a", "b", "a"])),
    })


def nested():
    """Types with children, and a dictionary inside a list."""
    inner = pa.array(["p", "q", "p", "p"]).dictionary_encode()
    return pa.table({
        "list": pa.array([[1, 2], None], pa.list_(pa.int64())),
        "large_list": pa.array([[1], []], pa.large_list(pa.int32())),
        "list_view": pa.array([[1, 2], [3]], pa.list_view(pa.int64())),
        "fixed_list": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
        "struct": pa.array([{"a": 1, "b": {"c": "x"}}, None]),
        "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        "dict_list": pa.ListArray.from_arrays(pa.array([0, 1, 4], pa.int32()), inner),
        "union": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
        "plain": pa.array([1.0, 2.0]),
    })


def extensions():
    """Extension types, which travel as their storage."""
    return pa.table({
        "uuid": pa.array([b"0123456789abcdef"] * 2, pa.uuid()),
        "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())),
    })


def one_message(megabytes):
    """One record batch with a body of this size."""
    return pa.table({"x": np.zeros(megabytes * (1 << 20) // 8)}).combine_chunks()


BASE = numbers(ROWS)
FLIGHTS = {
    "plain": lambda: BASE,
    "lz4": lambda: BASE,
    "zstd": lambda: BASE,
    "no_rows": lambda: BASE.slice(0, 0),
    "categories": categories,
    "scalars": scalars,
    "views": views,
    "runs": runs,
    "nested": nested,
    "extensions": extensions,
    "no_columns": lambda: pa.table({}),
    "same_names": lambda: pa.Table.from_arrays([pa.array([1])] * 5, names=["a", "b", "a", "c", "b"]),
    "16MB": lambda: one_message(16),
    "100MB": lambda: one_message(100),
    "bomb": lambda: one_message(100),
}


def stream(batches, schema=BASE.schema, **options):
    """A stream of exactly these batches."""
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    return flight.RecordBatchStream(reader, options=ipc.IpcWriteOptions(**options))


def words(changes):
    """Batches with the dictionary column `c` whose dictionary changes from batch to batch."""
    for dictionary, keys in changes:
        yield pa.record_batch({"c": pa.DictionaryArray.from_arrays(pa.array(keys, pa.int32()), pa.array(dictionary))})


# --- flights with a behaviour of their own ----------------------------------------------------------


class Special:
    """DoGet of flights that are more than a table; the method's name is the flight's."""

    def __init__(self, server, headers):
        self.server, self.asked = server, headers

    def no_batches(self, _):
        return stream(iter(()))

    def delta(self, _):
        """The dictionary grows: each batch names its newest word and its first."""
        grown = [([f"w{i}" for i in range(n + 1)], [n, 0]) for n in range(4)]
        return stream(words(grown), pa.schema({"c": pa.dictionary(pa.int32(), pa.string())}),
                      emit_dictionary_deltas=True)

    def replaced(self, _):
        """Each batch brings another dictionary, so the same key is another word."""
        other = [([f"r{n}", f"s{n}"], [1, 0]) for n in range(4)]
        return stream(words(other), pa.schema({"c": pa.dictionary(pa.int32(), pa.string())}))

    def metadata(self, _):
        """Batches with application metadata."""
        def chunks():
            for n in range(5):
                yield BASE.slice(n * 10, 10).to_batches()[0], b"chunk %d" % n
        return flight.GeneratorStream(BASE.schema, chunks())

    def keepalive(self, _):
        """Empty batches before, between and after those with rows."""
        empty = pa.record_batch([pa.array([], f.type) for f in BASE.schema], schema=BASE.schema)
        rows = BASE.slice(0, 10).to_batches()
        return stream(iter([empty, *rows, empty, *rows, empty]))

    def breaks(self, _):
        def chunks():
            yield BASE.slice(0, 1000)
            raise flight.FlightUnavailableError("the backend went away")
        return flight.GeneratorStream(BASE.schema, chunks())

    def slow(self, _):
        """Rows now, and the next ones only when nobody can be waiting for them any more."""
        def chunks():
            yield BASE.slice(0, 1000)
            self.server.stopped.wait(60)
            yield BASE.slice(0, 1000)
        return flight.GeneratorStream(BASE.schema, chunks())

    def hangs(self, _):
        self.server.stopped.wait(60)
        raise flight.FlightTimedOutError("gave up")

    def endless(self, _):
        """Never ends by itself; counts how far it was read."""
        def chunks():
            while not self.server.stopped.is_set():
                self.server.calls["endless batch"] += 1
                yield BASE
        return flight.GeneratorStream(BASE.schema, chunks())

    def lingers(self, _):
        """Is not done before the next endpoint of `expires_between` has expired."""
        def chunks():
            yield BASE
            while (left := self.server.lingers_until - time.time()) >= 0:
                self.server.stopped.wait(left + 0.01)
            yield BASE
        return flight.GeneratorStream(BASE.schema, chunks())

    def part(self, rest):
        """`part:<i>/<n>`: one n-th of the rows; every part numbers its dictionaries anew."""
        i, n = map(int, rest.split("/"))
        rows = BASE.slice(i * ROWS // n, ROWS // n)
        key = pa.DictionaryArray.from_arrays(pa.array([0] * len(rows), pa.int32()), pa.array([f"part {i}"]))
        return flight.RecordBatchStream(rows.append_column("part", key))

    def renamed(self, _):
        return flight.RecordBatchStream(BASE.rename_columns(["id", "x", "third"]))

    def retyped(self, _):
        return flight.RecordBatchStream(BASE.set_column(1, "x", BASE["x"].cast(pa.int64())))

    def once(self, rest):
        """Serves each ticket a single time."""
        if rest not in self.server.tickets:
            raise KeyError(f"ticket {rest} was used already")
        self.server.tickets.remove(rest)
        return flight.RecordBatchStream(BASE)

    def sql(self, rest):
        return flight.RecordBatchStream(pa.table({"query": [base64.b64decode(rest).decode()]}))

    def calls(self, _):
        seen = self.server.calls
        return flight.RecordBatchStream(pa.table({"call": list(seen), "times": list(seen.values())}))

    def headers(self, _):
        """The headers of this very call."""
        values = [", ".join(several) for several in self.asked.values()]
        return flight.RecordBatchStream(pa.table({"name": list(self.asked), "value": values}))

    # Errors, in the forms that servers give them.

    def unavailable(self, _):
        raise flight.FlightUnavailableError("restarting")

    def unauthenticated(self, _):
        raise flight.FlightUnauthenticatedError("who are you")

    def forbidden(self, _):
        raise flight.FlightUnauthorizedError("not for you")

    def missing(self, _):
        raise KeyError("no such flight")

    def invalid(self, _):
        raise pa.ArrowInvalid("cannot parse this")

    def feast(self, _):
        raise flight.FlightServerError(json.dumps({
            "module": "feast.errors", "class": "FeatureViewNotFoundException",
            "message": "Feature view rfm does not exist in project customers",
        }))

    def traceback(self, _):
        raise flight.FlightServerError(
            'Traceback (most recent call last):\n  File "/srv/store.py", line 7, in get\n'
            '    return table[key]\n           ~~~~~^^^^^\nLookupError: no partition for 2017-03-26\n')

    def novel(self, _):
        raise flight.FlightServerError("word\n" * 10_000)

    def echoes(self, _):
        """An error that repeats the request's headers, as debug pages do."""
        raise flight.FlightServerError("x" * 290 + " rejected: " + json.dumps(self.asked))

    def repeats(self, _):
        """The same of the credentials only, so short that no client has to cut it."""
        names = ("authorization", "cookie", "x-api-key")
        credentials = {name: self.asked[name] for name in names if name in self.asked}
        raise flight.FlightServerError("rejected: " + json.dumps(credentials))


class Discovery:
    """GetFlightInfo of flights whose endpoints are the point."""

    def __init__(self, server):
        self.server = server

    def _parts(self, *locations, ordered=False):
        return [flight.FlightEndpoint(f"part:{i}/4", list(locations)) for i in range(4)], ordered

    def parts(self):
        return self._parts()

    def ordered(self):
        return self._parts(ordered=True)

    def many(self):
        return [flight.FlightEndpoint(f"part:{i}/100", []) for i in range(100)], False

    def reuse(self):
        return self._parts("arrow-flight-reuse-connection://?", "grpc+tcp://192.0.2.1:9")

    def itself(self):
        return self._parts(self.server.location)

    def elsewhere(self):
        return self._parts(self.server.elsewhere)

    def unreachable(self):
        return self._parts("grpc+tcp://127.0.0.1:1", "grpc+tcp://0.0.0.0:1", "s3://bucket/key")

    def nowhere(self):
        return [], False

    def disagree_names(self):
        return [flight.FlightEndpoint("plain", []), flight.FlightEndpoint("renamed", [])], True

    def disagree_types(self):
        return [flight.FlightEndpoint("plain", []), flight.FlightEndpoint("retyped", [])], True

    def some_empty(self):
        """Parts without rows, one of them without columns too."""
        return [flight.FlightEndpoint(name, []) for name in ("no_columns", "no_rows", "plain")], True

    def half_broken(self):
        return [flight.FlightEndpoint(name, []) for name in ("plain", "breaks")], False

    def _expiring(self, seconds):
        now = datetime.datetime.now(datetime.timezone.utc)
        when = pa.scalar(now + datetime.timedelta(seconds=seconds), pa.timestamp("ns", "UTC"))
        return [flight.FlightEndpoint("plain", [], when, b"")], False

    def lasting(self):
        return self._expiring(60)

    def stale(self):
        return self._expiring(-60)

    def stale_once(self):
        """The first answer is out of date, the next one is not."""
        return self._expiring(-60 if self.server.calls["info stale_once"] == 1 else 60)

    def expires_between(self):
        """The second part expires while the first one is served."""
        self.server.lingers_until = time.time() + 2
        second, _ = self._expiring(2)
        return [flight.FlightEndpoint("lingers", []), *second], True

    def once(self):
        ticket = secrets.token_hex(8)
        self.server.tickets.add(ticket)
        return [flight.FlightEndpoint(f"once:{ticket}", [])], False


def field(message, number):
    """The length-delimited field of a protobuf message, or nothing."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if message[at - 1] < 0x80:
                return value, at
    at = 0
    while at < len(message):
        tag, at = varint(at)
        if tag & 7 != 2:
            return None
        size, at = varint(at)
        if tag >> 3 == number:
            return message[at:at + size]
        at += size
    return None


# --- credentials ------------------------------------------------------------------------------------


class Call(flight.ServerMiddleware):
    """The headers of one call, asked and answered."""

    def __init__(self, asked, answered=None):
        self.asked, self.answered = asked, answered or {}

    def sending_headers(self):
        return self.answered


class Gate(flight.ServerMiddlewareFactory):
    """Sees the headers of every call, and lets in who may come in.

    basic: a Basic header is answered with a token and a cookie; both must come back with every later call.
    bearer: the token is known beforehand.
    """

    def __init__(self, mode, count):
        self.mode, self.count = mode, count
        self.tokens = {}

    def start_call(self, info, headers):
        headers = {name.lower(): [str(value) for value in values] for name, values in headers.items()}
        method = info.method.name.lower()
        self.count(method)
        if self.mode == "none":
            return Call(headers)
        scheme, _, value = headers.get("authorization", [""])[0].partition(" ")
        if self.mode == "basic" and scheme == "Basic" and method == "handshake":
            if base64.b64decode(value).decode() != f"{USER}:{PASSWORD}":
                raise flight.FlightUnauthenticatedError("wrong username or password")
            token, session = secrets.token_hex(16), secrets.token_hex(16)
            self.tokens[token] = session
            return Call(headers, {"authorization": f"Bearer {token}", "set-cookie": f"session={session}; HttpOnly"})
        if self.mode == "basic" and scheme == "Bearer" and value in self.tokens:
            if headers.get("cookie") != [f"session={self.tokens[value]}"]:
                raise flight.FlightUnauthenticatedError("the session cookie did not come back")
            return Call(headers)
        if self.mode == "bearer" and (scheme, value) == ("Bearer", TOKEN):
            return Call(headers)
        raise flight.FlightUnauthenticatedError(f"not accepted: {scheme} {value}")


class Open(flight.ServerAuthHandler):
    """Answers the handshake; the decision is the middleware's."""

    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ""


# --- the server -------------------------------------------------------------------------------------


class Wire(flight.FlightServerBase):
    """Serves FLIGHTS, Special and Discovery."""

    def __init__(self, options):
        self.calls = collections.Counter()
        self.tickets = set()
        self.lingers_until = 0.0
        self.stopped = threading.Event()
        self.discovery = options.discovery
        self.elsewhere = options.elsewhere
        settings = {"middleware": {"gate": Gate(options.auth, self.count)}}
        if options.auth == "basic":
            settings["auth_handler"] = Open()
        scheme = "grpc+tcp"
        if options.certificate:
            scheme = "grpc+tls"
            settings["tls_certificates"] = [(read(options.certificate), read(options.key))]
        if options.client_ca:
            settings |= {"verify_client": True, "root_certificates": read(options.client_ca)}
        super().__init__(f"{scheme}://127.0.0.1:0", **settings)
        self.location = f"{scheme}://127.0.0.1:{self.port}"

    def count(self, what):
        self.calls[what] += 1

    def get_flight_info(self, context, descriptor):
        if self.discovery == "unimplemented":
            raise NotImplementedError("this server only streams")
        if descriptor.descriptor_type == flight.DescriptorType.CMD:
            command = descriptor.command
            if field(command, 1) == STATEMENT.encode():
                query = field(field(command, 2), 1)
                endpoints = [flight.FlightEndpoint(b"sql:" + base64.b64encode(query), [])], False
                return self.info(descriptor, endpoints)
            name = command.decode()
        else:
            name = descriptor.path[-1].decode()
        self.count(f"info {name}")
        special = getattr(Discovery(self), name, None)
        endpoints = special() if special else ([flight.FlightEndpoint(name, [])], False)
        return self.info(descriptor, endpoints)

    def info(self, descriptor, endpoints):
        """Says nothing true about schema and size, as many servers do."""
        endpoints, ordered = endpoints
        return flight.FlightInfo(pa.schema({"untrue": pa.int8()}), descriptor, endpoints, 7, 7, ordered, b"")

    def do_get(self, context, ticket):
        name, _, rest = ticket.ticket.decode().partition(":")
        self.count(f"get {name}")
        special = getattr(Special(self, context.get_middleware("gate").asked), name, None)
        if special:
            return special(rest)
        if name not in FLIGHTS:
            raise KeyError(f"no flight {name}")
        codec = {"lz4": "lz4", "zstd": "zstd", "bomb": "zstd"}.get(name)
        return flight.RecordBatchStream(FLIGHTS[name](), options=ipc.IpcWriteOptions(compression=codec))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--auth", choices=["none", "basic", "bearer"], default="none")
    parser.add_argument("--discovery", choices=["full", "unimplemented"], default="full")
    parser.add_argument("--elsewhere", default="", help="uri of another server that serves the parts")
    parser.add_argument("--certificate", help="PEM file; turns TLS on")
    parser.add_argument("--key", help="PEM file of the certificate's key")
    parser.add_argument("--client-ca", help="PEM file; clients need a certificate signed by it")
    server = Wire(parser.parse_args())
    print("ready", server.port, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
