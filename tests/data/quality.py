#!/usr/bin/env python3
"""What can be used of one week of the customer features: JSON on standard output.

usage: quality.py WEEK [--baseline 13-18] [--faults JSON]

Counted from the raw rows with numpy, keys with DuckDB, by the formulas of docs/statistics.md (quality score, invalid share, outlier
share, duplicate share) and by nothing of the monitor's own code. What a feature does not have is null: the shares of a column that
is not there, and outliers of categories, of what moves by construction and of what has no deviation.

--faults spoils the rows as servers/customers.py does with the same control file, those of single weeks too.
"""
import json
import pathlib
import sys

import duckdb
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
import expected  # noqa: E402  (the paths above make them importable)
import weekly_features  # noqa: E402

KEY = "household_id"


def kind_of(table, name):
    """The column's type; nothing where there is none."""
    return table.schema.field(name).type if name in table.column_names else None


def share(of):
    """A count of a number of values, as a share; nothing without values."""
    count, values = of
    return count / values if values else None


def of_feature(name, baseline, current):
    """The shares of one feature, and its score."""
    found = kind_of(current, name)
    if found is None:
        return {"missing": None, "invalid": None, "outlier": None, "quality": 0.0}
    same = found == kind_of(baseline[0], name)
    rows, nulls = current.num_rows, current[name].null_count
    feature = expected.Feature(name, baseline, current)
    outliers = None if feature.moving() else feature.current_outlier_share
    invalid, missing = share(feature.current_invalid_share), nulls / rows
    return {
        "missing": missing,
        "invalid": invalid,
        "outlier": outliers and share(outliers),
        "quality": (1 - missing) * (1 - (invalid or 0.0)) * same,
    }


def keys(table):
    """The shares of rows with the key of a row before them, of those with a key, and of rows without one."""
    database = duckdb.connect()
    database.register("rows_of_it", table)
    query = f"select count(*), count({KEY}), count(distinct {KEY}) from rows_of_it"
    ((rows, filled, distinct),) = database.sql(query).fetchall()
    return {"duplicate": (filled - distinct) / filled, "missing": (rows - filled) / rows}


def quality(week, baseline_weeks, faults):
    """All of it, as a dictionary."""
    baseline = [expected.rows_of(known, faults) for known in baseline_weeks]
    current = expected.rows_of(week, faults)
    names = expected.features_of(baseline[0])
    features = {name: of_feature(name, baseline, current) for name in names}
    of_keys = keys(current)
    mean = float(numpy.mean([of["quality"] for of in features.values()]))
    return {"features": features, "keys": of_keys, "mean": mean, "quality": mean * (1 - of_keys["duplicate"])}


def main():
    asked = expected.arguments(__doc__)
    weekly_features.build()
    json.dump(quality(*asked), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
