#!/usr/bin/env python3
"""The figures of docs/customers.md that are of the raw rows, as JSON on standard output: shares, means and counts, none rounded.

Computed with pandas from the weekly features; the limits of `missing` by the formulas of docs/statistics.md. A week's name is its
number, and "baseline" is the rows of its six weeks together.
"""
import argparse
import json
import pathlib
import sys

import pandas

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import between  # noqa: E402  (the path above makes them importable)
import expected  # noqa: E402
import weekly_features  # noqa: E402

BASELINE, JUDGED = range(13, 19), range(19, 53)
COUPON_WEEKS, LAPSE_WEEKS, STORE_WEEKS = (26, 40, 52), (20, 30, 40, 52), (19, 30, 52)


def columns(of, rows, weeks):
    """A figure of the baseline and of some weeks, by name."""
    found = {"baseline": of(rows[rows.week.isin(BASELINE)])}
    return found | {str(week): of(rows[rows.week == week]) for week in weeks}


def coupons(rows):
    """What the first table tells of one group of rows."""

    told = rows.household_size.notna()

    def redeemed(group):
        return float((group.coupons_redeemed_91d > 0).mean())

    return {
        "campaigns": float(rows.campaigns_active.mean()),
        "redeemed": redeemed(rows),
        "of_two": redeemed(rows[rows.household_size == "2"]),
        "told": redeemed(rows[told]),
        "untold": redeemed(rows[~told]),
    }


def sizes(rows):
    """Households that told their size beside those that did not: how many times the campaigns, and the share of the latter."""
    told, campaigns = rows.household_size.notna(), rows.campaigns_active
    return {"campaigns": float(campaigns[told].mean() / campaigns[~told].mean()), "untold": float((~told).mean())}


def lapses(rows):
    """What the second table tells of one group of rows."""
    return {
        "none_in_91d": float((rows.frequency_91d == 0).mean()),
        "at_most_one_in_91d": float((rows.frequency_91d <= 1).mean()),
        "no_spread": float(rows.basket_value_std_91d.isna().mean()),
        "none_in_28d": float((rows.frequency_28d == 0).mean()),
        "recency_days": float(rows.recency_days.mean()),
    }


def new_stores(rows):
    """Of the households with a home store, the share whose store no household of the baseline had, by week."""
    known = set(rows.home_store[rows.week.isin(BASELINE)].dropna())
    there = rows[rows.home_store.notna()]
    return {str(week): float((~there.home_store[there.week == week].isin(known)).mean()) for week in STORE_WEEKS}


def busiest_before(rows):
    """The largest weekly mean of active campaigns between the baseline and each week."""
    means = rows.groupby("week").campaigns_active.mean()
    return {str(week): float(means.loc[JUDGED[0] : week - 1].max()) for week in COUPON_WEEKS}


def lapsed_features(rows):
    """The features that are null in as many rows of the baseline as those of the last 91 days: how many they are, and in how many rows
    of a week some are null and some are not, at most."""
    features = rows.drop(columns=[*expected.NOT_FEATURES, expected.TARGET, "week"]).isna()
    nulls = features[rows.week.isin(BASELINE)].sum()
    alike = features[nulls.index[nulls == nulls["basket_value_max_91d"]]]
    apart = alike.any(axis=1) & ~alike.all(axis=1)
    return {"features": alike.shape[1], "rows_apart": int(apart.groupby(rows.week).sum().max())}


def missing_limits(tests):
    """The limits of warnings of features that are null where nothing was bought for 91 days, and for 28; and that of the former as it
    would be if many features moved by themselves, so that their weight were the largest."""
    weeks = [weekly_features.read(week) for week in BASELINE]
    names = [name for name in weeks[0].column_names if name not in expected.NOT_FEATURES | {expected.TARGET}]
    shares = {name: [(week[name].null_count, len(week)) for week in weeks] for name in names}
    mean, weight = expected.together(list(shares.values()))

    def limit(name, weight):
        # Far above what chance alone gives, so that the rows of the judged week do not matter.
        return expected.risen("missing", shares[name], (0, len(weeks[-1])), expected.alphas_of(tests), (mean, weight))["limits"]["warning"]

    return {
        "of_91d": limit("basket_value_max_91d", weight),
        "of_28d": limit("basket_value_mean_28d", weight),
        "of_91d_apart": limit("basket_value_max_91d", between.MOST),
    }


def growth_of_tenure(rows):
    """By how much a household's tenure grows from each week to the next: the least and the most."""
    steps = rows.sort_values("week").groupby("household_id").tenure_days.diff().dropna()
    return {"least": float(steps.min()), "most": float(steps.max())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, required=True, help="how many tests of all checks share the budget of false alarms")
    options = parser.parse_args()
    weekly_features.build()
    every = [weekly_features.read(week).to_pandas().assign(week=week) for week in (*BASELINE, *JUDGED)]
    rows = pandas.concat(every, ignore_index=True)
    print(
        json.dumps(
            {
                "households": len(rows) / len(every),
                "coupons": columns(coupons, rows, COUPON_WEEKS),
                "sizes": sizes(rows[rows.week.isin(JUDGED)]),
                "busiest_before": busiest_before(rows),
                "lapses": columns(lapses, rows, LAPSE_WEEKS),
                "lapsed_features": lapsed_features(rows),
                "none_in_91d_at_first": lapses(rows[rows.week == BASELINE[0]])["none_in_91d"],
                "frequency_total": columns(lambda rows: float(rows.frequency_total.mean()), rows, (JUDGED[-1],)),
                "tenure_growth": growth_of_tenure(rows),
                "new_stores": new_stores(rows),
                "missing": missing_limits(options.tests),
            }
        )
    )


if __name__ == "__main__":
    main()
