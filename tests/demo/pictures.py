#!/usr/bin/env python3
"""Photographs the exporter's page on the demo's data: the top of it for the README, docs/pictures/page.png, and all of it,
light and dark, wide and as narrow as a phone, into target/pictures to be looked at.

The weeks have passed before the exporter starts, so that it catches up at once and the pictures show some history.
"""
import os
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import demo
import scaled
import scrape
import view
from browser import Browser
from processes import Processes, Stopped

WEEKS = 6
WIDTHS = {"wide": 1366, "phone": 390}
README = demo.ROOT / "docs" / "pictures" / "page.png"
README_HEIGHT = 1000
ALL = demo.ROOT / "target" / "pictures"


def main():
    port = next(port for port in range(9465, 9565) if demo.free(port))
    out = view.Lines()
    try:
        with Processes() as processes:
            base = run_exporter(processes, out, SimpleNamespace(port=port))
            photograph(base, out)
    except Stopped:
        sys.exit("stopped")
    except demo.Failed as failure:
        sys.exit(f"\n{failure}")


def run_exporter(processes, out, options):
    """An exporter that has judged all the weeks; returns where it listens."""
    folder = demo.fresh_folder(options.port)
    program = demo.build(processes, out)
    demo.weekly_features.build()
    now = datetime.now(timezone.utc).replace(microsecond=0)
    # The weeks go on, so that there is a window with rows however long it takes until the pictures are taken.
    scale = scaled.Scale(now - WEEKS * demo.WEEK - timedelta(seconds=1), demo.WEEK)
    server = demo.serve(processes, scale, folder, demo.ALL_WEEKS)
    manifest = folder / "monitor.yaml"
    scaled.write(demo.EXAMPLE, manifest, scale, f"grpc://{server.address}")
    exporter = demo.monitor(processes, program, manifest, folder / "exporter.log", options.port)
    base = f"http://localhost:{options.port}"
    demo.wait_until(lambda: scrape.answers(f"{base}/-/healthy"), [server, exporter])
    demo.wait_until(lambda: judged(base) >= WEEKS, [server, exporter])
    return base


def judged(base):
    return scrape.Scrape(scrape.get(f"{base}/metrics")).value("featuremonitor_windows_judged_total") or 0


def photograph(base, out):
    README.parent.mkdir(parents=True, exist_ok=True)
    ALL.mkdir(parents=True, exist_ok=True)
    with Browser(os.environ.get("CHROMIUM", "chromium")) as browser:
        browser.photograph(base + "/", README, WIDTHS["wide"], "light", README_HEIGHT)
        out.say(str(README.relative_to(demo.ROOT)))
        for scheme in ("light", "dark"):
            for name, width in WIDTHS.items():
                path = ALL / f"{name}-{scheme}.png"
                found, height = browser.photograph(base + "/", path, width, scheme)
                scrolls = f"; it scrolls sideways: its content is {found:.0f} px wide" if found > width else ""
                out.say(f"{path.relative_to(demo.ROOT)}: {width} × {height:.0f} px{scrolls}")


if __name__ == "__main__":
    main()
