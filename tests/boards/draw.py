#!/usr/bin/env python3
"""Draws every board as Grafana would, into target/pictures/boards: light and dark, 1366 and 1920 pixels wide.

Grafana's own components draw what Prometheus answers from the history that backfill.py makes. For each picture it says what
is wrong with it: errors, panels without data, texts that are cut off or lie on one another. With --keep a picture is also
written into docs/pictures, as WebP, which is smaller.
"""
import argparse
import functools
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

import backfill
import board
import demo
from browser import Browser
from prometheus import QueryFailed, serving

WIDTHS = (1366, 1920)
THEMES = ("light", "dark")
TARGET = board.ROOT / "target" / "pictures" / "boards"
KEPT = board.ROOT / "docs" / "pictures"


def main():
    options = arguments()
    try:
        folder = backfill.history(backfill.Out())
        page = pathlib.Path(subprocess.run([backfill.SETUP / "page.sh"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
        facts = json.loads((folder / "facts.json").read_text())
        with serving(backfill.program("prometheus"), folder / "data") as prometheus:
            wrong = draw(prometheus, page, facts, options)
    except demo.Failed as failure:
        sys.exit(f"\n{failure}")
    if wrong:
        sys.exit(f"\n{wrong} pictures have something wrong.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--range", metavar="RANGE", help="such as now-30d; without, each board's own")
    parser.add_argument("--keep", action="append", default=[], metavar="BOARD-THEME-WIDTH", help="write this picture also into docs/pictures, as BOARD.webp")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--themes", nargs="+", default=THEMES, choices=THEMES)
    parser.add_argument("--target", type=pathlib.Path, default=TARGET, help="the folder of the pictures")
    parser.add_argument("boards", type=pathlib.Path, nargs="*", help="files of boards; without, those of the chart")
    return parser.parse_args()


def draw(prometheus, page, facts, options):
    """Draws all pictures; how many have something wrong."""
    options.target.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with Pages(page) as pages, Browser(os.environ.get("CHROMIUM", "chromium")) as browser:
        for path in options.boards or board.committed():
            shown = board.Board(path, prometheus, facts["end"], facts["step"], options.range)
            short = shown.name.removeprefix("featuremonitor-")
            marks = shown.annotations()
            for width in options.widths:
                answers = answered(shown, width)
                for theme in options.themes:
                    name = f"{short}-{theme}-{width}"
                    pages.drawings[name] = drawing(shown, answers, marks, width, theme)
                    paths = [options.target / f"{name}.png"]
                    if name in options.keep:
                        paths.append(KEPT / f"{short}.webp")
                    found = picture(browser, pages, name, (width, shown.height), theme, facts["end"], paths)
                    print(f"{name}.png: {found['width']} × {found['height']} px")
                    for one in found["found"]:
                        print(f"  {one['kind']:<8} {one.get('title', '')}: {one['text']}")
                    wrong += bool(found["found"])
    return wrong


def answered(shown, width):
    """The answers to the queries of each panel."""
    answers = {}
    for panel, query in shown.queries(width):
        one = {"target": query.target, "step": query.step, "result": []}
        try:
            one["result"] = query.ask()
        except QueryFailed as failure:
            one["error"] = str(failure)
        answers.setdefault(panel["id"], []).append(one)
    return answers


def drawing(shown, answers, marks, width, theme):
    """All that the page needs to know."""
    time = {"from": shown.range.start * 1000, "to": shown.range.end * 1000, "relative": shown.range.relative}
    return {"board": shown.document, "variables": shown.variables, "answers": answers, "annotations": marks, "width": width, "theme": theme, "time": time}


def picture(browser, pages, name, size, theme, now, paths):
    """Draws one picture into files; what the page found in it, and what the browser complained of."""
    # In a window that holds all of it: tables draw no row that cannot be seen.
    with browser.run(f"{pages.address}/?drawing={name}", *size, theme, now * 1000) as complaints:
        found = browser.evaluate("window.drawn")
        for path in paths:
            browser.save(path, size[0], found["height"], within=True)
        found["found"] = [{"kind": "console", "text": text[:300]} for text in complaints] + found["found"]
    return found


class Pages(http.server.ThreadingHTTPServer):
    """Serves the built page and the drawings."""

    def __init__(self, page):
        self.drawings = {}
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(page)))
        self.address = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/drawings/"):
            body = json.dumps(self.server.drawings[path.removeprefix("/drawings/").removesuffix(".json")]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    main()
