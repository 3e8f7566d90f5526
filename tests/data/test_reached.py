"""When a limit is reached, word for word and against a slow twin that shares no line with the code."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import ibis
import pandas as pd
import pytest

from data.catalog import Catalog
from data.frames import to_pandas
from data.reached import reached
from tests.golden.staged import table

D = date(2026, 3, 1)
H = 180
LONG_AFTER = date(2027, 1, 1)
Company = dict[str, pd.DataFrame]


def found(
    on_engine: Any, catalog: Catalog, meters: list[dict[str, Any]], *, metric: str = "storage_gb", limit: float = 100.0,
    as_of: date = D, known_by: date = LONG_AFTER, valid_to_on: date | None = None,
) -> tuple[float | None, int]:  # fmt: skip
    """Days until the limit (None: never), and days seen, of one account."""
    staged = on_engine(
        {
            "meters": table("meters", [{"account_id": "a", "metric": metric} | row for row in meters]),
            "subscriptions": table(
                "subscriptions",
                [
                    {
                        "account_id": "a",
                        "product_id": "pro",
                        "valid_from_on": date(2025, 1, 1),
                        "valid_to_on": valid_to_on,
                    }
                ],
            ),
        }
    )
    rows = ibis.memtable(
        {"account_id": ["a"], "as_of": [as_of], "metric": [metric], "limit": [limit]},
        schema={"account_id": "string", "as_of": "date", "metric": "string", "limit": "float64"},
    )
    out = reached(rows, staged["meters"], staged["subscriptions"], catalog, horizon_days=H, known_by=known_by)
    (row,) = to_pandas(out.to_pyarrow()).to_dict("records")
    return (None if pd.isna(row["reached_after"]) else row["reached_after"]), row["seen_days"]


def at(days: int, value: float, **more: Any) -> dict[str, Any]:
    return {"measured_on": D + timedelta(days=days), "value": value, **more}


@pytest.mark.parametrize(
    ("meters", "after"),
    [
        ([at(-1, 150), at(7, 99.9)], None),  # before the day does not count
        ([at(0, 100), at(7, 120)], 0),  # the day itself does, and so does the limit itself
        ([at(30, 120), at(14, 101), at(60, 90)], 14),  # the first day of several
        ([at(H - 1, 100)], H - 1),
        ([at(H, 500)], None),  # the horizon is half-open
    ],
)
def test_a_gauge_reaches_its_limit_where_it_stands_at_it(
    on_engine: Any, catalog: Catalog, meters: list[dict[str, Any]], after: int | None
) -> None:
    assert found(on_engine, catalog, meters) == (after, H)


def test_a_counter_starts_from_nothing_each_month(on_engine: Any, catalog: Catalog) -> None:
    calls = [at(days, 10) for days in range(40)]  # 31 days of March: 310
    assert found(on_engine, catalog, calls, metric="api_calls", limit=300)[0] == 29
    assert found(on_engine, catalog, calls, metric="api_calls", limit=311)[0] is None


def test_a_counter_stands_at_what_its_month_counted_before_the_day(on_engine: Any, catalog: Catalog) -> None:
    calls = [at(days, 10) for days in range(31)]
    middle = D + timedelta(days=20)
    assert found(on_engine, catalog, calls, metric="api_calls", limit=250, as_of=middle)[0] == 4


def test_what_is_known_later_is_not_read(on_engine: Any, catalog: Catalog) -> None:
    row = at(14, 120, known_on=pd.Timestamp(D + timedelta(days=50)))
    assert found(on_engine, catalog, [row], known_by=D + timedelta(days=51))[0] == 14
    assert found(on_engine, catalog, [row], known_by=D + timedelta(days=50))[0] is None


def test_an_account_is_seen_until_it_leaves(on_engine: Any, catalog: Catalog) -> None:
    leaves = D + timedelta(days=33)
    assert found(on_engine, catalog, [at(0, 1)], valid_to_on=leaves) == (None, 33)
    assert found(on_engine, catalog, [at(0, 1)], valid_to_on=D + timedelta(days=400)) == (None, H)


def test_against_a_slow_twin(tiny_company: Callable[[int], Company], on_engine: Any, catalog: Catalog) -> None:
    tables = tiny_company(5)
    staged = on_engine({name: tables[name] for name in ("meters", "subscriptions")})
    days = [date(2026, 4, 1), date(2026, 4, 13), date(2026, 5, 20)]
    asked = [
        (account, day, metric.id, limit)
        for account in sorted(tables["accounts"]["account_id"])
        for day in days
        for metric in catalog.metrics
        for limit in (260.0 if metric.kind == "gauge" else 700.0,)
    ]
    names = ["account_id", "as_of", "metric", "limit"]
    rows = ibis.memtable(
        {name: [row[i] for row in asked] for i, name in enumerate(names)},
        schema={"account_id": "string", "as_of": "date", "metric": "string", "limit": "float64"},
    )
    known_by = date(2026, 6, 20)
    out = reached(rows, staged["meters"], staged["subscriptions"], catalog, horizon_days=40, known_by=known_by)
    got = to_pandas(out.to_pyarrow())
    by_key = {(r.account_id, r.as_of.date(), r.metric): r.reached_after for r in got.itertuples()}
    counters = {m.id for m in catalog.metrics if m.kind == "monthly_counter"}
    meters = tables["meters"][tables["meters"]["known_on"] < pd.Timestamp(known_by)]
    n_reached = 0
    for account, day, metric, limit in asked:
        mine = meters[(meters["account_id"] == account) & (meters["metric"] == metric)]
        expected = None
        for ahead in range(40):
            today = pd.Timestamp(day) + pd.Timedelta(days=ahead)
            if not (mine["measured_on"] == today).any():
                continue
            if metric in counters:
                so_far = mine["measured_on"].between(today.replace(day=1), today)
                level = mine.loc[so_far, "value"].sum()
            else:
                level = mine.loc[mine["measured_on"] == today, "value"].iloc[0]
            if level >= limit:
                expected, n_reached = ahead, n_reached + 1
                break
        value = by_key[account, day, metric]
        assert (None if pd.isna(value) else value) == expected
    assert 10 < n_reached < len(asked)
