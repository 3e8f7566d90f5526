"""No feature sees the future: rows stamped on or after D change nothing as of D or before; a row moved to D does."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.cohort import cohort
from data.contract import RAW_TABLES
from data.frames import to_pandas
from data.known import calendar
from features.build import dictionary, features
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, fired

D = date(2026, 6, 1)
BEFORE = D - timedelta(days=28)
Company = dict[str, pd.DataFrame]
OnEngine = Callable[[Company], Any]
EVENTS = sorted(set(RAW_TABLES) - {"accounts"})
slow = settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def built(tables: Company, on_engine: OnEngine, catalog: Catalog, days: list[date]) -> pd.DataFrame:
    """All features and triggers as of the days, one row per (account_id, as_of)."""
    staged = on_engine(tables)
    as_ofs = calendar(days)
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    wide = features(staged, rows, catalog, Health(), Lifecycle()).cache()
    now = fired(wide, staged["usage"], staged.get("touchpoints"), Triggers(), catalog)
    triggers = (
        to_pandas(now.to_pyarrow())
        .sort_values("trigger")
        .groupby(["account_id", "as_of"])
        .apply(lambda r: r.to_csv(index=False))
    )
    named = ["account_id", "as_of", *[f.name for f in dictionary(catalog, Health(), Lifecycle())]]
    # today's attributes of `accounts` serve display; features come from the changes
    found = to_pandas(wide.select(*named).to_pyarrow()).set_index(["account_id", "as_of"]).sort_index()
    return found.assign(triggers=triggers)


def later(tables: Company, changes: dict[str, str], seed: int) -> Company:
    """The company with the rows stamped on or after D kept, deleted, changed, or with others beside them.

    Of the others, some are stamped on D itself, the first day that must not be seen.
    """
    rng = np.random.default_rng(seed)
    found = dict(tables)
    for name, change in changes.items():
        rows = tables[name]
        is_late = rows["known_on"] >= pd.Timestamp(D)
        kept, late = rows[~is_late], rows[is_late]
        if change == "delete":
            found[name] = kept.reset_index(drop=True)
        elif change == "change":
            found[name] = pd.concat([kept, _others(name, late, rng)], ignore_index=True)
        elif change == "add":
            day = pd.Timedelta(days=1)
            after, on = _others(name, late, rng, ids="-after"), _others(name, rows.tail(9), rng, ids="-on")
            stamp = RAW_TABLES[name].stamp
            after = after.assign(**{stamp: after[stamp] + day, "known_on": after["known_on"] + day})
            on = on.assign(**{stamp: pd.Timestamp(D), "known_on": pd.Timestamp(D)})
            found[name] = pd.concat([rows, after, on], ignore_index=True)
    # what an earlier row learns later: its end, its closing, its answer
    if "change" in changes.values():
        found["subscriptions"] = _reopened(found["subscriptions"], "valid_to_on")
        found["tickets"] = _reopened(found["tickets"], "closed_at")
        found["proposals"] = _reopened(found["proposals"], "decided_at")
    return found


def _others(name: str, rows: pd.DataFrame, rng: np.random.Generator, ids: str = "") -> pd.DataFrame:
    """Rows of the same accounts and days with other contents, under ids of their own."""
    changed = rows.copy()
    for column, spec in RAW_TABLES[name].columns.items():
        if column in ("account_id", RAW_TABLES[name].stamp) or column in RAW_TABLES[name].key:
            continue
        if spec.type in ("float", "int") and spec.at_most is None:
            changed[column] = rng.integers(1, 9999, len(rows))
        elif spec.among:
            changed[column] = rng.choice(spec.among, len(rows))
    for key in RAW_TABLES[name].key:
        if key.endswith("_id") and key != "account_id":
            changed[key] = changed[key] + ids
    return changed


def _reopened(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """What was filled in on or after D is empty, as it was before."""
    is_late = rows[column] >= pd.Timestamp(D)
    changed = rows.copy()
    changed.loc[is_late, column] = pd.NaT
    for name in {"closed_at": ["csat"], "valid_to_on": ["ended_reason"], "decided_at": ["reason"]}[column]:
        changed[name] = changed[name].astype(object).where(~is_late, None)
    if column == "decided_at":
        changed.loc[is_late, "outcome"] = "open"
    return changed


@pytest.fixture
def as_it_is(
    tiny_company: Callable[[int], Company], on_engine: OnEngine, catalog: Catalog
) -> Callable[[int], pd.DataFrame]:
    """What is built of a seed's company: once, since what takes longest is to write the queries."""
    return cache(lambda seed: built(tiny_company(seed), on_engine, catalog, [BEFORE, D]))


