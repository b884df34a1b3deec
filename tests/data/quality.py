#!/usr/bin/env python3
"""What can be used of one week of the customer features: JSON on standard output.

usage: quality.py WEEK [--baseline 13-18] [--faults JSON]

Counted from the raw rows with DuckDB and numpy, by the formulas of docs/statistics.md (quality score, invalid share, outlier
share, duplicate share) and by nothing of the monitor's own code. What a feature does not have is null: the shares of a column that
is not there, and outliers of categories, of what moves by construction and of what has no deviation.

--faults spoils the rows as servers/customers.py does with the same control file, those of single weeks too.
"""
import json
import pathlib
import sys

import duckdb
import numpy
import pyarrow

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
import expected  # noqa: E402  (the paths above make them importable)
import weekly_features  # noqa: E402

KEY = "household_id"
# How far beyond the baseline's extremes a number may lie, in units of their distance.
TOLERANCE = 0.5
# The robust z-score beyond which a number is far out, and the MAD of a standard normal variable.
FAR_OUT, NORMAL_MAD = 3.5, 0.6745


def kind_of(table, name):
    """The column's type; nothing where there is none."""
    return table.schema.field(name).type if name in table.column_names else None


def numbers(table, name):
    """The column's numbers without nulls; NaN and infinities are among them."""
    return table[name].drop_null().to_numpy().astype(float)


def count(table, condition):
    """How many rows of `table` a condition holds in; a null is no."""
    database = duckdb.connect()
    database.register("rows_of_it", table)
    ((found,),) = database.sql(f"select count(*) filter ({condition}) from rows_of_it").fetchall()
    return found


def not_acceptable(name, baseline, current, moving):
    """How many values are not acceptable by what the baseline has."""
    if pyarrow.types.is_dictionary(current.schema.field(name).type):
        known = {value for table in baseline for value in table[name].drop_null().to_pylist()}
        return sum(value not in known for value in current[name].drop_null().to_pylist())
    strange = f"not isfinite({name}::double)"
    known = numpy.concatenate([numbers(table, name) for table in baseline])
    known = known[numpy.isfinite(known)]
    low, high = float(known.min()), float(known.max())
    # Nothing is learnt of what moves, and one value is no range.
    if moving or low == high:
        return count(current, strange)
    room = TOLERANCE * (high - low)
    return count(current, f"{strange} or {name}::double < {low - room!r}::double or {name}::double > {high + room!r}::double")


def far_out(name, baseline, current, moving):
    """The share of the finite numbers that are far from the baseline's median, or nothing."""
    if moving or pyarrow.types.is_dictionary(current.schema.field(name).type):
        return None
    known = numpy.concatenate([numbers(table, name) for table in baseline])
    known = known[numpy.isfinite(known)]
    median = numpy.median(known)
    deviation = numpy.median(numpy.abs(known - median))
    now = numbers(current, name)
    now = now[numpy.isfinite(now)]
    if deviation == 0 or len(now) == 0:
        return None
    return float((numpy.abs(now - median) * NORMAL_MAD / deviation > FAR_OUT).mean())


def feature(name, baseline, current):
    """The shares of one feature, and its score."""
    found = kind_of(current, name)
    if found is None:
        return {"present": False, "missing": None, "invalid": None, "outlier": None, "quality": 0.0}
    same = found == kind_of(baseline[0], name)
    rows, nulls = current.num_rows, current[name].null_count
    # Whether it moves is a matter of the baseline alone, so that any window may stand for the one that is judged.
    moving = expected.Feature(name, baseline, baseline[-1]).moving()
    invalid = not_acceptable(name, baseline, current, moving) / (rows - nulls) if rows > nulls else None
    missing = nulls / rows
    return {
        "present": True,
        "same_type": same,
        "moving": moving,
        "missing": missing,
        "invalid": invalid,
        "outlier": far_out(name, baseline, current, moving),
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
    features = {name: feature(name, baseline, current) for name in names}
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
