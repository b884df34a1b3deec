"""The monitors of the history, and what happens to each. One is shown in full; the others are the same real customers, seen
at other times and through fewer features."""
import dataclasses

import capture
import demo
from timeline import DAY, HOUR

FIRST_WEEK, LAST_WEEK = demo.LAST_BASELINE_WEEK + 1, demo.weekly_features.LAST_WEEK
WINDOWS = LAST_WEEK - FIRST_WEEK + 1
# The end of the last window that is judged, before the end of the history.
LAST_WINDOW_AGE = 9 * HOUR


@dataclasses.dataclass(frozen=True)
class Watched:
    """A monitor. Times are hours before the end of the history, as (from, to); what goes on ends after it."""

    namespace: str
    name: str
    team: str
    # The weeks that it sees, there and back again; None for all of them as they came.
    weeks: tuple = None
    # Beginnings of the names of its features; None for all.
    features: tuple = None
    # Minutes after the hour at which it evaluates.
    minute: int = 0
    source_down: tuple = ()
    # Why, in the exporter's words.
    failure: str = "unavailable"
    exporter_down: tuple = ()
    # Nothing new has arrived for so many hours.
    stale: float = None
    # Too few rows to judge, for so many hours.
    few_rows: float = None
    baseline: bool = True
    # Its baseline was frozen anew so many hours ago.
    refrozen: float = None
    # It has more series than its budget.
    dropped: bool = False
    slos: bool = False

    @property
    def whole(self):
        """Whether it is shown with every family."""
        return self.features is None

    def week(self, window):
        """Which week of 2017 its window shows; windows count from 0."""
        if self.weeks is None:
            return FIRST_WEEK + window
        first, last = self.weeks
        if first == last:
            return first
        there = [*range(first, last), *range(last, first, -1)]
        return there[window % len(there)]

    def sees(self, feature):
        return self.features is None or feature.startswith(self.features)

    def window_end(self, timeline, window):
        """When a window ends."""
        return timeline.end - LAST_WINDOW_AGE - (WINDOWS - 1 - window) * DAY

    def during(self, timeline, ranges, moment):
        """Whether a moment is in one of the ranges."""
        return any(timeline.hours_before_end(begin) <= moment < timeline.hours_before_end(end) for begin, end in ranges)


# The features of the first monitor that have statistics and bins too.
SHOWN = {"monetary_28d", "recency_days", "basket_value_mean_28d", "share_fuel_91d", "home_store", "campaigns_active"}

SPENDING = ("monetary_28d", "basket_value_mean", "discount_rate")
HABITS = ("frequency_28d", "weekend_share", "interpurchase")
SHARES = ("share_grocery", "share_drug_gm", "share_produce")
PEOPLE = ("age", "income", "household_size")
PLACES = ("home_store", "distinct_stores", "top_department")

FLEET = (
    Watched("ml-prod", "customer-segmentation", "growth-ml", minute=24, source_down=((262.0, 256.5),), refrozen=21 * 24, slos=True),
    Watched("ml-prod", "churn-prediction", "growth-ml", (19, 24), HABITS, 8, slos=True),
    Watched("ml-prod", "basket-forecast", "supply-ml", (27, 33), SPENDING, 16, source_down=((5.2, -1.0), (410.0, 407.0))),
    Watched("ml-prod", "coupon-response", "pricing-ml", (19, 23), ("discount_rate", "coupon_rate"), 20),
    Watched("ml-prod", "store-recommender", "growth-ml", (34, 38), PLACES, 24, dropped=True),
    Watched("ml-prod", "price-elasticity", "pricing-ml", (20, 26), SPENDING, 28),
    Watched("ml-prod", "next-visit", "growth-ml", (19, 22), HABITS, 32, slos=True),
    Watched("ml-staging", "customer-segmentation", "growth-ml", (19, 21), PEOPLE, 36, baseline=False, failure="baseline"),
    Watched("ml-staging", "churn-prediction", "growth-ml", (22, 27), HABITS, 40, exporter_down=((3.0, -1.0),)),
    Watched("ml-staging", "household-size", "growth-ml", (19, 25), PEOPLE, 44, few_rows=40),
    Watched("growth", "lifetime-value", "growth-ml", (19, 24), SPENDING, 48),
    Watched("growth", "campaign-uplift", "marketing-ml", (21, 24), ("campaigns_active", "coupons_redeemed"), 52),
    Watched("growth", "email-timing", "marketing-ml", (19, 23), HABITS, 56, failure="unauthenticated", source_down=((600.0, 594.0),)),
    Watched("growth", "onboarding", "marketing-ml", (19, 20), PEOPLE, 4),
    Watched("risk", "chargeback", "risk-ml", (19, 22), ("monetary", "frequency_28d"), 12, stale=70),
    Watched("risk", "credit-line", "risk-ml", (45, 45), ("distinct_stores", "monetary_91d", "age"), 20),
    Watched("risk", "identity-match", "risk-ml", (19, 23), PEOPLE, 28),
    Watched("supply", "demand-produce", "supply-ml", (41, 41), ("share_fuel", "share_produce"), 36),
    Watched("supply", "demand-meat", "supply-ml", (19, 24), SHARES, 44, source_down=((201.0, 200.0), (130.0, 128.0), (60.0, 58.0)), failure="timeout"),
    Watched("supply", "shelf-stockout", "supply-ml", (23, 28), SHARES, 52),
    Watched("supply", "store-traffic", "supply-ml", (19, 23), PLACES, 56),
)
