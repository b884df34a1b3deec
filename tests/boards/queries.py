#!/usr/bin/env python3
"""Asks every query of every board, over the thirty days of a history and for a panel of 1,000 pixels, and prints what each took and brought.

Fails when one is refused or brings nothing; with --bound also when one takes longer than so many seconds. What is asked is
a Prometheus on the history of backfill.py, which is made where there is none.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import backfill
import board
import demo
from prometheus import QueryFailed, serving

PIXELS, TIMES = 1000, 3


def main():
    options = arguments()
    try:
        folder = backfill.history(backfill.Out(), options.days)
        facts = json.loads((folder / "facts.json").read_text())
        with serving(backfill.program("prometheus"), folder / "data") as prometheus:
            complaints = check(prometheus, facts, options)
    except demo.Failed as failure:
        sys.exit(f"\n{failure}")
    if complaints:
        sys.exit("\n" + "\n".join(complaints))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bound", type=float, metavar="SECONDS", help="the longest time that a query may take")
    parser.add_argument("--days", type=int, default=backfill.DAYS, help="only the last days, which are made faster")
    parser.add_argument("boards", type=pathlib.Path, nargs="*", help="files of boards; without, those of the chart")
    return parser.parse_args()


def check(prometheus, facts, options):
    """Prints the list; the complaints, in words."""
    paths = options.boards or board.committed()
    complaints = [] if paths else [f"There are no boards in {board.FOLDER}."]
    print(f"{'board':<28}{'panel':<44}{'query':<6}{'ms':>7}{'series':>8}")
    for path in paths:
        variants = [board.Board(path, prometheus, facts["end"], facts["step"], f"now-{options.days}d", choices) for choices in board.CHOICES]
        for line in listed(variants):
            took = f"{line.seconds * 1000:.0f}" if line.seconds is not None else "–"
            print(f"{line.board:<28.27}{line.panel:<44.43}{line.name:<6}{took:>7}{line.series:>8}")
            complaints.extend(line.complaints(options.bound))
    return complaints


class Line:
    """One query of the list."""

    def __init__(self, where, panel, query):
        self.board, self.panel, self.name, self.text = where.name, panel.get("title") or f"panel {panel['id']}", query.target["refId"], query.text
        self.seconds, self.series, self.error = None, 0, None
        try:
            times = []
            for _ in range(TIMES):
                started = time.perf_counter()
                answer = query.ask()
                times.append(time.perf_counter() - started)
            self.seconds, self.series = statistics.median(times), len(answer)
        except QueryFailed as failure:
            self.error = str(failure)

    def complaints(self, bound):
        where = f"{self.board}, {self.panel}, {self.name}"
        if self.error:
            yield f"{where}: {self.error}\n    {self.text}"
        elif not self.series:
            yield f"{where}: nothing was found\n    {self.text}"
        elif bound and self.seconds >= bound:
            yield f"{where}: took {self.seconds:.2f} s, and {bound:g} s is the bound\n    {self.text}"


def listed(variants):
    """Every query of a board, with the first choice of variables for which it brings something."""
    for alike in zip(*([query for panel in shown.panels() for query in shown.queries_of(panel, PIXELS)] for shown in variants)):
        for panel, query in alike:
            line = Line(query.board, panel, query)
            if line.series or line.error or query.text == alike[-1][1].text:
                break
        yield line


if __name__ == "__main__":
    main()
