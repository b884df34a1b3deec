#!/usr/bin/env python3
"""How far the customer features are from the baseline of weeks 13 to 18 in each week after it, and their limits, where drift and missing
values alone share the budget: JSON on standard output.

By the formulas of docs/statistics.md, as expected.py has them. Of each feature there are a value and the two limits of each week, once
of raw values, and once of the counts of bins, which are made anew from the baseline's raw values.
"""
import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import expected  # noqa: E402  (the path above makes it importable)
import weekly_features  # noqa: E402

BASELINE, JUDGED = range(13, 19), range(19, 53)


def limits():
    """Of each feature whether it moves, and what is said of it week by week."""
    baseline = [weekly_features.read(week) for week in BASELINE]
    # Of the baseline, any window may stand for the one that is judged, which is set by and by.
    features = [expected.Feature(name, baseline, baseline[-1]) for name in expected.features_of(baseline[-1])]
    alphas = expected.alphas_of(2 * len(features))
    found = {}
    for feature in features:
        series = {of: {"values": [], "warning": [], "critical": []} for of in ("raw", "binned")}
        found[feature.name] = {"moving": feature.moving(), **series}
    for week in JUDGED:
        rows = weekly_features.read(week)
        for feature in features:
            feature.current = feature.sample(rows)
        for of, distance, leave_one_out in (
            ("raw", expected.Feature.distance, lambda feature: feature.leave_one_out),
            ("binned", expected.Feature.distance_binned, lambda feature: feature.leave_one_out_binned),
        ):
            for feature, own in zip(features, expected.drift_limits(features, alphas, leave_one_out)):
                series = found[feature.name][of]
                series["values"].append(distance(feature, feature.reference, feature.current))
                for severity, limit in own.items():
                    series[severity].append(limit)
    return found


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    weekly_features.build()
    json.dump(limits(), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
