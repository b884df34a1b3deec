#!/usr/bin/env python3
"""How long one full evaluation takes, as a ratio to draining the same stream with the same client, and how much memory.

usage: evaluation.py PROGRAM     (`make bench` builds the program and calls this)

The program pulls, decodes, profiles and judges exactly as the exporter does:
    PROGRAM --uri URI --command JSON --runs N [--only drain|evaluate] [--off CHECK]...
and prints JSON: rows, drain_seconds and evaluate_seconds (the least of its runs, which alternate), evaluate_processor_seconds
(of the program alone), peak_rss_bytes.
Memory is taken from processes that did only the one or only the other. Exit code 1 when a gate is missed.
"""
import json
import pathlib
import subprocess
import sys

SERVER = pathlib.Path(__file__).resolve().parent.parent / "servers" / "bench.py"
CELLS_PER_ROW = 60
RUNS = 5
# For each area, whose differences are small.
ROUNDS, RUNS_A_ROUND = 4, 2
# What is asked of the features beside their profiles and distances.
AREAS = ("quality", "outliers", "imputation", "correlation", "performance", "missingPatterns", "segments", "duplicates", "rules")
# The gates hold for batches of 16,384 rows; larger batches are shown.
GATED_BATCH = 16_384
BATCHES = GATED_BATCH, 131_072
MOST_RATIO, MOST_BYTES, MOST_GROWTH = 4.0, 200_000_000, 0.10
MILLION = 1_000_000


def run(program, uri, rows, batch_rows, runs, *options):
    """What the program prints."""
    command = json.dumps({"rows": rows, "batch_rows": batch_rows})
    arguments = [program, "--uri", uri, "--command", command, "--runs", str(runs), *options]
    found = json.loads(subprocess.run(arguments, stdout=subprocess.PIPE, check=True).stdout)
    if found["rows"] != rows:
        sys.exit(f"the program saw {found['rows']} rows of {rows}")
    return found


def measure(program, uri, rows, batch_rows):
    """One line of the table."""
    stream = program, uri, rows, batch_rows
    both = run(*stream, RUNS)
    return {
        "rows": rows,
        "batch_rows": batch_rows,
        "drain": both["drain_seconds"],
        "evaluate": both["evaluate_seconds"],
        "ratio": both["evaluate_seconds"] / both["drain_seconds"],
        "drain_bytes": run(*stream, 1, "--only", "drain")["peak_rss_bytes"],
        "evaluate_bytes": run(*stream, 1, "--only", "evaluate")["peak_rss_bytes"],
    }


def show(line):
    cells = line["rows"] * CELLS_PER_ROW
    print(
        f"{line['rows']:>10,} {line['batch_rows']:>8,} {line['drain']:>8.3f} {line['evaluate']:>9.3f} {line['ratio']:>6.2f}"
        f" {line['evaluate'] / cells * 1e9:>8.1f} {line['drain_bytes'] / 1e6:>9.0f} {line['evaluate_bytes'] / 1e6:>12.0f}",
        flush=True,
    )


def parts(program, uri):
    """Of each area how much processor time an evaluation needs less without it, the least of runs that take turns; of the same
    evaluation twice, so that it is seen what of that is noise."""
    without = {"": (), "the same again (noise)": (), **{area: (area,) for area in AREAS}, "all": AREAS}
    least = dict.fromkeys(without, float("inf"))
    for _ in range(ROUNDS):
        for name, off in without.items():
            options = (word for area in off for word in ("--off", area))
            found = run(program, uri, MILLION, GATED_BATCH, RUNS_A_ROUND, "--only", "evaluate", *options)
            least[name] = min(least[name], found["evaluate_processor_seconds"])
    whole = least.pop("")
    rest = least.pop("all")
    print(f"\nProcessor time of one evaluation of 1M rows: {whole:.2f} s, of which")
    for area, seconds in least.items():
        print(f"  {area:<29} {whole - seconds:>6.2f} s {(whole - seconds) / whole:>6.0%}")
    print(f"  {'pull, profile, drift, missing':<29} {rest:>6.2f} s {rest / whole:>6.0%}")


def gates(lines):
    """(what, what was found, whether it holds) for each gate."""
    gated = {line["rows"]: line for line in lines if line["batch_rows"] == GATED_BATCH}
    one, four = gated[MILLION], gated[4 * MILLION]
    growth = four["evaluate_bytes"] / one["evaluate_bytes"] - 1
    return [
        (f"ratio at 1M rows at most {MOST_RATIO}", f"{one['ratio']:.2f}", one["ratio"] <= MOST_RATIO),
        *(
            (f"peak memory at {line['rows'] // MILLION}M rows at most {MOST_BYTES / 1e6:.0f} MB", f"{line['evaluate_bytes'] / 1e6:.0f} MB", line["evaluate_bytes"] <= MOST_BYTES)
            for line in (one, four)
        ),
        (f"memory at 4M rows within {MOST_GROWTH:.0%} of that at 1M", f"{growth:+.1%}", abs(growth) <= MOST_GROWTH),
    ]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    server = subprocess.Popen([sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        ready, _, port = server.stdout.readline().strip().partition(" ")
        if ready != "ready":
            sys.exit("the Flight server did not start; its own words stand above")
        print(f"\nOne full evaluation of {CELLS_PER_ROW} features over loopback, best of {RUNS} runs (server and client share the processors)\n")
        print("      rows    batch  drain s evaluate s  ratio  ns/cell  drain MB  evaluate MB")
        lines = []
        for batch_rows in BATCHES:
            for rows in (MILLION, 4 * MILLION):
                lines.append(measure(sys.argv[1], f"grpc://127.0.0.1:{port}", rows, batch_rows))
                show(lines[-1])
        print()
        for batch_rows in BATCHES:
            own = (line for line in lines if line["batch_rows"] == batch_rows)
            each = max(line["evaluate_bytes"] - line["drain_bytes"] for line in own) / CELLS_PER_ROW
            print(f"Memory beyond that of draining, with batches of {batch_rows:,} rows: {each / 1e6:.1f} MB a feature")
        parts(sys.argv[1], f"grpc://127.0.0.1:{port}")
    finally:
        server.stdin.close()
        server.wait(10)
    print()
    missed = 0
    for what, found, holds in gates(lines):
        print(f"  {'holds ' if holds else 'MISSED'}  {what}: {found}")
        missed += not holds
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
