"""A real Prometheus on a database that is there."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import scrape
from demo import Failed, free

PATIENCE_SECONDS = 120


class Prometheus:
    """Its API."""

    def __init__(self, address):
        self.address = address

    def ask(self, path, **parameters):
        body = urllib.parse.urlencode(parameters, doseq=True).encode()
        url = f"{self.address}/api/v1/{path}"
        # Only queries take their parameters in the body of a POST.
        request = urllib.request.Request(url, body) if path.startswith("query") else f"{url}?{body.decode()}"
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise QueryFailed(json.load(error)["error"]) from error

    def instant(self, query, at):
        return self.ask("query", query=query, time=at)["result"]

    def range(self, query, start, end, step):
        return self.ask("query_range", query=query, start=start, end=end, step=step)["result"]


class QueryFailed(Exception):
    """Prometheus refused a query; the text says why."""


class Served(Prometheus):
    """A process that serves a database until the end of the context, and can begin anew to see new blocks."""

    def __init__(self, program, folder, rules=()):
        self.program, self.folder, self.rules = program, folder, list(rules)
        self.process = None
        self.port = next(port for port in range(9665, 9765) if free(port))
        super().__init__(f"http://127.0.0.1:{self.port}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        config = self.folder.parent / "prometheus.json"
        config.write_text(json.dumps({"global": {"scrape_interval": "1m", "evaluation_interval": "1h"}, "rule_files": self.rules}))
        command = [
            self.program, f"--config.file={config}", f"--storage.tsdb.path={self.folder}", f"--web.listen-address=127.0.0.1:{self.port}",
            "--storage.tsdb.retention.time=100y", "--no-storage.tsdb.allow-overlapping-compaction", "--query.max-samples=200000000",
        ]  # fmt: skip
        log = self.folder.parent / "prometheus.log"
        with open(log, "w") as lines:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=lines, stderr=lines)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not scrape.answers(f"{self.address}/-/ready"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"Prometheus does not serve {self.folder}; {log} may say why.")
            time.sleep(0.1)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self.process = None

    def again(self):
        """New blocks are seen at a start."""
        self.stop()
        self.start()


@contextlib.contextmanager
def serving(program, database):
    """Serves a database that several may read at once: each has folders of its own with links to the same files."""
    with tempfile.TemporaryDirectory(dir=database.parent, prefix="served-") as home:
        own = pathlib.Path(home) / "data"
        shutil.copytree(database, own, copy_function=os.link, ignore=shutil.ignore_patterns("wal", "chunks_head", "lock", "queries.active"))
        with Served(program, own) as served:
            yield served
