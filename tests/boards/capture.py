"""Real scrapes: an exporter judges the weekly customers, a week in a second or two, and what it serves is kept after every
window. Some weeks have faults that the shop did not have, so that every board has something to show."""
import hashlib
import json
import pathlib
import shutil
import sys
import time
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "demo"))
import demo  # noqa: E402  (the path above makes it importable)
import scaled  # noqa: E402
import scrape  # noqa: E402
import view  # noqa: E402
from processes import Processes  # noqa: E402

# What the server does to the rows of a week; the other weeks are as they were in 2017.
FAULTS = {
    "29": {"nulls": {"monetary_28d": 0.08}},
    "30": {"nulls": {"monetary_28d": 0.3}},
    "36": {"unseen": {"home_store": 0.3}},
    "37": {"unseen": {"home_store": 0.3}},
    "41": {"drop": ["share_fuel_91d"]},
    "45": {"cast": {"distinct_stores_91d": "string"}},
    "48": {"shift": {"recency_days": 40}},
    "51": {"nulls": {"monetary_28d": 0.3}},
    "52": {"drop": ["share_fuel_91d"]},
}
# Of these one holds but in weeks with faults, one is broken where its column is gone, and one never holds.
RULES = """
  rules:
    - {name: spend-is-known, expr: monetary_28d is not null and monetary_28d >= 0, over: Rows, severity: Critical, tolerance: 0.1}
    - {name: fuel-is-a-share, expr: share_fuel_91d <= 1, over: Rows, severity: Warning}
    - {name: marital-status-is-known, expr: marital_status is not null, over: Rows, severity: Warning, tolerance: 0.5}
    - {name: weekly-volume, expr: "count(*) > 0.5 * previous(count(*))", over: Window, severity: Warning}
"""
PACES = (1.5, 3, 6, 12)
# The Flight server needs so long to start, and the exporter to show that it has no baseline yet.
HEAD_START = timedelta(seconds=6)


class Capture:
    """What an exporter served: by week, and before there was a baseline."""

    def __init__(self, folder):
        self.name = folder.name
        facts = json.loads((folder / "facts.json").read_text())
        self.origin, self.pace = facts["origin"], facts["pace"]
        self.before = (folder / "before.prom").read_text()
        self.weeks = {int(path.stem): path.read_text() for path in sorted((folder / "weeks").iterdir())}


def captured(cache, out):
    """The scrapes of this exporter on these data; they are made when they are not in the cache."""
    with Processes() as processes:
        program = demo.build(processes, out)
        demo.weekly_features.build()
        folder = cache / f"scrapes-{key(program)}"
        if not (folder / "facts.json").exists():
            make(processes, program, folder, out)
    return Capture(folder)


def key(program):
    """What the scrapes depend on."""
    inputs = hashlib.sha256(json.dumps(FAULTS).encode())
    sources = [program, demo.EXAMPLE, HERE / "capture.py", HERE.parent / "servers" / "customers.py", HERE.parent / "demo" / "scaled.py"]
    for path in sources:
        inputs.update(path.read_bytes())
    inputs.update(demo.weekly_features.folder().name.encode())
    return inputs.hexdigest()[:12]


def make(processes, program, folder, out):
    """Tries it fast, and slower where the machine was too busy to see every window."""
    for pace in PACES:
        out.say(f"Judging {demo.ALL_WEEKS} weeks of customers, one every {pace} s")
        scrapes, origin = watched(processes, program, pace)
        if scrapes is not None:
            break
    else:
        raise demo.Failed("Even slowly, some windows came and went between two scrapes.")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "weeks").mkdir(parents=True)
    (folder / "before.prom").write_text(scrapes.pop(None))
    for week, text in scrapes.items():
        (folder / "weeks" / f"{week:02d}.prom").write_text(text)
    (folder / "facts.json").write_text(json.dumps({"origin": origin, "pace": pace}))


def watched(processes, program, pace):
    """The scrape after each week's judgement, and under None the one before there was a baseline; or None when one was missed."""
    port = next(port for port in range(9565, 9665) if demo.free(port))
    folder = demo.fresh_folder(port)
    now = datetime.now(timezone.utc).replace(microsecond=0)
    scale = scaled.Scale(now + HEAD_START, timedelta(seconds=pace))
    faults = folder / "faults.json"
    faults.write_text(json.dumps({"weeks": FAULTS}))
    server = demo.serve(processes, scale, folder, demo.ALL_WEEKS, "--faults", str(faults))
    manifest = folder / "monitor.yaml"
    scaled.write(demo.EXAMPLE, manifest, scale, f"grpc://{server.address}")
    manifest.write_text(manifest.read_text() + RULES)
    exporter = demo.monitor(processes, program, manifest, folder / "exporter.log", port)
    base = f"http://localhost:{port}"
    demo.wait_until(lambda: scrape.answers(f"{base}/-/healthy"), [server, exporter])
    try:
        return every_week(base, [server, exporter], scale), scale.origin.timestamp()
    finally:
        for child in (exporter, server):
            processes.end(child.process)


def every_week(base, children, scale):
    found, seen = {}, 0
    deadline = time.monotonic() + HEAD_START.total_seconds() + demo.ALL_WEEKS * scale.week.total_seconds() + demo.PATIENCE_SECONDS
    while seen < demo.ALL_WEEKS and time.monotonic() < deadline:
        for child in children:
            child.check()
        text = scrape.get(f"{base}/metrics")
        reading = scrape.Scrape(text)
        judged = int(reading.value("featuremonitor_windows_judged_total") or 0)
        if judged > seen + 1:
            return None
        if judged > seen:
            seen = judged
            found[demo.LAST_BASELINE_WEEK + judged] = text
        elif reading.value("featuremonitor_baseline_present") == 0 and reading.value("featuremonitor_evaluation_timestamp_seconds"):
            # The first evaluations may end without having asked the source: nothing is said of it then.
            if reading.value("featuremonitor_source_up") is not None or None not in found:
                found[None] = text
        time.sleep(0.03)
    return found if seen == demo.ALL_WEEKS and None in found else None
