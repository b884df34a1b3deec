#!/usr/bin/env python3
"""The demo in a Kubernetes cluster: the chart, the example, and real households behind a Flight server.

`up` starts a cluster of one node with the Prometheus Operator in it (or takes the one that kubectl speaks to), installs the
operator by Helm, serves the weekly customer features inside, applies the example with its times scaled as in demo.py, waits
until it is Ready, and says how to look around. `down` removes all of it.
"""
import argparse
import json
import os
import sys
import time
from datetime import datetime, timezone

import scaled
import view
from demo import EXAMPLE, HEAD_START, ROOT, WEEK, Failed
from place import PATIENCE_SECONDS, RELEASE, Existing, Node

import weekly_features  # demo.py has made it importable

MONITOR = "customer-segmentation"
OPERATOR = f"{RELEASE}-operator"
SHOWN = (
    "featuremonitor_source_up",
    "featuremonitor_evaluation_success",
    "featuremonitor_baseline_rows",
    "featuremonitor_windows_judged_total",
    "featuremonitor_window_rows",
)
BREACHED = "featuremonitor_check_breached"


def main():
    options = arguments()
    out = (view.Table if sys.stdout.isatty() else view.Lines)()
    place = (Existing if os.environ.get("CLUSTER") == "existing" else Node)(options)
    try:
        if options.what == "down":
            place.down(out)
        else:
            up(place, out, options)
    except KeyboardInterrupt:
        sys.exit(f"\nStopped. {down(place)} removes what was started.")
    except Failed as failure:
        sys.exit(f"\n{failure}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--port", type=int, default=9464, help="where the exporter's page is shown, on 127.0.0.1")
    parser.add_argument("--owner", type=int, help="end the cluster when this process ends")
    given = lambda name: os.environ.get(name) or None  # noqa: E731  (an option of make may be given and empty)
    parser.add_argument("--server-image", default=given("SERVER_IMAGE"), help="image that runs the Flight server as a pod")
    parser.add_argument("--source", default=given("SOURCE"), help="Flight server that is there already")
    parser.add_argument("--origin", type=float, default=given("ORIGIN"), help="Unix time on which its baseline ends")
    options = parser.parse_args()
    if given("CLUSTER") not in (None, "existing"):
        parser.error(f"CLUSTER is existing, or not set; found {given('CLUSTER')}")
    if bool(options.source) != bool(options.origin):
        parser.error("SOURCE and ORIGIN go together: they say where the Flight server is and what its --origin is")
    return options


def down(place):
    return "`make cluster-down CLUSTER=existing`" if isinstance(place, Existing) else "`make cluster-down`"


def up(place, out, options):
    """Everything from nothing to an exporter that is Ready."""
    begun = time.monotonic()
    place.introduce(out)
    place.check(out)
    if isinstance(place, Existing) and not options.server_image:
        place.source(clock(scale(options)))
    if not isinstance(place, Existing) and not weekly_features.built():
        with out.working("Making weekly features of 2,400 households (about 15 seconds, once)") as progress:
            weekly_features.build(progress)
    place.start(out)
    install(place, out)
    times = scale(options)
    place.serve(out, clock(times))
    seconds = monitor(place, out, times)
    show(place, out)
    places = place.observe(out)
    out.say()
    out.say(f"Ready {seconds:.0f} seconds after kubectl apply; all together {time.monotonic() - begun:.0f} seconds.")
    look_around(place, out, places)


