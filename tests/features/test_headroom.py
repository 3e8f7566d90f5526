"""Headroom: what was known on the day, against the limit of the day."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.frames import to_pandas
from features.headroom import headroom
from tests.features.wide import wide
from tests.golden.staged import table

D = date(2026, 6, 1)
Company = dict[str, pd.DataFrame]
KEY = ["account_id", "as_of", "metric"]


def of(tables: Company, on_engine: Any, catalog: Catalog, days: list[date], from_share: float = 0.0) -> pd.DataFrame:
    staged = on_engine({name: tables[name] for name in ("meters", "subscriptions")})
    rows = headroom(staged["meters"], staged["subscriptions"], catalog, days, from_share=from_share)
    return to_pandas(rows.to_pyarrow()).sort_values(KEY, ignore_index=True)


def one(plan: str, meters: list[dict[str, Any]]) -> Company:
    """One account on a plan since long ago."""
    return {
        "subscriptions": table(
            "subscriptions",
            [{"account_id": "a", "product_id": plan, "quantity": 10.0, "valid_from_on": date(2024, 1, 1)}],
        ),
        "meters": table("meters", [{"account_id": "a"} | row for row in meters]),
    }


def stored(days_ago: int, value: float) -> dict[str, Any]:
    return {"metric": "storage_gb", "measured_on": D - timedelta(days=days_ago), "value": value}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_stamped_on_the_day_or_later_changes_anything(
    seed: int, tiny_company: Callable[[int], Company], on_engine: Any, catalog: Catalog
) -> None:
    tables = tiny_company(seed)
    before = of(tables, on_engine, catalog, [D, D - timedelta(days=14)])
    changed = dict(tables)
    meters = tables["meters"].copy()
    late = meters["known_on"] >= pd.Timestamp(D)
    assert late.any()
    meters.loc[late, "value"] = 1e6
    changed["meters"] = meters
    pd.testing.assert_frame_equal(of(changed, on_engine, catalog, [D, D - timedelta(days=14)]), before)
    meters.loc[~late, "value"] += 1
    assert not of(changed, on_engine, catalog, [D, D - timedelta(days=14)]).equals(before)


def test_shares_and_the_straight_line_are_those_of_the_features(
    tiny_company: Callable[[int], Company], on_engine: Any, catalog: Catalog
) -> None:
    tables = tiny_company(4)
    rows = of(tables, on_engine, catalog, [D])
    features = wide(tables, catalog, [D])[0].reset_index()
    kinds = {m.id: m.kind for m in catalog.metrics}
    assert len(rows) > 3
    for row in rows.itertuples():
        told = features[features["account_id"] == row.account_id].iloc[0]
        name = "latest" if kinds[row.metric] == "gauge" else "peak_28d"
        assert row.share == pytest.approx(told[f"limit_{row.metric}_{name}"])
        assert row.line == pytest.approx(told[f"days_to_limit_{row.metric}"], nan_ok=True)


def test_without_a_limit_there_is_no_row(on_engine: Any, catalog: Catalog) -> None:
    assert not len(of(one("enterprise", [stored(1, 900.0)]), on_engine, catalog, [D]))
    assert len(of(one("pro", [stored(1, 100.0)]), on_engine, catalog, [D])) == 1


def test_a_limit_that_is_reached_has_no_row_and_one_far_from_it_neither(on_engine: Any, catalog: Catalog) -> None:
    for value, n in ((124.0, 0), (125.0, 1), (249.0, 1), (250.0, 0)):  # of 250 GB
        assert len(of(one("pro", [stored(1, value)]), on_engine, catalog, [D], from_share=0.5)) == n


def test_a_counter_has_not_begun_on_a_first(on_engine: Any, catalog: Catalog) -> None:
    calls = [{"metric": "api_calls", "measured_on": D - timedelta(days=n), "value": 9000.0} for n in range(1, 32)]
    first, later = (
        of(one("pro", calls), on_engine, catalog, [D]),
        of(one("pro", calls), on_engine, catalog, [D - timedelta(days=11)]),
    )
    assert first["share"].tolist() == [pytest.approx(31 * 9000 / 200_000)]  # May, which is over
    assert first["so_far"].tolist() == [0.0]
    assert later["so_far"].tolist() == [pytest.approx(20 * 9000 / 200_000)]


def test_earlier_shares_are_as_they_were_known_then_against_the_limit_of_today(
    on_engine: Any, catalog: Catalog
) -> None:
    rows = of(one("pro", [stored(3, 200.0), stored(29, 150.0), stored(60, 100.0)]), on_engine, catalog, [D])
    assert rows["share_28d_ago"].tolist() == [0.6]
    assert rows["share_56d_ago"].tolist() == [0.4]
    assert np.isnan(rows["share_84d_ago"]).all()
