#!/usr/bin/env python3
"""The demo: real households, week after week, watched for drift.

Builds the exporter, makes the weekly customer features, serves them from a Flight server as if a week passed in ten
seconds, and starts the exporter on the example's manifest with its times scaled alike. Then it shows what the exporter
says at its public doors. The exporter knows nothing of all this.
"""
import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import scaled
import scrape
import view
from history import History
from processes import Processes, Stopped, first_line

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "crds" / "examples" / "customer-segmentation.yaml"
sys.path.insert(0, str(ROOT / "tests" / "data"))
import weekly_features  # noqa: E402  (the path above makes it importable)

WEEK = timedelta(seconds=10)
LAST_BASELINE_WEEK = 18
ALL_WEEKS = weekly_features.LAST_WEEK - LAST_BASELINE_WEEK
# So long before the exporter starts the baseline ended: the first week after it is complete in a moment.
HEAD_START = timedelta(seconds=8)
PATIENCE_SECONDS = 60


class Failed(Exception):
    """The demo cannot go on; the text says why and what helps."""


def main():
    options = arguments()
    try:
        with Processes() as processes:
            run(options, processes)
    except Stopped:
        print("\nStopped, and everything that was started with it.")
    except Failed as failure:
        sys.exit(f"\n{failure}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9464, help="where the exporter listens, on 127.0.0.1")
    parser.add_argument("--weeks", type=int, default=ALL_WEEKS, help=f"weeks to replay, at most {ALL_WEEKS}")
    parser.add_argument("--once", action="store_true", help="end with a summary when the weeks are judged")
    options = parser.parse_args()
    if not 1 <= options.weeks <= ALL_WEEKS:
        parser.error(f"--weeks is between 1 and {ALL_WEEKS}, found {options.weeks}")
    return options


def run(options, processes):
    """The demo, from the build to its end."""
    if not free(options.port):
        raise Failed(f"Port {options.port} is taken by another program. Choose another one: make demo PORT={options.port + 1}")
    folder = fresh_folder(options.port)
    out = (view.Table if sys.stdout.isatty() else view.Lines)()
    program = build(processes, out)
    if not weekly_features.built():
        with out.working("Making weekly features of 2,400 households (about 15 seconds, once)") as progress:
            weekly_features.build(progress)

    now = datetime.now(timezone.utc)
    # Whole milliseconds, the finest unit of the manifest, so that windows and weeks fall on one another exactly.
    scale = scaled.Scale(now.replace(microsecond=now.microsecond // 1000 * 1000) - HEAD_START, WEEK)
    server = serve(processes, scale, folder, options.weeks)
    manifest, log = folder / "monitor.yaml", folder / "exporter.log"
    scaled.write(EXAMPLE, manifest, scale, f"grpc://{server.address}")
    exporter = monitor(processes, program, manifest, log, options.port)
    base = f"http://localhost:{options.port}"
    with out.working("Starting the exporter"):
        wait_until(lambda: scrape.answers(f"{base}/-/healthy"), [server, exporter])
    introduce(out, base, manifest, log, options)
    history = History(scale)
    with out:
        watch(history, out, base, [server, exporter], options)
    view.summary(history, out)
    out.say(f"The exporter's log: {log}")


def free(port):
    """Whether nobody listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def fresh_folder(port):
    """An empty folder for manifest, logs and state; it stays after the end, until the next demo on this port."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "feature-monitor" / f"demo-{port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def build(processes, out, what="exporter"):
    """Builds the exporter or the operator, unless FM_EXPORTER or FM_OPERATOR names one, and returns its path."""
    if given := os.environ.get(f"FM_{what.upper()}"):
        return pathlib.Path(given)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    program = ROOT / target / "debug" / f"feature-monitor-{what}"
    out.say(f"Building the {what}" + ("" if program.exists() else " (about 6 minutes on 2 cores, once)"))
    # In a terminal cargo shows its own progress.
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    # Of the whole workspace, so that the dependencies are built as the tests need them, and so only once.
    command = ["cargo", "build", "--locked", *quiet, "--workspace", "--bin", program.name]
    if processes.start(command, cwd=ROOT).wait() != 0:
        raise Failed(f"The {what} could not be built; what cargo said stands above.")
    return program


class Child:
    """A process that the demo needs, with the file in which it says why it ended."""

    def __init__(self, name, process, log):
        self.name, self.process, self.log = name, process, log

    def check(self):
        if self.process.poll() is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise Failed(f"The {self.name} ended with code {self.process.returncode}. Its last words, from {self.log}:\n{last}")


def serve(processes, scale, folder, weeks, *more):
    """Starts the Flight server on a free port."""
    log = folder / "server.log"
    command = [
        sys.executable, ROOT / "tests" / "servers" / "customers.py", "--stop-with-stdin",
        "--origin", repr(scale.origin.timestamp()),
        "--seconds-per-week", str(scale.week.total_seconds()),
        "--last", str(LAST_BASELINE_WEEK + weeks),
        *more,
    ]  # fmt: skip
    with open(log, "w") as errors:
        process = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
    server = Child("Flight server", process, log)
    ready, _, port = first_line(process, PATIENCE_SECONDS).partition(" ")
    if ready != "ready":
        server.check()
        raise Failed(f"The Flight server did not start within {PATIENCE_SECONDS} s; {log} may say why.")
    server.address = f"127.0.0.1:{port}"
    return server


def monitor(processes, program, manifest, log, port):
    """Starts the exporter."""
    command = [
        program, "run", "--file", manifest,
        "--web.listen-address", f"127.0.0.1:{port}",
        "--state-dir", manifest.parent / "state",
    ]  # fmt: skip
    with open(log, "w") as lines:
        process = processes.start(command, stdin=subprocess.DEVNULL, stdout=lines, stderr=lines)
    return Child("exporter", process, log)


def wait_until(condition, children):
    """Waits for a condition as long as the children live, within reason."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        for child in children:
            child.check()
        if time.monotonic() > deadline:
            raise Failed(f"The exporter did not answer within {PATIENCE_SECONDS} s; {children[-1].log} may say why.")
        time.sleep(0.1)


def introduce(out, base, manifest, log, options):
    """Says where to look and what is to be seen."""
    out.say("The exporter runs. Where to look:")
    for what, where in (("page", base + "/"), ("metrics", base + "/metrics"), ("status", base + "/-/status"), ("manifest", manifest), ("log", log)):
        out.say(f"  {what:<9}{where}")
    replay = f"{options.weeks} weeks of 2017 pass, one every {WEEK.seconds} seconds, against a baseline of weeks 13 to 18."
    ending = "" if options.once else " After them the source has nothing new, and freshness says so. Ctrl-C ends everything."
    out.say(replay + ending)
    out.say()


def watch(history, out, base, children, options):
    """Shows every judged window; returns when all weeks are judged, if that was asked for."""
    deadline = time.monotonic() + options.weeks * WEEK.total_seconds() + PATIENCE_SECONDS
    while True:
        for child in children:
            child.check()
        trouble = None
        try:
            reading = scrape.Scrape(scrape.get(f"{base}/metrics"))
            if history.read(reading):
                out.window(history)
            if reading.value("featuremonitor_evaluation_success") == 0:
                trouble = explain(scrape.status(base))
        except OSError as error:
            trouble = f"the exporter does not answer: {error}"
        out.tick(history, trouble)
        if options.once and history.judged() >= options.weeks:
            return
        if options.once and time.monotonic() > deadline:
            raise Failed(f"Only {history.judged()} of {options.weeks} weeks were judged in time. {trouble or ''} The log: {children[-1].log}")
        time.sleep(0.5)


def explain(status):
    """Why the last evaluation failed, in the exporter's own words."""
    source, last = status.get("source") or {}, status.get("lastEvaluation") or {}
    said = source.get("message") or last.get("reason") or "no reason given"
    return f"The last evaluation failed: {said}"


if __name__ == "__main__":
    main()
