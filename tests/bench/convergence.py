#!/usr/bin/env python3
"""How fast the operator makes what belongs to new FeatureMonitors, as a ratio to a plain client that makes the same
objects as fast as it can, what it writes, and how much memory it takes.

usage: convergence.py FOLDER [options]     (`make bench-operator` builds the programs into FOLDER and calls this)

Both work in fresh clusters of the same kind, in which nodes and pods are played. When which object was made is read from
the API server's audit log. Exit code 1 when a gate is missed.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

from cluster import CHILDREN, OPERATOR_USER, ROOT, Cluster, Operator, seconds

EXAMPLES = ROOT / "crds" / "examples"
MANIFEST, NOTIFICATIONS_OF = EXAMPLES / "customer-segmentation.yaml", EXAMPLES / "warehouse-sql.yaml"
NAMESPACE = "bench"
SECRETS, CONFIG_MAPS = 300, 20_000
GOAL_RATIO, MOST_RATIO, MOST_FURTHER_WRITES, MOST_GROWTH = 1.5, 2.5, 5, 0.10
MOST_SECONDS, MOST_MIB, MOST_MIB_OF_MANY = 60, 64, 256
# Without a write for this long the operator has done what there was to do.
QUIET_SECONDS, MOST_SECONDS_UNTIL_QUIET = 15, 600


class Bench:
    def __init__(self, options):
        self.options = options
        self.program = options.folder / "feature-monitor-operator"
        self.client_program = options.folder / "examples" / "bench_client"
        self.logs = options.logs

    def cluster(self, name, size="control"):
        return Cluster(size, self.logs and self.logs / name)

    def operator(self, cluster):
        return Operator(self.program, cluster)

    def client(self, cluster, *arguments):
        return subprocess.Popen(
            [self.client_program, *map(str, arguments), f"--namespace={NAMESPACE}", f"--concurrency={self.options.concurrency}"],
            env=cluster.environment,
        )

    def call(self, cluster, *arguments):
        if self.client(cluster, *arguments).wait():
            sys.exit(f"{self.client_program.name} {arguments[0]} failed; its own words stand above")

    def monitors(self, cluster, count):
        return self.client(cluster, "monitors", f"--count={count}", f"--file={MANIFEST}", f"--notifications-of={NOTIFICATIONS_OF}")

    def plain(self, count):
        """Seconds that the plain client needs for all children, and until all Deployments are available."""
        with self.cluster("plain") as cluster:
            self.call(cluster, "namespace")
            if self.monitors(cluster, count).wait():
                sys.exit("the FeatureMonitors cannot be made; the client's own words stand above")
            audit = cluster.audit()
            self.call(cluster, "children", f"--settings={cluster.settings}")
            writes = wait_for(audit, lambda all: len(children(all)) >= count * len(CHILDREN))
            begun = min(seconds(write.came) for write in children(writes))
            ended = max(seconds(write.answered) for write in children(writes))
            self.call(cluster, "available", f"--count={count}")
            return ended - begun, time.time() - begun

    def converge(self, cluster, operator, count):
        """Makes FeatureMonitors and waits until the operator has done everything about them."""
        self.call(cluster, "namespace")
        audit, cpu = cluster.audit(), operator.cpu_seconds()
        client = self.monitors(cluster, count)
        writes = wait_for(audit, lambda all: len(of_operator(children(all))) >= count * len(CHILDREN), operator)
        if client.wait():
            sys.exit("the FeatureMonitors cannot be made; the client's own words stand above")
        begun = min(seconds(write.came) for write in writes if write.resource == "featuremonitors")
        ended = max(seconds(write.answered) for write in of_operator(children(writes)))
        cpu = operator.cpu_seconds() - cpu
        available = None
        if cluster.size == "control":
            self.call(cluster, "available", f"--count={count}")
            available = time.time() - begun
        writes += quiet(audit)
        writes = [write for write in writes if write.is_of_operator()]
        return {
            "children": ended - begun,
            "available": available,
            "quiet": max(seconds(write.answered) for write in writes) - begun,
            "cpu": cpu,
            "writes": len(writes) / count,
            "kinds": collections.Counter(f"{write.verb} {write.resource}{'' if write.ok else ' (refused)'}" for write in writes),
            "memory": operator.memory(),
        }

    def restarted(self, cluster):
        """Memory of an operator that starts where everything is there already: it lists all at once."""
        audit = cluster.audit()
        with self.operator(cluster) as operator:
            quiet(audit)
            return operator.memory()

    def thousand(self, count):
        with self.cluster("operator") as cluster:
            with self.operator(cluster) as operator:
                found = self.converge(cluster, operator, count)
                say(f"all is quiet; {self.options.steady} s of steady state")
                audit, cpu = cluster.audit(), operator.cpu_seconds()
                time.sleep(self.options.steady)
                found["steady"] = collections.Counter(f"{write.verb} {write.resource}" for write in audit.new() if write.is_of_operator())
                found["steady_cpu"] = operator.cpu_seconds() - cpu
                found["memory"] = operator.memory()
            say("the operator starts anew")
            found["restarted"] = self.restarted(cluster)
            if self.options.unrelated:
                say(f"{SECRETS:,} Secrets of 1 MB and {CONFIG_MAPS:,} ConfigMaps are made, and it starts anew")
                self.call(cluster, "unrelated", f"--secrets={SECRETS}", f"--config-maps={CONFIG_MAPS}")
                found["unrelated"] = self.restarted(cluster)
            return found

    def many(self, count):
        with self.cluster("many", "api") as cluster:
            with self.operator(cluster) as operator:
                found = self.converge(cluster, operator, count)
            say("the operator starts anew")
            found["restarted"] = self.restarted(cluster)
            return found


def children(writes):
    return [write for write in writes if write.ok and write.resource in CHILDREN and write.verb in ("create", "patch")]


def of_operator(writes):
    return [write for write in writes if write.user == OPERATOR_USER]


def wait_for(audit, done, operator=None):
    """All writes until they are enough."""
    writes = []
    deadline = time.monotonic() + 3600
    while not done(writes):
        if operator is not None and operator.process.poll() is not None:
            sys.exit(f"the operator ended with {operator.process.returncode}:\n{operator.log.read_text()[-2000:]}")
        if time.monotonic() > deadline:
            sys.exit(f"after an hour there are {len(children(writes))} children")
        time.sleep(0.5)
        writes += audit.new()
    return writes


def quiet(audit):
    """All writes until the operator has written nothing for a while."""
    writes, last = [], time.monotonic()
    deadline = last + MOST_SECONDS_UNTIL_QUIET
    while time.monotonic() < min(last + QUIET_SECONDS, deadline):
        time.sleep(0.5)
        new = audit.new()
        writes += new
        if any(write.is_of_operator() for write in new):
            last = time.monotonic()
    return writes


def say(words):
    print(f"  … {words}", file=sys.stderr, flush=True)


def listed(counter):
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counter.items(), key=lambda item: -item[1])) or "none"


def show_speed(count, plain, found):
    line = "{:<32} {:>12} {:>12} {:>10} {:>18}"
    print(line.format(f"{count:,} FeatureMonitors", "children s", "available s", "all done s", "writes/monitor"))
    if plain:
        print(line.format("plain client", f"{plain[0]:.1f}", f"{plain[1]:.1f}", "", f"{len(CHILDREN):.1f}"))
    available = "" if found["available"] is None else f"{found['available']:.1f}"
    print(line.format("operator", f"{found['children']:.1f}", available, f"{found['quiet']:.1f}", f"{found['writes']:.2f}"))
    if plain:
        print(line.format("ratio", f"{found['children'] / plain[0]:.2f}", f"{found['available'] / plain[1]:.2f}", "", ""))
    print(f"the operator's writes: {listed(found['kinds'])}")
    print(f"its processor time until the last child: {found['cpu']:.1f} s\n", flush=True)


def show_memory(rows):
    print(f"{'memory of the operator':<58} {'MiB':>8} {'peak MiB':>9}")
    for what, (now, most) in rows:
        print(f"{what:<58} {now:>8.1f} {most:>9.1f}")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where feature-monitor-operator and examples/bench_client are")
    parser.add_argument("--monitors", type=int, default=1_000, metavar="N", help="FeatureMonitors in the cluster with controllers (default: %(default)s)")
    parser.add_argument("--many", type=int, default=10_000, metavar="N", help="FeatureMonitors beside the API server alone; 0 leaves that out (default: %(default)s)")
    parser.add_argument("--steady", type=int, default=600, metavar="SECONDS", help="how long the steady state is watched (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="how often both make the children, in turns; the least times count (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=32, metavar="N", help="requests that the plain client has under way (default: %(default)s)")
    parser.add_argument("--no-unrelated", dest="unrelated", action="store_false", help="leave out the unrelated Secrets and ConfigMaps")
    parser.add_argument("--logs", type=pathlib.Path, metavar="FOLDER", help="keep the clusters' logs, audit logs among them, there")
    options = parser.parse_args()
    # So that what was started is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    bench, count = Bench(options), options.monitors
    gates = []

    plain, found = None, None
    for number in range(options.runs):
        say(f"the plain client makes the children of {count:,} FeatureMonitors")
        again = bench.plain(count)
        plain = again if plain is None else min(plain, again)
        say("the operator does")
        with contextlib.ExitStack() as stack:
            if number + 1 < options.runs:
                cluster = stack.enter_context(bench.cluster(f"operator-{number}"))
                again = bench.converge(cluster, stack.enter_context(bench.operator(cluster)), count)
            else:
                again = bench.thousand(count)
        if found is not None:
            again["children"] = min(again["children"], found["children"])
        found = again
    print(f"\n{os.cpu_count()} processors, shared by operator, clients and cluster")
    show_speed(count, plain, found)
    print(f"writes in {options.steady} s of steady state: {listed(found['steady'])}; processor time: {found['steady_cpu']:.2f} s\n")
    rows = [(f"{count:,} FeatureMonitors", found["memory"]), ("the same, started anew", found["restarted"])]
    if options.unrelated:
        rows.append((f"beside {SECRETS:,} Secrets of 1 MB and {CONFIG_MAPS:,} ConfigMaps", found["unrelated"]))
    ratio, further = found["children"] / plain[0], found["writes"] - len(CHILDREN)
    most = max(peak for _, (_, peak) in rows)
    steady = sum(found["steady"].values())
    gates += [
        (f"time of the plain client at most {MOST_RATIO} times (goal {GOAL_RATIO})", f"{ratio:.2f}", ratio <= MOST_RATIO),
        (f"processor time for all children of {count:,} at most {MOST_SECONDS} s", f"{found['cpu']:.1f} s", found["cpu"] <= MOST_SECONDS),
        (f"writes for a new monitor at most its children and {MOST_FURTHER_WRITES}", f"{len(CHILDREN)} and {further:.2f}", further <= MOST_FURTHER_WRITES),
        (f"no write in {options.steady} s of steady state", str(steady), steady == 0),
        (f"peak memory at {count:,} at most {MOST_MIB} MiB", f"{most:.1f} MiB", most <= MOST_MIB),
    ]
    if options.unrelated:
        growth = found["unrelated"][1] / found["restarted"][1] - 1
        gates.append((f"unrelated objects change the peak by at most {MOST_GROWTH:.0%}", f"{growth:+.1%}", abs(growth) <= MOST_GROWTH))
    if options.many:
        say(f"the operator makes the children of {options.many:,} FeatureMonitors, without controllers")
        many = bench.many(options.many)
        show_speed(options.many, None, many)
        rows += [(f"{options.many:,} FeatureMonitors", many["memory"]), ("the same, started anew", many["restarted"])]
        most = max(many["memory"][1], many["restarted"][1])
        gates.append((f"peak memory at {options.many:,} at most {MOST_MIB_OF_MANY} MiB", f"{most:.1f} MiB", most <= MOST_MIB_OF_MANY))
    show_memory(rows)
    missed = 0
    for what, value, holds in gates:
        print(f"  {'holds ' if holds else 'MISSED'}  {what}: {value}")
        missed += not holds
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
