#!/usr/bin/env python3
"""What DuckDB says of business rules about one week of the customer features: JSON on standard output.

usage: business_rules.py WEEK RULES [--faults JSON]

RULES is a JSON object of boolean SQL expressions by name. One under "rows" is asked of each row: how often it is true, false and
null. One under "window" is a query's only value, over the tables `now` and `before`, the week and the one before it.
"""
import argparse
import json
import pathlib
import sys

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
import customers  # noqa: E402  (the paths above make them importable)
import weekly_features  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("week", type=int)
    parser.add_argument("rules", type=json.loads)
    parser.add_argument("--faults", type=json.loads, default={}, help="what the server spoils, none when not given")
    options = parser.parse_args()
    weekly_features.build()
    database = duckdb.connect()
    for name, week in (("now", options.week), ("before", options.week - 1)):
        database.register(name, customers.spoiled(weekly_features.read(week), options.faults))
    found = {}
    for name, rule in options.rules["rows"].items():
        counts = f"count(*) filter ({rule}), count(*) filter (not ({rule})), count(*) filter (({rule}) is null)"
        found[name] = dict(zip(("holds", "violations", "unknown"), database.sql(f"select {counts} from now").fetchall()[0]))
    for name, rule in options.rules["window"].items():
        found[name] = database.sql(f"select {rule}").fetchall()[0][0]
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
