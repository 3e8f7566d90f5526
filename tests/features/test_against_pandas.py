"""Use, adoption and limits against a slow twin: plain loops over the rows of one account as of one day."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from tests.features.wide import wide

# the first of a month, the second, mid-month, the days around the 28th, the turn of a short month
DAYS = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 4, 29), date(2026, 5, 28), date(2026, 5, 29), date(2026, 6, 1)]
SEEDS = [11, 12]
NAN = float("nan")


def crowded(tables: dict[str, pd.DataFrame], seed: int, catalog: Catalog) -> dict[str, pd.DataFrame]:
    """The tiny company with much more use and measurement, over half a year, with zeros and gaps."""
    rng = np.random.default_rng(seed)
    ids = tables["accounts"]["account_id"].tolist()
    first = pd.Timestamp("2025-11-20")
    usage, meters = [], []
    for i, account in enumerate(ids):
        for offset in range(200):
            day = first + pd.Timedelta(days=offset)
            if rng.random() < 0.35 + 0.1 * (i % 3):
                for name in rng.choice([f.id for f in catalog.features], 2 + i % 3, replace=False):
                    kind = rng.choice(["used", "used", "used", "gated", "trial"])
                    usage.append((account, day, name, kind, int(rng.integers(0, 30)), int(rng.integers(0, 9))))
            for metric, scale in (("active_users", 20), ("storage_gb", 40), ("api_calls", 700)):
                if rng.random() < 0.8 and (i, metric) != (2, "storage_gb"):
                    grown = scale * (0.3 + i / 4) * (0.5 + offset / 200) * rng.uniform(0.7, 1.3)
                    meters.append((account, day, metric, float(round(grown))))
    # one that used it daily, and stopped
    usage = [row for row in usage if row[0] != ids[1] or row[1] < pd.Timestamp("2026-04-20")]
    # power use: one feature nearly every working day
    usage += [(ids[0], day, "tasks", "used", 5, 2) for day in pd.bdate_range("2026-01-01", "2026-05-31")]
    found = pd.DataFrame(usage, columns=["account_id", "used_on", "feature", "kind", "n_events", "n_users"])
    found = found.drop_duplicates(["account_id", "used_on", "feature", "kind"])
    measured = pd.DataFrame(meters, columns=["account_id", "measured_on", "metric", "value"])
    late = rng.random(len(found)) < 0.05
    return tables | {
        "usage": found.assign(known_on=found["used_on"] + pd.to_timedelta(3 * late, unit="D")),
        "meters": measured.assign(known_on=measured["measured_on"]),
    }


@pytest.fixture(scope="module", params=SEEDS)
def company(request: Any, tiny_company: Callable[[int], dict[str, pd.DataFrame]], catalog: Catalog) -> Any:
    tables = crowded(tiny_company(request.param), request.param, catalog)
    found, _ = wide(tables, catalog, DAYS)
    assert len(found) > 15
    return tables, found


def agree(found: pd.DataFrame, expected: dict[Any, dict[str, float]]) -> None:
    slow = pd.DataFrame.from_dict(expected, orient="index").astype("float64")
    slow.index = pd.MultiIndex.from_tuples(slow.index)
    fast = found.loc[slow.index, slow.columns].apply(pd.to_numeric).astype("float64")
    fast.index = slow.index
    pd.testing.assert_frame_equal(fast, slow, rtol=1e-9, atol=1e-9, check_names=False)


def of_account(rows: pd.DataFrame, day_column: str, key: tuple[str, pd.Timestamp]) -> list[Any]:
    account, as_of = key
    rows = rows[(rows["account_id"] == account) & (rows["known_on"] < as_of)]
    return list(rows.assign(age=(as_of - rows[day_column]).dt.days).query("age >= 1").itertuples())


def ratio(a: float, b: float) -> float:
    return a / b if b else NAN


def test_use(company: Any) -> None:
    tables, found = company
    expected = {}
    for key in found.index:
        rows = [r for r in of_account(tables["usage"], "used_on", key) if r.kind != "gated" and r.age <= 90]

        def total(first: int, last: int, what: str = "n_events", rows: list[Any] = rows) -> int:
            return sum(getattr(r, what) for r in rows if first <= r.age <= last)

        weeks = [total(56 - 7 * i - 6, 56 - 7 * i) for i in range(8)]  # the oldest first
        is_old = (key[1] - tables["accounts"].set_index("account_id")["signed_up_on"][key[0]]).days >= 56
        ages = [r.age for r in rows]
        trend = np.polyfit(range(8), weeks, 1)[0] / np.mean(weeks) if sum(weeks) and is_old else NAN
        change = ratio(total(1, 28), total(29, 56)) - 1 if is_old else NAN
        users = ratio(total(1, 28, "n_users"), total(29, 56, "n_users")) - 1 if is_old else NAN
        expected[key] = {
            "events_7d": total(1, 7),
            "events_28d": total(1, 28),
            "events_90d": total(1, 90),
            "active_days_7d": len({r.used_on for r in rows if r.age <= 7}),
            "active_days_28d": len({r.used_on for r in rows if r.age <= 28}),
            "use_trend_8w": trend,
            "use_change_28d": change,
            "users_change_28d": users,
            "days_since_use": min(ages, default=91),
            "peak_users_28d": max((r.n_users for r in rows if r.age <= 28), default=0),
            "events_per_seat_28d": ratio(total(1, 28), found.loc[key, "seats"]),
        }
    agree(found, expected)


def test_use_against_peers(company: Any) -> None:
    _, found = company
    for feature, of in (("use_vs_peers", "events_per_seat_28d"), ("adoption_vs_peers", "adoption_rate")):
        for (_account, as_of), row in found.iterrows():
            peers = found.xs(as_of, level="as_of").query("plan_id == @row.plan_id")[of]
            less = int((peers < row[of]).sum())
            assert row[feature] == pytest.approx(less / (len(peers) - 1) if len(peers) > 1 else 0.0)


def test_adoption(company: Any, catalog: Catalog) -> None:
    tables, found = company
    expected = {}
    core = {f.id for f in catalog.features if f.is_core}
    for key, row in found.iterrows():
        plan = catalog.plan(row["plan_id"])
        above = catalog.plan_beside(plan.id, 1)
        every = of_account(tables["usage"], "used_on", key)
        month = [r for r in every if r.age <= 28]
        used = {r.feature for r in month if r.kind == "used"}
        days = {f: len({r.used_on for r in month if r.kind == "used" and r.feature == f}) for f in used}
        gated = [r for r in month if r.kind == "gated"]
        trials = [r for r in month if r.kind == "trial"]
        next_ones = set(above.features) - set(plan.features) if above else set()
        first = {}
        for r in every:
            if r.kind == "used":
                first[r.feature] = max(first.get(r.feature, 0), r.age)
        old_gated = {
            f
            for f in {r.feature for r in every}
            if sum(r.n_events for r in every if r.kind == "gated" and r.feature == f and r.age <= 90)
        }
        expected[key] = {
            "features_used_28d": len(used),
            "plan_features_used_28d": len(used & set(plan.features)),
            "core_features_used_28d": len(used & core & set(plan.features)),
            "deep_features_28d": sum(n >= 12 for n in days.values()),
            "gated_events_28d": sum(r.n_events for r in gated),
            "gated_next_plan_28d": sum(r.n_events for r in gated if r.feature in next_ones),
            "gated_analytics_28d": sum(r.n_events for r in gated if r.feature == "forecast"),
            "gated_security_28d": sum(r.n_events for r in gated if r.feature in ("sso", "audit_log")),
            "gated_features_90d": len(old_gated),
            "trial_days_28d": max(
                (len({r.used_on for r in trials if r.feature == f}) for f in {r.feature for r in trials}), default=0
            ),
            "features_new_28d": sum(age <= 28 for age in first.values()),
            "adoption_rate": len(used & set(plan.features)) / len(plan.features),
            "core_adoption_rate": len(used & core & set(plan.features)) / len(core & set(plan.features)),
        }
    agree(found, expected)
    # power use is there to be counted
    assert found["deep_features_28d"].max() >= 1


def limit_of(metric: str, products: list[Any], catalog: Catalog) -> float:
    """The plans' limits and the add-ons' added up; infinite where any plan has none. Users press on the seats."""
    total = 0.0
    for row in products:
        product = catalog.products[row.product_id]
        is_plan = row.product_id in {p.id for p in catalog.plans}
        if metric == "active_users":
            limit = row.quantity if is_plan else 0.0
        else:
            limit = product.limits.get(metric)
            if limit is None:
                limit = math.inf if is_plan else 0.0
        total += limit
    return total


def test_limits(company: Any, catalog: Catalog) -> None:
    tables, found = company
    expected = {}
    for key in found.index:
        as_of, subscriptions = key[1], tables["subscriptions"]
        of_it = (subscriptions["account_id"] == key[0]) & (subscriptions["valid_from_on"] < as_of)
        subscriptions = subscriptions[of_it]
        ends = subscriptions["valid_to_on"]
        running = list(subscriptions[ends.isna() | (ends >= as_of)].itertuples())
        meters = of_account(tables["meters"], "measured_on", key)
        row = {}
        for metric in catalog.metrics:
            m = metric.id
            limit = limit_of(m, running, catalog)
            mine = [r for r in meters if r.metric == m]
            month = [r for r in mine if r.age <= 28]
            if math.isinf(limit):
                row |= {f"limit_{m}_latest": NAN, f"limit_{m}_peak_28d": NAN, f"days_to_limit_{m}": NAN}
                continue
            if metric.kind == "gauge":
                latest = min(month, key=lambda r: r.age).value if month else NAN
                peak = max((r.value for r in month), default=NAN)
                slope = np.polyfit([-r.age for r in month], [r.value for r in month], 1)[0] if len(month) > 1 else NAN
                room = limit - latest
                days = NAN if math.isnan(room) else 0.0 if room <= 0 else room / slope if slope > 0 else 365.0
            else:
                # the counter as it stood at the end of each day of the month that yesterday belongs to
                levels = {}
                for age in range(1, 29):
                    day = as_of - timedelta(days=age)
                    month_of = [r.value for r in mine if r.measured_on <= day and r.measured_on >= day.replace(day=1)]
                    levels[age] = sum(month_of)
                latest, peak = levels[1], max(levels.values())
                rate = sum(r.value for r in mine if r.age <= 28) / 28
                before = sum(r.value for r in mine if 28 < r.age <= 56) / 28
                growth = (rate - before) / 28
                yesterday = as_of - timedelta(days=1)
                left = (yesterday.replace(day=1) + pd.offsets.MonthBegin(1) - as_of).days
                month_long = 365.25 / 12
                if latest >= limit:
                    days = 0.0
                elif rate == 0:
                    days = 365.0
                elif rate * left >= limit - latest:
                    days = (limit - latest) / rate
                elif rate * month_long >= limit:
                    days = left + limit / rate
                elif growth > 0:
                    days = max((limit / month_long - rate) / growth, left + month_long)
                else:
                    days = 365.0
            row |= {f"limit_{m}_latest": latest / limit, f"limit_{m}_peak_28d": peak / limit}
            row[f"days_to_limit_{m}"] = min(days, 365.0)
        peaks = [row[f"limit_{m.id}_peak_28d"] for m in catalog.metrics]
        known = [p for p in peaks if not math.isnan(p)]
        row["limit_peak"] = max(known, default=NAN)
        row["limits_over_80"] = sum(p >= 0.8 for p in known) if known else NAN
        row["days_to_limit"] = min(
            (d for m in catalog.metrics if not math.isnan(d := row[f"days_to_limit_{m.id}"])), default=NAN
        )
        expected[key] = row
    agree(found, expected)
    said = pd.DataFrame.from_dict(expected, orient="index")
    assert said["limit_storage_gb_peak_28d"].isna().any()  # an account without, or without a limit
    assert (said["days_to_limit_api_calls"].between(1, 364)).any()
