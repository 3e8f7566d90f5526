"""The terms as of a day: half-open periods, several plans at once, the next renewal."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog
from data.frames import to_pandas
from data.known import calendar
from data.terms import running, state
from tests.golden.staged import table

D = date(2026, 6, 1)
State = Callable[..., pd.DataFrame]


@pytest.fixture
def as_of(on_engine: Any, catalog: Catalog) -> State:
    """The state of rows of subscriptions of one account as of some days, by day."""

    def find(*rows: dict[str, Any], days: tuple[date, ...] = (D,)) -> pd.DataFrame:
        frame = table("subscriptions", [{"account_id": "a", "valid_from_on": "2025-01-01"} | row for row in rows])
        staged = on_engine({"subscriptions": frame})
        found = to_pandas(state(staged["subscriptions"], catalog, calendar(list(days))).to_pyarrow())
        assert not found.duplicated(["account_id", "as_of"]).any()
        return found.set_index("as_of").sort_index()

    return find


def plan(product_id: str, **more: Any) -> dict[str, Any]:
    return {"product_id": product_id} | more


def test_a_row_that_starts_on_the_day_is_not_known(as_of: State) -> None:
    assert as_of(plan("pro", valid_from_on="2026-06-01")).empty
    assert len(as_of(plan("pro", valid_from_on="2026-05-31"))) == 1


def test_a_row_that_ends_on_the_day_still_runs(as_of: State) -> None:
    assert len(as_of(plan("pro", valid_to_on="2026-06-01"))) == 1
    assert as_of(plan("pro", valid_to_on="2026-05-31")).empty


def test_a_change_of_terms_leaves_no_day_without_and_none_with_both(as_of: State) -> None:
    days = tuple(D + timedelta(days=n) for n in range(-3, 4))
    found = as_of(
        plan("starter", quantity=5.0, mrr=74.0, valid_to_on="2026-06-01"),
        plan("pro", quantity=7.0, mrr=204.0, valid_from_on="2026-06-01"),
        days=days,
    )
    assert found["plan_id"].tolist() == ["starter"] * 4 + ["pro"] * 3
    assert found["seats"].tolist() == [5.0] * 4 + [7.0] * 3
    assert found["mrr"].tolist() == [74.0] * 4 + [204.0] * 3


def test_a_row_recorded_late_counts_from_then(as_of: State) -> None:
    late = plan("pro", valid_from_on="2026-05-01", known_on=pd.Timestamp("2026-06-01"))
    found = as_of(late, days=(D, D + timedelta(days=1)))
    assert found.index.tolist() == [pd.Timestamp("2026-06-02")]


def test_a_gap_is_inactive_and_a_return_is_active(as_of: State) -> None:
    found = as_of(
        plan("pro", valid_to_on="2026-04-10"),
        plan("starter", valid_from_on="2026-05-20"),
        days=(date(2026, 4, 10), date(2026, 4, 11), date(2026, 5, 20), date(2026, 5, 21)),
    )
    assert [str(day.date()) for day in found.index] == ["2026-04-10", "2026-05-21"]
    assert found["plan_id"].tolist() == ["pro", "starter"]


def test_of_several_plans_the_highest_tier_names_and_all_are_summed(as_of: State) -> None:
    row = as_of(
        plan("starter", quantity=50.0, mrr=400.0, billing="monthly", discount_pct=10.0),
        plan("enterprise", quantity=3.0, mrr=100.0, billing="annual", discount_pct=0.0, valid_from_on="2024-03-01"),
        plan("free", quantity=2.0, mrr=0.0),
        plan("analytics", quantity=99.0, mrr=300.0, discount_pct=20.0),
    ).iloc[0]
    assert (row["plan_id"], row["plan_tier"], row["billing"]) == ("enterprise", 3, "annual")
    assert row["seats"] == 55.0  # an add-on's quantity is no seat
    assert row["mrr"] == 800.0
    assert row["current_discount_pct"] == pytest.approx((10 * 400 + 20 * 300) / 800)
    assert (row["n_add_ons"], row["add_ons"]) == (1, "analytics")


def test_a_free_plan_is_active_and_an_add_on_alone_is_not(as_of: State) -> None:
    row = as_of(plan("free", quantity=2.0)).iloc[0]
    assert (row["plan_id"], row["plan_tier"], row["mrr"], row["n_add_ons"]) == ("free", 0, 0.0, 0)
    assert pd.isna(row["current_discount_pct"])
    assert as_of(plan("analytics", mrr=40.0)).empty


def test_the_end_and_its_reason_are_not_read_before_their_day(on_engine: Any, catalog: Catalog) -> None:
    rows = [plan("pro", account_id="a", valid_from_on="2025-01-01", valid_to_on="2026-06-20", ended_reason="price")]
    staged = on_engine({"subscriptions": table("subscriptions", rows)})
    found = to_pandas(running(staged["subscriptions"], catalog, calendar([D])).to_pyarrow())
    assert found[["valid_to_on", "ended_reason"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("billing", "renews_on", "day", "expected"),
    [
        ("monthly", "2026-06-10", "2026-06-01", "2026-06-10"),
        ("monthly", "2026-06-01", "2026-06-01", "2026-06-01"),  # today is a renewal
        ("monthly", "2025-02-14", "2026-06-01", "2026-06-14"),  # long ago
        ("monthly", "2025-02-14", "2026-06-15", "2026-07-14"),
        ("monthly", "2027-03-14", "2026-06-01", "2026-06-14"),  # ahead: whole terms back
        ("monthly", "2025-12-31", "2026-02-10", "2026-02-28"),  # the 31st of a short month is its last day
        ("monthly", "2025-12-31", "2026-02-28", "2026-02-28"),
        ("monthly", "2025-12-31", "2026-03-01", "2026-03-31"),  # and the 31st again after it
        ("monthly", "2026-01-15", "2026-12-20", "2027-01-15"),  # over the year's turn
        ("annual", "2026-09-30", "2026-06-01", "2026-09-30"),
        ("annual", "2024-06-01", "2026-06-01", "2026-06-01"),
        ("annual", "2024-05-31", "2026-06-01", "2027-05-31"),
        ("annual", "2028-05-31", "2026-06-01", "2027-05-31"),
        ("annual", "2024-02-29", "2025-02-10", "2025-02-28"),  # a leap day in a common year
        ("annual", "2024-02-29", "2025-03-01", "2026-02-28"),
        ("annual", "2024-02-29", "2028-02-01", "2028-02-29"),
    ],
)
def test_the_next_renewal(billing: str, renews_on: str, day: str, expected: str, as_of: State) -> None:
    row = plan("pro", billing=billing, renews_on=renews_on, valid_from_on="2024-01-01")
    found = as_of(row, days=(date.fromisoformat(day),))
    assert str(found["renews_on"].iloc[0].date()) == expected


def test_no_renewal_date_gives_none(as_of: State) -> None:
    assert as_of(plan("pro"))["renews_on"].isna().all()


def test_the_renewal_is_the_named_plans_own(as_of: State) -> None:
    row = as_of(plan("starter", renews_on="2026-06-05"), plan("pro", billing="annual", renews_on="2026-11-01")).iloc[0]
    assert row["renews_on"] == pd.Timestamp("2026-11-01")
