"""A change of terms is one of plan, seats, add-ons or billing, told once, on its day."""

import pandas as pd
import pytest

from data.catalog import Catalog
from data.term_changes import changes


def told(catalog: Catalog, *rows: tuple[object, ...]) -> list[tuple[object, ...]]:
    """(day, kind, what or was or seats) of the changes; rows: product, from, to, seats, billing."""
    names = ["product_id", "valid_from_on", "valid_to_on", "quantity", "billing"]
    given = pd.DataFrame(list(rows), columns=names).assign(account_id="a", mrr=range(len(rows)))
    found = changes(given, catalog).astype(object)
    return [
        (str(on.date()), kind, *(value for value in (what, was, before, after) if not pd.isna(value)))
        for on, kind, what, was, before, after in found.drop(columns="account_id").itertuples(index=False)
    ]


def test_an_upgrade_with_more_seats_and_an_add_on_that_comes_and_goes(catalog: Catalog) -> None:
    assert told(
        catalog,
        ("starter", "2025-01-01", "2025-06-01", 5.0, "monthly"),
        ("pro", "2025-06-01", None, 8.0, "annual"),
        ("analytics", "2025-03-01", "2025-09-01", 1.0, "monthly"),
    ) == [
        ("2025-01-01", "started", "starter", 5.0),
        ("2025-03-01", "added", "analytics"),
        ("2025-06-01", "moved", "pro", "starter"),
        ("2025-06-01", "seats", 5.0, 8.0),
        ("2025-06-01", "billing", "annual", "monthly"),
        ("2025-09-01", "dropped", "analytics"),
    ]


def test_a_new_price_alone_is_no_change(catalog: Catalog) -> None:
    months = [("pro", f"2025-0{m}-01", f"2025-0{m + 1}-01", 5.0, "monthly") for m in range(1, 6)]
    assert told(catalog, *months, ("pro", "2025-06-01", None, 5.0, "monthly")) == [
        ("2025-01-01", "started", "pro", 5.0)
    ]


def test_who_left_and_came_back_started_twice_and_dropped_nothing_on_the_way(catalog: Catalog) -> None:
    assert told(
        catalog,
        ("pro", "2025-01-01", "2025-03-01", 5.0, "monthly"),
        ("analytics", "2025-01-01", "2025-03-01", 1.0, "monthly"),
        ("free", "2025-05-01", None, 2.0, "monthly"),
    ) == [
        ("2025-01-01", "started", "pro", 5.0),
        ("2025-01-01", "added", "analytics"),
        ("2025-03-01", "left", "pro"),
        ("2025-05-01", "started", "free", 2.0),
    ]


def test_of_two_plans_at_once_the_higher_is_the_plan_and_seats_add_up(catalog: Catalog) -> None:
    assert told(
        catalog,
        ("starter", "2025-01-01", None, 5.0, "monthly"),
        ("pro", "2025-02-01", "2025-04-01", 3.0, "monthly"),
    ) == [
        ("2025-01-01", "started", "starter", 5.0),
        ("2025-02-01", "moved", "pro", "starter"),
        ("2025-02-01", "seats", 5.0, 8.0),
        ("2025-04-01", "moved", "starter", "pro"),
        ("2025-04-01", "seats", 8.0, 5.0),
    ]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_the_order_of_rows_and_other_accounts_change_nothing(catalog: Catalog, order: list[int]) -> None:
    rows = pd.DataFrame(
        {
            "account_id": ["a", "b", "a"], "product_id": ["free", "pro", "starter"], "quantity": [1.0, 2.0, 1.0],
            "billing": "monthly", "valid_from_on": ["2025-01-01", "2025-01-01", "2025-02-01"],
            "valid_to_on": ["2025-02-01", None, None],
        }
    )  # fmt: skip
    found = changes(rows.iloc[order], catalog)
    assert found[["account_id", "kind"]].values.tolist() == [["a", "started"], ["a", "moved"], ["b", "started"]]
