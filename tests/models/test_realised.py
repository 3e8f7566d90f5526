"""Seats that are added now: ahead of those to come, or on top of them."""

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from models import organic, realised
from models.months import Months


def learnt(catalog: Catalog, *, once: bool) -> realised.Seats:
    """Accounts that add a fifth of their seats of their own accord: once and no more, or again and again."""
    draw = np.random.default_rng(4)
    n, months = 3000, pd.date_range("2023-01-01", periods=28, freq="MS")
    seats, has = np.full(n, 50.0), np.zeros(n, dtype=bool)
    frames = []
    for day in months:
        frames.append(pd.DataFrame({
            "account_id": [f"A{i:05}" for i in range(n)], "as_of": day, "plan_id": "pro", "plan_tier": 2,
            "seats": seats, "mrr": 99 + 15 * seats, "billing": "monthly", "add_ons": None, "current_discount_pct": 0.0,
            "days_to_renewal": 20.0, "has_grown": has.astype(float),
        }))  # fmt: skip
        grows = (draw.random(n) < 0.06) & ~(has & once)
        seats, has = np.where(grows, seats * 1.2, seats), has | grows
    snapshots = pd.concat(frames, ignore_index=True)
    nobody = pd.DataFrame({"account_id": pd.Series(dtype=str), "proposed_at": pd.Series(dtype="datetime64[us]")})
    wide = Months.of(snapshots, nobody, catalog)
    model = organic.fit(snapshots, wide, catalog, ["has_grown"], horizon_days=90, max_rows=100_000, seed=1)
    return realised.seats(model, snapshots, wide, catalog, seed=1)


def test_what_is_bought_once_was_only_bought_sooner(catalog: Catalog) -> None:
    found = learnt(catalog, once=True)
    assert found.step == pytest.approx(0.2, abs=0.01)
    assert found.forestalled > 0.9


def test_what_is_bought_again_and_again_stays_on_top(catalog: Catalog) -> None:
    assert learnt(catalog, once=False).forestalled < 0.15


def test_where_nobody_ever_added_seats_all_of_it_is_ahead(catalog: Catalog) -> None:
    assert realised.Seats() == realised.Seats(step=0.0, forestalled=1.0)
