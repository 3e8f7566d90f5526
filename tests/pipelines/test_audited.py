"""The raw rows of `upsell audit` show nothing that was not known by the list's day."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.audited import raw_rows
from tests.conftest import to_arrow
from tests.golden.staged import table

AS_OF = date(2026, 6, 1)
ROWS: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"account_id": "a", "signed_up_on": "2025-01-01", "owner_id": "CSM-9", "has_opted_in": True, "region": "JP",
         "employee_count": 80, "csm_sentiment": "red"},
        {"account_id": "b", "signed_up_on": "2025-01-01"},
    ],
    "subscriptions": [
        {"account_id": "a", "product_id": "pro", "quantity": 5.0, "mrr": 10.0, "valid_from_on": "2025-01-01",
         "valid_to_on": "2026-06-20", "ended_reason": "churn"},
        {"account_id": "b", "product_id": "pro", "valid_from_on": "2025-01-01"},
    ],
    "usage": [{"account_id": "a", "used_on": day} for day in ("2026-05-31", "2026-06-01")],
    "account_changes": [
        {"account_id": "a", "changed_at": "2026-01-10 09:00", "field": "owner_id", "value": "CSM-1"},
        {"account_id": "a", "changed_at": "2026-06-10 09:00", "field": "owner_id", "value": "CSM-9"},
        {"account_id": "a", "changed_at": "2026-02-10 09:00", "field": "has_opted_in", "value": "false"},
        {"account_id": "a", "changed_at": "2026-06-12 09:00", "field": "has_opted_in", "value": "true"},
    ],
    "proposals": [
        {"proposal_id": "p-silent", "account_id": "a", "offer_id": "more_seats", "proposed_at": "2026-04-01 09:00",
         "outcome": "no_response"},
        {"proposal_id": "p-waiting", "account_id": "a", "offer_id": "more_seats", "proposed_at": "2026-05-20 09:00",
         "outcome": "no_response"},
        {"proposal_id": "p-later", "account_id": "a", "offer_id": "more_seats", "proposed_at": "2026-05-25 09:00",
         "outcome": "declined", "decided_at": "2026-06-05 09:00", "reason": "price"},
        {"proposal_id": "p-decided", "account_id": "a", "offer_id": "more_seats", "proposed_at": "2026-05-26 09:00",
         "outcome": "accepted", "decided_at": "2026-05-30 09:00"},
        {"proposal_id": "p-future", "account_id": "a", "offer_id": "more_seats", "proposed_at": "2026-06-02 09:00"},
    ],
}  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pd.DataFrame]:
    shutil.copy(Path(__file__).parents[2] / "catalog.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, given in ROWS.items():
        pq.write_table(to_arrow(name, table(name, given)), f"{name}.parquet")
    return raw_rows("a", AS_OF, Path())


def test_the_account_is_shown_as_it_was_that_day(rows: dict[str, pd.DataFrame]) -> None:
    (account,) = rows["accounts"].to_dict("records")
    assert (account["owner_id"], account["has_opted_in"]) == ("CSM-1", False)
    assert (account["region"], account["csm_sentiment"]) == ("JP", "red")  # never changed: as today
    assert account["employee_count"] == 80
    assert list(rows["accounts"]) == [
        "account_name", "industry", "employee_count", "region", "signed_up_on", "owner_id", "csm_sentiment",
        "has_opted_in", "do_not_contact_until",
    ]  # fmt: skip


def test_an_outcome_is_what_was_known_of_it(rows: dict[str, pd.DataFrame]) -> None:
    proposals = rows["proposals"].set_index("proposal_id")
    assert proposals["outcome"].to_dict() == {
        "p-silent": "no_response",
        "p-waiting": "open",
        "p-later": "open",
        "p-decided": "accepted",
    }
    assert proposals["reason"].isna().all()
    assert proposals["decided_at"].notna().tolist() == [False, False, False, True]


def test_nothing_later_is_shown(rows: dict[str, pd.DataFrame]) -> None:
    (terms,) = rows["subscriptions"].to_dict("records")
    assert pd.isna(terms["valid_to_on"])
    assert pd.isna(terms["ended_reason"])
    assert rows["usage"]["used_on"].tolist() == [pd.Timestamp("2026-05-31")]
    assert rows["account_changes"]["value"].tolist() == ["CSM-1", "false"]