@slow
@given(
    seed=st.integers(1, 3),
    changes=st.fixed_dictionaries({name: st.sampled_from(["keep", "delete", "change", "add"]) for name in EVENTS}),
    contents=st.integers(0, 10_000),
)
@example(seed=1, changes=dict.fromkeys(sorted(RAW_TABLES), "delete"), contents=1)
@example(seed=2, changes=dict.fromkeys(EVENTS, "change"), contents=2)
@example(seed=3, changes=dict.fromkeys(EVENTS, "add"), contents=3)
def test_what_is_stamped_on_d_or_later_changes_nothing(
    seed: int,
    changes: dict[str, str],
    contents: int,
    as_it_is: Callable[[int], pd.DataFrame],
    tiny_company: Callable[[int], Company],
    on_engine: OnEngine,
    catalog: Catalog,
) -> None:
    found = built(later(tiny_company(seed), changes, contents), on_engine, catalog, [BEFORE, D])
    pd.testing.assert_frame_equal(found, as_it_is(seed), check_exact=True)


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    # a row stamped on D − 1 of each table, and a feature that counts it
    "usage": ({"feature": "tasks", "kind": "used", "n_events": 500, "n_users": 99}, "events_7d"),
    "meters": ({"metric": "storage_gb", "value": 7777.0}, "limit_storage_gb_peak_28d"),
    "tickets": ({"ticket_id": "T-x", "severity": "urgent", "category": "bug"}, "open_serious_tickets"),
    "surveys": ({"nps": 1}, "nps_age_days"),
    "touchpoints": ({"kind": "training", "n_attendees": 5, "has_executive": True}, "trainings_180d"),
    "life_events": ({"kind": "funding"}, "life_events_180d"),
    "proposals": (
        {"proposal_id": "P-x", "offer_id": "seats_20", "discount_pct": 0.0, "outcome": "open"},
        "proposals_365d",
    ),
    "account_changes": ({"field": "employee_count", "value": "123456"}, "employee_count"),
    "subscriptions": (
        {"subscription_id": "S-x", "product_id": "security", "quantity": 1.0, "mrr": 5.0, "discount_pct": 0.0}
        | {"billing": "monthly"},
        "n_add_ons",
    ),
}  # fmt: skip


def test_a_row_counts_the_day_before_and_not_on_the_day(
    tiny_company: Callable[[int], Company], on_engine: OnEngine, catalog: Catalog
) -> None:
    tables = tiny_company(5)
    start = pd.Timestamp("2026-01-01")
    plan = tables["subscriptions"].iloc[[0]].assign(
        subscription_id="S-0", account_id="A-0", product_id="starter", valid_from_on=start, valid_to_on=pd.NaT,
        known_on=start,
    )  # fmt: skip
    others = tables["subscriptions"][tables["subscriptions"]["account_id"] != "A-0"]
    tables["subscriptions"] = pd.concat([others, plan], ignore_index=True)

    def with_rows(before_midnight: bool) -> pd.DataFrame:
        found = dict(tables)
        for name, (content, _) in ROWS.items():
            stamp = RAW_TABLES[name].stamp
            step = (
                pd.Timedelta(seconds=1) if RAW_TABLES[name].columns[stamp].type == "timestamp" else pd.Timedelta(days=1)
            )
            at = pd.Timestamp(D) - step if before_midnight else pd.Timestamp(D)
            row = dict.fromkeys(tables[name].columns) | content
            row |= {"account_id": "A-0", stamp: at, "known_on": at.normalize()}
            more = pd.DataFrame([row]).astype(object)
            found[name] = pd.concat([tables[name].astype(object), more], ignore_index=True)
        return built(found, on_engine, catalog, [D])

    without = built(tables, on_engine, catalog, [D])
    pd.testing.assert_frame_equal(with_rows(before_midnight=False), without, check_exact=True)
    seen = with_rows(before_midnight=True).loc[("A-0", pd.Timestamp(D))]
    for name, (_, feature) in ROWS.items():
        assert str(seen[feature]) != str(without.loc[("A-0", pd.Timestamp(D)), feature]), name


def test_every_table_has_a_row_that_counts() -> None:
    assert sorted(ROWS) == EVENTS


def test_a_late_row_counts_from_the_day_it_was_recorded(
    tiny_company: Callable[[int], Company], on_engine: OnEngine, catalog: Catalog
) -> None:
    tables = tiny_company(8)
    usage = tables["usage"]
    row = {"account_id": "A-0", "used_on": pd.Timestamp(D) - pd.Timedelta(days=10), "feature": "sso", "kind": "used"}
    row |= {"n_events": 400, "n_users": 3}
    days = [D, D + timedelta(days=1)]
    late = pd.DataFrame([row | {"known_on": pd.Timestamp(D)}])
    without = built(tables, on_engine, catalog, days)
    recorded = built({**tables, "usage": pd.concat([usage, late], ignore_index=True)}, on_engine, catalog, days)
    account = without.index[0][0]
    assert account == "A-0"
    first, second = [("A-0", pd.Timestamp(day)) for day in days]
    pd.testing.assert_series_equal(recorded.loc[first], without.loc[first])
    assert recorded.loc[second, "events_28d"] == without.loc[second, "events_28d"] + 400