def scale(options):
    """Time of the data to time of the demo, which begins now."""
    if options.origin:
        origin = datetime.fromtimestamp(options.origin, timezone.utc)
    else:
        origin = datetime.now(timezone.utc) - HEAD_START
    # Whole milliseconds, the finest unit of the manifest, so that windows and weeks fall on one another exactly.
    return scaled.Scale(origin.replace(microsecond=origin.microsecond // 1000 * 1000), WEEK)


def clock(times):
    """The same for the Flight server."""
    return ["--origin", repr(times.origin.timestamp()), "--seconds-per-week", WEEK.total_seconds(), "--last", weekly_features.LAST_WEEK]


def install(place, out):
    """The chart, as its README says, with our images."""
    # The operator asks the exporters more often than every 30 seconds, so that what somebody tries shows soon.
    values = {**place.values(), "extraArgs": ["--status-interval=5s", "--complaint-interval=20s"]}
    settings = [f"--set-json={name}={json.dumps(value)}" for name, value in values.items()]
    with out.working(f"Installing the chart as {RELEASE} in the namespace {place.operator_namespace}, two replicas"):
        place.make_namespaces()
        place.helm(
            "upgrade", "--install", RELEASE, ROOT / "charts" / "feature-monitor", f"--namespace={place.operator_namespace}", *settings, "--wait", "--timeout=3m",
            failure=f"The chart could not be installed; `{place.commands()[0]} -n {place.operator_namespace} get events,pods` may say more:",
        )  # fmt: skip


def monitor(place, out, times):
    """Applies the example and waits until it is Ready; how long that took."""
    manifest = place.manifest()
    scaled.write(EXAMPLE, manifest, times, place.uri, place.namespace, place.notifications())
    out.say(f"Applying {EXAMPLE.relative_to(ROOT)}, a week in {WEEK.seconds} seconds, from {place.uri}")
    began = time.monotonic()
    place.kubectl("apply", f"--filename={manifest}")
    said = None
    with out.working("Waiting until it is Ready"):
        while True:
            ready = condition(place)
            if ready.get("status") == "True":
                return time.monotonic() - began
            if ready.get("message") not in (None, said):
                said = ready["message"]
                out.say(f"  {said}")
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Failed(
                    f"It did not get Ready within {PATIENCE_SECONDS} seconds. {said or 'The operator has not said why.'}\n"
                    f"  {place.commands()[0]} -n {place.namespace} describe fm {MONITOR}\n"
                    f"  {place.commands()[0]} -n {place.operator_namespace} logs deployment/{OPERATOR}\n"
                    f"{down(place)} removes everything."
                )
            time.sleep(0.25)


def condition(place):
    """The condition Ready of the newest spec, empty as long as the operator has said nothing."""
    found = place.get("fm", MONITOR, f"--namespace={place.namespace}") or {}
    generation, conditions = found.get("metadata", {}).get("generation"), found.get("status", {}).get("conditions", [])
    ready = (condition for condition in conditions if condition["type"] == "Ready")
    return next((condition for condition in ready if condition.get("observedGeneration") == generation), {})


def show(place, out):
    """What a person sees."""
    kubectl, _ = place.commands()
    out.say()
    out.say(f"$ {kubectl} get fm -A")
    out.say(place.kubectl("get", "fm", "--all-namespaces").rstrip())
    path = f"/api/v1/namespaces/{place.namespace}/services/{MONITOR}-exporter:metrics/proxy/metrics"
    out.say()
    out.say(f"$ {kubectl} get --raw {path}")
    metrics = place.kubectl("get", f"--raw={path}").splitlines()
    breached = [line for line in metrics if line.startswith(BREACHED) and line.endswith(" 1")]
    for line in [*(line for line in metrics if line.startswith(SHOWN)), *breached[:3]]:
        out.say(line)
    out.say(f"… and {sum(not line.startswith('#') for line in metrics):,} samples in all")


def look_around(place, out, places):
    """Places to look at, and commands to go on with."""
    kubectl, helm = place.commands()
    namespace, operator = place.namespace, place.operator_namespace
    commands = [
        ("page, metrics", place.open(out, f"{MONITOR}-exporter")),
        *places,
        ("what is wrong", f"{kubectl} -n {namespace} describe fm {MONITOR}"),
        ("what was made", f"{kubectl} -n {namespace} get all,configmap,pvc,networkpolicy{place.integrations} -l featuremonitor.io/monitor={MONITOR}"),
        ("exporter's log", f"{kubectl} -n {namespace} logs deployment/{MONITOR}-exporter --follow"),
        ("operator's log", f"{kubectl} -n {operator} logs -l app.kubernetes.io/name={OPERATOR} --prefix --follow"),
        ("fields", f"{kubectl} explain fm.spec.checks"),
        ("change something", f"{kubectl} -n {namespace} edit fm {MONITOR}"),
        ("the release", f"{helm} -n {operator} get values {RELEASE}"),
        *place.more(),
        ("end it all", down(place).strip("`")),
    ]
    out.say("Look around:")
    for what, how in commands:
        out.say(f"  {what:<21} {how}")


if __name__ == "__main__":
    main()
