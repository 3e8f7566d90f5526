"""Who is asked about, and with which attributes: the last change known by the day, never a later one."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog
from data.cohort import cohort
from data.frames import to_pandas
from data.known import calendar
from tests.golden.staged import table

D = date(2026, 6, 1)
Find = Callable[..., pd.DataFrame]
TODAY = {
    "account_id": "a", "signed_up_on": "2025-01-01", "owner_id": "today", "employee_count": 50,
    "csm_sentiment": "green", "has_opted_in": True, "do_not_contact_until": "2027-01-01",
}  # fmt: skip


@pytest.fixture
def found(on_engine: Any, catalog: Catalog) -> Find:
    def find(changes: list[dict[str, Any]] | None, days: tuple[date, ...] = (D,), **account: Any) -> pd.DataFrame:
        tables = {
            "accounts": table("accounts", [TODAY | account]),
            "subscriptions": table(
                "subscriptions", [{"account_id": "a", "product_id": "pro", "valid_from_on": "2025-01-01"}]
            ),
        }
        if changes is not None:
            tables["account_changes"] = table("account_changes", [{"account_id": "a"} | row for row in changes])
        staged = on_engine(tables)
        rows = cohort(
            staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, calendar(list(days))
        )
        return to_pandas(rows.to_pyarrow()).set_index("as_of").sort_index()

    return find


def change(at: str, field: str, value: str | None) -> dict[str, Any]:
    return {"changed_at": pd.Timestamp(at), "field": field, "value": value}


ATTRIBUTES = ["owner_id", "employee_count", "csm_sentiment", "has_opted_in"]


def test_without_changes_attributes_are_todays(found: Find) -> None:
    row = found(None).iloc[0]
    assert row[ATTRIBUTES].tolist() == ["today", 50, "green", True]
    assert row["do_not_contact_until"] == pd.Timestamp("2027-01-01")


def test_the_last_change_known_by_the_day(found: Find) -> None:
    changes = [
        change("2026-01-01 10:00", "owner_id", "first"),
        change("2026-05-31 23:59:59", "owner_id", "second"),
        change("2026-06-01 00:00", "owner_id", "third"),
        change("2026-05-01", "employee_count", "77"),
        change("2026-05-01", "has_opted_in", "false"),
        change("2026-05-02", "csm_sentiment", "red"),
        change("2026-05-03", "do_not_contact_until", "2026-08-01"),
    ]
    rows = found(changes, days=(date(2026, 1, 2), D, D + timedelta(days=1)))
    assert rows["owner_id"].tolist() == ["first", "second", "third"]
    row = rows.loc[pd.Timestamp(D)]
    assert row[ATTRIBUTES[1:]].tolist() == [77, "red", False]
    assert row["do_not_contact_until"] == pd.Timestamp("2026-08-01")


def test_of_two_changes_on_one_day_the_later_hour_counts(found: Find) -> None:
    changes = [change("2026-05-03 18:00", "csm_sentiment", "green"), change("2026-05-03 09:00", "csm_sentiment", "red")]
    assert found(changes)["csm_sentiment"].tolist() == ["green"]


@pytest.mark.parametrize(
    "field", ["owner_id", "employee_count", "csm_sentiment", "has_opted_in", "do_not_contact_until"]
)
def test_a_change_to_nothing_is_a_change(field: str, found: Find) -> None:
    """Consent withdrawn to null must not read as the consent that `accounts` holds today."""
    assert found([change("2026-05-03", field, None)])[field].isna().all()


def test_a_change_recorded_late_counts_from_then(found: Find) -> None:
    late = change("2026-05-03", "owner_id", "late") | {"known_on": pd.Timestamp(D)}
    rows = found([change("2026-01-01", "owner_id", "before"), late], days=(D, D + timedelta(days=1)))
    assert rows["owner_id"].tolist() == ["before", "late"]


def test_changes_of_other_fields_touch_nothing(found: Find) -> None:
    row = found([change("2026-05-03", "favourite_colour", "blue")]).iloc[0]
    assert row[ATTRIBUTES].tolist() == ["today", 50, "green", True]


def test_who_has_not_signed_up_by_then_is_not_there(found: Find) -> None:
    assert found(None, signed_up_on="2026-06-01").empty
    assert len(found(None, signed_up_on="2026-05-31")) == 1
