#!/usr/bin/env python3
"""Thirty days, or the last of them, of a Prometheus that watched twenty-one feature monitors, made in a few minutes.

The samples come from real scrapes: an exporter judges the weekly customers, a week in a second or two, and each week is
stretched to a day (capture.py, replay.py). Beside the monitors of fleet.py there are the operator, Prometheus and
Alertmanager (neighbours.py). Recording rules and alerts are those that the operator renders, as Prometheus itself evaluates
them over this history (rules.py). But for the moment at which it ends, the history of the same inputs is always the same.

It is kept in the cache, under a name that changes with its inputs. Prints its folder: `data` is the database, `facts.json`
says from when to when it goes.
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import time

import capture
import demo
import fleet
import neighbours
import rules
import view
from blocks import Blocks
from place import CACHE
from processes import Processes
from prometheus import Served
from replay import Replay, Scrapes
from timeline import DAYS, Timeline

HERE = pathlib.Path(__file__).resolve().parent
SETUP = HERE.parent / "setup"
SOURCES = ("alertmanager", "promtool", "prometheus")


class Out(view.Lines):
    """Says what is done, on the error stream: standard output has the folder alone."""

    def say(self, text=""):
        print(text, file=sys.stderr, flush=True)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    try:
        print(history(Out()))
    except demo.Failed as failure:
        sys.exit(f"\n{failure}")


def history(out, days=DAYS):
    """The folder of the history, which is made when it is not there."""
    scrapes = capture.captured(CACHE, out)
    with Processes() as processes:
        operator = demo.build(processes, out, "operator")
    folder = CACHE / f"history-{key(scrapes, operator, days)}"
    if not (folder / "facts.json").exists():
        make(folder, scrapes, operator, days, out)
    return folder


def key(scrapes, operator, days):
    """What the history depends on."""
    inputs = hashlib.sha256(f"{scrapes.name} {days}".encode())
    for path in [operator, *sorted(HERE.glob("*.py"))]:
        if path.stem in USED or path == operator:
            inputs.update(path.read_bytes())
    return inputs.hexdigest()[:12]


USED = {"backfill", "blocks", "fleet", "neighbours", "replay", "rules", "timeline"}


def make(folder, scrapes, operator, days, out):
    began = time.monotonic()

    def say(text):
        out.say(f"{time.monotonic() - began:4.0f} s  {text}")

    working = folder.with_suffix(".new")
    shutil.rmtree(working, ignore_errors=True)
    data = working / "data"
    data.mkdir(parents=True)
    programs = {name: program(name) for name in SOURCES}
    timeline = Timeline(time.time(), days)
    blocks = Blocks(programs["promtool"], timeline, data)
    replayed = Scrapes(scrapes)

    say(f"Stretching the scrapes over {days} days of {len(fleet.FLEET)} monitors")
    series = [one for watched in fleet.FLEET for one in Replay(watched, replayed, timeline).series()]
    series.extend(neighbours.operator(timeline))
    say(f"Writing {len(series)} series")
    count = blocks.write(series)
    files = rules.rendered(operator, fleet.FLEET, timeline, working)
    with Served(programs["prometheus"], data, [str(path) for path in files]) as served:
        say(f"{count:,} samples. Recording what the rules record")
        rules.record(programs["promtool"], served, timeline, files, working)
        say("Evaluating the alerts")
        alerts = list(rules.alerts(served, timeline, files))
        own = list(neighbours.prometheus(timeline, served))
    own.extend(neighbours.alertmanager(timeline, programs["alertmanager"], working, alerts))
    count = blocks.write(alerts + own)
    say(f"{count:,} samples of alerts and of what runs beside")
    facts = {"start": timeline.start, "end": timeline.end, "step": timeline.times.step}
    (working / "facts.json").write_text(json.dumps(facts))
    shutil.rmtree(folder, ignore_errors=True)
    working.rename(folder)


def program(name):
    """The path of a program of others, which is built when it is not there."""
    find = ["bash", "-c", 'source "$0" && program "$1"', SETUP / "programs.sh", name]
    found = subprocess.run(find, capture_output=True, text=True)
    if found.returncode != 0:
        subprocess.run([SETUP / "tools.sh", "tests", "monitoring"], check=True, stdout=subprocess.DEVNULL)
        found = subprocess.run(find, capture_output=True, text=True, check=True)
    return pathlib.Path(found.stdout.strip())


if __name__ == "__main__":
    main()
